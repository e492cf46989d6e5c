/**
 * A second machine, on which a run is done again to see what happened in it: the one that is debugged stays where it is, and
 * those who watch it hear nothing. It starts from the same checkpoints, has the same inputs, and runs in short turns between
 * which the host sees to what has arrived.
 */
import type { Kept } from '../../emulator/history/checkpoints';
import { compareInstants, type Instant } from '../../emulator/history/instant';
import { SavedState } from '../../emulator/history/saved-state';
import { Cancelled, type JourneyClock, type Timeline } from '../../emulator/history/timeline';
import type { Checkpoint, LoggedInput, MachineApi, State, Stop } from '../../emulator/types';
import { incompleteLine } from './kept-text';
import type { LineWatch } from './line-watch';

/** Milliseconds of a turn. */
const TURN = 4;
/** Instructions of a way after which its end is kept to start from, as more will be looked at there; and how many such are kept. */
const FAR = 2_000_000;
const MOST_PLACES = 6;
/** Instructions of one run of the machine, at first, and at most. */
const SMALLEST = 10_000;
const LARGEST = 1_000_000;

/** Where a scout can start from. */
interface Place {
  readonly machine: Checkpoint;
  readonly isWithinLine: boolean;
}

export class Scout {
  /** Where it has come by long ways, the last ones. */
  private places: Place[] = [];
  /** Runs under way end at the next turn. */
  private isCancelled = false;
  /** It may stand on a way that the run does not go any more. */
  private isLost = true;
  private budget = SMALLEST;
  private begun = 0;

  /** `isWanted`: there is time to look around. `lines` sees what the machine prints. */
  constructor(
    private readonly machine: MachineApi,
    private readonly timeline: Pick<Timeline, 'checkpoints'>,
    private readonly clock: JourneyClock,
    private readonly isWanted: () => boolean,
    private readonly lines: LineWatch,
  ) {}

  /** What was cancelled has ended. */
  begin(): void {
    this.isCancelled = false;
  }

  /** The work under way ends with `Cancelled`, until `begin`. */
  cancel(): void {
    this.isCancelled = true;
  }

  /** The run goes another way than before. */
  lose(): void {
    this.isLost = true;
    this.places = [];
  }

  /** Stands where a checkpoint was made. */
  restore({ machine, learned }: Kept): void {
    this.putAt({ machine, isWithinLine: isWithinLine(learned) });
  }

  /** Stands at an instant of a run with these inputs. */
  async goTo(instant: Instant, inputs: readonly LoggedInput[]): Promise<void> {
    const kept = this.timeline.checkpoints.upTo(instant);
    if (kept === undefined) throw new RangeError('the instant lies before the beginning of the past');
    const { machine } = this;
    const isNearer = (at: Instant, than: Instant): boolean =>
      compareInstants(at, instant) <= 0 && compareInstants(at, than) >= 0;
    let place: Place = { machine: kept.machine, isWithinLine: isWithinLine(kept.learned) };
    for (const other of this.places) if (isNearer(other.machine.instant, place.machine.instant)) place = other;
    if (this.isLost || !isNearer(machine.instant, place.machine.instant)) this.putAt(place);
    machine.replay(inputs.slice(machine.instant.inputs));
    const { executed } = machine;
    await this.runTo(instant, () => undefined);
    if (machine.executed - executed < FAR) return;
    this.places.push({ machine: machine.save(), isWithinLine: this.lines.isOpen });
    if (this.places.length > MOST_PLACES) this.places.shift();
  }

  /** Runs on to an instant, and tells of the stops on the way. Throws Cancelled. */
  async runTo(to: Instant, passed: (stop: Stop) => void): Promise<void> {
    const { machine, clock } = this;
    while (compareInstants(machine.instant, to) < 0) {
      const before = clock.now();
      if (before - this.begun > TURN) await this.rest();
      const stop = machine.run({ instructions: this.budget, to });
      if (stop.kind === 'idle') throw new Error('the machine waits for an input that the log does not have');
      if (stop.kind !== 'budget') passed(stop);
      else this.adapt(clock.now() - before);
    }
  }

  /** Lets the host see to what has arrived. Throws Cancelled. */
  async rest(): Promise<void> {
    await new Promise<void>((resolve) => this.clock.soon(resolve));
    if (this.isCancelled || !this.isWanted()) throw new Cancelled('cancelled');
    this.begun = this.clock.now();
  }

  private putAt({ machine, isWithinLine: isWithin }: Place): void {
    this.machine.restore(machine);
    this.lines.begin(isWithin);
    this.isLost = false;
  }

  private adapt(milliseconds: number): void {
    if (milliseconds < TURN / 4) this.budget = Math.min(this.budget * 2, LARGEST);
    else if (milliseconds > TURN / 2) this.budget = Math.max(Math.floor(this.budget / 2), SMALLEST);
  }
}

/** Whether the guest's console had a line that was not finished, by what the debugger had learnt of it. */
function isWithinLine(learned: State): boolean {
  return incompleteLine(new SavedState('run', learned).record('console')).trim() !== '';
}
