/** The regions of all code pages: made when a jump's target is hot, dropped when anything they were made from changes. */
import type { GuestMemory } from '../mmu/guest-memory';
import { HEAT, HEAT_CELLS, HEAT_LIMIT, RECORDS, RECORD_PAGE_SIZE, Record } from './layout';
import { Opcode, writeRecord } from './opcodes';
import { regionAt } from './region';
import { translate } from './translator';

/** Which tier runs the guest: the interpreter alone, regions wherever possible, or regions where it is hot. */
export type Acceleration = 'interp' | 'jit' | 'mixed';

/** Jumps to a target before it is translated. */
const LIMITS: Readonly<Record<Acceleration, number>> = { interp: 0xffffffff, jit: 1, mixed: 400 };
const CAPACITY = 4096;

interface Region {
  /** Index in the table. */
  index: number;
  /** Host address of the record where it begins. */
  record: number;
}

export class Regions {
  readonly table = new WebAssembly.Table({ element: 'anyfunc', initial: CAPACITY });
  private readonly free: number[] = Array.from({ length: CAPACITY }, (_, index) => CAPACITY - 1 - index);
  private readonly bySlot = new Map<number, Region[]>();

  constructor(
    private readonly memory: GuestMemory,
    acceleration: Acceleration,
  ) {
    memory.i32[HEAT_LIMIT / 4] = LIMITS[acceleration];
  }

  /**
   * Translates the region that begins at `offset` of the page at host address `page`, whose records are in `slot`. What
   * cannot be translated is left to the interpreter: then false.
   */
  make(slot: number, page: number, offset: number, stopAt: (host: number) => boolean): boolean {
    const records = RECORDS + slot * RECORD_PAGE_SIZE;
    const record = records + offset * (Record.size / 2);
    const { view } = this.memory;
    const index = this.free[this.free.length - 1];
    const blocks = index === undefined ? undefined : regionAt(view, page, offset, stopAt);
    if (blocks === undefined) return false;
    // Whoever completes an access for the region looks at its record, which may not have been reached before.
    for (const { offset: at, word, bulk } of blocks.flatMap((block) => block.instructions)) {
      const recordAt = records + at * (Record.size / 2);
      if (view.getUint16(recordAt, true) === Opcode.special) writeRecord(view, recordAt, word, at, bulk);
    }
    const module = new WebAssembly.Module(translate(blocks, records));
    const instance = new WebAssembly.Instance(module, { env: { memory: this.memory.memory } });
    this.free.pop();
    this.table.set(index, instance.exports.region as () => number);
    view.setInt32(record + Record.imm, index, true);
    view.setUint16(record + Record.op, Opcode.region, true);
    this.bySlot.set(slot, [...(this.bySlot.get(slot) ?? []), { index, record }]);
    return true;
  }

  /** Forgets how often jumps went to a record. */
  cool(record: number): void {
    this.memory.i32[HEAT / 4 + ((record >>> 4) & (HEAT_CELLS - 1))] = 0;
  }

  /** Drops the regions of a page: their records are to be decoded anew. */
  drop(slot: number): void {
    for (const { index, record } of this.bySlot.get(slot) ?? []) {
      this.memory.view.setUint16(record + Record.op, Opcode.special, true);
      this.table.set(index, null);
      this.free.push(index);
    }
    this.bySlot.delete(slot);
  }

  get full(): boolean {
    return this.free.length === 0;
  }
}
