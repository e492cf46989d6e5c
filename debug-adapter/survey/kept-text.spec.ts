import assert from 'node:assert/strict';
import fc from 'fast-check';
import { SavedState } from '../../emulator/history/saved-state';
import type { State } from '../../emulator/types';
import { incompleteLine, KeptText } from './kept-text';

const MOST = 20_000;
const saved = (state: State): SavedState => new SavedState('text', state);

describe('a text that is kept', () => {
  it('is the end of what was added, through saved states and their restoring', () => {
    const step = fc.oneof(
      fc.record({ add: fc.stringMatching(/^[a-z\n]{0,9}$/), times: fc.nat(1500) }),
      fc.constant('save' as const),
      fc.record({ restore: fc.nat(7) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const kept = new KeptText(MOST);
        let all = '';
        const states = [{ state: kept.save(), all }];
        for (const one of steps) {
          if (one === 'save') {
            states.push({ state: kept.save('!'), all: `${all}!` });
          } else if ('restore' in one) {
            const before = states[one.restore % states.length]!;
            kept.restore(saved(before.state));
            all = before.all;
          } else {
            const text = one.add.repeat(one.times);
            kept.add(text);
            all += text;
          }
          const now = kept.toString();
          assert.ok(all.endsWith(now) && now.length >= Math.min(all.length, MOST), `${now.length} of ${all.length}`);
          assert.equal(incompleteLine(saved(kept.save())), all.slice(all.lastIndexOf('\n') + 1).slice(-now.length));
        }
      }),
    );
  });

  it('shares its pieces with all states that were saved', () => {
    const kept = new KeptText(MOST);
    const states: State[][] = [];
    for (let line = 0; line < 5000; line++) {
      kept.add(`test ${line}: OK\n`);
      if (line % 100 === 0) states.push(saved(kept.save()).list('pieces'));
    }
    const all = states.flat();
    assert.ok(new Set(all).size < 20 && all.length > 150, `${new Set(all).size} of ${all.length}`);
  });

  it('keeps no more than a piece too much, and refuses what is no saved text', () => {
    const kept = new KeptText(MOST);
    for (let line = 0; line < 5000; line++) kept.add(`test ${line}: OK\n`);
    const { length } = kept.toString();
    assert.ok(length >= MOST && length < 1.5 * MOST, `${length} characters`);
    assert.throws(() => kept.restore(saved({ pieces: [{ text: 5 }], rest: '' })), /expected a string/);
    assert.throws(() => kept.restore(saved({ pieces: [], rest: 5 })), /expected a string/);
    assert.equal(kept.toString().length, length);
  });
});
