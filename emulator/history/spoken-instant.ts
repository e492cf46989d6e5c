/** Instants as a person writes them, without knowing the log of inputs. */
import { type Instant, Phase, TIME_PER_MS, compareInstants, millisecondsOf } from './instant';
import type { LoggedInput } from '../types';
import type { RecordedRun } from './recorded-run';

export type SpokenInstant =
  | { readonly kind: 'end' }
  /** When so many instructions had been executed. */
  | { readonly kind: 'executed'; readonly instructions: number }
  /** When so much virtual time had passed; see Moment. */
  | { readonly kind: 'time'; readonly time: number }
  | { readonly kind: 'bookmark'; readonly name: string };

/** Where a replay of the run ends: at an instant, and at so many executed instructions if they come first. */
export interface Destination {
  /** All that comes in from power on. */
  readonly inputs: readonly LoggedInput[];
  readonly to: Instant;
  readonly executed: number;
}

/** `end`, instructions as in `1234567`, milliseconds as in `12.5ms`; anything else is the name of a bookmark. */
export function spokenInstant(text: string): SpokenInstant {
  if (text === 'end') return { kind: 'end' };
  if (/^\d+$/.test(text)) return { kind: 'executed', instructions: Number(text) };
  const milliseconds = /^(\d+(?:\.\d+)?) ?ms$/.exec(text)?.[1];
  if (milliseconds !== undefined) return { kind: 'time', time: Math.round(Number(milliseconds) * TIME_PER_MS) };
  return { kind: 'bookmark', name: text };
}

/** The first such instant of the run. Throws RangeError, in words for the user, if there is none. */
export function destinationIn(run: RecordedRun, spoken: SpokenInstant): Destination {
  const { end, inputs, bookmarks, futures } = run;
  switch (spoken.kind) {
    case 'end':
      return { inputs, to: end, executed: Infinity };
    case 'executed':
      return { inputs, to: end, executed: spoken.instructions };
    case 'time': {
      const { time } = spoken;
      const later = inputs.findIndex((input) => input.time >= time);
      const to = { inputs: later < 0 ? inputs.length : later, time, phase: Phase.arrived };
      if (compareInstants(to, end) > 0) throw new RangeError(`the run has ended before ${millisecondsOf(to)} ms`);
      return { inputs, to, executed: Infinity };
    }
    case 'bookmark': {
      const found = bookmarks.find(({ name }) => name === spoken.name);
      if (found !== undefined) {
        const future = found.future === undefined ? undefined : futures[found.future];
        const all = future === undefined ? inputs : [...inputs.slice(0, future.shared.inputs), ...future.inputs];
        return { inputs: all, to: found.instant, executed: Infinity };
      }
      const names = bookmarks.map(({ name }) => `, "${name}"`).join('');
      throw new RangeError(`"${spoken.name}" is no instant of the run; write instructions, or 12.5ms, or end${names}`);
    }
  }
}
