import { strict as assert } from 'node:assert';
import { TestMemory } from '../../emulator/testing/page-tables';
import * as C from '../expressions/types';
import { struct, TestProgram } from '../testing/program';
import { FreeLists } from './free-lists';

const KMEM = 0x8000_1000n;
const [A, B, OTHER] = [0x8050_0000n, 0x8050_1000n, 0x8050_2000n];
const JUNK = 0x0101_0101_0101_0101n;

/** A and B are on the list; all are filled, and chained to A. */
function setUp(isNamed: boolean) {
  const memory = new TestMemory();
  const program = new TestProgram();
  const run = struct('run', {});
  run.members.push({ name: 'next', type: C.pointerTo(run), offset: 0 });
  run.size = 8;
  if (isNamed) program.addGlobal('kmem', struct(undefined, { freelist: C.pointerTo(run) }), KMEM);
  const fill = (page: bigint, next: bigint, word = JUNK): void => {
    for (let at = 8n; at < 4096n; at += 8n) memory.writeU64(page + at, word);
    memory.writeU64(page, next);
  };
  fill(A, B);
  fill(B, 0n);
  fill(OTHER, A);
  memory.writeU64(KMEM, A);
  let reads = 0;
  const read = (address: bigint, length: number): Uint8Array | undefined => {
    reads++;
    return memory.read(address, length);
  };
  return { lists: new FreeLists({ binary: program, read }, memory), memory, fill, reads: () => reads };
}

describe('lists of free pages', () => {
  it('say which pages are free', () => {
    const { lists, memory } = setUp(true);
    assert.deepEqual(
      [A, B, OTHER].map((page) => lists.has(page)),
      [true, true, false],
    );
    assert.deepEqual(
      [...lists.pages()],
      [A, B].map((page) => Number(page >> 12n)),
    );
    memory.writeU64(A, 0x1234n);
    assert.equal(lists.has(A), false, 'it leads to no page');
    assert.equal(lists.has(0x9000_0000n), false, 'no memory');
  });

  it('are not looked through for a page for which the function that frees was called, and that is not filled', () => {
    const { lists, fill, reads } = setUp(true);
    assert.equal(lists.has(B, true), true);
    fill(OTHER, 0n, 0n);
    const before = reads();
    assert.equal(lists.has(OTHER, true), false, 'only counted down');
    assert.equal(reads(), before);
    fill(OTHER, 0n, 0x0505_0505_0505_0505n);
    assert.equal(lists.has(OTHER, true), false, 'filled by the program');
  });

  it('are looked through for a page that is as the allocator leaves free ones, as a program may leave its own so', () => {
    const { lists } = setUp(true);
    assert.deepEqual([lists.isFilled(OTHER), lists.has(OTHER, true)], [true, false]);
  });

  it('leave pages filled and chained: not where one has been used, nor where the allocator fills nothing', () => {
    const { lists, memory, fill } = setUp(true);
    const isFilled = (): boolean[] => [A, B, OTHER].map((page) => lists.isFilled(page));
    assert.deepEqual(isFilled(), [true, true, true]);
    memory.writeU64(OTHER, 0x1234n);
    memory.writeU64(B + 16n, 1n);
    assert.deepEqual(isFilled(), [true, false, false]);
    const unfilled = setUp(true);
    for (const page of [A, B, OTHER]) unfilled.fill(page, 0n, 0n);
    unfilled.memory.writeU64(OTHER + 16n, 0x1234n);
    assert.deepEqual([unfilled.lists.isFilled(A), unfilled.lists.isFilled(OTHER)], [false, false]);
    fill(OTHER, 0x9000_0000n);
    assert.equal(lists.isFilled(OTHER), false, 'chained to no memory');
  });

  it('are looked through for a page that has been used since, if the rest of it is filled', () => {
    const { lists, fill, memory, reads } = setUp(true);
    memory.writeU64(B + 16n, 1n);
    memory.writeU64(A + 0x900n, 1n);
    assert.deepEqual([lists.hasUsed(B, 16n), lists.hasUsed(A, 0x900n), lists.hasUsed(OTHER, 16n)], [true, true, false]);
    fill(OTHER, 0n, 0n);
    const before = reads();
    assert.equal(lists.hasUsed(OTHER, 16n), false);
    assert.equal(reads(), before);
  });

  it('are looked through where the allocator fills nothing', () => {
    const { lists, fill } = setUp(true);
    fill(A, B, 0n);
    fill(B, 0n, 0n);
    fill(OTHER, 0n, 0n);
    assert.deepEqual(
      [A, B, OTHER].map((page) => lists.has(page, true)),
      [true, true, false],
    );
  });

  it('are told by the filling where the kernel has none by name', () => {
    const { lists, fill } = setUp(false);
    assert.equal(lists.has(A), true);
    assert.equal(lists.has(B), false, 'the last of a list is as a page of zeroes');
    fill(A, B, 0x1234n);
    assert.equal(lists.has(A), false);
  });
});
