/** "xv6: Open Sample Lab": copies the sample kernel, sources and prebuilt images, to a folder of the user's choice and opens it. */
import { homedir } from 'node:os';
import * as vscode from 'vscode';
import { messageOf } from '../message-of';

const NAME = 'xv6-sample';

/** Asks for a folder, copies the sample into a new folder below it and opens that. Overwrites nothing. */
export async function openSampleLab(extension: vscode.Uri): Promise<void> {
  const picked = await vscode.window.showOpenDialog({
    defaultUri: vscode.Uri.file(homedir()),
    canSelectFiles: false,
    canSelectFolders: true,
    openLabel: 'Put the Sample Lab Here',
    title: 'A folder for the xv6 sample lab',
  });
  if (!picked?.[0]) return;
  try {
    const lab = await copySample(extension, picked[0]);
    await vscode.commands.executeCommand('vscode.openFolder', lab, { forceReuseWindow: true });
  } catch (error) {
    void vscode.window.showErrorMessage(
      `The sample lab could not be copied to ${picked[0].fsPath}: ${messageOf(error)}`,
    );
  }
}

/** Copies the sample into the first free of xv6-sample, xv6-sample-2, … below `parent`. Returns that folder. */
async function copySample(extension: vscode.Uri, parent: vscode.Uri): Promise<vscode.Uri> {
  const source = vscode.Uri.joinPath(extension, 'sample');
  let target = vscode.Uri.joinPath(parent, NAME);
  for (let number = 2; await exists(target); number++) target = vscode.Uri.joinPath(parent, `${NAME}-${number}`);
  await vscode.workspace.fs.copy(source, target);
  return target;
}

async function exists(uri: vscode.Uri): Promise<boolean> {
  return vscode.workspace.fs.stat(uri).then(
    () => true,
    () => false,
  );
}
