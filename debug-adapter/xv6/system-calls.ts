/** System calls by the kernel's own table `syscalls`, which the number in a7 indexes: pointers to the functions sys_*. */
import { plain } from '../expressions/types';
import { functionName, globalOf, readWord, type Xv6 } from './kernel';

/** A larger table cannot be that of the system calls. */
const MOST_CALLS = 1024;

/** "read" for the index of sys_read; undefined if the table has no entry there. */
export function systemCallName(xv6: Xv6, number: bigint): string | undefined {
  const target = systemCallFunction(xv6, number);
  return target === undefined ? undefined : functionName(xv6, target)?.replace(/^sys_/, '');
}

/** The kernel's function for a number. */
export function systemCallFunction(xv6: Xv6, number: bigint): bigint | undefined {
  const table = tableOf(xv6);
  if (!table || number < 0n || number >= BigInt(table.count)) return undefined;
  return readWord(xv6, table.address + 8n * number) || undefined;
}

/** All of them. */
export function systemCallFunctions(xv6: Xv6): bigint[] {
  const count = tableOf(xv6)?.count ?? 0;
  return Array.from({ length: count }, (_, number) => systemCallFunction(xv6, BigInt(number)) ?? []).flat();
}

function tableOf(xv6: Xv6): { address: bigint; count: number } | undefined {
  const table = globalOf(xv6, 'syscalls');
  const type = table && plain(table.type);
  return type?.kind === 'array' ? { address: table!.address, count: Math.min(type.count ?? 0, MOST_CALLS) } : undefined;
}
