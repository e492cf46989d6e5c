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

export class LostPages {
  /** In a user table when the mappings were counted last, and whether as a page of the table itself. */
  private seen = new Map<number, boolean>();
  /** Given out last as part of a larger page. */
  private parts = new Set<number>();

  constructor(
    private readonly frames: Frames,
    private readonly free: FreeLists,
    private readonly mappings: UserMappings,
  ) {}

  /** It is another's from now on. */
  allocated(page: number, isPart: boolean): void {
    this.seen.delete(page);
    if (isPart) this.parts.add(page);
    else this.parts.delete(page);
  }

  /** The kernel is at rest, and the mappings are counted: those that are lost since the last time. */
  judge(): Lost[] {
    const { entries, pages, tables, range } = this.mappings;
    const lost: Lost[] = [];
    const listed = this.free.readOnce();
    for (const [page, isTable] of this.seen) {
      if (entries[page - range.start] !== 0 || tables.has(page)) continue;
      const isFreed = this.frames.state(page) === 'freed' && this.frames.free(page) !== undefined;
      const address = BigInt(page) << 12n;
      // Most are as they were freed, which is quick to see; one that was used since is still on its list.
      const isFree = (isFreed && this.free.isFilled(address)) || this.free.has(address, false, listed);
      if (!isFree) lost.push({ page, isTable });
    }
    this.seen.clear();
    for (const page of pages) if (this.isFollowed(page)) this.seen.set(page, false);
    for (const page of tables) if (this.isFollowed(page)) this.seen.set(page, true);
    return lost;
  }

  private isFollowed(page: number): boolean {
    return this.frames.has(page) && this.frames.allocation(page) !== undefined && !this.parts.has(page);
  }

  clear(): void {
    this.seen.clear();
    this.parts.clear();
  }

  save(): { lost: State; parts: State } {
    return {
      lost: [...this.seen].map(([page, isTable]) => 2 * page + Number(isTable)),
      parts: [...this.parts],
    };
  }

  /** Throws an Error if it is not what `save` made. */
  restore(saved: SavedState): void {
    const [seen, parts] = [saved.numbers('lost'), saved.numbers('parts')];
    this.seen = new Map(seen.map((one) => [Math.floor(one / 2), one % 2 === 1]));
    this.parts = new Set(parts);
  }
}
