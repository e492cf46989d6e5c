/**
 * A point of a run. Between two instructions a machine may stop at several places that its clock does not tell apart:
 * the schedule decides which hart runs, an interrupt is taken, an instruction is fetched or traps, and no instruction is
 * counted. An instant tells them apart, and is reached again by running the same inputs.
 */

/** How far the machine has come between two instructions, in this order. */
export const enum Phase {
  /** The instruction before is done, or idle time has passed. What is due has not been looked at. */
  arrived,
  /** What is due has happened, and the scheduler has chosen a hart; or all harts wait. */
  chosen,
  /** An interrupt is about to be taken, and those who observe traps have been told. */
  interrupted,
  /**
   * The interrupt has been taken, if there was one, and the instruction has been fetched; those who observe it have been told: here
   * breakpoints stop.
   */
  fetched,
  /** The instruction has raised an exception. Those who observe traps have been told, and it has not been taken. */
  attempted,
}

export interface Moment {
  /** Instructions executed and slept through since power on, the last one if there were several. */
  readonly time: number;
  readonly phase: Phase;
}

/** The guest sees harts of 100 MHz that retire one instruction a cycle. */
export const TIME_PER_MS = 100_000;

/** The virtual time of a moment. */
export const millisecondsOf = ({ time }: Moment): number => time / TIME_PER_MS;

/** Instants of one log are ordered by the number of inputs before them, then by time, then by phase. */
export interface Instant extends Moment {
  /** Inputs that had come in since the first power on: those of the log which lie before this instant. */
  readonly inputs: number;
}

export const POWER_ON: Instant = { inputs: 0, time: 0, phase: Phase.arrived };

/** Negative if `a` is the earlier one, 0 if they are the same. */
export const compareInstants = (a: Instant, b: Instant): number => a.inputs - b.inputs || compareMoments(a, b);

/** As `compareInstants`, of two between the same inputs. */
export const compareMoments = (a: Moment, b: Moment): number => a.time - b.time || a.phase - b.phase;

/** An instant as a word, for those who only keep it: "2:1234567:0". */
export const instantName = ({ inputs, time, phase }: Instant): string => `${inputs}:${time}:${phase}`;

/** The instant with such a name; undefined if it is none. */
export function instantNamed(name: string): Instant | undefined {
  const found = /^(\d{1,15}):(\d{1,15}):([0-4])$/.exec(name);
  if (!found) return undefined;
  const [inputs, time, phase] = found.slice(1).map(Number) as [number, number, Phase];
  return { inputs, time, phase };
}

/** An execution of an instruction by a hart. */
export interface ExecutionAt {
  readonly hart: number;
  readonly pc: bigint;
  /** Instructions that the hart had begun. */
  readonly steps: number;
}

/** A hart before a trap that it has not taken. */
export interface BeforeTrap extends ExecutionAt {
  readonly interrupt: boolean;
  readonly cause: number;
}
