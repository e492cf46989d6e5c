import assert from 'node:assert/strict';
import type { BootRecorder } from '../../emulator/history/warm-start';
import type { Machine } from '../../emulator/machine';
import type { Learner } from '../run-control/run-state';
import { WarmStart } from './warm-start';

describe('saving a boot', () => {
  it('that fails stops neither the run nor the session, and is not tried again', () => {
    let [tried, written] = [0, 0];
    let recording = true;
    const recorder: Pick<BootRecorder, 'isComplete' | 'save' | 'discard'> = {
      isComplete: () => recording,
      save: () => {
        tried++;
        throw new RangeError('Array buffer allocation failed');
      },
      discard: () => void (recording = false),
    };
    const store = { read: () => Promise.resolve(undefined), write: () => Promise.resolve(void written++) };
    const learned: Learner = { save: () => null, restore: () => undefined };
    const machine = { subscribe: () => ({ end: () => undefined }) } as unknown as Machine;
    const start = new WarmStart(machine, recorder as BootRecorder, learned, store, 'boot', undefined);
    start.saveWhenComplete();
    start.saveWhenComplete();
    assert.deepEqual([tried, written], [1, 0]);
  });
});
