/**
 * What is known of each physical page of RAM: whether it is allocated or free, and by which calls it became so. Kept in chunks of
 * numbers, which a saved state shares until one of them changes, as most do not between two checkpoints.
 */
import { SavedState } from '../../emulator/history/saved-state';
import type { State } from '../../emulator/types';

/** A call of the allocator: where it returns to, and for which process; pid 0 is none. */
export interface AllocatorCall {
  readonly site: bigint;
  readonly pid: number;
}

export type FrameState = 'unknown' | 'allocated' | 'freed';

const STATES: readonly FrameState[] = ['unknown', 'allocated', 'freed'];
const PAGES = 256;
/** Words of a page: its state, then site and pid of its last allocation, and of its last free. */
const WORDS = 5;
const [STATE, ALLOCATED, FREED] = [0, 1, 3];

export class Frames {
  private chunks: Int32Array[];
  /** By chunk: a saved state has it, too. */
  private shared: boolean[];
  /** Return addresses, by the numbers that pages have; number 0 is none. */
  private sites: bigint[] = [0n];
  private numbers = new Map<bigint, number>();

  /** `start`: the first page's number. */
  constructor(
    readonly start: number,
    readonly length: number,
  ) {
    this.chunks = Array.from({ length: Math.ceil(length / PAGES) }, () => new Int32Array(PAGES * WORDS));
    this.shared = this.chunks.map(() => false);
  }

  has(page: number): boolean {
    return page >= this.start && page < this.start + this.length;
  }

  state(page: number): FrameState {
    return STATES[this.word(page, STATE)]!;
  }

  /** Its last allocation; undefined where none was seen. */
  allocation(page: number): AllocatorCall | undefined {
    return this.call(page, ALLOCATED);
  }

  /** Whether an allocation was seen; whether a free was. */
  wasAllocated(page: number): boolean {
    return this.word(page, ALLOCATED) !== 0;
  }
  wasFreed(page: number): boolean {
    return this.word(page, FREED) !== 0;
  }

  /** Its last free, since which it may have been allocated again. */
  free(page: number): AllocatorCall | undefined {
    return this.call(page, FREED);
  }

  allocated(page: number, call: AllocatorCall): void {
    this.note(page, 'allocated', ALLOCATED, call);
  }

  freed(page: number, call: AllocatorCall): void {
    this.note(page, 'freed', FREED, call);
  }

  /** It was free before anything was seen. */
  foundFree(page: number): void {
    this.note(page, 'freed', FREED, undefined);
  }

  clear(): void {
    this.chunks = this.chunks.map(() => new Int32Array(PAGES * WORDS));
    this.shared.fill(false);
  }

  save(): State {
    this.shared.fill(true);
    return { sites: [...this.sites], chunks: this.chunks.map(({ buffer }) => new Uint8Array(buffer)) };
  }

  /** Throws an Error that names the field, and changes nothing, if it is not what `save` made. */
  restore(state: State): void {
    const saved = new SavedState('frames', state);
    const chunks = saved.list('chunks', this.chunks.length).map((chunk) => {
      if (!(chunk instanceof Uint8Array) || chunk.length !== 4 * PAGES * WORDS)
        throw new Error('saved state of frames.chunks: expected the words of its pages');
      return new Int32Array(chunk.slice().buffer);
    });
    const sites = saved.bigints('sites');
    if (chunks.some((words) => !isSound(words, sites.length)))
      throw new Error('saved state of frames.chunks: expected known states and sites');
    this.sites = sites;
    this.numbers = new Map(sites.map((site, number) => [site, number]));
    this.chunks = chunks;
    this.shared.fill(false);
  }

  private word(page: number, word: number): number {
    const index = page - this.start;
    return this.chunks[Math.floor(index / PAGES)]![(index % PAGES) * WORDS + word]!;
  }

  private call(page: number, word: number): AllocatorCall | undefined {
    const number = this.word(page, word);
    return number === 0 ? undefined : { site: this.sites[number]!, pid: this.word(page, word + 1) };
  }

  private note(page: number, state: FrameState, word: number, call: AllocatorCall | undefined): void {
    const index = page - this.start;
    const number = Math.floor(index / PAGES);
    if (this.shared[number]) {
      this.chunks[number] = this.chunks[number]!.slice();
      this.shared[number] = false;
    }
    const at = (index % PAGES) * WORDS;
    const words = this.chunks[number]!;
    words[at + STATE] = STATES.indexOf(state);
    words[at + word] = call === undefined ? 0 : this.numberOf(call.site);
    words[at + word + 1] = call?.pid ?? 0;
  }

  private numberOf(site: bigint): number {
    let number = this.numbers.get(site);
    if (number === undefined) {
      number = this.sites.push(site) - 1;
      this.numbers.set(site, number);
    }
    return number;
  }
}

function isSound(words: Int32Array, sites: number): boolean {
  for (let at = 0; at < words.length; at += WORDS) {
    if (words[at]! < 0 || words[at]! >= STATES.length) return false;
    for (const word of [ALLOCATED, FREED]) if (words[at + word]! < 0 || words[at + word]! >= sites) return false;
  }
  return true;
}
