/**
 * The small guests (kernels.ts, stress-tests.ts) with history kept and without, by turns in one process: prints as JSON the
 * processor time of the runs with it, over that of those without, by the guest's name. Argument: rounds.
 */
import { Machine } from '../../../emulator/machine';
import { imageOf } from '../../../emulator/testing/disk-image';
import { kernels } from '../guests/kernels';
import { median } from '../measure';
import { DISK_BYTES, stressTests } from '../guests/stress-tests';
import { historyOf } from './history-of';

export type HistoryOfGuests = Readonly<Record<string, number>>;

/** The work is multiplied, so that a run has several checkpoints. */
const SCALE = 4;
const SLICE = 400_000;

/** Seconds of processor time from power on to power off. */
function run(kernel: Uint8Array, withHistory: boolean): number {
  const disk = imageOf(new Uint8Array(DISK_BYTES));
  const machine = new Machine({ harts: 1, memory: 64 * 2 ** 20, legacyVirtio: false, kernel, disk });
  const timeline = withHistory ? historyOf(machine) : undefined;
  const before = process.cpuUsage();
  for (;;) {
    const begun = performance.now();
    const stop = machine.run({ instructions: SLICE });
    if (stop.kind === 'poweroff') break;
    if (stop.kind === 'idle') machine.idleUntil(stop.until);
    timeline?.ran(performance.now() - begun);
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

function main([rounds]: string[]): void {
  const few = Object.entries(kernels(SCALE)).map(([name, kernel]) => ({ name, kernel }));
  const costs: Record<string, number> = {};
  for (const { name, kernel } of [...few, ...stressTests(SCALE)]) {
    const times: { on: number[]; off: number[] } = { on: [], off: [] };
    // What the host compiles in the first run counts for neither.
    run(kernel, false);
    for (let round = 0; round < Number(rounds); round++) {
      times.on.push(run(kernel, true));
      times.off.push(run(kernel, false));
    }
    costs[name] = median(times.on) / median(times.off);
  }
  console.log(JSON.stringify(costs));
}

main(process.argv.slice(2));
