/** Values whose place compilers describe in several ways, as GCC and Clang write it in DWARF 2 to 5. */
import assert from 'node:assert/strict';
import { fixtureBytes, openFixture, splitFile } from '../testing/symbols/fixtures';
import { callerOf, unstarted } from '../testing/symbols/running';
import { assign, evaluate } from './evaluate';
import { childrenOf } from './children';
import { formatValue } from './format';
import { typeName } from './types';
import { bytesOf, numberOf, type EvaluationContext } from './value';

const BUILDS = ['gcc-2', 'gcc-3', 'gcc-4', 'gcc-5', 'clang-2', 'clang-4', 'clang-5', 'split-4', 'split-5'] as const;

function open(build: (typeof BUILDS)[number]): ReturnType<typeof openFixture> {
  const binary = openFixture(`values/${build}`);
  if (build === 'split-4' || build === 'split-5') binary.attachSplit(build, splitFile(`${build}.dwo`));
  return binary;
}

/** As values.c initializes them. */
const FIELDS: Record<string, Record<string, bigint>> = {
  plain1: {
    ...{ sc: -3n, uc: 21n, c: 77n, s: -200n, us: 5000n, i: -50000n, u: 0x2aaaaaaan, i32: -123456789n, one: 1n },
    ...{ minus: -1n, l: -0xdeadbeef1n, ul: 0x7000000000000001n, ll: -0x80000001n, ull: 0xfedcba9876543210n },
    ...{ b: 1n, f: 0n, h: 2n, t: -1n, y: 1n, w: 0x1234567890n, li: -4n, cv: -16n },
  },
  packed1: {
    ...{ a: 5n, b: -0x123456789abcdefn, c: -0x3fffffffn, d: -63n, e: 1n, f: 0x8123456789abcdefn, g: -1000n },
    ...{ h: -1n, i: 0xabcden, j: 100n, k: 2n },
  },
  mixed1: {
    ...{ before: 97n, a: -4n, between: 98n, b: 2000n, x: -4n, y: 33n, 'inner.low': -8n },
    ...{ 'inner.high': -0x7000000000n, last: -0x7654321098n },
  },
  both1: {
    ...{ a: -4n, b: 0x544n, c: -0x1234567890abcn, d: 0x44n, 'part.low': 4n, 'part.high': 4n },
  },
};

describe('Bit fields', () => {
  for (const build of BUILDS) {
    it(`of every base type are read as ${build} lays them out`, () => {
      const binary = open(build);
      const context = unstarted(binary);
      for (const [record, fields] of Object.entries(FIELDS)) {
        const found = Object.keys(fields).map((field) => [
          field,
          numberOf(evaluate(`${record}.${field}`, context), context),
        ]);
        assert.deepEqual(Object.fromEntries(found), fields, record);
      }
      assert.equal(numberOf(evaluate('plain1.sc < 0 && plain1.uc > 0 && packed1.g == -1000', context), context), 1n);
      assert.deepEqual(binary.warnings, []);
    });

    it(`are written without harm to their neighbours in ${build}`, () => {
      const context = unstarted(open(build));
      for (const [record, fields] of Object.entries(FIELDS)) {
        if (record === 'both1') continue;
        const twin = record.replace('1', '2');
        // Backwards, so that each field's neighbour on the left still has its old value.
        for (const field of Object.keys(fields).reverse()) assign(`${record}.${field}`, `${twin}.${field}`, context);
        const [written, wanted] = [record, twin].map((name) => bytesOf(evaluate(name, context), context));
        assert.deepEqual(written, wanted, record);
      }
    });
  }
});

describe('Variable-length arrays', () => {
  const valueIn = (context: EvaluationContext) => (text: string) => numberOf(evaluate(text, context), context);

  for (const build of BUILDS) {
    const binary = open(build);
    const bytes = fixtureBytes(`values/${build}`);
    const isClang = build.startsWith('clang');

    it(`have the length that they have in the frame, in ${build}`, () => {
      const context = callerOf(binary, bytes, 'stop', 3);
      const value = valueIn(context);
      assert.equal(value('n'), 5n);
      assert.equal(value('sizeof(v)'), 20n);
      assert.equal(value('sizeof v / sizeof v[0]'), 5n);
      assert.equal(typeName(evaluate('v', context).type), 'int [5]');
      assert.equal(typeName(evaluate('grid', context).type), 'long [2][6]');
      assert.equal(value('sizeof(grid)'), 96n);
      assert.equal(value('grid[1][4]'), 104n);
      assert.equal(value('*(grid[0] + 5)'), 5n);
      assert.equal(formatValue(evaluate('v', context), context), '{0, 10, 20, 30, 40}');
      assert.equal(formatValue(evaluate('text', context), context), '{0, -1, -2, -3, -4, -5, -6, -7, -8, -9}');
      assert.deepEqual(
        childrenOf(evaluate('grid[1]', context), context).map((child) => formatValue(child.value, context)),
        ['100', '101', '102', '103', '104', '105'],
      );
      assert.equal(value('(*rows)[4]'), 40n);
      if (isClang) {
        assert.throws(() => value('sizeof *rows'), /the length of int \[\] is not known here/);
        assert.throws(() => value('rows + 1'), /the length of int \[\] is not known here/);
      } else {
        assert.equal(value('sizeof *rows'), 20n);
        assert.equal(value('(char *)(rows + 1) - (char *)rows'), 20n);
      }
    });

    it(`are parameters${isClang ? ', of which Clang does not record the length,' : ''} in ${build}`, () => {
      const context = callerOf(binary, bytes, 'stop', 1);
      const value = valueIn(context);
      assert.equal(value('n * 10 + m'), 23n);
      assert.equal(value('*(int *)a'), 1n);
      if (isClang) {
        for (const text of ['a[1][2]', 'a + 1', 'sizeof(*a)', '(*a)@2'])
          assert.throws(() => value(text), /the length of int \[\] is not known here/, text);
        assert.equal(value('a[0][2]'), 3n, 'the first row begins where the array does');
      } else {
        assert.equal(value('a[1][2]'), 6n);
        assert.equal(value('sizeof(a[0])'), 12n);
        assert.equal(typeName(evaluate('a', context).type), 'int (*)[3]');
        assert.equal(formatValue(evaluate('a[0]@2', context), context), '{{1, 2, 3}, {4, 5, 6}}');
      }
    });

    it(`have no size if it is not known: extern int a[] in ${build}`, () => {
      const context = unstarted(binary);
      if (binary.global('elsewhere') === undefined) return;
      assert.throws(() => evaluate('sizeof(elsewhere)', context), /the length of int \[\] is not known here/);
      assert.throws(() => evaluate('&elsewhere + 1', context), /the length of int \[\] is not known here/);
    });
  }
});
