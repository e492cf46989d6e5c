/**
 * Starts the debug adapter: a process of its own, so that a guest that spins never slows the editor. It runs on the
 * editor's own Node (ELECTRON_RUN_AS_NODE makes the desktop's executable behave as one).
 */
import * as vscode from 'vscode';

export class AdapterFactory implements vscode.DebugAdapterDescriptorFactory {
  constructor(private readonly extension: vscode.Uri) {}

  createDebugAdapterDescriptor(): vscode.DebugAdapterDescriptor {
    const script = vscode.Uri.joinPath(this.extension, 'dist', 'xv6-debug-adapter.js').fsPath;
    return new vscode.DebugAdapterExecutable(process.execPath, [script], { env: { ELECTRON_RUN_AS_NODE: '1' } });
  }
}
