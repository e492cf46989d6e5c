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

interface State {
  /** Frames of its stack. */
  readonly depth: number;
  readonly text: string;
}

/** Where the thread that stopped is, with its stack and what its registers hold. */
async function state(session: TestSession, { threadId }: Stop): Promise<State> {
  const stack = await session.stack(threadId!);
  const places = stack.map(({ name, line, instructionPointerReference: at }) => `${name}:${line} ${at}`);
  const registers = await session.scope('Integer registers', threadId!).catch(() => []);
  const text = [...places, ...registers.map(({ name, value }) => `${name}=${value}`)].join('\n');
  return { depth: stack.length, text };
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
          const seen: { at: State; way: Way }[] = [];
          // Where a step began is remembered, or must be found: then by lines, which are gone back to their beginnings, or by instructions.
          const isFound = seed % 2 === 0;
          const granularity = random.pick(['statement', 'instruction']);
          const ways = WAYS.filter((way) => !isFound || way === 'continue' || way.granularity === granularity);
          for (let step = random.between(2, LONGEST); step > 0; step--) {
            const at = await state(session, stop);
            const way = random.pick(isFound || at.depth === 1 ? ways.filter((one) => !isOut(one)) : ways);
            const next =
              way === 'continue'
                ? await session.goOn()
                : await session.step(way.forward, stop.threadId!, way.granularity);
            seen.push({ at, way: next.reason === 'step' ? way : 'continue' });
            stop = next;
          }
          if (isFound) await session.ask('xv6.branch', {});
          let { depth } = await state(session, stop);
          for (const [index, { at, way }] of [...seen.entries()].reverse()) {
            // A step back by a line goes over calls, and not into the one that a step has left; and to the beginning of a line, not to
            // where a call in it has returned.
            const isReturn = (seen[index - 1]?.at.depth ?? 0) > at.depth;
            if (isFound && way !== 'continue' && (at.depth !== depth || (isReturn && granularity === 'statement')))
              break;
            const request = way === 'continue' ? 'reverseContinue' : way.back;
            const by = way !== 'continue' && way.granularity === 'instruction' ? { granularity: way.granularity } : {};
            await session.customRequest(request, { threadId: stop.threadId, ...by });
            stop = await session.stopped();
            const now = await state(session, stop);
            // A breakpoint that was run onto by a step is met on the way to where that began.
            if (way === 'continue' && now.text !== at.text) break;
            assert.equal(now.text, at.text, `seed ${seed}, step ${index}, ${JSON.stringify(way)}`);
            ({ depth } = now);
          }
        } finally {
          await session.stop();
        }
      }
    });
  }
});
