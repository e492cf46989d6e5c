import { strict as assert } from 'node:assert';
import type { LoggedInput } from '../../emulator/types';
import { Axis } from './axis';

const at = (inputs: number, time: number, phase = 0) => ({ inputs, time, phase });
const key = (time: number): LoggedInput => ({ time, phase: 0, input: { kind: 'console', bytes: Uint8Array.of(65) } });
const reset = (time: number): LoggedInput => ({ time, phase: 0, input: { kind: 'reset' } });

describe('the axis of a run', () => {
  it('has an instant for each time, before the inputs that come in then', () => {
    const axis = new Axis(at(0, 0), at(2, 500, 3), [key(100), key(200)], at(0, 40));
    assert.deepEqual(
      [-5, 0, 99.5, 100, 101, 200, 300, 499, 500, 1e9].map((time) => axis.at(time)),
      [
        ...[at(0, 0), at(0, 0), at(0, 100), at(0, 100), at(1, 101), at(1, 200), at(2, 300), at(2, 499), at(2, 500)],
        at(2, 500, 3),
      ],
    );
  });

  it('is that of the part between two resets in which one stands', () => {
    const inputs = [key(100), reset(200), key(50), reset(80), key(10)];
    const axisAt = (inputsBefore: number): Axis => new Axis(at(0, 0), at(5, 70), inputs, at(inputsBefore, 60));
    const ends = (axis: Axis) => [axis.start, axis.end];
    assert.deepEqual(ends(axisAt(1)), [at(0, 0), at(1, 200)]);
    assert.deepEqual(ends(axisAt(2)), [at(2, 0), at(3, 80)]);
    assert.deepEqual(ends(axisAt(3)), [at(2, 0), at(3, 80)]);
    assert.deepEqual(ends(axisAt(5)), [at(4, 0), at(5, 70)]);
    assert.deepEqual([axisAt(3).at(51), axisAt(5).at(10), axisAt(5).at(11)], [at(3, 51), at(4, 10), at(5, 11)]);
    assert.deepEqual([axisAt(2).has(at(4, 3)), axisAt(2).has(at(2, 3)), axisAt(2).has(at(1, 3))], [false, true, false]);
  });
});
