import assert from 'node:assert/strict';
import { PTE } from '../../emulator/isa/sv39';
import { TestMemory } from '../../emulator/testing/page-tables';
import { memoryMap } from '../memory/memory-map';
import type { AddressArea } from '../protocol';
import type { Regions } from '../xv6/regions';
import { addressAreas } from './areas';
import { takeSnapshot } from './snapshot';
import { buildTree } from './tree';

const { R, W, X, U, A, D } = PTE;
const PAGE = 4096n;
const TOP = 0x3ffffff000n;

/** Names by page number, [from, to). */
const names = (...ranges: [string, number, number][]): Regions => ({
  nameAt: (vpn) => {
    const found = ranges.find(([, from, to]) => vpn >= from && vpn < to);
    const next = ranges.map(([, from]) => from).filter((from) => from > vpn);
    return found ? { name: found[0], pages: found[2] - vpn } : { name: undefined, pages: Math.min(...next) - vpn };
  },
});

const areasOf = (memory: TestMemory, root: bigint, regions?: Regions): AddressArea[] =>
  addressAreas(
    buildTree(takeSnapshot(root, memory), { physical: memoryMap(memory), ...(regions && { regions }) }).entries,
    regions,
  );

const summary = (areas: AddressArea[]) =>
  areas.map(({ va, pages, region, flags, pa }) => [va, pages, region ?? '', flags, pa ?? '']);

describe('the areas of an address space', () => {
  it('are the whole of it, from 0 to MAXVA', () => {
    const memory = new TestMemory();
    const root = memory.page();
    memory.map(root, 0x1000n, 0x80100000n, R | U);
    memory.map(root, TOP, 0x80007000n, R | X);
    const areas = areasOf(memory, root);
    assert.deepEqual(summary(areas), [
      ['0x0', 1, '', 0, ''],
      ['0x1000', 1, '', 1 | R | U, '0x80100000'],
      ['0x2000', 2 ** 26 - 3, '', 0, ''],
      ['0x3ffffff000', 1, '', 1 | R | X, '0x80007000'],
    ]);
    assert.equal(areas[3]!.last, '0x3fffffffff');
    areas.slice(1).forEach(({ va }, i) => assert.equal(BigInt(va), BigInt(areas[i]!.last) + 1n));
  });

  it('go on in the upper half where something is mapped there', () => {
    const memory = new TestMemory();
    const root = memory.page();
    memory.map(root, 0xfffffffffffff000n, 0x80100000n, R);
    assert.deepEqual(summary(areasOf(memory, root)), [
      ['0x0', 2 ** 26, '', 0, ''],
      ['0xffffffc000000000', 2 ** 26 - 1, '', 0, ''],
      ['0xfffffffffffff000', 1, '', 1 | R, '0x80100000'],
    ]);
  });

  it('are one over several tables, whatever has been accessed', () => {
    const memory = new TestMemory();
    const root = memory.page();
    for (let i = 0n; i < 1100n; i++)
      memory.map(root, 0x80000000n + i * PAGE, 0x80000000n + i * PAGE, R | W | (i % 3n ? A : A | D));
    assert.deepEqual(summary(areasOf(memory, root)).slice(1, -1), [['0x80000000', 1100, '', 1 | R | W, '0x80000000']]);
  });

  it('are one where scattered frames are the same thing, and two where they are not', () => {
    const memory = new TestMemory();
    const root = memory.page();
    memory.map(root, 0x0n, 0x80300000n, R | U);
    memory.map(root, 0x1000n, 0x80100000n, R | U);
    memory.map(root, 0x2000n, 0x80200000n, R | W | U);
    const named = areasOf(memory, root, names(['text', 0, 2], ['data', 2, 3]));
    assert.deepEqual(summary(named).slice(0, 2), [
      ['0x0', 2, 'text', 1 | R | U, ''],
      ['0x2000', 1, 'data', 1 | R | W | U, '0x80200000'],
    ]);
    assert.equal(areasOf(memory, root).length, 4);
  });

  it('name what guards the page above it, and no other that is not mapped', () => {
    const memory = new TestMemory();
    const root = memory.page();
    memory.map(root, 0x5000n, 0x80300000n, R | W);
    const regions = names(
      ['UART (not mapped here)', 1, 2],
      ['guard page below the kernel stack of pid 1 (init)', 2, 3],
      ['kernel stack of pid 1 (init)', 3, 4],
      ['guard page below the kernel stack of pid 2 (sh)', 4, 5],
      ['kernel stack of pid 2 (sh)', 5, 6],
      ['heap', 6, 8],
    );
    assert.deepEqual(
      areasOf(memory, root, regions).map(({ region, pages }) => [region, pages]),
      [
        [undefined, 4],
        ['guard page below the kernel stack of pid 2 (sh)', 1],
        ['kernel stack of pid 2 (sh)', 1],
        ['heap', 2],
        [undefined, 2 ** 26 - 8],
      ],
    );
  });

  it('fold what comes again and again, whosever it is', () => {
    const memory = new TestMemory();
    const root = memory.page();
    const ranges = Array.from({ length: 8 }, (_, i): [string, number, number][] => [
      [`guard page below the kernel stack of pid ${i} (sh)`, 100 + 2 * i, 101 + 2 * i],
      [`kernel stack of pid ${i} (sh)`, 101 + 2 * i, 102 + 2 * i],
    ]).flat();
    for (let i = 0n; i < 8n; i++) memory.map(root, (101n + 2n * i) * PAGE, 0x80100000n + 7n * i * PAGE, R | W);
    const [, stacks, after] = areasOf(memory, root, names(...ranges));
    const { va, last, repeats, region, parts } = stacks!;
    assert.deepEqual(
      [va, last, repeats, region],
      ['0x64000', '0x73fff', 8, 'kernel stack and guard page below the kernel stack'],
    );
    assert.deepEqual([parts!.length, parts![3]!.region], [16, 'kernel stack of pid 1 (sh)']);
    assert.equal(after!.va, '0x74000');
  });

  it('leave three of a kind as they are', () => {
    const memory = new TestMemory();
    const root = memory.page();
    for (let i = 0n; i < 3n; i++) memory.map(root, i * PAGE, 0x80100000n + 7n * i * PAGE, R | W);
    assert.equal(areasOf(memory, root).length, 4);
    memory.map(root, 3n * PAGE, 0x80700000n, R | W);
    assert.deepEqual(
      areasOf(memory, root).map(({ repeats }) => repeats),
      [4, undefined],
    );
  });

  it('merge what would be too much to draw, and say how much it is', () => {
    const memory = new TestMemory();
    const root = memory.page();
    const flags = [R, R | W, R | X, R | W | X, R | U];
    for (let i = 0; i < 4000; i++)
      memory.map(root, BigInt(i) * PAGE, 0x80000000n + BigInt((i * 7) % 4096) * PAGE, flags[(i * i) % 5]!);
    const areas = areasOf(memory, root);
    assert.ok(areas.length < 20, `${areas.length}`);
    assert.equal(areas[0]!.pages, 512);
    assert.ok(areas[0]!.merged! > 400);
    assert.equal(
      areas.reduce((sum, { pages }) => sum + pages, 0),
      2 ** 26,
    );
  });

  it('show where a table is broken, and nothing that has been removed', () => {
    const memory = new TestMemory();
    const root = memory.page();
    memory.writeU64(root + 8n, ((root >> 12n) << 10n) | 1n);
    const before = new TestMemory();
    const other = before.page();
    before.map(other, 0x1000n, 0x80100000n, R);
    const circle = areasOf(memory, root)[1]!;
    assert.deepEqual([circle.va, circle.pages, circle.flags], ['0x40000000', 2 ** 18, 0]);
    assert.match(circle.problem!, /circle/);
    const removed = buildTree(takeSnapshot(root, new TestMemory()), {
      physical: memoryMap(memory),
      before: takeSnapshot(other, before),
    });
    assert.equal(removed.entries.length, 1);
    assert.deepEqual(addressAreas(removed.entries), [{ va: '0x0', last: '0x3fffffffff', pages: 2 ** 26, flags: 0 }]);
  });
});
