import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import fc from 'fast-check';
import { moved, pixelOf, showing, type Stretch, ticks, timeAt, timeText, zoomed } from './scale';

const bounds = { from: 0, to: 10_000_000 };
const stretches = fc
  .tuple(fc.nat(9_000_000), fc.integer({ min: 100, max: 1_000_000 }))
  .map(([from, length]): Stretch => ({ from, to: from + length }));
const isWithin = ({ from, to }: Stretch): boolean => from >= bounds.from && to <= bounds.to && to > from;

describe('the part of a run that is shown', () => {
  it('is zoomed around a time that stays where it is, as long as it does not reach an end', () => {
    fc.assert(
      fc.property(
        stretches,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0.2, max: 5, noNaN: true }),
        (stretch, part, factor) => {
          const around = stretch.from + part * (stretch.to - stretch.from);
          const after = zoomed(stretch, bounds, around, factor);
          assert.ok(isWithin(after));
          if (after.from > 0 && after.to < bounds.to)
            assert.ok(Math.abs(pixelOf(after, 1000, around) - pixelOf(stretch, 1000, around)) < 0.01);
          assert.ok(after.to - after.from >= 40 - 1e-6);
        },
      ),
    );
    assert.deepEqual(zoomed({ from: 0, to: 1000 }, bounds, 500, 1e9), bounds);
    assert.deepEqual(zoomed({ from: 0, to: 0 }, { from: 0, to: 0 }, 0, 2), { from: 0, to: 0 });
  });

  it('is moved up to the ends, and keeps its length', () => {
    fc.assert(
      fc.property(stretches, fc.integer({ min: -2e7, max: 2e7 }), (stretch, by) => {
        const after = moved(stretch, bounds, by);
        assert.ok(isWithin(after));
        assert.equal(after.to - after.from, stretch.to - stretch.from);
      }),
    );
    assert.deepEqual(showing({ from: 100, to: 200 }, bounds, 150), { from: 100, to: 200 });
    assert.deepEqual(showing({ from: 100, to: 200 }, bounds, 1000), { from: 950, to: 1050 });
  });

  it('leads from a pixel to a time and back', () => {
    const stretch = { from: 2000, to: 4000 };
    assert.deepEqual(
      [0, 50, 100].map((pixel) => timeAt(stretch, 100, pixel)),
      [2000, 3000, 4000],
    );
    assert.deepEqual(
      [2000, 3000, 4000].map((time) => pixelOf(stretch, 100, time)),
      [0, 50, 100],
    );
    assert.equal(timeAt(stretch, 0, 7), 2000);
  });

  it('has labels at round times, not too many', () => {
    assert.deepEqual(
      ticks({ from: 0, to: 1_000_000 }, 500).map(({ text }) => text),
      ['0 ms', '5 ms', '10 ms'],
    );
    assert.deepEqual(
      ticks({ from: 1_234_500, to: 1_234_600 }, 300).map(({ text }) => text),
      ['12.3450 ms', '12.3455 ms', '12.3460 ms'],
    );
    fc.assert(
      fc.property(stretches, fc.integer({ min: 50, max: 3000 }), (stretch, width) => {
        const found = ticks(stretch, width);
        assert.ok(found.length <= width / 110 + 1);
        assert.equal(new Set(found.map(({ text }) => text)).size, found.length);
      }),
    );
  });

  it('has times in words as exactly as a column is', () => {
    assert.equal(timeText(123_456_789, 1), '1,234.56789 ms');
    assert.equal(timeText(123_456_789, 10_000_000), '1.2 s');
    assert.equal(timeText(123_456, 100_000), '1 ms');
  });
});
