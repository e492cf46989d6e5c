import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { PteRun } from '../../debug-adapter/protocol';
import { areaMatches, countDifferences, differing, filterEntries } from './filter';

const run: PteRun = {
  level: 0,
  index: 8,
  count: 100,
  va: '0x80008000',
  pte: '0x20002007',
  pteAddress: '0x87f66040',
  pa: '0x80008000',
  flags: 0xc7,
  region: 'kernel data',
};
const trapframe: PteRun = {
  ...run,
  index: 510,
  count: 1,
  va: '0x3fffffe000',
  pa: '0x87f76000',
  pte: '0x21fdd807',
  pteAddress: '0x87f66ff0',
  region: 'trap frame',
};
const shell: PteRun = {
  ...run,
  index: 0,
  count: 1,
  va: '0x0',
  pa: '0x87f64000',
  pteAddress: '0x87f66000',
  flags: 0xdf,
  region: 'user text',
  change: 'added',
};
const entries: PteRun[] = [
  {
    ...run,
    level: 2,
    index: 0,
    count: 1,
    va: '0x0',
    pa: '0x87f65000',
    pteAddress: '0x87f67000',
    flags: 1,
    region: undefined,
    children: [
      {
        ...run,
        level: 1,
        index: 0,
        count: 1,
        va: '0x0',
        pa: '0x87f66000',
        pteAddress: '0x87f65000',
        flags: 1,
        region: undefined,
        children: [shell, run, trapframe],
      },
    ],
  },
];
const found = (text: string) =>
  filterEntries(entries, text).flatMap((root) => root.children?.flatMap((table) => table.children ?? []) ?? []);

describe('filter of a page table', () => {
  it('finds the entry that maps an address, alone out of its run', () => {
    const [leaf, ...others] = found('0x80010123');
    assert.deepEqual(others, []);
    assert.deepEqual(
      [leaf.index, leaf.count, leaf.va, leaf.pa, leaf.pteAddress],
      [16, 1, '0x80010000', '0x80010000', '0x87f66080'],
    );
    assert.equal(leaf.pte, '0x20004007');
  });

  it('finds by physical address, and by the place of the entry itself', () => {
    assert.deepEqual(found('87f76008'), [trapframe]);
    assert.deepEqual(
      found('0x87f66ff0').map(({ index }) => index),
      [510],
    );
  });

  it('finds by region, by permissions, and by change', () => {
    assert.deepEqual(found('trap'), [trapframe]);
    assert.deepEqual(found('rwxu'), [shell]);
    assert.deepEqual(found('rw').length, 2);
    assert.deepEqual(found('ADDED'), [shell]);
  });

  it('finds only virtual, or only physical addresses where that is said', () => {
    assert.deepEqual(found('va:0x3fffffe123'), [trapframe]);
    assert.deepEqual(found('pa:0x3fffffe123'), []);
    assert.deepEqual(found('pa:87f76000'), [trapframe]);
    assert.deepEqual(found('va:0x87f76000'), []);
    assert.deepEqual(found('va:0'), [shell]);
    assert.equal(filterEntries(entries, 'va:0x87f65ff8').length, 0);
  });

  it('finds by a single flag that is set or not', () => {
    assert.deepEqual(found('+u'), [shell]);
    assert.deepEqual(found('-u -x').length, 2);
    assert.deepEqual(found('+w -u'), [run, trapframe]);
    assert.deepEqual(found('+g'), []);
  });

  it('finds the boxes of a drawing in the same way', () => {
    const area = { ...{ va: '0x1000', last: '0x2fff', pages: 2, flags: 0x17 }, pa: '0x80004000', region: 'user stack' };
    for (const text of ['', 'stack', '0x2fff', '80005123', 'va:0x1000', 'pa:0x80004000', 'rwu', '+w', '-x stack'])
      assert.ok(areaMatches(area, text), text);
    for (const text of ['heap', '0x3000', '80006000', 'pa:0x1000', 'va:80004000', 'rw', '+x', 'stack +x'])
      assert.ok(!areaMatches(area, text), text);
    assert.ok(!areaMatches({ ...area, flags: 0 }, '-x'), 'what is not mapped has no flags');
    assert.ok(areaMatches({ ...area, region: 'stacks', parts: [{ ...area, region: 'stack of pid 7' }] }, 'pid 7'));
  });

  it('leaves what differs of two tables, and counts it', () => {
    const touched: PteRun = { ...trapframe, change: 'changed', touchedOnly: true };
    const removed: PteRun = { ...run, change: 'removed' };
    const all = [{ ...entries[0]!, children: [{ ...entries[0]!.children![0]!, children: [shell, touched, removed] }] }];
    assert.deepEqual(
      differing(all).flatMap(({ children }) => children![0]!.children),
      [shell, removed],
    );
    assert.equal(countDifferences(all), 101);
    const equal = [{ ...entries[0]!, children: [run, touched] }];
    assert.deepEqual([differing(equal), countDifferences(equal)], [[], 0]);
    const pointer: PteRun = { ...entries[0]!, change: 'added', children: [] };
    assert.deepEqual(differing([pointer]), [pointer]);
  });

  it('requires all words to match, and keeps the tables that lead there', () => {
    assert.deepEqual(
      found('kernel 80009fff').map(({ index }) => index),
      [9],
    );
    assert.deepEqual(found('kernel 0x3fffffe000'), []);
    assert.equal(filterEntries(entries, 'trap')[0].children?.length, 1);
  });

  it('finds a table by its page', () => {
    const [root] = filterEntries(entries, '0x87f65ff8');
    assert.equal(root.pa, '0x87f65000');
  });

  it('matches everything when empty, and returns nothing when nothing matches', () => {
    assert.equal(filterEntries(entries, '  '), entries);
    assert.deepEqual(filterEntries(entries, 'plic'), []);
  });
});
