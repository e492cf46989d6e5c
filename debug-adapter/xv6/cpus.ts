/**
 * What each hart runs, off the kernel's `cpus` array. The hart's number comes from the machine: the guest keeps it in tp
 * only while in the kernel.
 *
 * The kernel writes `cpus[].proc` before it loads a process's registers and clears it after it has put them away, so the
 * entry alone would name a process while the scheduler runs. The scheduler is known by its stack, the one in `stack0` that
 * the hart began with.
 */
import { X } from '../../emulator/isa/registers';
import { Mode, type Hart } from '../../emulator/types';
import { findMember } from '../expressions/types';
import { readWord, indexIn, type Xv6 } from './kernel';
import { NAMES } from './names';
import { allProcesses, type Process } from './processes';

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
  const pid = xv6.proc && findMember(xv6.proc.record, 'pid');
  const address = pid && structProcOn(xv6, hart);
  const bytes = address === undefined ? undefined : xv6.read(address + BigInt(pid!.offset), 4);
  if (address === undefined || !bytes) return undefined;
  return { address, pid: new DataView(bytes.buffer, bytes.byteOffset, 4).getInt32(0, true) };
}

/** The struct proc of the process in whose context a hart executes. */
function structProcOn(xv6: Xv6, hart: HartContext): bigint | undefined {
  const { cpus, proc } = xv6;
  const running = cpus && findMember(cpus.record, 'proc');
  if (!running || !proc || hart.id < 0 || hart.id >= cpus.count || onBootStack(xv6, hart)) return undefined;
  const address = readWord(xv6, cpus.address + BigInt(hart.id * cpus.stride + running.offset));
  return address !== undefined && indexIn(proc, address) !== undefined ? address : undefined;
}

/** Whether a hart in the kernel is on the stack that it began with, which later is its scheduler's. */
function onBootStack({ binary }: Pick<Xv6, 'binary'>, hart: HartContext): boolean {
  const stacks = binary.symbol(NAMES.bootStacks);
  if (hart.mode === Mode.User || !stacks) return false;
  const sp = hart.x(X.sp);
  return sp > stacks.address && sp <= stacks.address + stacks.size;
}
