/**
 * The extension in a real extension host, in a folder with a copy of the sample lab: what a session provides to VS Code, and
 * what is an error. The specs of the workbench test from outside what a person sees and clicks.
 */
import assert from 'node:assert/strict';
import * as path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as vscode from 'vscode';

const PAGE_TABLE = 'mainThreadWebview-xv6.pageTable';

describe('xv6 Debug in VS Code', function () {
  this.timeout(60_000);

  const disposables: vscode.Disposable[] = [];
  let folder: vscode.WorkspaceFolder;
  let printed = '';

  /** The prebuilt lab, without a build: these tests need no compiler. */
  const prebuilt = () => ({
    type: 'xv6',
    request: 'launch',
    name: 'prebuilt',
    kernel: 'prebuilt/kernel',
    disk: 'prebuilt/fs.img',
    legacyVirtio: false,
    build: '',
  });
  const file = (name: string) => vscode.Uri.joinPath(folder.uri, name);
  const session = () => {
    assert.ok(vscode.debug.activeDebugSession, 'no session is active');
    return vscode.debug.activeDebugSession;
  };
  const pageTableTabs = () =>
    vscode.window.tabGroups.all
      .flatMap(({ tabs }) => tabs)
      .filter(({ input }) => input instanceof vscode.TabInputWebview && input.viewType === PAGE_TABLE);

  /** Waits until `look` returns something; the test's own time limit ends an endless wait. */
  async function until<T>(look: () => T | undefined | false): Promise<T> {
    for (;;) {
      const seen = look();
      if (seen) return seen;
      await delay(20);
    }
  }
  const stoppedFrame = () =>
    until(() => vscode.debug.activeStackItem instanceof vscode.DebugStackFrame && vscode.debug.activeStackItem);

  async function start(configuration: vscode.DebugConfiguration): Promise<void> {
    printed = '';
    assert.equal(await vscode.debug.startDebugging(folder, configuration), true);
  }

  /** Sets a breakpoint on the first line of a file that contains the words. Returns that line, from 0. */
  async function breakAt(name: string, words: string): Promise<number> {
    const document = await vscode.workspace.openTextDocument(file(name));
    const line = document
      .getText()
      .split('\n')
      .findIndex((text) => text.includes(words));
    assert.notEqual(line, -1, `${name} has no line with ${words}`);
    vscode.debug.addBreakpoints([
      new vscode.SourceBreakpoint(new vscode.Location(document.uri, new vscode.Position(line, 0))),
    ]);
    return line;
  }

  before(() => {
    const [first] = vscode.workspace.workspaceFolders ?? [];
    assert.ok(first, 'the suite wants a folder with a copy of the sample lab');
    folder = first;
    disposables.push(
      vscode.debug.onDidReceiveDebugSessionCustomEvent(({ event, body }) => {
        if (event === 'xv6.consoleOutput') printed += (body as { text: string }).text;
      }),
    );
  });

  afterEach(async () => {
    vscode.debug.removeBreakpoints(vscode.debug.breakpoints);
    await vscode.debug.stopDebugging();
    await until(() => vscode.debug.activeDebugSession === undefined);
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  after(() => {
    disposables.forEach((disposable) => void disposable.dispose());
  });

  it('boots to a shell whose console takes keys', async () => {
    await start(prebuilt());
    await until(() => printed.includes('$ '));
    await session().customRequest('xv6.consoleInput', { text: 'echo said by hand\r' });
    await until(() => printed.includes('\nsaid by hand'));
    assert.ok(vscode.window.terminals.some(({ name }) => name === 'xv6: prebuilt'));
  });

  it('stops at a breakpoint in C and unfolds an address into its walk', async () => {
    const line = await breakAt('kernel/syscall.c', 'struct proc *p = myproc()');
    await start(prebuilt());
    const frame = await stoppedFrame();
    const { stackFrames } = (await session().customRequest('stackTrace', { threadId: frame.threadId })) as {
      stackFrames: { name: string; line: number; source?: { path?: string } }[];
    };
    assert.equal(stackFrames[0]!.name, 'syscall');
    // In a remote window, VS Code turns the adapter's paths into remote addresses.
    assert.ok(stackFrames[0]!.source?.path?.endsWith(file('kernel/syscall.c').path), stackFrames[0]!.source?.path);
    assert.ok(Math.abs(stackFrames[0]!.line - 1 - line) <= 1, `stopped at line ${stackFrames[0]!.line}`);

    const assembly = await vscode.workspace.openTextDocument(file('kernel/swtch.S'));
    const at = assembly.positionAt(assembly.getText().indexOf('sd sp') + 'sd '.length);
    const hovers = await vscode.commands.executeCommand<vscode.Hover[]>(
      'vscode.executeHoverProvider',
      assembly.uri,
      at,
    );
    const text = hovers.flatMap(({ contents }) => contents.map((part) => (part as vscode.MarkdownString).value)).join();
    assert.match(text, /\$sp = 0x[\da-f]+/);
    assert.match(text, /\| level 2 \| \\\[\d+\\\] PTE 0x[\da-f]+ at 0x[\da-f]+, /);
  });

  it('shows the page table, and keeps its panel when the session ends', async () => {
    await breakAt('kernel/syscall.c', 'struct proc *p = myproc()');
    await start(prebuilt());
    await stoppedFrame();
    await vscode.commands.executeCommand('xv6.showPageTable');
    await until(() => pageTableTabs().length === 1);
    await vscode.debug.stopDebugging();
    await until(() => vscode.debug.activeDebugSession === undefined);
    assert.equal(pageTableTabs().length, 1);
  });

  it('refuses a second machine with the same disk image, and leaves the first alone', async () => {
    await start(prebuilt());
    const { id } = session();
    assert.equal(await vscode.debug.startDebugging(folder, { ...prebuilt(), name: 'again' }), false);
    assert.equal(session().id, id);
    await until(() => printed.includes('$ '));
    await session().customRequest('xv6.consoleInput', { text: 'echo still here\r' });
    await until(() => printed.includes('\nstill here'));
  });

  it('boots anew on restart, in the same session', async () => {
    await start(prebuilt());
    const { id } = session();
    await until(() => printed.includes('$ '));
    printed = '';
    await vscode.commands.executeCommand('workbench.action.debug.restart');
    await until(() => /booting[^]*\$ /.test(printed));
    assert.equal(session().id, id);
  });

  it('starts nothing after a build that failed, and shows its errors in Problems', async () => {
    const debug = vscode.workspace.getConfiguration('debug');
    await debug.update('onTaskErrors', 'showErrors', vscode.ConfigurationTarget.Global);
    try {
      const build = 'echo "kernel/main.c:3:7: error: planted here"; exit 2';
      assert.equal(await vscode.debug.startDebugging(folder, { ...prebuilt(), build }), false);
    } finally {
      await debug.update('onTaskErrors', undefined, vscode.ConfigurationTarget.Global);
    }
    const problem = (
      await until(() => {
        const found = vscode.languages.getDiagnostics(file('kernel/main.c'));
        return found.length > 0 && found;
      })
    )[0]!;
    assert.equal(problem.message, 'planted here');
    assert.equal(problem.range.start.line, 2);
    assert.equal(vscode.debug.activeDebugSession, undefined);
  });

  it('builds nothing and starts nothing in a folder that is no lab', async () => {
    const elsewhere = path.join(folder.uri.fsPath, 'user');
    assert.equal(
      await vscode.debug.startDebugging(folder, { type: 'xv6', request: 'launch', name: 'x', cwd: elsewhere }),
      false,
    );
    assert.equal(vscode.debug.activeDebugSession, undefined);
  });

  it('does not take away assembly files from anyone, but gives a language to those without', async () => {
    const assembly = await vscode.workspace.openTextDocument(file('kernel/swtch.S'));
    await until(() =>
      vscode.workspace.textDocuments.some(
        (document) => document.uri.path === assembly.uri.path && document.languageId === 'riscv-asm',
      ),
    );
  });
});
