/** Whatever hangs, a session can be ended. */
import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Channel } from '../../../debug-adapter/dap/connection';
import type { Files } from '../../../debug-adapter/launch/files';
import { nodeFiles } from '../../../debug-adapter/node-files';
import { CLOCK } from '../../../host/clock';
import { Session } from '../../../debug-adapter/session';
import { DISK, KERNEL, sessions } from '../support';

/** A session in this process, with files of one's own. */
function inProcess(files: Files) {
  const sent: Record<string, unknown>[] = [];
  let receive: (message: unknown) => void = () => undefined;
  const channel: Channel = {
    send: (message) => sent.push(message as unknown as Record<string, unknown>),
    onMessage: (listener) => (receive = listener),
  };
  const exit = new Promise<number>((resolve) => {
    void new Session(channel, {
      files,
      clock: { ...CLOCK, unixTime: () => 0 },
      workingDirectory: '/',
      end: resolve,
    });
  });
  let seq = 0;
  const ask = (command: string, args: object = {}): void =>
    receive({ type: 'request', seq: ++seq, command, arguments: args });
  return { sent, exit, ask };
}

describe('what hangs', function () {
  this.timeout(60_000);

  for (const [what, hanging] of [
    ['a kernel', { read: () => new Promise<never>(() => undefined) }],
    ['a disk', { openDisk: () => new Promise<never>(() => undefined) }],
    ['a folder of programs', { list: () => new Promise<never>(() => undefined) }],
    ['a saved boot', { boots: { read: () => new Promise<never>(() => undefined), write: () => Promise.resolve() } }],
  ] as const) {
    it(`${what} on a machine that does not respond does not keep a client from disconnecting`, async () => {
      const { sent, exit, ask } = inProcess({ ...nodeFiles, ...hanging });
      ask('initialize', { adapterID: 'xv6' });
      ask('launch', { kernel: KERNEL, disk: DISK, snapshot: true, legacyVirtio: false });
      ask('disconnect');
      assert.equal(await exit, 0);
      assert.deepEqual(
        sent.filter((one) => one.type === 'response').map((one) => one.command),
        ['initialize', 'disconnect'],
      );
    });
  }

  describe('over stdio', () => {
    const session = sessions();

    for (const attribute of ['kernel', 'disk'] as const) {
      it(`a ${attribute} that is no regular file is refused at once`, async () => {
        const fifo = join(session().folder, 'fifo');
        spawnSync('mkfifo', [fifo]);
        for (const path of [fifo, '/dev/zero', session().folder]) {
          await assert.rejects(
            session().launchRequest({ kernel: KERNEL, disk: session().disk, [attribute]: path } as never),
            /not a regular file/,
          );
        }
      });
    }

    for (const [how, end] of [
      ['SIGTERM', () => session().process.kill('SIGTERM')],
      ['the end of its input', () => session().process.stdin.end()],
    ] as const) {
      it(`a client that does not read: ${how} ends the process`, async () => {
        const { process: adapter } = session();
        await session().initializeRequest();
        adapter.stdout.pause();
        adapter.stdout.removeAllListeners('data');
        // Each response has the whole table of filters: more than a pipe holds.
        for (let i = 0; i < 500; i++) {
          const text = JSON.stringify({
            type: 'request',
            seq: 100 + i,
            command: 'initialize',
            arguments: { adapterID: 'x' },
          });
          adapter.stdin.write(`Content-Length: ${text.length}\r\n\r\n${text}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 300));
        end();
        await session().ended;
      });
    }

    it('a message nested without end ends the process with a word', async () => {
      const text = `{"type":"request","seq":1,"command":"x","arguments":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
      session().process.stdin.write(`Content-Length: ${text.length}\r\n\r\n${text}`);
      assert.equal(await session().ended, 1);
      assert.match(session().messages, /nested more than/);
    });
  });
});
