/**
 * Watches the pages that were freed last for whoever uses them while they are free. The allocator itself does, too; and a page may
 * only have been counted down: what is touched is looked up then. Devices, page-table walks and fetches
 * are not seen.
 */
import { PAGE_SIZE } from '../../emulator/isa/sv39';
import { X } from '../../emulator/isa/registers';
import type { DataEvent, Hart, MachineApi, State, Subscription, Watch } from '../../emulator/types';
import type { Frames } from './frames';
import type { FreeLists } from './free-lists';
import { LINK } from './rules/used-freed';

/** Pages that are watched: those that were freed last. */
const MOST = 64;

export type Use = DataEvent & { readonly hart: number; readonly pc: bigint };

export interface FreedUsesContext {
  readonly machine: Pick<MachineApi, 'subscribe'>;
  readonly harts: readonly Hart[];
  readonly frames: Frames;
  readonly free: FreeLists;
  /** Whether an address is in one of the allocator's functions. */
  isAllocator(pc: bigint): boolean;
  /** A free page is used by somebody else; returns whether to stop. */
  used(event: Use, page: number): boolean;
}

export class FreedUses {
  private subscription: Subscription | undefined;
  /** By page, the one that was freed last at the end. */
  private watches = new Map<number, Watch>();
  private isChanged = false;

  constructor(private readonly context: FreedUsesContext) {}

  begin(): void {
    this.subscription ??= this.context.machine.subscribe({ data: (event) => this.touched(event) });
  }

  end(): void {
    this.subscription?.end();
    this.subscription = undefined;
    this.watches.clear();
  }

  /** The function that frees is called for a page. It is watched from the next `settle` on: first the allocator fills it. */
  freed(page: number): void {
    if (this.subscription === undefined) return;
    const watch = this.watches.get(page) ?? watchOf(page);
    this.watches.delete(page);
    this.watches.set(page, watch);
    if (this.watches.size > MOST) this.watches.delete(this.watches.keys().next().value!);
    this.isChanged = true;
  }

  /** It is given out: whoever has it now may use it. */
  allocated(page: number): void {
    if (this.watches.delete(page)) this.isChanged = true;
  }

  /** Watches what has been freed since. */
  settle(): void {
    if (!this.isChanged || this.subscription === undefined) return;
    this.isChanged = false;
    this.subscription.setWatches(this.watches.values());
  }

  clear(): void {
    this.watches.clear();
    this.isChanged = true;
    this.settle();
  }

  save(): State {
    return [...this.watches.keys()];
  }

  /** Pages that are no memory are left out. */
  restore(pages: readonly number[]): void {
    const { frames } = this.context;
    this.watches = new Map(pages.flatMap((page) => (frames.has(page) ? [[page, watchOf(page)] as const] : [])));
    this.isChanged = true;
    this.settle();
  }

  private touched(event: DataEvent): boolean {
    const page = Number(event.address >> 12n);
    const { frames, free, harts, isAllocator, used } = this.context;
    if (!this.watches.has(page)) return false;
    const { hart, pc } = event;
    if (hart === undefined || pc === undefined) return false;
    const isOwn = isAllocator(pc) || isAllocator(harts[hart]!.x(X.ra));
    // Whoever goes through the list does no harm.
    if (!isOwn && event.address % PAGE_SIZE < LINK) return false;
    const isFree =
      !isOwn && frames.state(page) === 'freed' && free.hasUsed(BigInt(page) << 12n, event.address % PAGE_SIZE);
    if (isFree) return used({ ...event, hart, pc }, page);
    this.watches.delete(page);
    this.isChanged = true;
    this.settle();
    return false;
  }
}

const watchOf = (page: number): Watch => ({
  ...{ address: BigInt(page) << 12n, length: Number(PAGE_SIZE), access: 'readWrite' },
});
