/**
 * Asks before the past is changed: what came after it is then an abandoned future, which stays among the bookmarks. The debugger
 * refuses any change there until it is told that another future begins.
 */
import * as vscode from 'vscode';
import { request, type Sessions } from '../sessions';
import type { Whereabouts } from './whereabouts';

/** How the debugger's refusal begins. */
const REFUSAL = 'This is the past';
const BEGIN = 'Begin Another Future';

export class Consent implements vscode.Disposable {
  private readonly subscription: vscode.Disposable;
  /** By session id: the questions on the screen. */
  private readonly asking = new Map<string, Promise<boolean>>();

  constructor(
    sessions: Sessions,
    private readonly whereabouts: Whereabouts,
  ) {
    this.subscription = sessions.onEvent((event) => {
      // VS Code shows the refusal of its own requests. Those of ours are asked about where they are sent.
      if (event.kind === 'refused' && event.message.startsWith(REFUSAL) && !event.command.startsWith('xv6.'))
        void this.offer(event.session);
    });
  }

  /**
   * Asks, and on consent begins another future where the machine stands. Returns whether it has begun. Who asks while the
   * question is on the screen, as the second key of a word, gets the answer to that one.
   */
  branch(session: vscode.DebugSession): Promise<boolean> {
    const asked = this.asking.get(session.id) ?? this.ask(session).finally(() => this.asking.delete(session.id));
    this.asking.set(session.id, asked);
    return asked;
  }

  dispose(): void {
    this.subscription.dispose();
  }

  private async ask(session: vscode.DebugSession): Promise<boolean> {
    const answer = await vscode.window.showWarningMessage(
      'Begin another future here?',
      {
        modal: true,
        detail:
          'The machine stands in its past. If something is changed here, the run goes on from here in another way. ' +
          'What you have seen after this instant stays among the bookmarks, as an abandoned future.',
      },
      BEGIN,
    );
    if (answer !== BEGIN) return false;
    await request(session, 'xv6.branch', {});
    this.whereabouts.branched(session);
    return true;
  }

  private async offer(session: vscode.DebugSession): Promise<void> {
    if (this.asking.has(session.id)) return;
    const answer = await vscode.window.showInformationMessage(
      'Nothing was changed, since the machine stands in its past. Begin another future here, and then change it again.',
      `${BEGIN}…`,
    );
    if (answer !== undefined) await this.branch(session);
  }
}

/** Whether an error is the debugger's refusal to change the past. */
export function isRefusal(error: unknown): boolean {
  return error instanceof Error && error.message.includes(REFUSAL);
}
