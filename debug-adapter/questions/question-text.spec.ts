import assert from 'node:assert/strict';
import { questionIn, rowToGoTo } from './question-text';

describe('a question as it is typed', () => {
  it('has a name, what it is about, and a condition', () => {
    assert.deepEqual(questionIn('$calls(kalloc)'), { name: 'calls', about: 'kalloc', condition: undefined });
    assert.deepEqual(questionIn(' $calls ( walk , va == 0 ) '), { name: 'calls', about: 'walk', condition: 'va == 0' });
    assert.deepEqual(questionIn('$traps()'), { name: 'traps', about: '', condition: undefined });
    assert.deepEqual(questionIn('$satp($pid == 3)'), { name: 'satp', about: '', condition: '$pid == 3' });
    assert.deepEqual(questionIn('$when(ticks == 5)'), { name: 'when', about: '', condition: 'ticks == 5' });
  });

  it('is cut at commas that are in no brackets and no text', () => {
    const { about, condition } = questionIn('$writes(*$pte(va, table), strcmp[0] == "a,b" && x == \',\')')!;
    assert.deepEqual([about, condition], ['*$pte(va, table)', 'strcmp[0] == "a,b" && x == \',\'']);
  });

  it('is no C: that is left to the expressions', () => {
    for (const text of [
      '$satp',
      '$pte(va)',
      '$calls',
      'calls(kalloc)',
      '$calls(kalloc) + 1',
      '$calls(a) + f(b)',
      '$nothing(1)',
    ])
      assert.equal(questionIn(text), undefined, text);
  });

  it('that lacks something, or has too much, is refused with its form', () => {
    assert.throws(() => questionIn('$origin()'), /It is \$origin\(value\)\.$/);
    assert.throws(() => questionIn('$calls()'), /It is \$calls\(function, condition\)/);
    assert.throws(
      () => questionIn('$calls(a, b, c)'),
      /There is too much in \$calls: it is \$calls\(function, condition\)/,
    );
    assert.throws(() => questionIn('$origin(a, b)'), /There is too much in \$origin: it is \$origin\(value\)/);
    assert.throws(() => questionIn('$traps(a, b)'), /There is too much in \$traps/);
  });

  it('leads to a row by its number', () => {
    assert.equal(rowToGoTo('$go(12)'), 12);
    assert.equal(rowToGoTo(' $go( #7 ) '), 7);
    assert.equal(rowToGoTo('$go(x)'), undefined);
    assert.equal(rowToGoTo('$go(12) + 1'), undefined);
  });
});
