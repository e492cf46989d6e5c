/** Why the run of the machine ends, and where it last stopped, so that it does not stop again for the same. */
import type { HartState } from './cpu/hart';
import type { VirtualTime } from './scheduler/virtual-time';
import type { ExecutionAt, StoppedAt } from './history/instant';
import type { Checkpoint, Stop } from './types';

export class Stops {
  /** The slice that runs is to end for this. */
  wanted: Stop | undefined;
  /** Where the machine last stopped for a hart. */
  at: StoppedAt | undefined;
  /** The next trap is not taken: the run is to be held before it. */
  holdsTrap = false;
  /** By hart: the last execution that observers were told of, by its address and the hart's count of steps. */
  private readonly announced = new Map<number, ExecutionAt>();

  constructor(private readonly clock: VirtualTime) {}

  save(): Pick<Checkpoint, 'stoppedAt' | 'announced'> {
    return { stoppedAt: this.at, announced: [...this.announced.values()] };
  }

  /** The machine comes to another state, and had stopped there so; without `stopped` it starts. */
  restore(stopped?: Pick<Checkpoint, 'stoppedAt' | 'announced'>): void {
    this.wanted = undefined;
    this.at = stopped?.stoppedAt;
    this.announced.clear();
    for (const one of stopped?.announced ?? []) this.announced.set(one.hart, one);
    // An interrupt comes before the instruction.
    if (this.at !== undefined && this.at.trap?.interrupt !== true) {
      const { hart, pc, steps } = this.at;
      this.announced.set(hart, { hart, pc, steps });
    }
  }

  /** The slice has ended for the stop that was wanted, which is returned. */
  stopped(hart: HartState): Stop {
    const stop = this.wanted!;
    // After the others the hart stands before an instruction of which nobody has been told yet.
    const before = stop.kind === 'breakpoint' || stop.kind === 'trap';
    if (before) this.standsAt(hart, stop.kind === 'trap' ? stop.event : undefined);
    // An instruction whose trap was told may also touch watched bytes, by its walk, and stop for that.
    else if (!this.goesOn(hart, 0)) this.at = undefined;
    return stop;
  }

  /** The hart goes on from here without stopping for the same again. */
  standsAt(hart: HartState, trap?: StoppedAt['trap']): void {
    this.at = { hart: hart.id, pc: hart.pc, steps: hart.steps + this.clock.begun(hart), trap };
  }

  /** The hart takes up where the machine last stopped. `counted`: the instruction at hand is in the count already. */
  goesOn(hart: HartState, counted: number): boolean {
    const steps = hart.steps + this.clock.begun(hart) - counted;
    return this.at?.hart === hart.id && this.at.steps === steps && this.at.pc === hart.pc;
  }

  /** The run ends because of a stale translation, and before the trap to which it leads. */
  isBeforeTrap(hart: HartState): boolean {
    return this.wanted?.kind === 'staleTranslation' && this.goesOn(hart, 0);
  }

  /** The trap before which the machine last stopped is about to be taken. */
  goesOnToTrap(hart: HartState, interrupt: boolean, cause: number, counted: number): boolean {
    const trap = this.at?.trap;
    return trap?.interrupt === interrupt && trap.cause === cause && this.goesOn(hart, counted);
  }

  /** Whether the observers have not been told yet that the hart executes the instruction at its pc. */
  announces(hart: HartState): boolean {
    const { pc } = hart;
    const steps = hart.steps + this.clock.begun(hart);
    const last = this.announced.get(hart.id);
    if (last?.pc === pc && last.steps === steps) return false;
    this.announced.set(hart.id, { hart: hart.id, pc, steps });
    return true;
  }
}
