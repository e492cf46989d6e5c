import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import fc from 'fast-check';
import type { PteRun } from '../../debug-adapter/protocol';
import { changeText, expandableKeys, pathTo, VisibleRows } from './rows';

const hex = (value: number | bigint) => `0x${value.toString(16)}`;

function leaves(
  level: number,
  index: number,
  count: number,
  va: bigint,
  pa: bigint,
  more: Partial<PteRun> = {},
): PteRun {
  const pte = (pa >> 2n) | 7n;
  return {
    level,
    index,
    count,
    va: hex(va),
    pa: hex(pa),
    pte: hex(pte),
    pteAddress: hex(0x87f00000 + 8 * index),
    flags: 7,
    ...more,
  };
}

function table(level: number, index: number, va: bigint, children: PteRun[]): PteRun {
  return {
    level,
    index,
    count: 1,
    va: hex(va),
    pa: '0x87f66000',
    pte: '0x21fd9801',
    pteAddress: '0x87f65000',
    flags: 1,
    children,
  };
}

/** The lecture's first process: text, guard, stack; trap frame and trampoline. */
const process1 = [
  table(2, 0, 0n, [table(1, 0, 0n, [leaves(0, 0, 1, 0n, 0x87f64000n), leaves(0, 1, 2, 0x1000n, 0x87f61000n)])]),
  table(2, 255, 0x3fc0000000n, [
    table(1, 511, 0x3fffe00000n, [
      leaves(0, 510, 1, 0x3fffffe000n, 0x87f76000n),
      leaves(0, 511, 1, 0x3ffffff000n, 0x80007000n),
    ]),
  ]),
];
/** A table of the direct map, full of leaves. */
const fullTable = (index: number, more: Partial<PteRun> = {}): PteRun => {
  const at = 0x80000000n + BigInt(index) * 0x200000n;
  return table(1, index, at, [leaves(0, 0, 512, at, at, { region: 'RAM', ...more })]);
};
/** 64 of them below one: the direct map of 128 MiB. */
const direct = [
  table(
    2,
    2,
    0x80000000n,
    Array.from({ length: 64 }, (_, index) => fullTable(index)),
  ),
];
const none = new Map<string, boolean>();
const keys = (rows: VisibleRows) => Array.from({ length: rows.length }, (_, at) => rows.at(at).key);

describe('rows of a page table', () => {
  it('shows a small table unfolded, short runs leaf by leaf', () => {
    const rows = new VisibleRows(process1, none);
    assert.deepEqual(keys(rows), [
      '0',
      '0/0',
      '0/0/0',
      '0/0/1',
      '0/0/2',
      '255',
      '255/511',
      '255/511/510',
      '255/511/511',
    ]);
    const second = rows.at(4);
    assert.equal(second.kind, 'leaf');
    assert.equal(second.va, 0x2000n);
    assert.equal(second.last, 0x2fffn);
    assert.equal(second.pa, 0x87f62000n);
    assert.equal(second.pte, (0x87f62000n >> 2n) | 7n);
    assert.equal(second.pteAddress, 0x87f00010n);
    assert.deepEqual([second.position, second.siblings, second.depth], [3, 3, 2]);
  });

  it('covers with a pointer all that the lower table maps', () => {
    const rows = new VisibleRows(process1, none);
    assert.equal(rows.at(5).last, 0x3fffffffffn);
    assert.equal(rows.at(6).last, 0x3fffffffffn);
    assert.equal(rows.at(6).va, 0x3fffe00000n);
  });

  it('says of a table what lies below it', () => {
    const below = ['text', 'data', 'text', 'free memory'].map((region, at) =>
      leaves(0, at, 1, 0n, 0x80000000n, { region }),
    );
    const named = (count: number) =>
      new VisibleRows([table(2, 0, 0n, [table(1, 0, 0n, below.slice(0, count))])], none).at(0).region;
    assert.deepEqual([0, 1, 3, 4].map(named), [undefined, 'text', 'text, data', 'text, data and 1 more']);
  });

  it('folds a run of many leaves into a row, and unfolds it', () => {
    const expansion = new Map([['2/0', true]]);
    const direct = [table(2, 2, 0x80000000n, [fullTable(0)])];
    const folded = new VisibleRows(direct, expansion);
    assert.equal(folded.at(2).kind, 'run');
    assert.equal(folded.at(2).count, 512);
    assert.equal(folded.at(2).last, 0x801fffffn);
    expansion.set('2/0/0+', true);
    const unfolded = new VisibleRows(direct, expansion);
    assert.equal(unfolded.length, folded.length + 512);
    assert.equal(unfolded.at(3 + 511).va, 0x801ff000n);
    assert.equal(unfolded.at(3 + 511).key, '2/0/511');
    assert.equal(unfolded.parentOf(3 + 511), 2);
    assert.equal(unfolded.parentOf(2), 1);
    assert.equal(unfolded.parentOf(0), -1);
  });

  it('folds the direct map into one row, and unfolds it', () => {
    const folded = new VisibleRows(direct, none);
    assert.deepEqual(keys(folded), ['2', '2/0*']);
    const { kind, index, count, va, last, pa, flags, region, depth, position, siblings } = folded.at(1);
    assert.deepEqual([kind, index, count, depth, position, siblings], ['tables', 0, 64, 1, 1, 1]);
    assert.deepEqual([va, last, pa, flags, region], [0x80000000n, 0x87ffffffn, 0x80000000n, 7, 'RAM']);
    const unfolded = new VisibleRows(direct, new Map([['2/0*', true]]));
    assert.equal(unfolded.length, 2 + 64 + 64);
    const last64 = unfolded.at(unfolded.indexOf('2/63'));
    assert.deepEqual([last64.kind, last64.depth, last64.position, last64.siblings], ['table', 2, 64, 64]);
    assert.equal(unfolded.parentOf(unfolded.indexOf('2/63')), 1);
    assert.ok(expandableKeys(direct, true).includes('2/0*'));
    assert.ok(!expandableKeys(direct, false).includes('2/0*'));
  });

  it('folds no tables together of which one is not like the others', () => {
    const rows = (...tables: PteRun[]) => keys(new VisibleRows([table(2, 2, 0x80000000n, tables)], none));
    const many = (from: number) => Array.from({ length: 5 }, (_, i) => fullTable(from + i));
    assert.deepEqual(rows(...many(0), ...many(5)), ['2', '2/0*']);
    assert.deepEqual(rows(...many(0), ...many(6)), ['2', '2/0*', '2/6*']);
    for (const more of [
      { flags: 1 },
      { region: 'data' },
      { change: 'added' },
      { problem: 'W' },
      { pa: '0x0' },
    ] as const)
      assert.ok(rows(...many(0), fullTable(5, more), ...many(6)).includes('2/5'), JSON.stringify(more));
    const part = table(1, 5, 0n, [leaves(0, 0, 511, 0n, 0x80a00000n, { region: 'RAM' })]);
    assert.ok(rows(...many(0), part).includes('2/5'));
    assert.ok(rows(...many(0).slice(1)).includes('2/1'), 'four are few enough to be seen');
  });

  it('leads to the entry of an address through all that is folded', () => {
    assert.deepEqual(pathTo(direct, 0x80405123n), ['2', '2/0*', '2/2', '2/2/0+', '2/2/5']);
    assert.deepEqual(pathTo(process1, 0x2fffn), ['0', '0/0', '0/0/2']);
    assert.deepEqual(pathTo(process1, 0x5000n), ['0', '0/0']);
    assert.deepEqual(pathTo(process1, 0x4000000000n), []);
    const expansion = new Map(pathTo(direct, 0x80405123n).map((key) => [key, true]));
    const rows = new VisibleRows(direct, expansion);
    assert.equal(rows.at(rows.indexOf('2/2/5')).va, 0x80405000n);
  });

  it('unfolds a table with a change in it, and keeps what the user folded', () => {
    const many = Array.from({ length: 300 }, (_, index) => table(1, index, 0n, [leaves(0, 0, 512, 0n, 0x80000000n)]));
    many[7] = table(1, 7, 0n, [leaves(0, 3, 1, 0n, 0x80000000n, { change: 'added' })]);
    const entries = [table(2, 0, 0n, many)];
    assert.ok(keys(new VisibleRows(entries, none)).includes('0/7/3'));
    assert.ok(!keys(new VisibleRows(entries, none)).includes('0/8/0+'));
    assert.ok(!keys(new VisibleRows(entries, new Map([['0/7', false]]))).includes('0/7/3'));
  });

  it('says in words what a change is, and whether more than A or D changed', () => {
    const words = (more: Partial<PteRun>) =>
      changeText(new VisibleRows([leaves(2, 0, 1, 0n, 0x80000000n, more)], none).at(0));
    assert.equal(words({}), undefined);
    assert.equal(words({ change: 'added' }), 'added since the last stop');
    assert.equal(words({ change: 'changed', before: '0x1' }), 'changed since the last stop');
    assert.equal(
      words({ change: 'changed', before: '0x1', touchedOnly: true }),
      'changed since the last stop: only A or D',
    );
  });

  it('says what another table has, and what it has not', () => {
    const words = (change: PteRun['change'], touchedOnly = false) => changeText({ change, touchedOnly }, 'pid 2 sh');
    assert.deepEqual([words('added'), words('removed')], ['not in pid 2 sh', 'only in pid 2 sh']);
    assert.deepEqual([words('changed', true), words(undefined)], ['differs from pid 2 sh: only A or D', undefined]);
  });

  it('gives every row a key of its own, found again where it stands', () => {
    const piece = fc.record({ gap: fc.nat(3), count: fc.integer({ min: 1, max: 40 }) });
    fc.assert(
      fc.property(fc.array(fc.array(piece, { maxLength: 5 }), { maxLength: 6 }), fc.boolean(), (tables, unfold) => {
        const entries = [
          table(
            2,
            0,
            0n,
            tables.map((pieces, index) => {
              let at = 0;
              const children = pieces.map(({ gap, count }) => {
                at += gap;
                const run = leaves(0, at, count, BigInt(at) << 12n, 0x80000000n);
                at += count;
                return run;
              });
              return table(1, index, 0n, children);
            }),
          ),
        ];
        const expansion = new Map(expandableKeys(entries, true).map((key) => [key, unfold]));
        const rows = new VisibleRows(entries, expansion);
        const all = keys(rows);
        assert.equal(new Set(all).size, all.length);
        all.forEach((key, at) => assert.equal(rows.indexOf(key), at));
        for (let at = 0; at < rows.length; at++) {
          const parent = rows.parentOf(at);
          assert.ok(parent < at);
          if (parent >= 0) assert.equal(rows.at(parent).depth, rows.at(at).depth - 1);
        }
      }),
    );
  });

  it('is quick with 33,000 leaves that all differ, unfolded', () => {
    const scattered = [
      table(
        2,
        2,
        0x80000000n,
        Array.from({ length: 65 }, (_, index) => {
          const at = 0x80000000n + BigInt(index) * 0x200000n;
          return table(
            1,
            index,
            at,
            Array.from({ length: 512 }, (__, leaf) =>
              leaves(0, leaf, 1, at + BigInt(leaf) * 4096n, at, { flags: leaf & 255 }),
            ),
          );
        }),
      ),
    ];
    const times: number[] = [];
    for (let attempt = 0; attempt < 5; attempt++) {
      const start = performance.now();
      const rows = new VisibleRows(scattered, new Map(), true);
      for (let at = 20_000; at < 20_060; at++) rows.at(at);
      times.push(performance.now() - start);
      assert.equal(rows.length, 1 + 65 + 65 * 512);
    }
    // The best of a few: the machine may be busy.
    const took = Math.min(...times);
    assert.ok(took < 1000, `took ${took.toFixed(1)} ms`);
  });
});
