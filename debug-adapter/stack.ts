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

const RA = 1;
const SP = 2;
const SEPC = 0x141;
const STVEC = 0x105;

const hex = (value: bigint): string => `0x${value.toString(16)}`;

/** Frames innermost first, with ids from `firstId`. */
export function walkStack(debuggee: Debuggee, hartId: number, firstId: number): Frame[] {
  const hart = debuggee.harts[hartId]!;
  const read = debuggee.read(hart);
  const frames: Frame[] = [];
  const image = debuggee.imageAt(hart);
  let callee: FrameRegisters | undefined;
  let registers: FrameRegisters | undefined = debuggee.frame(hart);
  if (!image) return [unknownFrame(firstId, hartId, registers)];
  while (registers && frames.length < DEEPEST) {
    frames.push(...framesAt(image, hartId, registers, firstId + frames.length));
    const caller: FrameRegisters | undefined = isTrapVector(image, hart, registers)
      ? interrupted(debuggee, image, hart, registers, callee)
      : image.caller(registers, read);
    callee = registers;
    // A caller that stands where its callee does: the unwinding runs in a circle.
    if (caller?.pc === registers.pc && caller.x[SP] === registers.x[SP]) break;
    registers = caller;
  }
  return frames;
}

/** Whether the frame is in the code that traps from the kernel enter by: xv6's kernelvec. */
function isTrapVector(image: Image, hart: Hart, registers: FrameRegisters): boolean {
  const symbol = image.binary.symbolAt(image.lookup(registers))?.symbol;
  if (!symbol) return false;
  const vector = (hart.csr(STVEC) ?? 0n) & ~3n;
  return symbol.name === 'kernelvec' || (symbol.address === vector && symbol.name !== 'uservec');
}

/**
 * The registers of the code that a trap interrupted. What the vector has saved is found as in any function; but it was not
 * called: it goes back to sepc, which the handler keeps in a variable of that name while other traps may come, and
 * what looks like its return address is the interrupted code's own.
 */
function interrupted(
  debuggee: Debuggee,
  image: Image,
  hart: Hart,
  vector: FrameRegisters,
  handler: FrameRegisters | undefined,
): FrameRegisters | undefined {
  const saved = image.caller(vector, debuggee.read(hart));
  const pc = (handler && keptSepc(debuggee, hart, handler)) ?? hart.csr(SEPC);
  if (!saved || pc === undefined || !image.contains(pc)) return undefined;
  const x = saved.x.map((value, register) => (register === RA ? saved.pc : value));
  return { ...saved, pc, x, returnAddress: false };
}

function keptSepc(debuggee: Debuggee, hart: Hart, handler: FrameRegisters): bigint | undefined {
  const evaluation = evaluationContext(debuggee, hart, handler);
  try {
    const value = evaluate('sepc', evaluation);
    return value.machine ? undefined : integerOf(value, evaluation);
  } catch {
    return undefined;
  }
}

function framesAt(image: Image, hart: number, registers: FrameRegisters, firstId: number): Frame[] {
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
    frames.push({ id, hart, registers, image, lookup, name, file, line, column, inlinedDepth });
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
