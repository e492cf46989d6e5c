/**
 * Virtual time since the machine was powered on last, in instructions, and the instants that lie on it. A guest that resets
 * the machine begins another one, with its time anew.
 */
import { compareInstants, type Instant, Phase } from '../../emulator/history/instant';
import type { LoggedInput } from '../../emulator/types';

export class Axis {
  /** Inputs before the first of `entries`, which came in since power on. */
  private readonly first: number;
  private readonly entries: readonly LoggedInput[];
  readonly start: Instant;
  readonly end: Instant;

  /** Of the run with these inputs, from its beginning to its present: the part that an instant lies on. */
  constructor(beginning: Instant, present: Instant, inputs: readonly LoggedInput[], around: Instant) {
    const resets = inputs.flatMap(({ input }, index) => (input.kind === 'reset' ? [index] : []));
    const before = resets.findLast((index) => index < around.inputs);
    const after = resets.find((index) => index >= around.inputs);
    this.first = before === undefined ? 0 : before + 1;
    this.entries = inputs.slice(this.first, after);
    this.start = before === undefined ? beginning : { inputs: this.first, time: 0, phase: Phase.arrived };
    const reset = after === undefined ? undefined : inputs[after]!;
    this.end = reset === undefined ? present : { inputs: after!, time: reset.time, phase: Phase.arrived };
  }

  /** Where nothing has happened yet at a time; the beginning or the end, if it lies outside. */
  at(time: number): Instant {
    if (time <= this.start.time) return this.start;
    const at = { inputs: this.first + this.before(Math.ceil(time)), time: Math.ceil(time), phase: Phase.arrived };
    return compareInstants(at, this.end) < 0 ? at : this.end;
  }

  has({ inputs }: Instant): boolean {
    return inputs >= this.start.inputs && inputs <= this.end.inputs;
  }

  /** How many of the inputs came in before a time. */
  private before(time: number): number {
    let [low, high] = [0, this.entries.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.entries[middle]!.time < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
