/**
 * Catchpoints: stops at satp writes, page faults, traps of the kernel, timer interrupts and system calls: the exception
 * filters of the protocol. And the one stop nobody asks for: a hart that cannot get through its trap handler, which would
 * trap for ever.
 */
import { Mode, type Observer, type Stop, type TrapEvent } from '../../emulator/types';
import type { Filter } from '../protocol';
import { isKernelTrap, isSystemCall, isTimerInterrupt, pageFaultAccess } from './causes';
import type { Check, Condition, Overlay } from './question';
import type { Cause, StopReport } from './stops';

interface FilterInfo {
  filter: Filter;
  label: string;
  description: string;
  conditionDescription: string;
  matches(event: TrapEvent): boolean;
}

const C_EXPRESSION = 'A C expression that must be true, e.g.';

export const FILTERS: readonly FilterInfo[] = [
  {
    filter: 'satp-write',
    label: 'satp Write',
    description: 'Stops after an instruction that has written satp: another page table is in force.',
    conditionDescription: `${C_EXPRESSION} $satp != $before ($before is the value that was overwritten)`,
    matches: () => false,
  },
  {
    filter: 'page-fault',
    label: 'Page Fault',
    description: 'Stops at the instruction whose load, store or fetch is about to fault, before the kernel handles it.',
    conditionDescription:
      'Any of the words user, kernel, load, store, fetch ("user store": only those), or a C expression, e.g. $stval == 0',
    matches: (event) => pageFaultAccess(event) !== undefined,
  },
  {
    filter: 'kernel-trap',
    label: 'Kernel Trap',
    description: 'Stops at an exception in the kernel itself, where it happens, and at any call of panic.',
    conditionDescription: `${C_EXPRESSION} $scause == 13 && $stval < 4096`,
    matches: isKernelTrap,
  },
  {
    filter: 'timer-interrupt',
    label: 'Timer Interrupt',
    description: 'Stops where a timer interrupt is about to be taken.',
    conditionDescription: `${C_EXPRESSION} $hart == 0`,
    matches: isTimerInterrupt,
  },
  {
    filter: 'system-call',
    label: 'System Call',
    description: 'Stops at the ecall of a user program.',
    conditionDescription: `${C_EXPRESSION} $a7 == 5 (the number in a7 says which call)`,
    matches: isSystemCall,
  },
];

const FAULT_WORDS = new Set(['user', 'kernel', 'load', 'store', 'fetch']);

/** The words of a page-fault condition, or undefined if it is an expression. */
export function faultWords(condition: string): string[] | undefined {
  const words = condition
    .toLowerCase()
    .split(/[\s,;+]+/)
    .filter((word) => word !== '' && word !== 'and' && word !== 'or');
  return words.length > 0 && words.every((word) => FAULT_WORDS.has(word)) ? words : undefined;
}

/** Words of one sort exclude the others of that sort: "user load store" is loads and stores from user mode. */
function fitsWords(words: readonly string[], event: TrapEvent): boolean {
  const from = event.from === Mode.User ? 'user' : 'kernel';
  const sides = words.filter((word) => word === 'user' || word === 'kernel');
  const accesses = words.filter((word) => word !== 'user' && word !== 'kernel');
  return (
    (sides.length === 0 || sides.includes(from)) &&
    (accesses.length === 0 || accesses.includes(pageFaultAccess(event) ?? ''))
  );
}

/** A handler saves registers first: where that faults, no instruction beyond these is reached. */
const HANDLER_BYTES = 256n;
/** So many exceptions of a handler in a row, and none other between them, are a loop. */
const LOOP = 32;

/** What a hart's traps have come to. */
interface Trapping {
  /** The last trap that was not its handler's own. */
  first: TrapEvent;
  /** Exceptions of the handler since. */
  again: number;
  looping: boolean;
  /** The user has been told of this loop. */
  told: boolean;
}

export class Catchpoints {
  #active = new Map<Filter, string | undefined>();
  readonly #last = new Map<number, Trapping>();

  constructor(
    private readonly holds: Condition,
    private readonly problem: Check = () => undefined,
  ) {}

  /** Replaces the filters in force; each may have a condition. One whose condition cannot be understood is not in force. */
  set(filters: readonly { filter: string; condition?: string }[]): { verified: boolean; message?: string }[] {
    this.#active = new Map();
    return filters.map(({ filter, condition: given }) => {
      const known = FILTERS.find((one) => one.filter === filter);
      if (!known) return { verified: false, message: `There is no filter "${filter}".` };
      const condition = given?.trim() ? given.trim() : undefined;
      const isWords = known.filter === 'page-fault' && condition !== undefined && faultWords(condition) !== undefined;
      const problem = condition === undefined || isWords ? undefined : this.problem(condition);
      if (problem !== undefined)
        return { verified: false, message: `The condition "${condition}" is not valid: ${problem}` };
      this.#active.set(known.filter, condition);
      return { verified: true };
    });
  }

  isActive(filter: Filter): boolean {
    return this.#active.has(filter);
  }

  /** Forgets what it saw: the machine is a new one. */
  restart(): void {
    this.#last.clear();
  }

  /** Listens on the machine. `vector` is where an exception goes that a hart takes to a mode; `taken` is told of every trap. */
  observer(vector: (hart: number, mode: Mode) => bigint, taken: (event: TrapEvent) => void): Observer {
    return {
      trap: (event) => {
        const looping = this.#follow(event, vector(event.hart, event.to));
        taken(event);
        return looping || FILTERS.some((one) => this.#active.has(one.filter) && one.matches(event));
      },
      satpWrite: () => this.#active.has('satp-write'),
    };
  }

  /** Whether the user wants this stop, with what is to be said of it. */
  judge(stop: Stop): StopReport | undefined {
    if (stop.kind === 'satpWrite') {
      if (!this.#active.has('satp-write')) return undefined;
      const { event } = stop;
      const report = this.#ask('satp-write', event.hart, { before: event.before, satp: event.after });
      return (
        report && { ...report, description: report.description ?? 'satp write', cause: { kind: 'satp-write', event } }
      );
    }
    if (stop.kind !== 'trap') return undefined;
    const { event } = stop;
    const last = this.#last.get(event.hart);
    if (last?.looping && !last.told) {
      last.told = true;
      return trapReport(event.hart, 'Trap loop', { kind: 'trap-loop', event, first: last.first });
    }
    for (const { filter, matches } of FILTERS) {
      if (!this.#active.has(filter) || !matches(event)) continue;
      const report = this.#ask(filter, event.hart, overlayOf(event), event);
      if (report) return { ...report, cause: { kind: 'trap', event } };
    }
    return undefined;
  }

  #ask(filter: Filter, hart: number, overlay: Overlay, event?: TrapEvent): StopReport | undefined {
    const condition = this.#active.get(filter);
    const stop: StopReport = { hart, reason: 'exception' };
    if (condition === undefined) return stop;
    const words = filter === 'page-fault' ? faultWords(condition) : undefined;
    if (words && event) return fitsWords(words, event) ? stop : undefined;
    try {
      return this.holds(condition, hart, overlay) ? stop : undefined;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return { ...stop, description: `The condition "${condition}" failed: ${why}` };
    }
  }

  /**
   * True if the handler of exceptions is what raises them, for ever. If its very first instruction does, once is enough:
   * that is how a jump to nowhere ends, and a table in satp that does not map the kernel. A handler that faults further
   * on, where it saves registers to a stack that is none, is given a few attempts.
   */
  #follow(event: TrapEvent, vector: bigint): boolean {
    const last = this.#last.get(event.hart);
    const inHandler = event.epc >= vector && event.epc < vector + HANDLER_BYTES;
    if (event.interrupt || !inHandler || event.from !== event.to || !last) {
      this.#last.set(event.hart, { first: event, again: 0, looping: false, told: false });
      return false;
    }
    last.looping ||= event.epc === vector || ++last.again >= LOOP;
    return last.looping && !last.told;
  }
}

function trapReport(hart: number, description: string, cause: Cause): StopReport {
  return { hart, reason: 'exception', description, cause };
}

/** What the trap is about to write, under the names of both modes' registers. */
function overlayOf(event: TrapEvent): Overlay {
  const cause = BigInt(event.cause) | (event.interrupt ? 1n << 63n : 0n);
  const mode = event.to === Mode.Machine ? 'm' : 's';
  return { [`${mode}cause`]: cause, [`${mode}tval`]: event.tval, [`${mode}epc`]: event.epc };
}
