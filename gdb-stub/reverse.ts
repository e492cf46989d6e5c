/**
 * Backwards in the machine's past (packets bs and bc; "Reverse Execution" in gdb's manual).
 *
 * Of RISC-V gdb expects that a watchpoint stops before the instruction which touches it, and steps over that before it compares the
 * values. So does QEMU; this machine stops after it, and is put back. Backwards it is the other way round.
 */
import type { Instant } from '../emulator/history/instant';
import type { Probe, Timeline } from '../emulator/history/timeline';
import { isTrapReturn } from '../emulator/isa/instructions/calls';
import { instructionAt } from '../emulator/isa/instructions/instruction-at';
import type { Hart, Mode, TrapEvent } from '../emulator/types';
import { readMemory, spaceOf } from './memory';
import type { Hit, StopPoints } from './stop-points';
import type { Target } from './target';

/** The past does not go farther back. */
const BEGINNING = 'replaylog:begin;';
/** Handlers that were interrupted in turn. */
const MOST_NESTED = 8;

export class Reverse {
  constructor(
    private readonly target: Target,
    readonly past: Timeline,
    private readonly points: StopPoints,
  ) {}

  /** To the last place before now where the machine would have stopped; or else to the beginning. */
  async run(hart: number): Promise<Hit> {
    const { machine } = this.target;
    const { past } = this;
    const probe: Probe<Hit> = {
      isDone: true,
      watch: () => {
        this.points.moved();
        return () => undefined;
      },
      found: (stop) => this.points.hit(stop, (id) => machine.harts[id]!),
    };
    const found = await past.findLast(machine.instant, probe);
    if (found === undefined) return this.toBeginning(past, hart);
    await past.goTo(found.instant);
    return found.value;
  }

  /** To before the instruction that a hart has just executed. A watchpoint is often met again soon: then the way is short. */
  async undo(id: number): Promise<void> {
    const { machine } = this.target;
    const { past } = this;
    await past.goToStep(id, machine.harts[id]!.steps - 1, machine.instant);
    past.begin();
  }

  /** To where a hart has executed one instruction less. An interrupt that came after that is run through, with its handler. */
  async step(id: number): Promise<Hit> {
    const { machine } = this.target;
    const { past } = this;
    const hart = machine.harts[id]!;
    const { pc, mode } = hart;
    let isThere = await this.before(past, id, machine.instant);
    if (isThere && isAtTrapReturn(this.target, hart)) {
      const returned = machine.instant;
      const trap = await this.interruptAt(past, { id, pc, mode }, returned);
      if (trap === undefined) await past.goTo(returned);
      else isThere = await this.before(past, id, trap);
    }
    return isThere ? { hart: id, detail: '' } : this.toBeginning(past, id);
  }

  /** To before the last instruction that a hart had begun at an instant. False if it had begun none since the beginning. */
  private async before(past: Timeline, id: number, instant: Instant): Promise<boolean> {
    // What comes next is mostly one more step back: this makes checkpoints near here.
    await past.findLast(instant, NOTHING, instant);
    await past.goTo(instant);
    const { steps } = this.target.machine.harts[id]!;
    if (steps === 0) return false;
    try {
      await past.goToStep(id, steps - 1, instant);
      return true;
    } catch (error) {
      if (error instanceof RangeError) return false;
      throw error;
    }
  }

  /**
   * The interrupt whose handler has returned to where a hart stood, before an instant; undefined if it was an exception. The machine
   * stands anywhere afterwards.
   */
  private async interruptAt(
    past: Timeline,
    { id, pc, mode }: { id: number; pc: bigint; mode: Mode },
    before: Instant,
  ): Promise<Instant | undefined> {
    const { machine } = this.target;
    const to = machine.harts[id]!.mode;
    const probe: Probe<TrapEvent> = {
      watch: () => {
        const subscription = machine.subscribe({ trap: (event) => event.hart === id && event.to === to });
        return () => subscription.end();
      },
      found: (stop) =>
        stop.kind === 'trap' && stop.event.hart === id && stop.event.to === to ? stop.event : undefined,
    };
    let found = await past.findLast(before, probe);
    for (let nested = 0; found !== undefined && nested < MOST_NESTED; nested++) {
      const { interrupt, epc, from } = found.value;
      if (interrupt && epc === pc && from === mode) return found.instant;
      // Whatever interrupted the handler itself came from its own mode.
      if (from !== to) return undefined;
      found = await past.findLast(found.instant, probe);
    }
    return undefined;
  }

  private async toBeginning(past: Timeline, hart: number): Promise<Hit> {
    await past.goTo(past.beginning);
    return { hart, detail: BEGINNING };
  }
}

const NOTHING: Probe<never> = { watch: () => () => undefined, found: () => undefined };

const isAtTrapReturn = ({ machine }: Target, hart: Hart): boolean => {
  const decoded = instructionAt((address, length) => readMemory(machine, spaceOf(hart), address, length), hart.pc);
  return decoded !== undefined && isTrapReturn(decoded);
};
