import assert from 'node:assert/strict';
import { PTE } from '../../emulator/isa/sv39';
import { memoryMap } from '../memory/memory-map';
import type { PteRun } from '../protocol';
import { takeSnapshot } from './snapshot';
import { TestMemory } from '../../emulator/testing/page-tables';
import { buildTree } from './tree';

const { R, W, X, A, D } = PTE;

const leaves = (runs: PteRun[]): PteRun[] => runs.flatMap((run) => (run.children ? leaves(run.children) : [run]));
const summary = (runs: PteRun[]) => leaves(runs).map((run) => [run.va, run.count, run.pa, run.change ?? '']);

function build(memory: TestMemory, root: bigint, before?: ReturnType<typeof takeSnapshot>) {
  const now = takeSnapshot(root, memory);
  return { now, ...buildTree(now, { physical: memoryMap(memory), ...(before && { before }) }) };
}

describe('the tree of a page table', () => {
  it('collapses neighbours that map one page after the other', () => {
    const memory = new TestMemory();
    const root = memory.page();
    for (let i = 0n; i < 8n; i++) memory.map(root, 0x80000000n + i * 4096n, 0x80000000n + i * 4096n, R | X);
    for (let i = 8n; i < 20n; i++) memory.map(root, 0x80000000n + i * 4096n, 0x80000000n + i * 4096n, R | W);
    memory.map(root, 0x80014000n, 0x80100000n, R | W);
    const { entries, now } = build(memory, root);
    assert.deepEqual(summary(entries), [
      ['0x80000000', 8, '0x80000000', ''],
      ['0x80008000', 12, '0x80008000', ''],
      ['0x80014000', 1, '0x80100000', ''],
    ]);
    assert.equal(now.leaves, 21);
    assert.equal(now.tablePages, 3);
    assert.equal(entries.length, 1);
    assert.deepEqual(
      [entries[0]!.level, entries[0]!.index, entries[0]!.pteAddress],
      [2, 2, `0x${(root + 16n).toString(16)}`],
    );
    const run = leaves(entries)[1]!;
    assert.equal(run.flags, 1 | R | W);
    assert.equal(BigInt(run.pte), memory.readU64(BigInt(run.pteAddress)));
  });

  it('shows canonical addresses in the upper half, superpages, and every bit of an entry', () => {
    const memory = new TestMemory();
    const root = memory.page();
    memory.map(root, 0xffffffffffe00000n, 0x80200000n, R | 0x300, 1);
    memory.map(root, 0xffffffc000000000n, 0x80000000n, R);
    const address = memory.map(root, 0x1000n, 0x80000000n, R);
    memory.writeU64(address, memory.readU64(address)! | (1n << 63n));
    const [low, first, last] = leaves(build(memory, root).entries) as [PteRun, PteRun, PteRun];
    assert.equal(first.va, '0xffffffc000000000');
    assert.equal(last.va, '0xffffffffffe00000');
    assert.deepEqual([last.level, last.pa, last.flags], [1, '0x80200000', 0x303]);
    assert.match(low.problem!, /bits 54 to 63/);
    assert.equal(low.pte, `0x${memory.readU64(address)!.toString(16)}`);
  });

  it('marks entries that point nowhere, and ends in a circle', () => {
    const memory = new TestMemory();
    const root = memory.page();
    memory.map(root, 0x1000n, 0n, R);
    memory.map(root, 0x10000000n, 0x10000000n, R | W);
    memory.writeU64(root + 8n, ((root >> 12n) << 10n) | 1n);
    memory.writeU64(root + 16n, (0x1234n << 10n) | 1n);
    const { entries, truncated } = build(memory, root);
    const [low, uart] = leaves(entries) as [PteRun, PteRun];
    assert.match(low.problem!, /neither RAM nor a device/);
    assert.equal(uart.problem, undefined);
    assert.match(entries[1]!.problem!, /circle/);
    assert.match(entries[2]!.problem!, /outside RAM/);
    assert.equal(truncated, false);
  });

  it('cuts a table short that never ends', () => {
    const memory = new TestMemory();
    const [root, middle, bottom] = [memory.page(), memory.page(), memory.page()];
    for (let i = 0n; i < 512n; i++) {
      memory.writeU64(root + 8n * i, ((middle >> 12n) << 10n) | 1n);
      memory.writeU64(middle + 8n * i, ((bottom >> 12n) << 10n) | 1n);
      memory.writeU64(bottom + 8n * i, ((i * 2n) << 10n) | 3n);
    }
    const { truncated, now, entries } = build(memory, root);
    assert.equal(truncated, true);
    assert.equal(now.tablePages, 3);
    assert.ok(leaves(entries).length <= 100_000);
  });

  it('has nothing to show of a root outside RAM', () => {
    assert.deepEqual(build(new TestMemory(), 0x1000n).entries, []);
  });

  it('marks what changed, entry by entry, however the runs split', () => {
    const memory = new TestMemory();
    const root = memory.page();
    const at = (i: number) => BigInt(i) * 4096n;
    for (let i = 0; i < 8; i++) memory.map(root, at(i), 0x80000000n + at(i), R | W);
    memory.map(root, 0x40000000n, 0x80001000n, R);
    const before = takeSnapshot(root, memory);
    assert.ok(leaves(build(memory, root, before).entries).every((run) => run.change === undefined));

    memory.writeU64(memory.map(root, at(2), 0n, 0), 0n);
    memory.map(root, at(4), 0x80000000n + at(4), R);
    memory.map(root, at(5), 0x80000000n + at(5), R | W | A | D);
    memory.map(root, at(8), 0x80000000n + at(8), R | W);
    memory.writeU64(root + 8n, 0n);
    const { entries } = build(memory, root, before);
    assert.deepEqual(summary(entries), [
      ['0x0', 2, '0x80000000', ''],
      ['0x2000', 1, '0x80002000', 'removed'],
      ['0x3000', 1, '0x80003000', ''],
      ['0x4000', 1, '0x80004000', 'changed'],
      ['0x5000', 1, '0x80005000', 'changed'],
      ['0x6000', 2, '0x80006000', ''],
      ['0x8000', 1, '0x80008000', 'added'],
      ['0x40000000', 1, '0x80001000', 'removed'],
    ]);
    assert.equal(entries[1]!.change, 'removed');
    const changed = leaves(entries).filter((run) => run.change === 'changed');
    assert.deepEqual(
      changed.map((run) => [Number(BigInt(run.before!) & 0x3ffn), run.touchedOnly ?? false]),
      [
        [7, false],
        [7, true],
      ],
    );
  });

  describe('of 33,000 leaves', function () {
    /**
     * Milliseconds of processor time of the fastest of several runs, or of the first one within `bound`: other work on the
     * host does not count.
     */
    const quickest = (bound: number, work: () => void): number => {
      let best = Infinity;
      for (let i = 0; i < 20 && best >= bound; i++) {
        const start = process.cpuUsage();
        work();
        const { user, system } = process.cpuUsage(start);
        best = Math.min(best, (user + system) / 1000);
      }
      return best;
    };
    const table = (flagsOf: (index: bigint) => number) => {
      const memory = new TestMemory(0x8000000, 0x87000000n);
      const root = memory.page();
      for (let i = 0n; i < 33_000n; i++) memory.map(root, 0x80000000n + i * 4096n, 0x80000000n + i * 4096n, flagsOf(i));
      return { memory, root };
    };

    it('is built in no time that grows with the square of the leaves', () => {
      // Like a kernel's after boot: text, data, and free memory of which some pages have been accessed.
      const { memory, root } = table((i) => (i < 8n ? R | X : R | W | (i % 97n < 3n ? A | D : 0)));
      const before = takeSnapshot(root, memory);
      const time = quickest(500, () => {
        const { now, entries } = build(memory, root, before);
        assert.equal(now.leaves, 33_000);
        assert.ok(leaves(entries).length < 1000);
      });
      assert.ok(time < 500, `took ${time} ms`);
    });

    it('is built as fast where no two neighbours collapse', () => {
      const { memory, root } = table((i) => R | W | (i & 1n ? A | D : 0));
      const time = quickest(500, () => assert.equal(leaves(build(memory, root).entries).length, 33_000));
      assert.ok(time < 500, `took ${time} ms`);
    });
  });
});
