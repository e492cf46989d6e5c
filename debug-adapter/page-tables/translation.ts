/**
 * The translation of an address as text, for hovers, variables rows and stops. isa/sv39.ts has the walk's errors and the
 * rules of permission.
 */
import {
  flagText,
  FORBIDS,
  isPointer,
  pteFlags,
  pteProblem,
  ptePhysical,
  PTE,
  ROOT_LEVEL,
  type Denial,
  type PteProblem,
  type Step,
  type Walk,
} from '../../emulator/isa/sv39';
import { Mode, type Access } from '../../emulator/types';
import type { TranslatedAddress } from '../memory/address-space';
import { hex } from '../../emulator/isa/hex';
import type { PageTableRoot, Translation, WalkStep } from '../protocol';

const LEAVES = ['4 KiB page', '2 MiB superpage', '1 GiB superpage'];

const LETTERS: Record<Mode, Translation['mode']> = { [Mode.User]: 'U', [Mode.Supervisor]: 'S', [Mode.Machine]: 'M' };

/** What is wrong with an entry at a level, for any access. */
export function problemText(problem: PteProblem, level: number): string {
  switch (problem) {
    case 'reserved-bits':
      return 'bits 54 to 63 are reserved and must be 0';
    case 'write-only':
      return 'W without R is reserved';
    case 'misaligned-superpage':
      return `misaligned superpage: the PPN is not a multiple of ${1 << (9 * level)}`;
    case 'pointer-at-level-0':
      return 'R, W and X are 0, so it points to a lower table, but level 0 is the lowest';
    case 'pointer-with-leaf-bits':
      return 'U, A and D are reserved in a pointer to a lower table and must be 0';
  }
}

/** Why a walk has no leaf: "level 0 index 4: V=0, nothing is mapped here". Undefined if it has one. */
export function errorText({ va, steps, error }: Walk): string | undefined {
  const last = steps.at(-1);
  if (error === undefined) return undefined;
  if (error === 'non-canonical' || !last)
    return `${hex(va)} is not an Sv39 address: bits 63 to 39 must all equal bit 38`;
  return `level ${last.level} index ${last.index}: ${errorAt(error, last)}`;
}

function errorAt(error: Exclude<Walk['error'], undefined>, { level, table, pte }: Step): string {
  switch (error) {
    case 'outside-memory':
      return `${level === ROOT_LEVEL ? 'the root' : 'the table'} at PA ${hex(table)} lies outside RAM`;
    case 'not-valid':
      return pte ? `V=0, though the entry is not empty (${hex(pte)})` : 'V=0, nothing is mapped here';
    case 'non-canonical':
      return 'not an Sv39 address';
    default:
      return problemText(error, level);
  }
}

/** The meaning of an entry of the walk: "next table at 0x87fff000", "leaf (4 KiB page)", "V=0: nothing is mapped here". */
function meaningOf({ level, table, pte }: Step): string {
  if (pte === undefined) return `the table at ${hex(table)} lies outside RAM`;
  const flags = pteFlags(pte);
  if (!(flags & PTE.V)) return pte === 0n ? 'V=0: nothing is mapped here' : 'V=0: not valid, though other bits are set';
  const problem = pteProblem(level, pte);
  if (problem) return problemText(problem, level);
  return isPointer(flags) ? `next table at ${hex(ptePhysical(pte))}` : `leaf (${LEAVES[level]})`;
}

const DENIALS: Record<Denial, string> = {
  'not-for-users': 'U=0, mode U',
  'for-users-only': 'U=1, mode S, sstatus.SUM=0',
  'no-fetch-from-user-page': 'U=1: S-mode may not fetch from a U page, SUM does not help',
  'not-readable': 'R=0',
  'only-executable': 'R=0 (X=1 would do with sstatus.MXR=1)',
  'not-writable': 'W=0',
  'not-executable': 'X=0',
};

/** The result of an access: why the walk fails, or which bits of the leaf forbid it, or "ok". */
export function accessText({ walk, denied }: TranslatedAddress, access: Access): string {
  const error = walk && errorText(walk);
  if (error !== undefined) return error;
  const [first, ...others] = denied[access];
  if (!walk?.leaf || first === undefined) return 'ok';
  const { R, W, X, V } = PTE;
  const set = flagText(pteFlags(walk.leaf.pte) & (V | R | W | X)).match(/\w/g) ?? [];
  const present = `${set.join(' ')} ${set.length === 1 ? 'is' : 'are'} set`;
  if (others.length > 0) return `${present}; ${denied[access].map((rule) => DENIALS[rule]).join('; and ')}`;
  const decides = first === 'no-fetch-from-user-page' ? '' : ': this one bit decides';
  return `${present}; ${DENIALS[first]}${decides}`;
}

const ACCESSES = ['load', 'store', 'fetch'] as const;

/** "load ok, store fails: W=0, fetch ok", or why there is no leaf. */
function verdictText({ walk, denied }: TranslatedAddress): string {
  const rules = (access: Access): string => denied[access].map((rule) => DENIALS[rule]).join('; ');
  const verdicts = ACCESSES.map((one) => (denied[one].length === 0 ? `${one} ok` : `${one} fails: ${rules(one)}`));
  return (walk && errorText(walk)) ?? verdicts.join(', ');
}

/** One row for each step: "level 0", "[4] PTE 0x21fdd8d7 at 0x87f65020, V R W - U - A D: leaf (4 KiB page)". */
export const stepRows = ({ steps }: Walk): Translation['rows'] =>
  steps.map((step) => {
    const { level, index, pte, pteAddress } = step;
    const entry = pte === undefined ? '(not in RAM)' : hex(pte);
    const flags = pte === undefined ? '' : `, ${flagText(pteFlags(pte))}`;
    return {
      name: `level ${level}`,
      text: `[${index}] PTE ${entry} at ${hex(pteAddress)}${flags}: ${meaningOf(step)}`,
    };
  });

/**
 * A translated address in words. `whyPhysical` says why addresses are physical, if they are; `region` is the name of the
 * region there.
 */
export function translationOf(
  translated: TranslatedAddress,
  root: PageTableRoot,
  whyPhysical: string,
  region: string | undefined,
): Translation {
  const { va, mode, pa, walk, denied } = translated;
  const verdict = walk ? verdictText(translated) : `not translated: ${whyPhysical}`;
  const leaf = walk?.leaf;
  const where = region === undefined ? '' : ` (${region})`;
  const flags = leaf ? `, ${flagText(pteFlags(leaf.pte))}` : '';
  const allowed = (access: Access): boolean => pa !== undefined && denied[access].length === 0;
  return {
    va: hex(va),
    ...(pa === undefined ? {} : { pa: hex(pa) }),
    root,
    mode: LETTERS[mode],
    verdict,
    allowed: { load: allowed('load'), store: allowed('store'), fetch: allowed('fetch') },
    ...(region === undefined ? {} : { region }),
    steps: (walk?.steps ?? []).map(wireStep),
    summary: pa === undefined ? `→ no translation: ${verdict}` : `→ PA ${hex(pa)}${flags}${where}`,
    rows: [
      { name: walk ? 'verdict' : 'translation', text: verdict },
      ...(walk ? stepRows(walk) : []),
      ...(walk && pa !== undefined ? [{ name: 'PA', text: hex(pa) }] : []),
    ],
  };
}

/** The fields of the entry that make a walk fail, by why it does. */
const WRONG: Record<Exclude<Walk['error'], undefined>, readonly string[]> = {
  'non-canonical': [],
  'outside-memory': [],
  'not-valid': ['V'],
  'reserved-bits': ['reserved'],
  'write-only': ['R', 'W'],
  'misaligned-superpage': ['PPN'],
  'pointer-at-level-0': ['R', 'W', 'X'],
  'pointer-with-leaf-bits': ['U', 'A', 'D'],
};

/** What decided that an access failed. */
export interface Deciding {
  /** The entry, as an index of the walk's steps; undefined where the address itself is no Sv39 address. */
  readonly step: number | undefined;
  /** Its fields that did, as `$pte(va)` names them: V, R, W, X, U, A, D, PPN, reserved. Empty where none of them did. */
  readonly bits: readonly string[];
}

/** `isAccessFault`: the entry allows the access, and what is at its physical page does not. */
export function decidingOf({ steps, error }: Walk, denied: readonly Denial[], isAccessFault: boolean): Deciding {
  // A table outside RAM: the entry above it, which names it, is what is wrong.
  const named = error === 'outside-memory' && steps.length > 1;
  const last = steps.length - (named ? 2 : 1);
  const bits = error ? (named ? ['PPN'] : WRONG[error]) : denied.map((rule) => FORBIDS[rule]);
  const leadsNowhere = bits.length === 0 && !error && isAccessFault;
  return { step: last < 0 ? undefined : last, bits: leadsNowhere ? ['PPN'] : bits };
}

/** A step as the protocol has it. */
export function wireStep(step: Step): WalkStep {
  const { level, index, pteAddress, pte } = step;
  const meaning = meaningOf(step);
  if (pte === undefined) return { level, index, pteAddress: hex(pteAddress), flags: '', meaning };
  const flags = pteFlags(pte);
  return {
    ...{ level, index, pteAddress: hex(pteAddress), pte: hex(pte), flags: flagText(flags), meaning },
    ...(flags & PTE.V ? { pa: hex(ptePhysical(pte)) } : {}),
  };
}
