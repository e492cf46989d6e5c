/**
 * What else at the instant of a trap points to its cause, beside the bit that decided: where the address lies, what it
 * looks like, which other table maps it, whether the handler can run at all.
 */
import type { TrapEvent } from '../../emulator/types';
import { PTE_FLAGS } from '../protocol';
import type { TrapContext } from './explain';
import { checkPermission } from './permission';
import { regionOf } from './translate';
import { hex, pteFlags, satpFields, walk, type Walk } from './walk';

type Fault = Pick<TrapEvent, 'tval' | 'from' | 'epc'>;

/** Notes on a fault whose walk is known, most telling first. */
export function notesOn(trap: Fault, context: TrapContext, walked: Walk): string[] {
  const notes = [...placeNotes(trap, context, walked), ...entryNotes(walked), ...addressNotes(trap, context, walked)];
  if (!walked.failure || walked.failure.kind === 'non-canonical') return notes;
  for (const table of context.otherTables ?? []) {
    if (table.root === walked.root) continue;
    const other = walk(table.root, trap.tval, context.memory.readU64.bind(context.memory));
    if (other.leaf) notes.push(`${table.label} maps it to ${hex(other.leaf.pa)}; the table in satp does not`);
  }
  return notes;
}

function placeNotes(trap: Fault, context: TrapContext, walked: Walk): string[] {
  const region = regionOf(walked, context.regions);
  const notes = region ? [`in: ${region}`] : [];
  if (region?.startsWith('guard page')) return [...notes, 'a stack has run over its end'];
  const size = context.process?.size;
  if (trap.from !== 0 || size === undefined) return notes;
  if (trap.tval >= size) notes.push(`the heap ends at ${hex(size)} (p->sz)`);
  else if (walked.failure?.kind === 'not-valid') {
    notes.push(`below p->sz = ${hex(size)}, so it belongs to the process, but no page has been mapped yet`);
  }
  return notes;
}

/** What the entry that decided looks like. */
function entryNotes(walked: Walk): string[] {
  const pte = walked.steps.at(-1)?.pte;
  if (pte === undefined) return [];
  const filling = fillingNote(pte);
  if (filling) return [`the entry is ${hex(pte)}: ${filling}; the page of the table has been freed or never cleared`];
  const rsw = (pteFlags(pte) & PTE_FLAGS.RSW) >> 8;
  if (walked.leaf && rsw && !(pteFlags(pte) & PTE_FLAGS.W)) {
    return [`the kernel's own bits in the entry are RSW=${rsw}: a mark of copy-on-write?`];
  }
  return [];
}

/** What the address itself looks like. */
function addressNotes(trap: Fault, context: TrapContext, walked: Walk): string[] {
  const { tval } = trap;
  const filling = fillingNote(tval);
  if (filling) return [filling];
  if (tval >> 31n === 0x1ffffffffn) {
    return [`its upper half is all ones: a 32-bit int (${BigInt.asIntN(32, tval)}) became negative and was extended`];
  }
  if (tval >= 4096n || !walked.failure || trap.from === 0) return [];
  const inWalk = tval % 8n === 0n && context.nameOf?.(trap.epc)?.startsWith('walk');
  return [
    `a null pointer${tval === 0n ? '' : ` plus ${hex(tval)}`}` +
      (inWalk ? `: entry ${tval >> 3n} of a page table at PA 0` : ''),
  ];
}

/** Handlers are shorter than this, and lie at stvec. */
const HANDLER_BYTES = 512n;

/**
 * What becomes of the trap: a handler that cannot be fetched, or that faults itself, traps again and again, and the first
 * fault is soon buried.
 */
export function handlerNote(trap: Pick<TrapEvent, 'from' | 'epc'>, context: TrapContext): string | undefined {
  const { stvec } = context;
  const { mode, root } = satpFields(context.satp);
  if (stvec === undefined || stvec === 0n || trap.from === 3) return undefined;
  const handler = stvec & ~3n;
  if (mode !== 0) {
    const walked = walk(root, handler, context.memory.readU64.bind(context.memory));
    const judged = checkPermission(walked, 'fetch', { mode: 'S', sum: false, mxr: false });
    if (!judged.allowed) {
      return `the handler at stvec = ${hex(handler)} cannot be fetched (${judged.text}): the hart will trap without end`;
    }
  }
  if (trap.from === 1 && trap.epc >= handler && trap.epc < handler + HANDLER_BYTES) {
    return 'the trap handler itself has faulted, most likely on a bad stack pointer: look for the first fault before this';
  }
  return undefined;
}

/** xv6 fills freed pages with 0x01 (kfree) and fresh ones with 0x05 (kalloc), to make just this visible. */
export function fillingNote(value: bigint): string | undefined {
  const text = value.toString(16).padStart(16, '0');
  if (/(?:01){6}/.test(text)) return 'bytes of 0x01 are what kfree fills a page with: this is memory that was freed';
  if (/(?:05){6}/.test(text)) return 'bytes of 0x05 are what kalloc fills a page with: this was never initialized';
  return undefined;
}
