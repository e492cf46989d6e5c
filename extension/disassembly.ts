/**
 * "xv6: Show Disassembly": the instructions around the focused frame's pc as a text document. VS Code's own disassembly view
 * takes no hovers; here an address, a register or a memory operand under the mouse is translated. Follows every stop.
 */
import * as vscode from 'vscode';
import { type Instruction, listing } from './listing';
import type { Sessions } from './sessions';

export const DISASSEMBLY = 'xv6-disassembly';

const URI = vscode.Uri.from({ scheme: DISASSEMBLY, path: '/disassembly.asm' });
/** Instructions shown before the pc, and in all. */
const BEFORE = 64;
const COUNT = 256;

export class Disassembly implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  private readonly subscriptions: vscode.Disposable[];
  private text = '';

  readonly onDidChange = this.changed.event;

  constructor(private readonly sessions: Sessions) {
    this.subscriptions = [
      vscode.debug.onDidChangeActiveStackItem(() => {
        const editor = vscode.window.visibleTextEditors.find(({ document }) => isOurs(document));
        if (editor) void this.refresh().then((line) => reveal(editor, line));
      }),
    ];
  }

  provideTextDocumentContent(): string {
    return this.text;
  }

  async show(): Promise<void> {
    const line = await this.refresh();
    if (line === undefined) {
      void vscode.window.showInformationMessage(
        'The disassembly is shown while xv6 is stopped in the debugger: pause it first.',
      );
      return;
    }
    const editor = await vscode.window.showTextDocument(URI, { viewColumn: vscode.ViewColumn.Beside, preview: false });
    reveal(editor, line);
  }

  dispose(): void {
    this.subscriptions.forEach((subscription) => void subscription.dispose());
    this.changed.dispose();
  }

  /** Reads the code around the focused frame; answers the line of its pc, undefined if there is no such frame. */
  private async refresh(): Promise<number | undefined> {
    const item = vscode.debug.activeStackItem;
    if (!(item instanceof vscode.DebugStackFrame)) return undefined;
    const reference = this.sessions.frame(item.session, item.frameId)?.instructionPointerReference;
    if (reference === undefined) return undefined;
    const answer = (await item.session.customRequest('disassemble', {
      memoryReference: reference,
      instructionOffset: -BEFORE,
      instructionCount: COUNT,
      resolveSymbols: true,
    })) as { instructions?: Instruction[] } | undefined;
    const { text, current } = listing(answer?.instructions ?? [], BigInt(reference));
    this.text = text;
    this.changed.fire(URI);
    return current;
  }
}

function isOurs(document: vscode.TextDocument): boolean {
  return document.uri.scheme === DISASSEMBLY;
}

const pointer = vscode.window.createTextEditorDecorationType({
  isWholeLine: true,
  backgroundColor: new vscode.ThemeColor('editor.stackFrameHighlightBackground'),
});

function reveal(editor: vscode.TextEditor, line: number | undefined): void {
  const at = line === undefined || line < 0 ? [] : [new vscode.Range(line, 0, line, 0)];
  editor.setDecorations(pointer, at);
  if (at[0]) editor.revealRange(at[0], vscode.TextEditorRevealType.InCenterIfOutsideViewport);
}
