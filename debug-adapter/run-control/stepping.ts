/**
 * Stepping, as plans: each is a generator that says what it wants to happen next (one instruction of a hart, or that an
 * address is reached) and is told when it has. The runner carries them out between requests, so a step that takes
 * long can be paused like anything else.
 *
 * What is stepped is a thread of execution, not a hart: it is known by its stack pointer, which is unlike any other's,
 * and may go on at another hart after an interrupt has made the kernel switch processes.
 */
import { Mode, type Hart, type TrapEvent } from '../../emulator/types';
import type { FrameRegisters, ReadMemory } from '../symbols/api';
import type { Image } from '../image';
import { callLength } from './calls';
import { isEnvironmentCall } from './causes';

export type Want =
  /** The hart executes one instruction, or takes a trap in its place. */
  | { kind: 'instruction'; hart: number }
  /** A hart is about to execute the instruction at one of the addresses, and `accept` holds for it. */
  | {
      kind: 'reach';
      addresses: bigint[];
      accept(hart: Hart): boolean;
      /** Whether the addresses can be meant in the mode and address space a hart is in now. */
      concerns?(hart: Hart): boolean;
    };

export interface Happened {
  hart: number;
  /** The trap that was taken instead of the instruction, or because of it. */
  trap?: TrapEvent | undefined;
}

/** Gives the hart on which the step ended. */
export type StepPlan = Generator<Want, number, Happened>;

/** What a plan must know of the machine and the program in it. */
export interface Ground {
  harts: readonly Hart[];
  /** The program whose code stands at `pc` in this mode; undefined for code of which nothing is known. */
  imageAt(hart: Hart): Image | undefined;
  read(hart: Hart): ReadMemory;
  frame(hart: Hart): FrameRegisters;
}

const RA = 1;
const SP = 2;
const SATP = 0x180;
const STVEC = 0x105;
/** No prologue makes a larger frame on xv6's one-page stacks. */
const LARGEST_FRAME = 4096n;

/** One instruction. Interrupts are run through; an exception enters the trap handler unless `over`. */
export function* stepInstruction(ground: Ground, hart: number, over: boolean): StepPlan {
  const before = ground.harts[hart]!;
  const sp = before.x(SP);
  const call = over ? returnAddress(ground, before) : undefined;
  const at = yield* instruction(ground, hart, over);
  if (call === undefined || ground.harts[at]!.pc === call) return at;
  return yield* reach(ground, at, [call], sp);
}

/** To the next line: over calls, or into functions that have lines. */
export function* stepLine(ground: Ground, hart: number, into: boolean): StepPlan {
  const start = position(ground, ground.harts[hart]!, into ? undefined : inlineDepth(ground, ground.harts[hart]!));
  for (;;) {
    const before = ground.harts[hart]!;
    const sp = before.x(SP);
    const back = returnAddress(ground, before);
    hart = yield* instruction(ground, hart, true);
    const now = ground.harts[hart]!;

    if (back !== undefined && now.pc !== back) {
      if (into && hasLines(ground, now)) return yield* pastPrologue(ground, hart);
      hart = yield* reach(ground, hart, [back], sp);
    } else if (!ground.imageAt(now)) {
      hart = yield* untilKernel(ground, hart);
      if (hasLines(ground, ground.harts[hart]!)) return hart;
      continue;
    }

    const here = ground.harts[hart]!;
    const place = position(ground, here, start?.depth);
    if (!place) continue;
    if (place.function !== start?.function) {
      const entered = place.offset === 0n;
      if (!entered) return hart;
      // A jump to the start of a function is a call in the last place of its caller.
      const ra = here.x(RA);
      if (into || !ground.imageAt(here)?.contains(ra)) return yield* pastPrologue(ground, hart);
      hart = yield* reach(ground, hart, [ra], here.x(SP));
      const after = position(ground, ground.harts[hart]!, undefined);
      if (after) return hart;
      continue;
    }
    if (place.file === start?.file && place.line === start?.line) continue;
    if (place.startsStatement) return hart;
  }
}

/** Until the function has returned to its caller. Throws an Error if there is none. */
export function stepOut(ground: Ground, hart: number): StepPlan {
  const now = ground.harts[hart]!;
  const image = ground.imageAt(now);
  if (!image)
    throw new Error(`Nothing is known of the code at 0x${now.pc.toString(16)}, so its caller cannot be told.`);
  const caller = image.caller(ground.frame(now), ground.read(now));
  const sp = caller?.x[SP];
  if (!caller || sp === undefined) {
    const name = image.binary.functionAt(image.linked(now.pc))?.name ?? 'this code';
    throw new Error(`${name} is the outermost function of this stack: it has no caller to go out to.`);
  }
  return reach(ground, hart, [caller.pc], sp);
}

/** Until any hart is about to execute the instruction at `address`. */
export function* reachAddress(address: bigint): StepPlan {
  return (yield { kind: 'reach', addresses: [address], accept: () => true }).hart;
}

/** One instruction of the thread of execution on `hart`; interrupts, and exceptions too if `over`, are run through. */
function* instruction(ground: Ground, hart: number, over: boolean): StepPlan {
  for (;;) {
    const before = ground.harts[hart]!;
    const sp = before.x(SP);
    const same = sameThread(before);
    const { trap } = yield { kind: 'instruction', hart };
    if (!trap || (!trap.interrupt && !over)) return hart;
    const behind = isEnvironmentCall(trap);
    const target = behind ? trap.epc + 4n : trap.epc;
    hart = (yield { kind: 'reach', addresses: [target], accept: (other) => same(other) && other.x(SP) === sp }).hart;
    if (behind) return hart;
  }
}

function* reach(ground: Ground, hart: number, addresses: bigint[], sp: bigint): StepPlan {
  const same = sameThread(ground.harts[hart]!);
  return (yield { kind: 'reach', addresses, accept: (other) => same(other) && other.x(SP) === sp }).hart;
}

/** From a function's first instruction to its body. */
function* pastPrologue(ground: Ground, hart: number): StepPlan {
  const now = ground.harts[hart]!;
  const image = ground.imageAt(now);
  const body = image?.binary.functionAt(image.linked(now.pc))?.bodyStart;
  if (!image || body === undefined || body === image.linked(now.pc)) return hart;
  const sp = now.x(SP);
  const same = sameThread(now);
  const accept = (other: Hart): boolean => same(other) && other.x(SP) <= sp && other.x(SP) > sp - LARGEST_FRAME;
  return (yield { kind: 'reach', addresses: image.running(body), accept }).hart;
}

/** From code of which nothing is known (a user program) to its next trap into the kernel. */
function* untilKernel(ground: Ground, hart: number): StepPlan {
  const vector = ground.harts[hart]!.csr(STVEC) ?? 0n;
  const target = vector & ~3n;
  const satp = ground.harts[hart]!.csr(SATP);
  // The process may trap on another hart, if the kernel has moved it in between.
  const accept = (other: Hart): boolean => other.mode !== Mode.User && (other.id === hart || other.csr(SATP) === satp);
  return (yield {
    kind: 'reach',
    addresses: [target],
    accept,
  }).hart;
}

/** Whether a hart is in the mode, and for user code in the address space, in which `hart` is now. */
function sameThread(hart: Hart): (other: Hart) => boolean {
  const { mode } = hart;
  const satp = hart.csr(SATP);
  return (other) => other.mode === mode && (mode !== Mode.User || other.csr(SATP) === satp);
}

/** Where the call that the hart is about to execute returns to; undefined if it is no call. */
function returnAddress(ground: Ground, hart: Hart): bigint | undefined {
  const length = callLength((address, bytes) => ground.read(hart)(address, bytes), hart.pc);
  return length && hart.pc + BigInt(length);
}

function hasLines(ground: Ground, hart: Hart): boolean {
  const image = ground.imageAt(hart);
  return image?.binary.lineAt(image.linked(hart.pc)) !== undefined;
}

function inlineDepth(ground: Ground, hart: Hart): number {
  const image = ground.imageAt(hart);
  return image?.inlinedCalls(image.linked(hart.pc)).length ?? 0;
}

interface Position {
  function: string | undefined;
  /** Bytes from the function's first instruction. */
  offset: bigint | undefined;
  file: string;
  line: number;
  /** The depth of inlining at which the line was told; undefined for the innermost. */
  depth: number | undefined;
  /** Whether a line begins here, as far as a debugger may stop. */
  startsStatement: boolean;
}

/**
 * The line of a hart; what is inlined deeper than `depth` counts as the line that called it. Undefined also for what the
 * compiler left behind of inlined code: lines of another file with no call around them.
 */
function position(ground: Ground, hart: Hart, depth: number | undefined): Position | undefined {
  const image = ground.imageAt(hart);
  if (!image) return undefined;
  const pc = image.linked(hart.pc);
  const entry = image.binary.lineAt(pc);
  if (!entry) return undefined;
  const info = image.binary.functionAt(pc);
  const symbol = image.binary.symbolAt(pc);
  const common = {
    function: info?.name ?? symbol?.symbol.name,
    offset: info ? pc - info.low : symbol?.offset,
    depth,
    startsStatement: entry.isStatement && entry.address === pc,
  };
  const inlined = image.binary.inlinedCallsAt(pc);
  const call = depth === undefined ? undefined : inlined[inlined.length - depth - 1];
  if (call?.callFile !== undefined && call.callLine !== undefined)
    return { ...common, file: call.callFile, line: call.callLine };
  if (inlined.length === 0 && info?.file !== undefined && info.file !== entry.file) return undefined;
  return { ...common, file: entry.file, line: entry.line };
}
