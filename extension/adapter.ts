/**
 * Starts the debug adapter in a process of its own, so that a spinning guest never slows the editor down. It runs on the
 * editor's own Node (ELECTRON_RUN_AS_NODE makes the desktop's executable behave as Node).
 */
import * as vscode from 'vscode';
import { sharesImage } from './launch/one-machine';
import { FOR_NODE } from './node-options';
import type { Sessions } from './sessions';

export class AdapterFactory implements vscode.DebugAdapterDescriptorFactory {
  constructor(
    private readonly extension: vscode.Uri,
    private readonly sessions: Sessions,
  ) {}

  /** Throws if another session runs with the same disk image: until here, a start can look like that session's restart. */
  createDebugAdapterDescriptor(session: vscode.DebugSession): vscode.DebugAdapterDescriptor {
    const wanted = this.sessions.configuration(session);
    const running = this.sessions
      .all()
      .find((other) => other.id !== session.id && sharesImage(this.sessions.configuration(other), wanted));
    if (running) {
      throw new Error(
        `"${running.name}" is still running with this kernel and disk image. Restart it, or stop it before you start anew.`,
      );
    }
    const script = vscode.Uri.joinPath(this.extension, 'dist', 'xv6-debug-adapter.js').fsPath;
    const env = { ELECTRON_RUN_AS_NODE: '1' };
    return new vscode.DebugAdapterExecutable(process.execPath, [...FOR_NODE, script], { env });
  }
}
