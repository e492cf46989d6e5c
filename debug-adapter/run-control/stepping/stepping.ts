/**
 * Stepping, as plans (step-plan.ts): by instruction, by line, into a function and out of one. What the compiler and the
 * kernel do in between is run through: prologues, interrupts, the way from a system call to the function that serves it.
 */
import { hex } from '../../../emulator/isa/hex';
import { Csr } from '../../../emulator/isa/csrs';
import { X } from '../../../emulator/isa/registers';
import { Mode, type Hart } from '../../../emulator/types';
import { isCall } from '../../../emulator/isa/instructions/calls';
import { instructionAt } from '../../../emulator/isa/instructions/instruction-at';
import type { BreakpointOrigin } from '../../code/mapped-program';
import {
  runTo,
  executes,
  inKernel,
  inSpaceOf,
  oneInstruction,
  threadOn,
  untilInterrupted,
  untilUser,
} from './step-plan';
import type { Arrival, StepContext, StepPlan } from './step-plan';
import { inlineDepth, position } from './position';
import { intoSystemCall, isAtSystemCall, stubNumber } from './system-call';

/** No prologue makes a larger frame on xv6's one-page stacks. */
const LARGEST_FRAME = 4096n;

/** One instruction. Interrupts are run through; an exception enters the trap handler unless `over`. */
export function* stepInstruction(context: StepContext, hart: number, over: boolean): StepPlan {
  const before = context.harts[hart]!;
  const thread = threadOn(context, before);
  const call = over ? returnAddress(context, before) : undefined;
  const isCrossing = context.stepIntoKernel || !isAtSystemCall(context, before);
  const arrival = yield* oneInstruction(context, hart, over || !isCrossing);
  if (arrival.left || call === undefined || context.harts[arrival.hart]!.pc === call) return arrival.hart;
  return (yield* runTo(context, thread, call)).hart;
}

export interface LineStep {
  /** Into functions that have lines, and with context.stepIntoKernel from an ecall into the kernel. */
  into: boolean;
  /** Only into the call at this address. */
  call?: bigint;
  /** Through the stub that is called and on into the kernel. */
  throughStub?: boolean;
  /** The breakpoint at which the hart has stopped, which may be in an inlined function. */
  origin?: BreakpointOrigin | undefined;
  /** Of the functions inlined there, those that count as calls made; default all that have been entered. */
  depth?: number;
}

/** To the next line: over calls, or into them. */
export function* stepLine(context: StepContext, hart: number, how: LineStep): StepPlan {
  const { into, call, throughStub, origin } = how;
  const first = context.harts[hart]!;
  const start = position(context, first, into ? undefined : (how.depth ?? inlineDepth(context, first, origin)));
  const inStub = into && isInStub(context, first);
  for (;;) {
    const before = context.harts[hart]!;
    const thread = threadOn(context, before);
    const back = returnAddress(context, before);
    const wanted = into || before.pc === call;
    if (wanted && isAtSystemCall(context, before) && (context.stepIntoKernel || before.pc === call))
      return yield* intoSystemCall(context, hart);
    let arrival: Arrival = yield* oneInstruction(context, hart, true);
    const now = context.harts[arrival.hart]!;

    if (!arrival.left && back !== undefined && now.pc !== back) {
      if (wanted && throughStub) return yield* throughTheStub(context, arrival.hart);
      if (wanted && hasLines(context, now)) return yield* pastPrologue(context, arrival.hart);
      arrival = yield* runTo(context, thread, back);
    }
    ({ hart } = arrival);
    if (arrival.left) return yield* arrived(context, hart);
    if (!context.imageAt(context.harts[hart]!)) {
      hart = yield* untilKernel(context, hart);
      if (hasLines(context, context.harts[hart]!)) return hart;
      continue;
    }

    const here = context.harts[hart]!;
    const place = position(context, here, start?.depth);
    if (!place) continue;
    if (place.function !== start?.function) {
      const entered = place.offset === 0n;
      if (!entered) return hart;
      // A jump to the start of a function is a call in the last place of its caller.
      const ra = here.x(X.ra);
      if (into || !context.imageAt(here)?.contains(ra)) return yield* pastPrologue(context, hart);
      arrival = yield* runTo(context, threadOn(context, here), ra);
      ({ hart } = arrival);
      if (arrival.left) return yield* arrived(context, hart);
      const after = position(context, context.harts[hart]!, undefined);
      if (after) return hart;
      continue;
    }
    if (inStub && isAtSystemCall(context, here) && context.stepIntoKernel) continue;
    if (place.file === start?.file && place.line === start?.line) continue;
    if (place.startsStatement) return hart;
  }
}

/**
 * Until the function has returned to its caller; from the kernel's function for a system call, or from what handles
 * traps, until the user program goes on. Throws an Error if there is nowhere to go out to.
 */
export function stepOut(context: StepContext, hart: number, origin?: BreakpointOrigin): StepPlan {
  const now = context.harts[hart]!;
  const image = context.imageAt(now);
  if (!image) throw new Error(`Nothing is known of the code at ${hex(now.pc)}, so its caller is not known either.`);
  // What is inlined has nowhere to return to: the line that called it is left.
  const depth = inlineDepth(context, now, origin);
  if (depth > 0) return stepLine(context, hart, { into: false, depth: depth - 1 });
  const info = image.binary.functionAt(image.linked(now.pc));
  const below = context.below(now);
  const isServing = info !== undefined && inKernel(now) && context.isSystemCall(info.low);
  if (below === 'user' || (isServing && context.processKey(now) !== undefined)) return untilUser(context, hart);
  if (below === 'kernel') return untilInterrupted(context, hart);
  const sp = below?.x[X.sp];
  if (below && sp !== undefined) return arrivalOf(context, runTo(context, { ...threadOn(context, now), sp }, below.pc));
  const name = info?.name ?? 'this code';
  throw new Error(`${name} is the outermost function of this stack: it has no caller to go out to.`);
}

function* arrivalOf(context: StepContext, waiting: ReturnType<typeof runTo>): StepPlan {
  const { hart, left } = yield* waiting;
  return left ? yield* arrived(context, hart) : hart;
}

/** Until any hart is about to execute the instruction at `address`. */
export function* reachAddress(address: bigint): StepPlan {
  return (yield { kind: 'reach', addresses: [address], accept: () => true }).hart;
}

/** A thread that has left for user mode: a program that begins there is entered as a function is. */
function* arrived(context: StepContext, hart: number): StepPlan {
  const now = context.harts[hart]!;
  const image = context.imageAt(now);
  const isStart = image !== undefined && image.binary.functionAt(now.pc)?.low === now.pc;
  return isStart ? yield* pastPrologue(context, hart) : hart;
}

/** From a stub's first instruction to its ecall, and into the kernel. */
function* throughTheStub(context: StepContext, hart: number): StepPlan {
  for (let count = 0; count < 2; count++) {
    if (isAtSystemCall(context, context.harts[hart]!)) return yield* intoSystemCall(context, hart);
    ({ hart } = yield* oneInstruction(context, hart, true));
  }
  return hart;
}

function isInStub(context: StepContext, hart: Hart): boolean {
  const low = hart.mode === Mode.User ? context.imageAt(hart)?.binary.functionAt(hart.pc)?.low : undefined;
  return low !== undefined && stubNumber(context.read(hart), low) !== undefined;
}

/** From a function's first instruction to its body. */
function* pastPrologue(context: StepContext, hart: number): StepPlan {
  const now = context.harts[hart]!;
  const image = context.imageAt(now);
  const body = image?.binary.functionAt(image.linked(now.pc))?.stepStart;
  if (!image || body === undefined || body === image.linked(now.pc)) return hart;
  const thread = threadOn(context, now);
  // A path through the prologue may return at once.
  const back = now.x(X.ra);
  const accept = (other: Hart): boolean => {
    const sp = other.x(X.sp);
    return (
      executes(context, other, thread) &&
      (other.pc === back ? sp === thread.sp : sp <= thread.sp && sp > thread.sp - LARGEST_FRAME)
    );
  };
  const addresses = [...image.running(body), back];
  return (yield { kind: 'reach', addresses, accept, concerns: inSpaceOf(thread) }).hart;
}

/** From code of which nothing is known (a user program) to its next trap into the kernel. */
function* untilKernel(context: StepContext, hart: number): StepPlan {
  const vector = context.harts[hart]!.csr(Csr.stvec) ?? 0n;
  const thread = threadOn(context, context.harts[hart]!);
  // The process may trap on another hart, if the kernel has moved it in between.
  const accept = (other: Hart): boolean =>
    inKernel(other) &&
    (thread.process === undefined ? other.id === hart : context.processKey(other) === thread.process);
  return (yield { kind: 'reach', addresses: [vector & ~3n], accept, concerns: inKernel }).hart;
}

/** Where the call that the hart is about to execute returns to; undefined if it is no call. */
function returnAddress(context: StepContext, hart: Hart): bigint | undefined {
  const decoded = instructionAt(context.read(hart), hart.pc);
  return decoded && isCall(decoded) ? hart.pc + BigInt(decoded.length) : undefined;
}

function hasLines(context: StepContext, hart: Hart): boolean {
  const image = context.imageAt(hart);
  return image?.binary.lineAt(image.linked(hart.pc)) !== undefined;
}
