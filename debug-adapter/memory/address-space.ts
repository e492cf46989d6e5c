/**
 * Address spaces: where virtual addresses lead, and what code in one may do there. A virtual address means nothing without
 * the table that it goes through and the mode of who uses it, so a space carries both, and everything that translates an
 * address asks a space.
 *
 * Reading and writing are a debugger's: they find what is mapped, whatever its permissions, and write nothing to tables.
 */
import { denials, PAGE_SIZE, pteFlags, walk, type AccessMode, type Denial, type Walk } from '../../emulator/isa/sv39';
import { Mode, type Access, type MachineApi, type PhysicalMemory } from '../../emulator/types';
import type { ReadMemory } from '../symbols/api';

/** How a space translates, and how accesses in it are judged. */
export interface Regime extends AccessMode {
  /** Physical address of the table's root page; undefined while addresses are physical (satp.MODE is Bare). */
  root: bigint | undefined;
}

/** An address as a space sees it. */
export interface TranslatedAddress {
  va: bigint;
  /** As the code that would use it runs. */
  mode: Mode;
  /** Undefined where addresses are physical. */
  walk?: Walk;
  /** The physical address, if there is one. */
  pa?: bigint;
  /** By what the leaf forbids each access; empty where it is allowed, and where there is no leaf to forbid it. */
  denied: Readonly<Record<Access, readonly Denial[]>>;
}

const NOTHING_DENIED = { load: [], store: [], fetch: [] };

export class AddressSpace {
  constructor(
    /** As memory references name it: "hart:1", "user:3", "kernel", "phys". Addresses in it are written "user:3:0x1000". */
    readonly name: string,
    private readonly machine: Pick<MachineApi, 'memory' | 'apply'>,
    /** Asked at every use: a hart's changes with its registers. */
    private readonly regime: () => Regime,
    /** Where a debugger looks for what is not mapped; undefined for nowhere. */
    private readonly behind: (va: bigint) => bigint | undefined = () => undefined,
  ) {}

  get memory(): PhysicalMemory {
    return this.machine.memory;
  }

  /** Root page of the table; undefined if addresses are physical, as they always are in M-mode. */
  get root(): bigint | undefined {
    const { root, mode } = this.regime();
    return mode === Mode.Machine ? undefined : root;
  }

  /** The same table as code in another mode sees it. */
  as(mode: Mode): AddressSpace {
    return new AddressSpace(this.name, this.machine, () => ({ ...this.regime(), mode }), this.behind);
  }

  /** The walk of an address, and what may be done there. */
  translate(va: bigint): TranslatedAddress {
    va = BigInt.asUintN(64, va);
    const by = this.regime();
    const { mode } = by;
    const walked = this.walk(va);
    if (!walked) return { va, mode, pa: va, denied: NOTHING_DENIED };
    const { leaf } = walked;
    if (!leaf) return { va, mode, walk: walked, denied: NOTHING_DENIED };
    const denied = (access: Access): Denial[] => denials(pteFlags(leaf.pte), access, by);
    const all = { load: denied('load'), store: denied('store'), fetch: denied('fetch') };
    return { va, mode, walk: walked, pa: leaf.pa, denied: all };
  }

  /** The physical address that an address leads to, whoever may go there; undefined where nothing is mapped. */
  physical(va: bigint): bigint | undefined {
    const walked = this.walk(va);
    return walked ? walked.leaf?.pa : BigInt.asUintN(64, va);
  }

  /** Reads across pages; undefined if a byte is not mapped or no RAM. */
  readonly read: ReadMemory = (va, length) => {
    const bytes = new Uint8Array(length);
    for (const { at, size, offset } of pagesOf(va, length)) {
      const pa = this.physical(at) ?? this.behind(at);
      const part = pa === undefined ? undefined : this.memory.read(pa, size);
      if (!part) return undefined;
      bytes.set(part, offset);
    }
    return bytes;
  };

  /** Writes across pages; false, with nothing written, if a byte is not mapped or no RAM. */
  write(va: bigint, bytes: Uint8Array): boolean {
    if (!this.read(va, bytes.length)) return false;
    for (const { at, size, offset } of pagesOf(va, bytes.length)) {
      const pa = this.physical(at) ?? this.behind(at);
      const part = bytes.subarray(offset, offset + size);
      if (pa === undefined || !this.machine.apply({ kind: 'memory', address: pa, bytes: part })) return false;
    }
    return true;
  }

  private walk(va: bigint): Walk | undefined {
    const { root } = this;
    return root === undefined ? undefined : walk(root, va, (pa) => this.memory.readU64(pa));
  }
}

function* pagesOf(va: bigint, length: number): Generator<{ at: bigint; size: number; offset: number }> {
  for (let offset = 0; offset < length;) {
    const at = BigInt.asUintN(64, va + BigInt(offset));
    const size = Math.min(length - offset, Number(PAGE_SIZE - (at & (PAGE_SIZE - 1n))));
    yield { at, size, offset };
    offset += size;
  }
}
