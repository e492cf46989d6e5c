/**
 * Finds pages that were in a user table, are in none any more, and are neither free nor given out again. Only pages that the known
 * functions have allocated one by one are followed: of others nobody knows where they are when they are free.
 */
import type { SavedState } from '../../../emulator/history/saved-state';
import type { State } from '../../../emulator/types';
import type { Frames } from '../frames';
import type { FreeLists } from '../free-lists';
import type { UserMappings } from './user-mappings';

/** Page numbers. */
export interface Lost {
  readonly page: number;
  readonly isTable: boolean;
}

/** What a page was to user tables. */
const enum Was {
  nothing,
  mapped,
  table,
}

export class LostPages {
  /** By page of RAM: what it was when the mappings were counted last, and has not been given out since. */
  private readonly was: Uint8Array;
  /** Those that were anything. */
  private seen: number[] = [];
  /** Given out last as part of a larger page. */
  private parts = new Set<number>();

  constructor(
    private readonly frames: Frames,
    private readonly free: FreeLists,
    private readonly mappings: UserMappings,
  ) {
    this.was = new Uint8Array(frames.length);
  }

  /** It is another's from now on. */
  allocated(page: number, isPart: boolean): void {
    this.was[page - this.frames.start] = Was.nothing;
    if (isPart) this.parts.add(page);
    else this.parts.delete(page);
  }

  /** The kernel is at rest, and the mappings are counted: those that are lost since the last time. */
  judge(): Lost[] {
    const { frames, was } = this;
    const { entries, pages, tables, range } = this.mappings;
    const lost: Lost[] = [];
    const listed = this.free.readOnce();
    for (const page of this.seen) {
      const before = was[page - frames.start]!;
      was[page - frames.start] = Was.nothing;
      if (before === Was.nothing || entries[page - range.start] !== 0 || tables.has(page)) continue;
      const isFreed = frames.state(page) === 'freed' && frames.wasFreed(page);
      const address = BigInt(page) << 12n;
      // Most are as they were freed, which is quick to see; one that was used since is still on its list.
      const isFree = (isFreed && this.free.isFilled(address)) || this.free.has(address, false, listed);
      if (!isFree) lost.push({ page, isTable: before === Was.table });
    }
    this.seen = [];
    for (const page of pages) this.follow(page, Was.mapped);
    for (const page of tables) this.follow(page, Was.table);
    return lost;
  }

  private follow(page: number, as: Was): void {
    const { frames, parts } = this;
    if (frames.has(page) && frames.wasAllocated(page) && !parts.has(page)) this.note(page, as);
  }

  private note(page: number, as: Was): void {
    const index = page - this.frames.start;
    if (this.was[index] === Was.nothing) this.seen.push(page);
    this.was[index] = as;
  }

  clear(): void {
    this.was.fill(Was.nothing);
    this.seen = [];
    this.parts.clear();
  }

  save(): { lost: State; parts: State } {
    const isOf = (page: number): Was => this.was[page - this.frames.start]!;
    return {
      lost: this.seen.flatMap((page) =>
        isOf(page) === Was.nothing ? [] : 2 * page + Number(isOf(page) === Was.table),
      ),
      parts: [...this.parts],
    };
  }

  /** Throws an Error if it is not what `save` made. */
  restore(saved: SavedState): void {
    const [seen, parts] = [saved.numbers('lost'), saved.numbers('parts')];
    this.clear();
    for (const one of seen) this.note(Math.floor(one / 2), one % 2 === 1 ? Was.table : Was.mapped);
    this.parts = new Set(parts);
  }
}
