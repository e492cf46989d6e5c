/**
 * "xv6: Copy as vmprint…" copies a page table in the format of a year's lab; "xv6: Check vmprint" compares what the kernel has
 * printed last with the table that was there, and says line by line in the debug console what is wrong.
 */
import * as vscode from 'vscode';
import { VMPRINT_FORMATS, type VmprintCheck, type VmprintFormat } from '../../debug-adapter/protocol';
import { request, type Sessions } from '../sessions';
import { messageOf } from '../message-of';

const ABOUT: Record<VmprintFormat, string> = {
  '2020': '..0: pte 0x… pa 0x…',
  '2021 to 2023': ' ..0: pte 0x… pa 0x…',
  '2024 and 2025': ' ..0x0000000000000000: pte 0x… pa 0x…',
  lecture: ' ..0: pte 0x… pa 0x… fl 0x…',
};

/** `root` returns the id of the table that the panel shows; undefined for the one that the hart uses. */
export async function copyVmprint(sessions: Sessions, root: () => string | undefined): Promise<void> {
  const session = stopped(sessions);
  if (!session) return;
  const chosen = await vscode.window.showQuickPick(
    VMPRINT_FORMATS.map((format) => ({ label: format, description: ABOUT[format], format })),
    { placeHolder: 'In the format of which lab?' },
  );
  if (!chosen) return;
  await orTold(async () => {
    const id = root();
    const { text, label } = await request(session, 'xv6.vmprint', {
      format: chosen.format,
      ...(id !== undefined && { root: id }),
    });
    await vscode.env.clipboard.writeText(text);
    void vscode.window.showInformationMessage(`Copied ${label}: ${text.split('\n').length - 2} entries.`);
  });
}

export async function checkVmprint(sessions: Sessions): Promise<void> {
  const session = stopped(sessions);
  if (!session) return;
  await orTold(async () => {
    const found = await request(session, 'xv6.checkVmprint', {});
    const words = verdict(found);
    vscode.debug.activeDebugConsole.appendLine(
      [words, ...found.problems.map(({ line, what }) => `${line.trim()}  ← ${what}`)].join('\n'),
    );
    if (found.problems.length === 0) {
      void vscode.window.showInformationMessage(words);
      return;
    }
    if ((await vscode.window.showWarningMessage(words, 'Show')) === 'Show')
      await vscode.commands.executeCommand('workbench.panel.repl.view.focus');
  });
}

/** In one sentence. */
export function verdict({ label, lines, problems }: VmprintCheck): string {
  if (problems.length === 0) return `The page table that was printed last, ${label}, is right: ${lines} entries.`;
  const count = problems.length === 1 ? 'one thing is' : `${problems.length} things are`;
  return `The page table that was printed last, ${label}: ${count} wrong in ${lines} lines.`;
}

function stopped(sessions: Sessions): vscode.DebugSession | undefined {
  const session = sessions.current();
  if (session && sessions.isStopped(session)) return session;
  void vscode.window.showInformationMessage('The machine must stand for this: pause it first.');
  return undefined;
}

async function orTold(action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    void vscode.window.showErrorMessage(messageOf(error));
  }
}
