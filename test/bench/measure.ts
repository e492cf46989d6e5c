/** Alternating rounds of measuring, and their results. */

export const ROUNDS = Math.max(1, Number(process.env.BENCH_ROUNDS ?? 5) || 5);
/** Rounds of usertests, which takes minutes: 0 unless BENCH_USERTESTS is set. */
export const USERTESTS_ROUNDS = Math.max(0, Number(process.env.BENCH_USERTESTS ?? 0) || 0);

export interface Pair {
  here: number;
  /** NaN without QEMU. */
  qemu: number;
}

/** A line of the report. */
export interface Row extends Pair {
  group: string;
  name: string;
  unit: 's' | 'ms' | 'µs' | 'MIPS' | 'thousand/s' | 'MiB' | 'ratio' | 'times';
  /** A short remark. */
  note?: string;
}

/** Whether larger is better. */
export const isSpeed = ({ unit }: Row): boolean => unit === 'MIPS' || unit === 'thousand/s';

/** How many times as fast (or as small) as QEMU this machine is. */
export const advantage = (row: Row): number => (isSpeed(row) ? row.here / row.qemu : row.qemu / row.here);

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** What so many of 100 values are below, about. */
export const percentile = (values: readonly number[], of100: number): number =>
  [...values].sort((a, b) => a - b)[Math.floor((values.length * of100) / 100)]!;

type Measure<T> = () => Promise<T>;

/** Measures both alternately, the other one first in every second round, so that other load affects both. */
export async function byTurns<T>(
  here: Measure<T>,
  qemu: Measure<T> | undefined,
  rounds = ROUNDS,
): Promise<{ here: T[]; qemu: T[] }> {
  const results: { here: T[]; qemu: T[] } = { here: [], qemu: [] };
  const runs: (() => Promise<unknown>)[] = [
    async () => results.here.push(await here()),
    async () => qemu && results.qemu.push(await qemu()),
  ];
  for (let round = 0; round < rounds; round++)
    for (const run of round % 2 === 0 ? runs : [...runs].reverse()) await run();
  return results;
}

/** Medians of `value` of the results; NaN for what was not measured. */
export function medians<T>(results: { here: readonly T[]; qemu: readonly T[] }, value: (result: T) => number): Pair {
  const of = (list: readonly T[]): number => (list.length === 0 ? NaN : median(list.map(value)));
  return { here: of(results.here), qemu: of(results.qemu) };
}
