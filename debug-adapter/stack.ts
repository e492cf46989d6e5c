/**
 * The call stack of a hart: unwound by the debug information, with inlined functions as frames of their own, and
 * assembly by its symbol. It ends where the program's own code ends: at the trap from a user program, or at the start.
 */
import type { Debuggee } from './debuggee';
import type { Image } from './image';
import type { FrameRegisters } from './symbols/api';

export interface Frame {
  readonly id: number;
  readonly hart: number;
  /** Registers of the machine frame; inlined frames share those of the function they are inlined in. */
  readonly registers: FrameRegisters;
  /** Undefined for code of which nothing is known. */
  readonly image: Image | undefined;
  /** The linked address at which lines and variables are looked up: within the call, for a frame that called another. */
  readonly lookup: bigint;
  readonly name: string;
  /** As recorded by the compiler. */
  readonly file: string | undefined;
  readonly line: number;
  readonly column: number;
  /** Of the calls inlined at this place, innermost first, the index of the frame's; their number for the function itself. */
  readonly inlinedDepth: number;
}

/** A stack this deep is a broken one; xv6's are one page. */
const DEEPEST = 256;

const SP = 2;

const hex = (value: bigint): string => `0x${value.toString(16)}`;

/** Frames innermost first, with ids from `firstId`. */
export function walkStack(debuggee: Debuggee, hartId: number, firstId: number): Frame[] {
  const hart = debuggee.harts[hartId]!;
  const read = debuggee.read(hart);
  const frames: Frame[] = [];
  const image = debuggee.imageAt(hart);
  let registers: FrameRegisters | undefined = debuggee.frame(hart);
  if (!image) return [unknownFrame(firstId, hartId, registers)];
  while (registers && frames.length < DEEPEST) {
    frames.push(...framesAt(image, hartId, registers, firstId + frames.length));
    const caller: FrameRegisters | undefined = image.caller(registers, read);
    // A caller that stands where its callee does: the unwinding runs in a circle.
    if (caller?.pc === registers.pc && caller.x[SP] === registers.x[SP]) break;
    registers = caller;
  }
  return frames;
}

function framesAt(image: Image, hart: number, registers: FrameRegisters, firstId: number): Frame[] {
  const { binary } = image;
  const lookup = image.lookup(registers);
  const frames: Frame[] = [];
  const entry = binary.lineAt(lookup);
  let file = entry?.file;
  let line = entry?.line ?? 0;
  let column = entry?.column ?? 0;
  const common = { hart, registers, image, lookup };
  for (const call of binary.inlinedCallsAt(lookup)) {
    frames.push({
      ...common,
      id: firstId + frames.length,
      name: call.name,
      file,
      line,
      column,
      inlinedDepth: frames.length,
    });
    file = call.callFile;
    line = call.callLine ?? 0;
    column = 0;
  }
  const name = binary.functionAt(lookup)?.name ?? symbolName(image, lookup) ?? hex(registers.pc);
  frames.push({ ...common, id: firstId + frames.length, name, file, line, column, inlinedDepth: frames.length });
  return frames;
}

function symbolName(image: Image, address: bigint): string | undefined {
  return image.binary.symbolAt(address)?.symbol.name;
}

function unknownFrame(id: number, hart: number, registers: FrameRegisters): Frame {
  return {
    id,
    hart,
    registers,
    image: undefined,
    lookup: registers.pc,
    name: hex(registers.pc),
    file: undefined,
    line: 0,
    column: 0,
    inlinedDepth: 0,
  };
}
