/** Memory as the commands `x` and `xp` of QEMU's monitor show it (memory_dump in its monitor/hmp-cmds.c). */
import { type ReadBytes, instructionsFrom } from '../emulator/isa/instructions/instruction-at';
import { disassemble } from '../emulator/isa/instructions/disassemble';

export interface Format {
  readonly count: number;
  readonly letter: string;
  /** Bytes of each. */
  readonly size: number;
}

const SIZES: Readonly<Record<string, number>> = { b: 1, h: 2, w: 4, g: 8 };
const DEFAULT_SIZE = 4;
const MOST = 4096;

/** As in `/4gx`; undefined if it is none. */
export function parseFormat(text: string): Format | undefined {
  const match = /^(\d{0,4})([a-z]*)$/.exec(text);
  if (!match) return undefined;
  const count = match[1] === '' ? 1 : Number(match[1]);
  const letters = [...match[2]!];
  const letter = letters.find((one) => 'xduoci'.includes(one)) ?? 'x';
  const size = letters.find((one) => one in SIZES);
  if (count > MOST || letters.some((one) => one !== letter && one !== size)) return undefined;
  return { count, letter, size: size === undefined ? (letter === 'c' ? 1 : DEFAULT_SIZE) : SIZES[size]! };
}

export function dump(read: ReadBytes, address: bigint, { count, letter, size }: Format): string {
  if (letter === 'i') return listing(read, address, count);
  const inLine = letter === 'c' || size === 1 ? 8 / size : 16 / size;
  let text = '';
  for (let done = 0; done < count; done += inLine) {
    const at = BigInt.asUintN(64, address + BigInt(done * size));
    const bytes = read(at, Math.min(inLine, count - done) * size);
    if (bytes === undefined) return `${text}${addressText(at)}: Cannot access memory\n`;
    const values = Array.from({ length: bytes.length / size }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
    text += `${addressText(at)}: ${values.map((value) => show(letter, value)).join(' ')}\n`;
  }
  return text;
}

function listing(read: ReadBytes, address: bigint, count: number): string {
  let text = '';
  for (const { address: at, word } of instructionsFrom(read, address)) {
    if (count-- <= 0) return text;
    text += `0x${at.toString(16).padStart(8, '0')}:  ${disassemble(word, at).text}\n`;
  }
  return count > 0 ? `${text}Cannot access memory\n` : text;
}

/** Little-endian bytes as one number. */
function show(letter: string, bytes: Uint8Array): string {
  const bits = bytes.length * 8;
  const decimals = Math.ceil((bits * 10) / 33);
  const value = bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  switch (letter) {
    case 'd':
      return BigInt.asIntN(64, value).toString().padStart(decimals);
    case 'u':
      return value.toString().padStart(decimals);
    case 'o':
      return `0${value.toString(8).padStart(Math.ceil(bits / 3), '0')}`;
    case 'c':
      return `'${value >= 0x20n && value < 0x7fn ? String.fromCharCode(Number(value)) : `\\x${value.toString(16).padStart(2, '0')}`}'`;
    default:
      return `0x${value.toString(16).padStart(bits / 4, '0')}`;
  }
}

const addressText = (address: bigint): string => address.toString(16).padStart(16, '0');
