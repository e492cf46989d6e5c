/**
 * "xv6: Show Disassembly": the instructions around the focused frame's pc as a text document, updated at every stop. VS
 * Code's own disassembly view has no hovers; here hovering an address, a register or a memory operand translates it.
 */
import * as vscode from 'vscode';
import { addressIn, type ListedInstruction, listing } from './listing';
import type { Sessions } from '../sessions';

export const DISASSEMBLY = 'xv6-disassembly';

const URI = vscode.Uri.from({ scheme: DISASSEMBLY, path: '/disassembly.asm' });
/** Instructions shown before the pc, and in all. */
const BEFORE = 64;
const COUNT = 256;

export class Disassembly implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  private readonly subscriptions: vscode.Disposable[];
  private readonly pointer = vscode.window.createTextEditorDecorationType({
    isWholeLine: true,
    backgroundColor: new vscode.ThemeColor('editor.stackFrameHighlightBackground'),
  });
  private text = '';
  /** Line of the pc in `text`, -1 if it is not there. */
  private current = -1;
  /** Requests made so far. Only the response to the last one is shown. */
  private requests = 0;

  readonly onDidChange = this.changed.event;

  constructor(private readonly sessions: Sessions) {
    this.subscriptions = [
      vscode.debug.onDidChangeActiveStackItem(() => {
        if (editors().length > 0) void this.refresh();
      }),
      // The pc can be marked only after the new text has arrived.
      vscode.workspace.onDidChangeTextDocument(({ document }) => {
        if (document.uri.scheme === DISASSEMBLY) this.point();
      }),
    ];
  }

  provideTextDocumentContent(): string {
    return this.text;
  }

  async show(): Promise<void> {
    if (!(await this.refresh())) {
      void vscode.window.showInformationMessage(
        'Disassembly is shown while xv6 is stopped in the debugger: pause it first.',
      );
      return;
    }
    await vscode.window.showTextDocument(URI, { viewColumn: vscode.ViewColumn.Beside, preview: false });
    this.point();
  }

  dispose(): void {
    this.subscriptions.forEach((subscription) => void subscription.dispose());
    this.changed.dispose();
    this.pointer.dispose();
  }

  /** Reads the code around the focused frame. Returns false if there is no such frame, or no longer one. */
  private async refresh(): Promise<boolean> {
    const item = vscode.debug.activeStackItem;
    if (!(item instanceof vscode.DebugStackFrame)) return false;
    const reference = this.sessions.frame(item.session, item.frameId)?.instructionPointerReference;
    if (reference === undefined) return false;
    const number = ++this.requests;
    const body = await item.session
      .customRequest('disassemble', {
        memoryReference: reference,
        instructionOffset: -BEFORE,
        instructionCount: COUNT,
        resolveSymbols: true,
      })
      .then(
        (response: { instructions?: ListedInstruction[] } | undefined) => response ?? {},
        () => undefined,
      );
    // The machine went on, or the session ended, before it could respond.
    if (!body) return false;
    if (number !== this.requests) return true;
    ({ text: this.text, current: this.current } = listing(body.instructions ?? [], addressIn(reference)));
    this.changed.fire(URI);
    return true;
  }

  private point(): void {
    const at = this.current < 0 ? [] : [new vscode.Range(this.current, 0, this.current, 0)];
    for (const editor of editors()) {
      editor.setDecorations(this.pointer, at);
      if (at[0]) editor.revealRange(at[0], vscode.TextEditorRevealType.InCenterIfOutsideViewport);
    }
  }
}

function editors(): vscode.TextEditor[] {
  return vscode.window.visibleTextEditors.filter(({ document }) => document.uri.scheme === DISASSEMBLY);
}
