/**
 * Steps from wherever harts and processes happen to be, while programs begin, sleep, wait and end: each comes to an end of its
 * own, or says that it cannot. XV6_STEPS takes that many steps; XV6_DIR names a built xv6 to take them in as well.
 */
import { strict as assert } from 'node:assert';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../../../emulator/testing/random';
import { labAt } from '../../guests/lab';
import { TestSession } from '../support';

const STEPS = Number(process.env.XV6_STEPS ?? 300);
const FOLDER = process.env.XV6_DIR;
const COMMANDS = [
  'ls',
  'echo hi',
  'cat README | wc',
  'mkdir d',
  'rm d',
  'wc README &',
  'nosuch',
  'echo x > f',
  'kill 99',
];
/** Milliseconds after which a step waits for a key, if for anything. */
const PATIENCE = 1000;

function suite(title: string, boot: (session: TestSession, harts: number) => Promise<void>): void {
  for (const harts of [1, 3]) {
    it(`${title}, ${harts} harts`, async function () {
      this.timeout(60_000 + 100 * STEPS);
      const session = await TestSession.open();
      try {
        await boot(session, harts);
        await session.written('$ ');
        await takeSteps(session, new Random(harts));
      } finally {
        await session.stop();
      }
    });
  }
}

/** Lets the machine run for some milliseconds. Returns the thread that is shown then. */
async function afterAWhile(session: TestSession, threadId: number, milliseconds: number): Promise<number> {
  await session.continueRequest({ threadId });
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  await session.pauseRequest({ threadId: 1 });
  return (await session.stopped()).threadId!;
}

async function takeSteps(session: TestSession, chance: Random): Promise<void> {
  await session.pauseRequest({ threadId: 1 });
  let at = (await session.stopped()).threadId!;
  for (let step = 0; step < STEPS; step++) {
    if (chance.chance(4)) await session.type(chance.pick(COMMANDS));
    if (chance.chance(3)) at = await afterAWhile(session, at, chance.below(30));
    const { threads } = (await session.threadsRequest()).body;
    // What waits for ever may be waited for so: the first process for orphans.
    const steppable = threads.filter(({ name }) => !/zombie|pid 1 /.test(name));
    if (steppable.length === 0) {
      at = await afterAWhile(session, at, 10);
      continue;
    }
    if (chance.chance(5) || !steppable.some(({ id }) => id === at)) at = chance.pick(steppable).id;
    const from = `${threads.find(({ id }) => id === at)!.name}: ${(await session.places(at)).join(' < ')}`;
    session.messages = '';
    const kind = chance.pick(['next', 'next', 'next', 'stepIn'] as const);
    const stopped = session.step(kind, at, chance.pick(['statement', 'statement', 'instruction']));
    // A line, and its end of file: what the commands make of half a line may read on for ever.
    const keys = setInterval(() => void session.type('echo\r\x04'), PATIENCE);
    const stop = await stopped
      .catch((error: Error) => assert.fail(`step ${step}, ${kind} from ${from}: ${error.message}`))
      .finally(() => clearInterval(keys));
    assert.equal(stop.reason, 'step', from);
    at = stop.threadId!;
  }
}

describe('many steps', () => {
  suite('of the sample', (session, harts) => session.boot({ harts }));
  if (FOLDER === undefined) {
    it('of a real xv6 (skipped: XV6_DIR names no built tree)', function () {
      this.skip();
    });
  } else {
    const { kernel, image, legacyVirtio } = labAt(FOLDER);
    suite('of a real xv6', (session, harts) => {
      const disk = join(session.folder, 'lab.img');
      copyFileSync(image, disk);
      return session.boot({ kernel, disk, legacyVirtio, harts });
    });
  }
});
