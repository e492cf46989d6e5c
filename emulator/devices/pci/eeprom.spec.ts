import assert from 'node:assert/strict';
import { SavedState } from '../../history/saved-state';
import { microwireRead } from '../../testing/network/microwire';
import { Microwire } from './eeprom';

/** A word that is clocked out, with `between` after every step. */
function read(chip: Microwire, word: number, between: () => void = () => undefined): number {
  let value = 0;
  for (const [pins, isRead] of microwireRead(word)) {
    chip.eecd = pins;
    between();
    if (isRead) value = (value << 1) | ((chip.eecd >> 3) & 1);
  }
  return value;
}

describe('the Microwire EEPROM', () => {
  it('clocks out any word, one after another', () => {
    const chip = new Microwire();
    assert.deepEqual(
      [0, 1, 2, 63].map((word) => read(chip, word)),
      [0x5452, 0x1200, 0x5634, 0x79ad],
    );
  });

  it('goes on in the midst of it, saved and restored at every step', () => {
    const chip = new Microwire();
    const again = (): void => {
      const state = chip.save();
      chip.reset();
      chip.restore(new SavedState('eeprom', state));
    };
    assert.equal(read(chip, 2, again), 0x5634);
  });

  it('reads as present and granted, and drives its pin only while it is read', () => {
    const chip = new Microwire();
    assert.equal(chip.eecd, 0x188);
    chip.eecd = 0xffff_ffff;
    assert.equal(chip.eecd, 0x188 | 0x77);
  });
});
