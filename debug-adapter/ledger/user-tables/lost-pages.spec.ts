import { strict as assert } from 'node:assert';
import { SavedState } from '../../../emulator/history/saved-state';
import { PTE } from '../../../emulator/isa/sv39';
import { userTables } from '../../testing/user-tables';
import { Frames } from '../frames';
import type { FreeLists } from '../free-lists';
import { LostPages } from './lost-pages';

const PAGE = 0x80500;
const RU = PTE.R | PTE.U;
const CALL = { site: 0x8000_0100n, pid: 3 };

function setUp() {
  const { memory, roots, mappings, map } = userTables(2);
  const frames = new Frames(0x80000, 0x1000);
  const free = new Set<number>();
  const filled = new Set<number>();
  const lists = {
    has: (page: bigint) => free.has(Number(page >> 12n)),
    isFilled: (page: bigint) => filled.has(Number(page >> 12n)),
    readOnce: () => () => free,
  } as unknown as FreeLists;
  const lost = new LostPages(frames, lists, mappings);
  const allocate = (page: number, isPart = false): void => {
    frames.allocated(page, CALL);
    lost.allocated(page, isPart);
  };
  const judge = (): number[] => {
    mappings.count();
    return lost.judge().map(({ page }) => page);
  };
  const unmap = (program: number, va: number): void =>
    memory.writeU64(memory.map(roots[program]!, BigInt(va), 0n, 0), 0n);
  return { lost, frames, free, filled, allocate, judge, map, unmap, roots };
}

describe('lost pages', () => {
  it('are in no table any more, and not free', () => {
    const { allocate, free, judge, map, unmap } = setUp();
    for (const page of [PAGE, PAGE + 1, PAGE + 2]) allocate(page);
    for (const one of [0, 1]) map(one, 0x1000, PAGE, RU);
    map(0, 0x2000, PAGE + 1, RU);
    map(0, 0x3000, PAGE + 2, RU);
    assert.deepEqual(judge(), []);
    for (const va of [0x1000, 0x2000, 0x3000]) unmap(0, va);
    free.add(PAGE + 1);
    assert.deepEqual(judge(), [PAGE + 2], 'one is still mapped, one is free');
    assert.deepEqual(judge(), [], 'they are told once');
  });

  it('are not those that were freed, also where one has been used since; what was only counted down may be', () => {
    const { frames, allocate, free, filled, judge, map, unmap } = setUp();
    const [freed, used, counted, never] = [PAGE, PAGE + 1, PAGE + 2, PAGE + 3];
    const pages = [freed, used, counted, never];
    for (const page of pages) allocate(page);
    pages.forEach((page, at) => map(0, 0x1000 * (at + 1), page, RU));
    judge();
    pages.forEach((_, at) => unmap(0, 0x1000 * (at + 1)));
    for (const page of [freed, used, counted]) frames.freed(page, CALL);
    filled.add(freed);
    free.add(used);
    // A program's own filling is no sign for one that nobody has freed.
    filled.add(never);
    assert.deepEqual(judge(), [counted, never]);
  });

  it('are not those that were given out again', () => {
    const { allocate, judge, map, unmap } = setUp();
    allocate(PAGE);
    map(0, 0x1000, PAGE, RU);
    judge();
    unmap(0, 0x1000);
    allocate(PAGE);
    assert.deepEqual(judge(), []);
  });

  it('are none of which nobody knows where they are when they are free', () => {
    const { allocate, judge, map, unmap } = setUp();
    map(0, 0x1000, PAGE, RU);
    allocate(PAGE + 1, true);
    map(0, 0x2000, PAGE + 1, RU);
    judge();
    unmap(0, 0x1000);
    unmap(0, 0x2000);
    assert.deepEqual(judge(), []);
  });

  it('may be pages of tables', () => {
    const { lost, frames, allocate, judge, map, roots } = setUp();
    const root = Number(roots[1]! >> 12n);
    allocate(root);
    map(1, 0x1000, PAGE, RU);
    judge();
    roots.pop();
    const saved = new SavedState('lost', lost.save());
    assert.deepEqual(judge(), [root]);
    lost.restore(saved);
    assert.deepEqual(judge(), [root], 'restored');
    const known = frames.save();
    frames.clear();
    lost.restore(saved);
    frames.restore(known);
    assert.deepEqual(judge(), [root], 'restored before what is known of the pages is');
    lost.restore(saved);
    lost.clear();
    assert.deepEqual(judge(), []);
  });
});
