import assert from 'node:assert/strict';
import { flagTexts } from './walk';

describe('the flags of an entry in a walk', () => {
  it('name those that decide, set or not', () => {
    assert.deepEqual(
      flagTexts('V R - - U - A D', ['W', 'U']).filter(({ decides }) => decides),
      [
        { text: 'W=0', decides: true },
        { text: 'U=1', decides: true },
      ],
    );
    assert.equal(
      flagTexts('V R - - U - A D', [])
        .map(({ text }) => text)
        .join(' '),
      'V R - - U - A D',
    );
  });

  it('keep what the kernel has put behind them', () => {
    assert.deepEqual(flagTexts('V R - - U - A D RSW=1', []).at(-1), { text: 'RSW=1', decides: false });
    assert.deepEqual(flagTexts('', ['V']), []);
  });
});
