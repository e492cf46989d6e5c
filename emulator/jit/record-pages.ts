/**
 * The slots of predecoded records. A slot belongs to what a page of code says and not to where the page lies: pages whose
 * bytes agree wherever a record has been decoded share one slot. So what was decoded and translated for a program serves
 * every process that runs it, after fork and after exec.
 *
 * What a slot says never changes. A page in which a decoded byte is about to be changed leaves its slot, and finds another
 * one, or an empty one, when it is next executed.
 */
import { type GuestMemory, PageFlag } from '../mmu/guest-memory';
import { lengthOf } from '../isa/instructions/decode';
import { PAGE, RECORDS, RECORD_PAGES, RECORD_PAGE_SIZE, ROM, RecordLayout, offsetOf, slotOf } from '../layout';
import { Opcode } from './opcodes';

/** After so many stores a page counts as data until it is executed again. */
const STORES_TO_DATA = 16;
/** Bytes at the start of a page by which slots are looked up. */
const KEY_BYTES = 64;

export interface RecordPagesListener {
  /** A page has got a slot: stores to it are to be reported by `stored`. */
  attached(host: number): void;
  /** A page has left its slot: it is not to be executed before it has been attached again. */
  detached(host: number): void;
  /** The records of a slot are about to be given to another page. */
  emptied(slot: number): void;
}

/** Whether a page says of an instruction only its lower half: it has two bytes, or ends in the next page. */
const isShort = (word: number, offset: number): boolean => lengthOf(word) === 2 || offset === PAGE - 2;

export class RecordPages {
  /** By guest page: its slot, -1 if none. */
  private readonly slots: Int32Array;
  /** By slot: the guest pages that share it. */
  private readonly pages: readonly Set<number>[] = Array.from({ length: RECORD_PAGES }, () => new Set<number>());
  /** By slot: the key of the page for which it was begun; and slots by key. */
  private readonly keys = new Map<number, number>();
  private readonly byKey = new Map<number, number[]>();
  private next = 0;
  /** Guest pages of whose executed instructions not all have records any more. */
  private readonly left = new Set<number>();
  /** By guest page: stores since it was attached. */
  private readonly stores: Uint8Array;

  constructor(
    private readonly memory: GuestMemory,
    private readonly listener: RecordPagesListener,
  ) {
    this.slots = new Int32Array(memory.guestPages).fill(-1);
    this.stores = new Uint8Array(memory.guestPages);
  }

  /** Host address of the first record of the page at `host`. */
  attach(host: number): number {
    const page = this.memory.pageOf(host);
    if (this.slots[page]! < 0) {
      const key = this.keyOf(host);
      const slot = this.byKey.get(key)?.find((candidate) => this.says(candidate, host)) ?? this.begin(key);
      this.slots[page] = slot;
      this.pages[slot]!.add(page);
      this.stores[page] = 0;
      this.listener.attached(host);
    }
    return RECORDS + this.slots[page]! * RECORD_PAGE_SIZE;
  }

  /** Bytes of a page, all within it, are about to change. */
  stored(host: number, length: number): void {
    const page = this.memory.pageOf(host);
    const slot = this.slots[page]!;
    if (slot < 0) return;
    if (++this.stores[page]! >= STORES_TO_DATA) {
      this.detach(page);
      return;
    }
    const { view } = this.memory;
    const records = RECORDS + slot * RECORD_PAGE_SIZE;
    const offset = (host - ROM) % PAGE;
    // A four-byte instruction may begin two bytes earlier.
    const first = Math.max(0, (offset >> 1) - 1);
    const last = (offset + length - 1) >> 1;
    for (let index = first; index <= last; index++) {
      const record = records + index * RecordLayout.size;
      if (view.getUint16(record + RecordLayout.op, true) === Opcode.special) continue;
      if (index * 2 + lengthOf(view.getUint16(record + RecordLayout.word, true)) <= offset) continue;
      this.detach(page);
      return;
    }
  }

  /** A page now holds something else. */
  replaced(host: number): void {
    const page = this.memory.pageOf(host);
    if (this.slots[page]! >= 0) this.detach(page);
  }

  /** A record is about to be decoded from the page at `page`: others that say something else there leave the slot. */
  decoding(page: number, record: number, word: number): void {
    const sharing = this.pages[slotOf(record)]!;
    if (sharing.size === 1) return;
    const { view } = this.memory;
    const offset = offsetOf(record);
    const short = isShort(word, offset);
    for (const other of sharing) {
      const host = ROM + other * PAGE + offset;
      const same = short ? view.getUint16(host, true) === (word & 0xffff) : view.getInt32(host, true) === (word | 0);
      if (!same && other !== this.memory.pageOf(page)) this.detach(other);
    }
  }

  /** An instruction of the page at `host` is executed without a record. */
  leftUndecoded(host: number): void {
    this.left.add(this.memory.pageOf(host));
  }

  /**
   * Which instructions have been executed, at most: by guest page, a bit for every two bytes of it, lowest first. Of a page
   * whose bytes have changed since, or with a breakpoint that was passed, nothing is known, and all its bits are set.
   */
  reached(): Map<number, Uint8Array> {
    const { view } = this.memory;
    const result = new Map<number, Uint8Array>();
    this.slots.forEach((slot, page) => {
      if (slot < 0) return;
      const bits = new Uint8Array(PAGE / 16);
      for (let index = 0; index < PAGE / 2; index++) {
        const record = RECORDS + slot * RECORD_PAGE_SIZE + index * RecordLayout.size;
        if (view.getUint16(record + RecordLayout.op, true) !== Opcode.special) bits[index >> 3]! |= 1 << (index & 7);
      }
      result.set(page, bits);
    });
    for (const page of this.left) result.set(page, new Uint8Array(PAGE / 16).fill(0xff));
    return result;
  }

  /** Empties all slots. Of their pages it is no longer known which instructions have been executed. */
  clear(): void {
    this.pages.forEach((sharing) => sharing.forEach((page) => this.detach(page)));
    for (const slot of [...this.keys.keys()]) this.empty(slot);
    this.next = 0;
  }

  /** Empties all slots: no instruction has been executed yet. */
  reset(): void {
    this.clear();
    this.left.clear();
  }

  private detach(page: number): void {
    this.pages[this.slots[page]!]!.delete(page);
    this.slots[page] = -1;
    this.left.add(page);
    this.memory.flags[page]! &= ~PageFlag.code;
    this.listener.detached(ROM + page * PAGE);
  }

  /** Whether the page at `host` agrees with all that a slot has decoded. */
  private says(slot: number, host: number): boolean {
    const { i32, view } = this.memory;
    const records = (RECORDS + slot * RECORD_PAGE_SIZE) / 4;
    for (let index = 0; index < PAGE / 2; index++) {
      const record = records + index * (RecordLayout.size / 4);
      if ((i32[record]! & 0xffff) === Opcode.special) continue;
      const word = i32[record + RecordLayout.word / 4]!;
      const at = host + index * 2;
      const differs = isShort(word, index * 2)
        ? view.getUint16(at, true) ^ (word & 0xffff)
        : view.getInt32(at, true) ^ word;
      if (differs !== 0) return false;
    }
    return true;
  }

  /** A slot with nothing decoded yet: one that is free, else one that no page uses, else all are given up. */
  private begin(key: number): number {
    let slot = this.next;
    for (let tried = 0; tried < RECORD_PAGES && this.pages[slot]!.size > 0; tried++) slot = (slot + 1) % RECORD_PAGES;
    if (this.pages[slot]!.size > 0) {
      this.clear();
      slot = 0;
    }
    if (this.keys.has(slot)) this.empty(slot);
    this.next = (slot + 1) % RECORD_PAGES;
    this.keys.set(slot, key);
    const alike = this.byKey.get(key);
    if (alike) alike.push(slot);
    else this.byKey.set(key, [slot]);
    const records = RECORDS + slot * RECORD_PAGE_SIZE;
    this.memory.view.setUint16(records + (PAGE / 2) * RecordLayout.size, Opcode.pageEnd, true);
    return slot;
  }

  private empty(slot: number): void {
    const key = this.keys.get(slot)!;
    const others = this.byKey.get(key)!.filter((other) => other !== slot);
    if (others.length > 0) this.byKey.set(key, others);
    else this.byKey.delete(key);
    this.keys.delete(slot);
    this.listener.emptied(slot);
    const records = RECORDS + slot * RECORD_PAGE_SIZE;
    this.memory.u8.fill(0, records, records + RECORD_PAGE_SIZE);
  }

  private keyOf(host: number): number {
    const { i32 } = this.memory;
    let hash = 0;
    for (let at = host / 4; at < (host + KEY_BYTES) / 4; at++) hash = (Math.imul(hash, 0x01000193) ^ i32[at]!) | 0;
    return hash;
  }
}
