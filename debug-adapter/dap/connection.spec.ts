import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { Connection, Later, type Channel, type Handler } from './connection';
import { UserError } from './errors';

function connect(handlers: Record<string, Handler>, later?: (milliseconds: number, action: () => void) => () => void) {
  const sent: Record<string, unknown>[] = [];
  const logged: string[] = [];
  let receive: (message: unknown) => void = () => undefined;
  const channel: Channel = {
    send: (message) => sent.push(structuredClone(message) as unknown as Record<string, unknown>),
    onMessage: (listener) => (receive = listener),
    log: (text) => logged.push(text),
  };
  const connection = new Connection(channel, later);
  connection.serve((command) => handlers[command]);
  return { connection, sent, logged, receive: (message: unknown) => receive(message) };
}

describe('the connection', () => {
  it('answers in order, and sends what is to follow after the answer', async () => {
    const { connection, sent, receive } = connect({
      slow: async () => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        connection.afterResponse(() => connection.event('after'));
        return { n: 1 };
      },
      fast: () => ({ n: 2 }),
    });
    receive({ type: 'request', seq: 7, command: 'slow' });
    receive({ type: 'request', seq: 8, command: 'fast' });
    await new Promise((resolve) => setTimeout(resolve, 1));
    await connection.settled();
    assert.deepEqual(
      sent.map((message) => message['event'] ?? message['request_seq']),
      [7, 'after', 8],
    );
    assert.deepEqual(
      sent.map((message) => message['seq']),
      [1, 2, 3],
    );
  });

  it('answers both a request that takes long and the one that ends the session meanwhile', async () => {
    for (const [first, second] of [
      ['slow', 'disconnect'],
      ['disconnect', 'slow'],
    ]) {
      const ends: Record<string, () => void> = {};
      const wait = (name: string) => () => new Promise<void>((resolve) => (ends[name] = resolve));
      const handlers = { slow: wait('slow'), disconnect: wait('disconnect') };
      const { sent, receive } = connect(handlers, (_, action) => {
        setTimeout(action, 1);
        return () => undefined;
      });
      receive({ type: 'request', seq: 1, command: 'slow' });
      receive({ type: 'request', seq: 2, command: 'disconnect' });
      await new Promise((resolve) => setTimeout(resolve, 10));
      for (const name of [first!, second!]) {
        ends[name]!();
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      assert.deepEqual(sent.map((message) => message['request_seq']).sort(), [1, 2], first);
    }
  });

  it('answers later what is not there yet, and meanwhile others', async () => {
    let arrive: (body: object) => void = () => undefined;
    let fail: (error: Error) => void = () => undefined;
    const { connection, sent, receive } = connect({
      later: () => new Later(new Promise((resolve) => (arrive = resolve))),
      never: () => new Later(new Promise((_, reject) => (fail = reject))),
      now: () => ({ n: 2 }),
    });
    ['later', 'never', 'now'].forEach((command, index) => receive({ type: 'request', seq: 7 + index, command }));
    await connection.settled();
    assert.deepEqual(
      sent.map((message) => message['request_seq']),
      [9],
    );
    fail(new UserError('It is gone.'));
    arrive({ n: 1 });
    await new Promise((resolve) => setTimeout(resolve, 1));
    assert.deepEqual(
      sent.slice(1).map((message) => [message['seq'], message['request_seq'], message['success']]),
      [
        [2, 8, false],
        [3, 7, true],
      ],
    );
    assert.equal(sent[1]!['message'], 'It is gone.');
    assert.deepEqual(sent[2]!['body'], { n: 1 });
  });

  it('says of what was thrown unawares that it is a defect, and keeps its words for the log', async () => {
    const { connection, sent, receive, logged } = connect({
      type: () => (undefined as unknown as { find: () => void }).find(),
      range: () => new Uint8Array(-1),
      number: () => BigInt(0.5),
      json: () => JSON.parse('{') as unknown,
      depth: () => {
        const deeper = (): number => 1 + deeper();
        return deeper();
      },
      file: () => readFileSync('/no/such/file'),
      text: () => Promise.reject('thrown as it is' as unknown as Error),
      after: () => connection.afterResponse(() => BigInt('x')),
    });
    const commands = ['type', 'range', 'number', 'json', 'depth', 'file', 'text', 'after'];
    for (const command of commands) receive({ type: 'request', seq: 1, command });
    await connection.settled();
    const said = sent.flatMap(({ message, event, body }) =>
      event === 'output' ? (body as { output: string }).output.trimEnd() : ((message as string | undefined) ?? []),
    );
    const words = (command: string): string =>
      `"${command}" failed because of a defect of xv6 Debug, not of your program. Please report it, with what the debug adapter's log says.`;
    assert.deepEqual(said, commands.map(words));
    assert.equal(logged.length, commands.length);
    assert.match(logged[0]!, /^Defect in "type": TypeError: Cannot read properties .*\n +at .*connection\.spec\.ts/);
  });

  it('turns what a handler throws into an error of the response', async () => {
    const { connection, sent, receive } = connect({
      bad: () => {
        throw new Error('it is bad');
      },
      worse: () => {
        throw new UserError('look here');
      },
    });
    for (const command of ['bad', 'worse', 'unknown']) receive({ type: 'request', seq: 1, command });
    await connection.settled();
    assert.deepEqual(
      sent.map(({ success, message, body }) => [
        success,
        message,
        (body as { error: { showUser: boolean } }).error.showUser,
      ]),
      [
        [false, 'it is bad', false],
        [false, 'look here', true],
        [false, 'This debugger does not know the request "unknown".', false],
      ],
    );
  });

  it('says what fails after a response, and answers on', async () => {
    const { connection, sent, receive } = connect({
      bad: () => {
        connection.afterResponse(() => {
          throw new Error('it is late');
        });
        connection.afterResponse(() => connection.event('still'));
      },
      good: () => undefined,
    });
    for (const command of ['bad', 'good']) receive({ type: 'request', seq: 1, command });
    await connection.settled();
    assert.deepEqual(
      sent.map(({ type, event, command, success }) => (type === 'event' ? event : [command, success])),
      [['bad', true], 'output', 'still', ['good', true]],
    );
    assert.deepEqual(sent[1]?.['body'], { category: 'important', output: 'it is late\n' });
  });

  it('ignores what is no request', async () => {
    const { connection, sent, receive } = connect({});
    for (const message of [null, 3, 'x', {}, { type: 'event', event: 'x' }, { type: 'request' }]) receive(message);
    await connection.settled();
    assert.deepEqual(sent, []);
  });
});
