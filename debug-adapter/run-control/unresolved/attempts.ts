/**
 * Exceptions that the kernel's handler has been given to resolve: a page that is not there yet, a copy on write. Each is kept
 * until the instruction that raised it gets through. One address space has one thread in xv6, so that a user's exceptions are
 * told apart by the root of the table that it ran on, wherever it goes on; the kernel's own by the hart.
 */
import type { Instant } from '../../../emulator/history/instant';
import { restoredTrap, SavedState, savedTrap } from '../../../emulator/history/saved-state';
import { Mode, type State, type TrapEvent, type TrapReturnEvent } from '../../../emulator/types';

/** So often an instruction may raise the same exception in a row, until that counts as no progress: xv6's handlers need one or two. */
const ATTEMPTS = 8;

export interface Attempt {
  readonly event: TrapEvent;
  /** Where it was raised first. */
  readonly at: Instant;
  /** How often it has been raised, nothing having been executed in between. */
  times: number;
  /** Who went back to the instruction, with the instructions that it had retired; undefined while the handler is at work. */
  back: { hart: number; retired: number } | undefined;
}

/** What a trap says beside its event: the root in the hart's satp, and what the hart has retired. */
export interface TrapPlace {
  root: bigint | undefined;
  retired: number;
}

const isSame = (a: TrapEvent, b: TrapEvent): boolean => a.epc === b.epc && a.cause === b.cause && a.tval === b.tval;

export class Attempts {
  private byThread = new Map<string, Attempt>();

  get any(): boolean {
    return this.byThread.size > 0;
  }

  clear(): void {
    this.byThread.clear();
  }

  /** A trap of whatever kind. Returns the attempt that it shows to be in vain. */
  trapped(event: TrapEvent, { root, retired }: TrapPlace, isException: boolean, at: Instant): Attempt | undefined {
    const thread = threadOf(event.from, event.hart, root);
    const known = this.byThread.get(thread);
    if (known?.back && (known.back.hart !== event.hart || known.back.retired !== retired)) this.byThread.delete(thread);
    // What the handler raises itself, and what interrupts it, is no new attempt.
    else if (known && (!known.back || !isException)) return undefined;
    if (!isException) return undefined;
    if (known?.back && isSame(known.event, event) && this.byThread.has(thread)) {
      known.back = undefined;
      return ++known.times >= ATTEMPTS ? known : undefined;
    }
    this.byThread.set(thread, { event, at, times: 1, back: undefined });
    return undefined;
  }

  /** A hart goes back to what was trapped. */
  returned({ hart, to, target }: TrapReturnEvent, { root, retired }: TrapPlace): void {
    const thread = threadOf(to, hart, root);
    const known = this.byThread.get(thread);
    if (!known) return;
    if (to === Mode.User || target === known.event.epc) known.back = { hart, retired };
    // The handler goes on after the instruction; or what interrupted it has come to its end.
    else if (target === known.event.epc + 2n || target === known.event.epc + 4n) this.byThread.delete(thread);
  }

  /** The exception that a hart is handling now: the kernel's own, or that of the user whose table has this root. */
  handled(hart: number, root: bigint | undefined): Attempt | undefined {
    const threads = [threadOf(Mode.Supervisor, hart, undefined), threadOf(Mode.User, hart, root)];
    return threads.map((thread) => this.byThread.get(thread)).find((known) => known && !known.back);
  }

  forget(attempt: Attempt): void {
    for (const [thread, one] of this.byThread) if (one === attempt) this.byThread.delete(thread);
  }

  save(): State {
    return { threads: [...this.byThread].map(([thread, attempt]) => ({ thread, ...savedAttempt(attempt) })) };
  }

  /** Throws an Error, and changes nothing, if it is not what `save` made. */
  restore(state: State): void {
    this.byThread = new Map(
      new SavedState('attempts', state)
        .records('threads')
        .map((one) => [one.text('thread') ?? '', restoredAttempt(one)]),
    );
  }
}

const threadOf = (mode: Mode, hart: number, root: bigint | undefined): string =>
  mode === Mode.User ? `table ${root}` : `hart ${hart}`;

export const savedAttempt = ({ event, at, times, back }: Attempt): Record<string, State> => ({
  ...{ event: savedTrap(event), at: { ...at }, times },
  back: back ? { ...back } : null,
});

export function restoredAttempt(saved: SavedState): Attempt {
  const at = saved.record('at');
  const back = saved.raw('back') === null ? undefined : saved.record('back');
  return {
    event: restoredTrap(saved.record('event')),
    at: { inputs: at.count('inputs'), time: at.count('time'), phase: at.index('phase', 5) },
    times: saved.count('times'),
    back: back && { hart: back.count('hart'), retired: back.count('retired') },
  };
}
