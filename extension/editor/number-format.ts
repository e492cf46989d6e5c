/**
 * "xv6: Show All Values in Hexadecimal" and "… in Decimal": the adapter formats values, and has the views read them again. A
 * session that is started later is told as well.
 */
import * as vscode from 'vscode';
import { request, type Sessions } from '../sessions';

const CONTEXT_KEY = 'xv6.hexadecimal';

export class NumberFormat implements vscode.Disposable {
  private hexadecimal = false;
  private readonly subscription: vscode.Disposable;

  constructor(private readonly sessions: Sessions) {
    this.subscription = sessions.onEvent(({ kind, session }) => {
      if (kind === 'launched' && this.hexadecimal) this.tell(session);
    });
  }

  set(hexadecimal: boolean): void {
    this.hexadecimal = hexadecimal;
    void vscode.commands.executeCommand('setContext', CONTEXT_KEY, hexadecimal);
    for (const session of this.sessions.all()) this.tell(session);
  }

  dispose(): void {
    this.subscription.dispose();
  }

  private tell(session: vscode.DebugSession): void {
    request(session, 'xv6.setHexadecimal', { hexadecimal: this.hexadecimal }).then(undefined, () => {
      // It has ended in the meantime.
    });
  }
}
