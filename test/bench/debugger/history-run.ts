/**
 * One run of a real xv6's usertests with history kept, or without: prints as JSON what it took; with history also how long it
 * takes to go to instants of the past. Arguments: the lab's folder, millions of instructions, `on` or `off`.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compareInstants, type Instant } from '../../../emulator/history/instant';
import type { Timeline } from '../../../emulator/history/timeline';
import { Machine } from '../../../emulator/machine';
import type { Stop, Watch } from '../../../emulator/types';
import { Random } from '../../../emulator/testing/random';
import { imageOf } from '../../../emulator/testing/disk-image';
import { median, percentile } from '../measure';
import { historyOf } from './history-of';

/** Instants that are visited. */
const VISITS = 100;

export interface HistoryRun {
  /** Seconds of processor time for the instructions. */
  seconds: number;
  /** MiB of resident memory, and of checkpoints. */
  resident: number;
  kept: number;
  checkpoints: number;
  /** Milliseconds to go to any instant: median, and the longest; and back to the instruction before: median, and 99 of 100. */
  visit: number;
  longestVisit: number;
  back: number;
  slowBack: number;
  /** Milliseconds to find that nothing wrote a word in the last 1,000,000,000 instructions, or since power on. */
  wrote: number;
}

/** Instructions of one run of the machine, and of the past that is searched. */
const SLICE = 400_000;
const SEARCHED = 1e9;
/** The kernel's first instructions: nobody writes there. */
const UNTOUCHED: Watch = { address: 0x8000_0000n, length: 8, access: 'write' };

async function main([lab, millions, history]: string[]): Promise<void> {
  const kernel = new Uint8Array(readFileSync(join(lab!, 'kernel', 'kernel')));
  const disk = imageOf(new Uint8Array(readFileSync(join(lab!, 'fs.img'))));
  const machine = new Machine({ harts: 3, memory: 128 * 2 ** 20, legacyVirtio: false, kernel, disk });
  const timeline = history === 'on' ? historyOf(machine) : undefined;
  const passed: Instant[] = [];
  const before = process.cpuUsage();
  for (let typed = false; machine.executed < Number(millions) * 1e6;) {
    const begun = performance.now();
    const stop = machine.run({ instructions: SLICE });
    if (stop.kind === 'idle' && !typed) machine.consoleInput(new TextEncoder().encode('usertests -q\n'));
    if (stop.kind === 'idle') typed = true;
    if (stop.kind === 'idle' && stop.until < Infinity) machine.idleUntil(stop.until);
    timeline?.ran(performance.now() - begun);
    passed.push(machine.instant);
  }
  const { user, system } = process.cpuUsage(before);
  const wrote = timeline === undefined ? 0 : await search(machine, timeline, passed.at(-SEARCHED / SLICE));
  const [visits, backs] = timeline === undefined ? [[0], [0]] : await visit(machine, timeline, passed);
  const { length, bytes } = timeline?.checkpoints ?? { length: 0, bytes: 0 };
  const run: HistoryRun = {
    seconds: (user + system) / 1e6,
    resident: process.memoryUsage.rss() / 2 ** 20,
    kept: bytes / 2 ** 20,
    checkpoints: length,
    wrote,
    ...{
      visit: median(visits),
      longestVisit: Math.max(...visits),
      back: median(backs),
      slowBack: percentile(backs, 99),
    },
  };
  console.log(JSON.stringify(run));
}

async function search(machine: Machine, timeline: Timeline, since: Instant | undefined): Promise<number> {
  const watch = (): (() => void) => {
    const subscription = machine.subscribe({ data: () => true });
    subscription.setWatches([UNTOUCHED]);
    return () => subscription.end();
  };
  const found = (stop: Stop): true | undefined => (stop.kind === 'data' ? true : undefined);
  const begun = performance.now();
  const last = await timeline.findLast(machine.instant, { watch, found }, since);
  if (last !== undefined) throw new Error('the kernel has written to its code');
  return performance.now() - begun;
}

async function visit(machine: Machine, timeline: Timeline, passed: readonly Instant[]): Promise<[number[], number[]]> {
  const random = new Random(1);
  const visits: number[] = [];
  const backs: number[] = [];
  while (visits.length < VISITS) {
    const instant = random.pick(passed);
    if (compareInstants(instant, timeline.beginning) <= 0) continue;
    const begun = performance.now();
    await timeline.goTo(instant);
    visits.push(performance.now() - begun);
    for (let step = 0; step < 3; step++) {
      const started = performance.now();
      const hart = machine.current;
      await timeline.goToStep(hart, machine.harts[hart]!.steps - 1, machine.instant);
      backs.push(performance.now() - started);
    }
  }
  return [visits, backs];
}

void main(process.argv.slice(2));
