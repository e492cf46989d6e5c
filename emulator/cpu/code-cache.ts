/**
 * Predecoded records of code pages. Records are made when an instruction is first reached, and unmade when its bytes
 * change, so that self-modifying code and freshly loaded programs run right without a fence. Breakpoints are records
 * left undecoded, so that reaching one leads here.
 */
import { lengthOf } from '../isa/decode';
import { type GuestMemory, PageFlag } from '../mmu/guest-memory';
import { Access, type Mmu } from '../mmu/mmu';
import type { Tlb } from '../mmu/tlb';
import { MAX_LOOP_BYTES, bulkLoopAt, runBulk } from './bulk';
import type { HartState } from './hart';
import { PAGE, RECORDS, RECORD_PAGES, RECORD_PAGE_SIZE, ROM, Record, Status } from './layout';
import { Opcode, writeAlone, writeRecord } from './opcodes';
import { type Acceleration, Regions } from './regions';
import { Cause } from './traps';

/** What the cache asks of the machine. */
export interface CodeSurroundings {
  raise(hart: HartState, cause: number, tval: bigint): Status;
  /** The hart reached a breakpoint. */
  breakpoint(hart: HartState): Status;
  /** The hart last stopped just here and is to go on now. */
  goesOnFrom(hart: HartState): boolean;
}

/** Whether a breakpoint's address is meant in the address space that a hart is in. */
type Concerns = (hart: HartState, address: bigint) => boolean;

/** After so many slow stores in a row a page that once held code counts as data. */
const STORES_TO_DATA = 16;

export class CodeCache {
  /** Guest page of each slot, -1 if free; and the slot of each guest page, -1 if none. */
  private readonly pages = new Int32Array(RECORD_PAGES).fill(-1);
  private readonly slots: Int32Array;
  private readonly stores = new Uint8Array(RECORD_PAGES);
  private nextSlot = 0;
  /** Virtual addresses with a breakpoint, by page; and the host addresses where they were found to lie. */
  private breakpoints = new Map<bigint, bigint[]>();
  private readonly marks = new Set<number>();
  private concerns: Concerns = () => true;

  private readonly regions: Regions;

  constructor(
    private readonly memory: GuestMemory,
    private readonly mmu: Mmu,
    private readonly tlb: Tlb,
    private readonly harts: readonly HartState[],
    private readonly machine: CodeSurroundings,
    acceleration: Acceleration,
  ) {
    this.regions = new Regions(memory, acceleration);
    this.slots = new Int32Array(memory.guestPages).fill(-1);
  }

  /** Where the generated code finds translated regions. */
  get table(): WebAssembly.Table {
    return this.regions.table;
  }

  /** Forgets everything but the breakpoints. */
  clear(): void {
    this.nextSlot = 0;
    for (let slot = 0; slot < RECORD_PAGES; slot++) if (this.pages[slot] >= 0) this.release(slot);
    this.marks.clear();
    this.tlb.flushFetches(this.harts);
  }

  setBreakpoints(addresses: Iterable<bigint>, concerns: Concerns = () => true): void {
    this.concerns = concerns;
    for (const host of this.marks) this.unmake(host, 2);
    this.marks.clear();
    this.breakpoints = new Map();
    for (const address of addresses) {
      const page = address >> 12n;
      this.breakpoints.set(page, [...(this.breakpoints.get(page) ?? []), address]);
    }
    // Every way into a page leads through a fetch that misses; the marks are set there.
    this.tlb.flushFetches(this.harts);
  }

  /** Makes the page of the hart's pc ready to run, or raises the fault that forbids it. */
  fetch(hart: HartState): Status {
    // The slice ended with the jump that led here; a fault would be counted in the next one.
    if (hart.remaining === 0) return Status.exit;
    const pc = hart.pc;
    const low = Number(BigInt.asIntN(32, pc));
    const physical = this.mmu.translate(hart, low, Number(BigInt.asIntN(32, pc >> 32n)), Access.fetch, 2);
    if (physical < 0) return this.raiseCounted(hart, this.mmu.cause, pc);
    const host = this.memory.hostOf(physical);
    if (host === 0) return this.raiseCounted(hart, Cause.instructionAccess, pc);
    const page = host & ~(PAGE - 1);
    this.tlb.fillFetch(hart, pc & ~0xfffn, this.recordsOf(page >>> 0));
    for (const address of this.breakpoints.get(pc >> 12n) ?? []) {
      const at = (page >>> 0) + Number(address & 0xfffn);
      if (this.marks.has(at) || !this.concerns(hart, address)) continue;
      this.marks.add(at);
      this.unmake(at, 2);
    }
    return Status.reload;
  }

  /** See Opcode.special. The hart's pc is that of the record. */
  special(hart: HartState, record: number): Status {
    const slot = Math.floor((record - RECORDS) / RECORD_PAGE_SIZE);
    // The instruction before gave the page up by storing into it.
    if (this.pages[slot] < 0) return Status.reload;
    const host = this.hostOf(record);
    const offset = (host - ROM) % PAGE;
    const pc = hart.pc;
    const marked = this.marks.has(host);
    if (marked && this.breakpoints.get(pc >> 12n)?.includes(pc) && !this.machine.goesOnFrom(hart))
      return this.machine.breakpoint(hart);
    this.stores[slot] = 0;
    const { view } = this.memory;
    let word = view.getUint16(host, true);
    const straddles = lengthOf(word) === 4 && offset === PAGE - 2;
    if (straddles) {
      const upper = this.upperHalf(hart, pc + 2n);
      if (upper < 0) return this.raiseCounted(hart, this.mmu.cause, BigInt.asUintN(64, pc + 2n));
      word |= upper << 16;
    } else if (lengthOf(word) === 4) {
      word = view.getInt32(host, true);
    }
    const alone = straddles || marked;
    const bulk = !alone && bulkLoopAt(view, host) !== undefined;
    const legal = alone ? writeAlone(view, word) : writeRecord(view, record, word, offset, bulk);
    if (legal) return alone ? Status.scratch : Status.reload;
    return this.raiseCounted(hart, Cause.illegalInstruction, BigInt(lengthOf(word) === 2 ? word & 0xffff : word >>> 0));
  }

  /** The branch at the hart's pc closes a bulk loop: makes passes of it, or has the branch run the ordinary way. */
  bulk(hart: HartState, record: number): Status {
    const host = this.hostOf(record);
    const loop = bulkLoopAt(this.memory.view, host);
    // The loop may have been changed since its branch was decoded, or lie around a breakpoint.
    const watched = loop === undefined || [...this.marks].some((mark) => mark < host && mark > host - MAX_LOOP_BYTES);
    if (!watched && runBulk(hart, loop, this.memory, this.mmu)) return Status.reload;
    return this.alone(hart);
  }

  /** Many jumps led to the hart's pc, in the page whose records are in force. */
  hot(hart: HartState): Status {
    const slot = Math.floor((hart.records - RECORDS) / RECORD_PAGE_SIZE);
    const offset = Number(hart.pc & BigInt(PAGE - 1));
    const record = hart.records + offset * (Record.size / 2);
    this.regions.cool(record);
    if (this.regions.full) {
      this.clear();
      return Status.reload;
    }
    const page = ROM + this.pages[slot] * PAGE;
    if (this.regions.make(slot, page, offset, (host) => this.marks.has(host))) return Status.reload;
    // Nothing may stop or trap beyond the slice.
    if (hart.remaining === 0) return Status.exit;
    const undecoded = this.memory.view.getUint16(record, true) === Opcode.special;
    return undecoded ? this.special(hart, record) : this.alone(hart);
  }

  /** Has the interpreter run the instruction at the hart's pc, though a region begins there or a bulk loop ends. */
  alone(hart: HartState): Status {
    const slot = Math.floor((hart.records - RECORDS) / RECORD_PAGE_SIZE);
    const host = ROM + this.pages[slot] * PAGE + Number(hart.pc & BigInt(PAGE - 1));
    writeAlone(this.memory.view, this.memory.view.getInt32(host, true));
    return Status.scratch;
  }

  /** Host address of the instruction that a record stands for. */
  private hostOf(record: number): number {
    const slot = Math.floor((record - RECORDS) / RECORD_PAGE_SIZE);
    return ROM + this.pages[slot] * PAGE + ((record - RECORDS - slot * RECORD_PAGE_SIZE) / Record.size) * 2;
  }

  /** Bytes of a page with records are about to change. */
  stored(host: number, length: number): void {
    const slot = this.slots[this.memory.pageOf(host)];
    if (slot < 0) return;
    if (++this.stores[slot] >= STORES_TO_DATA) {
      this.release(slot);
      this.tlb.flushFetches(this.harts);
    } else {
      this.unmake(host, length);
    }
    if (this.marks.size > 0) this.unmark(host - 3, length + 3);
  }

  /** Leaves the records of all instructions that touch these bytes, within one page, to be decoded anew. */
  private unmake(host: number, length: number): void {
    const slot = this.slots[this.memory.pageOf(host)];
    if (slot < 0) return;
    const offset = (host - ROM) % PAGE;
    this.regions.drop(slot);
    // A four-byte instruction may begin two bytes earlier.
    const first = Math.max(0, (offset >> 1) - 1);
    const last = (offset + length - 1) >> 1;
    for (let index = first; index <= last; index++) {
      this.memory.view.setUint16(RECORDS + slot * RECORD_PAGE_SIZE + index * Record.size, Opcode.special, true);
    }
  }

  /** Other bytes are another instruction: whether a breakpoint there is meant is asked anew at the next fetch. */
  private unmark(host: number, length: number): void {
    let found = false;
    for (let at = host; at < host + length; at++) found = this.marks.delete(at) || found;
    if (found) this.tlb.flushFetches(this.harts);
  }

  /** An exception of an instruction that never got as far as to be counted by the interpreter. */
  private raiseCounted(hart: HartState, cause: number, tval: bigint): Status {
    hart.remaining--;
    return this.machine.raise(hart, cause, tval);
  }

  /** The two bytes at the start of a page that end an instruction begun on the page before; -1 if they cannot be had. */
  private upperHalf(hart: HartState, address: bigint): number {
    const low = Number(BigInt.asIntN(32, address));
    const physical = this.mmu.translate(hart, low, Number(BigInt.asIntN(32, address >> 32n)), Access.fetch, 2);
    if (physical < 0) return -1;
    const host = this.memory.hostOf(physical);
    if (host !== 0) return this.memory.view.getUint16(host, true);
    this.mmu.cause = Cause.instructionAccess;
    return -1;
  }

  private recordsOf(page: number): number {
    const guestPage = this.memory.pageOf(page);
    let slot = this.slots[guestPage];
    if (slot < 0) {
      slot = this.pages.indexOf(-1, this.nextSlot);
      if (slot < 0) {
        this.clear();
        slot = 0;
      }
      this.nextSlot = slot + 1;
      this.pages[slot] = guestPage;
      this.slots[guestPage] = slot;
      this.stores[slot] = 0;
      // Nobody has watched the page until now: what was marked in it may be gone.
      for (const mark of this.marks) if (this.memory.pageOf(mark) === guestPage) this.marks.delete(mark);
      const records = RECORDS + slot * RECORD_PAGE_SIZE;
      this.memory.view.setUint16(records + (PAGE / 2) * Record.size, Opcode.pageEnd, true);
      this.mmu.watch(page, PageFlag.code);
    }
    return RECORDS + slot * RECORD_PAGE_SIZE;
  }

  private release(slot: number): void {
    const guestPage = this.pages[slot];
    this.memory.flags[guestPage] &= ~PageFlag.code;
    this.slots[guestPage] = -1;
    this.pages[slot] = -1;
    this.regions.drop(slot);
    // The hart that is storing may be running these very records: it comes back to `special`.
    const records = RECORDS + slot * RECORD_PAGE_SIZE;
    this.memory.u8.fill(0, records, records + RECORD_PAGE_SIZE);
    if (slot < this.nextSlot) this.nextSlot = slot;
  }
}
