import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import fc from 'fast-check';
import { TerminalText } from './terminal-text';

describe('terminal text', () => {
  it('returns the carriage at a line feed, once', () => {
    const text = new TerminalText();
    assert.equal(text.append('init: starting sh\n$ '), 'init: starting sh\r\n$ ');
    assert.equal(text.append('a\r\nb\n\nc'), 'a\r\nb\r\n\r\nc');
    assert.equal(text.history, 'init: starting sh\r\n$ a\r\nb\r\n\r\nc');
  });

  it('gives the same for any cut into chunks', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: fc.constantFrom('a', '\r', '\n') })), (chunks) => {
        const whole = new TerminalText().append(chunks.join(''));
        const parts = new TerminalText();
        assert.equal(chunks.map((chunk) => parts.append(chunk)).join(''), whole);
      }),
    );
  });

  it('keeps the last part of a long text only', () => {
    const text = new TerminalText();
    text.append('old'.repeat(100_000));
    text.append('new');
    assert.ok(text.history.endsWith('new'));
    assert.equal(text.history.length, 1 << 18);
  });

  it('is forgotten when the terminal is cleared', () => {
    const text = new TerminalText();
    text.append('old\r');
    text.clear();
    assert.equal(text.append('\nnew'), '\r\nnew');
    assert.equal(text.history, '\r\nnew');
  });
});
