/**
 * The largest TLB that the specification allows: each hart's holds every translation that a table has given while satp
 * named it, whether the hart has used it or not, until an sfence.vma removes it. RISC-V privileged specification 1.12,
 * section 4.2.1: walks may be made speculatively at any time, what they read may be used again until it is fenced, and no
 * hart's fence is one for another.
 *
 * Nearly always all of that still stands in the tables; then the hart is called settled, its TLB can give nothing that a
 * walk would not, and it runs as without this. It is unsettled from the moment at which a valid entry of its tables is
 * overwritten, or satp names another table under the same ASID, until the fence: meanwhile each of its accesses is
 * compared with what the TLB may hold (strict-mmu.ts), and where the two differ the older translation is used and reported.
 *
 * All of it follows from what the harts have executed, and not from what the machine's own TLBs happen to hold: so a run
 * can be repeated, and the state is saved with the machine's.
 */
import { isPointer, pteFlags, PTE } from '../isa/sv39';
import { Cell, PAGE } from '../layout';
import type { GuestMemory } from '../mmu/guest-memory';
import type { TranslatingHart } from '../mmu/translating-hart';
import { type FenceEvent, Mode } from '../types';
import type { FenceInVain, StrictTlbOptions, TlbCard, UnfencedChange } from './event';
import { FenceCounts } from './fence-counts';
import { isCacheable, levelOf, type FoundEntry, Space } from './space';
import { type TableUse, TableUses } from './table-uses';

/** Spaces that a hart's TLB knows: beyond, the one that was left first is evicted. */
const MOST_SPACES = 16;

/** What one hart's TLB holds. */
export interface HartTlb {
  spaces: Space[];
  /** That of satp, as long as translation was last on. */
  current: Space | undefined;
  /** The hart is in a mode in which it uses `current`. */
  isActive: boolean;
  /** satp by its signed halves, as `current` was made. */
  low: number;
  high: number;
  settled: boolean;
  /** What its TLB may hold is not what it was when the machine's own was last emptied. */
  altered: boolean;
  /** An entry has become valid since its last fence. */
  hasNew: boolean;
}

/** Something that a hart's TLB may hold for a page. */
export interface Candidate extends FoundEntry {
  space: Space;
  isCurrent: boolean;
}

/** A store to a table, before it is done: to the entries from one up to another, of which the words are those there are. */
interface TableStore {
  readonly table: number;
  readonly words: BigUint64Array;
  readonly from: number;
  readonly to: number;
  readonly change: UnfencedChange;
}

export class StrictTlb {
  readonly harts: HartTlb[];
  readonly uses = new TableUses();
  readonly counts = new FenceCounts();
  /** Roots of spaces in which walks have met a global translation. */
  readonly globalRoots = new Set<number>();
  /** The first fault of the card "fault" has been reported. */
  toldFault = false;
  /** State of the generator that decides on evictions. */
  random: number;
  private readonly cards: ReadonlySet<TlbCard>;

  constructor(
    private readonly memory: GuestMemory,
    harts: number,
    private readonly options: StrictTlbOptions,
    /** Who now changes a table: the hart that runs, or a device; and when. */
    private readonly changer: () => Omit<UnfencedChange, 'by'>,
  ) {
    this.cards = new Set(options.cards);
    this.random = firstRandom(options.seed);
    this.harts = Array.from({ length: harts }, newTlb);
  }

  plays(card: TlbCard): boolean {
    return this.cards.has(card);
  }

  readonly read = (address: number): bigint | undefined => {
    const host = this.memory.hostOf(address);
    return host === 0 ? undefined : this.memory.u64[host / 8];
  };

  /** At power on. */
  reset(): void {
    this.harts.forEach((tlb) => Object.assign(tlb, newTlb()));
    this.uses.clear();
    this.counts.clear();
    this.globalRoots.clear();
    this.toldFault = false;
    this.random = firstRandom(this.options.seed);
  }

  /** The hart's mode or satp may be another: takes up its address space. */
  enter(hart: TranslatingHart): void {
    const tlb = this.harts[hart.id]!;
    if (hart.dataMode === Mode.Machine && hart.mode === Mode.Machine) {
      tlb.isActive = false;
      return;
    }
    const [low, high] = [hart.low(Cell.satp), hart.high(Cell.satp)];
    const isSame = tlb.current !== undefined && tlb.low === low && tlb.high === high;
    if (isSame && (tlb.isActive || !tlb.current!.isBehind)) {
      tlb.isActive = true;
      return;
    }
    tlb.altered = true;
    if (!isSame) this.leave(tlb, hart);
    tlb.low = low;
    tlb.high = high;
    // Bare: nothing is translated, and nothing forgotten.
    tlb.isActive = high >>> 28 !== 0;
    tlb.current = tlb.isActive ? this.spaceOf(tlb, (high >>> 12) & 0xffff, rootOf(low, high)) : undefined;
    tlb.current?.returnTo(this.plays('invalid'), this.read);
    this.settle(tlb);
  }

  private leave(tlb: HartTlb, hart: TranslatingHart): void {
    const { current } = tlb;
    if (current === undefined) return;
    current.leftBy = { by: 'satp', hart: hart.id, pc: hart.pc, time: this.changer().time };
    if (this.evicts()) tlb.spaces = tlb.spaces.filter((space) => space !== current);
  }

  private spaceOf(tlb: HartTlb, asid: number, root: number): Space {
    const known = tlb.spaces.find((space) => space.asid === asid && space.root === root);
    if (known) return known;
    const space = new Space(asid, root);
    tlb.spaces.push(space);
    if (tlb.spaces.length > MOST_SPACES) tlb.spaces.shift();
    return space;
  }

  private settle(tlb: HartTlb): void {
    const { current, spaces } = tlb;
    tlb.settled =
      current === undefined ||
      (current.old.size === 0 && spaces.every((space) => space === current || !this.mayServe(space, current)));
  }

  /** Whether translations of a space that was left may serve the one that the hart is in. */
  private mayServe(space: Space, current: Space): boolean {
    return (space.asid === current.asid && !space.onlyGlobal) || this.globalRoots.has(space.root);
  }

  /** A walk of the hart's tables for a page, as far as it leads: the tables are known from now on. `watch` is told of new ones. */
  walked(root: number, page: number, watch: (host: number) => void): void {
    const { i32 } = this.memory;
    let table = root;
    let first = 0;
    for (let pages = 512 ** 3; pages >= 512; pages /= 512) {
      const index = Math.floor((page - first) / (pages / 512));
      const host = this.memory.hostOf(table + index * 8);
      if (host === 0 || this.memory.isRom(host)) return;
      if (this.uses.add(table, root, first, pages)) watch(host);
      const low = i32[host / 4]!;
      if ((low & PTE.G) !== 0 && (low & PTE.V) !== 0) this.meetGlobal(root);
      if (!isPointer(low)) return;
      table = ((i32[host / 4 + 1]! & 0x3fffff) * 0x400000 + (low >>> 10)) * PAGE;
      first += index * (pages / 512);
    }
  }

  private meetGlobal(root: number): void {
    if (this.globalRoots.has(root)) return;
    this.globalRoots.add(root);
    this.harts.forEach((tlb) => this.settle(tlb));
  }

  knows(table: number): boolean {
    return this.uses.of(table).length > 0;
  }

  /**
   * `length` bytes at `host`, in a page that walks have read as a table, are about to be changed. Where no TLB holds anything
   * of a space, its tables are forgotten.
   */
  tableStored(host: number, length: number): void {
    const table = this.memory.physicalOf(host - (host % PAGE));
    const offset = host % PAGE;
    const [from, to] = [Math.floor(offset / 8), Math.ceil((offset + length) / 8)];
    const words = this.memory.u64.subarray((host - offset) / 8, (host - offset) / 8 + 512);
    const store: TableStore = { table, words, from, to, change: { ...this.changer(), by: 'store' } };
    for (const use of [...this.uses.of(table)]) {
      let isHeld = false;
      for (const tlb of this.harts) {
        for (const space of tlb.spaces) {
          if (space.root !== use.root) continue;
          isHeld = true;
          if (space === tlb.current && tlb.isActive) this.overwritten(tlb, space, use, store);
          else leftTable(space, use, store);
        }
      }
      let hasValid = false;
      for (let index = from; index < to; index++) {
        const flags = pteFlags(words[index]!);
        if ((flags & PTE.V) === 0) continue;
        hasValid = true;
        if (isPointer(flags) && use.pages > 512) this.unlink(use, index);
      }
      if (!isHeld && hasValid) this.uses.remove(table, use);
    }
  }

  /** Entries of a table that a hart may be using are about to be changed. */
  private overwritten(tlb: HartTlb, space: Space, use: TableUse, store: TableStore): void {
    const { table, words, from, to, change } = store;
    const pages = use.pages / 512;
    for (let index = from; index < to; index++) {
      const pte = words[index]!;
      const address = table + index * 8;
      if ((pteFlags(pte) & PTE.V) === 0) tlb.hasNew = true;
      const known = space.old.get(address);
      if (known !== undefined) {
        // What stands here still is what it was: the store that matters is this one.
        if (differOnlyInUse(known.pte, pte)) Object.assign(known, { change, fence: undefined, told: false });
        continue;
      }
      if (!isCacheable(pte, levelOf(use.pages), this.plays('invalid')) || this.evicts()) continue;
      const first = use.first + index * pages;
      const isLink = isPointer(pteFlags(pte));
      const below = isLink && !this.plays('non-leaf') ? this.tablesBelow(space, first, pages) : undefined;
      space.old.set(address, { pte, first, pages, change, told: false, ...(below && { below }) });
      tlb.altered = true;
    }
    if (tlb.altered) this.settle(tlb);
  }

  /** The tables below an entry that is about to be overwritten, as the TLB may hold them. */
  private tablesBelow(space: Space, first: number, pages: number): ReadonlyMap<number, BigUint64Array> {
    const below = new Map<number, BigUint64Array>();
    for (const { table } of this.uses.below(space.root, first, pages)) {
      const host = this.memory.hostOf(table);
      const entries = this.memory.u64.slice(host / 8, host / 8 + 512);
      for (let index = 0; index < 512; index++) {
        const old = space.old.get(table + index * 8);
        if (old === undefined) continue;
        entries[index] = old.pte;
        space.old.delete(table + index * 8);
      }
      below.set(table, entries);
    }
    return below;
  }

  /** An entry that leads to a lower table is about to be overwritten: what lies below it is no table of this space any more. */
  private unlink(use: TableUse, index: number): void {
    const pages = use.pages / 512;
    for (const { table, use: lower } of this.uses.below(use.root, use.first + index * pages, pages))
      this.uses.remove(table, lower);
  }

  /** A debugger has changed registers or memory, as if everything had then been fenced. */
  forget(): void {
    for (const tlb of this.harts) Object.assign(tlb, newTlb(), { altered: true });
  }

  /** Removes what the specification says that a fence removes, from the TLB of its hart alone; never wants to stop. */
  fenced({ hart, pc, address, asid }: FenceEvent): false {
    const tlb = this.harts[hart]!;
    const fence = { hart, pc, time: this.changer().time, ...(address !== undefined && { address }) };
    const inVain = { ...fence, ...(asid !== undefined && { asid }) };
    const page = address === undefined ? undefined : pageOf(address);
    // An address that is none has no effect.
    const isVoid = address !== undefined && page === undefined;
    const removed = !isVoid && this.remove(tlb, page, asid === undefined ? undefined : Number(asid & 0xffffn));
    this.counts.add(pc, removed ? 'needed' : tlb.hasNew ? 'forNew' : 'neither');
    tlb.hasNew = false;
    tlb.altered = true;
    this.settle(tlb);
    for (const other of this.harts) if (!other.settled) this.missed(other, other === tlb, inVain, page);
    return false;
  }

  private remove(tlb: HartTlb, page: number | undefined, asid: number | undefined): boolean {
    let removed = false;
    tlb.spaces = tlb.spaces.filter((space) => {
      const isCurrent = space === tlb.current;
      if (asid !== undefined && space.asid !== asid) return true;
      if (page !== undefined) {
        removed = space.forgetPage(page, asid === undefined, isCurrent) || removed;
        return true;
      }
      removed ||= !isCurrent || space.old.size > 0;
      const globalStays = asid !== undefined && this.globalRoots.has(space.root);
      space.forget(!globalStays);
      space.onlyGlobal = globalStays && !(isCurrent && tlb.isActive);
      return globalStays || isCurrent;
    });
    // In machine mode nothing of it is cached anew until translation is on again.
    if (!tlb.isActive && page === undefined && asid === undefined) {
      tlb.spaces = [];
      tlb.current = undefined;
    }
    return removed;
  }

  /** Notes a fence at all that it has not removed. */
  private missed(tlb: HartTlb, isOwn: boolean, fence: Omit<FenceInVain, 'because'>, page: number | undefined): void {
    const because = (first: number, pages: number): FenceInVain['because'] => {
      if (!isOwn) return 'hart';
      const isElsewhere = fence.address !== undefined && (page === undefined || page < first || page >= first + pages);
      return isElsewhere || fence.asid === undefined ? 'address' : 'asid';
    };
    // One of its own says more than another hart's.
    const counts = (known: FenceInVain | undefined): boolean =>
      isOwn || known === undefined || known.because === 'hart';
    for (const space of tlb.spaces) {
      for (const old of space.old.values())
        if (counts(old.fence)) old.fence = { ...fence, because: because(old.first, old.pages) };
      if (space !== tlb.current && counts(space.fence)) space.fence = { ...fence, because: because(0, 0) };
    }
  }

  /** The first thing that a hart's TLB may hold for a page beside what its tables say, the oldest first, for which `isIt` says so. */
  findCandidate(hart: number, page: number, isIt: (candidate: Candidate) => boolean): Candidate | undefined {
    const { spaces, current } = this.harts[hart]!;
    for (const space of spaces) {
      const isCurrent = space === current;
      if (isCurrent ? space.old.size === 0 : !this.mayServe(space, current!)) continue;
      const found = space.find(page, this.read);
      if (found === undefined || (isCurrent && found.from === undefined)) continue;
      if (!isCurrent && (space.asid !== current!.asid || space.onlyGlobal) && !found.isGlobal) continue;
      const { pte, address, level, isGlobal, from } = found;
      const candidate = { pte, address, level, isGlobal, from, space, isCurrent };
      if (isIt(candidate)) return candidate;
    }
    return undefined;
  }

  /** Whether a translation is lost early; xorshift32. */
  private evicts(): boolean {
    if (!this.plays('evict')) return false;
    let x = this.random;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.random = x >>> 0;
    return (this.random & 1) !== 0;
  }
}

const newTlb = (): HartTlb => ({
  ...{ spaces: [], current: undefined, isActive: false, low: 0, high: 0 },
  ...{ settled: true, altered: false, hasNew: false },
});

/** A generator that began with 0 would stay there. */
const firstRandom = (seed: number): number => (Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995) >>> 0 || 1;

/** Physical address of the root table that satp, by its signed halves, names. */
export const rootOf = (low: number, high: number): number => ((high & 0xfff) * 2 ** 32 + (low >>> 0)) * PAGE;

/** The virtual page of an address; undefined if it is none of Sv39's. */
function pageOf(address: bigint): number | undefined {
  if (BigInt.asIntN(39, address) !== BigInt.asIntN(64, address)) return undefined;
  return Number(BigInt.asUintN(39, address) >> 12n);
}

/** The same entry but for A and D, which walks set. */
const differOnlyInUse = (a: bigint, b: bigint): boolean => ((a ^ b) & ~BigInt(PTE.A | PTE.D)) === 0n;

/** A table of a space that the hart is not in is about to be changed: from now on its TLB has it as it is. */
function leftTable(space: Space, use: TableUse, { table, words, from, to, change }: TableStore): void {
  let left = space.left.get(table);
  if (left === undefined) space.left.set(table, (left = { entries: words.slice(), use, changes: new Map() }));
  for (let index = from; index < to; index++) if (!left.changes.has(index)) left.changes.set(index, change);
}
