/**
 * Gives assembly files of a lab a language, and with it breakpoints and hovers, where no other extension has: files that
 * VS Code opened as plain text only, so that nothing is taken from an extension for assembly.
 */
import * as vscode from 'vscode';

export function claimPlainAssembly(): vscode.Disposable {
  vscode.workspace.textDocuments.forEach(claim);
  return vscode.workspace.onDidOpenTextDocument(claim);
}

function claim(document: vscode.TextDocument): void {
  if (document.languageId === 'plaintext' && /\.(S|s|asm)$/.test(document.uri.path)) {
    void vscode.languages.setTextDocumentLanguage(document, 'riscv-asm');
  }
}
