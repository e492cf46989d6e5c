/**
 * What else at the instant of a trap points to its cause, beside the bit that decided: what the address is, where it lies,
 * what the entry looks like, which table that matters maps it, whether the handler can run at all.
 */
import type { Decoded } from '../../emulator/isa/instructions/decode';
import { SystemOperation } from '../../emulator/isa/instructions/instruction';
import { Csr } from '../../emulator/isa/csrs';
import { isJump } from '../../emulator/isa/instructions/calls';
import { instructionAt, instructionsFrom } from '../../emulator/isa/instructions/instruction-at';
import { PAGE_SIZE, PTE, pteFlags, RSW_SHIFT, type Walk } from '../../emulator/isa/sv39';
import { X, X_NAMES } from '../../emulator/isa/registers';
import { isInHandler } from '../../emulator/dead-ends/trap-loops';
import { Mode, type Access, type TrapEvent } from '../../emulator/types';
import type { TranslatedAddress } from '../memory/address-space';
import { hex } from '../../emulator/isa/hex';
import { NOT_MAPPED, processLabel, regionAt } from '../xv6/regions';
import { pageFilling } from '../xv6/names';
import type { TrapContext } from './explain';
import { accessText } from './translation';

type Fault = Pick<TrapEvent, 'tval' | 'from' | 'epc'>;

/** Lines on tables other than the one in satp. */
const MOST_TABLES = 2;

/** Notes on a fault whose address has been walked, most telling first. */
export function notesOn(trap: Fault, access: Access, context: TrapContext, found: TranslatedAddress): string[] {
  const { walk } = found;
  if (!walk) return [];
  const address = addressNotes(trap, access, context, walk);
  return [
    ...address,
    ...placeNotes(trap, access, context, found).filter((note) => address.length === 0 || !note.endsWith(NOT_MAPPED)),
    ...entryNotes(walk, access),
    ...tableNotes(trap, context, walk),
  ];
}

/** The register that the faulting load or store takes its address from, and what it held. */
function baseOf(trap: Fault, { space, register }: TrapContext): { name: string; value: bigint } | undefined {
  const decoded = instructionAt(space.as(trap.from).read, trap.epc);
  if (!decoded?.instruction.access || !register) return undefined;
  const value = register(decoded.rs1);
  // Of an address that does not fit, the registers are of another instant.
  const fits = BigInt.asUintN(64, value + BigInt(offsetOf(decoded))) === BigInt.asUintN(64, trap.tval);
  return fits ? { name: X_NAMES[decoded.rs1]!, value } : undefined;
}

/** Atomic instructions have no offset. */
const offsetOf = ({ instruction, imm }: Decoded): number => (instruction.immediate === 'none' ? 0 : imm);

function placeNotes(trap: Fault, access: Access, context: TrapContext, found: TranslatedAddress): string[] {
  const region = context.regions && regionAt(context.regions, found);
  const notes = region ? [`in: ${region}`] : [];
  // Whoever executes there has jumped there.
  if (region?.startsWith('guard page')) return access === 'fetch' ? notes : [...notes, guardNote(trap, context)];
  const size = context.process?.size;
  if (trap.from !== Mode.User || size === undefined) return notes;
  if (trap.tval >= size) notes.push(`the heap ends at ${hex(size)} (p->sz)`);
  else if (found.walk?.error === 'not-valid')
    notes.push(`below p->sz = ${hex(size)}: it belongs to the process, but no page is mapped for it`);
  return notes;
}

function guardNote(trap: Fault, context: TrapContext): string {
  const base = baseOf(trap, context);
  if (base === undefined) return 'a stack has run over its end, or a pointer is wrong';
  if (base.name === X_NAMES[X.sp] || base.name === X_NAMES[X.s0]) return 'a stack has run over its end';
  return `the address came from ${base.name}, not from the stack pointer: a wrong pointer or index, or a large array on the stack`;
}

/** What the entry that decided looks like. */
function entryNotes(walked: Walk, access: Access): string[] {
  const pte = walked.steps.at(-1)?.pte;
  if (pte === undefined) return [];
  const filling = pageFilling(pte);
  if (filling) return [`the entry is ${hex(pte)}: ${filling}; the page of the table has been freed or never cleared`];
  const rsw = (pteFlags(pte) & PTE.RSW) >> RSW_SHIFT;
  if (access === 'store' && walked.leaf && rsw && !(pteFlags(pte) & PTE.W))
    return [`the kernel's own bits in the entry are RSW=${rsw}: a mark of copy-on-write?`];
  return [];
}

/** What the address itself is: a user pointer, a null pointer, what freed memory holds. */
function addressNotes(trap: Fault, access: Access, context: TrapContext, walked: Walk): string[] {
  const { tval } = trap;
  const filling = pageFilling(tval);
  if (filling) return [filling];
  const int = extendedInt(tval);
  if (int) return [int];
  if (!walked.error || trap.from === Mode.User) return [];
  const isLow = tval < PAGE_SIZE;
  const base = baseOf(trap, context);
  if (isLow && (base ? base.value === 0n : tval === 0n)) return [nullNote(trap, context, base?.name)];
  const users = userPointer(tval, access, context, walked);
  if (users === undefined) return isLow ? [smallNote(trap, context)] : [];
  return isLow ? [users, `or ${nullNote(trap, context)}`] : [users];
}

/** Of an address that is what becomes of a negative int. */
export const extendedInt = (address: bigint): string | undefined =>
  address >> 31n === 0x1ffffffffn
    ? `its upper half is all ones: a 32-bit int (${BigInt.asIntN(32, address)}) became negative and was extended`
    : undefined;

/** Of an address in the first page that was not computed from a register that holds 0. */
const smallNote = (trap: Fault, context: TrapContext): string =>
  `${nullNote(trap, context)}${isInWalk(trap, context) ? '' : ', or a small number that is no address'}`;

/** Whether a function that walks page tables has faulted at what could be an entry of a table at 0. */
const isInWalk = ({ tval, epc }: Fault, { nameOf }: TrapContext): boolean =>
  tval % 8n === 0n && /^walk\b/.test(nameOf?.(epc) ?? '');

function nullNote(trap: Fault, context: TrapContext, register?: string): string {
  const { tval } = trap;
  const isConstant = register === X_NAMES[X.zero];
  const where = register === undefined || isConstant ? '' : ` in ${register}`;
  return (
    `a null pointer${where}${tval === 0n ? '' : ` plus ${hex(tval)}`}` +
    (isConstant ? ', as the compiler has seen: the address is a constant' : '') +
    (isInWalk(trap, context) ? `: entry ${tval >> 3n} of a page table at PA 0` : '')
  );
}

/** Of an address that the kernel used: whether it is one in the memory of the process that it runs for. */
function userPointer(tval: bigint, access: Access, context: TrapContext, walked: Walk): string | undefined {
  const { process, otherTables = [] } = context;
  const own = otherTables.find(({ kind, isOwn }) => kind === 'user' && isOwn);
  if (!process || !own || own.space.root === undefined || own.space.root === walked.root) return undefined;
  const found = own.space.as(Mode.User).translate(tval);
  if (found.pa === undefined || found.denied[access === 'fetch' ? 'fetch' : 'load'].length > 0) return undefined;
  const lead = `a user pointer: ${processLabel(process)} maps it to ${hex(found.pa)} in its own table`;
  if (access === 'fetch') return `${lead}; the kernel cannot call what is the program’s, only return to it`;
  const copies = otherTables.some(({ kind, isOwn }) => kind === 'process-kernel' && isOwn);
  // In kernels with a table for each process user memory may be mapped in it too.
  return copies
    ? `${lead}; the kernel's table for it does not`
    : `${lead}; the kernel must use copyin or copyout for it`;
}

/** Tables that the address may have been meant for, in order of relevance; never one line for every process. */
function tableNotes(trap: Fault, context: TrapContext, walk: Walk): string[] {
  if (!walk.error || walk.error === 'non-canonical') return [];
  const others = (context.otherTables ?? []).filter(
    ({ space }) => space.root !== undefined && space.root !== walk.root,
  );
  const isMeant = ({ kind, isOwn }: (typeof others)[number]): boolean =>
    trap.from === Mode.User
      ? kind === 'user' && isOwn === true
      : kind === 'kernel' || (kind === 'process-kernel' && isOwn === true);
  const mapping = others.flatMap((table) => {
    const pa = table.space.physical(trap.tval);
    return pa === undefined ? [] : [{ ...table, pa }];
  });
  const meant = mapping.filter(isMeant);
  // Another process's own kernel table matters where nothing nearer maps the address: a stack that was switched to too early.
  const far = trap.from === Mode.User ? [] : mapping.filter(({ kind }) => kind === 'process-kernel').slice(0, 1);
  return (meant.length > 0 ? meant : far)
    .slice(0, MOST_TABLES)
    .map(({ label, pa }) => `${label} maps it to ${hex(pa)}; the table in satp does not`);
}

/** How pc came to where nothing can be fetched, as far as that can be seen. */
export function jumpNote(trap: Fault, { space, register }: TrapContext): string {
  const { epc } = trap;
  const read = space.as(trap.from).read;
  if (trap.from === Mode.Supervisor && switchesTable(epc, read))
    return `pc went on to ${hex(epc)} after the store to satp just before it: the table that is in satp now does not let this code go on`;
  const fate = 'a jump, call or return went there';
  if (epc % PAGE_SIZE === 0n && epc !== 0n && space.as(trap.from).translate(epc - 2n).denied.fetch.length === 0) {
    const before = space.physical(epc - 8n);
    const word = before === undefined ? undefined : space.memory.readU64(before);
    const filling = word === undefined ? undefined : pageFilling(word);
    if (filling)
      return `pc ran on to ${hex(epc)} through the page before, whose end is freed or fresh memory: ${filling}`;
    if (fallsInto(epc, read)) return `pc is ${hex(epc)}: it ran on over the end of the page before, or ${fate}`;
  }
  if (register?.(X.ra) === epc) return `pc itself is ${hex(epc)}, and so is ra: a return went there`;
  return `pc itself is ${hex(epc)}: ${fate} (ra may say from where), or the table was changed under the running code`;
}

/** Whether satp is written just before an address, with at most a fence between. */
function switchesTable(address: bigint, read: TrapContext['space']['read']): boolean {
  const last = instructionAt(read, address - 4n);
  const isFence = last?.instruction.system === SystemOperation.sfenceVma;
  const before = isFence ? instructionAt(read, address - 8n) : last;
  return before?.instruction.system === SystemOperation.csrrw && before.imm === Csr.satp;
}

/** Whether an instruction that does not jump may end at an address. */
function fallsInto(address: bigint, read: TrapContext['space']['read']): boolean {
  return ([2, 4] as const).some((length) => {
    const last = instructionAt(read, address - BigInt(length));
    return last?.length === length && !isJump(last);
  });
}

/**
 * What becomes of the trap: a handler that cannot be fetched, or that faults itself, traps again and again, and the first
 * fault is soon buried.
 */
export function handlerNote(trap: Fault, context: TrapContext): string | undefined {
  const { stvec, space } = context;
  if (stvec === undefined || stvec === 0n || trap.from === Mode.Machine) return undefined;
  const handler = stvec & ~3n;
  const found = space.as(Mode.Supervisor).translate(handler);
  if (found.walk && (found.pa === undefined || found.denied.fetch.length > 0))
    return `the handler at stvec = ${hex(handler)} cannot be fetched (${accessText(found, 'fetch')}): the hart will trap without end`;
  if (trap.from !== Mode.Supervisor || !isInHandler({ ...trap, to: Mode.Supervisor }, handler)) return undefined;
  if (!isStraightOn(handler, trap.epc, space.read)) return undefined;
  const stack = baseOf(trap, context)?.name === X_NAMES[X.sp] ? ' on a bad stack pointer' : '';
  return `the trap handler itself has faulted${stack}: look for the first fault before this`;
}

/** Whether code runs from one address on to another without a jump: what lies close behind a handler may be no part of it. */
function isStraightOn(from: bigint, to: bigint, read: TrapContext['space']['read']): boolean {
  for (const { decoded } of instructionsFrom(read, from, to)) if (decoded && isJump(decoded)) return false;
  return true;
}
