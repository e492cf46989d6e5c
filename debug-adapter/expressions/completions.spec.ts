import assert from 'node:assert/strict';
import fc from 'fast-check';
import { complete } from './completions';
import { expressionProgram } from '../testing/expression-program';

describe('completions in C expressions', () => {
  const context = expressionProgram().context([], { satp: 0x8000000000087fffn, sstatus: 0x120n });
  const builtins = [
    { name: 'hart', detail: 'number of this hart' },
    { name: 'va2pa', detail: 'physical address', parameters: 'va' },
  ];
  const at = (text: string): { labels: string[]; start: number; length: number } => {
    const place = text.indexOf('|');
    const { items, start, length } = complete(text.replace('|', ''), place, context, builtins);
    return { labels: items.map(({ label }) => label), start, length };
  };

  it('are members, also of unnamed unions, wherever the operand ends', () => {
    for (const text of ['p->|', 'p.|', '1 + p -> |', '(p + 1)->|', 'proc[i + 1].|', 'f(p->|', 'p->parent->|', '(*p).|'])
      assert.ok(at(text).labels.includes('wide'), text);
    assert.deepEqual(at('proc[p->pid].ofile[(1)]->re|').labels, ['ref']);
    assert.deepEqual(at('flags.l|'), { labels: ['level'], start: 6, length: 1 });
    assert.deepEqual(at('main.c::flags.v|').labels, ['valid']);
    assert.deepEqual(at('$satp.|').labels, ['PPN', 'ASID', 'MODE']);
    for (const text of ['i.|', '.|', '->|', ').|', '1..|', '"p".|', '(p.|)'].slice(0, 6))
      assert.ok(!at(text).labels.includes('wide'), text);
  });

  it('replace the word before the cursor, in any case', () => {
    assert.deepEqual(at('i + MATR| + 1'), { labels: ['matrix'], start: 4, length: 4 });
    assert.deepEqual(at('$Va2|').labels, ['$va2pa(']);
    assert.deepEqual(at('sle|').labels, ['SLEEPING']);
    assert.deepEqual(at('struct f|').labels.sort(), ['file', 'flags']);
  });

  it('never fail, whatever has been typed', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[-+*&!~()[\]{}.,:'"\\a-zA-Z0-9$ <>=|]{0,60}$/), fc.nat(80), (text, place) => {
        const cursor = Math.min(place, text.length);
        const { start, length, items } = complete(text, cursor, context, builtins);
        assert.equal(start + length, cursor);
        assert.ok(items.length <= 500);
      }),
      { numRuns: 2000 },
    );
    for (const text of ['('.repeat(5000), '[)'.repeat(2000), 'a.'.repeat(5000), '"', "'", 'x'.repeat(10_000)])
      complete(text, text.length, context, builtins);
  }).timeout(20_000);
});
