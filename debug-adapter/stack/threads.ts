/**
 * The threads of the protocol: every hart, and every process that no hart runs. A process that runs is seen at its hart.
 *
 * Ids: hart n is n + 1 (1 to 8). A process is 1000 + its slot in `proc` + the slots there are * its pid: the same from its
 * birth to its end, and another for the next process in the slot.
 */
import { X } from '../../emulator/isa/registers';
import { Mode, type Hart } from '../../emulator/types';
import type { Guest } from '../code/guest';
import { channelName } from '../xv6/channel';
import { processOn } from '../xv6/cpus';
import { NAMES } from '../xv6/names';
import { returnsFrom } from '../code/returns-from';
import { allProcesses, ENDED, named, parkedRegisters, type Process } from '../xv6/processes';

export type Thread = { kind: 'hart'; hart: number } | { kind: 'process'; process: Process };

const FIRST_PROCESS = 1000;

export const hartThread = (hart: number): number => hart + 1;

/** Undefined where the kernel's processes are not known. */
export function processThread(
  guest: Pick<Guest, 'xv6'>,
  { slot, pid }: Pick<Process, 'slot' | 'pid'>,
): number | undefined {
  const count = guest.xv6.proc?.count;
  return count === undefined ? undefined : FIRST_PROCESS + slot + count * (pid & 0x3fffff);
}

/** The hart that executes a process; undefined while it is parked. */
export const hartOfProcess = (
  guest: Pick<Guest, 'harts' | 'xv6'>,
  { address }: Pick<Process, 'address'>,
): Hart | undefined => guest.harts.find((hart) => processOn(guest.xv6, hart)?.address === address);

/** Processes that exist and that no hart executes, by pid. */
export function parkedProcesses(guest: Pick<Guest, 'harts' | 'xv6'>): Process[] {
  const running = new Set(guest.harts.map((hart) => processOn(guest.xv6, hart)?.address));
  return allProcesses(guest.xv6)
    .filter(({ used, address }) => used && !running.has(address))
    .sort((a, b) => a.pid - b.pid || a.slot - b.slot);
}

/** The thread that an id names. A process's id names its hart while it runs. Throws an Error if there is none. */
export function threadNamed(guest: Pick<Guest, 'harts' | 'xv6'>, id: number): Thread {
  if (guest.harts[id - 1]) return { kind: 'hart', hart: id - 1 };
  const process = allProcesses(guest.xv6).find((one) => one.used && processThread(guest, one) === id);
  if (!process) throw new Error(`There is no thread ${id}${id >= FIRST_PROCESS ? ': its process has ended' : ''}.`);
  const hart = hartOfProcess(guest, process);
  return hart ? { kind: 'hart', hart: hart.id } : { kind: 'process', process };
}

/** "pid 2 sh: sleeping on &bcache.buf[3].lock". */
export const processName = (guest: Pick<Guest, 'xv6'>, process: Process): string =>
  `${named(process)}: ${stateOf(guest, process)}`;

function stateOf({ xv6 }: Pick<Guest, 'xv6'>, { state, channel }: Process): string {
  const word = state.toLowerCase();
  if (word === 'sleeping' && channel) return `sleeping on ${channelName(xv6, channel)}`;
  // The scheduler has chosen it, but its registers are not loaded yet.
  return word === 'running' ? 'about to run' : word;
}

/** "pid 3 sh", "scheduler", "idle"; `functions` are those on the hart's stack. */
export function hartRuns(guest: Pick<Guest, 'xv6'>, hart: Hart, functions: () => readonly string[]): string {
  const process = processOn(guest.xv6, hart);
  return process ? named(process) : idleName(guest, hart, functions());
}

/**
 * Linked addresses at which processes continue that are switched to: after the kernel's calls of swtch, and where those of
 * `awaited` begin that have not run yet.
 */
export function resumptions({ xv6 }: Pick<Guest, 'xv6'>, awaited: readonly Pick<Process, 'slot'>[]): bigint[] {
  const begun = awaited.flatMap((process) => parkedRegisters(xv6, process)?.pc ?? []);
  return [...returnsFrom(xv6.binary, NAMES.contextSwitch), ...begun];
}

function idleName(
  { xv6 }: Pick<Guest, 'xv6'>,
  { mode, waiting, spinning }: Hart,
  functions: readonly string[],
): string {
  const idle = waiting || spinning;
  if (functions.includes(NAMES.scheduler)) return idle ? 'idle' : 'scheduler';
  if (!xv6.proc || !xv6.cpus) return mode === Mode.User ? 'a user program' : idle ? 'idle' : 'the kernel';
  return mode === Mode.User ? 'a user program' : 'starting';
}

/** Where a parked process goes on when it is switched to. Throws an Error where that is not known. */
export function parkedAt({ xv6 }: Pick<Guest, 'xv6'>, process: Process): { pc: bigint; sp: bigint } {
  const registers = parkedRegisters(xv6, process);
  const sp = registers?.x[X.sp];
  if (!registers || sp === undefined)
    throw new Error(`Where ${named(process)} goes on is not known: struct proc has no context with ra and sp.`);
  if (process.state === ENDED) throw new Error(`${named(process)} has exited: it will not run again.`);
  return { pc: registers.pc, sp };
}
