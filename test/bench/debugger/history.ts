/**
 * What history costs, in the small guests and in usertests of a real xv6 (XV6_DIR) with 3 harts, and how fast it is gone through.
 */
import { bundledRun } from '../bundled-run';
import type { HistoryOfGuests } from './history-guests-run';
import type { HistoryRun } from './history-run';
import { byTurns, medians, ROUNDS } from '../measure';

/** Millions of instructions of each run. */
const MILLIONS = Number(process.env.BENCH_HISTORY ?? 3000);

export async function measureHistory(folder: string, remark: (text: string) => void): Promise<void> {
  if (process.env.BENCH_AGAINST !== undefined || MILLIONS <= 0) return;
  const costs = await bundledRun<HistoryOfGuests>('history-guests-run', folder)(String(ROUNDS));
  const told = Object.entries(costs).map(([name, cost]) => `${name} ${cost.toFixed(3)}`);
  remark(`Processor time with history kept, over that without: ${told.join(', ')}.`);
  const lab = process.env.XV6_DIR;
  if (lab === undefined) return;
  const run = bundledRun<HistoryRun>('history-run', folder);
  const results = await byTurns(
    () => run(lab, String(MILLIONS), 'on'),
    () => run(lab, String(MILLIONS), 'off'),
  );
  const of = (value: (run: HistoryRun) => number): { here: number; qemu: number } => medians(results, value);
  const { here, qemu } = of(({ seconds }) => seconds);
  const text = (value: (run: HistoryRun) => number): string => of(value).here.toFixed(0);
  remark(
    `History of ${MILLIONS} million instructions of usertests -q, 3 harts: ${here.toFixed(2)} s of processor time with it, ` +
      `${qemu.toFixed(2)} s without (${(here / qemu).toFixed(3)}); ${text(({ checkpoints }) => checkpoints)} checkpoints in ` +
      `${text(({ kept }) => kept)} MiB, ${text(({ resident }) => resident)} MiB resident; to any instant in ` +
      `${text(({ visit }) => visit)} ms (median; ${text(({ longestVisit }) => longestVisit)} at most), one instruction back in ` +
      `${text(({ back }) => back)} ms (median; ${text(({ slowBack }) => slowBack)} for 99 of 100); who wrote a word, over the last ` +
      `1,000 million instructions, in ${text(({ wrote }) => wrote)} ms.`,
  );
}
