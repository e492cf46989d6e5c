/**
 * Recordings as files in VS Code: "xv6: Open Recording", and what a `.xv6run` shows when it is opened. Both start a debug session
 * that stands where the recording was made. Nothing is built for it, and nothing of the recording is run but inside the machine.
 */
import * as path from 'node:path';
import * as vscode from 'vscode';
import { DEBUG_TYPE } from '../sessions';

export const RECORDING_VIEW = 'xv6.recording';
const OPEN = 'xv6.openRecording';

/** Starts a session; asks for the file if none is given. */
export async function openRecording(given: unknown): Promise<void> {
  const file = fileOf(given) ?? (await chosen());
  if (!file) return;
  if (file.scheme !== 'file') {
    void vscode.window.showErrorMessage('A recording is opened from a file of this machine: save it to one first.');
    return;
  }
  const recording = file.fsPath;
  const folder = vscode.workspace.getWorkspaceFolder(file) ?? vscode.workspace.workspaceFolders?.[0];
  const name = path.basename(recording);
  await vscode.debug.startDebugging(folder, { type: DEBUG_TYPE, request: 'launch', name, recording });
}

async function chosen(): Promise<vscode.Uri | undefined> {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  const files = await vscode.window.showOpenDialog({
    title: 'Open the recording of a run',
    openLabel: 'Open',
    filters: { 'xv6 recording': ['xv6run'] },
    ...(folder && { defaultUri: folder }),
  });
  return files?.[0];
}

/** A command in a menu of files is given a URI; a link in a page, the text of one. */
function fileOf(given: unknown): vscode.Uri | undefined {
  if (given instanceof vscode.Uri) return given;
  return typeof given === 'string' ? vscode.Uri.parse(given) : undefined;
}

/**
 * The editor of recordings: it starts the session, and closes. While it only previews a file, as after a single click, it says
 * what the file is.
 */
export class RecordingOpener implements vscode.CustomReadonlyEditorProvider {
  openCustomDocument(uri: vscode.Uri): vscode.CustomDocument {
    return { uri, dispose: () => undefined };
  }

  resolveCustomEditor({ uri }: vscode.CustomDocument, panel: vscode.WebviewPanel): void {
    panel.webview.options = { enableCommandUris: [OPEN] };
    panel.webview.html = page(uri);
    const watch = vscode.window.tabGroups.onDidChangeTabs(() => look());
    const gone = panel.onDidDispose(() => {
      watch.dispose();
      gone.dispose();
    });
    const look = (): void => {
      if (!isPinned(uri)) return;
      watch.dispose();
      // VS Code is not done with opening the editor yet: it is closed when the session is there, or has been refused.
      void openRecording(uri).finally(() => panel.dispose());
    };
    look();
  }
}

/** Whether a tab of this file stays open. */
const isPinned = (uri: vscode.Uri): boolean =>
  vscode.window.tabGroups.all
    .flatMap(({ tabs }) => tabs)
    .some(
      ({ input, isPreview }) =>
        input instanceof vscode.TabInputCustom &&
        input.viewType === RECORDING_VIEW &&
        input.uri.toString() === uri.toString() &&
        !isPreview,
    );

function page(uri: vscode.Uri): string {
  const command = `command:${OPEN}?${encodeURIComponent(JSON.stringify([uri.toString()]))}`;
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta http-equiv="Content-Security-Policy" content="default-src 'none'" />
    <title>Recording</title>
  </head>
  <body>
    <p>This is the recording of a run of xv6: its kernel, its disk, and what was typed.</p>
    <p><a href="${escaped(command)}">Go to where it was made</a>, or open the file with a double click.</p>
  </body>
</html>`;
}

const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
