/**
 * What all kinds of stepping use: waiting for a thread of execution, through interrupts and context switches. A plan is a generator that yields the condition it waits for (one instruction of a hart,
 * or that an address is reached) and is resumed when it has happened; the runner carries plans out between requests, so a step that takes
 * long can be paused like anything else.
 *
 * What is stepped is a thread of execution, not a hart: the scheduler may move a process to another hart, and runs others
 * on this one meanwhile. It is known by its stack pointer, and by the process that the kernel says it runs.
 */
import { Mstatus } from '../../../emulator/isa/csr-bits';
import { Csr } from '../../../emulator/isa/csrs';
import { X } from '../../../emulator/isa/registers';
import { Mode, type Hart, type TrapEvent } from '../../../emulator/types';
import { Diversions, diverts } from './diversions';
import type { FrameRegisters, ReadMemory } from '../../symbols/api';
import type { MappedProgram } from '../../code/mapped-program';
import { isEnvironmentCall } from '../../../emulator/isa/trap-kinds';

export type StepCondition =
  /** The hart executes one instruction, or takes a trap in its place. */
  | { kind: 'instruction'; hart: number }
  /** A hart is about to execute the instruction at one of the addresses, and `accept` holds for it. */
  | {
      kind: 'reach';
      addresses: readonly bigint[];
      accept(hart: Hart): boolean;
      /** Whether the addresses can be meant in the mode and address space a hart is in now. */
      concerns?(hart: Hart): boolean;
    };

export interface StepEvent {
  hart: number;
  /** The trap that was taken instead of the instruction, or because of it. */
  trap?: SteppedTrap | undefined;
}

/** A trap, with the stack pointer of what it interrupted. */
export interface SteppedTrap extends TrapEvent {
  sp: bigint;
}

/** Returns the hart on which the step ended. */
export type StepPlan = Generator<StepCondition, number, StepEvent>;

/** What a plan must know of the machine and the programs in it. */
export interface StepContext {
  harts: readonly Hart[];
  /** The kernel. */
  image: MappedProgram;
  /** Whose code a hart is about to execute; undefined for code of which nothing is known. */
  imageAt(hart: Hart): MappedProgram | undefined;
  read(hart: Hart): ReadMemory;
  /**
   * What is below the innermost function of a hart's stack: its caller's registers; or, where a trap began it, whether that
   * came from a user program or from the kernel itself. Undefined if there is nothing, or if it is not known.
   */
  below(hart: Hart): FrameRegisters | 'user' | 'kernel' | undefined;
  /** Names the process in whose context a hart executes; undefined in the scheduler, or if it is not known. */
  processKey(hart: Hart): string | undefined;
  /** Where code of the kernel's runs that returns from a trap: every sret. */
  trapReturns: readonly bigint[];
  /** Where the kernel goes on that has switched to another thread: after every call of its context switch. */
  switchReturns: readonly bigint[];
  /** Why a process, by its key, will run no more, in words; undefined as long as it may. */
  end(process: string): string | undefined;
  /** The last trap from the program whose page table a hart has; undefined if none is known. */
  lastTrap(hart: Hart): ProgramTrap | undefined;
  /** The first instruction of the kernel's function for a system call, by its number; undefined if there is none. */
  systemCall(number: bigint): bigint | undefined;
  /** Whether the kernel's function that begins at an address serves a system call. */
  isSystemCall(address: bigint): boolean;
  /** Whether stepping in goes from a program's ecall into the kernel, or over it. */
  stepIntoKernel: boolean;
}

/** Where a trap has interrupted a program. */
export type ProgramTrap = Pick<SteppedTrap, 'epc' | 'sp'>;

/** Where a thread of execution has arrived. */
export interface Arrival {
  hart: number;
  /**
   * It left instead: from the kernel to its user program, or by exec into another program, or since the kernel has replaced
   * it (diversions.ts). It is about to run there.
   */
  left: boolean;
}

export type Waiting = Generator<StepCondition, Arrival, StepEvent>;

const SPP = BigInt(Mstatus.spp);

/** A thread of execution, at one moment of it. */
export interface SteppedThread {
  mode: Mode;
  satp: bigint | undefined;
  sp: bigint;
  process: string | undefined;
}

export const threadOn = (context: StepContext, hart: Hart): SteppedThread => ({
  mode: hart.mode,
  satp: hart.csr(Csr.satp),
  sp: hart.x(X.sp),
  process: context.processKey(hart),
});

/** Whether a hart executes a thread, in the mode and, if that is user mode, by the page table of that moment. */
export const executes = (context: StepContext, hart: Hart, { mode, satp, process }: SteppedThread): boolean =>
  hart.mode === mode &&
  (mode !== Mode.User || hart.csr(Csr.satp) === satp) &&
  (process === undefined || context.processKey(hart) === process);

/**
 * Until a thread is about to execute the instruction at `address`, with the stack pointer of that moment; or until it
 * can no more, since it has left for user mode.
 */
export function* runTo(context: StepContext, thread: SteppedThread, address: bigint): Waiting {
  const { mode, satp, process } = thread;
  const there = (hart: Hart): boolean =>
    hart.pc === address && hart.x(X.sp) === thread.sp && executes(context, hart, thread);
  const diversions = new Diversions(context);
  // A program comes back where it was; one that exec has put in its place has another table.
  const isOther = (hart: Hart): boolean => mode !== Mode.User || hart.csr(Csr.satp) !== satp;
  const leaves = (hart: Hart): boolean =>
    isReturnToUser(context, hart) && (isOther(hart) || diverts(context, hart)) && context.processKey(hart) === process;
  const addresses = process === undefined ? [address] : [address, ...context.trapReturns];
  const accept = (hart: Hart): boolean => there(hart) || leaves(hart);
  const concerns = inSpaceOf(thread);
  for (;;) {
    const { hart } = yield { kind: 'reach', addresses, accept, concerns };
    if (there(context.harts[hart]!)) return { hart, left: false };
    const { trap } = yield { kind: 'instruction', hart };
    const now = context.harts[hart]!;
    if (trap) continue;
    if (isOther(now) || diversions.replaces(now)) return { hart, left: true };
    // Back from a handler.
    if (there(now)) return { hart, left: false };
  }
}

/** Until the process that a hart executes in the kernel is back in user mode. */
export function untilUser(context: StepContext, start: number): StepPlan {
  const process = context.processKey(context.harts[start]!);
  return pastReturn(context, start, (hart) => isReturnToUser(context, hart) && context.processKey(hart) === process);
}

/** From the vector of a trap that the kernel took in itself to what it interrupted, which has its stack above. */
export function untilInterrupted(context: StepContext, start: number): StepPlan {
  const thread = threadOn(context, context.harts[start]!);
  const accept = (hart: Hart): boolean =>
    context.trapReturns.includes(hart.pc) && executes(context, hart, thread) && hart.x(X.sp) >= thread.sp;
  return pastReturn(context, start, accept);
}

/** Until an sret has been executed that `accept` holds for. */
function* pastReturn(context: StepContext, start: number, accept: (hart: Hart) => boolean): StepPlan {
  const wanted: StepCondition = { kind: 'reach', addresses: context.trapReturns, accept, concerns: inKernel };
  for (let hart = start; ;) {
    if (!accept(context.harts[hart]!)) ({ hart } = yield wanted);
    const { trap } = yield { kind: 'instruction', hart };
    if (!trap) return hart;
  }
}

export const inKernel = (hart: Hart): boolean => hart.mode !== Mode.User;

/** Whether breakpoints in the kernel, and in user mode those of a thread's own address space, concern a hart. */
export const inSpaceOf =
  ({ mode, satp }: SteppedThread) =>
  (hart: Hart): boolean =>
    hart.mode !== Mode.User || (mode === Mode.User && hart.csr(Csr.satp) === satp);

export const isReturnToUser = (context: StepContext, hart: Hart): boolean =>
  hart.mode === Mode.Supervisor &&
  ((hart.csr(Csr.sstatus) ?? 0n) & SPP) === 0n &&
  context.trapReturns.includes(hart.pc);

/**
 * One instruction of the thread on a hart. Interrupts are run through, exceptions too if `over`; one that is not enters
 * its handler.
 */
export function* oneInstruction(context: StepContext, hart: number, over: boolean): Waiting {
  for (;;) {
    const thread = threadOn(context, context.harts[hart]!);
    const { trap } = yield { kind: 'instruction', hart };
    if (!trap || (!trap.interrupt && !over)) return { hart, left: false };
    const isCall = isEnvironmentCall(trap);
    // A hart that spins takes an interrupt at the beginning of its loop, wherever in it it was shown: with another sp, perhaps.
    const arrival = yield* runTo(context, { ...thread, sp: trap.sp }, isCall ? trap.epc + 4n : trap.epc);
    if (isCall || arrival.left) return arrival;
    ({ hart } = arrival);
  }
}
