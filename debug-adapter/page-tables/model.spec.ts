import assert from 'node:assert/strict';
import { PTE } from '../../emulator/isa/sv39';
import { TestMemory } from '../../emulator/testing/page-tables';
import { memoryMap } from '../memory/memory-map';
import type { PteRun } from '../protocol';
import { pageTableModel, SnapshotHistory } from './model';

const { R } = PTE;

const leaves = (runs: PteRun[]): PteRun[] => runs.flatMap((run) => (run.children ? leaves(run.children) : [run]));

const root = (memory: TestMemory, address: bigint) => ({
  id: 'kernel',
  label: 'a table',
  root: `0x${address.toString(16)}`,
  memory,
});

describe('the model of a table over several stops', () => {
  it('compares with the stop before, and with the same one when asked twice', () => {
    const memory = new TestMemory();
    const table = memory.page();
    memory.map(table, 0n, 0x80100000n, R);
    const remembered = new SnapshotHistory();
    const at = (stop: number) =>
      pageTableModel(remembered, { roots: [], shown: root(memory, table), stop, memory, physical: memoryMap(memory) });
    const changes = (stop: number) => leaves(at(stop).entries).map(({ change }) => change ?? '');
    assert.deepEqual(changes(1), ['']);
    memory.map(table, 0x1000n, 0x80101000n, R);
    assert.deepEqual(changes(2), ['', 'added']);
    assert.deepEqual(changes(2), ['', 'added']);
    assert.equal(at(2).stop, 1);
    assert.deepEqual(changes(3), ['']);
    remembered.clear();
    assert.deepEqual(changes(4), ['']);
  });

  it('says why there is nothing to see', () => {
    const memory = new TestMemory();
    const options = { roots: [], stop: 1, memory, physical: memoryMap(memory) };
    const none = pageTableModel(new SnapshotHistory(), {
      ...options,
      shown: { id: 'satp', label: 'satp of hart 0' },
      message: 'Bare',
    });
    assert.equal(none.message, 'Bare');
    const outside = pageTableModel(new SnapshotHistory(), { ...options, shown: root(memory, 0x1000n) });
    assert.match(outside.message!, /0x1000 of a table lies outside RAM/);
  });
});
