/**
 * A software walk of an Sv39 page table, told step by step for people (RISC-V privileged specification 1.12, sections
 * 4.3.2 and 4.4). Pure functions over a reader of physical words; the permission judgement is in permission.ts.
 *
 * Addresses and entries are bigint. VAs are taken as the 64 bits of a register.
 */
import { PTE_FLAGS } from '../protocol';

/** Reads an aligned 64-bit word of physical memory; undefined where there is no RAM. */
export type ReadU64 = (pa: bigint) => bigint | undefined;

export const PAGE_SIZE = 4096n;
/** Bytes that one entry of a level maps. */
const spanOf = (level: number): bigint => PAGE_SIZE << BigInt(9 * level);

const LEVEL_NAMES = ['4 KiB page', '2 MiB superpage', '1 GiB superpage'];

export const hex = (value: bigint): string => `0x${value.toString(16)}`;

/** Fields of satp (section 4.1.11). `mode` 0 is Bare, 8 is Sv39. */
export function satpFields(satp: bigint): { mode: number; asid: number; root: bigint } {
  return {
    mode: Number(satp >> 60n),
    asid: Number((satp >> 44n) & 0xffffn),
    root: (satp & ((1n << 44n) - 1n)) << 12n,
  };
}

/** Flags of a PTE as in `PteRun.flags`: its bits 0 to 9. */
export const pteFlags = (pte: bigint): number => Number(pte & 0x3ffn);
/** The physical page that a PTE names. */
export const ptePhysical = (pte: bigint): bigint => ((pte >> 10n) & ((1n << 44n) - 1n)) << 12n;

const LETTERS = ['V', 'R', 'W', 'X', 'U', 'G', 'A', 'D'];

/** "V R W - U - A D", with the two software bits after it if they are not 0. */
export function flagText(flags: number): string {
  const letters = LETTERS.map((letter, bit) => (flags & (1 << bit) ? letter : '-')).join(' ');
  const rsw = (flags & PTE_FLAGS.RSW) >> 8;
  return rsw ? `${letters} RSW=${rsw}` : letters;
}

/** Why an entry is wrong in itself, whoever uses it; undefined if it is well-formed or not valid at all. */
export function pteProblem(level: number, pte: bigint): string | undefined {
  const flags = pteFlags(pte);
  if (!(flags & PTE_FLAGS.V)) return undefined;
  return problemOfParts(level, flags, Number(pte >> 54n), Number((pte >> 10n) & 0x3ffffn));
}

/**
 * `pteProblem` on plain numbers, for loops over whole tables: flags are bits 0 to 9, `high` bits 54 to 63, and `ppnLow`
 * at least the low 18 bits of the PPN.
 */
export function problemOfParts(level: number, flags: number, high: number, ppnLow: number): string | undefined {
  const { R, W, X, U, A, D } = PTE_FLAGS;
  if (high !== 0) return 'bits 54 to 63 are reserved and must be 0';
  if (flags & W && !(flags & R)) return 'W without R is reserved';
  if (flags & (R | X)) {
    if (level > 0 && ppnLow & ((1 << (9 * level)) - 1)) {
      return `misaligned superpage: the PPN is not a multiple of ${1 << (9 * level)}`;
    }
    return undefined;
  }
  if (level === 0) return 'R, W and X are 0, so it points to a lower table, but level 0 is the lowest';
  if (flags & (U | A | D)) return 'U, A and D are reserved in a pointer to a lower table and must be 0';
  return undefined;
}

export interface Step {
  level: number;
  index: number;
  pteAddress: bigint;
  /** Undefined where the entry lies outside RAM. */
  pte: bigint | undefined;
  meaning: string;
}

export interface Leaf {
  level: number;
  pte: bigint;
  /** Physical address of the VA itself, not of its page. */
  pa: bigint;
}

export type FailureKind = 'non-canonical' | 'outside-memory' | 'not-valid' | 'malformed';

/** Where and why a walk ended without a leaf. `level` is undefined if it did not begin. */
export interface Failure {
  kind: FailureKind;
  level: number | undefined;
  index: number | undefined;
  /** The deciding bit where there is one: "V=0". */
  bit?: string;
  /** "level 0 index 4: V=0, nothing is mapped here". */
  text: string;
}

export interface Walk {
  va: bigint;
  root: bigint;
  steps: Step[];
  leaf?: Leaf;
  /** Exactly one of leaf and failure is there. */
  failure?: Failure;
}

/** Whether bits 63 to 39 all equal bit 38, as Sv39 demands. */
export const isCanonical = (va: bigint): boolean => BigInt.asUintN(64, BigInt.asIntN(39, va)) === va;

/** Walks the table whose root page is at physical address `root`, and judges no permission. Never throws. */
export function walk(root: bigint, va: bigint, readU64: ReadU64): Walk {
  va = BigInt.asUintN(64, va);
  const result: Walk = { va, root, steps: [] };
  const fail = (kind: FailureKind, step: Step | undefined, why: string, bit?: string): Walk => {
    const place = step ? `level ${step.level} index ${step.index}: ` : '';
    result.failure = { kind, level: step?.level, index: step?.index, bit, text: place + why };
    return result;
  };
  if (!isCanonical(va)) {
    return fail('non-canonical', undefined, `${hex(va)} is not an Sv39 address: bits 63 to 39 must all equal bit 38`);
  }
  let table = root;
  for (let level = 2; ; level--) {
    const index = Number((va >> BigInt(12 + 9 * level)) & 0x1ffn);
    const pteAddress = table + BigInt(8 * index);
    const pte = readU64(pteAddress);
    const step: Step = { level, index, pteAddress, pte, meaning: '' };
    result.steps.push(step);
    if (pte === undefined) {
      step.meaning = `the table at ${hex(table)} lies outside RAM`;
      const whose = level === 2 ? 'the root' : 'the table';
      return fail('outside-memory', step, `${whose} at PA ${hex(table)} lies outside RAM`);
    }
    const flags = pteFlags(pte);
    if (!(flags & PTE_FLAGS.V)) {
      step.meaning = pte === 0n ? 'V=0: nothing is mapped here' : 'V=0: not valid, though other bits are set';
      return fail(
        'not-valid',
        step,
        pte === 0n ? 'V=0, nothing is mapped here' : `V=0, though the entry is not empty (${hex(pte)})`,
        'V=0',
      );
    }
    const problem = pteProblem(level, pte);
    if (problem) {
      step.meaning = problem;
      return fail('malformed', step, problem);
    }
    if (flags & (PTE_FLAGS.R | PTE_FLAGS.X)) {
      step.meaning = `leaf (${LEVEL_NAMES[level]})`;
      result.leaf = { level, pte, pa: ptePhysical(pte) + (va & (spanOf(level) - 1n)) };
      return result;
    }
    step.meaning = `next table at ${hex(ptePhysical(pte))}`;
    table = ptePhysical(pte);
  }
}
