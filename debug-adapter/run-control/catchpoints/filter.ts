/** The definition of a filter of catchpoints: an exception filter of the protocol. */
import type { Filter } from '../../protocol';
import type { KernelEventKind } from '../../xv6/kernel-events';
import type { Overlay } from '../conditions';
import type { StopCause } from '../stops';

/** What filters need to know about the guest. */
export interface MatchedGuest {
  /** An integer register of a hart. */
  x(hart: number, register: number): bigint;
  /** The names of all system calls, and the one of a number. */
  systemCalls(): readonly string[];
  systemCall(number: bigint): string | undefined;
  /** Why a kind of the kernel's events cannot be observed; undefined if it can. */
  missing(kind: KernelEventKind): string | undefined;
}

/** Whether a cause matches the keywords of a condition. */
export type Matcher = (cause: StopCause, guest: MatchedGuest) => boolean;

export interface CatchFilter {
  readonly filter: Filter;
  readonly label: string;
  readonly description: string;
  readonly conditionDescription: string;
  /** Whether it is on by default. */
  readonly default?: boolean;
  /** The kernel's event that it catches. */
  readonly kernelEvent?: KernelEventKind;
  /** It also catches what is seen where the kernel has no such function. */
  readonly alsoWithoutEvent?: true;
  /**
   * Firmware tries out by exceptions what a hart has, and emulates for a kernel what it has not, such as rdtime: those that go to
   * machine mode are then no matter of the kernel's.
   */
  readonly notOfFirmware?: true;
  matches(cause: StopCause): boolean;
  /** Additional names in its conditions, with their values. */
  overlay?(cause: StopCause): Overlay;
  /** Parses a condition of keywords; undefined if it is an expression. Throws an Error that names a wrong keyword. */
  words?(condition: string, guest: MatchedGuest | undefined): Matcher | undefined;
}

export const C_EXPRESSION = 'a C expression that must be true, e.g.';

const SEPARATORS = /[\s,;+|]+/;

/** The keywords of a condition that consists only of keywords; undefined for anything else. Case does not matter. */
export function keywords(condition: string, word = /^[a-z_][\w./-]*$/i): string[] | undefined {
  const words = condition.split(SEPARATORS).filter((one) => one !== '' && !/^(and|or)$/i.test(one));
  return words.length > 0 && words.every((one) => word.test(one)) ? words : undefined;
}

/** "a, b or c". */
export const oneOf = (names: readonly string[]): string =>
  names.length < 2 ? (names[0] ?? 'none') : `${names.slice(0, -1).join(', ')} or ${names.at(-1)!}`;
