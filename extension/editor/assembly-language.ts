/**
 * Gives a lab's assembly files a language, and with it breakpoints and hovers, unless another extension does: it changes only
 * files that VS Code opened as plain text, so an extension for assembly keeps its own.
 */
import * as vscode from 'vscode';

export function claimPlainAssembly(): vscode.Disposable {
  vscode.workspace.textDocuments.forEach(claim);
  return vscode.workspace.onDidOpenTextDocument(claim);
}

function claim(document: vscode.TextDocument): void {
  if (document.languageId === 'plaintext' && /\.(S|s|asm)$/.test(document.uri.path))
    void vscode.languages.setTextDocumentLanguage(document, 'riscv-asm');
}
