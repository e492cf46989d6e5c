/**
 * Sv39 address translation (RISC-V privileged specification 1.12, sections 4.1.11, 4.3.2 and 4.4): satp, the bits of a
 * page-table entry, what makes one malformed, the walk of a table step by step, and what a leaf allows (sections 3.1.6.3
 * and 4.3.1). Pure functions over a reader of physical words. The harts' own walk (mmu.ts) is another one, made for speed,
 * and a test compares the two.
 *
 * Addresses and entries are bigint. A virtual address is the 64 bits of a register.
 */
import { Mode, type Access } from '../types';
import { MPP_SHIFT, Mstatus, SATP_SV39 } from './csr-bits';

export const PAGE_SIZE = 4096n;
/** Entries in one page of a table. */
export const ENTRIES = 512;
/** Level of the root; leaves are at any level down to 0. */
export const ROOT_LEVEL = 2;

/** Bits of a page-table entry by name (section 4.4.1). RSW is two bits that are free for the kernel. */
export const PTE = { V: 1, R: 2, W: 4, X: 8, U: 16, G: 32, A: 64, D: 128, RSW: 0x300 } as const;
export const RSW_SHIFT = 8;
/** All of them. */
export const PTE_FLAG_BITS = 0x3ff;
/** The physical page number: its lowest bit, and its width. What is above it is reserved. */
export const PPN_SHIFT = 10;
export const PPN_BITS = 44;

const PPN_MASK = (1n << BigInt(PPN_BITS)) - 1n;
const RESERVED_SHIFT = BigInt(PPN_SHIFT + PPN_BITS);

/** The flags of an entry: its bits 0 to 9. */
export const pteFlags = (pte: bigint): number => Number(pte & BigInt(PTE_FLAG_BITS));
/** The physical address that an entry names: of the page that it maps, or of the next table. */
export const ptePhysical = (pte: bigint): bigint => ((pte >> BigInt(PPN_SHIFT)) & PPN_MASK) << 12n;
/** Whether any of the bits above the PPN is set, which belong to Svnapot and Svpbmt; this machine has neither. */
export const hasReserved = (pte: bigint): boolean => pte >> RESERVED_SHIFT !== 0n;
/** An entry for a physical address. */
export const pteOf = (pa: bigint, flags: number): bigint => ((pa >> 12n) << BigInt(PPN_SHIFT)) | BigInt(flags);

/** Whether an entry with these flags points to a lower table. */
export const isPointer = (flags: number): boolean => (flags & (PTE.V | PTE.R | PTE.W | PTE.X)) === PTE.V;

/** The fields of satp; `root` is the physical address of the page that its PPN names. */
export const satpFields = (satp: bigint): { mode: bigint; asid: bigint; root: bigint } => ({
  mode: satp >> 60n,
  asid: (satp >> 44n) & 0xffffn,
  root: (satp & PPN_MASK) << 12n,
});

/** The root page that satp names; undefined where it says Bare. */
export function satpRoot(satp: bigint): bigint | undefined {
  return satp >> 60n === SATP_SV39 ? (satp & PPN_MASK) << 12n : undefined;
}

/** The value of satp for a root page, with ASID 0. */
export const satpOf = (root: bigint): bigint => (SATP_SV39 << 60n) | (root >> 12n);

/** Carries bit 38 of an address up to bit 63. */
export const toCanonical = (va: bigint): bigint => BigInt.asUintN(64, BigInt.asIntN(39, va));
/** Whether bits 63 to 39 all equal bit 38. */
export const isCanonical = (va: bigint): boolean => toCanonical(va) === BigInt.asUintN(64, va);

/** The page that an address lies in, by its first byte. */
export const pageOf = (address: bigint): bigint => address - (address % PAGE_SIZE);

/** Bytes that an entry of a level maps. */
export const spanOf = (level: number): bigint => PAGE_SIZE << BigInt(9 * level);
/** The index of an address in its table of a level. */
export const indexOf = (va: bigint, level: number): number => Number((va >> BigInt(12 + 9 * level)) & 511n);

const LETTERS = ['V', 'R', 'W', 'X', 'U', 'G', 'A', 'D'] as const;

/** "V R W - U - A D", with the kernel's own two bits after it if they are not 0. */
export function flagText(flags: number): string {
  const letters = LETTERS.map((letter) => (flags & PTE[letter] ? letter : '-')).join(' ');
  const rsw = (flags & PTE.RSW) >> RSW_SHIFT;
  return rsw ? `${letters} RSW=${rsw}` : letters;
}

/** What makes a valid entry wrong in itself, whoever uses it. */
export type PteProblem =
  'reserved-bits' | 'write-only' | 'misaligned-superpage' | 'pointer-at-level-0' | 'pointer-with-leaf-bits';

/**
 * What is wrong with an entry; undefined if nothing is, or if it is not valid at all. On plain numbers, for loops over whole
 * tables: flags are bits 0 to 9, `high` is bits 54 to 63, and `ppnLow` at least the low 18 bits of the PPN.
 */
export function problemOfParts(level: number, flags: number, high: number, ppnLow: number): PteProblem | undefined {
  const { V, R, W, X, U, A, D } = PTE;
  if (!(flags & V)) return undefined;
  if (high !== 0) return 'reserved-bits';
  if (flags & W && !(flags & R)) return 'write-only';
  if (flags & (R | X)) return ppnLow & ((1 << (9 * level)) - 1) ? 'misaligned-superpage' : undefined;
  if (level === 0) return 'pointer-at-level-0';
  return flags & (U | A | D) ? 'pointer-with-leaf-bits' : undefined;
}

/** `problemOfParts` of a whole entry. */
export const pteProblem = (level: number, pte: bigint): PteProblem | undefined =>
  problemOfParts(level, pteFlags(pte), Number(pte >> RESERVED_SHIFT), Number((pte >> BigInt(PPN_SHIFT)) & 0x3ffffn));

/** Reads an aligned 64-bit word of physical memory; undefined where there is no RAM. */
export type ReadU64 = (pa: bigint) => bigint | undefined;

export interface Step {
  level: number;
  index: number;
  /** Physical address of the table, and of the entry in it. */
  table: bigint;
  pteAddress: bigint;
  /** Undefined where the entry lies outside RAM. */
  pte: bigint | undefined;
}

export interface Leaf {
  level: number;
  pte: bigint;
  /** Physical address of the VA itself, not of its page. */
  pa: bigint;
}

/** Why a walk ended without a leaf, at its last step; an address that is not canonical has none. */
export type WalkError =
  /** Bits 63 to 39 of the address do not all equal bit 38. */
  | 'non-canonical'
  /** The table cannot be read: an access fault, not a page fault. */
  | 'outside-memory'
  /** V=0. */
  | 'not-valid'
  | PteProblem;

export interface Walk {
  va: bigint;
  root: bigint;
  steps: Step[];
  /** Exactly one of leaf and error is there. */
  leaf?: Leaf;
  error?: WalkError;
}

/** Walks the table whose root page is at physical address `root`, and judges no permission. Never throws. */
export function walk(root: bigint, va: bigint, readU64: ReadU64): Walk {
  va = BigInt.asUintN(64, va);
  const steps: Step[] = [];
  const failed = (error: WalkError): Walk => ({ va, root, steps, error });
  if (!isCanonical(va)) return failed('non-canonical');
  let table = root;
  for (let level = ROOT_LEVEL; ; level--) {
    const index = indexOf(va, level);
    const pteAddress = table + BigInt(8 * index);
    const pte = readU64(pteAddress);
    steps.push({ level, index, table, pteAddress, pte });
    if (pte === undefined) return failed('outside-memory');
    const flags = pteFlags(pte);
    if (!(flags & PTE.V)) return failed('not-valid');
    const problem = pteProblem(level, pte);
    if (problem) return failed(problem);
    if (!isPointer(flags)) {
      const pa = ptePhysical(pte) + (va & (spanOf(level) - 1n));
      return { va, root, steps, leaf: { level, pte, pa } };
    }
    table = ptePhysical(pte);
  }
}

/** What an access is judged by beside the entry. `mode` is the effective one: MPRV is already applied. */
export interface AccessMode {
  mode: Mode;
  sum: boolean;
  mxr: boolean;
}

/**
 * How an access of code in a mode is judged, by mstatus (section 3.1.6.3): with MPRV, loads and stores in M-mode use the mode
 * in MPP; fetches never do.
 */
export function accessMode(mode: Mode, mstatus: bigint, access: Access): AccessMode {
  const bits = Number(BigInt.asUintN(32, mstatus));
  const mprv = mode === Mode.Machine && access !== 'fetch' && (bits & Mstatus.mprv) !== 0;
  return {
    mode: mprv ? (bits & Mstatus.mpp) >> MPP_SHIFT : mode,
    sum: (bits & Mstatus.sum) !== 0,
    mxr: (bits & Mstatus.mxr) !== 0,
  };
}

/** A rule by which a leaf alone forbids an access. */
export type Denial =
  /** U=0 in U-mode. */
  | 'not-for-users'
  /** U=1 in S-mode, which SUM would allow for loads and stores, but nothing does for fetches. */
  | 'for-users-only'
  | 'no-fetch-from-user-page'
  | 'not-readable'
  /** As before, but X=1, which MXR would make do. */
  | 'only-executable'
  | 'not-writable'
  | 'not-executable';

/** The field of a leaf by which it forbids an access. */
export const FORBIDS: Readonly<Record<Denial, 'R' | 'W' | 'X' | 'U'>> = {
  'not-for-users': 'U',
  'for-users-only': 'U',
  'no-fetch-from-user-page': 'U',
  'not-readable': 'R',
  'only-executable': 'R',
  'not-writable': 'W',
  'not-executable': 'X',
};

/** Every rule by which a leaf's flags forbid an access; none: it is allowed. A and D are set by hardware on this machine. */
export function denials(flags: number, access: Access, { mode, sum, mxr }: AccessMode): Denial[] {
  if (mode === Mode.Machine) return [];
  const found: Denial[] = [];
  const user = (flags & PTE.U) !== 0;
  if (mode === Mode.User && !user) found.push('not-for-users');
  if (mode === Mode.Supervisor && user) {
    if (access === 'fetch') found.push('no-fetch-from-user-page');
    else if (!sum) found.push('for-users-only');
  }
  const executable = (flags & PTE.X) !== 0;
  if (access === 'load' && !(flags & PTE.R) && !(mxr && executable))
    found.push(executable ? 'only-executable' : 'not-readable');
  if (access === 'store' && !(flags & PTE.W)) found.push('not-writable');
  if (access === 'fetch' && !executable) found.push('not-executable');
  return found;
}
