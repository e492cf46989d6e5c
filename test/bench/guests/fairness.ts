/** Measures how fair harts are to each other that take one lock over and over (emulator/testing/contended-lock.ts). */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { type Fairness, LOCK_KINDS, contendedLock, fairnessOf } from '../../../emulator/testing/contended-lock';
import { HERE, THERE, bare } from '../emulators';
import { type Row, byTurns, medians } from '../measure';
import type { Command } from '../processes';

const HARTS = 4;
const ACQUISITIONS = 100_000;
const MICROSECONDS_PER_TICK = 0.1;
/** Instructions of all harts together in a tick of this machine's virtual time. */
const INSTRUCTIONS_PER_TICK = 10;

function run(program: Command, kernel: string): Fairness {
  const [file, ...args] = [...bare(program, kernel), '-smp', String(HARTS)] as [string, ...string[]];
  return fairnessOf(execFileSync(file, args, { encoding: 'utf8', input: '', timeout: 120_000 }), HARTS);
}

export async function measureFairness(folder: string, withQemu: boolean, report: (row: Row) => void): Promise<void> {
  for (const kind of LOCK_KINDS) {
    const kernel = path.join(folder, 'contended-lock');
    fs.writeFileSync(kernel, contendedLock(kind, HARTS, ACQUISITIONS));
    const measured = (program: Command) => (): Promise<Fairness> => Promise.resolve(run(program, kernel));
    const results = await byTurns(measured(HERE), withQemu ? measured(THERE) : undefined);
    const row = (what: string, unit: Row['unit'], value: (fairness: Fairness) => number, note?: string): void =>
      report({ group: 'fairness', name: `${kind}: ${what}`, unit, ...medians(results, value), note });
    row(
      'most acquisitions of a hart / fewest',
      'ratio',
      ({ acquisitions }) => Math.max(...acquisitions) / Math.min(...acquisitions),
    );
    row('acquisitions by others in the longest wait', 'times', ({ others }) => others);
    const instructions = Math.max(...results.here.map(({ ticks }) => ticks)) * INSTRUCTIONS_PER_TICK;
    const note = `here ${instructions} instructions of all harts`;
    row("longest wait by the guest's clock", 'µs', ({ ticks }) => ticks * MICROSECONDS_PER_TICK, note);
  }
}
