import assert from 'node:assert/strict';
import type { State } from '../types';
import { SavedState } from './saved-state';

describe('SavedState', () => {
  const saved = new SavedState('clock', {
    n: 3,
    b: 4n,
    t: 'x',
    none: null,
    flag: true,
    bytes: Uint8Array.of(1),
    list: [1, 2n],
  });

  it('gives fields by their type', () => {
    assert.equal(saved.number('n'), 3);
    assert.equal(saved.count('n'), 3);
    assert.equal(saved.bigint('b'), 4n);
    assert.equal(saved.text('t'), 'x');
    assert.equal(saved.text('none'), undefined);
    assert.equal(saved.boolean('flag'), true);
    assert.deepEqual(saved.bytes('bytes'), Uint8Array.of(1));
  });

  it('takes no number that no state has', () => {
    const of = (value: State): SavedState => new SavedState('clock', { value, list: [value] });
    assert.equal(of(2 ** 60).tick('value'), 2 ** 60);
    for (const value of [NaN, 0.5, -Infinity, -(2 ** 60)]) {
      assert.throws(() => of(value).number('value'), /clock\.value: expected a number/);
      assert.throws(() => of(value).tick('value'));
      assert.throws(() => of(value).numbers('list'));
    }
    assert.throws(() => of(Infinity).number('value'));
    assert.equal(of(Infinity).tick('value'), Infinity);
    assert.equal(of(-1).number('value'), -1);
    for (const value of [1n << 64n, -1n << 64n, 1n << 100_000n]) {
      assert.throws(() => of(value).bigint('value'));
      assert.throws(() => of(value).bigints('list'));
    }
    assert.equal(of((1n << 64n) - 1n).bigint('value'), (1n << 64n) - 1n);
  });

  it('names device and field when a type is wrong', () => {
    assert.throws(() => saved.number('b'), /clock\.b: expected a number, found bigint/);
    for (const half of [0.5, -1, NaN, Infinity]) {
      assert.throws(
        () => new SavedState('clock', { half }).count('half'),
        /clock\.half: expected a (count|number), found number/,
      );
    }
    assert.throws(() => saved.bytes('gone'), /clock\.gone: expected bytes, found undefined/);
    assert.throws(() => saved.numbers('list'), /clock\.list: expected a list of numbers/);
    assert.throws(() => saved.list('list', 3), /clock\.list: expected 3 entries, found 2/);
    assert.throws(() => saved.records('list'), /clock\.list\[0\]: expected a record of fields, found number/);
    assert.throws(() => new SavedState('clock', [1]), /expected a record of fields, found a list/);
  });
});
