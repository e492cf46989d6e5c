/** What is thrown while a stop is reported ends the session with a word, and not the process without one. */
import { strict as assert } from 'node:assert';
import { Connection } from '../../../debug-adapter/dap/connection';
import { nodeFiles } from '../../../debug-adapter/node-files';
import { newContext, requireSession } from '../../../debug-adapter/requests/context';
import { launch } from '../../../debug-adapter/requests/lifecycle/launch';
import { DISK, KERNEL } from '../support';

describe('a defect of the debugger', function () {
  this.timeout(60_000);

  it('while a stop is reported ends the session, and says that it is one', async () => {
    const events: { event?: string; body?: { output?: string } }[] = [];
    const logged: string[] = [];
    const connection = new Connection({
      send: (message) => events.push(message as (typeof events)[number]),
      onMessage: () => undefined,
      log: (text) => logged.push(text),
    });
    const turns: (() => void)[] = [];
    const clock = { now: () => 0, unixTime: () => 0, soon: (action: () => void) => void turns.push(action) };
    const context = newContext(connection, {
      files: nodeFiles,
      clock: { ...clock, later: () => () => undefined },
      workingDirectory: '/',
      end: () => undefined,
    });
    await launch(context, { kernel: KERNEL, disk: DISK, snapshot: true, legacyVirtio: false, warmStart: false });
    const { runner, debuggee } = requireSession(context);
    const [hart] = debuggee.machine.harts;
    Object.defineProperty(hart, 'x', {
      value: () => {
        throw new Error('no such register');
      },
    });
    runner.start();
    runner.pause({ hart: 0, reason: 'pause' });
    const texts = events.map(({ event, body }) => `${event} ${body?.output ?? ''}`);
    assert.ok(
      texts.some((text) => /^output The session .*defect of xv6 Debug/.test(text)),
      texts.join('\n'),
    );
    assert.ok(!texts.some((text) => text.includes('no such register')));
    assert.match(logged.join('\n'), /no such register\n +at .*crash\.spec\.ts/);
    assert.ok(events.some(({ event }) => event === 'terminated'));
    assert.equal(context.running, undefined);
  });
});
