/** What history costs and how fast it is gone through: usertests of a real xv6 (XV6_DIR), with 3 harts, with history and without. */
import { execFileSync } from 'node:child_process';
import * as path from 'node:path';
import type { HistoryRun } from './history-run';
import { byTurns, medians } from './measure';

/** Millions of instructions of each run. */
const MILLIONS = Number(process.env.BENCH_HISTORY ?? 3000);

export async function measureHistory(remark: (text: string) => void): Promise<void> {
  const lab = process.env.XV6_DIR;
  if (lab === undefined || process.env.BENCH_AGAINST !== undefined || MILLIONS <= 0) return;
  const run = (history: 'on' | 'off') => (): Promise<HistoryRun> => {
    const script = path.join(__dirname, 'history-run.ts');
    const words = execFileSync(process.execPath, ['-r', 'tsx/cjs', script, lab, String(MILLIONS), history]);
    return Promise.resolve(JSON.parse(words.toString()) as HistoryRun);
  };
  const results = await byTurns(run('on'), run('off'));
  const of = (value: (run: HistoryRun) => number): { here: number; qemu: number } => medians(results, value);
  const { here, qemu } = of(({ seconds }) => seconds);
  const text = (value: (run: HistoryRun) => number): string => of(value).here.toFixed(0);
  remark(
    `History of ${MILLIONS} million instructions of usertests -q, 3 harts: ${here.toFixed(2)} s of processor time with it, ` +
      `${qemu.toFixed(2)} s without (${(here / qemu).toFixed(3)}); ${text(({ checkpoints }) => checkpoints)} checkpoints in ` +
      `${text(({ kept }) => kept)} MiB, ${text(({ resident }) => resident)} MiB resident; to any instant in ` +
      `${text(({ visit }) => visit)} ms (median; ${text(({ longestVisit }) => longestVisit)} at most), one instruction back in ` +
      `${text(({ back }) => back)} ms (${text(({ longestBack }) => longestBack)} at most); who wrote a word, over the last ` +
      `1,000 million instructions, in ${text(({ wrote }) => wrote)} ms.`,
  );
}
