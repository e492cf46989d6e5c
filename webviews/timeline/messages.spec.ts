import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import fc from 'fast-check';
import { isTimelineModel, readFromTimeline, readToTimeline } from './messages';
import { model } from './testing/model';

const withMark = (mark: object) => ({ ...model, marks: [{ ...model.marks[0]!, ...mark }] });
const withSpan = (span: object) => ({ ...model, spans: [{ ...model.spans[0]!, ...span }] });

describe('messages of the timeline', () => {
  it('lets a model through as it is', () => {
    assert.deepEqual(readToTimeline({ type: 'model', model }), { type: 'model', model });
    assert.deepEqual(readToTimeline({ type: 'ended' }), { type: 'ended' });
    assert.deepEqual(readToTimeline({ type: 'failed', message: 'why' }), { type: 'failed', message: 'why' });
  });

  it('stops what no adapter would send', () => {
    const wrong: object[] = [
      ...[{ lane: 'onload' }, { time: -1 }, { time: 0.5 }, { count: 0 }, { text: {} }, { kinds: [['x']] }].map(
        withMark,
      ),
      ...[{ hart: 8 }, { shares: [] }, { shares: [[9, 1]] }, { shares: [[0, 2]] }, { shares: [[0, NaN]] }].map(
        withSpan,
      ),
      { ...model, harts: 9 },
      { ...model, column: 0 },
      { ...model, read: [[1]] },
      { ...model, samples: [{ time: 1, states: [99] }] },
      { ...model, marks: Array.from({ length: 30_000 }, () => model.marks[0]) },
      { ...model, states: [{ text: 'x', does: 'harm' }] },
    ];
    for (const one of wrong) assert.equal(isTimelineModel(one), false, JSON.stringify(one).slice(0, 300));
    assert.equal(readToTimeline({ type: 'evaluate' }), undefined);
  });

  it('takes from the view only what the view has to say', () => {
    const go = { type: 'go', time: 5, hart: 1 };
    assert.deepEqual(readFromTimeline({ ...go, more: 1 }), go);
    assert.deepEqual(readFromTimeline({ type: 'go', instant: '0:5:0' }), { type: 'go', instant: '0:5:0' });
    assert.deepEqual(readFromTimeline({ type: 'look', columns: 9 }), { type: 'look', columns: 9 });
    const look = { type: 'look', from: 1, to: 2, columns: 800 };
    assert.deepEqual(readFromTimeline(look), look);
    for (const wrong of [
      ...[{ ...go, time: -1 }, { ...go, hart: 8 }, { type: 'go' }, { type: 'go', instant: 'x'.repeat(65) }],
      ...[{ ...look, columns: 801 }, { ...look, columns: 0 }, { type: 'look', from: 1, columns: 5 }, 'ready'],
    ])
      assert.equal(readFromTimeline(wrong), undefined, JSON.stringify(wrong));
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.anything(), (anything) => {
        readFromTimeline(anything);
        readToTimeline(anything);
        readToTimeline({ type: 'model', model: anything });
        for (const part of ['states', 'spans', 'marks', 'samples', 'read', 'harts', 'column'])
          readToTimeline({ type: 'model', model: { ...model, [part]: anything } });
        readToTimeline({ type: 'model', model: withSpan({ shares: anything }) });
        readToTimeline({ type: 'model', model: withMark({ kinds: anything }) });
      }),
    );
  });
});
