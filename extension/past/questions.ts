/**
 * Questions to the past from menus: every call of a function, every write of a variable, where a value comes from, the life of
 * a page. The debugger answers with rows (`xv6.query`), which are offered as a list; the one that is chosen is gone to.
 */
import * as vscode from 'vscode';
import { request, type Sessions } from '../sessions';
import { messageOf } from '../message-of';
import { answerLines, type AnswerLine } from './answers';
import { expressionInEditor, isRecord } from './subject';

export class Questions {
  constructor(private readonly sessions: Sessions) {}

  register(): vscode.Disposable[] {
    const about =
      (name: string) =>
      (argument: unknown): Promise<void> =>
        this.about(name, argument);
    const commands: [string, (argument?: unknown) => Promise<void>][] = [
      ['xv6.askPast', () => this.typed()],
      ['xv6.everyCall', about('calls')],
      ['xv6.everyWrite', about('writes')],
      ['xv6.origin', about('origin')],
      ['xv6.lifeOfPage', about('page')],
      ['xv6.everyRun', (argument) => this.runs(argument)],
      ['xv6.everyState', (argument) => this.states(argument)],
    ];
    return commands.map(([name, run]) => vscode.commands.registerCommand(name, run));
  }

  /** Any question, as the debug console takes it. */
  private async typed(): Promise<void> {
    const text = await vscode.window.showInputBox({
      prompt: 'A question to the past: $calls, $writes, $lines, $when, $page, $disk, $origin, $traps, $satp, $packets',
      value: '$calls(kalloc)',
      valueSelection: [7, 13],
    });
    if (text !== undefined && text.trim() !== '') await this.ask(text);
  }

  /** Of a row of a view or panel, else of the expression that is selected, or at the cursor, or typed. */
  private async about(name: string, argument: unknown): Promise<void> {
    const what =
      expressionOf(name, argument) ??
      expressionInEditor() ??
      (await vscode.window.showInputBox({
        prompt: `$${name}(…): of which ${name === 'calls' ? 'function' : 'expression in C'}?`,
      }));
    if (what !== undefined && what.trim() !== '') await this.ask(`$${name}(${what})`);
  }

  /** Of the line whose number was clicked, or that the cursor is in. */
  private async runs(argument: unknown): Promise<void> {
    const clicked = isRecord(argument) ? argument : {};
    const { activeTextEditor: editor } = vscode.window;
    const line =
      typeof clicked['lineNumber'] === 'number' ? clicked['lineNumber'] : (editor?.selection.active.line ?? 0) + 1;
    const uri = clicked['uri'] instanceof vscode.Uri ? clicked['uri'] : editor?.document.uri;
    if (uri) await this.ask(`$lines(${uri.fsPath}:${line})`);
  }

  /** Of a row of the Processes view. */
  private async states(argument: unknown): Promise<void> {
    const pid = isRecord(argument) ? argument['pid'] : undefined;
    if (typeof pid === 'number') await this.ask(`$writes($proc(${pid})->state)`);
  }

  private async ask(query: string): Promise<void> {
    const session = this.sessions.current();
    if (!session || !this.sessions.isStopped(session)) {
      void vscode.window.showInformationMessage(
        session
          ? 'The machine runs: pause it first.'
          : 'There is a past while xv6 is debugged: start it with F5 first.',
      );
      return;
    }
    const item = vscode.debug.activeStackItem;
    const isOurs = item instanceof vscode.DebugStackFrame && item.session.id === session.id;
    try {
      const answer = await request(session, 'xv6.query', { query, ...(isOurs && { frameId: item.frameId }) });
      const lines = answerLines(answer, query.startsWith('$origin') || query.startsWith('$page'));
      const chosen = lines.length === 0 ? undefined : await choose(answer.title, lines);
      if (lines.length === 0) void vscode.window.showInformationMessage(answer.title);
      if (!chosen) return;
      const { instant, hart, what } = chosen.row;
      await request(session, 'xv6.goTo', { instant, description: what, ...(hart !== undefined && { hart }) });
    } catch (error) {
      void vscode.window.showErrorMessage(messageOf(error));
    }
  }
}

const choose = (title: string, lines: AnswerLine[]): Thenable<AnswerLine | undefined> =>
  vscode.window.showQuickPick(lines, {
    title,
    placeHolder: 'Go to which of these?',
    matchOnDescription: true,
    matchOnDetail: true,
  });

/** What a menu passes: a variable of the Variables view, an entry of the page-table panel. */
function expressionOf(name: string, argument: unknown): string | undefined {
  if (!isRecord(argument)) return undefined;
  const { variable, pteAddress, pa } = argument;
  if (isRecord(variable)) {
    const { evaluateName, name: label } = variable;
    if (typeof evaluateName === 'string') return evaluateName;
    return typeof label === 'string' ? label : undefined;
  }
  if (name === 'page' && typeof pa === 'string') return pa;
  return typeof pteAddress === 'string' ? `*(unsigned long *)${pteAddress}` : undefined;
}
