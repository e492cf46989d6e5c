/**
 * Shows a debugger what a hart does that spins. The schedule gives such a hart no quantum, because a whole pass of its loop
 * would change nothing (spin-wait.ts). So the guest's history says that the hart stands at the beginning of its loop, but as
 * far as any guest can tell it may be anywhere in a pass.
 *
 * A step of the hart, and a breakpoint on an instruction of the pass, use that freedom: the hart walks through a pass by
 * speculation, in which no instruction is counted and no time passes, and goes back to the beginning before the schedule goes
 * on, before a debugger writes, and while the state is saved or hashed. That is the same as finishing the pass. The history
 * is therefore the same whether somebody looks or not.
 *
 * Both happen where the schedule has just refused a quantum: the hart's loop is then known to be as it was.
 */
import type { HartState } from '../cpu/hart';
import { interruptToTake } from '../cpu/traps';
import type { Executor } from '../jit/executor';
import type { GuestMemory } from '../mmu/guest-memory';
import type { Mmu } from '../mmu/mmu';
import type { RunLimit, Stop } from '../types';
import { Speculation } from './speculation';

/** Instructions of a pass that is looked through for breakpoints; the spin-wait detector knows no longer ones. */
const LONGEST_PASS = 32_768;

interface Walk {
  hart: HartState;
  speculation: Speculation;
  /** Instructions from the loop's beginning. */
  position: number;
}

export class LoopWalk {
  private walk: Walk | undefined;
  /** Harts with breakpoints that may lie in their loop: they have changed, or the hart was stopped by one. */
  private readonly suspects = new Set<HartState>();
  /** By hart: the time at which its pass was last looked through. Time must pass before a breakpoint is met again. */
  private readonly lookedAt = new Map<HartState, number>();

  constructor(
    private readonly harts: readonly HartState[],
    private readonly memory: GuestMemory,
    private readonly mmu: Mmu,
    private readonly executor: Executor,
    /** Whether a breakpoint is meant for the hart where it is. */
    private readonly isBreakpoint: (hart: HartState) => boolean,
  ) {}

  /** Other breakpoints are set, or none. */
  breakpointsChanged(any: boolean): void {
    this.suspects.clear();
    this.lookedAt.clear();
    if (any) this.harts.forEach((hart) => this.suspects.add(hart));
  }

  /** The hart was stopped by a breakpoint, in its quantum, at this time. */
  metBreakpoint(hart: HartState, time: number): void {
    this.suspects.add(hart);
    this.lookedAt.set(hart, time);
  }

  /** The run goes on: a hart that was shown within its pass is shown further on there, or is back at the beginning. */
  resume({ hart: stepped, to }: RunLimit): Stop | undefined {
    const { walk } = this;
    if (walk === undefined) return undefined;
    // An interrupt that has come is taken at the loop's beginning.
    const isWalking = to === undefined && interruptToTake(walk.hart) === undefined;
    const stop = !isWalking
      ? undefined
      : stepped?.id === walk.hart.id && !stepped.executes
        ? this.step(walk, stepped.instructions)
        : this.seekBreakpoint(walk);
    if (stop === undefined) this.end();
    return stop;
  }

  /** The schedule has just refused these harts a quantum: a stop, if a debugger is to see one of them in its loop. */
  refused(refused: readonly HartState[], { hart: stepped }: RunLimit, time: number): Stop | undefined {
    for (const hart of refused) {
      if (!this.suspects.has(hart) || this.lookedAt.get(hart) === time) continue;
      this.lookedAt.set(hart, time);
      const walk = this.begin(hart);
      if (this.isBreakpoint(hart)) return shownAt(hart);
      const stop = this.seekBreakpoint(walk);
      if (stop !== undefined) return stop;
      this.end();
      this.suspects.delete(hart);
    }
    const hart = refused.find(({ id }) => id === stepped?.id);
    if (hart === undefined || stepped!.executes) return undefined;
    const stop = this.step(this.begin(hart), stepped!.instructions);
    if (stop === undefined) this.end();
    return stop;
  }

  /** The hart that was shown in its loop goes back to the beginning. */
  end(): void {
    this.walk?.speculation.rollBack();
    this.walk = undefined;
  }

  /** The machine is at power on, or comes to another state. */
  reset(): void {
    this.end();
    this.lookedAt.clear();
  }

  /** What the guest's history says, and not what a debugger is shown. */
  outside<T>(ask: () => T): T {
    const { walk } = this;
    if (walk === undefined) return ask();
    walk.speculation.rollBack();
    try {
      return ask();
    } finally {
      const { position } = walk;
      for (walk.position = 0; walk.position < position;) this.advance(walk);
    }
  }

  private begin(hart: HartState): Walk {
    this.walk = { hart, speculation: new Speculation(hart, this.memory, this.mmu, this.executor), position: 0 };
    return this.walk;
  }

  /**
   * Does so many instructions, passes included, up to a breakpoint that is not the first of them. Undefined if speculation
   * cannot do the first: it would let an interrupt in, which has come meanwhile and is taken at the loop's beginning.
   */
  private step(walk: Walk, instructions: number): Stop | undefined {
    const { hart } = walk;
    for (let done = 0; done < instructions; done++) {
      if (!this.advance(walk)) {
        if (done === 0) return undefined;
        break;
      }
      if (done + 1 < instructions && this.isBreakpoint(hart)) return shownAt(hart);
    }
    if (walk.speculation.isAtStart) this.end();
    return { kind: 'step', hart: hart.id };
  }

  /** Goes on to the next breakpoint of this pass. */
  private seekBreakpoint(walk: Walk): Stop | undefined {
    const { hart } = walk;
    while (walk.position < LONGEST_PASS && this.advance(walk) && walk.position > 0)
      if (this.isBreakpoint(hart)) return shownAt(hart);
    return undefined;
  }

  /** Does one instruction; at the end of the pass the position is 0. False if speculation cannot do it. */
  private advance(walk: Walk): boolean {
    if (!this.mmu.withoutUpdates(() => walk.speculation.step())) return false;
    walk.position = walk.speculation.isAtStart ? 0 : walk.position + 1;
    return true;
  }
}

const shownAt = ({ id, pc }: HartState): Stop => ({ kind: 'breakpoint', hart: id, pc, shown: true });
