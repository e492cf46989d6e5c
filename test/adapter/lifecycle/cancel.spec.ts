import { strict as assert } from 'node:assert';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { sessions } from '../support';

describe('cancel', function () {
  this.timeout(60_000);
  const session = sessions();

  /** Writes requests at once, so that they queue up. Returns the responses in the order in which they arrive. */
  async function atOnce(requests: { command: string; arguments?: unknown }[]): Promise<DebugProtocol.Response[]> {
    const first = 10_000;
    const answers: DebugProtocol.Response[] = [];
    const all = new Promise<void>((resolve) => {
      let rest = '';
      session().process.stdout.on('data', (data: Buffer) => {
        rest += data.toString();
        for (const [, body] of rest.matchAll(/Content-Length: \d+\r\n\r\n(\{.*?\})(?=Content-Length|$)/gs)) {
          const message = JSON.parse(body!) as DebugProtocol.Response;
          if (message.type === 'response' && message.request_seq >= first)
            if (!answers.some((one) => one.request_seq === message.request_seq)) answers.push(message);
        }
        if (answers.length === requests.length) resolve();
      });
    });
    const text = requests
      .map((request, index) => JSON.stringify({ seq: first + index, type: 'request', ...request }))
      .map((body) => `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
      .join('');
    session().process.stdin.write(text);
    await all;
    return answers;
  }

  it('a request that still waits is answered with "cancelled", and not carried out', async () => {
    await session().boot({ functions: ['sys_write'] });
    await session().stopped();
    const expression = 'proc[0].killed = 5';
    const [read, evaluated, cancelled] = await atOnce([
      { command: 'readMemory', arguments: { memoryReference: '0x80000000', count: 16 } },
      { command: 'evaluate', arguments: { expression, context: 'repl' } },
      { command: 'cancel', arguments: { requestId: 10_001 } },
    ]);
    assert.equal(read!.success, true);
    assert.deepEqual([evaluated!.command, evaluated!.success, evaluated!.message], ['evaluate', false, 'cancelled']);
    assert.deepEqual([cancelled!.command, cancelled!.success], ['cancel', true]);
    assert.equal(await session().value('proc[0].killed'), '0');
  });

  it('a request that was answered long ago, or is unknown, is no matter', async () => {
    await session().customRequest('cancel', { requestId: 1 });
    await session().customRequest('cancel', { requestId: 123_456 });
    await session().customRequest('cancel', { progressId: 'boot' });
    await session().customRequest('cancel');
  });
});
