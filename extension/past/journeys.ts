/** Commands that go through time. Each asks the debugger, which then reports a stop there. */
import * as vscode from 'vscode';
import type { Requests } from '../../debug-adapter/protocol';
import { request, type Sessions } from '../sessions';
import { messageOf } from '../message-of';
import { chooseBookmark, setBookmark } from './bookmarks';
import type { Consent } from './consent';
import { expressionInEditor, isRecord } from './subject';
import type { Visit } from './visits';
import type { Whereabouts } from './whereabouts';

export class Journeys {
  constructor(
    private readonly sessions: Sessions,
    private readonly whereabouts: Whereabouts,
    private readonly consent: Consent,
  ) {}

  register(): vscode.Disposable[] {
    const commands: [string, (argument?: unknown) => Promise<void>][] = [
      ['xv6.stepBackInto', (argument) => this.stepBackInto(argument)],
      ['xv6.stepBackOut', () => this.go('xv6.stepBackOut', (threadId) => ({ threadId }))],
      ['xv6.runBackToCursor', () => this.runBackToCursor()],
      ['xv6.goToPresent', () => this.go('xv6.goTo', () => ({ instant: 'present' }))],
      ['xv6.goBack', () => this.visit('previous')],
      ['xv6.goForward', () => this.visit('next')],
      ['xv6.branch', () => this.branch()],
      ['xv6.setBookmark', () => this.setBookmark()],
      ['xv6.goToBookmark', () => this.goToBookmark()],
      ['xv6.whoWrote', (argument) => this.whoWrote(argument)],
      ['xv6.whoWroteBefore', () => this.go('xv6.whoWrote', () => ({ again: true }))],
    ];
    return commands.map(([name, run]) => vscode.commands.registerCommand(name, run));
  }

  private stepBackInto(argument: unknown): Promise<void> {
    const byInstruction = isRecord(argument) && argument['granularity'] === 'instruction';
    return this.go('xv6.stepBackInto', (threadId) => ({
      threadId,
      ...(byInstruction && { granularity: 'instruction' }),
    }));
  }

  private async runBackToCursor(): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    if (!editor) return;
    const { document, selection } = editor;
    const line = selection.active.line + 1;
    await this.go('xv6.runBackTo', (threadId) => ({ threadId, path: document.uri.fsPath, line }));
  }

  private async visit(which: 'previous' | 'next'): Promise<void> {
    const session = this.stopped();
    if (!session) return;
    const visit: Visit | undefined = this.whereabouts.visitsOf(session)[which];
    if (!visit) {
      vscode.window.setStatusBarMessage(`xv6: there is no ${which === 'next' ? 'later' : 'earlier'} visit`, 3000);
      return;
    }
    await this.go('xv6.goTo', () => ({ instant: visit.instant }));
  }

  private async branch(): Promise<void> {
    const session = this.stopped();
    if (!session) return;
    if (!this.whereabouts.isInPast(session)) {
      void vscode.window.showInformationMessage(
        'The machine stands in the present: another future begins in the past.',
      );
      return;
    }
    await reporting(() => this.consent.branch(session));
  }

  private async setBookmark(): Promise<void> {
    const session = this.stopped();
    if (session) await reporting(() => setBookmark(session));
  }

  private async goToBookmark(): Promise<void> {
    const session = this.stopped();
    if (!session) return;
    await reporting(() =>
      chooseBookmark(session, async ({ id, abandoned }) => {
        // The machine may be there before the response is.
        if (abandoned) this.whereabouts.visitsOf(session).branch(abandoned.from);
        await request(session, 'xv6.goToBookmark', { id });
      }),
    );
  }

  /** Of a row of the Variables view, else of the expression that is selected, or at the cursor, or typed. */
  private async whoWrote(argument: unknown): Promise<void> {
    const row = variableOf(argument);
    if (row) return this.go('xv6.whoWrote', () => row);
    const name =
      expressionInEditor() ?? (await vscode.window.showInputBox({ prompt: 'Who wrote this? An expression in C' }));
    if (name === undefined || name.trim() === '') return;
    const item = vscode.debug.activeStackItem;
    const frame = item instanceof vscode.DebugStackFrame ? { frameId: item.frameId } : {};
    await this.go('xv6.whoWrote', () => ({ name, ...frame }));
  }

  private async go<Name extends keyof Requests>(
    name: Name,
    args: (threadId: number) => Requests[Name]['arguments'],
  ): Promise<void> {
    const session = this.stopped();
    if (session) await reporting(() => request(session, name, args(threadIn(session))));
  }

  /** The session, if it is stopped; else the user is told. */
  private stopped(): vscode.DebugSession | undefined {
    const session = this.sessions.current();
    if (session && this.sessions.isStopped(session)) return session;
    void vscode.window.showInformationMessage(
      session ? 'The machine runs: pause it first.' : 'There is a past while xv6 is debugged: start it with F5 first.',
    );
    return undefined;
  }
}

async function reporting(action: () => Thenable<unknown>): Promise<void> {
  try {
    await action();
  } catch (error) {
    void vscode.window.showErrorMessage(messageOf(error));
  }
}

/** The thread that has the focus in the Call Stack view, else that of hart 0. */
function threadIn(session: vscode.DebugSession): number {
  const item = vscode.debug.activeStackItem;
  return item?.session.id === session.id ? item.threadId : 1;
}

/** What VS Code passes to a command in the context menu of a variable. */
function variableOf(argument: unknown): Requests['xv6.whoWrote']['arguments'] | undefined {
  if (!isRecord(argument) || !isRecord(argument['variable'])) return undefined;
  const { name } = argument['variable'];
  const container = isRecord(argument['container']) ? argument['container']['variablesReference'] : undefined;
  if (typeof name !== 'string') return undefined;
  return { name, ...(typeof container === 'number' && { variablesReference: container }) };
}
