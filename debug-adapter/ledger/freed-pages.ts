/**
 * The rules for pages that were freed and are still in use, by an entry that maps them or as part of a table: judged once the process
 * that has freed them leaves the kernel, as the kernel may clear the entry after it has freed the page.
 */
import { compareInstants, type Instant } from '../../emulator/history/instant';
import { PAGE_SIZE } from '../../emulator/isa/sv39';
import type { PhysicalMemory, Subscription } from '../../emulator/types';
import type { Xv6 } from '../xv6/kernel';
import { endOfProcess } from '../xv6/processes';
import { kernelRoot } from '../xv6/tables';
import type { Frames } from './frames';
import type { FreeLists } from './free-lists';
import type { LiveTables } from './live-tables';
import { PendingFrees, type PendingFree, type Thread } from './pending';
import { KeptReferences, referencesTo, type Reference } from './references';
import { freedMapped, isFreedMapped, type Judged } from './rules/freed-mapped';
import { freedTable, isFreedTable } from './rules/freed-table';
import type { Told } from './rules/rule';
import type { LedgerWords } from './words';

export type FreedRule = 'freed-mapped' | 'freed-table';

/** What was freed and is in use, and the call that freed it. */
export interface FreedInUse extends Told {
  readonly rule: FreedRule;
  readonly page: bigint;
  readonly hart: number;
  readonly at: Instant;
}

export interface FreedContext {
  readonly xv6: Xv6;
  readonly memory: PhysicalMemory;
  readonly frames: Frames;
  readonly free: FreeLists;
  readonly tables: LiveTables;
  readonly words: LedgerWords;
}

export class FreedPages {
  rules: readonly FreedRule[] = [];
  readonly pending = new PendingFrees();
  /** Roots that were in satp, or a process's, and are not freed yet: as of the table that exec is about to free. */
  roots = new Set<bigint>();
  /** Of the kernel's own table, by far the largest. */
  private kernels: { readonly root: bigint; readonly references: KeptReferences } | undefined;

  constructor(private readonly context: FreedContext) {}

  /** The kernel's own table may have changed. */
  kernelChanged(): void {
    this.kernels?.references.changed();
  }

  clear(): void {
    this.pending.clear();
    this.roots.clear();
    this.kernels = undefined;
  }

  taken(thread: Thread): PendingFree[] {
    return this.pending.take((free) => free.thread === thread);
  }

  /** What processes have freed that will leave the kernel no more. */
  orphaned(): PendingFree[] {
    if (!this.pending.any) return [];
    const ended = new Map<Thread, boolean>();
    return this.pending.take(({ thread, pid }) => {
      let isEnded = ended.get(thread);
      if (isEnded === undefined) {
        isEnded = thread >= 0n && endOfProcess(this.context.xv6, { address: thread, pid }) !== undefined;
        ended.set(thread, isEnded);
      }
      return isEnded;
    });
  }

  /** The first of some frees that has left its page in use. Tables of the kernel are watched by `subscription`. */
  judge(
    subscription: Subscription | undefined,
    when: Judged,
    freed: readonly PendingFree[],
    isFree = this.isFreeNow(),
  ): FreedInUse | undefined {
    if (this.rules.length === 0) return undefined;
    const { frames, words } = this.context;
    const pages = new Map(
      freed.flatMap((one) => (frames.state(one.page) === 'freed' ? [[one.page, one] as const] : [])),
    );
    if (pages.size === 0) return undefined;
    const found = [...this.references(subscription, new Set(pages.keys()))].flatMap(([page, reference]) => {
      const rule = ruleOf(reference, () => isFree(BigInt(page) << 12n));
      return rule !== undefined && this.rules.includes(rule) ? [{ rule, reference, free: pages.get(page)! }] : [];
    });
    found.sort((a, b) => compareInstants(a.free.at, b.free.at));
    const [first] = found;
    if (first === undefined) return undefined;
    const { rule, reference, free } = first;
    const page = BigInt(free.page) << 12n;
    const described = {
      ...{ page, by: free.by, caller: words.callerOf(frames.free(free.page)) ?? 'the kernel' },
      allocated: words.callerOf(frames.allocation(free.page)),
    };
    const table = words.table(reference.root);
    const more = found.filter((one) => one.rule === rule).length - 1;
    const told =
      rule === 'freed-mapped'
        ? freedMapped(described, reference, table, when, more)
        : freedTable(described, reference, table);
    return { rule, page, ...told, hart: free.hart, at: free.at };
  }

  /** What tells of pages that were freed whether they are free; the lists are read once, if at all. */
  private isFreeNow(): (page: bigint) => boolean {
    const { free } = this.context;
    const listed = free.readOnce();
    return (page) => free.has(page, true, listed);
  }

  /** From all tables in use. */
  private references(subscription: Subscription | undefined, pages: ReadonlySet<number>): Map<number, Reference> {
    const { memory, xv6, tables } = this.context;
    const kernel = kernelRoot(xv6);
    const roots = new Set([...tables.roots(), ...this.roots]);
    if (kernel === undefined) return referencesTo(memory, roots, pages);
    if (this.kernels?.root !== kernel) {
      const watch = (pagesOfTable: readonly bigint[]): void =>
        subscription?.setWatches(
          pagesOfTable.map((address) => ({ address, length: Number(PAGE_SIZE), access: 'write' })),
        );
      this.kernels = { root: kernel, references: new KeptReferences(memory, kernel, watch) };
    }
    roots.delete(kernel);
    return new Map([...referencesTo(memory, roots, pages), ...this.kernels.references.to(pages)]);
  }
}

function ruleOf(reference: Reference | undefined, isFree: () => boolean): FreedRule | undefined {
  if (isFreedMapped(reference, isFree)) return 'freed-mapped';
  return isFreedTable(reference, isFree) ? 'freed-table' : undefined;
}
