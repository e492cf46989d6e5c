/**
 * The trap that a stop is about: the one that is about to be taken, or the one whose handler has ended the process or the
 * kernel, with the entry and the page that decided.
 */
import { Csr } from '../../emulator/isa/csrs';
import { ACCESS_FAULTS, INTERRUPT_FLAG, PAGE_FAULTS } from '../../emulator/isa/causes';
import { isEnvironmentCall } from '../../emulator/isa/trap-kinds';
import { accessMode, PAGE_SIZE } from '../../emulator/isa/sv39';
import { Mode, type TrapEvent } from '../../emulator/types';
import { kernelPlace } from '../code/place-names';
import type { AddressSpace } from '../memory/address-space';
import { memoryMap } from '../memory/memory-map';
import { explainTrap, type TrapContext } from '../page-tables/explain';
import { trapContext } from '../page-tables/tables';
import type { StoryLine } from '../protocol';
import type { Frame } from '../stack/frame';
import { userSpace } from '../xv6/address-spaces';
import { processOn } from '../xv6/cpus';
import { allProcesses, type Process } from '../xv6/processes';
import { regionsOf } from '../xv6/regions';
import type { StoryGuest, ToldStop } from './happened';
import { drawnWalk, leafPage, pageChapter, type Chapter, type Subject } from './sections';
import type { EntryPlaces } from './entries';
import { strangeTable } from './known-tables';
import { sentence } from './words';

export interface TrapChapters {
  readonly chapters: readonly Chapter[];
  /** What happened, and what decided. */
  readonly line: StoryLine;
  /** The frame that was interrupted. */
  readonly place: Frame | undefined;
  /** The entry that decided, and the page that it leads to. */
  readonly entry: Subject | undefined;
  readonly page: Subject | undefined;
}

/** A trap, with the memory of who took it. */
interface Taken {
  readonly event: TrapEvent;
  readonly context: TrapContext;
  readonly frame: Frame | undefined;
}

/** `frames`: of the kernel, since it was entered. Undefined where the stop is about no trap. */
export function trapBehind(
  guest: StoryGuest,
  places: EntryPlaces,
  stop: ToldStop,
  frames: readonly Frame[],
): TrapChapters | undefined {
  const taken = takenTrap(guest, stop, frames);
  if (taken === undefined) return undefined;
  const { event, context, frame } = taken;
  const { title, reason, notes, deciding } = explainTrap(event, {
    ...context,
    nameOf: (address) => kernelPlace(guest, address),
  });
  const access = PAGE_FAULTS.get(event.cause) ?? ACCESS_FAULTS.get(event.cause);
  const space = context.space.as(accessMode(event.from, context.mstatus, access ?? 'fetch').mode);
  const found = space.translate(access === undefined ? event.epc : event.tval);
  const { walk } = found;
  const table = walk && (places.at(walk.root)?.table ?? strangeTable(walk.root));
  const decides = deciding?.step === undefined ? undefined : walk?.steps[deciding.step];
  // A null pointer in the kernel is none of the table's doing, nor is what has no address.
  const isNull = event.from !== Mode.User && event.tval < PAGE_SIZE && walk?.leaf === undefined;
  const entry: Subject | undefined =
    decides?.pte === undefined || isNull ? undefined : { kind: 'entry', address: decides.pteAddress, pte: decides.pte };
  const chapter: Chapter = {
    section: {
      about: 'trap',
      title,
      lines: [reason, ...notes].filter((text) => text !== '').map((text) => sentence(text)),
      ...(walk &&
        table &&
        walk.steps.length > 0 && {
          walk: drawnWalk(walk, table, decides?.pteAddress, deciding?.bits),
        }),
      past: 'not asked',
    },
    ...(entry && { subject: entry }),
  };
  const last = walk?.steps.at(-1)?.pte;
  const leaf = last === undefined ? undefined : leafPage(last);
  const page = leaf === undefined ? undefined : pageChapter(guest, leaf);
  return {
    ...{ chapters: [chapter, ...(page ? [page] : [])], place: frame, entry, page: page?.subject },
    line: sentence(reason === '' ? title : `${title}: ${reason}`),
  };
}

function takenTrap(guest: StoryGuest, { report, stack }: ToldStop, frames: readonly Frame[]): Taken | undefined {
  const { cause } = report;
  const hart = guest.harts[report.hart]!;
  if (cause?.kind === 'trap' || cause?.kind === 'trap-loop') {
    const event = cause.kind === 'trap' ? cause.event : cause.first;
    if (event.interrupt || isEnvironmentCall(event)) return undefined;
    return { event, context: trapContext(guest, hart), frame: cause.kind === 'trap' ? stack[0] : undefined };
  }
  // The handler itself has ended the process or the kernel: nothing lies between it and the trap.
  const handler = frames[isExit(guest, frames[0]) ? 1 : 0];
  const own = handler === undefined ? -1 : stack.indexOf(handler);
  // The vector in assembly that has called the handler is a frame, too.
  const at = own >= 0 && isAssembly(stack[own + 1]) ? own + 1 : own;
  const [label, below] = [stack[at + 1], stack[at + 2]];
  if (at < 0 || label?.isLabel !== true || below === undefined || below.isLabel) return undefined;
  return below.isUser ? userTrap(guest, handler!, below) : kernelTrap(guest, report.hart, below);
}

const isAssembly = (frame: Frame | undefined): boolean =>
  frame?.isLabel === false && (frame.file === undefined || /\.s$/i.test(frame.file));

/** Whether a frame is that of the function that ends a process. */
function isExit({ xv6 }: StoryGuest, frame: Frame | undefined): boolean {
  const low = frame?.image?.binary.functionAt(frame.lookup)?.low;
  return low !== undefined && ['exit', 'kexit'].some((name) => xv6.binary.symbol(name)?.address === low);
}

/** By the hart's own registers, which the handler's call of panic leaves as they are. */
function kernelTrap(guest: StoryGuest, id: number, frame: Frame): Taken | undefined {
  const hart = guest.harts[id]!;
  const scause = hart.csr(Csr.scause) ?? 0n;
  if ((scause & INTERRUPT_FLAG) !== 0n || hart.csr(Csr.sepc) !== frame.registers.pc) return undefined;
  const event: TrapEvent = {
    ...{ hart: id, interrupt: false, cause: Number(scause), tval: hart.csr(Csr.stval) ?? 0n },
    ...{ epc: frame.registers.pc, from: Mode.Supervisor, to: Mode.Supervisor },
  };
  return { event, context: trapContext(guest, hart), frame };
}

/** By what was seen of the process's last trap. */
function userTrap(guest: StoryGuest, handler: Frame, frame: Frame): Taken | undefined {
  const { hart: id } = handler;
  const hart = id === undefined ? undefined : guest.harts[id];
  const process = hart && processOn(guest.xv6, hart);
  const event = process?.pagetable === undefined ? undefined : guest.traps.last(process.pagetable);
  if (hart === undefined || process === undefined || event === undefined) return undefined;
  if (event.interrupt || isEnvironmentCall(event) || event.epc !== frame.registers.pc) return undefined;
  // The registers are those that the handler has saved.
  const context = { ...trapContext(guest, hart), register: (number: number) => frame.registers.x[number] ?? 0n };
  return { event, context: userContext(guest, process, userSpace(guest, process), context), frame };
}

function userContext(guest: StoryGuest, process: Process, space: AddressSpace, context: TrapContext): TrapContext {
  const regions = regionsOf(guest.xv6, memoryMap(guest.machine.memory), space, allProcesses(guest.xv6));
  // Where the program's own traps lead is the trampoline, whatever stvec is in the kernel.
  return { ...context, space, regions, process, stvec: 0n };
}
