/**
 * A trap in words, with its walk: what happened, which bit decided, and what else at this instant points to the cause.
 * Judged by the machine's state alone, without history. Causes and their order of checks are those of the RISC-V
 * privileged specification 1.12, sections 3.1.15, 4.3.1 and 4.3.2.
 */
import { Mstatus } from '../../emulator/isa/csr-bits';
import { Csr } from '../../emulator/isa/csrs';
import { decode, lengthOf } from '../../emulator/isa/instructions/decode';
import { wordAt } from '../../emulator/isa/instructions/instruction-at';
import { accessMode, PTE, pteFlags, type Walk } from '../../emulator/isa/sv39';
import { Mode, type Access, type TrapEvent } from '../../emulator/types';
import type { AddressSpace } from '../memory/address-space';
import { hex } from '../../emulator/isa/hex';
import { rangeAt, type PhysicalRange } from '../memory/memory-map';
import { ACCESS_FAULTS, Cause, PAGE_FAULTS, causeName } from '../../emulator/isa/causes';
import { pageFilling } from '../xv6/names';
import { MODE_NAMES } from '../../emulator/types';
import { processLabel, type RegionProcess, type Regions } from '../xv6/regions';
import { handlerNote, jumpNote, notesOn } from './evidence';
import { accessText, decidingOf, stepRows, type Deciding } from './translation';

const MISALIGNED: readonly number[] = [Cause.instructionMisaligned, Cause.loadMisaligned, Cause.storeMisaligned];

export interface TrapContext {
  /** The memory of the hart that traps, by the table in its satp. */
  space: AddressSpace;
  /** The physical memory map (memory/memory-map.ts). */
  physical: readonly PhysicalRange[];
  /** As it is before the trap changes it. */
  mstatus: bigint;
  /** Where traps into S-mode go. */
  stvec?: bigint;
  /** Names for the table in satp. */
  regions?: Regions;
  /** The process that the hart runs. */
  process?: Pick<RegionProcess, 'pid' | 'name' | 'slot' | 'size'>;
  /** "kernelvec+12" for a code address. */
  nameOf?: (address: bigint) => string | undefined;
  /** Other tables, to say where the address would have been mapped: kernel_pagetable, the process's tables. */
  otherTables?: readonly OtherTable[];
  /** Integer registers of the hart, as the faulting instruction found them. */
  register?: (number: number) => bigint;
}

/** A table that is not in satp. */
export interface OtherTable {
  label: string;
  space: AddressSpace;
  /** The kernel's own, a process's user table, or the kernel table of one process. */
  kind: 'kernel' | 'user' | 'process-kernel';
  /** Whether it belongs to the process that the hart runs. */
  isOwn?: boolean;
}

/** Lines of an explanation that are seen first. */
const LEAD = 3;

export interface TrapExplanation {
  /** "load page fault at 0x4008 (user mode, pid 3 (sh))". */
  title: string;
  /** What decided: "level 0 index 4: V=0, nothing is mapped here". Empty for interrupts and calls. */
  reason: string;
  /** What else is to be seen, most telling first: "the heap ends at 0x4000". */
  notes: string[];
  /** All of it as one text, a line each. */
  text: string;
  /** The first lines of it, at most three: what happened, what decided, who did it. */
  lead: string;
  /** The rest of the text, below the fold; may be empty. */
  rest: string;
  /** The walk that failed, a line for each step. Empty where none was made. */
  walk: string;
  walked?: Walk;
  /** What decided, of a walk that failed. */
  deciding?: Deciding;
}

/** Explains a trap that is about to be taken, or has just been. Never throws. */
export function explainTrap(
  trap: Pick<TrapEvent, 'interrupt' | 'cause' | 'tval' | 'epc' | 'from'>,
  context: TrapContext,
): TrapExplanation {
  const access = trap.interrupt ? undefined : (PAGE_FAULTS.get(trap.cause) ?? ACCESS_FAULTS.get(trap.cause));
  const at = access !== undefined || (!trap.interrupt && MISALIGNED.includes(trap.cause));
  const who = [MODE_NAMES[trap.from] ?? `mode ${trap.from}`];
  if (context.process && trap.from === Mode.User) who.push(processLabel(context.process));
  const title = `${causeName(trap.interrupt, trap.cause)}${at ? ` at ${hex(trap.tval)}` : ''} (${who.join(', ')})`;
  const explanation: TrapExplanation = { title, reason: '', notes: [], text: '', lead: '', rest: '', walk: '' };
  if (access) explainAccess(trap, access, context, explanation);
  else if (!trap.interrupt) explainOther(trap, context, explanation);
  const handler = access && handlerNote(trap, context);
  if (handler) explanation.notes.push(handler);
  const name = trap.interrupt ? undefined : context.nameOf?.(trap.epc);
  const where = `by the instruction at ${hex(trap.epc)}${name ? ` (${name})` : ''}`;
  // Who did it stands among the lines that are seen first, after what tells most.
  if (access)
    explanation.notes.splice(1, 0, access === 'fetch' && trap.epc === trap.tval ? jumpNote(trap, context) : where);
  const first = explanation.reason ? `${title}: ${explanation.reason}` : title;
  const lines = [first, ...explanation.notes];
  return {
    ...explanation,
    text: lines.join('\n'),
    lead: lines.slice(0, LEAD).join('\n'),
    rest: lines.slice(LEAD).join('\n'),
  };
}

function explainAccess(
  trap: Pick<TrapEvent, 'cause' | 'tval' | 'epc' | 'from'>,
  access: Access,
  context: TrapContext,
  out: TrapExplanation,
): void {
  const space = context.space.as(accessMode(trap.from as Mode, context.mstatus, access).mode);
  const found = space.translate(trap.tval);
  const walked = found.walk;
  if (!walked) {
    const isMachine = found.mode === Mode.Machine;
    const why = isMachine ? 'M-mode addresses are physical' : 'satp.MODE is Bare: addresses are physical';
    out.reason = `${why}; ${physicalReason(trap.tval, context)}`;
    return;
  }
  const accessFault = trap.cause < 12;
  out.walked = walked;
  out.deciding = decidingOf(walked, found.denied[access], accessFault);
  const rows = stepRows(walked).map(({ name, text }) => `\n  ${name} ${text}`);
  out.walk = `\nwalk of ${hex(walked.va)} from root ${hex(walked.root)}:${rows.join('')}`;
  out.reason = accessText(found, access);
  if (walked.error === 'outside-memory') {
    const rootless = walked.steps.length === 1;
    if (rootless) out.reason = `satp's root ${hex(walked.root)} lies outside RAM`;
    const ppn = walked.root >> 12n;
    if (rootless && isRam(ppn, context)) {
      out.notes.push(
        `satp's PPN field is ${hex(ppn)}, itself an address in RAM: the root's address was not shifted right by 12`,
      );
    }
  } else if (walked.leaf) {
    const place = rangeAt(context.physical, Number(walked.leaf.pa >> 12n));
    const isAllowed = found.denied[access].length === 0;
    if (isAllowed && accessFault) {
      out.reason = place
        ? `the PTE is valid and allows it, but ${place.name} at PA ${hex(walked.leaf.pa)} refuses this access`
        : `the PTE is valid, but PA ${hex(walked.leaf.pa)} is not RAM (page ${hex(walked.leaf.pa & ~0xfffn)})`;
      if ((walked.leaf.pte & BigInt(PTE.V)) !== 0n && walked.leaf.pa >> 12n === 0n)
        out.notes.push('its PPN is 0: it was mapped before the page was allocated, or its PPN was wiped out');
    } else if (isAllowed) {
      out.reason = allowedNow(walked.leaf.pte, access);
    }
  }
  out.notes.push(...notesOn(trap, access, context, found));
}

/** Of a page fault at which the table has nothing against the access. */
function allowedNow(pte: bigint, access: Access): string {
  const flags = pteFlags(pte);
  const missing = (flags & PTE.A) === 0 ? 'A' : access === 'store' && (flags & PTE.D) === 0 ? 'D' : undefined;
  const who = missing === undefined ? '' : `leaves it to the kernel to set ${missing}, which is 0 (Svade), or `;
  return (
    `the table in memory allows this access now: the hart ${who}used an older translation (a missing sfence.vma), or ` +
    'the entry has been changed since'
  );
}

function explainOther(
  trap: Pick<TrapEvent, 'cause' | 'tval' | 'epc' | 'from'>,
  context: TrapContext,
  out: TrapExplanation,
): void {
  const name = context.nameOf?.(trap.epc);
  const where = `at pc ${hex(trap.epc)}${name ? ` (${name})` : ''}`;
  if (trap.cause === Cause.illegalInstruction) {
    const bytes = instructionBits(trap, context);
    out.reason = bytes === undefined ? where : `${where}: ${bytes.length === 4 ? '16' : '32'} bits 0x${bytes}`;
    if (bytes !== undefined && /^0+$/.test(bytes)) out.notes.push('zeroes are no instruction: nothing was loaded here');
    const word = bytes === undefined ? undefined : parseInt(bytes, 16);
    if (word !== undefined && isFloatingPoint(word)) out.notes.push(floatingPointNote(context.mstatus));
    const filling = bytes && pageFilling(BigInt(`0x${bytes.repeat(4)}`));
    if (filling) out.notes.push(filling);
    return;
  }
  if (MISALIGNED.includes(trap.cause)) {
    out.reason = `${where}: the address is not a multiple of the size accessed`;
    return;
  }
  if (trap.cause === Cause.breakpoint) out.reason = where;
}

const floatingPointNote = (mstatus: bigint): string =>
  (mstatus & BigInt(Mstatus.fs)) === 0n
    ? 'a floating-point instruction, and mstatus.FS is 0 (off), as it is after a reset'
    : 'a floating-point instruction with a reserved rounding mode';

function isFloatingPoint(word: number): boolean {
  const decoded = decode(word);
  return decoded?.floats !== undefined || (decoded?.instruction.csr !== undefined && decoded.imm <= Csr.fcsr);
}

/** The bits of the instruction, most significant first; tval may be 0 on some machines. */
function instructionBits(trap: Pick<TrapEvent, 'epc' | 'tval' | 'from'>, context: TrapContext): string | undefined {
  const word = wordAt(context.space.as(trap.from as Mode).read, trap.epc);
  return word === undefined ? undefined : (word >>> 0).toString(16).padStart(2 * lengthOf(word), '0');
}

function physicalReason(address: bigint, context: TrapContext): string {
  const place = rangeAt(context.physical, Number(BigInt.asUintN(64, address) >> 12n));
  if (!place) return `nothing answers at ${hex(address)}: neither RAM nor a device`;
  return place.name === 'RAM'
    ? `${hex(address)} is RAM: physical memory protection (pmpcfg) refuses it`
    : `${place.name} at ${hex(address)} refuses this access`;
}

const isRam = (address: bigint, { space: { memory } }: TrapContext): boolean =>
  address >= memory.dramBase && address < memory.dramBase + memory.dramSize;
