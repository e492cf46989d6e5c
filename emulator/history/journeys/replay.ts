/**
 * Runs a machine through its past: puts it where a checkpoint was made, and runs it on from there, in short runs between which
 * the host sees to what has arrived. While it runs, into the future or through its past, checkpoints are made.
 */
import type { MachineApi, RunLimit, Stop } from '../../types';
import { Checkpoints, type Kept } from '../checkpoints';
import { compareInstants, type Instant } from '../instant';
import { Cancelled, type Companion, type JourneyClock, Slice, SLICE } from './journey';
import type { RecordedCheckpoint } from '../recorded-run';
import { stepsOf } from './stretches';

/**
 * Milliseconds of running after which a checkpoint is due, at least and at most; in between, so many times what the last one
 * took. It costs about twice that again where the guest stores to pages that are kept now.
 */
const SHORTEST_INTERVAL = 150;
const LONGEST_INTERVAL = 800;
const THRIFT = 250;

export class Replay {
  /** Another machine of the same options can start from them too. */
  readonly checkpoints: Checkpoints;
  protected latest: Instant;
  /** The journey under way is to end. */
  protected isCancelled = false;
  /** Milliseconds of running: in all, and at the last checkpoint; and how long that took. */
  private spent = 0;
  private kept = 0;
  private price = 0;
  /** When what has arrived was seen to last, in milliseconds: a journey may be of many short ways. */
  private seenTo = 0;
  private readonly slice = new Slice();

  /** `memory`: bytes that the checkpoints may take. The past begins where the machine now stands. */
  constructor(
    protected readonly machine: MachineApi,
    private readonly companion: Companion,
    private readonly clock: JourneyClock,
    memory: number,
  ) {
    this.checkpoints = new Checkpoints(memory);
    this.latest = machine.instant;
    this.keep();
  }

  /** The farthest that the machine has come. */
  get present(): Instant {
    this.arrived();
    return this.latest;
  }

  /** The machine has run for so many milliseconds, into the future or through its past. */
  ran(milliseconds: number): void {
    this.spent += milliseconds;
    this.arrived();
    const interval = Math.min(Math.max(SHORTEST_INTERVAL, THRIFT * this.price), LONGEST_INTERVAL);
    if (this.spent - this.kept >= interval) this.keep();
  }

  /** The machine is where nobody has been, perhaps, and be it that a debugger has written something since it stopped. */
  arrived(): void {
    const { instant } = this.machine;
    if (compareInstants(instant, this.latest) > 0) this.latest = instant;
  }

  /** The journey under way ends soon: its promise is rejected with `Cancelled`. */
  cancel(): void {
    this.isCancelled = true;
  }

  /** Returns a function that puts the machine back to where it stands now, at once. */
  hold(): () => void {
    const held = this.here();
    return () => this.restore(held);
  }

  /**
   * Runs on to an instant, at most up to so many instructions, or those of a hart, or until `visit` says that it has seen
   * enough.
   */
  protected async advance(
    to: Instant,
    visit: (stop: Stop) => boolean = () => false,
    executed = Infinity,
    stepped?: () => NonNullable<RunLimit['hart']>,
  ): Promise<void> {
    const { machine } = this;
    while (compareInstants(machine.instant, to) < 0 && machine.executed < executed) {
      const hart = stepped?.();
      if (hart !== undefined && hart.instructions <= 0) return;
      const before = this.clock.now();
      const instructions = Math.min(this.slice.instructions, Math.ceil(executed - machine.executed));
      const stop = machine.run({ instructions, to, ...(hart && { hart }) });
      if (stop.kind === 'idle') throw new Error('the machine waits for an input that the log does not have');
      const now = this.clock.now();
      this.spent += now - before;
      this.slice.took(now - before);
      if (stop.kind !== 'budget' && stop.kind !== 'step') {
        this.companion.passed(stop);
        if (visit(stop)) return;
      }
      if (now - this.seenTo < SLICE) continue;
      await new Promise<void>((resolve) => this.clock.soon(resolve));
      this.seenTo = this.clock.now();
      if (this.isCancelled) throw new Cancelled('cancelled');
    }
  }

  protected restore(kept: RecordedCheckpoint): void {
    this.arrived();
    this.machine.restore(kept.machine);
    this.companion.restore(kept.learned);
    this.spent = this.kept = kept.cost;
  }

  /** `isAround`: somebody looks around here. */
  protected keep(isAround = false): Kept {
    const before = this.clock.now();
    const kept = this.here();
    this.checkpoints.add(kept, isAround);
    this.price = this.clock.now() - before;
    this.kept = this.spent;
    return kept;
  }

  private here(): Kept {
    const { machine, companion, spent: cost } = this;
    const [executed, steps] = [machine.executed, stepsOf(machine)];
    return { machine: machine.save(), learned: companion.save(), executed, cost, steps };
  }
}
