import { strict as assert } from 'node:assert';
import { Connection, UserError, type Handler } from './connection';

function connect(handlers: Record<string, Handler>) {
  const sent: Record<string, unknown>[] = [];
  let receive: (message: unknown) => void = () => undefined;
  const connection = new Connection({
    send: (message) => sent.push(structuredClone(message) as unknown as Record<string, unknown>),
    onMessage: (listener) => (receive = listener),
  });
  connection.serve((command) => handlers[command]);
  return { connection, sent, receive: (message: unknown) => receive(message) };
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
