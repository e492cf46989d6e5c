/**
 * "xv6: Save Recording": writes the run so far to a file, which "xv6: Open Recording" and `xv6-emu --replay` open on any computer.
 * "xv6: Save Packets": what went over its network, for Wireshark.
 */
import * as vscode from 'vscode';
import { request, type Sessions } from '../sessions';
import { messageOf } from '../message-of';

const KINDS: readonly (vscode.QuickPickItem & { sources: boolean })[] = [
  {
    label: 'Without Sources',
    detail: 'Whoever opens it sees the sources in the folder that is open there.',
    sources: false,
  },
  {
    label: 'With Sources',
    detail: 'The text of kernel and programs is in the file, for whoever has other ones, or none.',
    sources: true,
  },
];

export async function saveRecording(sessions: Sessions): Promise<void> {
  const session = sessions.current();
  if (!session || !sessions.isStopped(session)) {
    void vscode.window.showInformationMessage('Pause the kernel first: a recording is opened where it stands.');
    return;
  }
  const kind = await vscode.window.showQuickPick(KINDS, {
    title: 'Save the run so far, to be opened where it stands now',
    placeHolder: 'Kernel, disk and all that was typed are in it',
  });
  if (!kind) return;
  try {
    const { base64 } = await request(session, 'xv6.record', { sources: kind.sources });
    await saveAs('run.xv6run', 'Save the run from power on up to the present', { 'xv6 recording': ['xv6run'] }, base64);
  } catch (error) {
    void vscode.window.showErrorMessage(`The recording was not saved: ${messageOf(error)}`);
  }
}

export async function savePackets(sessions: Sessions): Promise<void> {
  const session = sessions.current();
  if (!session || !sessions.isStopped(session)) {
    void vscode.window.showInformationMessage('Pause the kernel first: packets are saved up to where it stands.');
    return;
  }
  try {
    const { count, base64 } = await request(session, 'xv6.packets', {});
    const title = `Save ${count === 1 ? '1 packet' : `${count} packets`} up to where the machine stands`;
    await saveAs('packets.pcap', title, { 'Captured packets': ['pcap'] }, base64);
  } catch (error) {
    void vscode.window.showErrorMessage(`The packets were not saved: ${messageOf(error)}`);
  }
}

async function saveAs(name: string, title: string, filters: Record<string, string[]>, base64: string): Promise<void> {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  const defaultUri = folder && vscode.Uri.joinPath(folder, name);
  const target = await vscode.window.showSaveDialog({ title, filters, ...(defaultUri && { defaultUri }) });
  if (target) await vscode.workspace.fs.writeFile(target, Uint8Array.from(Buffer.from(base64, 'base64')));
}
