import assert from 'node:assert/strict';
import fc from 'fast-check';
import { FakeMemory } from '../testing/fake-board';
import { Virtqueue, VirtqueueError } from './virtqueue';

const BASE = 0x80000000n;
const RINGS = { descriptors: BASE, available: BASE + 0x100n, used: BASE + 0x200n };
const DATA = BASE + 0x1000n;
const ENTRIES = 8;

describe('Virtqueue', () => {
  let memory: FakeMemory;
  let queue: Virtqueue;
  let view: DataView;

  beforeEach(() => {
    memory = new FakeMemory(0x4000);
    view = new DataView(memory.bytes.buffer);
    queue = new Virtqueue(memory, ENTRIES, 1024);
    queue.setRings(RINGS);
  });

  function entry(index: number, address: bigint, length: number, flags: number, next = 0): void {
    view.setBigUint64(16 * index, address, true);
    view.setUint32(16 * index + 8, length, true);
    view.setUint16(16 * index + 12, flags, true);
    view.setUint16(16 * index + 14, next, true);
  }

  function offer(head: number): void {
    const index = view.getUint16(0x102, true);
    view.setUint16(0x104 + 2 * (index % ENTRIES), head, true);
    view.setUint16(0x102, index + 1, true);
  }

  it('gives nothing before it has rings, and nothing from an empty ring', () => {
    assert.equal(queue.pop(), undefined);
    queue.setRings(undefined);
    offer(0);
    assert.equal(queue.pop(), undefined);
  });

  it('gathers and scatters across the buffers of a chain', () => {
    memory.write(
      DATA,
      Uint8Array.from({ length: 64 }, (_, index) => index),
    );
    entry(3, DATA, 5, 1, 6);
    entry(6, DATA + 32n, 5, 1, 2);
    entry(2, DATA + 0x100n, 4, 3, 7);
    entry(7, DATA + 0x200n, 4, 2);
    offer(3);
    const chain = queue.pop()!;
    assert.deepEqual([chain.readableLength, chain.writableLength], [10, 8]);
    assert.deepEqual([...chain.read(0, 10)], [0, 1, 2, 3, 4, 32, 33, 34, 35, 36]);
    assert.deepEqual([...chain.read(3, 4)], [3, 4, 32, 33]);
    assert.deepEqual([...chain.read(7, 2)], [34, 35]);
    chain.write(2, Uint8Array.of(9, 8, 7, 6));
    assert.deepEqual([...memory.read(DATA + 0x100n, 4)!], [0, 0, 9, 8]);
    assert.deepEqual([...memory.read(DATA + 0x200n, 4)!], [7, 6, 0, 0]);
    assert.throws(() => chain.read(8, 3), /request has 10 bytes to read, needs 11/);
    assert.throws(() => chain.write(8, Uint8Array.of(1)), /request has 8 bytes to write, needs 9/);
  });

  it('fills the used ring round and round, and asks for interrupts unless told not to', () => {
    entry(1, DATA, 4, 2);
    for (let round = 1; round <= 20; round++) {
      offer(1);
      view.setUint16(0x100, round % 2, true);
      assert.equal(queue.push(queue.pop()!, round), round % 2 === 0);
      assert.equal(view.getUint16(0x202, true), round);
      const element = 0x204 + 8 * ((round - 1) % ENTRIES);
      assert.deepEqual([view.getUint32(element, true), view.getUint32(element + 4, true)], [1, round]);
    }
  });

  it('survives the wrap of the 16-bit indexes', () => {
    entry(0, DATA, 4, 2);
    for (let round = 0; round < 65_540; round++) {
      offer(0);
      queue.push(queue.pop()!, 0);
    }
    assert.equal(view.getUint16(0x202, true), 4);
    assert.equal(queue.pop(), undefined);
  });

  it('says what is wrong', () => {
    const wrongs: [RegExp, () => void][] = [
      [/available index went from 0 to 9, the queue has 8 entries/, () => view.setUint16(0x102, 9, true)],
      [/descriptor 8 does not exist/, () => offer(8)],
      [/the chain from descriptor 0 is a loop/, () => (entry(0, DATA, 4, 1, 0), offer(0))],
      [/descriptor 0 has length 0/, () => (entry(0, DATA, 0, 0), offer(0))],
      [/descriptor 0: 4 bytes at 0x7ffffffe are not all in memory/, () => (entry(0, BASE - 2n, 4, 0), offer(0))],
      [/0: 5 bytes at 0xffffffffffffffff/, () => (entry(0, (1n << 64n) - 1n, 5, 0), offer(0))],
      [/descriptor 0 is indirect/, () => (entry(0, DATA, 16, 4), offer(0))],
      [
        /descriptor 1 is for reading, after one for writing/,
        () => (entry(0, DATA, 4, 3, 1), entry(1, DATA, 4, 0), offer(0)),
      ],
      [/the queue reaches to 0x10001/, () => queue.setRings({ ...RINGS, available: 0xffffn })],
    ];
    for (const [message, plant] of wrongs) {
      memory.bytes.fill(0);
      queue.reset();
      queue.setRings(RINGS);
      plant();
      assert.throws(() => queue.pop(), { name: 'Error', message });
    }
  });

  it('takes no more requests than it has entries before one is given back', () => {
    entry(0, DATA, 4, 2);
    const chains = [];
    for (let round = 0; round < ENTRIES; round++) {
      offer(0);
      chains.push(queue.pop()!);
    }
    offer(0);
    assert.throws(() => queue.pop(), /more requests in flight than the queue's 8 entries/);
    queue.push(chains[0]!, 0);
    assert.ok(queue.pop());
  });

  it('ends, and throws nothing but VirtqueueError, on any memory whatever', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 0x180, maxLength: 0x180 }),
        fc.integer({ min: 1, max: 16 }),
        (bytes, entries) => {
          memory.bytes.set(bytes);
          queue.reset();
          queue.entries = entries;
          queue.setRings(RINGS);
          view.setUint16(0x102, bytes[0]! % (entries + 2), true);
          try {
            for (let chain = queue.pop(); chain; chain = queue.pop()) {
              if (chain.readableLength > 0) chain.read(0, 1);
              queue.push(chain, 0);
            }
          } catch (error) {
            assert.ok(error instanceof VirtqueueError, String(error));
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
