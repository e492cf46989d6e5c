import assert from 'node:assert/strict';
import { TrapLoops } from './trap-loops';
import { Mode, type TrapEvent } from './types';

const VECTOR = 0x8000n;
const trap = (epc: bigint, given: Partial<TrapEvent> = {}): TrapEvent => ({
  ...{ hart: 0, interrupt: false, cause: 12, tval: 0n, epc, from: Mode.Supervisor, to: Mode.Supervisor },
  ...given,
});

describe('traps without end', () => {
  it('are known at once where the first instruction of the handler traps', () => {
    const loops = new TrapLoops();
    const first = trap(0x1234n);
    assert.equal(loops.follow(first, VECTOR), false);
    assert.equal(loops.follow(trap(VECTOR), VECTOR), true);
    assert.equal(loops.unreported(0), first);
    loops.report(0);
    assert.equal(loops.unreported(0), undefined);
    assert.equal(loops.follow(trap(VECTOR), VECTOR), false);
  });

  it('are known after a while where the handler gets a little further', () => {
    const loops = new TrapLoops();
    loops.follow(trap(0x1234n), VECTOR);
    const followed = Array.from({ length: 40 }, () => loops.follow(trap(VECTOR + 8n), VECTOR));
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
        assert.equal(loops.follow(other, VECTOR), false);
        for (let again = 0; again < 5; again++) assert.equal(loops.follow(trap(VECTOR + 8n), VECTOR), false);
      }
    }
  });

  it('are counted for each hart by itself', () => {
    const loops = new TrapLoops();
    loops.follow(trap(0x1234n), VECTOR);
    loops.follow(trap(VECTOR, { hart: 1 }), VECTOR);
    assert.equal(loops.follow(trap(VECTOR, { hart: 1 }), VECTOR), true);
    assert.equal(loops.unreported(0), undefined);
  });
});
