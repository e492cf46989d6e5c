import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import fc from 'fast-check';
import type { FramesModel, PageTableModel, PteRun } from '../../debug-adapter/protocol';
import { readFromPanel, readToPanel } from './messages';
import { isFramesModel, isPageTableModel } from './model-checks';

const leaf: PteRun = {
  level: 0,
  index: 511,
  count: 1,
  va: '0x3ffffff000',
  pte: '0x20001c0b',
  pteAddress: '0x87f65ff8',
  pa: '0x80007000',
  flags: 0xb,
};
const model: PageTableModel = {
  roots: [{ id: 'satp', label: 'satp of hart 0', root: '0x87f67000' }],
  shown: { id: 'satp', label: 'satp of hart 0', root: '0x87f67000' },
  stop: 3,
  entries: [{ ...leaf, level: 2, index: 255, flags: 1, children: [{ ...leaf, level: 1, flags: 1, children: [leaf] }] }],
  areas: [
    { va: '0x0', last: '0x3fffffefff', pages: 0x3ffffff, flags: 0 },
    { ...{ va: '0x3ffffff000', last: '0x3fffffffff', pages: 1, flags: 0xb }, pa: '0x80007000', region: 'trampoline' },
  ],
  watched: ['0x87f65ff8'],
  leaves: 1,
  tablePages: 3,
  truncated: false,
};
const mapping = { root: 'pid:3', label: 'pid 3 sh', va: '0x0', flags: 0x1b, region: 'user text' };
const frames: FramesModel = {
  runs: [{ pa: '0x87f64000', count: 1, use: 'mapped', mappings: [mapping] }],
  totals: { boot: 0, text: 7, data: 28, free: 1, table: 3, mapped: 1, shared: 0, kernel: 0, leaked: 0, unknown: 0 },
  notes: [],
};
const withEntry = (entry: object) => ({ ...model, entries: [{ ...leaf, ...entry }] });

describe('messages of the page-table panel', () => {
  it('lets a model through as it is', () => {
    assert.equal(isPageTableModel(model), true);
    assert.deepEqual(readToPanel({ type: 'model', model }), { type: 'model', model });
    assert.equal(isFramesModel(frames), true);
    assert.deepEqual(readToPanel({ type: 'frames', model: frames }), { type: 'frames', model: frames });
    const exposure = { root: 'pid:3', label: 'pid 3 sh', areas: model.areas, exposed: 3 };
    const both = { ...exposure, kernel: { label: 'kernel_pagetable', areas: [], exposed: 4 } };
    for (const one of [exposure, both])
      assert.deepEqual(readToPanel({ type: 'exposure', model: one }), { type: 'exposure', model: one });
    for (const more of [{ label: 1 }, { areas: [{}] }, { exposed: -1 }, { kernel: {} }])
      assert.equal(readToPanel({ type: 'exposure', model: { ...exposure, ...more } }), undefined);
    const path = { type: 'path', va: '0x1000', words: '→ PA 0x87f64000' };
    assert.deepEqual(readToPanel(path), path);
    assert.deepEqual(readToPanel({ type: 'frame', pa: '0x87f64000' }), { type: 'frame', pa: '0x87f64000' });
    assert.deepEqual(readToPanel({ type: 'ended' }), { type: 'ended' });
  });

  it('stops what no adapter would send', () => {
    for (const entry of [
      { level: 3 },
      { level: 0, children: [] },
      { index: 512 },
      { index: 511, count: 2 },
      { count: 0 },
      { va: '<b>' },
      { pte: 'javascript:alert(1)' },
      { flags: 1.5 },
      { region: {} },
      { change: 'onload' },
      { change: 'changed', touchedOnly: 'yes' },
      { level: 1, children: [{ ...leaf, level: 1 }] },
    ])
      assert.equal(isPageTableModel(withEntry(entry)), false, JSON.stringify(entry));
    for (const area of [
      { va: '<b>' },
      { last: '0x0', va: '0x1000' },
      { pages: -1 },
      { flags: 'R' },
      { region: 1 },
      { parts: [{}] },
      { parts: [{ ...model.areas[1], parts: [] }] },
    ]) {
      assert.equal(
        isPageTableModel({ ...model, areas: [{ ...model.areas[1], ...area }] }),
        false,
        JSON.stringify(area),
      );
    }
    for (const run of [
      { pa: 1 },
      { count: 0 },
      { use: 'owned' },
      { mappings: [{ ...mapping, va: '<b>' }] },
      { table: {} },
    ])
      assert.equal(isFramesModel({ ...frames, runs: [{ ...frames.runs[0], ...run }] }), false, JSON.stringify(run));
    assert.equal(isFramesModel({ ...frames, totals: { free: 1 } }), false);
    assert.equal(isPageTableModel({ ...model, compared: 'pid 2 sh' }), true);
    assert.equal(isPageTableModel({ ...model, compared: {} }), false);
    assert.equal(isPageTableModel({ ...model, watched: ['here'] }), false);
    assert.equal(readToPanel({ type: 'path', va: 'x', words: '' }), undefined);
    assert.equal(readToPanel({ type: 'model', model: { ...model, roots: undefined } }), undefined);
    assert.equal(readToPanel({ type: 'evaluate' }), undefined);
  });

  it('takes from the panel only what the panel has to say', () => {
    assert.deepEqual(readFromPanel({ type: 'ready', more: 1 }), { type: 'ready' });
    assert.deepEqual(readFromPanel({ type: 'export', svg: '<svg/>' }), { type: 'export' });
    const entry = { pteAddress: '0x87f65ff8' };
    for (const message of [
      { type: 'set', ...entry, pte: '0x1' },
      { type: 'watch', ...entry, on: true },
      { type: 'ask', about: 'writes', ...entry, pa: '0x80007000' },
      { type: 'frames', on: false },
      { type: 'compare', on: true },
      { type: 'exposure', on: true },
    ])
      assert.deepEqual(readFromPanel({ ...message, more: 1 }), message);
    for (const message of [
      { type: 'set', ...entry, pte: 'x' },
      { type: 'set', pteAddress: '*(long *)0', pte: '0x1' },
      { type: 'watch', ...entry },
      { type: 'ask', about: 'evaluate', ...entry, pa: '0x80007000' },
      { type: 'ask', about: 'page', ...entry },
      { type: 'frames' },
    ])
      assert.equal(readFromPanel(message), undefined, JSON.stringify(message));
    assert.deepEqual(readFromPanel({ type: 'root', root: 'pid:3' }), { type: 'root', root: 'pid:3' });
    assert.equal(readFromPanel({ type: 'root', root: 'x'.repeat(65) }), undefined);
    assert.equal(readFromPanel({ type: 'root', root: {} }), undefined);
    assert.equal(readFromPanel('ready'), undefined);
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.anything(), (anything) => {
        readFromPanel(anything);
        readToPanel(anything);
        readToPanel({ type: 'model', model: anything });
        readToPanel({ type: 'frames', model: anything });
        readToPanel({ type: 'frames', model: { ...frames, runs: anything } });
        readFromPanel({ type: 'set', pteAddress: anything, pte: anything });
        readToPanel({ type: 'model', model: { ...model, entries: anything } });
      }),
    );
  });
});
