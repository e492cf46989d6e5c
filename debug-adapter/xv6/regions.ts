/**
 * Names the regions of an address space: first by the kernel's own symbols and structures (etext, trampoline, p->kstack,
 * p->sz), then by xv6's conventions (memlayout.h: trampoline in the topmost page, trap frame below it, kernel stacks with a
 * guard page below each; exec: program, guard page, stack, heap), then by the board's memory map.
 */
import { ENTRIES, PAGE_SIZE, PTE, pteFlags, walk } from '../../emulator/isa/sv39';
import type { AddressSpace, TranslatedAddress } from '../memory/address-space';
import { rangeAt, indexAfter, type PhysicalRange } from '../memory/memory-map';
import type { Binary } from '../symbols/api';
import type { Xv6 } from './kernel';
import { isFreedWord } from './names';
import { trapFrameRegisters, type Process } from './processes';
import { kernelRoot } from './tables';
import { topPages, type TopPages } from './trampoline';

/** A name, and for how many pages (including this one) it applies if VA and PA advance together with the same flags. */
export interface NamedPages {
  name: string | undefined;
  pages: number;
}

export interface Regions {
  /** Page numbers; `ppn` is undefined and `flags` is 0 if the page is not mapped. */
  nameAt(vpn: number, ppn: number | undefined, flags: number): NamedPages;
}

/** The kernel image in physical pages, [start, end). A part is undefined if its symbols are missing. */
export interface KernelLayout {
  text?: { start: number; end: number };
  data?: { start: number; end: number };
  top: TopPages;
  physical: readonly PhysicalRange[];
}

/** The members of a process that regions need. */
export type RegionProcess = Pick<Process, 'slot' | 'pid' | 'name' | 'size' | 'kstack' | 'trapframe'>;

/** `TopPages` in page numbers. */
interface TopPageNumbers {
  trampoline: number;
  trapFrame: number;
  usyscall: number;
  linked: number | undefined;
}

const pagesOf = ({ trampoline, trapFrame, usyscall, linked }: TopPages): TopPageNumbers => ({
  trampoline: pageOf(trampoline),
  trapFrame: pageOf(trapFrame),
  usyscall: pageOf(usyscall),
  linked: linked === undefined ? undefined : pageOf(linked),
});

const pageOf = (address: bigint): number => Number(address >> 12n);
const pageUp = (address: bigint): number => Number((address + 4095n) >> 12n);

/** Reads the layout from the kernel's symbols (etext, end, trampoline) or, without them, from its segments. */
export function kernelLayout(binary: Binary, physical: readonly PhysicalRange[]): KernelLayout {
  const layout: KernelLayout = { physical, top: topPages(binary) };
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

/** After the name of what lies at an address elsewhere. */
export const NOT_MAPPED = ' (not mapped here)';

/** What is known of the pages of kernel stacks. */
export interface StackPages {
  /** The page at an address of a process's kernel stack, by the table that the process itself uses. */
  pageAt(process: RegionProcess, vpn: number): number | undefined;
  /** Whether a page is as kfree leaves it. */
  isFreed(ppn: number): boolean;
}

/** Regions of a kernel page table; `owner` is its process, if it has one. */
export function kernelRegions(
  layout: KernelLayout,
  processes: readonly RegionProcess[],
  owner?: RegionProcess,
  stackPages?: StackPages,
): Regions {
  const image = imageRanges(layout);
  const top = pagesOf(layout.top);
  const stacks = stackRanges(processes);
  const userEnd = owner?.size === undefined ? 0 : pageUp(owner.size);
  const userName = owner && `user memory of ${processLabel(owner)}`;
  return {
    nameAt(vpn, ppn, flags) {
      const stack = named(stacks, vpn);
      if (stack.name) return { ...stack, name: stackName(stack.name, vpn, ppn, processes, stackPages) };
      if (vpn === top.trampoline) return { name: trampolineName(top.linked, ppn), pages: 1 };
      const untilStack = stack.pages;
      if (vpn < userEnd && vpn !== ppn) return { name: userName, pages: Math.min(untilStack, userEnd - vpn) };
      if (owner && vpn === top.trapFrame && ppn !== undefined) return { name: trapFrameName(owner, ppn), pages: 1 };
      const place = named(image, ppn ?? vpn);
      // The trampoline's page is mapped twice: as a part of the text, and at the address that it has in user tables.
      const name = ppn !== undefined && ppn === top.linked && vpn !== ppn ? 'trampoline' : place.name;
      return {
        name: flags === 0 && name ? `${name}${NOT_MAPPED}` : name,
        pages: Math.max(1, Math.min(untilStack, place.pages)),
      };
    },
  };
}

/**
 * Of an entry in the place of a kernel stack: a stack is known by its address, so what is there may be left from a process
 * before, and not the stack of the one that is named.
 */
function stackName(
  name: string,
  vpn: number,
  ppn: number | undefined,
  processes: readonly RegionProcess[],
  pages: StackPages | undefined,
): string {
  if (ppn === undefined || !pages || name.startsWith('guard page')) return name;
  if (pages.isFreed(ppn)) return `the place of the ${name}, but a page that was freed`;
  const process = processes.find((one) => name === `kernel stack of ${processLabel(one)}`);
  const own = process && pages.pageAt(process, vpn);
  return own === undefined || own === ppn ? name : `the place of the ${name}, but another page`;
}

/**
 * Regions of a process's user memory. `sp` is its user stack pointer, if known, which shows where the stack is. `isWritable`:
 * whether the program's file says that an address may be written; undefined where that is not known.
 */
export function userRegions(
  layout: KernelLayout,
  process: RegionProcess,
  space: AddressSpace,
  sp?: bigint,
  isWritable: (va: bigint) => boolean | undefined = () => undefined,
): Regions {
  const top = pagesOf(layout.top);
  const end = process.size === undefined ? undefined : pageUp(process.size);
  const guard = end === undefined ? undefined : guardPage(space, end);
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
  if (end !== undefined && end < top.usyscall) add('beyond p->sz', end, top.usyscall);
  return {
    nameAt(vpn, ppn, flags) {
      if (vpn === top.trampoline) return { name: trampolineName(top.linked, ppn), pages: 1 };
      if (vpn === top.trapFrame) return { name: trapFrameName(process, ppn), pages: 1 };
      if (vpn === top.usyscall) return { name: flags & PTE.V ? 'USYSCALL page' : undefined, pages: 1 };
      if (vpn < program) {
        if (flags === 0) return { name: programName(flags, undefined), pages: program - vpn };
        const writable = (page: number): boolean | undefined => isWritable(BigInt(page) << 12n);
        const limit = Math.min(program, vpn + ENTRIES);
        let end = vpn + 1;
        while (end < limit && writable(end) === writable(vpn)) end++;
        return { name: programName(flags, writable(vpn)), pages: end - vpn };
      }
      return named(ranges, vpn);
    },
  };
}

/** The user programs, as regions need them: in which segments of its file the program of a table may write. */
export interface ProgramSegments {
  in(root: bigint): { readonly image: { readonly binary: Pick<Binary, 'segments'> } | undefined } | undefined;
}

/**
 * The names for the memory of an address space, by the owner of its table. A table that belongs to no process counts as the
 * kernel's.
 */
export function regionsOf(
  xv6: Xv6,
  physical: readonly PhysicalRange[],
  space: AddressSpace,
  all: readonly Process[],
  programs?: ProgramSegments,
): Regions {
  const layout = kernelLayout(xv6.binary, physical);
  const { root } = space;
  const user = all.find((process) => process.used && process.pagetable === root);
  if (user) {
    const segments = root === undefined ? undefined : programs?.in(root)?.image?.binary.segments;
    const isWritable = (va: bigint): boolean | undefined =>
      segments?.find((one) => va + PAGE_SIZE > one.virtualAddress && va < one.virtualAddress + one.memorySize)
        ?.writable;
    return userRegions(layout, user, space, trapFrameRegisters(xv6, user)?.x[2], isWritable);
  }
  const owner = all.find((process) => process.used && process.kernelTables.some((table) => table.root === root));
  const { memory } = space;
  const global = kernelRoot(xv6);
  const leaf = (table: bigint, va: bigint) => walk(table, va, (pa) => memory.readU64(pa)).leaf;
  return kernelRegions(layout, all, owner, {
    pageAt: (process, vpn) => {
      const table = all.find(({ slot }) => slot === process.slot)?.kernelTables[0]?.root ?? global;
      const found = table === undefined ? undefined : leaf(table, BigInt(vpn) << 12n);
      return found && pageOf(found.pa);
    },
    isFreed: (ppn) =>
      [8n, 0x800n, 0xff8n].every((offset) => isFreedWord(memory.readU64((BigInt(ppn) << 12n) + offset) ?? 0n)),
  });
}

/** The name of the region at an address, mapped or not; undefined if it has none, or if addresses are not translated. */
export function regionAt(regions: Regions, { va, walk }: TranslatedAddress): string | undefined {
  if (!walk || walk.error === 'non-canonical') return undefined;
  const vpn = Number((va >> 12n) & 0x7ffffffn);
  const { leaf } = walk;
  if (!leaf) return regions.nameAt(vpn, undefined, 0).name;
  return regions.nameAt(vpn, pageOf(leaf.pa), pteFlags(leaf.pte)).name;
}

/** A page of the program without W is read-only, or it is shared until someone writes to it. */
function programName(flags: number, isWritable: boolean | undefined): string {
  if (flags === 0) return 'program (not mapped)';
  const what = flags & PTE.X ? 'user text' : 'user data';
  if (flags & PTE.W) return flags & PTE.X ? 'user text and data' : what;
  if (isWritable === false) return flags & PTE.X ? what : 'user read-only data';
  const isMarked = (flags & PTE.RSW) !== 0;
  if (isWritable) return `${flags & PTE.X ? 'user text and data' : what}, not writable now (copy-on-write?)`;
  if (flags & PTE.X) return what;
  return isMarked ? `${what}, not writable now (copy-on-write?)` : `${what}, not writable`;
}

function trampolineName(linked: number | undefined, ppn: number | undefined): string {
  if (ppn === undefined || linked === undefined || ppn === linked) return 'trampoline';
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

/** Kernel stacks and the guard page below each, ascending. The distance between two of them shows their size. */
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
    if (guarded && !(last && last.end > page - 1))
      ranges.push({ name: `guard page below the ${label}`, start: page - 1, end: page });
    ranges.push({ name: label, start: page, end: page + pages });
  }
  return ranges;
}

/** The lowest mapped page below p->sz that user code may not access: exec clears U of the page below the stack. */
function guardPage(space: AddressSpace, end: number): number | undefined {
  for (let vpn = 0; vpn < Math.min(end, 65_536); vpn++) {
    const leaf = space.translate(BigInt(vpn) << 12n).walk?.leaf;
    if (leaf && !(leaf.pte & BigInt(PTE.U))) return vpn;
  }
  return undefined;
}

/** exec allocates one page for the stack; a stack pointer slightly above it shows that this kernel allocates more. */
function stackEnd(start: number, end: number, sp: bigint | undefined): number {
  const top = sp === undefined ? 0 : pageUp(sp);
  return Math.min(end, top > start && top <= start + 16 ? top : start + 1);
}

function named(ranges: readonly PhysicalRange[], page: number): NamedPages {
  const found = rangeAt(ranges, page);
  if (found) return { name: found.name, pages: found.end - page };
  const next = ranges[indexAfter(ranges, page)];
  return { name: undefined, pages: next ? next.start - page : Infinity };
}
