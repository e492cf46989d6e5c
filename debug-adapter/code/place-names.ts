/** Places in code as sentences name them: "walk+24 at vm.c:96", and who runs there. */
import type { Hart } from '../../emulator/types';
import type { Debuggee } from '../launch/debuggee';
import { disassemble } from '../../emulator/isa/disassemble';
import { wordAt } from '../../emulator/isa/instruction-at';
import { hex } from '../memory/hex';
import type { MappedProgram } from './mapped-program';

/** A place in the kernel; undefined for what is none. */
export const kernelPlace = ({ image }: Debuggee, address: bigint): string | undefined =>
  image.contains(address) ? placeIn(image, address) : undefined;

function placeIn(image: MappedProgram, address: bigint): string | undefined {
  const found = image.binary.symbolAt(image.linked(address));
  if (!found) return undefined;
  const line = image.binary.lineAt(image.linked(address));
  const place = line ? ` at ${line.file.slice(line.file.lastIndexOf('/') + 1)}:${line.line}` : '';
  return `${found.symbol.name}${found.offset === 0n ? '' : `+${found.offset}`}${place}`;
}

/** "sd a0,24(a1) at 0x80001234 (walk+24 at vm.c:96) on hart 1 (pid 3 sh)": an instruction that a hart has just executed. */
export function instructionText(debuggee: Debuggee, hart: Hart, pc: bigint): string {
  const word = wordAt(debuggee.read(hart), pc);
  const text = word === undefined ? undefined : disassemble(word, pc).text;
  const image = debuggee.imageOf(hart, pc);
  const name = image && placeIn(image, pc);
  return `${text === undefined ? 'the instruction' : text} at ${hex(pc)}${name === undefined ? '' : ` (${name})`} ${hartText(debuggee, hart.id)}`;
}

/** "on hart 1 (pid 3 sh)". */
export function hartText(debuggee: Debuggee, hart: number): string {
  const process = debuggee.processOn(hart);
  return `on hart ${hart}${process ? ` (pid ${process.pid} ${process.name})` : ''}`;
}
