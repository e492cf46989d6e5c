/** Places in code as sentences name them: "walk+24 at vm.c:96", and who runs there. */
import { named } from '../xv6/processes';
import type { Hart } from '../../emulator/types';
import { processOn } from '../xv6/cpus';
import type { Guest } from './guest';
import { baseName } from './sources';
import { disassemble } from '../../emulator/isa/instructions/disassemble';
import { wordAt } from '../../emulator/isa/instructions/instruction-at';
import { hex } from '../../emulator/isa/hex';
import type { MappedProgram } from './mapped-program';

/** A place in code, in words, and where its source is known. */
export interface Place {
  readonly text: string;
  /** As the compiler recorded it. */
  readonly file?: string;
  readonly line?: number;
}

/** A place in the kernel; undefined for what is none. */
export const kernelPlace = ({ image }: Pick<Guest, 'image'>, address: bigint): string | undefined =>
  image.contains(address) ? placeIn(image, address) : undefined;

function placeIn(image: MappedProgram, address: bigint): string | undefined {
  const found = image.binary.symbolAt(image.linked(address));
  if (!found) return undefined;
  const line = image.binary.lineAt(image.linked(address));
  const place = line ? ` at ${baseName(line.file)}:${line.line}` : '';
  return `${found.symbol.name}${found.offset === 0n ? '' : `+${found.offset}`}${place}`;
}

/** "vm.c:98": the line of a place in the kernel, or what else is known of it. */
export function kernelLine(guest: Pick<Guest, 'image'>, address: bigint): string {
  const { image } = guest;
  const found = image.contains(address) ? image.binary.lineAt(image.linked(address)) : undefined;
  return found === undefined ? (kernelPlace(guest, address) ?? hex(address)) : `${baseName(found.file)}:${found.line}`;
}

/** A place in the code that a hart sees: the kernel's, or in user mode its program's. */
export function codePlace(guest: Pick<Guest, 'imageOf'>, hart: Hart, address: bigint): string | undefined {
  const image = guest.imageOf(hart, address);
  return image && placeIn(image, address);
}

/** What sentences about an instruction are made from. */
export type InstructionGuest = Pick<Guest, 'harts' | 'imageOf' | 'read' | 'xv6'>;

/** "sd a0,24(a1) at 0x80001234 (walk+24 at vm.c:96) on hart 1 (pid 3 sh)": an instruction that a hart has just executed. */
export function instructionText(guest: InstructionGuest, hart: Hart, pc: bigint): string {
  const word = wordAt(guest.read(hart), pc);
  const text = word === undefined ? undefined : disassemble(word, pc).text;
  const name = codePlace(guest, hart, pc);
  return `${text === undefined ? 'the instruction' : text} at ${hex(pc)}${name === undefined ? '' : ` (${name})`} ${hartText(guest, hart.id)}`;
}

/** "on hart 1 (pid 3 sh)". */
export function hartText(guest: Pick<Guest, 'harts' | 'xv6'>, hart: number): string {
  const process = processOn(guest.xv6, guest.harts[hart]!);
  return `on hart ${hart}${process ? ` (${named(process)})` : ''}`;
}

/** The place of a call, from where it returns to. */
export function callPlace(image: MappedProgram, returnAddress: bigint): Place | undefined {
  const linked = image.linked(returnAddress);
  const symbol = image.binary.symbolAt(linked - 1n)?.symbol;
  if (symbol === undefined) return undefined;
  const line = image.binary.callLineAt(linked - 1n);
  const at = line === undefined ? '' : ` at ${baseName(line.file)}:${line.line}`;
  return { text: `${symbol.name}${at}`, ...(line && { file: line.file, line: line.line }) };
}
