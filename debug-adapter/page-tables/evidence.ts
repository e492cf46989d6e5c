/**
 * What else at the instant of a trap points to its cause, beside the bit that decided: where the address lies, what it
 * looks like, which other table maps it, whether the handler can run at all.
 */
import { PTE, pteFlags, RSW_SHIFT, type Walk } from '../../emulator/isa/sv39';
import { isInHandler } from '../../emulator/trap-loops';
import { Mode, type TrapEvent } from '../../emulator/types';
import type { TranslatedAddress } from '../memory/address-space';
import { hex } from '../../emulator/isa/hex';
import { regionAt } from '../xv6/regions';
import { pageFilling } from '../xv6/names';
import type { TrapContext } from './explain';
import { accessText } from './translation';

type Fault = Pick<TrapEvent, 'tval' | 'from' | 'epc'>;

/** Notes on a fault whose address has been walked, most telling first. */
export function notesOn(trap: Fault, context: TrapContext, found: TranslatedAddress): string[] {
  const { walk } = found;
  if (!walk) return [];
  const notes = [...placeNotes(trap, context, found), ...entryNotes(walk), ...addressNotes(trap, context, walk)];
  if (!walk.error || walk.error === 'non-canonical') return notes;
  for (const { label, space } of context.otherTables ?? []) {
    if (space.root === undefined || space.root === walk.root) continue;
    const pa = space.physical(trap.tval);
    if (pa !== undefined) notes.push(`${label} maps it to ${hex(pa)}; the table in satp does not`);
  }
  return notes;
}

function placeNotes(trap: Fault, context: TrapContext, found: TranslatedAddress): string[] {
  const region = context.regions && regionAt(context.regions, found);
  const notes = region ? [`in: ${region}`] : [];
  if (region?.startsWith('guard page')) return [...notes, 'a stack has run over its end'];
  const size = context.process?.size;
  if (trap.from !== Mode.User || size === undefined) return notes;
  if (trap.tval >= size) notes.push(`the heap ends at ${hex(size)} (p->sz)`);
  else if (found.walk?.error === 'not-valid')
    notes.push(`below p->sz = ${hex(size)}, so it belongs to the process, but no page has been mapped yet`);
  return notes;
}

/** What the entry that decided looks like. */
function entryNotes(walked: Walk): string[] {
  const pte = walked.steps.at(-1)?.pte;
  if (pte === undefined) return [];
  const filling = pageFilling(pte);
  if (filling) return [`the entry is ${hex(pte)}: ${filling}; the page of the table has been freed or never cleared`];
  const rsw = (pteFlags(pte) & PTE.RSW) >> RSW_SHIFT;
  if (walked.leaf && rsw && !(pteFlags(pte) & PTE.W))
    return [`the kernel's own bits in the entry are RSW=${rsw}: a mark of copy-on-write?`];
  return [];
}

/** What the address itself looks like. */
function addressNotes(trap: Fault, context: TrapContext, walked: Walk): string[] {
  const { tval } = trap;
  const filling = pageFilling(tval);
  if (filling) return [filling];
  if (tval >> 31n === 0x1ffffffffn)
    return [`its upper half is all ones: a 32-bit int (${BigInt.asIntN(32, tval)}) became negative and was extended`];
  if (tval >= 4096n || !walked.error || trap.from === Mode.User) return [];
  const inWalk = tval % 8n === 0n && context.nameOf?.(trap.epc)?.startsWith('walk');
  return [
    `a null pointer${tval === 0n ? '' : ` plus ${hex(tval)}`}` +
      (inWalk ? `: entry ${tval >> 3n} of a page table at PA 0` : ''),
  ];
}

/**
 * What becomes of the trap: a handler that cannot be fetched, or that faults itself, traps again and again, and the first
 * fault is soon buried.
 */
export function handlerNote(trap: Pick<TrapEvent, 'from' | 'epc'>, context: TrapContext): string | undefined {
  const { stvec, space } = context;
  if (stvec === undefined || stvec === 0n || trap.from === Mode.Machine) return undefined;
  const handler = stvec & ~3n;
  const found = space.as(Mode.Supervisor).translate(handler);
  if (found.walk && (found.pa === undefined || found.denied.fetch.length > 0))
    return `the handler at stvec = ${hex(handler)} cannot be fetched (${accessText(found, 'fetch')}): the hart will trap without end`;
  if (trap.from === Mode.Supervisor && isInHandler({ ...trap, to: Mode.Supervisor }, handler))
    return 'the trap handler itself has faulted, most likely on a bad stack pointer: look for the first fault before this';
  return undefined;
}
