/**
 * What each hart runs, off the kernel's `cpus` array, and which spin locks it holds. The hart's number comes from the machine: the
 * guest keeps it in tp only while in the kernel.
 *
 * The kernel writes `cpus[].proc` before it loads a process's registers and clears it after it has put them away, so the
 * entry alone would name a process while the scheduler runs. The scheduler is known by its stack, the one in `stack0` that
 * the hart began with.
 */
import { X } from '../../emulator/isa/registers';
import { Mode, type Hart } from '../../emulator/types';
import { findMember, plain, sizeOf } from '../expressions/types';
import type { RecordType, Type } from '../symbols/api';
import { alignedWord, indexIn, placeOf, type Xv6 } from './kernel';
import { NAMES } from './names';
import { allProcesses, type Process } from './processes';
import { Structure } from './structure';

/** The parts of a hart that are needed here. */
type HartContext = Pick<Hart, 'id' | 'mode' | 'x'>;

/**
 * The process in whose context a hart executes, in user mode or in the kernel on its behalf; undefined in the scheduler,
 * before it, and where the processes are not known. `all` saves reading them again.
 */
export function processOn(xv6: Xv6, hart: HartContext, all?: readonly Process[]): Process | undefined {
  const address = structProcOn(xv6, hart);
  if (address === undefined) return undefined;
  return (all ?? allProcesses(xv6)).find((process) => process.address === address && process.used);
}

/** The same, no more read than its struct proc's address and its pid. */
export function processIdOn(xv6: Xv6, hart: HartContext): { address: bigint; pid: number } | undefined {
  const { pid } = placesOf(xv6);
  const address = pid === undefined ? undefined : structProcOn(xv6, hart);
  if (address === undefined) return undefined;
  const at = address + pid!;
  const word = alignedWord(xv6, at & ~7n);
  return word === undefined ? undefined : { address, pid: Number(BigInt.asIntN(32, word >> (8n * (at & 7n)))) };
}

/** The struct proc of the process in whose context a hart executes. */
export function structProcOn(xv6: Xv6, hart: HartContext): bigint | undefined {
  const running = placesOf(xv6).running[hart.id];
  if (running === undefined || !xv6.proc || onBootStack(xv6, hart)) return undefined;
  const address = alignedWord(xv6, running);
  return address && indexIn(xv6.proc, address) !== undefined ? address : undefined;
}

/** Whether a hart in the kernel is on the stack that it began with, which later is its scheduler's. */
function onBootStack(xv6: Xv6, hart: HartContext): boolean {
  const { stacks } = placesOf(xv6);
  if (hart.mode === Mode.User || !stacks) return false;
  const sp = hart.x(X.sp);
  return sp > stacks.address && sp <= stacks.address + stacks.size;
}

/** What is looked for by name, once: who runs is asked at every call that some watch. */
interface Places {
  /** By hart: where the address of its process's struct proc lies. */
  readonly running: readonly bigint[];
  /** Offset of `pid` in struct proc, in bytes. */
  readonly pid: bigint | undefined;
  readonly stacks: { readonly address: bigint; readonly size: bigint } | undefined;
}

const known = new WeakMap<Xv6, Places>();

function placesOf(xv6: Xv6): Places {
  let places = known.get(xv6);
  if (places === undefined) {
    const { cpus, proc, binary } = xv6;
    const running = cpus && findMember(cpus.record, 'proc');
    const pid = proc && findMember(proc.record, 'pid');
    places = {
      running: !running
        ? []
        : Array.from({ length: cpus.count }, (_, id) => cpus.address + BigInt(id * cpus.stride + running.offset)),
      pid: pid && BigInt(pid.offset),
      stacks: binary.symbol(NAMES.bootStacks),
    };
    known.set(xv6, places);
  }
  return places;
}

/**
 * The spin locks of the kernel's variables that a hart holds: structures that say whether they are `locked` and by which `cpu`. Of
 * each the address of the latter.
 */
export function locksHeldBy(xv6: Xv6, hart: number): bigint[] {
  const { binary, cpus, read } = xv6;
  if (cpus === undefined || hart >= cpus.count) return [];
  const cpu = cpus.address + BigInt(hart * cpus.stride);
  const held = new Set<bigint>();
  for (const variable of binary.globals) {
    const locks = locksIn(variable.type, 0);
    const start = locks.length === 0 ? undefined : placeOf(binary, variable);
    for (const { type, offset } of start === undefined ? [] : locks) {
      const lock = Structure.read(type, start! + BigInt(offset), read);
      if (lock?.number('locked') && lock.number('cpu') === cpu) held.add(lock.addressOf('cpu')!);
    }
  }
  return [...held];
}

const isSpinLock = (type: RecordType): boolean =>
  findMember(type, 'locked') !== undefined && findMember(type, 'cpu') !== undefined;

/** No kernel has more of them in one variable, nor deeper within. */
const [MOST_LOCKS, DEEPEST] = [4096, 8];

interface PlacedLock {
  readonly type: RecordType;
  readonly offset: number;
}

/** The locks within a value, by their offsets in it. */
function locksIn(type: Type, depth: number): PlacedLock[] {
  const bare = plain(type);
  if (depth > DEEPEST) return [];
  if (bare.kind === 'array') {
    const stride = sizeOf(bare.element);
    const each = locksIn(bare.element, depth + 1);
    const count = bare.count ?? 0;
    if (each.length * count > MOST_LOCKS || each.length === 0) return [];
    return Array.from({ length: count }, (_, index) => moved(each, index * stride)).flat();
  }
  if (bare.kind !== 'struct' || !bare.complete) return [];
  if (isSpinLock(bare)) return [{ type: bare, offset: 0 }];
  const within: PlacedLock[] = [];
  for (const member of bare.members) {
    within.push(...moved(locksIn(member.type, depth + 1), member.offset));
    if (within.length > MOST_LOCKS) return [];
  }
  return within;
}

const moved = (locks: readonly PlacedLock[], by: number): PlacedLock[] =>
  locks.map(({ type, offset }) => ({ type, offset: offset + by }));
