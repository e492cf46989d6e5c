/** Catchpoints at traps: page faults, exceptions in the kernel, system calls, interrupts. */
import { INTERRUPT_FLAG } from '../../../emulator/isa/causes';
import { X } from '../../../emulator/isa/registers';
import { Mode, type TrapEvent } from '../../../emulator/types';
import { isKernelTrap, isSystemCall, pageFaultAccess } from '../../../emulator/isa/trap-kinds';
import type { Overlay } from '../conditions';
import type { StopCause } from '../stops';
import { keywords, C_EXPRESSION, oneOf, type CatchFilter, type Matcher, type MatchedGuest } from './filter';
import { interruptFits, interruptSources } from './interrupts';

const eventOf = (cause: StopCause): TrapEvent | undefined => (cause.kind === 'trap' ? cause.event : undefined);
const trap = (matches: (event: TrapEvent) => boolean) => ({
  matches: (cause: StopCause): boolean =>
    cause.kind === 'trap' && cause.unresolved === undefined && matches(cause.event),
  overlay: (cause: StopCause): Overlay => (cause.kind === 'trap' ? trapOverlay(cause.event) : {}),
});

/** What the trap is about to write, under the names of both modes' registers. */
function trapOverlay(event: TrapEvent): Overlay {
  const cause = BigInt(event.cause) | (event.interrupt ? INTERRUPT_FLAG : 0n);
  const mode = event.to === Mode.Machine ? 'm' : 's';
  return { [`${mode}cause`]: cause, [`${mode}tval`]: event.tval, [`${mode}epc`]: event.epc };
}

const FAULT_WORDS = ['user', 'kernel', 'load', 'store', 'fetch'];

/** The words of a page-fault condition, or undefined if it is an expression. */
export function faultWords(condition: string): string[] | undefined {
  const words = keywords(condition)?.map((word) => word.toLowerCase());
  return words?.every((word) => FAULT_WORDS.includes(word)) ? words : undefined;
}

/** Words of one sort exclude the others of that sort: "user load store" is loads and stores from user mode. */
function fitsFault(words: readonly string[], event: TrapEvent): boolean {
  const from = event.from === Mode.User ? 'user' : 'kernel';
  const sides = words.filter((word) => word === 'user' || word === 'kernel');
  const accesses = words.filter((word) => word !== 'user' && word !== 'kernel');
  return (
    (sides.length === 0 || sides.includes(from)) &&
    (accesses.length === 0 || accesses.includes(pageFaultAccess(event) ?? ''))
  );
}

function callWords(condition: string, guest: MatchedGuest | undefined): Matcher | undefined {
  const words = keywords(condition, /^[a-z_]\w*$/i)?.map((word) => word.replace(/^sys_/, ''));
  if (!words) return undefined;
  const known = guest?.systemCalls() ?? [];
  const unknown = words.find((word) => !known.includes(word));
  if (guest && unknown !== undefined) {
    throw new Error(
      known.length > 0
        ? `there is no system call "${unknown}"; there are ${known.join(', ')}`
        : 'the kernel has no table "syscalls" that names them: use an expression such as $a7 == 5',
    );
  }
  return (cause, here) => {
    const event = eventOf(cause);
    const name = event && here.systemCall(here.x(event.hart, X.a7));
    return name !== undefined && words.includes(name);
  };
}

export const TRAPS: readonly CatchFilter[] = [
  {
    filter: 'page-fault',
    label: 'Page Fault',
    description: 'Stops at the instruction whose load, store or fetch is about to fault, before the kernel handles it.',
    conditionDescription:
      'Any of the words user, kernel, load, store, fetch ("user store": only those), or a C expression, e.g. $stval == 0',
    ...trap((event) => pageFaultAccess(event) !== undefined),
    words: (condition) => {
      const words = faultWords(condition);
      return words && ((cause) => cause.kind === 'trap' && fitsFault(words, cause.event));
    },
  },
  {
    filter: 'kernel-trap',
    label: 'Kernel Trap',
    description: 'Stops at an exception in the kernel itself, where it happens.',
    conditionDescription: `${C_EXPRESSION} $scause == 13 && $stval < 4096`,
    default: true,
    notOfFirmware: true,
    ...trap(isKernelTrap),
  },
  {
    filter: 'unresolved',
    label: 'Unresolved Exception',
    description:
      'Lets the kernel handle an exception; if that fails, goes back in time to where it was raised. Also stops at a store that is lost: into ROM.',
    conditionDescription: `${C_EXPRESSION} $scause == 15 || $stval < 4096`,
    default: true,
    matches: (cause) => cause.kind === 'lost-store' || (cause.kind === 'trap' && cause.unresolved !== undefined),
    overlay: (cause): Overlay => (cause.kind === 'trap' ? trapOverlay(cause.event) : {}),
  },
  {
    filter: 'system-call',
    label: 'System Call',
    description: 'Stops at the ecall of a user program.',
    conditionDescription: `Names of system calls, e.g. open, read; or ${C_EXPRESSION} $a7 == 5 && pid == 3`,
    ...trap(isSystemCall),
    words: callWords,
  },
  {
    filter: 'interrupt',
    label: 'Interrupt',
    description: 'Stops where an interrupt is about to be taken.',
    conditionDescription: `Sources (${oneOf(interruptSources)}) or a number of the PLIC; or ${C_EXPRESSION} hart == 0`,
    ...trap(({ interrupt }) => interrupt),
    words: (condition) => {
      const fits = interruptFits(condition);
      return fits && ((cause) => cause.kind === 'trap' && fits(cause.event));
    },
  },
];
