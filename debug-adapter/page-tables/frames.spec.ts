import assert from 'node:assert/strict';
import { PTE } from '../../emulator/isa/sv39';
import { TestMemory } from '../../emulator/testing/page-tables';
import type { FrameRun, FramesModel } from '../protocol';
import type { Regions } from '../xv6/regions';
import { framesOf, type FrameSources } from './frames';

const { R, W, X, U } = PTE;
const BASE = 0x80000;
const PAGE = 4096n;
const unnamed: Regions = { nameAt: () => ({ name: undefined, pages: Infinity }) };
const top = { trampoline: 0x3ffffff000n, trapFrame: 0x3fffffe000n, usyscall: 0x3fffffd000n, linked: undefined };

/** Kernel text in pages 0 and 1, data in 2 and 3; tables are made from page 0x80 on; all pages are free that are not in `used`. */
function setUp(used: number[] = []) {
  const memory = new TestMemory(0x100000, 0x80080000n);
  const free = new Set<number>();
  for (let page = BASE + 4; page < BASE + 0x80; page++) if (!used.includes(page - BASE)) free.add(page);
  const frames = (more: Partial<FrameSources> = {}): FramesModel =>
    framesOf({
      ...{ memory, tables: [], free: { pages: free }, registers: [] },
      layout: { text: { start: BASE, end: BASE + 2 }, data: { start: BASE + 2, end: BASE + 4 }, top, physical: [] },
      ...more,
    });
  return { memory, free, frames };
}

const at = (page: number): bigint => BigInt(BASE + page) * PAGE;
const use = (model: FramesModel, page: number): FrameRun => {
  const number = BASE + page;
  const run = model.runs.find(
    ({ pa, count }) => number >= Number(BigInt(pa) >> 12n) && number < Number(BigInt(pa) >> 12n) + count,
  );
  assert.ok(run);
  return run;
};

describe('the frames of RAM', () => {
  it('are the kernel’s, free, or leaked, and every one is told', () => {
    const { frames } = setUp([9, 0x20, 0x21]);
    const model = frames();
    assert.deepEqual(
      model.runs.slice(0, 6).map(({ pa, count, use: what }) => [pa, count, what]),
      [
        ['0x80000000', 2, 'text'],
        ['0x80002000', 2, 'data'],
        ['0x80004000', 5, 'free'],
        ['0x80009000', 1, 'leaked'],
        ['0x8000a000', 0x16, 'free'],
        ['0x80020000', 2, 'leaked'],
      ],
    );
    assert.equal(
      Object.values(model.totals).reduce((sum, count) => sum + count, 0),
      0x100,
    );
    assert.equal(model.totals.leaked, 3 + 0x80, 'nothing leads to the pages from 0x80 on');
    assert.deepEqual(model.notes, []);
  });

  it('are allocated where the kernel has a word that leads there, over any number of pages', () => {
    const { memory, frames } = setUp([9, 10, 11, 12]);
    memory.writeU64(at(3) + 8n, at(9) + 0x123n);
    memory.writeU64(at(9) + 0xff8n, at(10));
    memory.writeU64(at(12), at(11));
    const model = frames();
    assert.deepEqual(
      [9, 10, 11, 12].map((page) => use(model, page).use),
      ['kernel', 'kernel', 'leaked', 'leaked'],
    );
    assert.equal(use(frames({ registers: [at(12) + 8n] }), 11).use, 'kernel');
  });

  it('are followed from kernel stacks, and not from what a program has in its memory', () => {
    const { memory, frames } = setUp([9, 10, 11, 12]);
    const root = memory.page();
    memory.map(root, 0x3fffffd000n, at(9), R | W);
    memory.map(root, 0x1000n, at(11), R | W | U);
    memory.writeU64(at(9) + 0xf00n, at(10));
    memory.writeU64(at(11) + 0xf00n, at(12));
    const model = frames({ tables: [{ id: 'pid:1', label: 'pid 1 init', root, pid: 1, regions: unnamed }] });
    assert.deepEqual(
      [9, 10, 11, 12].map((page) => use(model, page).use),
      ['mapped', 'kernel', 'mapped', 'leaked'],
    );
  });

  it('are pages of tables, with whose and at which level', () => {
    const { memory, frames } = setUp([9]);
    const root = memory.page();
    memory.map(root, 0x1000n, at(9), R | U);
    const model = frames({ tables: [{ id: 'pid:1', label: 'pid 1 init', root, pid: 1, regions: unnamed }] });
    assert.deepEqual(
      [0x80, 0x81, 0x82].map((page) => [use(model, page).use, use(model, page).table]),
      [2, 1, 0].map((level) => ['table', { label: 'pid 1 init', level }]),
    );
  });

  it('are mapped, with all addresses but that in the map of all RAM, or shared', () => {
    const { memory, frames } = setUp([9, 10]);
    const [one, two, kernel] = [memory.page(), memory.page(), memory.page()];
    memory.map(one, 0x1000n, at(9), R | U);
    memory.map(one, 0x2000n, at(10), R | U);
    memory.map(two, 0x5000n, at(9), R | W | U);
    memory.map(kernel, at(9), at(9), R | W);
    memory.map(kernel, 0x1000n, at(10), R | W);
    const tables = [
      {
        id: 'pid:1',
        label: 'pid 1 init',
        root: one,
        pid: 1,
        regions: { nameAt: () => ({ name: 'user text', pages: 1 }) },
      },
      { id: 'pid:2', label: 'pid 2 sh', root: two, pid: 2, regions: unnamed },
      { id: 'pid:1:kernel', label: 'pid 1 init, kpt', root: kernel, pid: 1, regions: unnamed },
    ];
    const model = frames({ tables });
    assert.deepEqual(use(model, 9).mappings, [
      { root: 'pid:1', label: 'pid 1 init', va: '0x1000', flags: 1 | R | U, region: 'user text' },
      { root: 'pid:2', label: 'pid 2 sh', va: '0x5000', flags: 1 | R | W | U },
    ]);
    assert.equal(use(model, 9).use, 'shared');
    assert.deepEqual(
      [use(model, 10).use, use(model, 10).mappings.length],
      ['mapped', 2],
      'its own kernel table is no other process',
    );
  });

  it('are told together while addresses and frames go on alike', () => {
    const { memory, frames } = setUp([9, 10, 11, 12]);
    const root = memory.page();
    [9, 10, 11].forEach((page) => memory.map(root, BigInt(page) * PAGE, at(page), R | U));
    memory.map(root, 0x40000n, at(12), R | U);
    const model = frames({ tables: [{ id: 'pid:1', label: 'pid 1 init', root, pid: 1, regions: unnamed }] });
    assert.deepEqual([use(model, 11).count, use(model, 11).mappings[0]!.va], [3, '0x9000']);
    assert.equal(use(model, 12).count, 1);
  });

  it('are on the list of free pages and in use, which is said', () => {
    const { memory, free, frames } = setUp([9]);
    const root = memory.page();
    memory.map(root, 0x4000n, at(9), R | U);
    free.add(BASE + 9);
    free.add(BASE + 0x81);
    const model = frames({ tables: [{ id: 'pid:1', label: 'pid 1 init', root, pid: 1, regions: unnamed }] });
    assert.equal(use(model, 9).problem, 'on the list of free pages, and mapped at 0x4000 by pid 1 init');
    assert.match(use(model, 0x81).problem!, /part of the page table of pid 1 init$/);
    assert.equal(use(model, 0x80).problem, undefined);
  });

  it('of a table that is nobody’s yet belong to it, if the kernel has its root', () => {
    const { memory, frames } = setUp([9]);
    const root = memory.page();
    memory.map(root, 0x4000n, at(9), R | X | U);
    assert.equal(use(frames(), 9).use, 'leaked');
    const model = frames({ registers: [root] });
    assert.equal(use(model, 9).use, 'mapped');
    assert.deepEqual(use(model, 0x82).table, {
      label: 'a table that is no process’s, with its root at 0x80080000',
      level: 0,
    });
  });

  it('are not called leaked where the list of free pages is not known, or broken', () => {
    const { frames, free } = setUp([9]);
    const model = frames({ free: undefined });
    assert.deepEqual([model.totals.leaked, use(model, 9).use, use(model, 10).use], [0, 'unknown', 'unknown']);
    assert.match(model.notes.join(), /no kmem.freelist/);
    const broken = frames({ free: { pages: free, broken: 0x1234n } });
    assert.deepEqual([broken.totals.leaked, use(broken, 9).use, use(broken, 10).use], [0, 'unknown', 'free']);
    assert.match(broken.notes.join(), /it leads to 0x1234/);
  });

  it('are told within bounds of a table that maps everything many times', () => {
    const { memory, frames } = setUp();
    const [root, middle] = [memory.page(), memory.page()];
    for (let i = 0n; i < 512n; i++) {
      memory.writeU64(root + 8n * i, ((middle >> 12n) << 10n) | 1n);
      memory.writeU64(middle + 8n * i, ((at(0) >> 12n) << 10n) | 0xfn);
    }
    const model = frames({ tables: [{ id: 'x', label: 'x', root, regions: unnamed }] });
    assert.match(model.notes.join(), /more than 1,048,576 mappings: some are left out/);
    assert.ok(use(model, 9).mappings.length <= 16);
    assert.ok(use(model, 9).more! > 1000);
  });
});
