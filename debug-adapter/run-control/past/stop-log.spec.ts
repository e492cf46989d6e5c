import { strict as assert } from 'node:assert';
import { StopLog } from './stop-log';

const stop = (time: number, reason: 'breakpoint' | 'step' | 'goto' | 'pause' = 'breakpoint') => ({
  ...{ instant: { inputs: 0, time, phase: 3 }, hart: 0, reason, text: `${reason} at ${time}` },
});
const times = (log: StopLog): number[] => log.all.map(({ instant }) => instant.time);

describe('the log of stops', () => {
  it('has each stop once, in the order of their instants, and neither steps nor visits', () => {
    const log = new StopLog();
    for (const one of [stop(5), stop(9, 'pause'), stop(7), stop(5, 'pause'), stop(6, 'step'), stop(8, 'goto')])
      log.note(one);
    assert.deepEqual(times(log), [5, 7, 9]);
    assert.equal(log.all[0]!.text, 'breakpoint at 5');
  });

  it('forgets what another future replaces', () => {
    const log = new StopLog();
    for (const time of [1, 2, 3, 4]) log.note(stop(time));
    log.forgetAfter(stop(2).instant);
    assert.deepEqual(times(log), [1, 2]);
  });

  it('has so many at most, the last ones', () => {
    const log = new StopLog();
    for (let time = 0; time < 2100; time++) log.note(stop(time));
    assert.deepEqual([log.all.length, times(log)[0]], [2000, 100]);
  });
});
