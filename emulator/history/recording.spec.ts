/** A recording leads another machine to where the recorded one was, by any of its checkpoints, or is refused. */
import assert from 'node:assert/strict';
import { Machine } from '../machine';
import { busyGuest } from '../testing/sessions/busy-guest';
import type { Checkpoint } from '../types';
import { decodeRecording, encodeRecording } from './recording';

const { kernel, data } = busyGuest();
const options = { harts: 1, memory: 2 ** 20, legacyVirtio: false, kernel };

describe('a recording', () => {
  const machine = new Machine(options);
  const checkpoints: Checkpoint[] = [];
  for (let i = 0; i < 3; i++) {
    machine.run({ instructions: 9000 });
    checkpoints.push(machine.save());
    machine.consoleInput(Uint8Array.of(65 + i));
    machine.apply({ kind: 'memory', address: data[3]!, bytes: Uint8Array.of(i) });
  }
  machine.run({ instructions: 3000 });
  const bytes = encodeRecording(options, { checkpoints, inputs: machine.inputs.since(0), notes: { text: 'said' } });

  it('leads to the same state from each of its checkpoints', () => {
    const recording = decodeRecording(bytes);
    assert.deepEqual(recording.notes, { text: 'said' });
    for (const checkpoint of recording.checkpoints) {
      const other = new Machine(options);
      other.restore(checkpoint);
      other.replay(recording.inputs.slice(checkpoint.instant.inputs));
      other.run({ instructions: Infinity, to: machine.instant });
      assert.equal(other.stateHash(), machine.stateHash());
    }
  });

  it('keeps the pages that its checkpoints share once', () => {
    const alone = encodeRecording(options, { checkpoints: checkpoints.slice(0, 1), inputs: [], notes: null });
    assert.ok(bytes.length < alone.length * 2, `${bytes.length} and ${alone.length} bytes`);
  });

  it('is for machines of the same options', () => {
    const recording = decodeRecording(bytes);
    assert.equal(recording.fits(options), true);
    assert.equal(recording.fits({ ...options, harts: 2 }), false);
    assert.equal(recording.fits({ ...options, tlb: { cards: [], seed: 0 } }), false);
  });

  it('is refused if it is damaged', () => {
    for (const at of [0, 17, 100, bytes.length >> 1, bytes.length - 1]) {
      const damaged = bytes.slice();
      damaged[at]! ^= 4;
      assert.throws(() => decodeRecording(damaged), /damaged/);
    }
  });
});
