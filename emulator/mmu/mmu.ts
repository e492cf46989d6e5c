/**
 * Address translation as the harts do it when the TLB does not know: the Sv39 walk with hardware updates of A and D,
 * permissions, PMP, and filling the TLB. RISC-V privileged specification 1.12, sections 4.3.1, 4.3.2 and 4.4.
 *
 * Virtual addresses come as two signed 32-bit halves and physical ones go as numbers: this runs at every TLB miss.
 * The walk that explains each step is another one (isa/sv39.ts), written for reading; a test compares the two.
 */
import { Cause } from '../isa/causes';
import { Mstatus } from '../isa/csr-bits';
import { Cell, PAGE } from '../layout';
import { PTE } from '../isa/sv39';
import { Mode } from '../types';
import { type GuestMemory, PageFlag } from './guest-memory';
import { type PmpEntry, Right, activeEntries, rightsAt } from './pmp';
import { type Tlb, rootPageOf } from './tlb';
import type { TranslatingHart } from './translating-hart';

export const enum AccessType {
  load,
  store,
  fetch,
}

/** Exception codes by access (table 3.6). */
const PAGE_FAULT = [Cause.loadPageFault, Cause.storePageFault, Cause.instructionPageFault] as const;
const ACCESS_FAULT = [Cause.loadAccess, Cause.storeAccess, Cause.instructionAccess] as const;

const { V, R, W, X, U, A, D } = PTE;
const RIGHTS = [Right.read, Right.write, Right.execute] as const;

/** What `translate` returns where an access is refused: a number below 0. */
export const refused = (cause: Cause): number => ~cause;

/** The exception by which `translate` has refused an access. */
export const causeOf = (refusal: number): Cause => ~refusal;

/** A table of page tables with this root, for so many pages from virtual page `first` on (of Sv39's 2^27). */
interface TableUse {
  root: number;
  first: number;
  pages: number;
}

/** Uses of one table that are kept apart; kernels share few tables among many address spaces. */
const MOST_USES = 16;

export class Mmu {
  /** Flags of the leaf in which the last walk ended: what `fill`, called straight after it, goes by. */
  protected leaf = 0;
  private mayUpdate = true;
  private readonly protection: PmpEntry[][];
  /** By guest page that walks have read as a table: from which root, and for which pages of the address space. */
  private readonly uses = new Map<number, TableUse[]>();
  /** By guest page: the use at which the last walk met it. */
  private readonly lastUse = new Map<number, TableUse>();

  constructor(
    protected readonly memory: GuestMemory,
    protected readonly tlb: Tlb,
    protected readonly harts: readonly TranslatingHart[],
  ) {
    this.protection = harts.map(() => []);
  }

  reset(): void {
    this.protection.forEach((entries) => (entries.length = 0));
    this.tlb.reset();
    this.uses.clear();
    this.lastUse.clear();
    this.memory.flags.fill(0);
    this.memory.watches.reset();
  }

  /** Memory now holds something else: forgets all that walks have read. */
  memoryRestored(): void {
    this.tlb.flush(this.harts);
    for (const page of this.uses.keys()) this.memory.flags[page]! &= ~PageFlag.table;
    this.uses.clear();
    this.lastUse.clear();
    this.memory.watches.reset();
  }

  /** A debugger has changed registers or memory. */
  changedFromOutside(): void {
    for (const hart of this.harts) this.selectSpace(hart);
  }

  /** Takes over the PMP registers of a hart. */
  protectionChanged(hart: TranslatingHart): void {
    this.protection[hart.id] = activeEntries(hart);
    this.tlb.flush([hart]);
  }

  /** Selects the TLB context that belongs to the hart's mode and satp, and to whatever else `mark` says of it. */
  selectSpace(hart: TranslatingHart, mark = 0): void {
    const mstatus = hart.low(Cell.mstatus);
    const data = hart.dataMode;
    const modes = hart.mode | (data << 2) | mark | (mstatus & (Mstatus.sum | Mstatus.mxr));
    const isBare = hart.mode === Mode.Machine && data === Mode.Machine;
    this.tlb.select(hart, isBare ? 0 : hart.low(Cell.satp), isBare ? 0 : hart.high(Cell.satp), modes);
  }

  /**
   * The physical address of an access of `bytes` bytes that does not cross a page. Where it is refused, a negative number
   * that `causeOf` takes the exception from. Sets A and D.
   */
  translate(hart: TranslatingHart, low: number, high: number, access: AccessType, bytes: number): number {
    const mode = access === AccessType.fetch ? hart.mode : hart.dataMode;
    const physical =
      mode === Mode.Machine || hart.high(Cell.satp) >>> 28 === 0
        ? bare(low, high)
        : this.walk(hart, low, high, access, mode);
    if (physical < 0) return physical;
    const entries = this.protection[hart.id]!;
    if (entries.length > 0 && (rightsAt(entries, physical, bytes, mode) & RIGHTS[access]) === 0)
      return refused(ACCESS_FAULT[access]);
    return physical;
  }

  /** Host address of the memory that such an access would touch, by its virtual address; 0 if it is refused, or touches none. */
  hostAt(hart: TranslatingHart, address: bigint, access: AccessType, bytes: number): number {
    const [low, high] = [Number(BigInt.asIntN(32, address)), Number(BigInt.asIntN(32, address >> 32n))];
    return this.hostAtHalves(hart, low, high, access, bytes);
  }
  /** The same by the halves of the address, which is quicker. */
  hostAtHalves(hart: TranslatingHart, low: number, high: number, access: AccessType, bytes: number): number {
    // What a TLB holds has been judged before.
    if (access !== AccessType.store) {
      const known = access === AccessType.fetch ? this.tlb.fetches(hart, low, high) : this.tlb.loads(hart, low, high);
      if (known !== 0) return known;
    }
    const physical = this.translate(hart, low, high, access, bytes);
    return physical < 0 ? 0 : this.memory.hostOf(physical);
  }

  /** As `translate`, but an access that would set A or D, or that somebody is to be told of, is refused. */
  translateQuietly(hart: TranslatingHart, low: number, high: number, access: AccessType, bytes: number): number {
    return this.withoutUpdates(() => this.translate(hart, low, high, access, bytes));
  }

  /** Does something in which a translation that would have to set A or D fails. */
  withoutUpdates<T>(action: () => T): T {
    this.mayUpdate = false;
    try {
      return action();
    } finally {
      this.mayUpdate = true;
    }
  }

  /**
   * Enters the page of a data access just translated into the TLB, with all that may be done to it from here. Tells whether
   * stores now find it there.
   */
  fill(hart: TranslatingHart, low: number, high: number, physical: number): boolean {
    const host = this.memory.hostOf(physical);
    if (host === 0) return false;
    const offset = low & (PAGE - 1);
    const mode = hart.dataMode;
    const rights = rightsAt(this.protection[hart.id]!, physical - offset, PAGE, mode);
    const translated = mode !== Mode.Machine && hart.high(Cell.satp) >>> 28 !== 0;
    const mstatus = hart.low(Cell.mstatus);
    const readable = !translated || permits(this.leaf, AccessType.load, mode, mstatus);
    const writable = !translated || ((this.leaf & D) !== 0 && permits(this.leaf, AccessType.store, mode, mstatus));
    const flags = this.memory.flags[this.memory.pageOf(host)]!;
    const permitted = writable && !this.memory.isRom(host) && (rights & Right.write) !== 0;
    const storable = permitted && flags === 0;
    this.tlb.fillData(
      hart,
      low - offset,
      high,
      host - offset,
      readable && (rights & Right.read) !== 0 && (flags & PageFlag.watchedLoads) === 0,
      permitted,
      storable,
    );
    return storable;
  }

  /**
   * Host address of the memory that a store which does not cross a page is about to change, if the TLB permits that; else 0, and it is
   * to be translated.
   */
  permittedStore(hart: TranslatingHart, low: number, high: number): number {
    const host = this.tlb.stores(hart, low, high);
    if (host === 0) return 0;
    this.memory.changes(host);
    if (this.memory.flags[this.memory.pageOf(host)] === 0) this.tlb.fillWrites(hart, low, high);
    return host;
  }

  /** A store is about to change a page that a walk has read: what it said must be forgotten, unless it was nothing. */
  tableStored(host: number, length: number): void {
    const { i32, flags } = this.memory;
    const page = this.memory.pageOf(host);
    const first = ((host & ~7) >>> 0) / 4;
    for (let word = first; word * 4 < host + length; word += 2) {
      if ((i32[word]! & V) === 0) continue;
      this.invalidateTable(page);
      flags[page]! &= ~PageFlag.table;
      return;
    }
  }

  private invalidateTable(page: number): void {
    for (const { root, first, pages } of this.uses.get(page) ?? []) this.tlb.invalidate(this.harts, root, first, pages);
    this.uses.delete(page);
    this.lastUse.delete(page);
  }

  /** Stores to the page at `host` take the slow path from now on. */
  watch(host: number, flag: PageFlag): void {
    const { flags } = this.memory;
    const page = this.memory.pageOf(host);
    if ((flags[page]! & flag) !== 0) return;
    if (flags[page] === 0) this.tlb.invalidateWrites(this.harts, (host & ~(PAGE - 1)) >>> 0);
    flags[page]! |= flag;
  }

  /** The table at `host` is read: what it says is forgotten when it changes. */
  private watchTable(host: number, root: number, first: number, pages: number): void {
    if (this.memory.isRom(host)) return;
    const page = this.memory.pageOf(host);
    const last = this.lastUse.get(page);
    if (last !== undefined && last.root === root && last.first === first && last.pages === pages) return;
    const isThis = (use: TableUse): boolean => use.root === root && use.first === first && use.pages === pages;
    const known = this.uses.get(page)?.find(isThis);
    const use = known ?? { root, first, pages };
    if (known === undefined) {
      if (this.uses.get(page)?.length === MOST_USES) this.invalidateTable(page);
      this.uses.set(page, [...(this.uses.get(page) ?? []), use]);
    }
    this.lastUse.set(page, use);
    this.watch(host, PageFlag.table);
  }

  /** Section 4.3.2, steps 1 to 9. */
  protected walk(hart: TranslatingHart, low: number, high: number, access: AccessType, mode: Mode): number {
    const pageFault = refused(PAGE_FAULT[access]);
    // Bits 63 to 39 must equal bit 38.
    if (high !== (high << 25) >> 25) return pageFault;
    const { i32 } = this.memory;
    const root = rootPageOf(hart.low(Cell.satp), hart.high(Cell.satp));
    let table = root * PAGE;
    /** First of the virtual pages that the table maps, and their number. */
    let first = 0;
    let pages = 512 ** 3;
    for (let level = 2; level >= 0; level--) {
      const index = level === 2 ? ((high & 127) << 2) | (low >>> 30) : (low >>> (12 + 9 * level)) & 511;
      const address = table + index * 8;
      const host = this.memory.hostOf(address);
      if (host === 0 || !this.mayWalk(hart, address)) return refused(ACCESS_FAULT[access]);
      const pte = i32[host / 4]!;
      const upper = i32[host / 4 + 1]!;
      // V = 0, W without R, and the reserved bits 63 to 54 (Svnapot and Svpbmt are not there).
      if ((pte & V) === 0 || (pte & (R | W)) === W || upper >>> 22 !== 0) return pageFault;
      const ppnLow = pte >>> 10;
      const ppn = (upper & 0x3fffff) * 0x400000 + ppnLow;
      if ((pte & (R | X)) === 0) {
        // A, D and U are reserved in a pointer to the next table.
        if ((pte & (A | D | U)) !== 0) return pageFault;
        this.watchTable(host, root, first, pages);
        table = ppn * PAGE;
        pages /= 512;
        first += index * pages;
        continue;
      }
      if (!permits(pte, access, mode, hart.low(Cell.mstatus))) return pageFault;
      // The bits of the page number that a larger page has from the address.
      const within = (1 << (9 * level)) - 1;
      if ((ppnLow & within) !== 0) return pageFault;
      this.leaf = pte | A | (access === AccessType.store ? D : 0);
      if (this.leaf !== pte && !this.update(hart, address, host)) return refused(ACCESS_FAULT[access]);
      // Last: the update may have had the table forgotten.
      this.watchTable(host, root, first, pages);
      return (ppn + ((low >>> 12) & within)) * PAGE + (low & (PAGE - 1));
    }
    return pageFault;
  }

  /** Writes A and D into a leaf; false if its place cannot be written. */
  private update(hart: TranslatingHart, address: number, host: number): boolean {
    if (!this.mayUpdate || this.memory.isRom(host) || !this.mayWalk(hart, address, Right.write)) return false;
    // Nothing is forgotten because of A and D, unless the table's page holds code as well.
    if ((this.memory.flags[this.memory.pageOf(host)]! & PageFlag.code) !== 0) this.memory.stored(host, 8);
    this.memory.changes(host);
    this.memory.watches.beforeStore(host, 8, hart, 'walk');
    this.memory.i32[host / 4] = this.leaf;
    return true;
  }

  /** The walk's own accesses are judged by PMP as those of S-mode. */
  private mayWalk(hart: TranslatingHart, address: number, right = Right.read): boolean {
    const entries = this.protection[hart.id]!;
    return entries.length === 0 || (rightsAt(entries, address, 8, Mode.Supervisor) & right) !== 0;
  }
}

/** Addresses beyond 2^53 are cut to one where nothing is. */
function bare(low: number, high: number): number {
  return Math.min((high >>> 0) * 2 ** 32 + (low >>> 0), Number.MAX_SAFE_INTEGER);
}

/** Step 5 of the walk: do the leaf's flags allow the access in this mode? */
export function permits(flags: number, access: AccessType, mode: Mode, mstatus: number): boolean {
  if (mode === Mode.User) {
    if ((flags & U) === 0) return false;
  } else if ((flags & U) !== 0 && (access === AccessType.fetch || (mstatus & Mstatus.sum) === 0)) {
    return false;
  }
  switch (access) {
    case AccessType.load:
      return (flags & R) !== 0 || ((mstatus & Mstatus.mxr) !== 0 && (flags & X) !== 0);
    case AccessType.store:
      return (flags & W) !== 0;
    case AccessType.fetch:
      return (flags & X) !== 0;
  }
}
