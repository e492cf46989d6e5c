/**
 * Threads are harts, as they are CPUs for QEMU: thread 1 is hart 0. With gdb's multiprocess extension they belong to process 1
 * ("thread-id syntax" in appendix E.2 of gdb's manual).
 */
import { twoDigits } from './packets';

/** A hart; any one; or all of them. */
export type ThreadId = { readonly hart: number } | 'any' | 'all';

export const PROCESS = 1;

/** Undefined if it is no thread of a machine with so many harts. */
export function parseThreadId(text: string, harts: number): ThreadId | undefined {
  const match = /^(?:p(-1|[0-9a-f]{1,8})(?:\.|$))?(-1|[0-9a-f]{1,8})?$/i.exec(text);
  if (!match || text === '') return undefined;
  const [, process, thread] = match;
  if (process !== undefined && process !== '-1' && parseInt(process, 16) > PROCESS) return undefined;
  if (thread === undefined || thread === '-1') return 'all';
  const number = parseInt(thread, 16);
  if (number === 0) return 'any';
  return number <= harts ? { hart: number - 1 } : undefined;
}

export const threadId = (hart: number, isMultiprocess: boolean): string =>
  isMultiprocess ? `p${twoDigits(PROCESS)}.${twoDigits(hart + 1)}` : twoDigits(hart + 1);
