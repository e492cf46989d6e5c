/**
 * The message of a kernel panic, from the arguments of `panic` at the function's entry. In later kernels and some labs the
 * message is a format, so this also does the conversions of xv6's printf.
 */
import { hex } from '../../emulator/isa/hex';
import type { ReadMemory } from '../symbols/api';

const MAX_MESSAGE = 512;

/** The string at an address, up to NUL or the limit; undefined if nothing can be read. */
export function readString(read: ReadMemory, address: bigint, limit = MAX_MESSAGE): string | undefined {
  let text = '';
  let at = address;
  while (text.length < limit) {
    // Not beyond the page: the next one may not be mapped.
    const length = Math.min(limit - text.length, Number(4096n - (at & 4095n)));
    const bytes = read(at, length);
    if (!bytes) return at === address ? undefined : text;
    const end = bytes.indexOf(0);
    text += String.fromCharCode(...(end < 0 ? bytes : bytes.subarray(0, end)));
    if (end >= 0) break;
    at += BigInt(length);
  }
  return text;
}

/**
 * The message of a call of panic. `argument(i)` is the register a0+i at the function's first instruction; undefined if
 * a0 points to no text.
 */
export function panicMessage(argument: (index: number) => bigint, read: ReadMemory): string | undefined {
  const format = readString(read, argument(0));
  if (format === undefined) return undefined;
  let next = 1;
  const message = format.replace(/%(l{0,2})([duxpsc%])/g, (whole, long: string, conversion: string) => {
    if (conversion === '%') return '%';
    if (next > 7) return whole;
    const value = argument(next++);
    const bits = long ? 64 : 32;
    switch (conversion) {
      case 'd':
        return String(BigInt.asIntN(bits, value));
      case 'u':
        return String(BigInt.asUintN(bits, value));
      case 'x':
        return BigInt.asUintN(bits, value).toString(16);
      case 'p':
        return `0x${value.toString(16).padStart(16, '0')}`;
      case 'c':
        return String.fromCharCode(Number(value & 0xffn));
      default:
        return value === 0n ? '(null)' : (readString(read, value) ?? `<no text at ${hex(value)}>`);
    }
  });
  return message.trimEnd();
}
