/**
 * A VA seen through one table, for hovers and the panel: protocol.ts's `Translation`.
 */
import type { PageTableRoot, Translation, WalkStep } from '../protocol';
import { checkPermission, type AccessMode } from './permission';
import type { Regions } from './regions';
import { flagText, hex, pteFlags, ptePhysical, walk, type ReadU64, type Step, type Walk } from './walk';

/** How to judge each kind of access; loads and stores may differ from fetches by MPRV. */
export interface AccessModes {
  load: AccessMode;
  store: AccessMode;
  fetch: AccessMode;
}

/** Translates `va` by the table `root` (its `root` must be set), for accesses judged by `judges`. */
export function translate(
  va: bigint,
  root: PageTableRoot,
  judges: AccessModes,
  readU64: ReadU64,
  regions?: Regions,
): Translation {
  if (root.root === undefined)
    throw new RangeError(`${root.label} has no page table now, so nothing can be translated`);
  const walked = walk(BigInt(root.root), va, readU64);
  const verdicts = (['load', 'store', 'fetch'] as const).map((access) => ({
    access,
    ...checkPermission(walked, access, judges[access]),
  }));
  const [load, store, fetch] = verdicts;
  const translation: Translation = {
    va: hex(walked.va),
    root,
    mode: judges.load.mode,
    verdict:
      walked.failure?.text ??
      verdicts
        .map(({ access, allowed, because }) => (allowed ? `${access} ok` : `${access} fails: ${because.join('; ')}`))
        .join(', '),
    allowed: { load: load!.allowed, store: store!.allowed, fetch: fetch!.allowed },
    steps: walked.steps.map(stepOf),
  };
  if (walked.leaf) translation.pa = hex(walked.leaf.pa);
  const region = regionOf(walked, regions);
  if (region) translation.region = region;
  return translation;
}

/** A VA that is a physical address as it stands: paging is off, or the hart is in M-mode. */
export function translateBare(va: bigint, root: PageTableRoot, mode: 'U' | 'S' | 'M', why: string): Translation {
  return {
    va: hex(BigInt.asUintN(64, va)),
    pa: hex(BigInt.asUintN(64, va)),
    root,
    mode,
    verdict: `not translated: ${why}`,
    allowed: { load: true, store: true, fetch: true },
    steps: [],
  };
}

/** The name of the region that a walked VA lies in, mapped or not. */
export function regionOf(walked: Walk, regions: Regions | undefined): string | undefined {
  if (!regions || walked.failure?.kind === 'non-canonical') return undefined;
  const vpn = Number((walked.va >> 12n) & 0x7ffffffn);
  if (!walked.leaf) return regions.nameAt(vpn, undefined, 0).name;
  return regions.nameAt(vpn, Number(walked.leaf.pa >> 12n), pteFlags(walked.leaf.pte)).name;
}

function stepOf(step: Step): WalkStep {
  const out: WalkStep = {
    level: step.level,
    index: step.index,
    pteAddress: hex(step.pteAddress),
    flags: step.pte === undefined ? '' : flagText(pteFlags(step.pte)),
    meaning: step.meaning,
  };
  if (step.pte !== undefined) {
    out.pte = hex(step.pte);
    if (step.pte & 1n) out.pa = hex(ptePhysical(step.pte));
  }
  return out;
}

/** All three accesses in one mode, for tables that are not loaded in any hart. */
export const sameModes = (by: AccessMode): AccessModes => ({ load: by, store: by, fetch: by });
