/** What the catchpoints ask of a guest: its registers, its table of system calls, what its kernel does. */
import { functionOrLabelAt } from '../symbols/named-code';
import type { Guest } from '../code/guest';
import type { KernelWatch } from '../run-control/catchpoints';
import { KernelEvents } from '../xv6/kernel-events';
import { tableRoots } from '../xv6/tables';
import { systemCallFunctions, systemCallName } from '../xv6/system-calls';

export function kernelWatch(guest: Pick<Guest, 'machine' | 'xv6' | 'read'>): KernelWatch {
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
  };
}
