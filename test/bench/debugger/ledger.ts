/** What the rules of the frame ledger cost: usertests of a real xv6 (XV6_DIR), with 3 harts, with rules and without. */
import { bundledRun } from '../bundled-run';
import type { LedgerRun } from './ledger-run';
import { median, USERTESTS_ROUNDS } from '../measure';

const FREED = ['freed-twice', 'freed-root', 'freed-foreign'];
/** Rules that are watched together. */
const SETS: Readonly<Record<string, readonly string[]>> = {
  'without rules': ['off'],
  "with Page Freed Twice, Root in satp Freed and Freed What Is Not the Allocator's": FREED,
  'with all five about freed pages': [...FREED, 'freed-mapped', 'freed-table'],
  'with Page Lost': ['lost'],
  'with Free Page Used': ['used-freed'],
};

export async function measureLedger(folder: string, remark: (text: string) => void): Promise<void> {
  const lab = process.env.XV6_DIR;
  if (lab === undefined || process.env.BENCH_AGAINST !== undefined || USERTESTS_ROUNDS === 0) return;
  const run = bundledRun<LedgerRun>('ledger-run', folder);
  const times = new Map<string, number[]>(Object.keys(SETS).map((name) => [name, []]));
  for (let round = 0; round < USERTESTS_ROUNDS; round++) {
    for (const [name, rules] of Object.entries(SETS)) {
      const { seconds, passed, broken } = await run(lab, 'usertests -q', rules.join(','));
      if (!passed || broken.length > 0) throw new Error(`usertests ${name}: ${broken[0] ?? 'failed'}`);
      times.get(name)!.push(seconds);
    }
  }
  const without = median(times.get('without rules')!);
  const told = [...times].map(([name, all]) => {
    const time = median(all);
    return `${time.toFixed(1)} s ${name}${time === without ? '' : ` (${(time / without).toFixed(2)} times)`}`;
  });
  remark(`The frame ledger in usertests -q, 3 harts, processor time: ${told.join('; ')}.`);
}
