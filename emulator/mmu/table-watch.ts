/**
 * Stores to page tables: follows the trees of Sv39 tables (RISC-V privileged specification 1.12, section 4.4) with given
 * roots, and watches every page of theirs, whether a hart has walked it yet or not. A store that makes an entry point to
 * another table takes that one in, and one that unmakes it lets it go. A page that is written in pieces smaller than an
 * entry, or with what can be none, has been given up by the guest: it is being cleared, or used for something else.
 */
import { toCanonical, hasReserved, isPointer, pteFlags, ptePhysical, ROOT_LEVEL, spanOf } from '../isa/sv39';
import { PAGE } from '../layout';
import type { TableStoreEvent } from '../types';
import type { OwnedWatch, Touch } from './data-watch';
import type { GuestMemory } from './guest-memory';

interface TablePage {
  watch: OwnedWatch;
  level: number;
  root: number;
  /** The virtual address of its first entry. */
  base: bigint;
  /** Entries that lead here; a root has one more. */
  references: number;
  children: Map<number, number>;
}

/** The table that an entry points to; undefined for a leaf, or nothing. */
const pointed = (pte: bigint): number | undefined =>
  isPointer(pteFlags(pte)) && !hasReserved(pte) ? Number(ptePhysical(pte)) : undefined;

export class TableWatch {
  /** By physical address of the page. */
  private readonly pages = new Map<number, TablePage>();
  private readonly byWatch = new Map<OwnedWatch, number>();
  /** Whether anybody listens. */
  active = false;
  /** Of entries of the last level only those are told that lead, or led, to the page with this number. */
  page: number | undefined;
  /** Pages have been taken in since this was last set to false. */
  grown = false;

  constructor(
    private readonly memory: GuestMemory,
    private readonly owner: object,
  ) {}

  add(root: bigint): void {
    const page = Number(BigInt.asUintN(53, root));
    if (!this.pages.has(page)) this.take(page, ROOT_LEVEL, page, 0n);
  }

  get roots(): bigint[] {
    return [...this.pages].filter(([at, { root }]) => at === root).map(([at]) => BigInt(at));
  }

  clear(): void {
    for (const page of [...this.pages.keys()]) this.unwatch(page);
    this.active = false;
  }

  /** What a touch has done to the entries of a page of the tables; nothing if it was of other bytes. */
  stored(access: Touch): readonly TableStoreEvent[] {
    const at = this.byWatch.get(access.watch);
    const page = at === undefined ? undefined : this.pages.get(at);
    if (at === undefined || page === undefined || (page.level === 0 && this.isOfOthers(access))) return NONE;
    const touch = access.event();
    if (touch.before.length % 8 !== 0 || touch.address % 8n !== 0n) {
      this.unwatch(at);
      return [];
    }
    const events: TableStoreEvent[] = [];
    for (let offset = 0; offset < touch.before.length; offset += 8) {
      const [old, now] = [entryAt(touch.before, offset), entryAt(touch.after, offset)];
      if (hasReserved(now)) {
        this.unwatch(at);
        return events;
      }
      const address = touch.address + BigInt(offset);
      const index = (Number(address) - at) / 8;
      const maps = mapped(page, index);
      this.relink(page, index, pointed(now));
      const { by, hart, pc, va } = touch;
      const [root, level] = [BigInt(page.root), page.level];
      // Field by field: some searches make millions.
      const event: TableStoreEvent = { by, address, root, level, index, maps, before: old, after: now };
      if (hart !== undefined) event.hart = hart;
      if (pc !== undefined) event.pc = pc;
      if (va !== undefined) event.va = va + BigInt(offset);
      events.push(event);
    }
    return events;
  }

  /** Whether an entry of the last level leads, and led, to other pages than the one that is asked for. */
  private isOfOthers({ start, isWord, low, high }: Touch): boolean {
    const { page, memory } = this;
    if (page === undefined || !isWord) return false;
    const [lowNow, highNow] = [memory.i32[start >> 2]!, memory.i32[(start >> 2) + 1]!];
    // With a reserved bit it can be no entry: that is to be found out.
    return highNow >>> 22 === 0 && pageNumber(lowNow, highNow) !== page && pageNumber(low, high) !== page;
  }

  private relink(page: TablePage, index: number, to: number | undefined): void {
    const from = page.children.get(index);
    if (from === to) return;
    page.children.delete(index);
    if (from !== undefined) this.release(from);
    if (to !== undefined) this.link(page, index, to);
  }

  private link(page: TablePage, index: number, to: number): void {
    if (page.level === 0) return;
    const known = this.pages.get(to);
    // Trees may share tables; one that leads back up would be a cycle.
    if (known && known.level !== page.level - 1) return;
    if (known) known.references++;
    else if (!this.take(to, page.level - 1, page.root, mapped(page, index))) return;
    page.children.set(index, to);
  }

  private take(at: number, level: number, root: number, base: bigint): boolean {
    const { owner } = this;
    const watch: OwnedWatch = { address: BigInt(at), length: PAGE, access: 'write', owner };
    const bytes = this.memory.read(watch.address, PAGE);
    if (bytes === undefined) return false;
    this.memory.watches.add(watch);
    this.grown = true;
    const page: TablePage = { watch, level, root, base, references: 1, children: new Map() };
    this.pages.set(at, page);
    this.byWatch.set(watch, at);
    for (let index = 0; level > 0 && index < PAGE / 8; index++) {
      const to = pointed(entryAt(bytes, index * 8));
      if (to !== undefined) this.link(page, index, to);
    }
    return true;
  }

  private release(at: number): void {
    const page = this.pages.get(at);
    if (page && --page.references <= 0) this.unwatch(at);
  }

  private unwatch(at: number): void {
    const page = this.pages.get(at);
    if (!page) return;
    this.pages.delete(at);
    this.byWatch.delete(page.watch);
    this.memory.watches.remove(page.watch);
    for (const child of page.children.values()) this.release(child);
  }
}

const NONE: readonly TableStoreEvent[] = [];

/** Of an entry, given by its halves. */
const pageNumber = (low: number, high: number): number => (high & 0x3f_ffff) * 2 ** 22 + (low >>> 10);

const entry = new BigUint64Array(1);
const bytesOfEntry = new Uint8Array(entry.buffer);

/** Reads an entry; a view of the bytes, made for each, would take longer. */
function entryAt(bytes: Uint8Array, offset: number): bigint {
  for (let i = 0; i < 8; i++) bytesOfEntry[i] = bytes[offset + i]!;
  return entry[0]!;
}

/** The first virtual address that an entry is for; bit 38 is extended. */
const mapped = ({ base, level }: TablePage, index: number): bigint => toCanonical(base + BigInt(index) * spanOf(level));
