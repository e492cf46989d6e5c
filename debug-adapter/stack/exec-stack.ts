/**
 * The stack that exec has built for a program (chapter 3.8 of the xv6 book): the strings of its arguments at the top, below them
 * the array of pointers to them with a zero at its end, which is argv. It is found by what lies there: nothing says where it is.
 */
import { PAGE_SIZE } from '../../emulator/isa/sv39';
import type { ReadMemory } from '../symbols/api';

/** Pages above the stack pointer that are looked at, and arguments of a program. */
const MOST_PAGES = 8;
const MOST_ARGUMENTS = 64;
/** Bytes of a longest string. */
const LONGEST = 512;
/** The calling convention has the stack pointer at multiples of it. */
const ALIGNMENT = 16n;

export interface ExecStack {
  /** The address of the array, which was the first stack pointer. */
  readonly argv: bigint;
  readonly arguments: readonly { readonly address: bigint; readonly text: string }[];
}

/** `sp`: the program's stack pointer. Undefined if no such stack lies at it or above it. */
export function execStack(sp: bigint, read: ReadMemory): ExecStack | undefined {
  const first = sp - (sp % PAGE_SIZE);
  let bytes = new Uint8Array(0);
  for (let page = 0; page < MOST_PAGES; page++) {
    const more = read(first + BigInt(page) * PAGE_SIZE, Number(PAGE_SIZE));
    if (more === undefined) break;
    // The heap follows the stack: an array that fits in fewer pages is the stack's.
    bytes = joined(bytes, more);
    const found = within(first, bytes, sp);
    if (found !== undefined) return found;
  }
  return undefined;
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

/** In memory from `base` on whose end is the top of the stack. */
function within(base: bigint, bytes: Uint8Array, sp: bigint): ExecStack | undefined {
  const top = base + BigInt(bytes.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const word = (address: bigint): bigint => view.getBigUint64(Number(address - base), true);
  const arrayAt = (argv: bigint): ExecStack | undefined => {
    const found: { address: bigint; text: string }[] = [];
    for (let at = argv; at <= top - 8n && found.length <= MOST_ARGUMENTS; at += 8n) {
      const address = word(at);
      // Each string lies below the one before it, and all of them above the array.
      if (address === 0n && found.length > 0 && found.at(-1)!.address > at) return { argv, arguments: found };
      if (address <= at || address >= (found.at(-1)?.address ?? top)) return undefined;
      const text = textAt(bytes, Number(address - base));
      if (text === undefined) return undefined;
      found.push({ address, text });
    }
    return undefined;
  };
  const end = ({ argv, arguments: { length } }: ExecStack): bigint => argv + BigInt(8 * length);
  let array: ExecStack | undefined;
  for (let argv = top - ALIGNMENT; argv >= sp; argv -= ALIGNMENT) {
    const found = arrayAt(argv);
    // The end of an array looks like a shorter one.
    if (found !== undefined && (array === undefined || end(found) === end(array))) array = found;
  }
  return array;
}

/** Undefined if no string of printable characters ends within the memory. */
function textAt(bytes: Uint8Array, start: number): string | undefined {
  const end = bytes.indexOf(0, start);
  if (end < 0 || end - start > LONGEST) return undefined;
  const text = new TextDecoder().decode(bytes.subarray(start, end));
  return /[\x00-\x08\x0e-\x1f\x7f\ufffd]/.test(text) ? undefined : text;
}
