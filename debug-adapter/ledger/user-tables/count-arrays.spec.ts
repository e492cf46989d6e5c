import { strict as assert } from 'node:assert';
import * as C from '../../expressions/types';
import { arrayOf, struct, TestProgram } from '../../testing/program';
import { countArrays, firstCount } from './count-arrays';

const AT = 0x8000_1000n;
const PAGES = 1000;

function setUp() {
  const program = new TestProgram();
  const lock = struct('spinlock', { locked: C.UNSIGNED, name: C.pointerTo(C.CHAR) });
  const frame = struct('frame', { lock, count: C.INT });
  program.addGlobal('references', arrayOf(C.INT, PAGES), AT);
  program.addGlobal('ref', struct(undefined, { lock, count: arrayOf(C.UNSIGNED_CHAR, PAGES) }), AT + 0x100n);
  program.addGlobal('frames', arrayOf(frame, PAGES), AT + 0x200n);
  program.addGlobal('few', arrayOf(C.INT, 64), AT + 0x300n);
  program.addGlobal('refcount', C.pointerTo(C.SHORT), AT + 0x400n);
  program.addGlobal('stack0', arrayOf(C.CHAR, PAGES), AT + 0x380n);
  program.addGlobal('text', C.pointerTo(C.CHAR), AT + 0x408n);
  return program;
}

describe('arrays of counts', () => {
  it('have an integer for each page: by themselves, in a structure, in the structures of an array, behind a pointer', () => {
    const found = countArrays({ binary: setUp() }, PAGES);
    assert.deepEqual(
      found.map(({ name, address, offset, stride, size }) => [name, address - AT, offset, stride, size]),
      [
        ['references[]', 0n, 0, 4, 4],
        ['ref.count[]', 0x110n, 0, 1, 1],
        ['frames[].count', 0x200n, 16, 24, 4],
        ['refcount[]', 0x400n, 0, 2, 2],
      ],
    );
    assert.deepEqual(
      countArrays({ binary: setUp() }, PAGES + 1).map(({ name }) => name),
      ['refcount[]'],
    );
  });

  it('are what the user has named, of any length', () => {
    const named = (name: string): string[] => countArrays({ binary: setUp() }, 0, name).map((one) => one.name);
    assert.deepEqual(named('few'), ['few[]']);
    assert.deepEqual(named('ref.count'), ['ref.count[]']);
    assert.deepEqual(named('text'), [], 'char is for text');
    assert.deepEqual([named('ref.none'), named('none'), named('references.count')], [[], [], []]);
  });

  it('begin where they lie, or where the pointer leads', () => {
    const program = setUp();
    const [references, , frames, pointer] = countArrays({ binary: program }, PAGES);
    assert.deepEqual(
      [references!, frames!, pointer!].map((one) => firstCount(program, one)),
      [AT, AT + 0x210n, undefined],
    );
    program.poke(AT + 0x400n, 0x8000_9000n);
    assert.equal(firstCount(program, pointer!), 0x8000_9000n);
  });
});
