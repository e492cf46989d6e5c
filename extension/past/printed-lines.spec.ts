import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { PrintedText } from './printed-lines';

describe('printed lines', () => {
  it('are those that are finished, the latest first, without blanks at the end', () => {
    const text = new PrintedText();
    text.append('booting  \r\n\nhart 1 star');
    text.append('ting\n$ ');
    assert.deepEqual(
      text.lines().map((line) => line.text),
      ['hart 1 starting', 'booting'],
    );
  });

  it('with the same text are counted from the latest', () => {
    const text = new PrintedText();
    text.append('a\nx\nb\nx\n');
    assert.deepEqual(text.saying('x '), [
      { text: 'x', occurrence: 0, before: 'b' },
      { text: 'x', occurrence: 1, before: 'a' },
    ]);
    assert.deepEqual(text.saying('$'), []);
  });

  it('are other ones when the machine is at another instant', () => {
    const text = new PrintedText();
    text.append('one\ntwo\n');
    text.replace('one\n');
    assert.deepEqual(
      text.lines().map((line) => line.text),
      ['one'],
    );
  });
});
