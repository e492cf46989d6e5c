/** Harts that contend for a lock get it about equally often, and none waits long. */
import assert from 'node:assert/strict';
import { Machine } from '../machine';
import { LOCK_KINDS, contendedLock, fairnessOf } from '../testing/contended-lock';
import { Assembler, BASE, R, laidOut, times } from '../testing/guests';
import { points, sameInTiers } from '../testing/tiers';

const ACQUISITIONS = 40_000;
/** Of all harts together, where each waits at most a quantum until it tries again, and may then find the lock taken anew. */
const LONGEST_WAIT = 800_000;
const INSTRUCTIONS_PER_TICK = 10;

describe('harts that contend for a lock', () => {
  for (const kind of LOCK_KINDS) {
    for (const harts of [2, 4]) {
      it(`share it by ${kind} (${harts} harts)`, () => {
        let output = '';
        const machine = new Machine({
          ...{ harts, memory: 2 ** 21, legacyVirtio: false, kernel: contendedLock(kind, harts, ACQUISITIONS) },
          consoleOutput: (bytes) => void (output += Buffer.from(bytes).toString('latin1')),
        });
        while (machine.run({ instructions: 1_000_000 }).kind === 'budget') assert.ok(machine.executed < 100_000_000);
        const { acquisitions, ticks } = fairnessOf(output, harts);
        assert.equal(
          acquisitions.reduce((sum, count) => sum + count),
          ACQUISITIONS,
        );
        assert.ok(Math.max(...acquisitions) < 2 * Math.min(...acquisitions), acquisitions.join(' '));
        assert.ok(ticks * INSTRUCTIONS_PER_TICK < LONGEST_WAIT, `${ticks * INSTRUCTIONS_PER_TICK} instructions`);
      });
    }
  }

  it('take the same turns in slices of any length, where one gets ahead between lr and sc', () => {
    const { t0, t1, s1 } = R;
    const a = new Assembler()
      .li(s1, BASE + 0x1000)
      .label('again')
      .op('lr.w', { rd: t0, rs1: s1 });
    times(a, t1, 4, 'between', () => a.op('addi', { rd: t0, rs1: t0, imm: 1 }));
    a.op('sc.w', { rd: t1, rs1: s1, rs2: t0 }).to('again', 'jal');
    sameInTiers({ kernel: laidOut(a), points: points(60_000), options: { harts: 2 } }, [1, 30]);
  });
});
