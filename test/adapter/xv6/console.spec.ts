import { strict as assert } from 'node:assert';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { sessions } from '../support';

describe('the console', function () {
  this.timeout(60_000);
  const session = sessions();

  it('goes to the debug console until a terminal attaches, which is told what was written before', async () => {
    const outputs: string[] = [];
    session().on('output', ({ body }: DebugProtocol.OutputEvent) => {
      if (body.category === 'stdout') outputs.push(body.output);
    });
    await session().boot();
    await session().written('$ ');
    assert.match(outputs.join(''), /booting/);
    const { text } = await session().ask('xv6.attachConsole', {});
    assert.equal(text, outputs.join(''));
    const before = outputs.length;
    const from = await session().type('echo hello');
    await session().written('hello\n$ ', from);
    assert.equal(outputs.length, before, 'and no longer to the debug console');
  });

  it('takes a paste of any length, and loses nothing', async () => {
    await session().boot();
    await session().written('$ ');
    const words = Array.from({ length: 60 }, (_, index) => `word${index}`);
    const from = session().console.length;
    await session().ask('xv6.consoleInput', { text: words.map((word) => `echo ${word}\r`).join('') });
    await session().written('word59\n$ ', from);
    const answers = [
      ...session()
        .console.slice(from)
        .matchAll(/^(word\d+)$/gm),
    ].map(([, word]) => word);
    assert.deepEqual(answers, words);
  });

  it('takes keys typed while the machine stands when it goes on', async () => {
    await session().boot();
    await session().written('$ ');
    await session().pauseRequest({ threadId: 1 });
    await session().stopped();
    const from = await session().type('echo later');
    await session().continueRequest({ threadId: 1 });
    await session().written('later\n$ ', from);
  });

  it('refuses what is no text', async () => {
    await session().boot();
    await assert.rejects(session().customRequest('xv6.consoleInput', { text: 7 }), /"text" is 7; it must be a string/);
  });
});
