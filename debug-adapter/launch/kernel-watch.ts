/** What the catchpoints ask of a guest: its registers, its table of system calls, what its kernel does. */
import { walk } from '../../emulator/isa/sv39';
import { functionOrLabelAt } from '../symbols/named-code';
import type { Guest } from '../code/guest';
import { Ledger } from '../ledger/ledger';
import type { KernelWatch } from '../run-control/catchpoints';
import { isOutOfMemory } from '../xv6/kernel';
import { processOn } from '../xv6/cpus';
import { KernelEvents } from '../xv6/kernel-events';
import { allProcesses, waitsForStatus } from '../xv6/processes';
import { tableRoots } from '../xv6/tables';
import { systemCallFunctions, systemCallName } from '../xv6/system-calls';

export function kernelWatch(
  guest: Pick<Guest, 'machine' | 'harts' | 'xv6' | 'image' | 'read' | 'userRoot'>,
  referenceCounts: string | undefined,
): KernelWatch {
  const { machine, xv6 } = guest;
  const events = new KernelEvents(xv6, (hart, address, length) => guest.read(hart)(address, length));
  // The table is data, but no kernel changes it once it is initialized.
  const names = new Map<bigint, string | undefined>();
  const systemCall = (number: bigint): string | undefined => {
    const known = names.get(number);
    if (known !== undefined) return known;
    const found = systemCallName(xv6, number);
    if (found !== undefined) names.set(number, found);
    return found;
  };
  return {
    ledger: new Ledger(guest, referenceCounts),
    x: (hart, register) => machine.harts[hart]!.x(register),
    systemCalls: () =>
      systemCallFunctions(xv6).flatMap((address) => {
        const name = functionOrLabelAt(xv6.binary, address)?.name;
        return name === undefined ? [] : [name.replace(/^sys_/, '')];
      }),
    systemCall,
    missing: (kind) => events.missing(kind),
    addresses: (kinds) => events.addresses(kinds),
    at: (hart) => events.at(hart),
    tableRoots: () => tableRoots(xv6),
    tableOn: (hart) => guest.userRoot(machine.harts[hart]!),
    processOn: (hart) => {
      const all = allProcesses(xv6);
      const process = processOn(xv6, machine.harts[hart]!, all);
      const parent = all.find(({ used, pid }) => used && pid === process?.parentPid);
      const asks = parent && waitsForStatus(xv6, parent);
      return process && { ...process, parentName: parent?.name, statusAsked: asks, outOfMemory: isOutOfMemory(xv6) };
    },
    walk: (root, va) => walk(root, va, (at) => machine.memory.readU64(at)),
  };
}
