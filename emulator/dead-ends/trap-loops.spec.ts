import assert from 'node:assert/strict';
import { TrapLoops } from './trap-loops';
import { Mode, type TrapEvent } from '../types';

const VECTOR = 0x8000n;
const trap = (epc: bigint, given: Partial<TrapEvent> = {}): TrapEvent => ({
  ...{ hart: 0, interrupt: false, cause: 12, tval: 0n, epc, from: Mode.Supervisor, to: Mode.Supervisor },
  ...given,
});

describe('traps without end', () => {
  it('are known at once where the first instruction of the handler traps', () => {
    const loops = new TrapLoops();
    const first = trap(0x1234n);
    assert.equal(loops.follow(first, VECTOR, 0), false);
    assert.equal(loops.follow(trap(VECTOR), VECTOR, 0), true);
    assert.equal(loops.unreported(0), first);
    loops.report(0);
    assert.equal(loops.unreported(0), undefined);
    assert.equal(loops.follow(trap(VECTOR), VECTOR, 0), false);
  });

  it('are known after a while where the handler gets a little further', () => {
    const loops = new TrapLoops();
    loops.follow(trap(0x1234n), VECTOR, 0);
    const followed = Array.from({ length: 40 }, () => loops.follow(trap(VECTOR + 8n), VECTOR, 0));
    assert.deepEqual([followed.indexOf(true), followed.at(-1)], [31, true]);
  });

  it('are none while another trap comes between, of a program, an interrupt, or from elsewhere in the kernel', () => {
    for (const other of [
      trap(VECTOR + 8n, { from: Mode.User }),
      trap(VECTOR, { interrupt: true }),
      trap(VECTOR + 256n),
    ]) {
      const loops = new TrapLoops();
      for (let i = 0; i < 100; i++) {
        assert.equal(loops.follow(other, VECTOR, 0), false);
        for (let again = 0; again < 5; again++) assert.equal(loops.follow(trap(VECTOR + 8n), VECTOR, 0), false);
      }
    }
  });

  it('are none of code that lies close behind the handler, as the way back to a program does', () => {
    // A program's trap went to the handler, which lies before userret; the kernel has run since, and userret faults.
    const far = new TrapLoops();
    far.follow(trap(0x40n, { from: Mode.User }), VECTOR, 1000);
    const back = trap(VECTOR + 0x9cn);
    assert.equal(far.follow(back, VECTOR, 1400), false);
    assert.equal(far.follow(trap(VECTOR), VECTOR, 1400), true);
    assert.equal(far.unreported(0), back, 'it began in userret, not with the trap before');
    // An interrupt of the kernel went elsewhere.
    const other = new TrapLoops();
    other.follow(trap(0x80001000n, { interrupt: true }), 0x5000n, 1000);
    assert.equal(other.follow(back, VECTOR, 1010), false);
    assert.equal(other.follow(trap(VECTOR), VECTOR, 1010), true);
    assert.equal(other.unreported(0), back);
    // A handler that saves 39 registers, and faults at the next.
    const own = new TrapLoops();
    const first = trap(0x40n, { from: Mode.User });
    own.follow(first, VECTOR, 1000);
    own.follow(back, VECTOR, 1039);
    assert.equal(own.follow(trap(VECTOR), VECTOR, 1039), true);
    assert.equal(own.unreported(0), first);
  });

  it('are counted for each hart by itself', () => {
    const loops = new TrapLoops();
    loops.follow(trap(0x1234n), VECTOR, 0);
    loops.follow(trap(VECTOR, { hart: 1 }), VECTOR, 0);
    assert.equal(loops.follow(trap(VECTOR, { hart: 1 }), VECTOR, 0), true);
    assert.equal(loops.unreported(0), undefined);
  });
});
