/**
 * The harts' TLBs in linear memory, where the generated code looks translations up; they always agree with the page tables, so
 * that fences have nothing to do. Each hart has several contexts, one for each address space and mode that it ran in lately, so that
 * switching between user and kernel loses no translation.
 *
 * A context always agrees with the page tables: the pages of walked tables are watched (PageFlag.table), and a store that
 * changes a valid entry invalidates the translations that depend on it. So what a guest sees never depends on what happens to be
 * cached. The TLB that does keep stale entries is strict-tlb/.
 */
import {
  TLB_CONTEXTS,
  TLB_CONTEXT_SIZE,
  DATA_ENTRIES,
  DataEntry,
  EMPTY,
  FETCH_ENTRIES,
  FetchEntry,
  HartOffset,
  PAGE,
} from '../layout';
import type { GuestMemory } from './guest-memory';
import type { TranslatingHart } from './translating-hart';

/** A page of code, by the host addresses of its first byte and of its first record. */
export interface CodePage {
  host: number;
  records: number;
}

interface TlbContext {
  /** The signed halves of satp, and mode of data accesses and of fetches, SUM and MXR, packed: all that a translation depends on. */
  satpLow: number;
  satpHigh: number;
  modes: number;
  used: boolean;
  /** It may hold translations: some were entered since it was last emptied. */
  filled: boolean;
}

/** See Tlb.writers. */
const INDEX_BITS = 10;
const MOST_WRITERS = 3;
const ANYWHERE = 0xffffffff;

export class Tlb {
  private readonly contexts: TlbContext[][];
  private readonly current: number[];
  private readonly victim: number[];
  /** By guest page: at how many indices an entry may allow writes to it (2 bits), and up to three such indices; or ANYWHERE. */
  private readonly writers: Uint32Array;

  constructor(
    private readonly memory: GuestMemory,
    harts: number,
  ) {
    this.contexts = Array.from({ length: harts }, () =>
      Array.from({ length: TLB_CONTEXTS }, () => ({ satpLow: 0, satpHigh: 0, modes: 0, used: false, filled: true })),
    );
    this.writers = new Uint32Array(memory.guestPages);
    this.current = new Array<number>(harts).fill(0);
    this.victim = new Array<number>(harts).fill(0);
  }

  /**
   * Selects the context for an address space, given by the signed halves of satp, and a mode; if there is none, it takes over the
   * oldest one. This runs at every trap and every return.
   */
  select(hart: TranslatingHart, satpLow: number, satpHigh: number, modes: number): void {
    const contexts = this.contexts[hart.id]!;
    const isWanted = (it: TlbContext): boolean =>
      it.used && it.modes === modes && it.satpLow === satpLow && it.satpHigh === satpHigh;
    if (isWanted(contexts[this.current[hart.id]!]!)) return;
    let index = 0;
    while (index < TLB_CONTEXTS && !isWanted(contexts[index]!)) index++;
    if (index === TLB_CONTEXTS) {
      index = this.victim[hart.id]!;
      this.victim[hart.id] = (index + 1) % TLB_CONTEXTS;
      this.empty(hart, index);
      Object.assign(contexts[index]!, { satpLow, satpHigh, modes, used: true });
    }
    this.current[hart.id] = index;
    hart.tlb = contextAddress(hart, index);
  }

  /**
   * Enters a page for loads and/or stores, the latter at once or on the slow path. Its first address is given by its halves, `host` is
   * where it lies.
   */
  fillData(
    hart: TranslatingHart,
    low: number,
    high: number,
    host: number,
    readable: boolean,
    permitted: boolean,
    writable: boolean,
  ): void {
    const entry = this.selectedContext(hart) + ((low >>> 12) & (DATA_ENTRIES - 1)) * DataEntry.size;
    const { i32 } = this.memory;
    this.setTag(entry + DataEntry.read, readable ? low : -1, readable ? high : -1);
    this.setTag(entry + DataEntry.permitted, permitted ? low : -1, permitted ? high : -1);
    this.setTag(entry + DataEntry.write, writable ? low : -1, writable ? high : -1);
    i32[(entry + DataEntry.addend) / 4] = host - low;
    if (writable) this.noteWriter(this.memory.pageOf(host), (low >>> 12) & (DATA_ENTRIES - 1));
  }

  /** Stores to a page whose entry permits them are done at once from now on. */
  fillWrites(hart: TranslatingHart, low: number, high: number): void {
    const entry = this.selectedContext(hart) + ((low >>> 12) & (DATA_ENTRIES - 1)) * DataEntry.size;
    this.setTag(entry + DataEntry.write, low & ~(PAGE - 1), high);
    const page = (this.memory.i32[(entry + DataEntry.addend) / 4]! + low) >>> 0;
    this.noteWriter(this.memory.pageOf(page), (low >>> 12) & (DATA_ENTRIES - 1));
  }

  /** Records that an entry at this index may allow writes to a page. */
  private noteWriter(page: number, index: number): void {
    const known = this.writers[page]!;
    if (known === ANYWHERE) return;
    const count = known >>> 30;
    for (let i = 0; i < count; i++) if (((known >>> (INDEX_BITS * i)) & (DATA_ENTRIES - 1)) === index) return;
    this.writers[page] =
      count === MOST_WRITERS
        ? ANYWHERE
        : ((count + 1) * 2 ** 30 + (known & 0x3fffffff)) | (index << (INDEX_BITS * count));
  }

  private setTag(at: number, low: number, high: number): void {
    this.memory.i32[at / 4] = low;
    this.memory.i32[at / 4 + 1] = high;
  }

  /** Host address of the page that an entry lets be written; -1 if none. */
  private writes(entry: number): number {
    const { i32 } = this.memory;
    const low = i32[(entry + DataEntry.write) / 4]!;
    return (low & 1) === 0 ? (i32[(entry + DataEntry.addend) / 4]! + low) >>> 0 : -1;
  }

  /** Enters a page for fetches, with the host addresses of its records and of itself. */
  fillFetch(hart: TranslatingHart, virtual: bigint, records: number, host: number): void {
    const entry = fetchEntry(this.selectedContext(hart), virtual);
    this.memory.u64[(entry + FetchEntry.tag) / 8] = virtual;
    this.memory.i32[(entry + FetchEntry.records) / 4] = records;
    this.memory.i32[(entry + FetchEntry.host) / 4] = host;
  }

  /** The page of code at a virtual address (of its first byte), if the selected context holds it. */
  codePage(hart: TranslatingHart, virtual: bigint): CodePage | undefined {
    const entry = fetchEntry(contextAddress(hart, this.current[hart.id]!), virtual);
    const { u64, i32 } = this.memory;
    if (u64[(entry + FetchEntry.tag) / 8] !== BigInt.asUintN(64, virtual)) return undefined;
    return { host: i32[(entry + FetchEntry.host) / 4]! >>> 0, records: i32[(entry + FetchEntry.records) / 4]! };
  }

  /**
   * Host address of what a load from an address, given by its halves, finds in the selected context, a store that may take the slow
   * path, or a fetch; 0 if nothing.
   */
  loads(hart: TranslatingHart, low: number, high: number): number {
    return this.finds(hart, low, high, DataEntry.read);
  }
  stores(hart: TranslatingHart, low: number, high: number): number {
    return this.finds(hart, low, high, DataEntry.permitted);
  }
  private finds(hart: TranslatingHart, low: number, high: number, tag: number): number {
    const { i32 } = this.memory;
    const context = contextAddress(hart, this.current[hart.id]!);
    const entry = context + ((low >>> 12) & (DATA_ENTRIES - 1)) * DataEntry.size;
    if (i32[(entry + tag) / 4] !== (low & ~(PAGE - 1)) || i32[(entry + tag) / 4 + 1] !== high) return 0;
    return (i32[(entry + DataEntry.addend) / 4]! + low) >>> 0;
  }
  fetches(hart: TranslatingHart, low: number, high: number): number {
    const { i32 } = this.memory;
    const context = contextAddress(hart, this.current[hart.id]!) + FetchEntry.base;
    const entry = context + ((low >>> 12) & (FETCH_ENTRIES - 1)) * FetchEntry.size;
    if (i32[(entry + FetchEntry.tag) / 4] !== (low & ~(PAGE - 1)) || i32[(entry + FetchEntry.tag) / 4 + 1] !== high)
      return 0;
    return ((i32[(entry + FetchEntry.host) / 4]! >>> 0) + (low & (PAGE - 1))) >>> 0;
  }

  private selectedContext(hart: TranslatingHart): number {
    const index = this.current[hart.id]!;
    this.contexts[hart.id]![index]!.filled = true;
    return contextAddress(hart, index);
  }

  /** At power on no context belongs to an address space. */
  reset(): void {
    for (const context of this.contexts.flat()) context.used = false;
  }

  /** Invalidates everything, on one hart or on all. */
  flush(harts: readonly TranslatingHart[]): void {
    for (const hart of harts)
      // One that is not in use is emptied when it is selected.
      this.contexts[hart.id]!.forEach(({ used, filled }, index) => used && filled && this.empty(hart, index));
  }

  /** Invalidates the translations of `count` pages from virtual page `first` on in address spaces with this root. */
  invalidate(harts: readonly TranslatingHart[], root: number, first: number, count: number): void {
    const { i32 } = this.memory;
    const drop = (tag: number): void => {
      const low = i32[tag / 4]!;
      // Of EMPTY, too.
      if ((low & 1) !== 0) return;
      const page = (i32[tag / 4 + 1]! & 0x7f) * 0x100000 + (low >>> 12);
      if (page >= first && page < first + count) this.setTag(tag, -1, -1);
    };
    this.eachFilled(
      harts,
      (context) => {
        for (let page = first; page < first + Math.min(count, DATA_ENTRIES); page++) {
          const entry = context + (page & (DATA_ENTRIES - 1)) * DataEntry.size;
          drop(entry + DataEntry.read);
          drop(entry + DataEntry.write);
          drop(entry + DataEntry.permitted);
        }
        for (let page = first; page < first + Math.min(count, FETCH_ENTRIES); page++)
          drop(context + FetchEntry.base + (page & (FETCH_ENTRIES - 1)) * FetchEntry.size + FetchEntry.tag);
      },
      root,
    );
  }

  /** Invalidates all translations of fetches. */
  flushFetches(harts: readonly TranslatingHart[]): void {
    this.eachFilled(harts, (context) => {
      this.memory.u8.fill(0xff, context + FetchEntry.base, context + TLB_CONTEXT_SIZE);
    });
  }

  /** Empties the contexts of a hart whose modes have a mark, and which hold nothing but fetches. */
  emptyFetches(hart: TranslatingHart, mark: number): void {
    this.contexts[hart.id]!.forEach((context, index) => {
      if (!context.used || !context.filled || (context.modes & mark) === 0) return;
      const at = contextAddress(hart, index);
      this.memory.u8.fill(0xff, at + FetchEntry.base, at + TLB_CONTEXT_SIZE);
      context.filled = false;
    });
  }

  /** Invalidates the translations of fetches from the page at `host`. */
  invalidateFetches(harts: readonly TranslatingHart[], host: number): void {
    const { u64, i32 } = this.memory;
    this.eachFilled(harts, (context) => {
      for (let entry = context + FetchEntry.base; entry < context + TLB_CONTEXT_SIZE; entry += FetchEntry.size) {
        if (i32[(entry + FetchEntry.host) / 4]! >>> 0 === host)
          u64[(entry + FetchEntry.tag) / 8] = BigInt.asUintN(64, EMPTY);
      }
    });
  }

  /** From now on stores to the page at `host` take the slow path. */
  invalidateWrites(harts: readonly TranslatingHart[], host: number): void {
    const page = this.memory.pageOf(host);
    const known = this.writers[page]!;
    if (known === 0) return;
    this.writers[page] = 0;
    this.eachFilled(harts, (context) => {
      const drop = (index: number): void => {
        const entry = context + index * DataEntry.size;
        if (this.writes(entry) === host) this.setTag(entry + DataEntry.write, -1, -1);
      };
      if (known === ANYWHERE) for (let index = 0; index < DATA_ENTRIES; index++) drop(index);
      else for (let i = 0; i < known >>> 30; i++) drop((known >>> (INDEX_BITS * i)) & (DATA_ENTRIES - 1));
    });
  }

  /** From now on stores to any page take the slow path. */
  flushWrites(harts: readonly TranslatingHart[]): void {
    this.writers.fill(0);
    this.eachFilled(harts, (context) => {
      for (let index = 0; index < DATA_ENTRIES; index++)
        this.setTag(context + index * DataEntry.size + DataEntry.write, -1, -1);
    });
  }

  /** Calls `action` with the address of each context that may hold translations: of all address spaces, or of those with one root. */
  private eachFilled(harts: readonly TranslatingHart[], action: (context: number) => void, root?: number): void {
    for (const hart of harts) {
      this.contexts[hart.id]!.forEach(({ used, filled, satpLow, satpHigh }, index) => {
        if (!used || !filled || (root !== undefined && rootPageOf(satpLow, satpHigh) !== root)) return;
        action(contextAddress(hart, index));
      });
    }
  }

  private empty(hart: TranslatingHart, index: number): void {
    const context = contextAddress(hart, index);
    this.memory.u8.fill(0xff, context, context + TLB_CONTEXT_SIZE);
    this.contexts[hart.id]![index]!.filled = false;
  }
}

/** The page number of the root table, by the signed halves of satp. */
export const rootPageOf = (low: number, high: number): number => (high & 0xfff) * 2 ** 32 + (low >>> 0);

const fetchEntry = (context: number, virtual: bigint): number =>
  context + FetchEntry.base + Number((virtual >> 12n) & BigInt(FETCH_ENTRIES - 1)) * FetchEntry.size;

const contextAddress = (hart: TranslatingHart, index: number): number =>
  hart.block + HartOffset.tlbs + index * TLB_CONTEXT_SIZE;
