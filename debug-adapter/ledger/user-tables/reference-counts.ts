/**
 * The kernel's counts of references to pages, compared with the entries that map these pages. Which array has them is found by what
 * is in it: one of those that may (count-arrays.ts), counted from the page on with which it fits what is mapped. The kernel may
 * change an entry first or a count first, so that they are compared only where no code of the kernel that does so is under way.
 */
import { SavedState } from '../../../emulator/history/saved-state';
import { PTE } from '../../../emulator/isa/sv39';
import type { PhysicalMemory, State } from '../../../emulator/types';
import { countArrays, firstCount, type CountArray } from './count-arrays';
import type { Xv6 } from '../../xv6/kernel';
import type { WrongCount } from '../rules/reference-count';
import type { UserMappings } from './user-mappings';

/** An array, with the page (a number) that its first count is for. */
interface Hypothesis {
  readonly array: CountArray;
  readonly start: number;
  /** Its length alone says so; any other must fit a page that is shared, too. */
  readonly isPlain: boolean;
}

interface Learned {
  /** Of the hypotheses. */
  readonly index: number;
  /** The count of a page that one entry maps. */
  readonly single: number;
}

/** Pages mapped once that must agree, and their part of all such pages. */
const [LEAST, PART] = [8, 0.9];

export class ReferenceCounts {
  private readonly hypotheses: readonly Hypothesis[];
  private learned: Learned | undefined;
  /** What was told, and when: there it is told again, and nowhere else. */
  private readonly known = new Map<string, string>();

  /** `named`: the array in C, as the user has named it. */
  constructor(
    private readonly xv6: Pick<Xv6, 'binary' | 'read'>,
    private readonly memory: PhysicalMemory,
    private readonly mappings: UserMappings,
    private readonly named: string | undefined,
  ) {
    const { start, end } = mappings.range;
    const ram = Number(memory.dramBase >> 12n);
    const arrays = countArrays(xv6, named === undefined ? Math.floor((end - start) / 2) : 0, named);
    this.hypotheses = arrays.flatMap((array) => {
      const plain =
        array.length === undefined ? undefined : array.length >= end ? 0 : array.length === end - ram ? ram : undefined;
      return [...new Set([0, ram, start, start - 1])].map((first) => ({
        array,
        start: first,
        isPlain: first === plain,
      }));
    });
  }

  /** Why there is nothing to compare. */
  get missing(): string | undefined {
    if (this.hypotheses.length > 0) return undefined;
    return this.named === undefined
      ? 'the kernel has no array with a count for each page; "referenceCounts" in launch.json may name one'
      : `the kernel has no array ${this.named} of counts`;
  }

  /** The count of a page, where the mappings that are counted tell which array has it. */
  of(page: number): { name: string; value: number } | undefined {
    this.learned ??= this.learn();
    const { array, start } = (this.learned && this.hypotheses[this.learned.index]) ?? {};
    if (array === undefined || start === undefined) return undefined;
    const value = this.read(array, start)?.(page);
    return value === undefined ? undefined : { name: elementName(array, page - start), value };
  }

  /** For mappings that are counted. `moment`: as for UserEntries. */
  judge(moment: string): Omit<WrongCount, 'leaves' | 'allocated' | 'freed'> | undefined {
    this.learned ??= this.learn();
    if (this.learned === undefined) return undefined;
    const { array, start } = this.hypotheses[this.learned.index]!;
    const counts = this.read(array, start);
    if (counts === undefined) return undefined;
    const { entries, range } = this.mappings;
    for (const page of this.pages) {
      const mapped = entries[page - range.start]!;
      const right = mapped - 1 + this.learned.single;
      const count = counts(page);
      if (count === right) continue;
      const key = `${page} ${count} ${mapped}`;
      if ((this.known.get(key) ?? moment) !== moment) continue;
      this.known.set(key, moment);
      const name = elementName(array, page - start);
      return { page: BigInt(page) << 12n, name, count, right, entries: mapped };
    }
    return undefined;
  }

  /** Nothing is known: the run begins anew. */
  clear(): void {
    this.learned = undefined;
    this.known.clear();
  }

  /** The run has another future: what was told in the one that is left may be told in it. */
  branched(): void {
    this.known.clear();
  }

  save(): State {
    return this.learned === undefined ? null : { ...this.learned };
  }

  /** Throws an Error, and changes nothing, if it is not what `save` made. */
  restore(state: State): void {
    if (state === null) {
      this.learned = undefined;
      return;
    }
    const saved = new SavedState('counts', state);
    this.learned = { index: saved.index('index', this.hypotheses.length), single: saved.index('single', 2) };
  }

  /** Those that programs may use: what else is in a user table, as the trap frame, some kernels do not count. */
  private get pages(): number[] {
    const { pages, flags, range } = this.mappings;
    return pages.filter((page) => (flags[page - range.start]! & PTE.U) !== 0);
  }

  /** Which array it is. */
  private learn(): Learned | undefined {
    for (const [index, hypothesis] of this.hypotheses.entries()) {
      const single = this.fits(hypothesis);
      if (single !== undefined) return { index, single };
    }
    return undefined;
  }

  /** The count of a page that one entry maps, where most such pages have the same, and more for those that are shared. */
  private fits({ array, start, isPlain }: Hypothesis): number | undefined {
    const counts = this.read(array, start);
    if (counts === undefined) return undefined;
    const { pages } = this;
    const { entries, range } = this.mappings;
    const once = pages.filter((page) => entries[page - range.start] === 1);
    const ones = once.filter((page) => counts(page) === 1).length;
    const zeroes = once.filter((page) => counts(page) === 0).length;
    const single = zeroes > ones ? 0 : 1;
    const agree = Math.max(ones, zeroes);
    if (agree < LEAST || agree < PART * once.length) return undefined;
    if (isPlain && single === 1) return single;
    const shared = pages.filter((page) => entries[page - range.start]! > 1);
    const right = shared.filter((page) => counts(page) === entries[page - range.start]! - 1 + single).length;
    return right > 0 && right >= PART * shared.length ? single : undefined;
  }

  /** The count of a page of the allocator; undefined where not all of them are there. */
  private read(array: CountArray, start: number): ((page: number) => number) | undefined {
    const { range } = this.mappings;
    const { stride, size, length } = array;
    const first = range.start - start;
    const end = range.end - start;
    if (first < 0 || (length !== undefined && length < end)) return undefined;
    const address = firstCount(this.xv6, array);
    const bytes =
      address === undefined ? undefined : this.memory.read(address + BigInt(first * stride), (end - first) * stride);
    if (bytes === undefined) return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return (page) => {
      const at = (page - range.start) * stride;
      return size === 1 ? view.getUint8(at) : size === 2 ? view.getUint16(at, true) : view.getInt32(at, true);
    };
  }
}

/** "ref.count[12]", "refs[12].count". */
const elementName = ({ name }: CountArray, index: number): string => name.replace('[]', `[${index}]`);
