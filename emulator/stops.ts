/** Why the run of the machine ends, and where it last stopped, so that it does not stop again for the same. */
import type { HartState } from './cpu/hart';
import type { VirtualTime } from './scheduler/virtual-time';
import type { BeforeTrap, ExecutionAt } from './history/instant';
import { HartOffset, MAX_HARTS } from './layout';
import type { Checkpoint, Stop } from './types';

export class Stops {
  /** The slice that runs is to end for this. */
  wanted: Stop | undefined;
  /** Where the machine last stopped for a hart. */
  at: ExecutionAt | undefined;
  /** The next trap is not taken: the run is to be held before it. */
  holdsTrap = false;
  /** By hart: the last execution that observers were told of. */
  private readonly announced = new Announced();
  /** By hart: the last trap before which the machine stopped. Others may have had their turns since. */
  private readonly traps = new Map<number, BeforeTrap>();

  constructor(private readonly clock: VirtualTime) {}

  save(): Pick<Checkpoint, 'stoppedAt' | 'announced' | 'traps'> {
    return { stoppedAt: this.at, announced: this.announced.all(), traps: [...this.traps.values()] };
  }

  /** The machine comes to another state, and had stopped there so; without `stopped` it starts. */
  restore(stopped?: Pick<Checkpoint, 'stoppedAt' | 'announced' | 'traps'>): void {
    this.wanted = undefined;
    this.at = stopped?.stoppedAt;
    this.announced.clear();
    for (const one of stopped?.announced ?? []) this.announced.note(one);
    this.traps.clear();
    for (const one of stopped?.traps ?? []) this.traps.set(one.hart, one);
    if (this.at === undefined) return;
    const trap = this.traps.get(this.at.hart);
    // An interrupt comes before the instruction.
    if (trap?.interrupt !== true || !isSame(trap, this.at)) this.announced.note(this.at);
  }

  /** The slice has ended for the stop that was wanted, which is returned. */
  stopped(hart: HartState): Stop {
    const stop = this.wanted!;
    // After the others the hart stands before an instruction of which nobody has been told yet.
    const before = stop.kind === 'breakpoint' || stop.kind === 'trap';
    if (before) this.standsAt(hart);
    if (stop.kind === 'trap') this.standsBefore(hart, stop.event);
    // An instruction whose trap was told may also touch watched bytes, by its walk, and stop for that.
    else if (!this.goesOn(hart, 0)) this.at = undefined;
    return stop;
  }

  /** The hart goes on from here without stopping for the same again. */
  standsAt(hart: HartState): void {
    this.at = this.executionAt(hart, 0);
  }

  /** As `standsAt`, nor does it tell of this trap again. */
  standsBefore(hart: HartState, { interrupt, cause }: Pick<BeforeTrap, 'interrupt' | 'cause'>): void {
    this.standsAt(hart);
    this.traps.set(hart.id, { ...this.at!, interrupt, cause });
  }

  /** The hart takes up where the machine last stopped. `counted`: the instruction at hand is in the count already. */
  goesOn(hart: HartState, counted: number): boolean {
    return isSame(this.at, this.executionAt(hart, counted));
  }

  /** The run ends because of a stale translation, and before the trap to which it leads. */
  isBeforeTrap(hart: HartState): boolean {
    return this.wanted?.kind === 'staleTranslation' && this.goesOn(hart, 0);
  }

  /** The machine has stopped before the trap that is about to be taken. */
  goesOnToTrap(hart: HartState, interrupt: boolean, cause: number, counted: number): boolean {
    const trap = this.traps.get(hart.id);
    return trap?.interrupt === interrupt && trap.cause === cause && isSame(trap, this.executionAt(hart, counted));
  }

  /** Whether the observers have not been told yet that the hart executes the instruction at its pc. */
  announces(hart: HartState): boolean {
    return this.announced.adds(hart, hart.steps + this.clock.begun(hart));
  }

  private executionAt(hart: HartState, counted: number): ExecutionAt {
    return { hart: hart.id, pc: hart.pc, steps: hart.steps + this.clock.begun(hart) - counted };
  }
}

/** Executions by their hart, its count of steps, and the halves of the address: some searches come by a million. */
class Announced {
  private readonly words = new Int32Array(2 * MAX_HARTS);
  private readonly steps = new Float64Array(MAX_HARTS).fill(-1);

  clear(): void {
    this.steps.fill(-1);
  }

  note({ hart, pc, steps }: ExecutionAt): void {
    this.put(hart, Number(BigInt.asIntN(32, pc)), Number(BigInt.asIntN(32, pc >> 32n)), steps);
  }

  /** Notes that a hart, which has begun so many steps, executes the instruction at its pc; false if that is noted already. */
  adds(hart: HartState, steps: number): boolean {
    const { id } = hart;
    const [low, high] = [hart.half(HartOffset.pc), hart.half(HartOffset.pc + 4)];
    if (this.steps[id] === steps && this.words[2 * id] === low && this.words[2 * id + 1] === high) return false;
    this.put(id, low, high, steps);
    return true;
  }

  all(): ExecutionAt[] {
    const pcs = new BigUint64Array(this.words.buffer);
    return [...this.steps].flatMap((steps, hart) => (steps < 0 ? [] : { hart, pc: pcs[hart]!, steps }));
  }

  private put(hart: number, low: number, high: number, steps: number): void {
    this.words[2 * hart] = low;
    this.words[2 * hart + 1] = high;
    this.steps[hart] = steps;
  }
}

const isSame = (one: ExecutionAt | undefined, other: ExecutionAt): boolean =>
  one?.hart === other.hart && one.steps === other.steps && one.pc === other.pc;
