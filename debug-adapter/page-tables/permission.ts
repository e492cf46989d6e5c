/**
 * Whether a leaf lets an access through, and the bits that decide it (RISC-V privileged specification 1.12, sections
 * 3.1.6.3 MPRV/SUM/MXR and 4.3.1). A and D are set by hardware on this machine, so they never forbid.
 */
import type { Access } from '../../emulator/types';
import { PTE_FLAGS } from '../protocol';
import { flagText, type Walk, pteFlags } from './walk';

/** What an access is judged by beside the entry. `mode` is the effective one: MPRV is already applied. */
export interface AccessMode {
  mode: 'U' | 'S' | 'M';
  sum: boolean;
  mxr: boolean;
}

export interface PermissionCheck {
  allowed: boolean;
  /** Each condition that alone forbids the access: "U=1, mode S, sstatus.SUM=0". Empty if allowed. */
  because: string[];
  /** The whole of it in words. */
  text: string;
}

const MODES = ['U', 'S', 'S', 'M'] as const;

/** The letter of a privilege mode by its encoding. */
export const modeLetter = (mode: number): 'U' | 'S' | 'M' => MODES[mode & 3]!;

/**
 * How an access of a hart is judged, from its mode and its mstatus: with MPRV, loads and stores in M-mode use the mode
 * in MPP; fetches never do.
 */
export function accessMode(mode: number, mstatus: bigint, access: Access): AccessMode {
  const mprv = mode === 3 && access !== 'fetch' && (mstatus >> 17n) & 1n;
  return {
    mode: modeLetter(mprv ? Number((mstatus >> 11n) & 3n) : mode),
    sum: ((mstatus >> 18n) & 1n) === 1n,
    mxr: ((mstatus >> 19n) & 1n) === 1n,
  };
}

/** Judges an access by a leaf's flags (bits 0 to 9 of the entry). */
export function checkFlags(flags: number, access: Access, by: AccessMode): PermissionCheck {
  const because: string[] = [];
  if (by.mode !== 'M') {
    const user = (flags & PTE_FLAGS.U) !== 0;
    if (by.mode === 'U' && !user) because.push('U=0, mode U');
    if (by.mode === 'S' && user) {
      if (access === 'fetch') because.push('U=1: S-mode may not fetch from a U page, SUM does not help');
      else if (!by.sum) because.push('U=1, mode S, sstatus.SUM=0');
    }
    const readable = flags & PTE_FLAGS.R || (by.mxr && flags & PTE_FLAGS.X);
    if (access === 'load' && !readable) {
      because.push(flags & PTE_FLAGS.X && !by.mxr ? 'R=0 (X=1 would do with sstatus.MXR=1)' : 'R=0');
    }
    if (access === 'store' && !(flags & PTE_FLAGS.W)) because.push('W=0');
    if (access === 'fetch' && !(flags & PTE_FLAGS.X)) because.push('X=0');
  }
  const allowed = because.length === 0;
  return { allowed, because, text: allowed ? 'ok' : forbiddenText(flags, because) };
}

/** "V R W are set; U=1, mode S, sstatus.SUM=0: this one bit decides". */
function forbiddenText(flags: number, because: string[]): string {
  const set = flagText(flags)
    .split(' ')
    .filter((word) => word === 'V' || word === 'R' || word === 'W' || word === 'X');
  const present = `${set.join(' ')} ${set.length === 1 ? 'is' : 'are'} set`;
  if (because.length > 1) return `${present}; ${because.join('; and ')}`;
  return because[0]!.includes('does not help')
    ? `${present}; ${because[0]}`
    : `${present}; ${because[0]}: this one bit decides`;
}

/** Judges an access by a finished walk: the failure of the walk itself comes first. */
export function checkPermission(walk: Walk, access: Access, by: AccessMode): PermissionCheck {
  if (walk.failure) return { allowed: false, because: [walk.failure.text], text: walk.failure.text };
  return checkFlags(pteFlags(walk.leaf!.pte), access, by);
}
