/** Catchpoints for the kernel's own events: context switches, creation, exec and exit of processes, panic. */
import type { KernelEvent, Named } from '../../xv6/kernel-events';
import type { Overlay } from '../conditions';
import type { StopCause } from '../stops';
import { keywords, C_EXPRESSION, type CatchFilter, type Matcher } from './filter';

const is =
  (kind: KernelEvent['kind']) =>
  (cause: StopCause): boolean =>
    cause.kind === 'kernel' && cause.event.kind === kind;

const pid = (process: Named | undefined): bigint => BigInt(process?.pid ?? 0);

/** Keywords that name programs: the one that runs, or is about to. */
function programWords(condition: string): Matcher | undefined {
  const words = keywords(condition);
  if (!words || words.some((word) => /^(pid|hart|mode)$/.test(word))) return undefined;
  return (cause) => {
    if (cause.kind !== 'kernel') return false;
    const { event } = cause;
    const name = event.kind === 'exec' ? event.path.slice(event.path.lastIndexOf('/') + 1) : nameOf(event);
    return name !== undefined && words.includes(name);
  };
}

const nameOf = (event: KernelEvent): string | undefined =>
  event.kind === 'create' || event.kind === 'exit' ? event.by?.name : undefined;

const PROGRAMS = 'Names of programs, e.g. sh, ls; or';

export const KERNEL: readonly CatchFilter[] = [
  {
    filter: 'panic',
    label: 'Panic',
    description:
      'Stops at any call of panic, where the kernel ends in a loop that it cannot leave, whatever it calls that, and where all processes sleep for good.',
    conditionDescription: `${C_EXPRESSION} hart == 0`,
    default: true,
    kernelEvent: 'panic',
    alsoWithoutEvent: true,
    matches: (cause) => is('panic')(cause) || cause.kind === 'dead-end' || cause.kind === 'silence',
  },
  {
    filter: 'context-switch',
    label: 'Context Switch',
    description: "Stops where swtch is called: from a process to its hart's scheduler, or from there to a process.",
    conditionDescription: `${C_EXPRESSION} $to == 3 || $from == 3 (pids; 0 is the scheduler)`,
    kernelEvent: 'switch',
    matches: is('switch'),
    overlay: (cause): Overlay =>
      cause.kind === 'kernel' && cause.event.kind === 'switch'
        ? { from: pid(cause.event.from), to: pid(cause.event.to) }
        : {},
  },
  {
    filter: 'process-create',
    label: 'Process Created',
    description: 'Stops where a new process has got its slot and its pid.',
    conditionDescription: `${PROGRAMS} ${C_EXPRESSION} $child == 3 (pid is that of the parent)`,
    kernelEvent: 'create',
    matches: is('create'),
    overlay: (cause): Overlay =>
      cause.kind === 'kernel' && cause.event.kind === 'create' ? { child: BigInt(cause.event.child) } : {},
    words: programWords,
  },
  {
    filter: 'process-exec',
    label: 'Process Execs',
    description: 'Stops where a process is about to replace its program by another.',
    conditionDescription: `${PROGRAMS} ${C_EXPRESSION} pid == 3`,
    kernelEvent: 'exec',
    matches: is('exec'),
    words: programWords,
  },
  {
    filter: 'process-exit',
    label: 'Process Exits',
    description: 'Stops where a process is about to end.',
    conditionDescription: `${PROGRAMS} ${C_EXPRESSION} $status != 0`,
    kernelEvent: 'exit',
    matches: is('exit'),
    overlay: (cause): Overlay =>
      cause.kind === 'kernel' && cause.event.kind === 'exit' ? { status: BigInt(cause.event.status) } : {},
    words: programWords,
  },
];
