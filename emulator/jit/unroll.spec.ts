import assert from 'node:assert/strict';
import fc from 'fast-check';
import { decode } from '../isa/instructions/decode';
import { encode } from '../testing/encode';
import type { Block, RegionInstruction } from './region';
import { unroll } from './unroll';

const page = { host: 0, records: 0 };
const nop = decode(encode('addi'))!;

/** Blocks of so many instructions each; where they lead is up to the test. */
function blocks(...lengths: number[]): Block[] {
  return lengths.map((length, index): Block => {
    const instructions = Array.from({ length }, (_, i): RegionInstruction => {
      const offset = index * 0x100 + i * 4;
      return { ...nop, offset, word: 0, record: 0, closesIdiom: false, straddles: false, to: undefined };
    });
    return { start: index * 0x100, page, instructions, target: undefined, next: undefined };
  });
}

/** Where the program goes: at each block the next decision says whether it takes the target. */
function walk(entry: Block, decisions: readonly boolean[]): (number | undefined)[] {
  const way: (number | undefined)[] = [];
  let at: Block | undefined = entry;
  for (const taken of decisions) {
    way.push(at?.start);
    at = taken ? at?.target : at?.next;
  }
  return way;
}

/** Blocks until the first comes again, always taking the target. */
function round(entry: Block): Block[] {
  const found = [entry];
  for (let at = entry.target!; at !== entry; at = at.target!) found.push(at);
  return found;
}

describe('unrolling', () => {
  it('makes a ring of copies of a short loop', () => {
    const [loop, out] = blocks(4, 1) as [Block, Block];
    Object.assign(loop, { target: loop, next: out });
    unroll(loop);
    const copies = round(loop);
    assert.equal(copies.length, 4);
    assert.equal(new Set(copies).size, 4);
    assert.ok(copies.every(({ start, next }) => start === 0 && next === out));
  });

  it('takes the inner of two loops that begin at the same place, and no loop that is long', () => {
    const [head, tail, around] = blocks(2, 3, 40) as [Block, Block, Block];
    Object.assign(head, { target: around, next: tail });
    Object.assign(tail, { target: head, next: around });
    around.target = head;
    unroll(head);
    const ways = [head, tail].map(({ start }) => start);
    assert.deepEqual(walk(head, [false, true, false, true, false, true, false, true, false]), [
      ...[...ways, ...ways, ...ways, ...ways],
      head.start,
    ]);
    assert.notEqual(tail.target, head);
    assert.equal(around.target, head, 'the outer loop goes on from the first copy');
    const long = blocks(40)[0]!;
    long.target = long;
    unroll(long);
    assert.equal(long.target, long);
  });

  it('leaves loops to themselves that fill or copy memory', () => {
    const loop = blocks(3)[0]!;
    loop.target = loop;
    loop.instructions[2] = { ...loop.instructions[2]!, closesIdiom: true };
    unroll(loop);
    assert.equal(loop.target, loop);
  });

  it('changes no way through any graph', () => {
    const edge = fc.option(fc.integer({ min: 0, max: 7 }), { nil: undefined });
    const graph = fc.array(fc.record({ length: fc.integer({ min: 1, max: 5 }), target: edge, next: edge }), {
      minLength: 1,
      maxLength: 8,
    });
    const make = (nodes: { length: number; target?: number; next?: number }[]): Block => {
      const made = blocks(...nodes.map(({ length }) => length));
      const at = (index: number | undefined): Block | undefined => (index === undefined ? undefined : made[index]);
      nodes.forEach(({ target, next }, i) => Object.assign(made[i]!, { target: at(target), next: at(next) }));
      return made[0]!;
    };
    fc.assert(
      fc.property(graph, fc.array(fc.boolean(), { minLength: 60, maxLength: 60 }), (nodes, decisions) => {
        const entry = make(nodes);
        unroll(entry);
        assert.deepEqual(walk(entry, decisions), walk(make(nodes), decisions));
      }),
      { numRuns: 2000 },
    );
  });
});
