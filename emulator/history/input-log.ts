/**
 * What came into the machine from outside, with the moment at which it came. Together with the start state this decides
 * the whole run: put the same log into a machine of the same options and it does the same again.
 *
 * A machine that has gone back is within its log, and replays the later inputs when it runs on; a new input
 * there takes the place of all of them. Idle time that the wall clock lets pass needs no entry: it ends at what is due, or
 * at the moment of the next entry.
 */
import type { InputHistory, LoggedInput } from '../types';

export class InputLog implements InputHistory {
  /** Inputs before the first of `entries`: those of another machine, from which this one has a checkpoint. */
  private first = 0;
  private entries: LoggedInput[] = [];
  /** Inputs since the first power on that have come in. */
  private entered = 0;

  get count(): number {
    return this.entered;
  }

  since(count: number): readonly LoggedInput[] {
    if (count < this.first || count > this.entered) {
      throw new RangeError(
        `the log has inputs ${this.first} to ${this.entered}, but those from ${count} on were wanted`,
      );
    }
    return this.entries.slice(count - this.first, this.entered - this.first);
  }

  through(count: number): readonly LoggedInput[] {
    if (this.first > 0 || !this.reaches(count)) {
      throw new RangeError(
        `the log has inputs ${this.first} to ${this.first + this.entries.length}, not the first ${count}`,
      );
    }
    return this.entries.slice(0, count);
  }

  /** The next input to come in again. */
  get next(): LoggedInput | undefined {
    return this.entries[this.entered - this.first];
  }

  /** Whether there is an entry for each input up to so many. */
  reaches(count: number): boolean {
    return count <= this.first + this.entries.length;
  }

  /** Notes what has come in. Whatever was to come later will not. */
  record(entry: LoggedInput): void {
    this.replaceFuture([entry]);
    this.entered++;
  }

  /** The next input comes in again. */
  advance(): void {
    this.entered++;
  }

  /** What is to come in from here on. */
  replaceFuture(entries: readonly LoggedInput[]): void {
    this.entries = [...this.entries.slice(0, this.entered - this.first), ...entries];
  }

  /** The machine is where so many inputs had come in. */
  moveTo(count: number): void {
    this.entered = count;
    if (count >= this.first && this.reaches(count)) return;
    this.first = count;
    this.entries = [];
  }
}
