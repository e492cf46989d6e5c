import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { Happened } from './happened';
import { BUCKETS, Tiles, type Tile } from './tiles';

const HARTS = 2;
const instantAt = (time: number) => ({ inputs: 0, time, phase: 0 });

/** A run in which each hart changes its state at times of its own, and something happens at others. */
function happenedIn(from: number, to: number): Happened {
  const happened = new Happened(HARTS);
  for (let hart = 0; hart < HARTS; hart++)
    for (let time = from; time < to; time++) happened.spend(hart, (time >> (3 + hart)) & 1, 1);
  for (let time = from; time < to; time++) {
    if (time % 7 === 3) {
      happened.count('traps', time % 2 ? 'odd' : 'even', () => ({
        ...{ instant: instantAt(time), hart: 0 },
        words: () => `at ${time}`,
      }));
    }
  }
  return happened;
}

function read(tile: Tile, to: number): void {
  while (tile.read < Math.min(to, tile.end)) {
    const end = Math.min(tile.bucketEnd(tile.read), to);
    tile.add(happenedIn(tile.read, end), end);
  }
}

const shown = ({ buckets }: Tile): unknown =>
  Array.from(buckets, (happened) => {
    const traps = happened?.tallies.traps;
    return happened && [happened.spent, traps && [traps.count, traps.kinds, traps.first.words()]];
  });

describe('tiles of a run', () => {
  it('have the same in them, whether read in one go, in parts, or put together from finer ones', () => {
    const cuts = fc.array(fc.nat(4 * BUCKETS), { maxLength: 6 });
    fc.assert(
      fc.property(fc.nat(3 * BUCKETS), cuts, (length, parts) => {
        const [whole, bits, fine] = [new Tiles(), new Tiles(), new Tiles()];
        const [expected] = whole.over(2, 0, 1);
        read(expected!, length);
        for (const part of [...parts.filter((part) => part < length).sort((a, b) => a - b), length])
          read(bits.over(2, 0, 1)[0]!, part);
        for (const tile of fine.over(1, 0, 4 * BUCKETS)) read(tile, length);
        const [merged] = fine.over(2, 0, 1);
        assert.deepEqual(shown(bits.over(2, 0, 1)[0]!), shown(expected!));
        assert.deepEqual([merged!.read, bits.over(2, 0, 1)[0]!.read], [length >= 2 * BUCKETS ? length : 0, length]);
        if (merged!.read > 0) assert.deepEqual(shown(merged!), shown(expected!));
      }),
      { numRuns: 60 },
    );
  });

  it('forget what comes after a time', () => {
    const tiles = new Tiles();
    for (const tile of tiles.over(0, 0, 3 * BUCKETS)) read(tile, 3 * BUCKETS);
    tiles.forgetAfter(2 * BUCKETS - 1);
    assert.deepEqual(
      tiles.over(0, 0, 3 * BUCKETS).map(({ read: to }) => to),
      [BUCKETS, BUCKETS, 2 * BUCKETS],
    );
  });

  it('are kept while they are used', () => {
    const tiles = new Tiles();
    const used = tiles.over(0, 0, 1)[0]!;
    read(used, BUCKETS);
    for (let index = 1; index < 300; index++) {
      tiles.over(0, index * BUCKETS, index * BUCKETS + 1);
      assert.equal(tiles.over(0, 0, 1)[0], used);
    }
    assert.notEqual(tiles.over(0, 50 * BUCKETS, 50 * BUCKETS + 1)[0]!.read, 51 * BUCKETS);
  });
});
