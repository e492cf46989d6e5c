/**
 * Watches the pages that several programs have and none may write, for stores of the kernel. What is watched is found where the
 * tables are looked through; what has become of it since is looked up at each store.
 */
import type { DataEvent, MachineApi, State, Subscription, Watch } from '../../../emulator/types';
import { PAGE_SIZE } from '../../../emulator/isa/sv39';
import type { NamedLeaf } from '../rules/entries';
import { isSharedUnwritable } from '../rules/written-shared';
import type { UserMappings } from './user-mappings';

/** Pages that are watched: each that is written for good takes a look through all tables. */
const MOST = 512;

export class SharedFrames {
  private subscription: Subscription | undefined;
  private watches = new Map<number, Watch>();

  /** `stored` is told of a store by an instruction to a page that is shared so, and of the entries; it returns whether to stop. */
  constructor(
    private readonly machine: Pick<MachineApi, 'subscribe'>,
    private readonly mappings: UserMappings,
    private readonly stored: (
      event: DataEvent & { hart: number },
      page: number,
      leaves: readonly NamedLeaf[],
    ) => boolean,
  ) {}

  begin(): void {
    this.subscription ??= this.machine.subscribe({ data: (event) => this.touched(event) });
  }

  end(): void {
    this.subscription?.end();
    this.subscription = undefined;
    this.watches.clear();
  }

  /** The mappings are counted anew. */
  look(): void {
    const { pages, entries, flags, range } = this.mappings;
    const shared = pages.filter((page) => isSharedUnwritable(entries[page - range.start]!, flags[page - range.start]!));
    this.watch(shared.slice(0, MOST));
  }

  save(): State {
    return [...this.watches.keys()];
  }

  /** Pages that are none of the allocator's are left out. */
  restore(pages: readonly number[]): void {
    const { start, end } = this.mappings.range;
    this.watch(pages.filter((page) => page >= start && page < end));
  }

  private watch(pages: readonly number[]): void {
    if (this.subscription === undefined) return;
    if (pages.length === this.watches.size && pages.every((page) => this.watches.has(page))) return;
    const watch = (page: number): Watch => ({
      ...{ address: BigInt(page) << 12n, length: Number(PAGE_SIZE), access: 'write' },
    });
    this.watches = new Map(pages.map((page) => [page, this.watches.get(page) ?? watch(page)]));
    this.subscription.setWatches(this.watches.values());
  }

  private touched(event: DataEvent): boolean {
    const page = Number(event.address >> 12n);
    const { hart } = event;
    if (event.by !== 'instruction' || hart === undefined || !this.watches.has(page)) return false;
    const leaves = this.mappings.of(page);
    const flags = leaves.reduce((all, one) => all | one.flags, 0);
    if (isSharedUnwritable(leaves.length, flags)) return this.stored({ ...event, hart }, page, leaves);
    // One owner is left, or the last has given it back: it may be written, and often is.
    this.watch([...this.watches.keys()].filter((other) => other !== page));
    return false;
  }
}
