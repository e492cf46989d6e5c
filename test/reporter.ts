/**
 * Mocha's "spec" reporter, which also writes its counts and what failed to a file in the folder XV6_TEST_COUNTS, for the
 * totals that `npm test` prints.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Mocha from 'mocha';

export default class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    const failed: string[] = [];
    runner.on('fail', (test, error) => failed.push(`${test.fullTitle()}: ${(error as Error).message}`));
    runner.once('end', () => {
      const folder = process.env['XV6_TEST_COUNTS'];
      if (!folder) return;
      const { passes, failures, pending } = this.stats;
      writeFileSync(join(folder, `${process.pid}.json`), JSON.stringify({ passes, failures, pending, failed }));
    });
  }
}
