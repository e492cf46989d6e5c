import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { FrameMapping, FrameRun } from '../../debug-adapter/protocol';
import { FrameRows, framesMatching, mapOf, mappedAt, usedFor } from './frame-rows';

const mapping = (pid: number, va: string, region?: string): FrameMapping => ({
  ...{ root: `pid:${pid}`, label: `pid ${pid} sh`, va, flags: 0x1b },
  ...(region !== undefined && { region }),
});
const text: FrameRun = { pa: '0x80000000', count: 8, use: 'text', mappings: [] };
const free: FrameRun = { pa: '0x80008000', count: 4088, use: 'free', mappings: [] };
const stack: FrameRun = { pa: '0x81000000', count: 2, use: 'mapped', mappings: [mapping(3, '0x4000', 'user stack')] };
const shared: FrameRun = {
  ...{ pa: '0x81002000', count: 1, use: 'shared' },
  mappings: [mapping(3, '0x0', 'user text'), mapping(4, '0x0', 'user text'), mapping(5, '0x0', 'user text')],
  more: 2,
};
const table: FrameRun = {
  ...{ pa: '0x81003000', count: 1, use: 'table', mappings: [] },
  table: { label: 'pid 3 sh', level: 2 },
};
const lost: FrameRun = { pa: '0x81004000', count: 1, use: 'leaked', mappings: [] };
const all = [text, free, stack, shared, table, lost];

describe('the rows of the physical view', () => {
  it('say what frames are used for, whose they are, and where', () => {
    assert.deepEqual(
      all.map((run) => [usedFor(run), mappedAt(run)]),
      [
        ['kernel text', ''],
        ['free', ''],
        ['user stack', '0x4000 of pid 3 sh'],
        ['user text', '0x0 of pid 3 sh, 0x0 of pid 4 sh, 3 more'],
        ['page table, level 2', 'of pid 3 sh'],
        ['leaked: allocated, and nothing leads to it', ''],
      ],
    );
    assert.equal(
      usedFor({ ...stack, problem: 'on the list of free pages, and mapped' }),
      'on the list of free pages, and mapped',
    );
    assert.equal(usedFor({ ...stack, mappings: [mapping(3, '0x0')] }), 'mapped');
  });

  it('are found by use, owner, region, physical and virtual address', () => {
    const found = (words: string) => framesMatching(all, words).map((run) => all.indexOf(run));
    assert.deepEqual(found(''), [0, 1, 2, 3, 4, 5]);
    assert.deepEqual(found('leaked'), [5]);
    assert.deepEqual(found('pid 3'), [2, 3, 4]);
    assert.deepEqual(found('pid 3 stack'), [2]);
    assert.deepEqual(found('0x80009123'), [1]);
    assert.deepEqual(found('pa:0x81001fff'), [2]);
    assert.deepEqual(found('va:0x5fff'), [2], 'the second page of two');
    assert.deepEqual(found('va:0x6000'), []);
    assert.deepEqual(found('va:0x81000000'), []);
  });

  it('are found again by their frame', () => {
    const rows = new FrameRows(all);
    all.forEach((_, at) => assert.equal(rows.indexOf(rows.keyAt(at)), at));
    assert.equal(rows.indexOf('0x1'), -1);
  });
});

describe('the map of RAM', () => {
  it('shows of each cell what is most telling', () => {
    const { cells, frames } = mapOf({ runs: all });
    assert.deepEqual([frames, cells.length], [5, Math.ceil(4101 / 5)]);
    assert.deepEqual([cells[0], cells[1], cells[2], cells.at(-1)], ['text', 'text', 'free', 'leaked']);
    assert.equal(cells[Math.floor(4096 / 5)], 'shared');
  });

  it('shows what is used and free as the worst', () => {
    assert.deepEqual(mapOf({ runs: [{ ...stack, problem: 'free' }] }).cells, ['leaked', 'leaked']);
    assert.deepEqual(mapOf({ runs: [] }).cells, []);
  });
});
