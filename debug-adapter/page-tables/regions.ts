/**
 * Names what each part of an address space is. What the kernel's own symbols and structures say comes first (etext,
 * trampoline, p->kstack, p->sz), then xv6's conventions (memlayout.h: trampoline in the topmost page, trap frame below it,
 * kernel stacks with a guard page under each; exec: program, guard page, stack, heap), then the board's memory map.
 */
import type { Binary } from '../symbols/api';
import { PTE_FLAGS } from '../protocol';
import { rangeAt, indexAfter, type PhysicalRange } from './memory-map';
import { childKey, isPointer, ROOT_KEY, type TableSnapshot } from './snapshot';

/** A name, and for how many pages (this one included) it holds while VA and PA advance together with the same flags. */
export interface NamedPages {
  name: string | undefined;
  pages: number;
}

export interface Regions {
  /** Page numbers; `ppn` undefined and `flags` 0 where nothing is mapped. */
  nameAt(vpn: number, ppn: number | undefined, flags: number): NamedPages;
}

/** The kernel image in physical pages, [start, end). A part is undefined where its symbols are missing. */
export interface KernelLayout {
  text?: { start: number; end: number };
  data?: { start: number; end: number };
  /** Physical page of the trampoline. */
  trampoline?: number;
  physical: readonly PhysicalRange[];
}

/** What regions need to know of a process; xv6/processes.ts provides it. Addresses in bytes. */
export interface RegionProcess {
  slot: number;
  pid: number;
  name: string;
  /** p->sz. */
  size?: bigint;
  /** p->kstack. */
  kstack?: bigint;
  /** p->trapframe. */
  trapframe?: bigint;
}

/** The topmost page below MAXVA = 2^38, which holds the trampoline, and the ones under it by xv6's convention. */
const TRAMPOLINE = 2 ** 26 - 1;
const TRAPFRAME = TRAMPOLINE - 1;
const USYSCALL = TRAMPOLINE - 2;

const pageOf = (address: bigint): number => Number(address >> 12n);
const pageUp = (address: bigint): number => Number((address + 4095n) >> 12n);

/** Reads the layout off the kernel's symbols (etext, end, trampoline) and, failing those, off its segments. */
export function kernelLayout(binary: Binary, physical: readonly PhysicalRange[]): KernelLayout {
  const layout: KernelLayout = { physical };
  const trampoline = binary.symbol('trampoline');
  if (trampoline) layout.trampoline = pageOf(trampoline.address);
  if (binary.segments.length === 0) return layout;
  const minimum = (values: bigint[]) => values.reduce((a, b) => (b < a ? b : a));
  const maximum = (values: bigint[]) => values.reduce((a, b) => (b > a ? b : a));
  const start = minimum(binary.segments.map((segment) => segment.virtualAddress));
  const top = maximum(binary.segments.map((segment) => segment.virtualAddress + segment.memorySize));
  const codeEnds = binary.segments
    .filter((segment) => segment.executable && !segment.writable)
    .map((segment) => segment.virtualAddress + segment.memorySize);
  const etext = binary.symbol('etext')?.address ?? (codeEnds.length ? maximum(codeEnds) : undefined);
  const end = binary.symbol('end')?.address ?? top;
  if (etext !== undefined) layout.text = { start: pageOf(start), end: pageUp(etext) };
  layout.data = { start: etext === undefined ? pageOf(start) : pageUp(etext), end: pageUp(end) };
  return layout;
}

/** "pid 3 (sh)", or the slot of an unused process. */
export const processLabel = (process: Pick<RegionProcess, 'pid' | 'name' | 'slot'>): string =>
  process.pid > 0 ? `pid ${process.pid}${process.name ? ` (${process.name})` : ''}` : `proc[${process.slot}], unused`;

/** Regions of a kernel page table; `owner` is the process it belongs to, if it is not everyone's. */
export function kernelRegions(
  layout: KernelLayout,
  processes: readonly RegionProcess[],
  owner?: RegionProcess,
): Regions {
  const image = imageRanges(layout);
  const stacks = stackRanges(processes);
  const userEnd = owner?.size === undefined ? 0 : pageUp(owner.size);
  const userName = owner && `user memory of ${processLabel(owner)}`;
  return {
    nameAt(vpn, ppn, flags) {
      const stack = named(stacks, vpn);
      if (stack.name) return stack;
      if (vpn === TRAMPOLINE) return { name: trampolineName(layout, ppn), pages: 1 };
      const untilStack = stack.pages;
      if (vpn < userEnd && vpn !== ppn) return { name: userName, pages: Math.min(untilStack, userEnd - vpn) };
      if (owner && vpn === TRAPFRAME && ppn !== undefined) return { name: trapFrameName(owner, ppn), pages: 1 };
      const place = named(image, ppn ?? vpn);
      // The trampoline's page is mapped twice: as a part of the text where it lies, and once where user tables have it.
      const name = ppn !== undefined && ppn === layout.trampoline && vpn !== ppn ? 'trampoline' : place.name;
      return {
        name: flags === 0 && name ? `${name} (not mapped here)` : name,
        pages: Math.max(1, Math.min(untilStack, place.pages)),
      };
    },
  };
}

/** Regions of a process's user table. `sp` is its user stack pointer, where known: it tells how far the stack goes. */
export function userRegions(
  layout: KernelLayout,
  process: RegionProcess,
  snapshot: TableSnapshot,
  sp?: bigint,
): Regions {
  const end = process.size === undefined ? undefined : pageUp(process.size);
  const guard = end === undefined ? undefined : guardPage(snapshot, end);
  const ranges: PhysicalRange[] = [];
  const add = (name: string, start: number, until: number) => {
    if (until > start) ranges.push({ name, start, end: until });
  };
  let program = end ?? 0;
  if (end !== undefined && guard !== undefined) {
    program = guard;
    const stack = Math.min(end, stackEnd(guard + 1, end, sp));
    add('guard page below the user stack', guard, guard + 1);
    add('user stack', guard + 1, stack);
    add('heap', stack, end);
  }
  if (end !== undefined && end < USYSCALL) add('beyond p->sz', end, USYSCALL);
  return {
    nameAt(vpn, ppn, flags) {
      if (vpn === TRAMPOLINE) return { name: trampolineName(layout, ppn), pages: 1 };
      if (vpn === TRAPFRAME) return { name: trapFrameName(process, ppn), pages: 1 };
      if (vpn === USYSCALL) return { name: flags & PTE_FLAGS.V ? 'USYSCALL page' : undefined, pages: 1 };
      if (vpn < program) return { name: programName(flags), pages: program - vpn };
      return named(ranges, vpn);
    },
  };
}

function programName(flags: number): string {
  if (flags === 0) return 'program (not mapped)';
  if (!(flags & PTE_FLAGS.X)) return flags & PTE_FLAGS.W ? 'user data' : 'user read-only data';
  return flags & PTE_FLAGS.W ? 'user text and data' : 'user text';
}

function trampolineName(layout: KernelLayout, ppn: number | undefined): string {
  if (ppn === undefined || layout.trampoline === undefined || ppn === layout.trampoline) return 'trampoline';
  return "the trampoline's place, but another page";
}

function trapFrameName(process: RegionProcess, ppn: number | undefined): string {
  const known = process.trapframe;
  if (ppn === undefined || known === undefined || known === 0n || pageOf(known) === ppn) return 'trap frame';
  return "the trap frame's place, but not the page in p->trapframe";
}

/** The kernel image, the rest of RAM and the devices by physical page, ascending. */
function imageRanges(layout: KernelLayout): PhysicalRange[] {
  const ranges: PhysicalRange[] = [];
  for (const range of layout.physical) {
    if (range.name !== 'RAM') {
      ranges.push(range);
      continue;
    }
    let from = range.start;
    const add = (name: string, until: number) => {
      if (until > from) ranges.push({ name, start: from, end: Math.min(until, range.end) });
      from = Math.max(from, until);
    };
    if (layout.text) {
      add('RAM below the kernel', layout.text.start);
      add('kernel text', layout.text.end);
    }
    if (layout.data) add('kernel data', layout.data.end);
    add('RAM', range.end);
  }
  return ranges;
}

/** Kernel stacks and the guard page below each, ascending. Their size shows in the distance between two of them. */
function stackRanges(processes: readonly RegionProcess[]): PhysicalRange[] {
  const stacks = processes
    .filter((process) => process.kstack !== undefined && process.kstack !== 0n)
    .map((process) => ({ process, page: pageOf(process.kstack!) }))
    .sort((a, b) => a.page - b.page);
  const gaps = stacks.slice(1).map((stack, i) => stack.page - stacks[i]!.page);
  const gap = gaps.filter((pages) => pages > 0).reduce((a, b) => Math.min(a, b), Infinity);
  const guarded = gap >= 2;
  const pages = guarded && gap <= 17 ? gap - 1 : 1;
  const ranges: PhysicalRange[] = [];
  for (const { process, page } of stacks) {
    const last = ranges[ranges.length - 1];
    if (last && last.end > page) continue;
    const label = `kernel stack of ${processLabel(process)}`;
    if (guarded && !(last && last.end > page - 1)) {
      ranges.push({ name: `guard page below the ${label}`, start: page - 1, end: page });
    }
    ranges.push({ name: label, start: page, end: page + pages });
  }
  return ranges;
}

/** The lowest valid page that user code may not touch, below p->sz: exec takes U from the page under the stack. */
function guardPage(snapshot: TableSnapshot, end: number): number | undefined {
  for (let vpn = 0; vpn < Math.min(end, 65_536); vpn++) {
    const flags = leafFlags(snapshot, vpn);
    if (flags & PTE_FLAGS.V && !(flags & PTE_FLAGS.U)) return vpn;
  }
  return undefined;
}

/** exec gives one page; a stack pointer further up, within reason, shows that this kernel gives more. */
function stackEnd(start: number, end: number, sp: bigint | undefined): number {
  const top = sp === undefined ? 0 : pageUp(sp);
  return Math.min(end, top > start && top <= start + 16 ? top : start + 1);
}

/** Flags of the 4 KiB leaf that maps a page; 0 where there is none. */
function leafFlags(snapshot: TableSnapshot, vpn: number): number {
  let key = ROOT_KEY;
  for (let level = 2; level >= 0; level--) {
    const index = Math.floor(vpn / 512 ** level) % 512;
    const low = snapshot.pages.get(key)?.words[2 * index] ?? 0;
    if (level === 0 || !isPointer(low)) return low & 1 ? low & 0x3ff : 0;
    key = childKey(key, index);
  }
  return 0;
}

function named(ranges: readonly PhysicalRange[], page: number): NamedPages {
  const found = rangeAt(ranges, page);
  if (found) return { name: found.name, pages: found.end - page };
  const next = ranges[indexAfter(ranges, page)];
  return { name: undefined, pages: next ? next.start - page : Infinity };
}
