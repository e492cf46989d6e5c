/** The guest's processes, read from its own `proc` array. */
import { hex } from '../../emulator/isa/hex';
import { X, X_NAMES } from '../../emulator/isa/registers';
import type { FrameRegisters } from '../symbols/api';
import { arrayBytes, indexIn, type ArrayPlace, type Xv6 } from './kernel';
import { Structure } from './structure';

export interface Process {
  /** Index in `proc`. */
  slot: number;
  /** Address of its struct proc. */
  address: bigint;
  pid: number;
  name: string;
  /** The enumerator's name: "RUNNING". */
  state: string;
  /** False for a free slot, whose other values are left over. */
  used: boolean;
  /** p->sz in bytes. */
  size?: bigint;
  /** Address of the user page table's root. */
  pagetable?: bigint;
  /** Its own kernel page tables, by the member that holds each. */
  kernelTables: { member: string; root: bigint }[];
  /** Lowest address of its kernel stack. */
  kstack?: bigint;
  /** Address of its trap frame. */
  trapframe?: bigint;
  /** The channel on which it sleeps, 0 for none. */
  channel?: bigint;
  /** The parent's pid, if it has a parent. */
  parentPid?: number;
}

/** All slots of the process table, used and free, in order. Empty if the table is not known or not readable. */
export function allProcesses(xv6: Xv6): Process[] {
  const { proc } = xv6;
  const bytes = proc && arrayBytes(xv6, proc);
  if (!bytes) return [];
  const structures = Array.from(
    { length: proc.count },
    (_, slot) =>
      new Structure(
        proc.record,
        proc.address + BigInt(slot * proc.stride),
        bytes.subarray(slot * proc.stride, (slot + 1) * proc.stride),
      ),
  );
  return structures.map((structure, slot) => processOf(xv6, proc, structure, slot, structures));
}

/** The processes that exist. */
export const processes = (xv6: Xv6): Process[] => allProcesses(xv6).filter(({ used }) => used);

function processOf(xv6: Xv6, proc: ArrayPlace, structure: Structure, slot: number, all: readonly Structure[]): Process {
  const state = structure.number('state');
  const label = structure.label('state');
  const pid = Number(structure.number('pid') ?? 0n);
  const parent = structure.number('parent');
  const parentSlot = parent ? indexIn(proc, parent) : undefined;
  const tableOf = (member: string): bigint | undefined => structure.number(member) || undefined;
  return {
    slot,
    address: structure.address,
    pid,
    name: structure.text('name') ?? '',
    state: label ?? 'unknown',
    used: state === undefined ? pid !== 0 : label === String(state) ? state !== 0n : label !== 'UNUSED',
    ...given('size', structure.number('sz')),
    ...given('pagetable', xv6.userTableMember === undefined ? undefined : tableOf(xv6.userTableMember)),
    kernelTables: xv6.kernelTableMembers.flatMap((member) => {
      const root = tableOf(member);
      return root === undefined ? [] : [{ member, root }];
    }),
    ...given('kstack', structure.number('kstack') || undefined),
    ...given('trapframe', xv6.trapframe && (structure.number(xv6.trapframe.member) || undefined)),
    ...given('channel', structure.number('chan')),
    ...given('parentPid', parentSlot === undefined ? undefined : Number(all[parentSlot]!.number('pid') ?? 0n)),
  };
}

/** The state of a process that has ended, until its parent waits for it. */
export const ENDED = 'ZOMBIE';
/** The state of one that waits to be woken. */
export const SLEEPING = 'SLEEPING';

/** "pid 3 sh", as sentences name a process. */
export const named = ({ pid, name }: Pick<Process, 'pid' | 'name'>): string => `pid ${pid} ${name}`.trimEnd();

/** Why the process with this pid in a struct proc will run no more, in words; undefined if it may. */
export function endOfProcess(
  { proc, read }: Pick<Xv6, 'proc' | 'read'>,
  { address, pid }: Pick<Process, 'address' | 'pid'>,
): string | undefined {
  const found = proc && Structure.read(proc.record, address, read);
  if (!found) return undefined;
  if (Number(found.number('pid') ?? 0n) !== pid) return `pid ${pid} has ended`;
  return found.label('state') === ENDED ? `${named({ pid, name: found.text('name') ?? '' })} has exited` : undefined;
}

/** An object with one member, or without it if the value is undefined. */
const given = <K extends string, V>(name: K, value: V | undefined): Partial<Record<K, V>> =>
  value === undefined ? {} : ({ [name]: value } as Record<K, V>);

/** The user's registers in the trap frame: those at the last entry into the kernel. */
export function trapFrameRegisters(xv6: Xv6, process: Pick<Process, 'trapframe'>): FrameRegisters | undefined {
  const frame = trapFrame(xv6, process);
  const epc = frame?.number('epc');
  return frame && epc !== undefined ? { pc: epc, ...registersOf(frame) } : undefined;
}

/** The members of the trap frame, in order, with their values in hexadecimal. */
export function trapFrameMembers(xv6: Xv6, process: Pick<Process, 'trapframe'>): { name: string; value: string }[] {
  const frame = trapFrame(xv6, process);
  return (frame?.type.members ?? []).flatMap(({ name }) => {
    const value = name === undefined ? undefined : frame?.number(name);
    return value === undefined ? [] : [{ name: name!, value: hex(BigInt.asUintN(64, value)) }];
  });
}

/** The address of the function to which uservec jumps, from the trap frame; undefined if the trap frame does not have it. */
export const userTrapHandler = (xv6: Xv6, process: Pick<Process, 'trapframe'>): bigint | undefined =>
  trapFrame(xv6, process)?.number('kernel_trap');

/** Whether a process that is in wait has given a place for the status of the child; undefined if it is not in wait. */
export function waitsForStatus(xv6: Xv6, process: Process): boolean | undefined {
  // In wait, a process sleeps on its own struct proc.
  if (process.channel !== process.address) return undefined;
  const place = trapFrameRegisters(xv6, process)?.x[X.a0];
  return place === undefined ? undefined : place !== 0n;
}

function trapFrame(xv6: Xv6, { trapframe }: Pick<Process, 'trapframe'>): Structure | undefined {
  return xv6.trapframe && trapframe !== undefined
    ? Structure.read(xv6.trapframe.record, trapframe, xv6.read)
    : undefined;
}

/** The registers with which a process that is not running will continue in the kernel: those that swtch saved. */
export function parkedRegisters(xv6: Xv6, process: Pick<Process, 'slot'>): FrameRegisters | undefined {
  const { proc } = xv6;
  if (!proc) return undefined;
  const whole = Structure.read(proc.record, proc.address + BigInt(process.slot * proc.stride), xv6.read);
  const context = whole?.inner('context');
  const pc = context?.number('ra');
  return context && pc !== undefined ? { pc, ...registersOf(context) } : undefined;
}

/** Registers, with the addresses at which they are saved. */
function registersOf(structure: Structure): Pick<FrameRegisters, 'x' | 'savedAt'> {
  const savedAt = X_NAMES.map((name, number) => (number === 0 ? undefined : structure.addressOf(name)));
  const x = X_NAMES.map((name, number) => {
    const value = number === 0 ? 0n : structure.number(name);
    return value === undefined ? undefined : BigInt.asUintN(64, value);
  });
  return { x, savedAt };
}
