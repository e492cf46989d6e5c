/**
 * How much memory checkpoints hold. What several of them have in common counts once: parts of memory, equal pages, groups of
 * sectors. A size is what V8 needs for the object, about.
 */
import type { Checkpoint, State } from '../types';
import { type MemoryPart, PAGES_SHARED } from './memory-image';

/** A checkpoint, and what others have learnt by watching. */
export interface Held {
  readonly machine: Checkpoint;
  readonly learned: State;
}

/**
 * Bytes: of an object without its properties, with the entry by which it is counted here; of a property or an element; and of what
 * a typed array needs beside its bytes.
 */
const OBJECT = 96;
const SLOT = 8;
const TYPED_ARRAY = 200;

export class HeldMemory {
  /** How many of those that are held have an object. */
  private readonly holders = new Map<object, number>();
  private total = 0;

  get bytes(): number {
    return this.total;
  }

  hold(held: Held): void {
    this.count(held, 1);
  }

  /** Throws an Error if it is not held. */
  release(held: Held): void {
    this.count(held, -1);
  }

  private count({ machine, learned }: Held, by: 1 | -1): void {
    this.total += by * (OBJECT + SLOT * machine.memory.length);
    for (const part of machine.memory) this.countPart(part, by);
    this.countState(machine.state, by);
    this.countState(learned, by);
  }

  private countPart(part: MemoryPart, by: 1 | -1): void {
    if (!this.isOther(part, by)) return;
    this.total += by * (OBJECT + SLOT * PAGES_SHARED);
    for (let index = 0; index < PAGES_SHARED; index++) {
      const page = part.page(index);
      if (page.bytes > 0 && this.isOther(page, by)) this.total += by * page.bytes;
    }
  }

  private countState(state: State, by: 1 | -1): void {
    if (typeof state === 'string') this.total += by * state.length;
    if (typeof state !== 'object' || state === null) return;
    if (state instanceof Uint8Array) {
      if (this.isOther(state.buffer, by)) this.total += by * (TYPED_ARRAY + state.buffer.byteLength);
      return;
    }
    if (!this.isOther(state, by)) return;
    const values = Object.values(state);
    this.total += by * (OBJECT + SLOT * values.length);
    for (const value of values) this.countState(value, by);
  }

  /** Whether an object was held by none, or is held by none now. */
  private isOther(object: object, by: 1 | -1): boolean {
    const count = (this.holders.get(object) ?? 0) + by;
    if (count < 0) throw new Error('what is released is not held');
    if (count === 0) this.holders.delete(object);
    else this.holders.set(object, count);
    return count === (by > 0 ? 1 : 0);
  }
}
