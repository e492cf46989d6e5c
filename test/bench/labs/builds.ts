/**
 * Measures builds of real kernels, as by other compilers and with other options: no kernel may be slow for the code that its
 * compiler makes. BENCH_BUILDS names their folders, separated by `:`; each runs with 3 harts, as by `make qemu`.
 */
import { labAt } from '../../guests/lab';
import { LabRuns, alternately, seconds } from './lab-runs';
import { type Row, USERTESTS_ROUNDS } from '../measure';

const HARTS = 3;

export async function measureBuilds(
  folder: string,
  withQemu: boolean,
  report: (row: Row) => void,
  remark: (text: string) => void,
): Promise<void> {
  const both = alternately(withQemu);
  for (const lab of (process.env.BENCH_BUILDS ?? '')
    .split(':')
    .filter((name) => name !== '')
    .map(labAt)) {
    const runs = new LabRuns(lab, HARTS, folder);
    try {
      const boots = await both((program) => runs.boot(program));
      report({ group: 'boots of builds', name: lab.name, unit: 's', ...seconds(boots) });
      if (USERTESTS_ROUNDS === 0) continue;
      const tests = await both((program) => runs.usertests(program), USERTESTS_ROUNDS);
      report({ group: 'usertests of builds', name: `${lab.name}: ${runs.testLine}`, unit: 's', ...seconds(tests) });
    } catch (error) {
      remark(`${lab.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}
