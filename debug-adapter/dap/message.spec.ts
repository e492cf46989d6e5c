import { strict as assert } from 'node:assert';
import { parseMessage } from './message';

describe("a message's text", () => {
  it('is parsed, whatever brackets its strings have', () => {
    for (const value of [{ a: ['[[[', '\\"[', '"', { b: null }] }, '['.repeat(10_000), '\\', []])
      assert.deepEqual(parseMessage(JSON.stringify(value)), value);
    assert.throws(() => parseMessage('{"a":'), SyntaxError);
  });

  it('may not be nested without end', function () {
    const nested = (open: string, close: string, depth: number): string =>
      open.repeat(depth) + '1' + close.repeat(depth);
    for (const [open, close] of [
      ['[', ']'],
      ['{"a":', '}'],
    ] as const) {
      assert.ok(parseMessage(nested(open, close, 500)));
      for (const depth of [501, 5_000_000])
        assert.throws(() => parseMessage(nested(open, close, depth)), /more than 500 levels/);
    }
  });
});
