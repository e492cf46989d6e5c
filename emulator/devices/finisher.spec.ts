import assert from 'node:assert/strict';
import { Finisher, type Finish } from './finisher';

describe('Finisher', () => {
  let asked: Finish[];
  let finisher: Finisher;

  beforeEach(() => {
    asked = [];
    finisher = new Finisher((finish) => asked.push(finish));
  });

  it('passes, fails with a code, and resets', () => {
    for (const word of [0x5555n, 0x3333n | (7n << 16n), 0xffff_3333n, 0x7777n]) assert.ok(finisher.write(0, 4, word));
    assert.deepEqual(asked, [
      { kind: 'poweroff', code: 0 },
      { kind: 'poweroff', code: 7 },
      { kind: 'poweroff', code: 0xffff },
      { kind: 'reset' },
    ]);
  });

  it('ignores other words and other addresses, and reads as zero', () => {
    assert.ok(finisher.write(0, 4, 0x1234n));
    assert.ok(finisher.write(4, 4, 0x5555n));
    assert.equal(finisher.read(0, 4), 0n);
    assert.deepEqual(asked, []);
  });

  it('takes half words, not bytes or double words', () => {
    assert.ok(finisher.write(0, 2, 0x5555n));
    assert.equal(finisher.write(0, 1, 0x55n), false);
    assert.equal(finisher.write(0, 8, 0x5555n), false);
    assert.equal(asked.length, 1);
  });
});
