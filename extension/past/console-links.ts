/**
 * From a line of the guest's console to where it was printed: each line is a link, as the terminal shows them, and a command
 * offers all lines to those who use the keyboard.
 */
import * as vscode from 'vscode';
import { request, type Sessions } from '../sessions';
import type { Consoles } from '../views/console';
import { messageOf } from '../message-of';
import type { PrintedLine } from './printed-lines';

interface LineLink extends vscode.TerminalLink {
  line: string;
}

export class ConsoleLinks implements vscode.TerminalLinkProvider<LineLink> {
  constructor(
    private readonly sessions: Sessions,
    private readonly consoles: Consoles,
  ) {}

  provideTerminalLinks({ line, terminal }: vscode.TerminalLinkContext): LineLink[] {
    const text = line.trim();
    const printed = this.consoles.printedIn(terminal);
    if (text === '' || !printed || printed.saying(line).length === 0) return [];
    const tooltip = 'Go to where this line was printed';
    return [{ startIndex: line.indexOf(text), length: text.length, tooltip, line: line.trimEnd() }];
  }

  async handleTerminalLink({ line }: LineLink): Promise<void> {
    const session = this.sessions.current();
    const same = session && this.consoles.printedBy(session)?.saying(line);
    if (!session || !same?.[0]) return;
    const chosen =
      same.length === 1 ? same[0] : await choose(same, `"${line}" was printed ${same.length} times: which one?`);
    if (chosen) await this.goTo(session, chosen);
  }

  /** The command: chooses among all lines. */
  async choose(): Promise<void> {
    const session = this.sessions.current();
    const lines = session && this.consoles.printedBy(session)?.lines();
    if (!session || !lines || lines.length === 0) {
      void vscode.window.showInformationMessage('The console has no line of a running session yet.');
      return;
    }
    const chosen = await choose(lines, 'Go to where which line was printed?');
    if (chosen) await this.goTo(session, chosen);
  }

  private async goTo(session: vscode.DebugSession, { text, occurrence }: PrintedLine): Promise<void> {
    try {
      await this.pause(session);
      await request(session, 'xv6.whoPrinted', { line: text, occurrence });
    } catch (error) {
      void vscode.window.showErrorMessage(messageOf(error));
    }
  }

  /** Waits until the machine has stopped, if it runs. Rejects if the session ends instead. */
  private async pause(session: vscode.DebugSession): Promise<void> {
    if (this.sessions.isStopped(session)) return;
    const stopped = new Promise<void>((resolve, reject) => {
      const subscription = this.sessions.onEvent((event) => {
        if (event.session.id !== session.id || (event.kind !== 'stopped' && event.kind !== 'ended')) return;
        subscription.dispose();
        if (event.kind === 'stopped') resolve();
        else reject(new Error('The session has ended.'));
      });
    });
    await Promise.all([stopped, session.customRequest('pause', { threadId: 1 })]);
  }
}

async function choose(lines: PrintedLine[], placeHolder: string): Promise<PrintedLine | undefined> {
  const items = lines.map((line) => ({
    label: line.text,
    description: [
      ...(line.occurrence === 0 ? [] : [`${line.occurrence} before the last`]),
      ...(line.before === undefined || line.before === '' ? [] : [`after "${line.before}"`]),
    ].join(', '),
    line,
  }));
  return (await vscode.window.showQuickPick(items, { placeHolder, matchOnDescription: true }))?.line;
}
