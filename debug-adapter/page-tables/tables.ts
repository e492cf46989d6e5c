/**
 * Which page tables there are at this moment, and whose each is: those that the harts have in satp, the kernel's own, each
 * process's. A table is met as an address space, which knows who would use it.
 */
import { Csr } from '../../emulator/isa/csrs';
import { satpRoot } from '../../emulator/isa/sv39';
import { Mode, type Hart } from '../../emulator/types';
import type { AddressSpace } from '../memory/address-space';
import { hex } from '../../emulator/isa/hex';
import { memoryMap } from '../memory/memory-map';
import type { PageTableRoot, Translation } from '../protocol';
import { hartSpace, tableSpace, type GuestKernel } from '../xv6/address-spaces';
import { processOn } from '../xv6/cpus';
import { allProcesses, type Process } from '../xv6/processes';
import { regionAt, regionsOf, type Regions } from '../xv6/regions';
import { kernelTables, type KernelTable } from '../xv6/tables';
import type { OtherTable, TrapContext } from './explain';
import { hasUserPages } from './root-content';
import { translationOf } from './translation';

export interface Table {
  /** As requests name it: `satp` is that of the hart that is looked at, `satp:1` another's, `kernel`, `pid:3`, `pid:3:kernel`. */
  readonly id: string;
  /** "satp of hart 1 (kernel_pagetable)", "pid 3 sh". */
  readonly label: string;
  /** Physical address of the root page; undefined if there is none now. */
  readonly root: bigint | undefined;
  /** Memory by this table: as the hart that uses it now judges accesses, else as its user would. */
  readonly space: AddressSpace;
  /** Why there is none, where there is none. */
  readonly whyNone: string;
  /** Of a table that is known by its owner, and not only by the hart that has it in satp. */
  readonly known?: KernelTable;
}

/** A table that code has in hand, known by a variable. */
export interface HandedTable {
  /** `frame:copyout:pagetable`. */
  readonly id: string;
  /** "pagetable of copyout (pid 3 sh)". */
  readonly label: string;
  readonly root: bigint;
}

const BY_ROOT = /^table:(0x[0-9a-f]{1,16})$/;

export class Tables {
  readonly processes: readonly Process[];
  /** First those of the harts, `hart`'s before the others'. */
  readonly all: readonly Table[];

  constructor(
    private readonly guest: GuestKernel,
    hart: Hart,
    inHand: readonly HandedTable[] = [],
  ) {
    const { machine, xv6 } = guest;
    this.processes = allProcesses(xv6);
    const known = kernelTables(
      xv6,
      this.processes.filter(({ used }) => used),
    );
    const others = machine.harts.filter((one) => one !== hart);
    this.all = [
      ...[hart, ...others].map((one) => tableOfHart(guest, one, one === hart ? 'satp' : `satp:${one.id}`, known)),
      ...known.map((one) => tableOfKernel(guest, one)),
      ...inHand.map((one) => tableInHand(guest, one, known)),
    ];
  }

  /** By its id, or as `table:0x87f65000` by its root, whoever's it is. Throws an Error where there is no such table now. */
  named(id: string): Table {
    const root = BY_ROOT.exec(id)?.[1];
    const found = this.all.find((table) => table.id === id || (root !== undefined && table.root === BigInt(root)));
    if (found) return found;
    if (root !== undefined) {
      const space = tableSpace(this.guest, id, BigInt(root), Mode.Supervisor);
      return { id, label: `the table at ${root}`, root: BigInt(root), space, whyNone: '' };
    }
    throw new Error(`There is no page table "${id}" now; there are ${this.all.map((table) => table.id).join(', ')}.`);
  }

  /** The table by which a space translates, whose root is there. */
  private of(space: AddressSpace, root: bigint | undefined): Table {
    const { name } = space;
    const found =
      this.all.find((table) => table.space.name === name) ??
      (root === undefined ? undefined : this.all.findLast((table) => table.root === root));
    if (found) return found;
    const label = root === undefined ? 'physical memory' : `the table at ${hex(root)}`;
    return { id: name, label, root, space, whyNone: 'addresses are physical here' };
  }

  /** The names of what a table maps. */
  regions({ root }: { root: bigint | undefined }): Regions {
    const space = tableSpace(this.guest, '', root, Mode.Supervisor);
    const { xv6, machine, programs } = this.guest;
    return regionsOf(xv6, memoryMap(machine.memory), space, this.processes, programs);
  }

  /** Where an access to `va` goes in a space, in words. */
  translation(space: AddressSpace, va: bigint): Translation {
    const translated = space.translate(va);
    const root = translated.walk?.root;
    const table = this.of(space, root);
    const region = root === undefined ? undefined : regionAt(this.regions({ root }), translated);
    const whyPhysical = translated.mode === Mode.Machine ? 'M-mode addresses are physical' : table.whyNone;
    return translationOf(translated, rootOf(table), whyPhysical, region);
  }
}

/** What there is to explain a trap of a hart by. */
export function trapContext(guest: GuestKernel, hart: Hart): TrapContext {
  const tables = new Tables(guest, hart);
  const { space, root } = tables.named('satp');
  const process = processOn(guest.xv6, hart, tables.processes);
  return {
    space,
    physical: memoryMap(guest.machine.memory),
    mstatus: hart.csr(Csr.mstatus) ?? 0n,
    stvec: hart.csr(Csr.stvec) ?? 0n,
    ...(root === undefined ? {} : { regions: tables.regions({ root }) }),
    ...(process ? { process } : {}),
    otherTables: tables.all.flatMap((table) => otherTable(table, process?.pid) ?? []),
    register: (number) => hart.x(number),
  };
}

function otherTable({ label, space, known }: Table, running: number | undefined): OtherTable | undefined {
  if (!known) return undefined;
  const { owner, isUsers } = known;
  const kind = isUsers ? 'user' : owner ? 'process-kernel' : 'kernel';
  return { label, space, kind, isOwn: owner !== undefined && owner.pid === running };
}

/** A table as the protocol has it. */
export const rootOf = ({ id, label, root }: Table): PageTableRoot => ({
  id,
  label,
  ...(root === undefined ? {} : { root: hex(root) }),
});

function tableOfHart(guest: GuestKernel, hart: Hart, id: string, known: readonly KernelTable[]): Table {
  const root = satpRoot(hart.csr(Csr.satp) ?? 0n);
  const owner = root === undefined ? 'paging is off' : known.find((one) => one.root === root)?.label;
  return {
    id,
    label: `satp of hart ${hart.id}${owner === undefined ? '' : ` (${owner})`}`,
    root,
    space: hartSpace(guest, hart),
    whyNone: `satp.MODE is Bare: hart ${hart.id} runs without paging`,
  };
}

function tableInHand(guest: GuestKernel, handed: HandedTable, all: readonly KernelTable[]): Table {
  const { root } = handed;
  const known = all.find((one) => one.root === root);
  const isUsers = known?.isUsers ?? hasUserPages(guest.machine.memory, root);
  const space = tableSpace(guest, `table:${hex(root)}`, root, isUsers ? Mode.User : Mode.Supervisor);
  return { ...handed, space, whyNone: 'addresses are physical here' };
}

function tableOfKernel(guest: GuestKernel, known: KernelTable): Table {
  const { id, label, space, root, isUsers } = known;
  const mode = isUsers ? Mode.User : Mode.Supervisor;
  const whyNone = `${label} has not been made yet`;
  return { id, label, root, space: tableSpace(guest, space, root, mode), whyNone, known };
}
