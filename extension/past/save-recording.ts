/** "xv6: Save Recording": writes the run so far to a file that `xv6-emu --replay` does again on any computer. */
import * as vscode from 'vscode';
import { request, type Sessions } from '../sessions';

export async function saveRecording(sessions: Sessions): Promise<void> {
  const session = sessions.current();
  if (!session || !sessions.isStopped(session)) {
    void vscode.window.showInformationMessage('Pause the kernel first: a recording ends where it stands.');
    return;
  }
  try {
    const { base64 } = await request(session, 'xv6.record', {});
    const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
    const target = await vscode.window.showSaveDialog({
      title: 'Save the run from power on up to here',
      filters: { 'xv6 recording': ['xv6run'] },
      ...(folder && { defaultUri: vscode.Uri.joinPath(folder, 'run.xv6run') }),
    });
    if (target) await vscode.workspace.fs.writeFile(target, Uint8Array.from(Buffer.from(base64, 'base64')));
  } catch (error) {
    void vscode.window.showErrorMessage(
      `The recording was not saved: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
