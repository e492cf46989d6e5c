/**
 * Stepping, as plans (step-plan.ts): by instruction, by line, into a function and out of one. What the compiler and the
 * kernel do in between is run through: prologues, interrupts, the way from a system call to the function that serves it.
 */
import { Mode, type Hart } from '../../../emulator/types';
import { callLength } from './calls';
import type { Asked } from '../stops';
import {
  comeTo,
  executes,
  inKernel,
  inSpaceOf,
  instruction,
  SP,
  threadOn,
  untilInterrupted,
  untilUser,
} from './step-plan';
import type { Arrival, Ground, StepPlan } from './step-plan';
import { intoSystemCall, isAtSystemCall, stubNumber } from './system-call';

const RA = 1;
const STVEC = 0x105;
/** No prologue makes a larger frame on xv6's one-page stacks. */
const LARGEST_FRAME = 4096n;

/** One instruction. Interrupts are run through; an exception enters the trap handler unless `over`. */
export function* stepInstruction(ground: Ground, hart: number, over: boolean): StepPlan {
  const before = ground.harts[hart]!;
  const thread = threadOn(ground, before);
  const call = over ? returnAddress(ground, before) : undefined;
  const isCrossing = ground.stepIntoKernel || !isAtSystemCall(ground, before);
  const arrival = yield* instruction(ground, hart, over || !isCrossing);
  if (arrival.left || call === undefined || ground.harts[arrival.hart]!.pc === call) return arrival.hart;
  return (yield* comeTo(ground, thread, call)).hart;
}

export interface LineStep {
  /** Into functions that have lines, and with ground.stepIntoKernel from an ecall into the kernel. */
  into: boolean;
  /** Only into the call at this address. */
  call?: bigint;
  /** Through the stub that is called and on into the kernel. */
  throughStub?: boolean;
  /** The breakpoint at which the hart stands, which may be in an inlined function. */
  asked?: Asked | undefined;
  /** Of the functions inlined there, those that count as calls made; default all that have been entered. */
  depth?: number;
}

/** To the next line: over calls, or into them. */
export function* stepLine(ground: Ground, hart: number, how: LineStep): StepPlan {
  const { into, call, throughStub, asked } = how;
  const first = ground.harts[hart]!;
  const start = position(ground, first, into ? undefined : (how.depth ?? inlineDepth(ground, first, asked)));
  const inStub = into && isInStub(ground, first);
  for (;;) {
    const before = ground.harts[hart]!;
    const thread = threadOn(ground, before);
    const back = returnAddress(ground, before);
    const wanted = into || before.pc === call;
    if (wanted && isAtSystemCall(ground, before) && (ground.stepIntoKernel || before.pc === call))
      return yield* intoSystemCall(ground, hart);
    let arrival: Arrival = yield* instruction(ground, hart, true);
    const now = ground.harts[arrival.hart]!;

    if (!arrival.left && back !== undefined && now.pc !== back) {
      if (wanted && throughStub) return yield* throughTheStub(ground, arrival.hart);
      if (wanted && hasLines(ground, now)) return yield* pastPrologue(ground, arrival.hart);
      arrival = yield* comeTo(ground, thread, back);
    }
    ({ hart } = arrival);
    if (arrival.left) return yield* arrived(ground, hart);
    if (!ground.imageAt(ground.harts[hart]!)) {
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
      arrival = yield* comeTo(ground, threadOn(ground, here), ra);
      ({ hart } = arrival);
      if (arrival.left) return yield* arrived(ground, hart);
      const after = position(ground, ground.harts[hart]!, undefined);
      if (after) return hart;
      continue;
    }
    if (inStub && isAtSystemCall(ground, here) && ground.stepIntoKernel) continue;
    if (place.file === start?.file && place.line === start?.line) continue;
    if (place.startsStatement) return hart;
  }
}

/**
 * Until the function has returned to its caller; from the kernel's function for a system call, or from what handles
 * traps, until the user program goes on. Throws an Error if there is nowhere to go out to.
 */
export function stepOut(ground: Ground, hart: number, asked?: Asked): StepPlan {
  const now = ground.harts[hart]!;
  const image = ground.imageAt(now);
  if (!image)
    throw new Error(`Nothing is known of the code at 0x${now.pc.toString(16)}, so its caller cannot be told.`);
  // What is inlined has nowhere to return to: the line that called it is left.
  const depth = inlineDepth(ground, now, asked);
  if (depth > 0) return stepLine(ground, hart, { into: false, depth: depth - 1 });
  const info = image.binary.functionAt(image.linked(now.pc));
  const below = ground.below(now);
  const isServing = info !== undefined && inKernel(now) && ground.isSystemCall(info.low);
  if (below === 'user' || (isServing && ground.processKey(now) !== undefined)) return untilUser(ground, hart);
  if (below === 'kernel') return untilInterrupted(ground, hart);
  const sp = below?.x[SP];
  if (below && sp !== undefined) return arrivalOf(ground, comeTo(ground, { ...threadOn(ground, now), sp }, below.pc));
  const name = info?.name ?? 'this code';
  throw new Error(`${name} is the outermost function of this stack: it has no caller to go out to.`);
}

function* arrivalOf(ground: Ground, waiting: ReturnType<typeof comeTo>): StepPlan {
  const { hart, left } = yield* waiting;
  return left ? yield* arrived(ground, hart) : hart;
}

/** Until any hart is about to execute the instruction at `address`. */
export function* reachAddress(address: bigint): StepPlan {
  return (yield { kind: 'reach', addresses: [address], accept: () => true }).hart;
}

/** A thread that has left for user mode: a program that begins there is entered as a function is. */
function* arrived(ground: Ground, hart: number): StepPlan {
  const now = ground.harts[hart]!;
  const image = ground.imageAt(now);
  const isStart = image !== undefined && image.binary.functionAt(now.pc)?.low === now.pc;
  return isStart ? yield* pastPrologue(ground, hart) : hart;
}

/** From a stub's first instruction to its ecall, and into the kernel. */
function* throughTheStub(ground: Ground, hart: number): StepPlan {
  for (let count = 0; count < 2; count++) {
    if (isAtSystemCall(ground, ground.harts[hart]!)) return yield* intoSystemCall(ground, hart);
    ({ hart } = yield* instruction(ground, hart, true));
  }
  return hart;
}

function isInStub(ground: Ground, hart: Hart): boolean {
  const low = hart.mode === Mode.User ? ground.imageAt(hart)?.binary.functionAt(hart.pc)?.low : undefined;
  return low !== undefined && stubNumber(ground.read(hart), low) !== undefined;
}

/** From a function's first instruction to its body. */
function* pastPrologue(ground: Ground, hart: number): StepPlan {
  const now = ground.harts[hart]!;
  const image = ground.imageAt(now);
  const body = image?.binary.functionAt(image.linked(now.pc))?.stepStart;
  if (!image || body === undefined || body === image.linked(now.pc)) return hart;
  const thread = threadOn(ground, now);
  const accept = (other: Hart): boolean =>
    executes(ground, other, thread) && other.x(SP) <= thread.sp && other.x(SP) > thread.sp - LARGEST_FRAME;
  return (yield { kind: 'reach', addresses: image.running(body), accept, concerns: inSpaceOf(thread) }).hart;
}

/** From code of which nothing is known (a user program) to its next trap into the kernel. */
function* untilKernel(ground: Ground, hart: number): StepPlan {
  const vector = ground.harts[hart]!.csr(STVEC) ?? 0n;
  const thread = threadOn(ground, ground.harts[hart]!);
  // The process may trap on another hart, if the kernel has moved it in between.
  const accept = (other: Hart): boolean =>
    inKernel(other) && (thread.process === undefined ? other.id === hart : ground.processKey(other) === thread.process);
  return (yield { kind: 'reach', addresses: [vector & ~3n], accept, concerns: inKernel }).hart;
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

function inlineDepth(ground: Ground, hart: Hart, asked: Asked | undefined): number {
  const image = ground.imageAt(hart);
  if (!image) return 0;
  const pc = image.linked(hart.pc);
  return (asked ? image.inlinedCallsAtBreakpoint(pc, asked) : image.inlinedCalls(pc)).length;
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
