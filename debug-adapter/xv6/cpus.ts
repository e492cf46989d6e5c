/**
 * What each hart runs, off the kernel's `cpus` array. The hart's number comes from the machine: the guest keeps it in tp
 * only while in the kernel.
 */
import { findMember } from '../expressions/types';
import { readWord, indexIn, type Xv6 } from './kernel';
import type { Process } from './processes';
import { Structure } from './structure';

/** The process that a hart runs, in user mode or in the kernel on its behalf; undefined in the scheduler. */
export function processOfHart(xv6: Xv6, hart: number, all: readonly Process[]): Process | undefined {
  const { cpus, proc } = xv6;
  if (!cpus || !proc || hart < 0 || hart >= cpus.count) return undefined;
  const cpu = Structure.read(cpus.record, cpus.address + BigInt(hart * cpus.stride), xv6.read);
  const running = cpu?.number('proc');
  const slot = running ? indexIn(proc, running) : undefined;
  return slot === undefined ? undefined : all.find((process) => process.slot === slot && process.used);
}

/** The struct proc that a hart's entry of `cpus` points to, and its pid: no more is read than that. */
export function runningProcess(xv6: Xv6, hart: number): { address: bigint; pid: number } | undefined {
  const { cpus, proc } = xv6;
  const running = cpus && findMember(cpus.record, 'proc');
  const pid = proc && findMember(proc.record, 'pid');
  if (!running || !pid || hart >= cpus.count) return undefined;
  const address = readWord(xv6, cpus.address + BigInt(hart * cpus.stride + running.offset));
  if (!address || indexIn(proc, address) === undefined) return undefined;
  const bytes = xv6.read(address + BigInt(pid.offset), 4);
  return bytes && { address, pid: new DataView(bytes.buffer, bytes.byteOffset, 4).getInt32(0, true) };
}
