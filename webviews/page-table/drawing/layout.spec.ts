import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { AddressArea } from '../../../debug-adapter/protocol';
import { describe as inWords, layoutOf, permissionsOf, sizeOf, targetOf, tintOf, titleOf } from './layout';

const hex = (value: number) => `0x${value.toString(16)}`;
const area = (page: number, pages: number, more: Partial<AddressArea> = {}): AddressArea => ({
  ...{ va: hex(page * 4096), last: hex((page + pages) * 4096 - 1), pages, flags: 0xb },
  ...more,
});
const stacks = area(9, 8, {
  flags: 7,
  region: 'kernel stack and guard page below the kernel stack',
  repeats: 4,
  parts: Array.from({ length: 8 }, (_, i) => area(9 + i, 1)),
});
const areas = [area(0, 4), area(4, 5, { flags: 0 }), stacks];

describe('the layout of an address space', () => {
  it('has address 0 at the bottom, and no space between boxes', () => {
    const { boxes, height } = layoutOf(areas, new Set());
    assert.deepEqual(
      boxes.map(({ area: { va }, isGap }) => [va, isGap]),
      [
        ['0x9000', false],
        ['0x4000', true],
        ['0x0', false],
      ],
    );
    boxes.slice(1).forEach(({ y }, i) => assert.equal(y, boxes[i]!.y + boxes[i]!.height));
    assert.ok(height > boxes[2]!.y + boxes[2]!.height);
  });

  it('makes what is larger higher, and all gaps alike', () => {
    const heights = [1, 2, 512, 262_144].map((pages) => layoutOf([area(0, pages)], new Set()).boxes[0]!.height);
    assert.deepEqual(
      heights,
      [...heights].sort((a, b) => a - b),
    );
    assert.ok(heights[3]! < 200);
    const gap = (pages: number) => layoutOf([area(0, pages, { flags: 0 })], new Set()).boxes[0]!.height;
    assert.equal(gap(1), gap(2 ** 26));
  });

  it('draws what a pattern is made of below it, on demand', () => {
    const { boxes } = layoutOf(areas, new Set(['0x9000']));
    assert.equal(boxes.length, 3 + 8);
    assert.deepEqual([boxes[0]!.isUnfolded, boxes[1]!.isPart, boxes[1]!.area.va], [true, true, '0x10000']);
    assert.equal(new Set(boxes.map(({ key }) => key)).size, boxes.length);
  });
});

describe('what a box says', () => {
  it('is called as in the book', () => {
    assert.equal(titleOf(area(0, 1, { region: 'user text' })), 'text');
    assert.equal(titleOf(area(0, 1, { region: 'user memory of pid 3 (sh)' })), 'user memory of pid 3 (sh)');
    assert.equal(titleOf(area(0, 1, { region: 'guard page below the user stack' })), 'guard page');
    assert.equal(titleOf(area(0, 1, { region: 'guard page below the kernel stack of pid 1 (init)' })), 'guard page');
    assert.equal(titleOf(stacks), '4 × kernel stack and guard page');
    assert.equal(titleOf(area(0, 1, { merged: 4000 })), '4,000 mappings');
    assert.equal(titleOf(area(0, 1)), 'mapped');
    assert.equal(titleOf(area(0, 1, { flags: 0 })), 'not mapped');
    assert.equal(titleOf(area(0, 1, { flags: 0, problem: 'a circle' })), 'broken');
  });

  it('has permissions, size, and where it leads', () => {
    assert.equal(permissionsOf(area(0, 1, { flags: 0x1b })), 'R-XU');
    assert.equal(permissionsOf(area(0, 1, { flags: 0 })), '');
    assert.deepEqual([1, 3, 384, 512, 2 ** 18, 2 ** 26].map(sizeOf), [
      ...['4 KiB', '12 KiB', '1.5 MiB', '2 MiB', '1 GiB', '256 GiB'],
    ]);
    assert.equal(targetOf(area(0, 1, { pa: '0x0' })), '= physical');
    assert.equal(targetOf(area(0, 1, { pa: '0x80000000' })), '→ 0x80000000');
    assert.equal(targetOf(area(0, 2)), '→ scattered frames');
    assert.equal(targetOf(area(0, 2, { flags: 0 })), '');
    assert.equal(targetOf(stacks), '');
  });

  it('is coloured by what may be done there', () => {
    const tint = (flags: number, region?: string, more = {}) =>
      tintOf(area(0x10000, 1, { flags, ...(region !== undefined && { region }), ...more }));
    assert.deepEqual(
      [tint(0xb), tint(7), tint(3), tint(0), tint(7, 'UART'), tint(7, 'guard page below the user stack')],
      ['code', 'data', 'read', 'gap', 'device', 'guard'],
    );
    assert.equal(tint(0, 'heap'), 'guard');
    assert.equal(tint(0x17, 'UART'), 'data');
    assert.equal(tint(7, 'x', { problem: 'W' }), 'broken');
  });

  it('is said in words', () => {
    assert.equal(
      inWords(area(1, 2, { region: 'user text', flags: 0x1b, pa: '0x80000000' })),
      'user text; 0x1000 to 0x2fff; 2 pages, 8 KiB; R-XU; → 0x80000000',
    );
    assert.equal(inWords(area(1, 1, { flags: 0 })), 'not mapped; 0x1000 to 0x1fff; 1 page, 4 KiB');
  });
});
