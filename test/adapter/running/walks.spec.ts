/** Walks by software that found nothing, as the debug console asks for them. */
import { strict as assert } from 'node:assert';
import { nodeFiles } from '../../../debug-adapter/node-files';
import type { QueryAnswer } from '../../../debug-adapter/protocol';
import { Session } from '../../../debug-adapter/session';
import { CLOCK } from '../../../host/clock';
import { DISK, KERNEL, sessions } from '../support';

/** What is answered on a host so slow that there are checkpoints after every few thousand instructions. */
async function onSlowHost(functions: string[], query: string): Promise<QueryAnswer> {
  let [now, seq] = [0, 0];
  const clock = { ...CLOCK, now: () => ++now, later: (_: number, action: () => void) => CLOCK.later(0, action) };
  let receive: (message: unknown) => void = () => undefined;
  let arrived: (message: { event?: string; request_seq?: number; body?: unknown }) => void = () => undefined;
  const channel = { send: (message: object) => arrived(message), onMessage: (to: typeof receive) => (receive = to) };
  const host = { files: nodeFiles, clock: { ...clock, unixTime: () => 0 }, workingDirectory: '/' };
  const ended = new Promise((resolve) => new Session(channel, { ...host, end: resolve }));
  const ask = (command: string, args: object, event?: string): Promise<unknown> =>
    new Promise((resolve) => {
      const own = ++seq;
      arrived = (message) => {
        if (event === undefined ? message.request_seq === own : message.event === event) resolve(message.body);
      };
      receive({ type: 'request', seq: own, command, arguments: args });
    });
  const lab = { kernel: KERNEL, disk: DISK, snapshot: true, legacyVirtio: false, warmStart: false };
  await ask('initialize', { adapterID: 'xv6' });
  await ask('launch', { ...lab, harts: 1 });
  await ask('setFunctionBreakpoints', { breakpoints: functions.map((name) => ({ name })) });
  await ask('configurationDone', {}, 'stopped');
  const answer = (await ask('xv6.query', { query })) as QueryAnswer;
  await ask('disconnect', {});
  await ended;
  return answer;
}

describe('walks by software', function () {
  this.timeout(120_000);
  const current = sessions();

  it('are told where they found nothing, with table and caller, but not where the entry was written then', async () => {
    const session = current();
    await session.boot({ harts: 3 });
    await session.written('$ ');
    // Each of eight bad pointers goes through 13 system calls; the kernel walks for two of them in vain.
    await session.type('usertests bad-pointers');
    await session.written('ALL TESTS PASSED');
    await session.pauseRequest({ threadId: 1 });
    await session.stopped();
    const ask = (text: string): Promise<QueryAnswer> => session.ask('xv6.query', { query: text, most: 1000 });
    const { title, rows } = await ask('$walks()');
    assert.equal(title, '26 walks by software that found no valid entry; the latest last');
    const [first] = rows;
    assert.equal(
      first!.what,
      'walk found nothing for 0x80000000 in the table of pid 5 usertests: V=0 at level 2, entry 2; ' +
        'it lies beyond the process’s size (0x10000)',
    );
    assert.equal(first!.process, 'pid 5 usertests');
    assert.match(first!.place!, /^user_pte at copy\.c:\d+, called by either_copyin at copy\.c:\d+$/);
    const addresses = rows.map(({ parts }) => parts.find(({ name }) => name === 'va')?.value);
    assert.deepEqual(addresses, [...Array<string>(13).fill('0x80000000'), ...Array<string>(13).fill('0x11000')]);
    assert.equal((await ask('$walks(va == 0x11000)')).rows.length, 13);

    // One goes to where it began.
    await session.ask('xv6.goTo', { instant: first!.instant, hart: first!.hart!, description: first!.what });
    const { threadId } = await session.stopped();
    const [innermost, caller] = await session.places(threadId!);
    assert.match(innermost!, /^walk kernel\/vm\.c:/);
    assert.match(caller!, /^user_pte kernel\/copy\.c:/);
  });

  it('are none of a kernel that maps its own memory, wherever checkpoints are in that', async () => {
    const { title } = await onSlowHost(['userinit'], '$walks()');
    assert.equal(title, 'No walks by software that found no valid entry');
  });
});
