/**
 * What each hart runs, off the kernel's `cpus` array, and which spin locks it holds. The hart's number comes from the machine: the guest keeps it in tp
 * only while in the kernel.
 *
 * The kernel writes `cpus[].proc` before it loads a process's registers and clears it after it has put them away, so the
 * entry alone would name a process while the scheduler runs. The scheduler is known by its stack, the one in `stack0` that
 * the hart began with.
 */
import { X } from '../../emulator/isa/registers';
import { Mode, type Hart } from '../../emulator/types';
import { findMember, plain, sizeOf } from '../expressions/types';
import type { RecordType, Type } from '../symbols/api';
import { alignedWord, globalOf, indexIn, type Xv6 } from './kernel';
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
function structProcOn(xv6: Xv6, hart: HartContext): bigint | undefined {
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
  const places = binary.globals.flatMap(({ name, type }) => {
    const global = globalOf(xv6, name);
    return global === undefined ? [] : locksIn(type, global.address);
  });
  return places.flatMap(({ type, address }) => {
    const lock = Structure.read(type, address, read);
    const isHeld = lock?.number('locked') && lock.number('cpu') === cpu;
    return isHeld ? [lock!.addressOf('cpu')!] : [];
  });
}

const isSpinLock = (type: RecordType): boolean =>
  findMember(type, 'locked') !== undefined && findMember(type, 'cpu') !== undefined;

function locksIn(type: Type, address: bigint): { type: RecordType; address: bigint }[] {
  const bare = plain(type);
  if (bare.kind === 'array') {
    const element = plain(bare.element);
    if (element.kind !== 'struct') return [];
    const stride = sizeOf(element);
    return Array.from({ length: bare.count ?? 0 }, (_, i) => locksIn(element, address + BigInt(i * stride))).flat();
  }
  if (bare.kind !== 'struct') return [];
  if (isSpinLock(bare)) return [{ type: bare, address }];
  return bare.members.flatMap((member) => locksIn(member.type, address + BigInt(member.offset)));
}
