/**
 * Predecoded records of code pages (see record-pages.ts). Records are made when an instruction is first reached; a page
 * whose code changes gets others, so that self-modifying code and freshly loaded programs run right without a fence.
 * Where somebody observes execution the record is left undecoded, so that reaching it leads here.
 */
import { decode, lengthOf } from '../isa/instructions/decode';
import { SystemOperation } from '../isa/instructions/instruction';
import { type GuestMemory, PageFlag } from '../mmu/guest-memory';
import { AccessType, type Mmu, causeOf, refused } from '../mmu/mmu';
import type { CodePage, Tlb } from '../mmu/tlb';
import { type ClockWait, closedLoopAt, runClockWait } from './clock-wait';
import { type LoopIdiom, MAX_LOOP_BYTES, canClose, fillFromStore, runLoopIdiom } from './loop-idioms';
import type { HartState } from '../cpu/hart';
import { HartOffset, PAGE, RecordLayout, Status, offsetOf, slotOf } from '../layout';
import { Opcode, writeSingleStep, writeRecord, writeStraddling } from './opcodes';
import { RecordPages } from './record-pages';
import { type Acceleration, TranslationCache } from './translation-cache';
import type { SideExit } from './translator';
import { Cause } from '../isa/causes';

/** What the cache asks of the machine. */
export interface CodeHost {
  raise(hart: HartState, cause: number, tval: bigint): Status;
  /** Addresses in a page (by its number) whose execution is observed in the address space that the hart is in. */
  observedIn(hart: HartState, page: bigint): Iterable<bigint>;
  /** The hart is about to execute an instruction that may be observed; `exit` if it is to stop before it. */
  executing(hart: HartState): Status;
}

/** Whether the next instruction in memory need not be the next to be executed. */
function endsBlock(word: number): boolean {
  const instruction = decode(word)?.instruction;
  return instruction === undefined || instruction.control !== 'none' || instruction.system === SystemOperation.wfi;
}

export class CodeCache {
  private readonly pages: RecordPages;
  /** Records of instructions whose execution is observed. */
  private readonly marks = new Set<number>();
  /** Loops that loop-idioms.ts and clock-wait.ts can run, by the record of the branch that closes them. */
  private readonly loops = new Map<number, LoopIdiom | ClockWait>();
  /** By the record of the store with which an idiom begins: the record of the branch that closes it, and the idiom. */
  private readonly fromStores = new Map<number, { branch: number; loop: LoopIdiom }>();
  /** CSR writes are observed, and so are not done in line. */
  private csrWritesLeave = false;
  private readonly regions: TranslationCache;

  constructor(
    private readonly memory: GuestMemory,
    private readonly mmu: Mmu,
    private readonly tlb: Tlb,
    private readonly harts: readonly HartState[],
    private readonly machine: CodeHost,
    acceleration: Acceleration,
  ) {
    this.regions = new TranslationCache(memory, acceleration);
    this.pages = new RecordPages(memory, {
      attached: (host) => mmu.watch(host, PageFlag.code),
      detached: (host) => tlb.invalidateFetches(harts, host),
      emptied: (slot) => {
        this.regions.drop(slot);
        for (const record of this.loops.keys()) if (slotOf(record) === slot) this.loops.delete(record);
        for (const record of this.fromStores.keys()) if (slotOf(record) === slot) this.fromStores.delete(record);
        for (const record of this.marks) if (slotOf(record) === slot) this.marks.delete(record);
      },
    });
  }

  /** Where the generated code finds translated regions. */
  get table(): WebAssembly.Table {
    return this.regions.table;
  }

  /** See RecordPages.reached. */
  reached(): Map<number, Uint8Array> {
    return this.pages.reached();
  }

  /** Gives up all records and regions. */
  clear(): void {
    this.pages.clear();
    this.tlb.flushFetches(this.harts);
  }

  /** At power on: as `clear`, and no instruction has been executed yet. */
  reset(): void {
    this.pages.reset();
    this.tlb.flushFetches(this.harts);
  }

  /** Other addresses are observed than before, or in other address spaces. */
  addressesChanged(): void {
    this.marks.clear();
    // Every way into a page leads through a fetch that misses; the marks are set there.
    this.tlb.flushFetches(this.harts);
  }

  /** Whether somebody wants to hear of CSR writes. Records and regions say which way one goes: all are made anew. */
  csrWritesObserved(on: boolean): void {
    this.csrWritesLeave = on;
    this.clear();
  }

  /** Makes the page of the hart's pc ready to run, or raises the fault that forbids it. */
  fetch(hart: HartState): Status {
    // The slice ended with the jump that led here; a fault would be counted in the next one.
    if (hart.remaining === 0) return Status.exit;
    const pc = hart.pc;
    const low = Number(BigInt.asIntN(32, pc));
    const physical = this.mmu.translate(hart, low, Number(BigInt.asIntN(32, pc >> 32n)), AccessType.fetch, 2);
    if (physical < 0) return this.raiseCounted(hart, causeOf(physical), pc);
    const host = this.memory.hostOf(physical);
    if (host === 0) return this.raiseCounted(hart, Cause.instructionAccess, pc);
    this.enter(hart, pc, host);
    return Status.reload;
  }

  /** From now on the hart finds the page around host address `host` when it fetches from that around `pc`. */
  private enter(hart: HartState, pc: bigint, host: number): void {
    const page = (host & ~(PAGE - 1)) >>> 0;
    const records = this.pages.attach(page);
    this.tlb.fillFetch(hart, pc & ~0xfffn, records, page);
    for (const address of this.machine.observedIn(hart, pc >> 12n))
      this.mark(records + Number(address & 0xfffn) * (RecordLayout.size / 2));
  }

  /** See Opcode.special. The hart's pc is that of the record. */
  special(hart: HartState, record: number): Status {
    const marked = this.marks.has(record);
    if (marked && this.machine.executing(hart) === Status.exit) return Status.exit;
    const host = this.fetched(hart);
    // The instruction before detached the page by storing into it, or an observer by what it subscribed to.
    if (host === 0) return Status.reload;
    const offset = host & (PAGE - 1);
    const page = host - offset;
    const { view } = this.memory;
    let word = view.getUint16(host, true);
    const straddles = lengthOf(word) === 4 && offset === PAGE - 2;
    if (straddles) {
      const next = hart.pc + 2n;
      const upper = this.upperHalf(hart, next);
      if (upper < 0) return this.raiseCounted(hart, causeOf(upper), BigInt.asUintN(64, next));
      word |= upper << 16;
      // Entering the next page may have given this one up. What is already decoded belongs to another next page.
      if (this.fetched(hart) === 0) return Status.reload;
      if (!marked && view.getUint16(record, true) === Opcode.special) this.decode(page, record, word);
    } else if (lengthOf(word) === 4) {
      word = view.getInt32(host, true);
    }
    const alone = straddles || marked;
    if (marked) this.pages.leftUndecoded(page);
    const legal = alone ? writeSingleStep(this.memory, word) : this.decodeOn(page, record, word);
    if (legal) return alone ? Status.scratch : Status.reload;
    return this.raiseCounted(hart, Cause.illegalInstruction, BigInt(lengthOf(word) === 2 ? word & 0xffff : word >>> 0));
  }

  /** The branch at the hart's pc closes a loop idiom: makes passes of it, or has the branch run the ordinary way. */
  loopIdiom(hart: HartState, record: number): Status {
    const host = this.fetched(hart);
    if (host === 0) return Status.reload;
    let loop = this.loops.get(record);
    if (loop === undefined) {
      loop = closedLoopAt(this.memory.view, host);
      // What has been decoded stays as it is.
      if (loop !== undefined && this.isDecoded(record, loop)) {
        this.loops.set(record, loop);
        if ('store' in loop && loop.beginsWithStore)
          this.fromStores.set(record - loop.bytes * (RecordLayout.size / 2), { branch: record, loop });
      }
    }
    // The loop may have been changed since its branch was decoded, or lie around what is observed.
    const runs = loop !== undefined && !this.isMarkedBefore(record) && this.runLoop(hart, loop, host);
    return runs ? Status.reload : this.alone(record);
  }

  private runLoop(hart: HartState, loop: LoopIdiom | ClockWait, branch: number): boolean {
    if ('clock' in loop) return runClockWait(hart, loop);
    return runLoopIdiom(hart, loop, this.memory, this.mmu, branch - (branch & (PAGE - 1)));
  }

  /** See AccessHost.fillsOn. */
  fillsOn(hart: HartState, physical: number): boolean {
    const from = this.fromStores.get(hart.record);
    if (from === undefined || this.isMarkedBefore(from.branch)) return false;
    return fillFromStore(hart, from.loop, this.memory, physical);
  }

  /** Many jumps led to the hart's pc, in the page whose records are selected. */
  hot(hart: HartState): Status {
    const pc = hart.pc;
    const offset = Number(pc & BigInt(PAGE - 1));
    const record = hart.records + offset * (RecordLayout.size / 2);
    this.regions.cool(record);
    if (this.regions.full) {
      this.clear();
      return Status.reload;
    }
    const pages = new Map<number, CodePage | undefined>();
    const page = (distance: number): CodePage | undefined => {
      if (!pages.has(distance)) {
        const first = pc - BigInt(offset) + BigInt(distance * PAGE);
        pages.set(distance, this.tlb.codePage(hart, first));
      }
      return pages.get(distance);
    };
    const made = this.regions.make(offset, {
      page,
      stopAt: (at) => this.marks.has(at),
      csrWritesLeave: this.csrWritesLeave,
      decode: (page, at, word) => this.decode(page, at, word),
    });
    if (made) return Status.reload;
    // Nothing may stop or trap beyond the slice.
    if (hart.remaining === 0) return Status.exit;
    const decoded = this.memory.view.getUint16(record, true) >= Opcode.first;
    return decoded ? this.alone(record) : this.special(hart, record);
  }

  /** Has the interpreter run the instruction of a record, though a region begins there or a loop idiom ends. */
  alone(record: number): Status {
    writeSingleStep(this.memory, this.memory.view.getInt32(record + RecordLayout.word, true));
    return Status.scratch;
  }

  /** See TranslationCache.sideExit. */
  sideExit(region: number, answer: number): SideExit {
    return this.regions.sideExit(region, answer);
  }

  /** A page now holds something else. What was made of its code stays, and is found again where it holds the same. */
  replaced(host: number): void {
    this.pages.replaced(host);
  }

  /** Bytes of a page with records are about to change. */
  stored(host: number, length: number): void {
    this.pages.stored(host, length);
  }

  /** The host address of the instruction at a hart's pc, if its fetches find that at once; else 0. */
  private fetched(hart: HartState): number {
    return this.tlb.fetches(hart, hart.half(HartOffset.pc), hart.half(HartOffset.pc + 4));
  }

  /** Decodes an instruction of the page at `page` into its record; false if it is illegal. */
  private decode(page: number, record: number, word: number): boolean {
    const { view } = this.memory;
    const offset = offsetOf(record);
    this.pages.decoding(page, record, word);
    if (offset === PAGE - 2 && lengthOf(word) === 4) return writeStraddling(view, record, word, this.csrWritesLeave);
    const decoded = decode(word);
    const closesIdiom =
      decoded !== undefined && canClose(decoded.instruction) && closedLoopAt(view, page + offset) !== undefined;
    return writeRecord(view, record, word, offset, { closesIdiom, csrsLeave: this.csrWritesLeave });
  }

  /** Decodes an instruction, and what is executed next unless it traps: as far as the next jump or branch. */
  private decodeOn(page: number, record: number, word: number): boolean {
    if (!this.decode(page, record, word)) return false;
    const { view } = this.memory;
    for (let at = record, here = word; !endsBlock(here);) {
      at += lengthOf(here) * (RecordLayout.size / 2);
      const offset = offsetOf(at);
      if (offset > PAGE - 4 || this.marks.has(at) || view.getUint16(at + RecordLayout.op, true) !== Opcode.special)
        break;
      here = view.getInt32(page + offset, true);
      if (!this.decode(page, at, here)) break;
    }
    return true;
  }

  /** Whether something is observed in a loop that the branch of this record may close. */
  private isMarkedBefore(record: number): boolean {
    if (this.marks.size === 0) return false;
    for (const mark of this.marks)
      if (mark < record && mark > record - MAX_LOOP_BYTES * (RecordLayout.size / 2)) return true;
    return false;
  }

  /** Whether all of a loop has records. */
  private isDecoded(branch: number, { bytes }: LoopIdiom | ClockWait): boolean {
    const { view } = this.memory;
    for (let at = branch - bytes * (RecordLayout.size / 2); at < branch;) {
      if (view.getUint16(at, true) === Opcode.special) return false;
      at += lengthOf(view.getUint16(at + RecordLayout.word, true)) * (RecordLayout.size / 2);
    }
    return true;
  }

  /** From now on the record is left undecoded. */
  private mark(record: number): void {
    if (this.marks.has(record)) return;
    this.marks.add(record);
    // No region runs over what has not been decoded.
    if (this.memory.view.getUint16(record + RecordLayout.op, true) === Opcode.special) return;
    this.memory.view.setUint16(record + RecordLayout.op, Opcode.special, true);
    this.regions.drop(slotOf(record));
    // What lies under a mark may change unnoticed.
    this.loops.clear();
    this.fromStores.clear();
  }

  /** An exception of an instruction that never got as far as to be counted by the interpreter. */
  private raiseCounted(hart: HartState, cause: number, tval: bigint): Status {
    hart.remaining--;
    return this.machine.raise(hart, cause, tval);
  }

  /** Enters the page with the two bytes that end an instruction, and returns them; below 0, see Mmu.translate, if it may not. */
  private upperHalf(hart: HartState, address: bigint): number {
    const low = Number(BigInt.asIntN(32, address));
    const physical = this.mmu.translate(hart, low, Number(BigInt.asIntN(32, address >> 32n)), AccessType.fetch, 2);
    if (physical < 0) return physical;
    const host = this.memory.hostOf(physical);
    if (host !== 0) {
      this.enter(hart, address, host);
      return this.memory.view.getUint16(host, true);
    }
    return refused(Cause.instructionAccess);
  }
}
