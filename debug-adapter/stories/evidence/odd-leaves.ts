/** Leaves of a program's table that cannot be meant: for whoever looks for a page that is not where it should be. */
import { isPointer, PAGE_SIZE, PTE, pteFlags, ptePhysical, ROOT_LEVEL } from '../../../emulator/isa/sv39';
import type { GuestKernel } from '../../xv6/address-spaces';
import { regionNames } from '../words';

/** Pages of a table that are looked at. */
const MOST_PAGES = 600;

/** Where the first user leaf lies that leads to neither RAM nor a device. */
export function oddLeaf(guest: GuestKernel, root: bigint): { address: bigint; value: bigint } | undefined {
  const nameOf = regionNames(guest);
  let pages = 0;
  const look = (table: bigint, level: number): { address: bigint; value: bigint } | undefined => {
    const bytes = pages++ < MOST_PAGES ? guest.machine.memory.read(table, Number(PAGE_SIZE)) : undefined;
    if (bytes === undefined) return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at < bytes.length; at += 8) {
      const value = view.getBigUint64(at, true);
      const flags = pteFlags(value);
      if ((flags & PTE.V) === 0) continue;
      if (isPointer(flags)) {
        const found = level > 0 ? look(ptePhysical(value), level - 1) : undefined;
        if (found) return found;
      } else if ((flags & PTE.U) !== 0 && nameOf(ptePhysical(value)) === undefined) {
        return { address: table + BigInt(at), value };
      }
    }
    return undefined;
  };
  return look(root, ROOT_LEVEL);
}
