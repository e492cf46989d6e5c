import assert from 'node:assert/strict';
import { EscapeFilter } from './terminal';

const feed = (filter: EscapeFilter, text: string): { forward: string; commands: string[] } => {
  const { forward, commands } = filter.feed(Buffer.from(text, 'latin1'));
  return { forward: Buffer.from(forward).toString('latin1'), commands };
};

describe('Ctrl-A', () => {
  it('passes everything else on', () => {
    assert.deepEqual(feed(new EscapeFilter(), 'ls\r\x03\x10\xff'), { forward: 'ls\r\x03\x10\xff', commands: [] });
  });

  it('and a key is a command, in either case', () => {
    assert.deepEqual(feed(new EscapeFilter(), 'a\x01xb\x01H\x01c'), {
      forward: 'ab',
      commands: ['exit', 'help', 'monitor'],
    });
  });

  it('twice is one for the guest', () => {
    assert.deepEqual(feed(new EscapeFilter(), '\x01\x01x'), { forward: '\x01x', commands: [] });
  });

  it('holds over pieces, and swallows a key that means nothing', () => {
    const filter = new EscapeFilter();
    assert.deepEqual(feed(filter, 'a\x01'), { forward: 'a', commands: [] });
    assert.deepEqual(feed(filter, 'x'), { forward: '', commands: ['exit'] });
    assert.deepEqual(feed(filter, '\x01qz'), { forward: 'z', commands: [] });
  });
});
