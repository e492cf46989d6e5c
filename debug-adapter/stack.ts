/**
 * The call stack of a hart: unwound by the debug information, with inlined functions as frames of their own, and
 * assembly by its symbol. It goes on through a trap that the kernel took in itself, and ends where the program's own code
 * ends: at the trap from a user program, or at the start.
 */
import type { Hart } from '../emulator/types';
import type { Debuggee } from './debuggee';
import { evaluationContext } from './evaluation';
import { evaluate, integerOf } from './expressions/evaluate';
import type { Image } from './image';
import { hartSpace, type AddressSpace } from './memory';
import type { FrameRegisters } from './symbols/api';
import { interruptedBy, vectorAt } from './trap-vector';

export interface Frame {
  readonly id: number;
  readonly hart: number;
  /** Registers of the machine frame; inlined frames share those of the function they are inlined in. */
  readonly registers: FrameRegisters;
  /** Undefined for code of which nothing is known. */
  readonly image: Image | undefined;
  /** The memory that the frame's code sees. */
  readonly space: AddressSpace;
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
  const space = hartSpace(debuggee.machine, hart);
  const { read } = space;
  const frames: Frame[] = [];
  const image = debuggee.imageAt(hart);
  let callee: FrameRegisters | undefined;
  let registers: FrameRegisters | undefined = debuggee.frame(hart);
  if (!image) return [unknownFrame(firstId, hartId, registers, space)];
  while (registers && frames.length < DEEPEST) {
    frames.push(...framesAt(image, space, hartId, registers, firstId + frames.length));
    const vector = vectorAt(image, hart, registers);
    const caller: FrameRegisters | undefined = vector
      ? interruptedBy(vector, image, hart, registers, read, callee && keptSepc(debuggee, hart, callee))
      : image.caller(registers, read);
    callee = registers;
    // A caller that stands where its callee does: the unwinding runs in a circle.
    if (caller?.pc === registers.pc && caller.x[SP] === registers.x[SP]) break;
    registers = caller;
  }
  return frames;
}

/** What a handler keeps of sepc while other traps may come: xv6's kerneltrap has a variable of that name. */
function keptSepc(debuggee: Debuggee, hart: Hart, handler: FrameRegisters): bigint | undefined {
  const evaluation = evaluationContext(debuggee, hart, handler);
  try {
    const value = evaluate('sepc', evaluation);
    return value.machine ? undefined : integerOf(value, evaluation);
  } catch {
    return undefined;
  }
}

function framesAt(
  image: Image,
  space: AddressSpace,
  hart: number,
  registers: FrameRegisters,
  firstId: number,
): Frame[] {
  const { binary } = image;
  const lookup = image.lookup(registers);
  const frames: Frame[] = [];
  const all = binary.inlinedCallsAt(lookup);
  const entered = registers.returnAddress ? all : image.inlinedCalls(lookup);
  const entry = binary.lineAt(lookup);
  // A call that has not been made yet is seen at the line that makes it.
  const notEntered = all[all.length - entered.length - 1];
  let file = notEntered ? notEntered.callFile : entry?.file;
  let line = (notEntered ? notEntered.callLine : entry?.line) ?? 0;
  let column = notEntered ? 0 : (entry?.column ?? 0);
  const add = (name: string): void => {
    const inlinedDepth = all.length - entered.length + frames.length;
    const id = firstId + frames.length;
    frames.push({ id, hart, registers, image, space, lookup, name, file, line, column, inlinedDepth });
  };
  for (const call of entered) {
    add(call.name);
    file = call.callFile;
    line = call.callLine ?? 0;
    column = 0;
  }
  add(binary.functionAt(lookup)?.name ?? symbolName(image, lookup) ?? hex(registers.pc));
  return frames;
}

function symbolName(image: Image, address: bigint): string | undefined {
  return image.binary.symbolAt(address)?.symbol.name;
}

function unknownFrame(id: number, hart: number, registers: FrameRegisters, space: AddressSpace): Frame {
  return {
    id,
    hart,
    registers,
    image: undefined,
    space,
    lookup: registers.pc,
    name: hex(registers.pc),
    file: undefined,
    line: 0,
    column: 0,
    inlinedDepth: 0,
  };
}
