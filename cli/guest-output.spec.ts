import assert from 'node:assert/strict';
import { GuestOutput } from './guest-output';

const SECOND = 10_000_000;

function after(...pieces: [tick: number, text: string][]): GuestOutput {
  const output = new GuestOutput();
  for (const [tick, text] of pieces) {
    output.write(Buffer.from(text));
    output.take(tick);
  }
  return output;
}

describe('what the guest writes', () => {
  it('is handed on whole', () => {
    const output = new GuestOutput();
    output.write(Buffer.from('a'));
    output.write(Buffer.from('bc'));
    assert.equal(Buffer.from(output.take(0)).toString(), 'abc');
    assert.equal(output.take(0).length, 0);
  });

  it('shows the first prompt, also in two pieces', () => {
    assert.equal(after([0, 'init: starting sh\n$'], [1, ' ']).promptSeen, true);
    assert.equal(after([0, 'cost: $5']).promptSeen, false);
  });

  it('is a panic if nothing follows for a second', () => {
    const output = after([0, 'test x: pan'], [5, 'ic: kerneltrap\n'], [9, 'backtrace:\n0x80001234\n']);
    assert.equal(output.panicked(9), false);
    assert.equal(output.panicked(SECOND), false);
    assert.equal(output.panicked(SECOND + 9), true);
  });

  it('is none if the guest goes on, or if its shell waits', () => {
    assert.equal(after([0, 'panic: no\n'], [SECOND / 2, 'more']).panicked(3 * SECOND), false);
    assert.equal(after([0, 'panic: just talk\n$ ']).panicked(3 * SECOND), false);
    assert.equal(after([0, 'do not panic\n']).panicked(3 * SECOND), false);
  });

  it('is handed on once, however often the guest goes back and writes it again', () => {
    const output = new GuestOutput();
    const taken = (): string => Buffer.from(output.take(0)).toString();
    output.write(Buffer.from('ab'));
    const { position } = output;
    output.write(Buffer.from('cd'));
    assert.equal(taken(), 'abcd');
    output.goTo(position);
    output.write(Buffer.from('c'));
    assert.equal(taken(), '');
    output.write(Buffer.from('def'));
    assert.equal(taken(), 'ef');
    output.goTo(position);
    output.forgetLater();
    output.write(Buffer.from('xy'));
    assert.equal(taken(), 'xy');
  });
});
