import { strict as assert } from 'node:assert';
import { DiskSaver } from './disk-saver';

/** A disk whose flushes take `cost` milliseconds of a clock that is otherwise stopped. */
function setUp(cost = 1) {
  const state = { time: 0, flushes: 0, problem: '', told: [] as string[] };
  const flush = (): void => {
    state.flushes++;
    state.time += cost;
    if (state.problem !== '') throw new Error(state.problem);
  };
  const saving = new DiskSaver({ flush }, { now: () => state.time }, (problem) => state.told.push(problem));
  const pass = (milliseconds: number): void => {
    for (const end = state.time + milliseconds; state.time < end; state.time += 10) saving.nowAndThen();
  };
  return { state, saving, pass };
}

describe('the disk of a running guest', () => {
  it('is saved every two seconds', () => {
    const { state, pass } = setUp();
    pass(1900);
    assert.equal(state.flushes, 0);
    pass(8200);
    assert.equal(state.flushes, 5);
  });

  it('is saved less often when that takes long', () => {
    const { state, pass } = setUp(1000);
    pass(49_000);
    assert.equal(state.flushes, 1);
    pass(6000);
    assert.equal(state.flushes, 2);
  });

  it('that cannot be saved is told of once, and again after it could', () => {
    const { state, saving, pass } = setUp();
    state.problem = 'no space';
    pass(10_000);
    saving.save();
    assert.ok(state.flushes > 3);
    assert.deepEqual(state.told, ['no space']);
    state.problem = '';
    pass(3000);
    state.problem = 'no space';
    saving.save();
    assert.deepEqual(state.told, ['no space', 'no space']);
  });
});
