/** The strict TLB's state, as it is saved with the machine's and restored. */
import type { SavedState } from '../history/saved-state';
import type { State } from '../types';
import type { FenceInVain, UnfencedChange } from './event';
import { type LeftTable, type OldEntry, Space } from './space';
import type { HartTlb, StrictTlb } from './strict-tlb';

export function saveTlb(strict: StrictTlb): State {
  return {
    uses: strict.uses.save(),
    counts: strict.counts.save(),
    globalRoots: [...strict.globalRoots].sort((a, b) => a - b),
    random: strict.random,
    toldFault: strict.toldFault,
    harts: strict.harts.map(saveHart),
  };
}

/** Throws an Error if it is not what `saveTlb` gave. */
export function restoreTlb(strict: StrictTlb, saved: SavedState): void {
  strict.uses.restore(saved.list('uses'));
  strict.counts.restore(saved.records('counts'));
  strict.globalRoots.clear();
  for (const root of saved.numbers('globalRoots')) strict.globalRoots.add(root);
  strict.random = saved.count('random');
  strict.toldFault = saved.boolean('toldFault');
  saved.records('harts', strict.harts.length).forEach((hart, id) => restoreHart(strict.harts[id]!, hart));
}

const saveHart = ({ spaces, current, isActive, low, high, settled, hasNew }: HartTlb): State => ({
  ...{ isActive, low, high, settled, hasNew },
  current: current === undefined ? -1 : spaces.indexOf(current),
  spaces: spaces.map(saveSpace),
});

function restoreHart(tlb: HartTlb, saved: SavedState): void {
  tlb.spaces = saved.records('spaces').map(restoreSpace);
  tlb.current = tlb.spaces[saved.number('current')];
  tlb.isActive = saved.boolean('isActive');
  tlb.low = saved.number('low');
  tlb.high = saved.number('high');
  tlb.settled = saved.boolean('settled');
  tlb.hasNew = saved.boolean('hasNew');
  tlb.altered = true;
}

const saveSpace = (space: Space): State => ({
  ...{ asid: space.asid, root: space.root, onlyGlobal: space.onlyGlobal },
  leftBy: space.leftBy === undefined ? null : saveChange(space.leftBy),
  fence: space.fence === undefined ? null : saveFence(space.fence),
  fencedPages: [...space.fencedPages].map(([page, globalToo]) => [page, globalToo]),
  told: [...space.told],
  old: [...space.old].map(([address, entry]) => ({ address, ...saveOld(entry) })),
  left: [...space.left].map(([table, left]) => ({ table, ...saveLeft(left) })),
});

function restoreSpace(saved: SavedState): Space {
  const space = new Space(saved.count('asid'), saved.number('root'));
  space.onlyGlobal = saved.boolean('onlyGlobal');
  if (saved.raw('leftBy') !== null) space.leftBy = restoreChange(saved.record('leftBy'));
  if (saved.raw('fence') !== null) space.fence = restoreFence(saved.record('fence'));
  for (const one of saved.list('fencedPages')) {
    const [page, globalToo] = Array.isArray(one) ? one : [];
    space.fencedPages.set(Number(page), globalToo === true);
  }
  for (const page of saved.numbers('told')) space.told.add(page);
  for (const one of saved.records('old')) space.old.set(one.number('address'), restoreOld(one));
  for (const one of saved.records('left')) space.left.set(one.number('table'), restoreLeft(one));
  return space;
}

const saveOld = ({ pte, first, pages, change, fence, told, below }: OldEntry): Record<string, State> => ({
  ...{ pte, first, pages, told },
  change: saveChange(change),
  fence: fence === undefined ? null : saveFence(fence),
  below: below === undefined ? null : [...below].map(([table, entries]) => ({ table, entries: bytesOf(entries) })),
});

function restoreOld(saved: SavedState): OldEntry {
  const below =
    saved.raw('below') === null
      ? undefined
      : new Map(saved.records('below').map((one) => [one.number('table'), wordsOf(one.bytes('entries'))] as const));
  return {
    pte: saved.bigint('pte'),
    first: saved.count('first'),
    pages: saved.count('pages'),
    told: saved.boolean('told'),
    change: restoreChange(saved.record('change')),
    ...(saved.raw('fence') !== null && { fence: restoreFence(saved.record('fence')) }),
    ...(below && { below }),
  };
}

const saveLeft = ({ entries, use, changes }: LeftTable): Record<string, State> => ({
  entries: bytesOf(entries),
  use: { ...use },
  changes: [...changes].map(([index, change]) => ({ index, change: saveChange(change) })),
});

function restoreLeft(saved: SavedState): LeftTable {
  const use = saved.record('use');
  return {
    entries: wordsOf(saved.bytes('entries')),
    use: { root: use.number('root'), first: use.count('first'), pages: use.count('pages') },
    changes: new Map(
      saved.records('changes').map((one) => [one.index('index', 512), restoreChange(one.record('change'))] as const),
    ),
  };
}

const saveChange = ({ by, hart, pc, time }: UnfencedChange): State => ({
  ...{ by, time },
  ...{ hart: hart ?? null, pc: pc ?? null },
});

function restoreChange(saved: SavedState): UnfencedChange {
  const by = saved.text('by') === 'satp' ? 'satp' : 'store';
  const time = saved.number('time');
  return saved.raw('hart') === null ? { by, time } : { by, time, hart: saved.count('hart'), pc: saved.bigint('pc') };
}

const saveFence = ({ hart, pc, time, address, asid, because }: FenceInVain): State => ({
  ...{ hart, pc, time, because },
  ...{ address: address ?? null, asid: asid ?? null },
});

function restoreFence(saved: SavedState): FenceInVain {
  const because = saved.text('because');
  return {
    ...{ hart: saved.count('hart'), pc: saved.bigint('pc'), time: saved.number('time') },
    ...(saved.raw('address') !== null && { address: saved.bigint('address') }),
    ...(saved.raw('asid') !== null && { asid: saved.bigint('asid') }),
    because: because === 'asid' || because === 'hart' ? because : 'address',
  };
}

const bytesOf = (words: BigUint64Array): Uint8Array =>
  new Uint8Array(words.buffer, words.byteOffset, words.byteLength).slice();
const wordsOf = (bytes: Uint8Array): BigUint64Array => new BigUint64Array(bytes.slice().buffer);
