/**
 * Backward is forward in reverse: whatever lines and instructions a user has stepped over, into or out of, in the kernel and in
 * programs, with continues to breakpoints and their conditions in between, going back visits the same stops, with the same stacks and values. BACKWARD_SEQUENCES
 * sets how many sequences are tried.
 */
import { strict as assert } from 'node:assert';
import { Random } from '../../../emulator/testing/random';
import { TestSession, type Stop } from '../support';

const SEQUENCES = Number(process.env.BACKWARD_SEQUENCES ?? 12);
const LONGEST = 8;
/** Conditions that soon hold, of functions that are called often. */
const CONDITIONS: Readonly<Record<string, string>> = {
  walk: '$a2 == 0',
  kfree: '$a0 % 8192 == 0',
  usertrap: '$scause == 8',
};
const STARTS = ['walk', 'mappages', 'exec', 'readi', 'sys_read', 'usertrap', 'sys_write', 'bread', 'kfree', 'sys_fork'];

type Way =
  { forward: 'next' | 'stepIn' | 'stepOut'; granularity: 'statement' | 'instruction'; back: string } | 'continue';

const WAYS: readonly Way[] = [
  { forward: 'next', granularity: 'statement', back: 'stepBack' },
  { forward: 'stepIn', granularity: 'statement', back: 'stepBack' },
  { forward: 'next', granularity: 'instruction', back: 'stepBack' },
  { forward: 'stepOut', granularity: 'statement', back: 'xv6.stepBackInto' },
  'continue',
];

const isOut = (way: Way): boolean => way !== 'continue' && way.forward === 'stepOut';

/** Where the thread that stopped is, with its stack and what its registers hold. */
async function state(session: TestSession, { threadId }: Stop): Promise<string> {
  const stack = await session.stack(threadId!);
  const places = stack.map(({ name, line, instructionPointerReference: at }) => `${name}:${line} ${at}`);
  const registers = await session.scope('Integer registers', threadId!).catch(() => []);
  return [...places, ...registers.map(({ name, value }) => `${name}=${value}`)].join('\n');
}

describe('a random walk', function () {
  this.timeout(60_000 + SEQUENCES * 20_000);

  for (const harts of [1, 3]) {
    it(`visits the same stops on its way back (${harts} harts)`, async () => {
      for (let seed = 1; seed <= SEQUENCES / 2; seed++) {
        const random = new Random(seed * 2 + harts);
        const session = await TestSession.open();
        try {
          await session.boot({ harts });
          await session.written('$ ');
          const name = random.pick(STARTS);
          const condition = CONDITIONS[name];
          const when = condition === undefined ? {} : random.pick([{}, { condition }, { hitCondition: '% 3' }]);
          await session.setFunctionBreakpointsRequest({ breakpoints: [{ name, ...when }] });
          await session.type('usertests');
          let stop = await session.stopped();
          const seen: { at: string; way: Way }[] = [];
          for (let step = random.between(2, LONGEST); step > 0; step--) {
            const at = await state(session, stop);
            const isOutermost = (await session.stack(stop.threadId!)).length === 1;
            const way = random.pick(isOutermost ? WAYS.filter((one) => !isOut(one)) : WAYS);
            const next =
              way === 'continue'
                ? await session.goOn()
                : await session.step(way.forward, stop.threadId!, way.granularity);
            seen.push({ at, way: next.reason === 'step' ? way : 'continue' });
            stop = next;
          }
          for (const [index, { at, way }] of [...seen.entries()].reverse()) {
            const request = way === 'continue' ? 'reverseContinue' : way.back;
            const granularity =
              way !== 'continue' && way.granularity === 'instruction' ? { granularity: way.granularity } : {};
            await session.customRequest(request, { threadId: stop.threadId, ...granularity });
            stop = await session.stopped();
            const now = await state(session, stop);
            // A breakpoint that was run onto by a step is met on the way to where that began.
            if (way === 'continue' && now !== at) break;
            assert.equal(now, at, `seed ${seed}, step ${index}, ${JSON.stringify(way)}`);
          }
        } finally {
          await session.stop();
        }
      }
    });
  }
});
