/** What happened to an object of a story at an instant of the past: who did it, and from where that was called. */
import { instantName, type Instant } from '../../emulator/history/instant';
import type { Hart } from '../../emulator/types';
import type { Guest } from '../code/guest';
import { baseName } from '../code/sources';
import type { StoryEvent, StoryPlace } from '../protocol';
import type { StopReport } from '../run-control/stops';
import type { Frame } from '../stack/frame';
import { walkKernelStack, type StackGuest } from '../stack/stack';
import { processOn } from '../xv6/cpus';

/** Whose stops are told. */
export type StoryGuest = Guest & Pick<StackGuest, 'traps'>;

/** How what stories have found is worded for a client. */
export interface StoryWords {
  /** The path of a source that the compiler has recorded, as the client has it. */
  pathOf(recorded: string): string;
  /** Ticks of virtual time in words: "4.31 ms". */
  duration(ticks: number): string;
}

/** A stop, as it was reported. */
export interface ToldStop {
  /** Its number in the session. */
  readonly number: number;
  readonly report: StopReport;
  readonly title: string;
  /** Of the hart that stopped, innermost first. */
  readonly stack: readonly Frame[];
}

export interface Happened {
  /** `fill`: bytes in a row, as memset writes them. */
  readonly kind: 'write' | 'fill' | 'device' | 'allocated' | 'freed' | 'kept' | 'mapped';
  readonly what: string;
  readonly instant: Instant;
  readonly tick: number;
  readonly hart: number | undefined;
  readonly process: { pid: number; name: string } | undefined;
  readonly places: readonly StoryPlace[];
  /** Of a write: the entry before and after it. */
  readonly before?: bigint;
  readonly after?: bigint;
  /** Of a fill: the bytes of the entry, up to the one after the last. */
  readonly bytes?: readonly [from: number, to: number];
}

/** Who acts on a hart as the machine stands: the process, and the functions on the stack. `pc`: of the instruction that did it. */
export function actor(
  guest: StoryGuest,
  hart: Hart,
  pc: bigint,
  { pathOf }: StoryWords,
): Pick<Happened, 'process' | 'places'> {
  const process = processOn(guest.xv6, hart);
  const places = kernelFrames(stackAt(guest, hart, pc)).map((frame) => placeOf(frame, pathOf));
  return { process: process && { pid: process.pid, name: process.name }, places };
}

/** The stack as it was when a hart executed an instruction that it has just done. */
function stackAt(guest: StoryGuest, hart: Hart, pc: bigint): Frame[] {
  const then = Object.create(guest, { frame: { value: (one: Hart) => ({ ...guest.frame(one), pc }) } }) as StoryGuest;
  return walkKernelStack(then, { kind: 'hart', hart: hart.id });
}

/** Those of the kernel since it was entered last. */
export function kernelFrames(stack: readonly Frame[]): Frame[] {
  const end = stack.findIndex(({ isLabel, isUser }) => isLabel || isUser);
  return end < 0 ? [...stack] : stack.slice(0, end);
}

export function placeOf({ name, file, line }: Frame, pathOf: StoryWords['pathOf']): StoryPlace {
  if (file === undefined || line === 0) return { text: name, function: name };
  return { text: `${name} at ${baseName(file)}:${line}`, function: name, path: pathOf(file), line };
}

/** For the client, at a stop. */
export function eventOf(
  { what, instant, tick, hart, process, places }: Happened,
  now: number,
  words: StoryWords,
): StoryEvent {
  return {
    what,
    instant: instantName(instant),
    ...(hart !== undefined && { hart }),
    ago: `${words.duration(now - tick)} ago`,
    ...(process && { process }),
    places: [...places],
  };
}
