/** What a family of catchpoints says of each of its filters: the exception filters of the protocol. */
import type { Filter } from '../../protocol';
import type { KernelEventKind } from '../../xv6/kernel-events';
import type { Overlay } from '../conditions';
import type { StopCause } from '../stops';

/** What filters ask of the guest. Undefined where the kernel does not tell, or there is none yet. */
export interface Guest {
  /** An integer register of a hart. */
  x(hart: number, register: number): bigint;
  /** The names of all system calls, and the one of a number. */
  systemCalls(): readonly string[];
  systemCall(number: bigint): string | undefined;
  /** Why events of the kernel's own cannot be seen; undefined if they can. */
  missing(kind: KernelEventKind): string | undefined;
}

/** Whether a cause fits the words of a condition. */
export type Matcher = (cause: StopCause, guest: Guest) => boolean;

export interface CatchFilter {
  readonly filter: Filter;
  readonly label: string;
  readonly description: string;
  readonly conditionDescription: string;
  /** In force unless the user says otherwise. */
  readonly default?: boolean;
  /** The event of the kernel's that it is about. */
  readonly kernelEvent?: KernelEventKind;
  matches(cause: StopCause): boolean;
  /** Values that names have in its conditions. */
  overlay?(cause: StopCause): Overlay;
  /** A condition in plain words; undefined if it is an expression. Throws an Error that says which word is wrong. */
  words?(condition: string, guest: Guest | undefined): Matcher | undefined;
}

export const C_EXPRESSION = 'a C expression that must be true, e.g.';

const SEPARATORS = /[\s,;+|]+/;

/** The words of a condition that is nothing but words; undefined for anything else. Case does not matter. */
export function keywords(condition: string, word = /^[a-z_][\w./-]*$/i): string[] | undefined {
  const words = condition.split(SEPARATORS).filter((one) => one !== '' && !/^(and|or)$/i.test(one));
  return words.length > 0 && words.every((one) => word.test(one)) ? words : undefined;
}

/** "a, b or c". */
export const oneOf = (names: readonly string[]): string =>
  names.length < 2 ? (names[0] ?? 'none') : `${names.slice(0, -1).join(', ')} or ${names.at(-1)!}`;
