import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Checkpoint, State } from '../types';
import { HeldMemory, type Held } from './held-memory';
import { type MemoryImage, memoryImage, PAGES_SHARED, type PageImage } from './memory-image';
import { POWER_ON } from './instant';

const PAGE = 4096;
const page = (bytes = PAGE): PageImage => ({ bytes, read: () => undefined });
const imageOf = (pages: readonly PageImage[], before?: MemoryImage): MemoryImage =>
  memoryImage(pages.length, before, (index) => pages[index]!);

function held(memory: MemoryImage, state: State = null, learned: State = null): Held {
  const machine: Checkpoint = { instant: POWER_ON, state, memory, announced: [], traps: [] };
  return { machine, learned };
}

function bytesOf(...all: Held[]): number {
  const memory = new HeldMemory();
  for (const one of all) memory.hold(one);
  return memory.bytes;
}

describe('the memory that checkpoints hold', () => {
  const different = Array.from({ length: 2 * PAGES_SHARED }, () => page());
  const two = imageOf(different);

  it('is that of their pages, and little more', () => {
    const bytes = bytesOf(held(two));
    assert.ok(bytes >= different.length * PAGE && bytes < different.length * (PAGE + 100), `${bytes} bytes`);
  });

  it('counts an equal page once, wherever it lies', () => {
    const everywhere = page();
    const bytes = bytesOf(held(imageOf(different.map(() => everywhere))));
    assert.ok(bytes >= PAGE && bytes < 2 * PAGE, `${bytes} bytes`);
  });

  it('counts a part that two checkpoints share once, and the page by which they differ', () => {
    const changed = imageOf([...different.slice(0, -1), page()], two);
    const more = bytesOf(held(two), held(changed)) - bytesOf(held(two));
    assert.ok(more >= PAGE && more < 1.5 * PAGE, `${more} bytes`);
  });

  it('counts the bytes of devices and of what was learnt, and those that are shared once', () => {
    const sector = new Uint8Array(512);
    const group = { 3: sector, 4: new Uint8Array(512) };
    const one = held([], { disk: [group] }, 'x'.repeat(1000));
    assert.ok(bytesOf(one) > 2024);
    const again = held([], { disk: [group, { 5: sector }] });
    assert.ok(bytesOf(one, again) - bytesOf(one) < 500);
  });

  it('is nothing once all are released, in whatever order', () => {
    const pages = fc.array(fc.constantFrom(...different.slice(0, 5)), { minLength: 64, maxLength: 64 });
    fc.assert(
      fc.property(fc.array(pages, { maxLength: 8 }), fc.infiniteStream(fc.nat()), (contents, order) => {
        const memory = new HeldMemory();
        const all = contents.map((content) => held(imageOf(content), { content: content.length }));
        for (const one of all) memory.hold(one);
        while (all.length > 0) memory.release(all.splice(order.next().value! % all.length, 1)[0]!);
        assert.equal(memory.bytes, 0);
      }),
    );
  });

  it('releases only what it holds', () => {
    assert.throws(() => new HeldMemory().release(held(two)), /not held/);
  });
});
