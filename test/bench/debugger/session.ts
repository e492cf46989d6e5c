/**
 * How fast a debug session is gone back in: usertests of a real xv6 (XV6_DIR), with 3 harts, for BENCH_SESSION seconds (30), in the
 * adapter that the editor talks to; then any instants, steps back from them, and lines of the console.
 */
import { readFileSync } from 'node:fs';
import { Random } from '../../../emulator/testing/random';
import { TestSession } from '../../adapter/support';
import { labAt } from '../../guests/lab';
import { median, percentile } from '../measure';

const SECONDS = Number(process.env.BENCH_SESSION ?? 30);
const VISITS = 60;
const STEPS = 5;
const CLICKS = 30;

export async function measureSession(remark: (text: string) => void): Promise<void> {
  if (process.env.XV6_DIR === undefined || process.env.BENCH_AGAINST !== undefined || SECONDS <= 0) return;
  const { kernel, image, memory, legacyVirtio, quick } = labAt(process.env.XV6_DIR);
  const session = await TestSession.open();
  session.defaultTimeout = 60_000;
  try {
    await session.boot({ kernel, disk: image, memory: `${memory / 2 ** 20}M`, legacyVirtio, harts: 3 });
    await session.written('$ ');
    for (const end = Date.now() + SECONDS * 1000; Date.now() < end;) {
      const from = await session.type(`usertests ${quick}`);
      while (Date.now() < end && !session.console.includes('$ ', from)) await sleep(100);
    }
    await session.pauseRequest({ threadId: 1 });
    await session.stopped();
    remark(await measured(session));
  } finally {
    await session.stop();
  }
}

async function measured(session: TestSession): Promise<string> {
  const random = new Random(1);
  const lines = [...new Set(session.console.split('\n').slice(0, -1))].filter((line) => line.trim() !== '');
  const { start, present } = await session.ask('xv6.timeline', { read: 'off' });
  const timed = async (ask: () => Promise<unknown>): Promise<number> => {
    const begun = performance.now();
    await ask();
    const { threadId } = await session.stopped();
    thread = threadId ?? thread;
    return performance.now() - begun;
  };
  let thread = 1;
  const visits: number[] = [];
  const steps: number[] = [];
  while (visits.length < VISITS) {
    const time = start + Math.floor((random.below(1000) / 1000) * (present - start));
    visits.push(await timed(() => session.ask('xv6.goTo', { time })));
    for (let step = 0; step < STEPS; step++)
      steps.push(await timed(() => session.stepBackRequest({ threadId: thread })));
  }
  const clicks: number[] = [];
  while (clicks.length < CLICKS && lines.length > 0) {
    await timed(() => session.ask('xv6.goTo', { instant: 'present' }));
    const line = random.pick(lines);
    clicks.push(await timed(() => session.ask('xv6.whoPrinted', { line })));
  }
  const status = readFileSync(`/proc/${session.process.pid}/status`, 'utf8');
  const resident = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
  return (
    `A debug session, ${SECONDS} s of usertests and ${((present - start) / 1e9).toFixed(1)} thousand million instructions of ` +
    `virtual time, 3 harts: to any instant in ${spread(visits)}; a step back, of a line, there in ${spread(steps)}; to where a line ` +
    `of the console was printed in ${spread(clicks)}; ${resident.toFixed(0)} MiB resident.`
  );
}

function spread(times: readonly number[]): string {
  const of100 = (count: number): string => percentile(times, count).toFixed(0);
  return `${median(times).toFixed(0)} ms (median; ${of100(95)} for 95 of 100, ${of100(99)} for 99)`;
}

const sleep = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));
