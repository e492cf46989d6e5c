/**
 * What numbers and pointers of the guest mean beyond their types in C: the fields of a page-table entry and what it leads to, whose
 * table a `pagetable_t` is, and which numbers are plainly addresses.
 */
import type { Fields } from '../../emulator/isa/fields';
import { hex } from '../../emulator/isa/hex';
import { PTE_FIELDS } from '../../emulator/isa/pte-fields';
import { Csr } from '../../emulator/isa/csrs';
import { ENTRIES, isPointer, PTE, pteFlags, ptePhysical, satpRoot } from '../../emulator/isa/sv39';
import { UNSIGNED_LONG } from '../expressions/types';
import { constant, type Meanings, type NamedChild } from '../expressions/value';
import { plain } from '../expressions/types';
import type { Type } from '../symbols/api';
import type { GuestKernel } from '../xv6/address-spaces';
import { processes } from '../xv6/processes';
import { isEntry, isPageTable } from '../xv6/structure';
import { kernelTables, type KernelTable } from '../xv6/tables';
import { isPlainAddress } from './plain-address';

/** `isKernel`: whether it is the kernel's code that the numbers belong to; a program's are not its addresses. */
export class GuestMeanings implements Meanings {
  private tables: readonly KernelTable[] | undefined;

  constructor(
    private readonly guest: GuestKernel,
    private readonly isKernel: boolean,
  ) {}

  fieldsOf(type: Type): Fields | undefined {
    return isEntry(type) ? PTE_FIELDS : undefined;
  }

  targetOf(type: Type): Type | undefined {
    const bare = isPageTable(type) ? plain(type) : undefined;
    return bare?.kind === 'pointer' ? { kind: 'typedef', name: 'pte_t', target: bare.target } : undefined;
  }

  isAddress(number: bigint): boolean {
    return this.isKernel && isPlainAddress(this.guest, number);
  }

  noteOn(type: Type, address: bigint): string | undefined {
    return isPageTable(type) ? this.ownerOf(address) : undefined;
  }

  entriesOf(type: Type, address: bigint): number[] | undefined {
    const bytes = isPageTable(type) ? this.guest.machine.memory.read(address, 8 * ENTRIES) : undefined;
    if (!bytes) return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    return Array.from({ length: ENTRIES }, (_, index) => index).filter(
      (index) => view.getBigUint64(8 * index, true) !== 0n,
    );
  }

  leadsTo(entry: bigint): NamedChild[] {
    const flags = pteFlags(entry);
    if (!(flags & PTE.V)) return [];
    const physical = ptePhysical(entry);
    if (!isPointer(flags)) return [{ name: 'PA', value: { ...constant(physical, UNSIGNED_LONG), hex: true } }];
    const table: Type = {
      ...{ kind: 'typedef', name: 'pagetable_t' },
      target: { kind: 'pointer', size: 8, target: UNSIGNED_LONG },
    };
    return [{ name: `table at ${hex(physical)}`, value: constant(physical, table) }];
  }

  /** "user table of pid 3 sh"; undefined for a page that is the root of none. */
  private ownerOf(root: bigint): string | undefined {
    const { xv6, machine } = this.guest;
    this.tables ??= kernelTables(xv6, processes(xv6));
    const known = this.tables.find((one) => one.root === root);
    if (known?.owner === undefined && known) return known.label;
    if (known) return known.isUsers ? `user table of ${known.label}` : `kernel table of ${known.label}`;
    const hart = machine.harts.find((one) => satpRoot(one.csr(Csr.satp) ?? 0n) === root);
    return hart && `table in satp of hart ${hart.id}`;
  }
}
