/**
 * The address spaces of a debuggee by name, and memory references: addresses that say which space they are in, as
 * `0x1000` (the hart that stopped), `hart:1:0x1000`, `user:3:0x1000` (the program of pid 3), `kernel:0x80000000`,
 * `kernel:3:0x3fffffd000` (pid 3's own kernel table, in kernels that have one), `table:0x87f65000:0x1000` (by a root), and
 * `phys:0x80000000`.
 */
import type { Debuggee } from '../launch/debuggee';
import { hartSpace, physicalSpace, tableSpace, type AddressSpace } from './memory';
import { allProcesses, type Process } from '../xv6/processes';
import { kernelRoot } from '../xv6/roots';

/** A process's user memory, by the table that it has now. */
export const userSpace = (debuggee: Debuggee, { pid, pagetable }: Process): AddressSpace =>
  tableSpace(debuggee.machine, `user:${pid}`, pagetable ?? 0n);

/** The kernel's memory; with a process, by that process's own kernel table where it has one. */
export function kernelSpace(debuggee: Debuggee, process?: Process): AddressSpace {
  const own = process?.kernelTables[0];
  return own
    ? tableSpace(debuggee.machine, `kernel:${process.pid}`, own.root)
    : tableSpace(debuggee.machine, 'kernel', kernelRoot(debuggee.xv6));
}

/** A memory reference. `stopped` is the hart whose addresses are written without a name. */
export function memoryReference(space: AddressSpace, address: bigint, stopped: number | undefined): string {
  const text = `0x${address.toString(16)}`;
  return stopped !== undefined && space.name === `hart:${stopped}` ? text : `${space.name}:${text}`;
}

/** What a memory reference stands for. Throws an Error that says what is wrong with it. */
export function resolveReference(
  debuggee: Debuggee,
  reference: string,
  stopped: number,
): { space: AddressSpace; address: bigint } {
  const [, name, text] = /^(?:(.*):)?([^:]*)$/.exec(reference) ?? [];
  if (text === undefined || !/^(0x[0-9a-f]{1,16}|\d{1,20})$/i.test(text))
    throw new Error(`"${reference}" is no memory reference: it must end in an address such as 0x80000000.`);
  return { space: spaceNamed(debuggee, name ?? `hart:${stopped}`), address: BigInt.asUintN(64, BigInt(text)) };
}

/** Throws an Error where there is no such space now. */
function spaceNamed(debuggee: Debuggee, name: string): AddressSpace {
  const [, kind, operand] = /^(\w+)(?::(0x[0-9a-f]{1,16}|\d{1,9}))?$/i.exec(name) ?? [];
  const { machine } = debuggee;
  if (kind === 'phys' && operand === undefined) return physicalSpace(machine);
  if (kind === 'kernel' && operand === undefined) return kernelSpace(debuggee);
  const number = operand === undefined ? NaN : Number(operand);
  if (kind === 'hart' && machine.harts[number]) return hartSpace(machine, machine.harts[number]);
  if (kind === 'table' && operand !== undefined) return tableSpace(machine, name, BigInt(operand));
  if ((kind === 'user' || kind === 'kernel') && operand !== undefined) {
    const process = allProcesses(debuggee.xv6).find(({ used, pid }) => used && pid === number);
    if (!process) throw new Error(`There is no process with pid ${operand} now.`);
    return kind === 'user' ? userSpace(debuggee, process) : kernelSpace(debuggee, process);
  }
  throw new Error(
    `There is no address space "${name}"; there are hart:N, user:PID, kernel, kernel:PID, table:ROOT and phys.`,
  );
}
