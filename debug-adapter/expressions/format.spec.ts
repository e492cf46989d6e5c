import assert from 'node:assert/strict';
import { childrenOf, countChildren } from './children';
import { evaluate } from './evaluate';
import { formatValue, symbolSuffix } from './format';
import { secondProcess, expressionProgram } from '../testing/expression-program';
import { arrayOf, struct } from '../testing/program';
import * as C from './types';

const program = expressionProgram();
const x: bigint[] = Array.from({ length: 32 }, () => 0n);
x[9] = secondProcess(program);
const context = program.context(x, { satp: 0x8000000000087fffn, sstatus: 0x120n });
const show = (text: string, options = {}) => formatValue(evaluate(text, context), context, options);

describe('values as C shows them', () => {
  it('numbers, characters, truths, strings', () => {
    assert.equal(show('i'), '-5');
    assert.equal(show('i', { hex: true }), '0xfffffffb');
    assert.equal(show('letter'), "65 'A'");
    assert.equal(show("(char)'\\n'"), "10 '\\n'");
    assert.equal(show('(char)200'), "200 '\\310'");
    assert.equal(show('small'), "-1 '\\377'");
    assert.equal(show('yes'), 'true');
    assert.equal(show('p->entry'), '0x80003000 "say \\"hi\\"\\n"');
    assert.equal(show('(char *)0'), '0x0');
    assert.equal(show('(char *)16'), '0x10 <cannot read memory there>');
    assert.equal(show('p->state', { hex: true }), '0x2');
    assert.equal(show('(enum procstate)9'), '9');
    assert.equal(show('p'), '0x80010080 <proc+128>');
  });

  it('structures, arrays and what is inside them', () => {
    assert.equal(
      show('*p'),
      '{pid = 3, state = RUNNING, parent = 0x80010000 <proc>, sz = 16384, ' +
        'ofile = {0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0}, name = "sh", {low = 7, wide = 21474836487}, ' +
        'run = 0x80000104 <main+4>, entry = 0x80003000 "say \\"hi\\"\\n"}',
    );
    assert.equal(show('matrix'), '{{1, 2, 3}, {4, 5, 6}}');
    assert.equal(show('matrix', { depth: 1 }), '{{...}, {...}}');
    assert.equal(show('zeroes'), '{0 <repeats 64 times>}');
    assert.match(show('proc'), /^\{\{pid = 1, .*\}, \{pid = 3, .*\}\}$/);
    assert.equal(show('gone'), '<optimized out>');
    assert.equal(
      show('*(struct file *)64'),
      '{type = <cannot read memory at 0x40>, ref = <cannot read memory at 0x44>}',
    );
  });

  it('places by the symbol that covers them', () => {
    assert.equal(symbolSuffix(0x80000104n, context), ' <main+4>');
    assert.equal(symbolSuffix(0x80000100n, context), ' <main>');
    assert.equal(symbolSuffix(4n, context), '');
  });
});

describe('type names', () => {
  it('are spelt as C declares', () => {
    const fn = { kind: 'function', result: C.INT, parameters: [C.pointerTo(C.CHAR)], variadic: true } as const;
    const fun = { ...fn, parameters: [...fn.parameters] };
    assert.equal(C.typeName(C.pointerTo(fun)), 'int (*)(char *, ...)');
    assert.equal(C.typeName(arrayOf(C.pointerTo(fun), 3)), 'int (*[3])(char *, ...)');
    assert.equal(C.typeName(C.pointerTo(arrayOf(C.INT, 4))), 'int (*)[4]');
    assert.equal(C.typeName(arrayOf(arrayOf(C.INT, 3), 2)), 'int [2][3]');
    assert.equal(C.typeName({ kind: 'const', target: C.pointerTo(C.CHAR) }), 'char * const');
    assert.equal(C.typeName(C.pointerTo({ kind: 'const', target: C.CHAR })), 'const char *');
    assert.equal(C.typeName(struct(undefined, {})), 'struct {...}');
  });
});

describe('children of values', () => {
  const children = (text: string, start?: number, count?: number) =>
    childrenOf(evaluate(text, context), context, text, start, count).map(({ name, value, evaluateName }) => [
      name,
      formatValue(value, context, { depth: 1 }),
      evaluateName,
    ]);

  it('are members, through pointers too, and reachable by their evaluateName', () => {
    const found = children('p');
    assert.deepEqual(found[0], ['pid', '3', 'p->pid']);
    assert.equal(found.length, 9);
    assert.deepEqual(children('*p')[2], ['parent', '0x80010000 <proc>', '(*p).parent']);
    for (const [, text, name] of found.filter(([, , name]) => name)) assert.equal(show(name!, { depth: 1 }), text);
    assert.deepEqual(children('&i'), [['*(&i)', '-5', '*(&i)']]);
    assert.deepEqual(children('proc[0].parent'), []);
    assert.deepEqual(children('(void *)p'), []);
  });

  it('are elements, a page at a time', () => {
    assert.deepEqual(children('matrix[1]', 1, 1), [['[1]', '5', 'matrix[1][1]']]);
    assert.deepEqual(children('zeroes', 60, 100).length, 4);
    assert.deepEqual(countChildren(evaluate('zeroes', context), context), { named: 0, indexed: 64 });
    assert.deepEqual(children('zeroes[10..12]'), [
      ['[10]', '0', 'zeroes[10..12][10]'],
      ['[11]', '0', 'zeroes[10..12][11]'],
    ]);
    assert.equal(show('matrix[1][1..3][2]'), '6');
  });

  it('are the fields of a CSR', () => {
    const found = children('$sstatus');
    assert.deepEqual(
      found.find(([name]) => name === 'SPP'),
      ['SPP', '1 (S)', '$sstatus.SPP'],
    );
    assert.equal(countChildren(evaluate('$sstatus', context), context).named, found.length);
  });
});
