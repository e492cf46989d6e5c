/**
 * The Testing view of a lab: the tests of its own grade scripts, run as the course runs them, on our emulator in QEMU's place. Each
 * run is recorded; where a test fails, the recording stays, and opens at its end.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import * as vscode from 'vscode';
import { readRegularLater } from '../../host/regular-file';
import { FOR_NODE } from '../node-options';
import { openRecording } from '../past/open-recording';
import { makeFlags } from './emulator-command';
import { verdictOf } from './grade-output';
import { gradeTests } from './grade-script';

const SCRIPTS = '{grade-lab-*,*/grade-lab-*}';
const NO_SCRIPTS = '**/*.{py,out,pyc}';
/** Bytes of a grade script. */
const LARGEST_SCRIPT = 1 << 20;
/** What the menus of a failure go by. */
const RECORDED = 'xv6.recorded';

export class GradeTests implements vscode.Disposable {
  private readonly controller = vscode.tests.createTestController('xv6.grade', 'xv6 Grade Scripts');
  private readonly watcher = vscode.workspace.createFileSystemWatcher(`**/grade-lab-*`);
  /** By the id of a test that has failed: the recording of its run. */
  private readonly recordings = new Map<string, string>();

  /** `storage`: a folder of this workspace for recordings. */
  constructor(
    private readonly extension: vscode.Uri,
    private readonly storage: vscode.Uri,
  ) {
    const { Run, Debug } = vscode.TestRunProfileKind;
    const run = (isDebug: boolean) => (request: vscode.TestRunRequest, token: vscode.CancellationToken) =>
      this.run(request, token, isDebug);
    this.controller.createRunProfile('Grade', Run, run(false), true);
    this.controller.createRunProfile('Grade, and Open the Recording of a Failure', Debug, run(true), true);
    this.controller.refreshHandler = () => this.find();
    this.controller.resolveHandler = (item) => (item ? undefined : this.find());
    this.watcher.onDidCreate((uri) => this.read(uri));
    this.watcher.onDidChange((uri) => this.read(uri));
    this.watcher.onDidDelete((uri) => this.controller.items.delete(uri.toString()));
    void this.find();
  }

  dispose(): void {
    this.watcher.dispose();
    this.controller.dispose();
  }

  /** Opens the recording of a test that has failed, from the menu of the test or of its message. */
  async open(chosen: unknown): Promise<void> {
    const id = idIn(chosen);
    const recording = id === undefined ? undefined : this.recordings.get(id);
    if (recording !== undefined) await openRecording(vscode.Uri.file(recording));
    else void vscode.window.showInformationMessage('There is a recording only of a test that was run here and failed.');
  }

  private async find(): Promise<void> {
    const scripts = await vscode.workspace.findFiles(SCRIPTS, NO_SCRIPTS, 50);
    await Promise.all(scripts.map((uri) => this.read(uri)));
  }

  private async read(uri: vscode.Uri): Promise<void> {
    if (uri.scheme !== 'file' || /\.(py|out|pyc)$/.test(uri.path)) return;
    const bytes = await readRegularLater(uri.fsPath, LARGEST_SCRIPT).catch(() => undefined);
    const tests = gradeTests(new TextDecoder().decode(bytes));
    if (tests.length === 0) return this.controller.items.delete(uri.toString());
    const script = this.controller.createTestItem(uri.toString(), path.basename(uri.fsPath), uri);
    script.children.replace(
      tests.map(({ title, points, line }) => {
        const item = this.controller.createTestItem(`${uri.toString()} ${title}`, title, uri);
        item.range = new vscode.Range(line, 0, line, 0);
        item.description = points === 0 ? '' : `${points} point${points === 1 ? '' : 's'}`;
        return item;
      }),
    );
    this.controller.items.add(script);
  }

  /** One test after the other: they build in one folder, and use one port. */
  private async run(
    { include, exclude }: vscode.TestRunRequest,
    token: vscode.CancellationToken,
    isDebug: boolean,
  ): Promise<void> {
    const run = this.controller.createTestRun(new vscode.TestRunRequest(include, exclude));
    const chosen = include ?? childrenOf(this.controller.items);
    const tests = [...new Set(chosen.flatMap((item) => (item.parent ? [item] : childrenOf(item.children))))];
    const wanted = tests.filter((item) => !exclude?.includes(item));
    wanted.forEach((item) => run.enqueued(item));
    try {
      await fs.mkdir(this.storage.fsPath, { recursive: true });
      for (const item of wanted) {
        if (token.isCancellationRequested) run.skipped(item);
        else await this.runOne(run, item, token, isDebug);
      }
    } finally {
      run.end();
    }
  }

  private async runOne(
    run: vscode.TestRun,
    item: vscode.TestItem,
    token: vscode.CancellationToken,
    isDebug: boolean,
  ): Promise<void> {
    const recording = path.join(this.storage.fsPath, `${fileName(item.id)}.xv6run`);
    this.recordings.delete(item.id);
    await fs.rm(recording, { force: true });
    run.started(item);
    const begun = Date.now();
    let output = '';
    const status = await this.grade(item, recording, token, (text) => {
      output += text;
      run.appendOutput(text.replace(/\r?\n/g, '\r\n'), undefined, item);
    });
    const milliseconds = Date.now() - begun;
    if (token.isCancellationRequested) return run.skipped(item);
    const verdict = verdictOf(output, item.label) ?? (status === 0 ? { isPassed: true, message: '' } : undefined);
    if (verdict?.isPassed === true) {
      await fs.rm(recording, { force: true });
      return run.passed(item, milliseconds);
    }
    const message = new vscode.TestMessage(verdict?.message || output.slice(-4000) || 'The script printed nothing.');
    if (item.uri && item.range) message.location = new vscode.Location(item.uri, item.range);
    const isRecorded = await fs.access(recording).then(
      () => true,
      () => false,
    );
    if (isRecorded) {
      this.recordings.set(item.id, recording);
      message.contextValue = RECORDED;
    }
    if (verdict === undefined) run.errored(item, message, milliseconds);
    else run.failed(item, message, milliseconds);
    if (isDebug && isRecorded) await openRecording(vscode.Uri.file(recording));
  }

  /** Returns the exit status of the script. */
  private grade(
    item: vscode.TestItem,
    recording: string,
    token: vscode.CancellationToken,
    printed: (text: string) => void,
  ): Promise<number | null> {
    const script = item.uri!.fsPath;
    const emulator = vscode.Uri.joinPath(this.extension, 'dist', 'xv6-emu.js').fsPath;
    const { MAKEFLAGS } = process.env;
    const flags = makeFlags([process.execPath, ...FOR_NODE, emulator, '--record', recording], MAKEFLAGS);
    return new Promise((resolve) => {
      const child = spawn('python3', [script, item.label], {
        cwd: path.dirname(script),
        env: { ...process.env, MAKEFLAGS: flags, ELECTRON_RUN_AS_NODE: '1', PYTHONUNBUFFERED: '1' },
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
      });
      const cancelled = token.onCancellationRequested(() => end(child));
      const decoders = [new TextDecoder(), new TextDecoder()];
      child.stdout.on('data', (bytes: Buffer) => printed(decoders[0]!.decode(bytes, { stream: true })));
      child.stderr.on('data', (bytes: Buffer) => printed(decoders[1]!.decode(bytes, { stream: true })));
      child.on('error', (error) => printed(`python3 cannot be started: ${error.message}\n`));
      child.on('close', (status) => {
        cancelled.dispose();
        resolve(status);
      });
    });
  }
}

/** Ends the script with make and the emulator. */
function end({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGTERM');
  } catch {
    // It has ended by itself.
  }
}

function childrenOf(items: vscode.TestItemCollection): vscode.TestItem[] {
  const children: vscode.TestItem[] = [];
  items.forEach((item) => children.push(item));
  return children;
}

/** The test's id in what a menu hands on: a test, or a message with its test. */
function idIn(chosen: unknown): string | undefined {
  if (typeof chosen !== 'object' || chosen === null) return undefined;
  const item: unknown = 'test' in chosen ? chosen.test : chosen;
  return typeof item === 'object' && item !== null && 'id' in item && typeof item.id === 'string' ? item.id : undefined;
}

const fileName = (id: string): string => id.replace(/^.*\//, '').replace(/[^\w-]+/g, '-');
