/** Every kind of breakpoint, set by VS Code itself, in a folder with a copy of the sample lab that is not built. */
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import * as vscode from 'vscode';

interface Stopped {
  reason: string;
  text?: string;
  threadId: number;
}

describe('breakpoints in VS Code', function () {
  this.timeout(60_000);

  let folder: vscode.WorkspaceFolder;
  let tracker: vscode.Disposable;
  let output = '';
  let console = '';
  const stops: Stopped[] = [];

  const session = () => {
    assert.ok(vscode.debug.activeDebugSession, 'no session is active');
    return vscode.debug.activeDebugSession;
  };
  async function until<T>(look: () => T | undefined | false): Promise<T> {
    for (;;) {
      const seen = look();
      if (seen) return seen;
      await delay(20);
    }
  }
  const stopped = () => until(() => stops.shift());
  const ask = <T>(request: string, args: object): Promise<T> => session().customRequest(request, args) as Promise<T>;
  async function evaluated(expression: string, { threadId }: Stopped): Promise<string> {
    const { stackFrames } = await ask<{ stackFrames: { id: number }[] }>('stackTrace', { threadId, levels: 1 });
    return (await ask<{ result: string }>('evaluate', { expression, frameId: stackFrames[0]!.id })).result;
  }
  /** On the first line of a file that contains the words. */
  async function breakAt(name: string, words: string, more: { condition?: string; logMessage?: string } = {}) {
    const document = await vscode.workspace.openTextDocument(vscode.Uri.joinPath(folder.uri, name));
    const offset = document.getText().indexOf(words);
    assert.notEqual(offset, -1, `${name} has no line with ${words}`);
    const place = new vscode.Location(document.uri, document.positionAt(offset));
    vscode.debug.addBreakpoints([new vscode.SourceBreakpoint(place, true, more.condition, undefined, more.logMessage)]);
  }
  async function start(): Promise<void> {
    output = console = '';
    stops.length = 0;
    const lab = { kernel: 'prebuilt/kernel', disk: 'prebuilt/fs.img', legacyVirtio: false, build: '', harts: 1 };
    const configuration = { type: 'xv6', request: 'launch', name: 'prebuilt', ...lab };
    assert.equal(await vscode.debug.startDebugging(folder, configuration), true);
  }

  before(() => {
    folder = vscode.workspace.workspaceFolders![0]!;
    tracker = vscode.debug.registerDebugAdapterTrackerFactory('xv6', {
      createDebugAdapterTracker: () => ({
        onDidSendMessage: ({ event, body }: { event?: string; body?: Record<string, unknown> }) => {
          if (event === 'output') output += String(body!.output);
          if (event === 'xv6.consoleOutput') console += String(body!.text);
          if (event === 'stopped') stops.push(body as unknown as Stopped);
        },
      }),
    });
  });

  afterEach(async () => {
    vscode.debug.removeBreakpoints(vscode.debug.breakpoints);
    await vscode.debug.stopDebugging();
    await until(() => vscode.debug.activeDebugSession === undefined);
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  after(() => void tracker.dispose());

  it('a log point prints, and does not stop', async () => {
    await breakAt('kernel/sysproc.c', 'return fork()', { logMessage: 'fork by {pid}, in {myproc}' });
    await start();
    await until(() => console.includes('$ '));
    assert.match(output, /^fork by 1, in .*myproc/m);
    assert.equal(stops.length, 0);
  });

  it('a condition on pid holds', async () => {
    await breakAt('kernel/sysfile.c', 'return f ? filewrite', { condition: 'pid == 2' });
    await start();
    const stop = await stopped();
    assert.equal(stop.reason, 'breakpoint');
    assert.equal(await evaluated('$pid', stop), '2');
    // init, pid 1, has printed its greeting without a stop.
    assert.match(console, /init: starting/);
  });

  it('a data breakpoint on a physical word catches a write through another alias', async () => {
    await breakAt('user/ulib.c', "if (c == '\\n')");
    await start();
    await until(() => console.includes('$ '));
    await ask('xv6.consoleInput', { text: 'ls\r' });
    const stop = await stopped();
    vscode.debug.removeBreakpoints(vscode.debug.breakpoints);
    // c is on the shell's stack; for read(), the kernel writes it through its own mapping of the page.
    const place = await evaluated('$va2pa((uint64)&c)', stop);
    const { dataId } = await ask<{ dataId: string }>('dataBreakpointInfo', {
      ...{ name: `phys:${place}`, asAddress: true, bytes: 1 },
    });
    const { breakpoints } = await ask<{ breakpoints: { verified: boolean }[] }>('setDataBreakpoints', {
      breakpoints: [{ dataId, accessType: 'write' }],
    });
    assert.equal(breakpoints[0]!.verified, true);
    await ask('continue', { threadId: stop.threadId });
    const hit = await stopped();
    assert.equal(hit.reason, 'data breakpoint');
    assert.match(hit.text ?? '', /0x6c → 0x73\nby sb .*\(pid 2 sh\)/);
    assert.match(hit.text ?? '', /at 0x8[\da-f]+ \(\w+\+\d+ at (copy|string)\.c:\d+\)/);
  });
});
