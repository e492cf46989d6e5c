/** The function of C, or the label of assembly, that an address lies in. */
import type { Binary } from './api';

export function functionOrLabelAt(
  binary: Pick<Binary, 'functionAt' | 'symbolAt'>,
  address: bigint,
): { name: string; low: bigint } | undefined {
  const info = binary.functionAt(address);
  if (info) return info;
  const symbol = binary.symbolAt(address)?.symbol;
  return symbol && { name: symbol.name, low: symbol.address };
}
