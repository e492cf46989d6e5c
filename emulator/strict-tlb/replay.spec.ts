/** A run with a strict TLB can be repeated: in every tier, at any length of slices, and from where it was saved. */
import assert from 'node:assert/strict';
import { Machine } from '../machine';
import { pageAt } from '../testing/fences/fence-program';
import { R } from '../testing/guests';
import { entry, RWX } from '../testing/page-tables';
import { cards, program, STRICT, VA } from '../testing/fences/stale-runs';
import { runInTier, sameInTiers, TIERS } from '../testing/tiers';

const { s2, s3, s4, t3 } = R;

describe('a strict TLB', () => {
  it('is the same in every tier, at any length of slices, and when it is restored', () => {
    const made = program();
    const second = made.space();
    made.tables.map(second, VA, pageAt(3), RWX);
    made
      .load(s2, VA)
      .store(made.leaf, entry(pageAt(2), RWX))
      .load(s3, VA)
      .writeSatp(made.satp(second))
      .load(s4, VA);
    made.writeSatp(made.satp(made.root)).load(t3, VA).fence().load(s2, VA);
    const kernel = made.kernel();
    const points = Array.from({ length: 8 }, (_, i) => 80 + i * 35);
    for (const tlb of [STRICT, cards('invalid', 'non-leaf', 'evict')])
      sameInTiers({ kernel, points, options: { tlb } }, [7]);
    for (const tier of TIERS) {
      const reference = runInTier(tier, { kernel, points, options: { tlb: STRICT } }).trace;
      for (const [i, point] of points.entries()) {
        const { machine } = runInTier(tier, { kernel, points: [point], options: { tlb: STRICT } });
        const other = new Machine(machine.options);
        other.restore(machine.save());
        const trace = points.slice(i + 1).map((target) => {
          other.run({ instructions: target - other.executed });
          return `${other.executed}: ${other.stateHash()}`;
        });
        assert.deepEqual(trace, reference.slice(i + 1), `${tier} ${point}`);
      }
    }
  });
});
