/** What a command about the past is asked of: what a menu passes, or the expression in the editor. */
import * as vscode from 'vscode';
import { expressionInC } from '../editor/expression-at';

/** What is selected, else the expression at the cursor. */
export function expressionInEditor(): string | undefined {
  const editor = vscode.window.activeTextEditor;
  if (!editor) return undefined;
  const { document, selection } = editor;
  if (!selection.isEmpty) return document.getText(selection);
  return expressionInC(document.lineAt(selection.active.line).text, selection.active.character)?.expression;
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;
