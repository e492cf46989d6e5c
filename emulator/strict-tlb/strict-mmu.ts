/**
 * Address translation with a strict TLB (strict-tlb.ts). A hart that is not settled has TLB contexts of their own, in which
 * only fetches are found, so that each of its loads and stores is judged here: by what its TLB may hold, and by the tables.
 * Where the outcomes differ the hart does what the older translation says. RISC-V privileged specification 1.12, section 4.3.2.
 */
import { Cause } from '../isa/causes';
import { isPointer, pteFlags, pteProblem, ptePhysical, PTE, ROOT_LEVEL } from '../isa/sv39';
import { Cell, PAGE } from '../layout';
import { type GuestMemory, PageFlag } from '../mmu/guest-memory';
import { AccessType, Mmu, permits, refused } from '../mmu/mmu';
import type { Tlb } from '../mmu/tlb';
import type { TranslatingHart } from '../mmu/translating-hart';
import { Mode } from '../types';
import type { StaleTranslationEvent, TlbCard, TranslationUsed } from './event';
import { type Candidate, rootOf, type StrictTlb } from './strict-tlb';

/** Marks the TLB contexts of a hart that is not settled, beside the modes (TlbTag.modes). */
const UNSETTLED = 16;

const PAGE_FAULT = [Cause.loadPageFault, Cause.storePageFault, Cause.instructionPageFault] as const;
const ACCESSES = ['load', 'store', 'fetch'] as const;

/** What is asked of the machine. */
export interface StrictMmuHost {
  /** A hart executes: what it translates is used, and not only looked at by the scheduler. */
  readonly isRunning: boolean;
  staleUse(event: StaleTranslationEvent): void;
}

/** A leaf, or the entry at which a walk ends without one. */
interface Found {
  pte: bigint;
  address: number;
  level: number;
}

/** An access, and what it is judged by. */
interface Access {
  hart: TranslatingHart;
  type: AccessType;
  mode: Mode;
  page: number;
  low: number;
  high: number;
}

export class StrictMmu extends Mmu {
  /** The scheduler looks at what a hart would find. */
  private isPeeking = false;
  /** What is to be told of is refused. */
  private isQuiet = false;

  constructor(
    memory: GuestMemory,
    tlb: Tlb,
    harts: readonly TranslatingHart[],
    private readonly strict: StrictTlb,
    private readonly host: StrictMmuHost,
  ) {
    super(memory, tlb, harts);
  }

  override reset(): void {
    super.reset();
    this.strict.reset();
  }

  override selectSpace(hart: TranslatingHart): void {
    this.strict.enter(hart);
    super.selectSpace(hart, this.isSettled(hart) ? 0 : UNSETTLED);
    const tlb = this.strict.harts[hart.id]!;
    if (!tlb.altered) return;
    tlb.altered = false;
    this.tlb.emptyFetches(hart, UNSETTLED);
  }

  override fill(hart: TranslatingHart, low: number, high: number, physical: number): boolean {
    return this.isSettled(hart) && super.fill(hart, low, high, physical);
  }

  override hostAtHalves(hart: TranslatingHart, low: number, high: number, access: AccessType, bytes: number): number {
    this.isPeeking = true;
    const host = super.hostAtHalves(hart, low, high, access, bytes);
    this.isPeeking = false;
    return host;
  }

  override translateQuietly(
    hart: TranslatingHart,
    low: number,
    high: number,
    access: AccessType,
    bytes: number,
  ): number {
    this.isQuiet = true;
    const physical = super.translateQuietly(hart, low, high, access, bytes);
    this.isQuiet = false;
    return physical;
  }

  override tableStored(host: number, length: number): void {
    this.strict.tableStored(host, length);
    super.tableStored(host, length);
    this.keepWatching(host);
    for (const hart of this.harts) if (this.strict.harts[hart.id]!.altered) this.selectSpace(hart);
  }

  override changedFromOutside(): void {
    this.strict.forget();
    super.changedFromOutside();
  }

  /** The strict TLB's own state is restored already. */
  override memoryRestored(): void {
    super.memoryRestored();
    for (const table of this.strict.uses.tables) {
      const host = this.memory.hostOf(table);
      if (host !== 0) this.watch(host, PageFlag.table);
    }
  }

  private keepWatching(host: number): void {
    if (this.strict.knows(this.memory.physicalOf(host - (host % PAGE))))
      this.memory.flags[this.memory.pageOf(host)]! |= PageFlag.table;
  }

  private isSettled(hart: TranslatingHart): boolean {
    const translates = hart.mode !== Mode.Machine || hart.dataMode !== Mode.Machine;
    return !translates || this.strict.harts[hart.id]!.settled;
  }

  protected override walk(hart: TranslatingHart, low: number, high: number, access: AccessType, mode: Mode): number {
    if (high !== (high << 25) >> 25) return refused(PAGE_FAULT[access]);
    const page = (high & 0x7f) * 2 ** 20 + (low >>> 12);
    const root = rootOf(hart.low(Cell.satp), hart.high(Cell.satp));
    this.strict.walked(root, page, (host) => this.watch(host, PageFlag.table));
    const isSettled = this.strict.harts[hart.id]!.settled;
    const faults = this.strict.plays('fault');
    if (isSettled && !faults) return super.walk(hart, low, high, access, mode);
    const at: Access = { hart, type: access, mode, page, low, high };
    const now = this.found(root, page);
    const used = isSettled ? undefined : this.stale(at, now);
    if (used !== undefined) {
      if (this.isQuiet) return refused(PAGE_FAULT[access]);
      this.tellStale(at, used, now);
      return this.use(at, used);
    }
    if (faults && now !== undefined && this.outcome(at, now.pte, now.level) >= 0 && this.updates(at, now.pte)) {
      if (!this.strict.toldFault && this.isReal) {
        this.strict.toldFault = true;
        this.tell(at, { asid: (hart.high(Cell.satp) >>> 12) & 0xffff, root: BigInt(root), card: 'fault' }, now, now);
      }
      return refused(PAGE_FAULT[access]);
    }
    return super.walk(hart, low, high, access, mode);
  }

  /** The first thing in the hart's TLB by which the access goes another way than by the tables. */
  private stale(at: Access, now: Found | undefined): Candidate | undefined {
    const byTables = now === undefined ? -1 : this.outcome(at, now.pte, now.level);
    return this.strict.findCandidate(at.hart.id, at.page, ({ pte, address, level }) => {
      const byTlb = this.outcome(at, pte, level);
      // D is set in memory alone, and only if the entry there is the same (step 7).
      if (byTlb >= 0 && this.updates(at, pte)) return false;
      if (byTlb !== byTables) return true;
      // The same page; but the walk would have set A or D where they were taken away.
      return byTlb >= 0 && address === now!.address && this.updates(at, now!.pte);
    });
  }

  /** Whether a walk sets A or D for the access. */
  private updates({ type }: Access, pte: bigint): boolean {
    const missing = ~pteFlags(pte);
    return (missing & PTE.A) !== 0 || (type === AccessType.store && (missing & PTE.D) !== 0);
  }

  /** The physical address to which an entry leads the access; -1 if to a page fault. */
  private outcome({ hart, type, mode, page, low }: Access, pte: bigint, level: number): number {
    const flags = pteFlags(pte);
    if ((flags & PTE.V) === 0 || pteProblem(level, pte) !== undefined) return -1;
    if (isPointer(flags) || !permits(flags, type, mode, hart.low(Cell.mstatus))) return -1;
    return Number(ptePhysical(pte)) + (page % 512 ** level) * PAGE + (low & (PAGE - 1));
  }

  private use(at: Access, used: Candidate): number {
    const physical = this.outcome(at, used.pte, used.level);
    return physical < 0 ? refused(PAGE_FAULT[at.type]) : physical;
  }

  /** Where a walk of the tables ends; undefined where there is no memory. */
  private found(root: number, page: number): Found | undefined {
    let table = root;
    for (let level = ROOT_LEVEL; ; level--) {
      const address = table + (Math.floor(page / 512 ** level) % 512) * 8;
      const pte = this.strict.read(address);
      if (pte === undefined) return undefined;
      if (level === 0 || !isPointer(pteFlags(pte)) || pteProblem(level, pte) !== undefined)
        return { pte, address, level };
      table = Number(ptePhysical(pte));
    }
  }

  private get isReal(): boolean {
    return this.host.isRunning && !this.isPeeking && !this.isQuiet;
  }

  private tellStale(at: Access, used: Candidate, now: Found | undefined): void {
    if (!this.isReal) return;
    const { space, from, isCurrent } = used;
    const { change, fence } = isCurrent ? from! : { change: space.leftBy, fence: space.fence };
    if (isCurrent ? from!.told : space.told.has(at.page)) return;
    if (isCurrent) from!.told = true;
    else space.told.add(at.page);
    const isInvalid = (pteFlags(used.pte) & PTE.V) === 0;
    const byPointer = from !== undefined && isPointer(pteFlags(from.pte)) && from.below === undefined;
    const card: TlbCard | undefined = isInvalid ? 'invalid' : byPointer ? 'non-leaf' : undefined;
    const about = { asid: space.asid, root: BigInt(space.root), ...(card && { card }) };
    this.tell(at, { ...about, ...(change && { change }), ...(fence && { fence }) }, used, now);
  }

  private tell(
    at: Access,
    about: Pick<StaleTranslationEvent, 'asid' | 'root' | 'change' | 'fence' | 'card'>,
    used: Found,
    now: Found | undefined,
  ): void {
    const va = BigInt.asUintN(64, (BigInt(at.high) << 32n) | BigInt(at.low >>> 0));
    const event = { hart: at.hart.id, pc: at.hart.pc, va, access: ACCESSES[at.type], ...about };
    this.host.staleUse({ ...event, used: this.described(at, used), ...(now && { now: this.described(at, now) }) });
  }

  private described(at: Access, { pte, address, level }: Found): TranslationUsed {
    const physical = this.outcome(at, pte, level);
    return { pte, address: BigInt(address), level, ...(physical >= 0 && { physical: BigInt(physical) }) };
  }
}
