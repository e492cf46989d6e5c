/** Sentences with parts that lead somewhere, and the words that several stories have in common. */
import { instantName, type Instant } from '../../emulator/history/instant';
import { hex } from '../../emulator/isa/hex';
import { PAGE_SIZE, pageOf } from '../../emulator/isa/sv39';
import { memoryMap } from '../memory/memory-map';
import type { StoryEvent, StoryLine, StoryPlace, StoryTarget } from '../protocol';
import type { GuestKernel } from '../xv6/address-spaces';
import { allProcesses, named } from '../xv6/processes';
import { kernelLayout, kernelRegions } from '../xv6/regions';

/** A part of a sentence that leads somewhere. */
export interface Linked {
  readonly text: string;
  readonly target: StoryTarget;
}

export type Part = string | Linked | StoryLine;

/** A sentence of parts, of which some lead somewhere. */
export function sentence(...parts: readonly Part[]): StoryLine {
  const line: StoryLine = { text: '', links: [] };
  for (const part of parts) {
    const from = line.text.length;
    const text = typeof part === 'string' ? part : part.text;
    line.text += text;
    if (typeof part === 'string') continue;
    if ('target' in part) line.links.push({ from, to: line.text.length, target: part.target });
    else line.links.push(...part.links.map((link) => ({ ...link, from: link.from + from, to: link.to + from })));
  }
  return line;
}

/** "mappages at vm.c:100", as a link where the source is known. */
export const placePart = ({ text, path, line }: StoryPlace): Part =>
  path === undefined || line === undefined ? text : { text, target: { kind: 'place', path, line } };

export const instantPart = (text: string, instant: Instant | string, hart: number | undefined): Linked => ({
  text,
  target: {
    kind: 'instant',
    instant: typeof instant === 'string' ? instant : instantName(instant),
    ...(hart !== undefined && { hart }),
  },
});

/** Functions that are told of a chain of calls. */
const LONGEST = 4;

/** Up to the first function in another file: what is done within one file is its own matter, and is often done for all callers. */
export function tellingCalls(chain: readonly StoryPlace[]): StoryPlace[] {
  // Of a function that calls itself the outermost call tells.
  const places = chain.filter((place, index) => index === 0 || place.function !== chain[index + 1]?.function);
  const other = places.findIndex(({ path }) => path !== places[0]?.path);
  return places.slice(0, other < 0 ? 2 : Math.min(other + 1, LONGEST));
}

/** " by mappages at vm.c:100, called by kpt_make at kpt.c:57 (pid 1 init, hart 0)". */
export function doerPart({ places, process, hart }: StoryEvent): StoryLine {
  const who = [
    ...(process === undefined ? [] : [processPart(process)]),
    ...(hart === undefined ? [] : [`hart ${hart}`]),
  ];
  return sentence(
    ...tellingCalls(places).flatMap((place, index) => [index === 0 ? ' by ' : ', called by ', placePart(place)]),
    ...(who.length === 0 ? [] : [' (', ...who.flatMap((part, index) => (index === 0 ? [part] : [', ', part])), ')']),
  );
}

export const processPart = (process: { pid: number; name: string }): Linked => ({
  text: named(process),
  target: { kind: 'process', pid: process.pid },
});

/** What lies in a physical page: "UART", "kernel text", "the trap frame of pid 3 sh", "RAM"; undefined where nothing does. */
export function pageContent(guest: GuestKernel, physical: bigint): string | undefined {
  const all = allProcesses(guest.xv6);
  const framed = all.find(({ used, trapframe }) => used && trapframe !== undefined && trapframe === pageOf(physical));
  return framed ? `the trap frame of ${named(framed)}` : regionNames(guest)(physical);
}

/** As `pageContent`, of many pages, whose trap frames are RAM. */
export function regionNames({ machine, xv6 }: GuestKernel): (physical: bigint) => string | undefined {
  const regions = kernelRegions(kernelLayout(xv6.binary, memoryMap(machine.memory)), []);
  return (physical) => {
    const page = Number(physical / PAGE_SIZE);
    return regions.nameAt(page, page, 1).name;
  };
}

/** Whether a page is one that the kernel's allocator may have: RAM that is not the kernel's image. */
export const isAllocatable = (guest: GuestKernel, physical: bigint): boolean => {
  const content = pageContent(guest, physical);
  return content === 'RAM' || content?.startsWith('the trap frame') === true;
};

/** A value of 64 bits as a sentence shows it: small numbers are counts. */
export const shown = (value: bigint): string => (value >= 4096n ? hex(value) : String(value));
