import assert from 'node:assert/strict';
import { Checkpoints, type Kept } from './checkpoints';
import { type Instant, Phase } from './instant';
import { memoryImage, PAGES_SHARED } from './memory-image';

const PAGE = 4096;
const GAP = 300;
const HOUR = 3_600_000;

const at = (cost: number): Instant => ({ inputs: 0, time: cost, phase: Phase.arrived });

/** One with so many pages of its own, after so many milliseconds of running. */
function kept(cost: number, pages: number): Kept {
  const own = Array.from({ length: pages }, () => ({ bytes: PAGE, read: () => undefined }));
  const empty = { bytes: 0, read: () => undefined };
  const memory = memoryImage(PAGES_SHARED, undefined, (index) => own[index] ?? empty);
  const machine = { instant: at(cost), state: null, memory, announced: [], traps: [] };
  return { machine, learned: null, executed: cost, cost, steps: [cost] };
}

/** After an hour of running: how far the next checkpoint before a moment lies, at most, about so many milliseconds ago. */
function anHour(budget: number, pages: number): { all: Checkpoints; gap: (ago: number) => number } {
  const all = new Checkpoints(budget);
  for (let cost = 0; cost <= HOUR; cost += GAP) all.add(kept(cost, pages));
  const gap = (ago: number): number => {
    const around = all.between(at(HOUR - ago * 1.1), at(HOUR - ago * 0.9)).map(({ cost }) => cost);
    return Math.max(...around.slice(1).map((cost, index) => cost - around[index]!));
  };
  return { all, gap };
}

describe('the checkpoints of an hour', () => {
  it('are as many as the budget takes, the first and the last among them', () => {
    const { all } = anHour(8 * 2 ** 20, 4);
    assert.ok(all.bytes <= 8 * 2 ** 20 && all.bytes > 7.9 * 2 ** 20, `${all.bytes} bytes`);
    assert.deepEqual([all.first!.cost, all.upTo(at(HOUR))!.cost], [0, HOUR]);
  });

  it('lie near each other where it was not long ago, and farther the longer ago it was', () => {
    const { gap } = anHour(8 * 2 ** 20, 4);
    const gaps = [10_000, 60_000, 600_000, 3_000_000].map(gap);
    assert.deepEqual(
      gaps,
      [...gaps].sort((a, b) => a - b),
    );
    assert.ok(gaps[0]! <= 4 * GAP && gaps[3]! > 10 * GAP, String(gaps));
  });

  it('are about a second from each other ten minutes ago, where they are half as large again as those of xv6’s usertests', () => {
    const { all, gap } = anHour(340 * 2 ** 20, 64);
    assert.ok(gap(600_000) <= 1200 && gap(10_000) === GAP, `${gap(600_000)} ms among ${all.length}`);
  });

  it('stay where somebody looks around, also when the budget is used up, until others have been made so', () => {
    const { all } = anHour(8 * 2 ** 20, 4);
    const near = [1, 2, 3].map((left) => kept(HOUR / 2 - left, 4));
    const isThere = (): boolean => near.every((one) => all.upTo(one.machine.instant) === one);
    for (const one of near) all.add(one, true);
    for (let cost = HOUR; cost < HOUR + 100_000; cost += GAP) all.add(kept(cost, 4));
    assert.ok(isThere() && all.bytes <= 8 * 2 ** 20);
    for (let left = 4; left < 100; left++) all.add(kept(HOUR / 3 - left, 4), true);
    all.add(kept(HOUR + 100_000, 4));
    assert.ok(!isThere());
  });
});
