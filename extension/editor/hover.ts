/**
 * Hovers that translate an address. In the file of the focused frame VS Code shows its own debug hover: it gets the range from
 * the evaluatable expression provider and the value from the adapter, which expands into the walk. Everywhere else (another
 * file, kernel.asm, a disassembly), and where that hover shows nothing, the hover provider shows the walk as a table.
 */
import * as vscode from 'vscode';
import type { Translation, TranslateResponse } from '../../debug-adapter/protocol';
import { DISASSEMBLY } from './disassembly';
import { type ExpressionAt, expressionInAssembly, expressionInC } from './expression-at';
import { request, type Sessions } from '../sessions';

export const SELECTOR: vscode.DocumentSelector = [
  { language: 'c' },
  { language: 'cpp' },
  { language: 'riscv-asm' },
  { pattern: '**/*.{S,s,asm}' },
  { scheme: 'debug' },
  { scheme: DISASSEMBLY },
];

export class TranslatingHover implements vscode.HoverProvider, vscode.EvaluatableExpressionProvider {
  /** `looked`: an expression is looked at, in a frame or in none. */
  constructor(
    private readonly sessions: Sessions,
    private readonly looked: (session: vscode.DebugSession, expression: string, frameId: number | undefined) => void,
  ) {}

  provideEvaluatableExpression(
    document: vscode.TextDocument,
    position: vscode.Position,
  ): vscode.EvaluatableExpression | undefined {
    const found = expressionAt(document, position);
    const session = this.sessions.current();
    if (found && session && this.sessions.isStopped(session))
      this.looked(session, found.expression, this.frameFor(session, found, document));
    return found && new vscode.EvaluatableExpression(rangeOf(found, position), found.expression);
  }

  async provideHover(document: vscode.TextDocument, position: vscode.Position): Promise<vscode.Hover | undefined> {
    const session = this.sessions.current();
    if (!session || !this.sessions.isStopped(session)) return undefined;
    const found = expressionAt(document, position);
    if (!found) return undefined;
    const frameId = this.frameFor(session, found, document);
    try {
      const args = { expression: found.expression, ...(frameId === undefined ? {} : { frameId }) };
      const answer = await request(session, 'xv6.translate', args);
      if (answer.translation) this.looked(session, found.expression, frameId);
      return new vscode.Hover(describe(found.expression, answer), rangeOf(found, position));
    } catch {
      // Not every word under the mouse is an expression.
      return undefined;
    }
  }

  /** A name in a file other than the frame's must not be looked up among the frame's locals, so it gets no frame. */
  private frameFor(
    session: vscode.DebugSession,
    found: ExpressionAt,
    document: vscode.TextDocument,
  ): number | undefined {
    const item = vscode.debug.activeStackItem;
    if (!(item instanceof vscode.DebugStackFrame) || item.session.id !== session.id) return undefined;
    const foreign = isC(document) && this.sessions.frame(session, item.frameId)?.source?.path !== document.uri.fsPath;
    return foreign && found.kind === 'name' ? undefined : item.frameId;
  }
}

function expressionAt(document: vscode.TextDocument, position: vscode.Position): ExpressionAt | undefined {
  const line = document.lineAt(position.line).text;
  if (line.length > 2000) return undefined;
  return isC(document) ? expressionInC(line, position.character) : expressionInAssembly(line, position.character);
}

function isC(document: vscode.TextDocument): boolean {
  return document.languageId === 'c' || document.languageId === 'cpp';
}

function rangeOf(found: ExpressionAt, position: vscode.Position): vscode.Range {
  return new vscode.Range(position.line, found.start, position.line, found.end);
}

function describe(
  expression: string,
  { value, type, translation, others = [] }: TranslateResponse,
): vscode.MarkdownString {
  const text = new vscode.MarkdownString();
  text.appendCodeblock(`${type === undefined ? '' : `(${type}) `}${expression} = ${value}`, 'c');
  if (translation) appendWalk(text, translation);
  for (const other of others) text.appendMarkdown(`\n\nin ${plain(other.root.label)}: ${plain(other.summary)}`);
  return text;
}

function appendWalk(text: vscode.MarkdownString, { va, summary, root, mode, rows }: Translation): void {
  text.appendMarkdown(`\`${plain(va)}\` ${plain(summary)}  \n_${plain(root.label)}, ${mode}-mode_\n\n`);
  text.appendMarkdown('| | |\n|:--|:--|\n');
  for (const row of rows) text.appendMarkdown(`| ${plain(row.name)} | ${plain(row.text)} |\n`);
}

/** Escapes text from the guest, which is not Markdown. */
function plain(text: string): string {
  return text.replace(/[\\`*_{}[\]()#+!|<>~&]/g, '\\$&').replace(/\r?\n/g, ' ');
}
