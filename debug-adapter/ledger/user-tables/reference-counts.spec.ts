import { strict as assert } from 'node:assert';
import { PTE } from '../../../emulator/isa/sv39';
import * as C from '../../expressions/types';
import type { Type } from '../../symbols/api';
import { arrayOf, struct, TestProgram } from '../../testing/program';
import { userTables } from '../../testing/user-tables';
import { ReferenceCounts } from './reference-counts';

const ARRAY = 0x8010_0000n;
const RAM = 0x80000;
const FIRST = 0x80500;
const RU = PTE.R | PTE.U;

/** Two programs with ten pages of their own each and one that they share; every page's count is that of its entries, less `less`. */
function setUp(
  type: Type = arrayOf(C.INT, 0x1000),
  { start = RAM, less = 0, named = undefined as string | undefined, pages = 20 } = {},
) {
  const { memory, mappings, map } = userTables(2);
  const program = new TestProgram();
  program.addGlobal('references', type, ARRAY);
  const set = (page: number, count: number): void =>
    void memory.write(ARRAY + BigInt(4 * (page - start)), new Uint8Array(Int32Array.of(count).buffer));
  for (let page = 0; page < pages; page++) {
    map(page % 2, page << 12, FIRST + page, RU);
    set(FIRST + page, 1 - less);
  }
  const SHARED = FIRST + 20;
  for (const one of [0, 1]) map(one, 0x40_0000, SHARED, RU);
  set(SHARED, 2 - less);
  const xv6 = { binary: program, read: (address: bigint, length: number) => memory.read(address, length) };
  const counts = new ReferenceCounts(xv6, memory, mappings, named);
  let moment = 0;
  const judge = (at = `${moment++}`) => {
    mappings.count();
    return counts.judge(at);
  };
  return { counts, judge, set, map, shared: SHARED };
}

describe('counts of references', () => {
  it('are those of the entries that map a page', () => {
    const { judge, set, shared } = setUp();
    assert.equal(judge(), undefined);
    set(shared, 1);
    assert.deepEqual(judge(), {
      ...{ page: BigInt(shared) << 12n, name: `references[${shared - RAM}]`, count: 1, right: 2, entries: 2 },
    });
    set(shared, 2);
    set(FIRST + 3, 2);
    assert.deepEqual(judge(), {
      ...{ page: BigInt(FIRST + 3) << 12n, name: `references[${FIRST + 3 - RAM}]`, count: 2, right: 1, entries: 1 },
    });
  });

  it('may be of those beyond the first', () => {
    const { judge, set, shared } = setUp(undefined, { less: 1 });
    assert.equal(judge(), undefined);
    set(shared, 0);
    assert.equal(judge()?.right, 1);
  });

  it('may begin at page 0, at the first of the allocator, or anywhere in a structure', () => {
    for (const [type, start] of [
      [arrayOf(C.INT, 0x8_1000), 0],
      [arrayOf(C.INT, 0xc00), 0x80400],
      [struct(undefined, { count: arrayOf(C.INT, 0x1000) }), RAM],
    ] as const) {
      const { judge, set, shared } = setUp(type, { start });
      assert.equal(judge(), undefined);
      set(shared, 7);
      assert.match(judge()?.name ?? '', new RegExp(`\\[${shared - start}\\]$`));
    }
  });

  it('are not seen in an array that does not fit what is mapped', () => {
    const { judge, set } = setUp();
    for (let page = 0; page < 10; page++) set(FIRST + page, 0);
    assert.equal(judge(), undefined);
    const zeroes = setUp();
    for (let page = 0; page <= 20; page++) zeroes.set(FIRST + page, 0);
    assert.equal(zeroes.judge(), undefined, 'all 0, also where a page is shared');
  });

  it('are seen by at least eight pages, nine of ten alike, and by one that is shared where the length says nothing', () => {
    const wrongWith = (pages: number): boolean => {
      const { judge, set, shared } = setUp(undefined, { pages });
      set(shared, 1);
      return judge() !== undefined;
    };
    assert.deepEqual([wrongWith(7), wrongWith(8)], [false, true]);
    const othersIn = (unlike: number): boolean => {
      const { judge, set } = setUp();
      for (let page = 0; page < unlike; page++) set(FIRST + page, 5);
      return judge() !== undefined;
    };
    assert.deepEqual([othersIn(2), othersIn(3)], [true, false]);
    // As many elements as pages: counts. Some more: whatever is 1 everywhere.
    const allOnes = (length: number): boolean => {
      const { judge, set, shared } = setUp(arrayOf(C.INT, length));
      set(shared, 1);
      return judge() !== undefined;
    };
    assert.deepEqual([allOnes(0x1000), allOnes(0x1001)], [true, false]);
  });

  it('are not those of pages that no program may use', () => {
    const { judge, map, set } = setUp();
    assert.equal(judge(), undefined);
    map(0, 0x3f_f000, FIRST + 40, PTE.R | PTE.W);
    set(FIRST + 40, 0);
    assert.equal(judge(), undefined, 'a trap frame');
  });

  it('are told once, at the same moment again, and in another future', () => {
    const { counts, judge, set, shared } = setUp();
    judge();
    set(shared, 1);
    assert.ok(judge('then'));
    assert.equal(judge(), undefined);
    assert.ok(judge('then'));
    counts.branched();
    assert.ok(judge());
  });

  it('are known again when they are restored', () => {
    const { counts, judge, set, shared } = setUp();
    const before = counts.save();
    judge();
    const learned = counts.save();
    for (let page = 0; page < 20; page++) set(FIRST + page, 3);
    counts.restore(before);
    assert.equal(judge(), undefined);
    counts.restore(learned);
    assert.equal(judge()?.count, 3);
    assert.deepEqual(counts.of(shared), { name: `references[${shared - RAM}]`, value: 2 });
    assert.throws(() => counts.restore({ index: 99, single: 1 }), /index/);
  });

  it('need an array, or one that is named rightly', () => {
    assert.match(setUp(arrayOf(C.INT, 8)).counts.missing!, /no array with a count for each page; "referenceCounts"/);
    assert.match(setUp(undefined, { named: 'ref.count' }).counts.missing!, /no array ref\.count of counts/);
    assert.equal(setUp(undefined, { named: 'references' }).counts.missing, undefined);
  });
});
