import assert from 'node:assert/strict';
import fc from 'fast-check';
import { encodePages, EncodedPages } from '../history/encoding/page-codec';
import { Machine } from '../machine';
import { Assembler, R, laidOut } from '../testing/guests';
import { TIERS, runInTier } from '../testing/tiers';
import { LazyPages } from './lazy-pages';

const PAGE = 4096;

type Step =
  | { kind: 'fill'; from: number | 'on'; to: number; byte: number }
  | { kind: 'store'; index: number; length: number; value: readonly number[] }
  | { kind: 'load'; index: number }
  | { kind: 'hold' };

const byte = fc.constantFrom(0, 1, 5, 255);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('fill' as const),
    from: fc.oneof(fc.constantFrom(0, 'on' as const), fc.integer({ min: 0, max: PAGE - 1 })),
    to: fc.oneof(fc.constant(PAGE), fc.integer({ min: 1, max: PAGE })),
    byte,
  }),
  fc.record({
    kind: fc.constant('store' as const),
    index: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3 })),
    length: fc.constantFrom(1, 2, 4, 8),
    value: fc.oneof(
      byte.map((b) => new Array<number>(8).fill(b)),
      fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 8, maxLength: 8 }),
    ),
  }),
  fc.record({ kind: fc.constant('load' as const), index: fc.integer({ min: 0, max: 3 }) }),
  fc.constant({ kind: 'hold' as const }),
);

/** The page held by an image of what it holds, as after a restore. The host's memory may then hold anything. */
function held(pages: LazyPages): LazyPages {
  const image = pages.image(0) ?? pages.keepImage(0);
  const restored = new LazyPages(1);
  restored.hold(0, { page: () => image }, () => undefined);
  return restored;
}

const contents = (pages: LazyPages): Uint8Array => {
  const bytes = new Uint8Array(PAGE).fill(0xee);
  pages.read(0, bytes);
  return bytes;
};

describe('pages that have not been made', () => {
  it('hold what was stored, whatever was', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        let pages = new LazyPages(1);
        const expected = new Uint8Array(PAGE);
        let end = 0;
        let before = 0;
        for (const s of steps) {
          if (s.kind === 'hold') {
            pages = held(pages);
            before = 0xee;
          } else if (s.kind === 'fill') {
            const from = Math.min(s.from === 'on' ? end : s.from, PAGE - 1);
            const to = Math.max(s.to, from + 1);
            if (!pages.fill(0, from, to, s.byte)) continue;
            expected.fill(s.byte, from, to);
            end = to % PAGE;
          } else if (s.kind === 'load') {
            if (!pages.load(0, 8 * s.index)) continue;
            assert.deepEqual(new Uint8Array(pages.halves.buffer), expected.subarray(8 * s.index, 8 * s.index + 8));
          } else {
            const value = Uint8Array.from(s.value);
            if (pages.store(0, s.index * s.length, value, 0, s.length))
              expected.set(value.subarray(0, s.length), s.index * s.length);
          }
          assert.deepEqual(contents(pages), expected);
          const words = new BigUint64Array(expected.buffer);
          for (const index of [0, 1, 3, 4, 511]) assert.equal(pages.word(0, 8 * index), words[index]);
          const part = new Uint8Array(100);
          pages.copy(0, 5, part);
          assert.deepEqual(part, expected.subarray(5, 105));
        }
        const made = new Uint8Array(PAGE).fill(before);
        pages.commit(0, made);
        assert.deepEqual(made, expected);
        assert.ok(pages.isCommitted(0));
      }),
    );
  });

  it('are committed by the second of several stores, whatever loop they come from', () => {
    const bytes = new Uint8Array(8).fill(1);
    for (const length of [1, 2, 4, 8]) {
      for (const second of [0, length, 64]) {
        const pages = new LazyPages(1);
        assert.ok(pages.store(0, 0, bytes, 0, length), `a first store of ${length}`);
        assert.ok(!pages.store(0, second, bytes, 0, length), `another one at ${second}`);
        assert.ok(pages.fill(0, 0, PAGE, 1) && !pages.fill(0, 64, 65, 1));
      }
    }
    const pages = new LazyPages(1);
    const pointer = Uint8Array.of(0, 0x10, 0, 0x80, 0, 0, 0, 0);
    assert.ok(pages.store(0, 16, pointer, 0, 8));
    assert.ok(!pages.store(0, 16, pointer, 0, 8), 'the pointer again');
  });

  it('are not committed by the load that takes them off a free list, but by the next', () => {
    const pointer = Uint8Array.of(0, 0x10, 0, 0x80, 0, 0, 0, 0);
    let pages = new LazyPages(1);
    assert.ok(!pages.load(0, 0), 'a page that holds none');
    for (const isHeld of [false, true]) {
      assert.ok(pages.fill(0, 0, PAGE, 1) && pages.store(0, 8, pointer, 0, 8));
      if (isHeld) pages = held(pages);
      assert.ok(!pages.load(0, 0) && !pages.load(0, 16), 'another word');
      assert.ok(pages.load(0, 8) && !pages.load(0, 8), 'the pointer, once');
      assert.deepEqual([...pages.halves], [0x8000_1000 | 0, 0]);
      assert.ok(pages.fill(0, 0, PAGE, 5) && !pages.load(0, 8), 'a pointer that was filled over');
    }
  });

  it('are not committed where a quantum ends in the loop idiom that fills them', () => {
    const one = new Uint8Array(8).fill(1);
    const pages = new LazyPages(1);
    for (const end of [1000, 3000, PAGE]) {
      const from = end === 1000 ? 0 : end === 3000 ? 1000 : 3000;
      assert.ok(pages.store(0, from, one, 0, 1), 'a pass by itself');
      assert.ok(pages.fill(0, from + 1, end, 1), 'those that are made at once');
    }
    assert.ok(!pages.isCommitted(0));
  });

  it('hold what xv6 leaves in free pages: one byte, and a pointer to the next', () => {
    const pages = new LazyPages(1);
    const pointer = Uint8Array.of(0, 0x10, 0, 0x80, 0, 0, 0, 0);
    assert.ok(pages.fill(0, 0, 1, 1) && pages.fill(0, 1, 3000, 1) && pages.fill(0, 3000, PAGE, 1));
    assert.ok(pages.store(0, 0, pointer, 0, 8));
    assert.deepEqual(contents(pages).subarray(0, 9), Uint8Array.of(...pointer, 1));
    assert.ok(!pages.store(0, 8, pointer, 0, 8), 'a second pointer');
    assert.ok(!pages.fill(0, 0, 4, 5), 'over half of the pointer');
    assert.ok(pages.fill(0, 0, PAGE, 5));
    assert.deepEqual(contents(pages), new Uint8Array(PAGE).fill(5));
  });

  it('go on from an image, as a kernel that frees them again does', () => {
    for (const before of [0, 1]) {
      const freed = new LazyPages(1);
      const pointer = Uint8Array.of(0, 0x10, 0, 0x80, 0, 0, 0, 0);
      if (before === 1) assert.ok(freed.fill(0, 0, PAGE, 1) && freed.store(0, 0, pointer, 0, 8));
      const pages = held(freed);
      assert.deepEqual(contents(pages), contents(freed));
      assert.ok(pages.fill(0, 0, PAGE, 5) && pages.store(0, 0, pointer, 0, 8));
      assert.deepEqual(contents(pages).subarray(0, 9), Uint8Array.of(...pointer, 5));
    }
  });

  it('hold a pointer among zeroes, which may be filled afterwards', () => {
    const pages = new LazyPages(1);
    const pointer = Uint8Array.of(0, 0x10, 0, 0x80, 0, 0, 0, 0);
    assert.ok(pages.store(0, 16, pointer, 0, 8));
    assert.deepEqual(contents(pages).subarray(15, 25), Uint8Array.of(0, ...pointer, 0));
    assert.ok(pages.store(0, 0, new Uint8Array(8).fill(255), 0, 8) === false, 'before the pointer');
    assert.ok(pages.fill(0, 0, 24, 1) && pages.fill(0, 24, PAGE, 1));
    assert.deepEqual(contents(pages), new Uint8Array(PAGE).fill(1));
  });

  it('hold what a saved machine did, and nothing after that', () => {
    const saved = new Int32Array(PAGE / 4).map((_, i) => i * i);
    const pages = new LazyPages(1);
    const part = new EncodedPages(encodePages([saved]), 1).parts(1)[0]!;
    pages.hold(0, part, () => assert.fail('the page was not committed'));
    assert.equal(pages.heldPart(0), part);
    assert.deepEqual(contents(pages), new Uint8Array(saved.buffer));
    assert.ok(!pages.fill(0, 0, PAGE, 1));
    pages.clear(() => assert.fail('no memory of the host was used'));
    assert.deepEqual(contents(pages), new Uint8Array(PAGE));
  });

  it('that were committed, and hold what a saved machine did again, are told of once', () => {
    const saved = [1, 2].map((byte) => new Int32Array(PAGE / 4).fill(byte));
    const part = new EncodedPages(encodePages(saved), 2).parts(2)[0]!;
    const pages = new LazyPages(2);
    pages.hold(0, part, () => assert.fail('no page was committed'));
    pages.commit(1, new Uint8Array(PAGE));
    pages.hold(0, part, () => assert.fail('it holds the same'));
    pages.changed(1);
    const replaced: number[] = [];
    for (let i = 0; i < 2; i++) pages.hold(0, part, (page) => replaced.push(page));
    assert.deepEqual(replaced, [1]);
  });
});

describe('memory of which a guest fills pages', () => {
  const FILLED = 0x8010_0000n;
  const PAGES = 40;

  /** Fills pages with 5, one after the other, byte by byte, puts the address of the one before in front, and follows these thrice. */
  function kernel(): Uint8Array {
    const { s0, s1, a4, a5, t0, t1, t2 } = R;
    const code = new Assembler()
      .li(s0, FILLED)
      .li(s1, FILLED + BigInt(PAGES * PAGE))
      .li(t0, 0)
      .li(t1, 0x1122_3344_5566_7705n);
    code.li(t2, PAGE).label('page').op('addi', { rd: a5, rs1: s0 }).op('add', { rd: a4, rs1: s0, rs2: t2 });
    code.label('byte').op('sb', { rs1: a5, rs2: t1 }).op('addi', { rd: a5, rs1: a5, imm: 1 });
    code.to('byte', 'bne', { rs1: a5, rs2: a4 }).op('sd', { rs1: s0, rs2: t0 });
    code.op('addi', { rd: t0, rs1: s0 }).op('addi', { rd: s0, rs1: a4 }).to('page', 'bne', { rs1: s0, rs2: s1 });
    for (let i = 0; i < 3; i++) code.op('ld', { rd: t0, rs1: t0 });
    code.op('ld', { rd: t1, rs1: t0 }).op('ld', { rd: t1, rs1: t0 }).label('halt').to('halt', 'jal');
    return laidOut(code);
  }

  const machineAfter = (instructions: number, before: (machine: Machine) => void): Machine => {
    const machine = new Machine({ harts: 1, memory: 2 ** 21, legacyVirtio: false, kernel: kernel() });
    before(machine);
    while (machine.executed < instructions) machine.run({ instructions: instructions - machine.executed });
    return machine;
  };
  const makeAll = ({ memory }: Machine): void => void memory.read(memory.dramBase, Number(memory.dramSize));

  it('is what it would be had all pages been made before, at every point and in every tier', () => {
    const end = PAGES * PAGE * 3 + 2000;
    const points = Array.from({ length: 50 }, (_, i) => Math.floor(((i + 1) * end) / 50));
    const meanwhile = new Map([[1, makeAll]]);
    const { trace } = runInTier('interp', { kernel: kernel(), points, meanwhile });
    for (const tier of TIERS) {
      for (const slice of [Infinity, 997, 12_289])
        assert.deepEqual(runInTier(tier, { kernel: kernel(), points, slice }).trace, trace, `${tier} by ${slice}`);
    }
  });

  it('needs no memory of the host for what nobody has looked at', () => {
    const machine = machineAfter(PAGES * PAGE * 3 + 2000, () => undefined);
    // The pointers of the last three were read, and that of the fourth twice; what is not made can be filled like this.
    const fill = (page: number): boolean => machine.memory.fillLazily(Number(FILLED) + page * PAGE, PAGE, 5);
    assert.deepEqual([0, PAGES - 5, PAGES - 4, PAGES - 3, PAGES - 1].map(fill), [true, true, false, true, true]);
  });

  it('is saved, restored and cleared like all other memory', () => {
    const run = machineAfter(PAGES * PAGE * 2, () => undefined);
    const other = machineAfter(5000, () => undefined);
    other.restore(run.save());
    assert.equal(other.stateHash(), run.stateHash());
    assert.deepEqual(other.memory.read(FILLED, PAGES * PAGE), run.memory.read(FILLED, PAGES * PAGE));
    other.reset();
    assert.equal(other.stateHash(), machineAfter(0, () => undefined).stateHash());
    run.reset();
    assert.equal(run.stateHash(), other.stateHash());
  });
});
