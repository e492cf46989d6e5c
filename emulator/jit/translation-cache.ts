/** The regions of all code pages: made when a jump's target is hot, dropped when anything they were made from changes. */
import type { GuestMemory } from '../mmu/guest-memory';
import { HOTNESS, HOTNESS_CELLS, HOTNESS_LIMIT, RECORDS, REGIONS, RecordLayout, slotOf } from '../layout';
import { Opcode, REGION } from './opcodes';
import { type CodeSource, buildRegion } from './region';
import { type SideExit, FIRST_SIDE_EXIT, translateRegion } from './translator';

/** Which tier runs the guest: the interpreter alone, regions wherever possible, or regions where it is hot. */
export type Acceleration = 'interp' | 'jit' | 'mixed';

/** Points for jumps to a target before it is translated. */
const LIMITS: Readonly<Record<Acceleration, number>> = { interp: 0xffffffff, jit: 1, mixed: 96_000 };
const CAPACITY = 4096;

interface Region {
  /** Index in the table. */
  index: number;
  /** Host address of the record where it begins. */
  record: number;
  /** Slots of the pages that it was made from. */
  slots: readonly number[];
}

/** What is known of the code around a hart's pc. */
export interface TranslationHost extends Pick<CodeSource, 'page' | 'stopAt' | 'csrWritesLeave'> {
  /** Decodes an instruction of the page at a host address into its record. */
  decode(page: number, record: number, word: number): void;
}

export class TranslationCache {
  readonly table = new WebAssembly.Table({ element: 'anyfunc', initial: CAPACITY });
  private readonly free: number[] = Array.from({ length: CAPACITY }, (_, index) => CAPACITY - 1 - index);
  private readonly sideExits: (readonly SideExit[])[] = [];
  private readonly bySlot = new Map<number, Set<Region>>();

  constructor(
    private readonly memory: GuestMemory,
    private readonly acceleration: Acceleration,
  ) {
    memory.i32[HOTNESS_LIMIT / 4] = LIMITS[acceleration];
  }

  /** Translates the region that begins at `offset` of a page. What cannot be translated is left to the interpreter: then false. */
  make(offset: number, code: TranslationHost): boolean {
    const { view } = this.memory;
    const index = this.free[this.free.length - 1];
    if (index === undefined) return false;
    const blocks = buildRegion({ ...code, view, eager: this.acceleration === 'jit' }, offset);
    if (blocks === undefined) return false;
    const slots = new Set<number>();
    for (const { page, instructions } of blocks) {
      slots.add(slotOf(page.records));
      for (const { word, record } of instructions) {
        // Whoever completes an access for the region looks at its record, which may not have been reached before.
        if (view.getUint16(record, true) === Opcode.special) code.decode(page.host, record, word);
      }
    }
    const { bytes, sideExits } = translateRegion(blocks);
    const module = new WebAssembly.Module(bytes);
    const instance = new WebAssembly.Instance(module, { env: { memory: this.memory.memory } });
    this.free.pop();
    this.table.set(index, instance.exports.region as () => number);
    this.sideExits[index] = sideExits;
    const { record } = blocks[0]!.instructions[0]!;
    view.setInt32(REGIONS + (record - RECORDS) / 4, index, true);
    view.setUint16(record + RecordLayout.op, view.getUint16(record + RecordLayout.op, true) | REGION, true);
    const region = { index, record, slots: [...slots] };
    for (const slot of slots) this.bySlot.set(slot, (this.bySlot.get(slot) ?? new Set()).add(region));
    return true;
  }

  /** Where and why a region left an instruction to others. */
  sideExit(index: number, answer: number): SideExit {
    return this.sideExits[index]![answer - FIRST_SIDE_EXIT]!;
  }

  /** Resets the hotness counter of a record. */
  cool(record: number): void {
    this.memory.i32[HOTNESS / 4 + ((record >>> 4) & (HOTNESS_CELLS - 1))] = 0;
  }

  /** Drops the regions made from a page. */
  drop(slot: number): void {
    for (const region of this.bySlot.get(slot) ?? []) {
      const { view } = this.memory;
      view.setUint16(
        region.record + RecordLayout.op,
        view.getUint16(region.record + RecordLayout.op, true) & ~REGION,
        true,
      );
      this.table.set(region.index, null);
      this.free.push(region.index);
      for (const other of region.slots) if (other !== slot) this.bySlot.get(other)!.delete(region);
    }
    this.bySlot.delete(slot);
  }

  get full(): boolean {
    return this.free.length === 0;
  }
}
