/**
 * Where the machines of this window stand in time: the status bar says so in the past, the context key `xv6.inPast` switches
 * commands, and the instants visited can be returned to.
 */
import * as vscode from 'vscode';
import type { SessionEvent, Sessions } from '../sessions';
import { Visits } from './visits';

export class Whereabouts implements vscode.Disposable {
  /** By session id: how long before the present each stopped machine stands, in words; those at the present have none. */
  private readonly past = new Map<string, string>();
  private readonly visits = new Map<string, Visits>();
  private readonly item: vscode.StatusBarItem;
  private readonly subscriptions: vscode.Disposable[];

  constructor(private readonly sessions: Sessions) {
    // Left, beside VS Code's own item for debugging.
    this.item = vscode.window.createStatusBarItem('xv6.past', vscode.StatusBarAlignment.Left, 20);
    this.item.name = 'xv6: Place in Time';
    this.item.command = 'xv6.goToPresent';
    this.item.tooltip = 'The machine stands in its past. Click to go to the present.';
    this.subscriptions = [
      this.item,
      sessions.onEvent((event) => this.follow(event)),
      vscode.debug.onDidChangeActiveDebugSession(() => this.show()),
    ];
  }

  isInPast(session: vscode.DebugSession): boolean {
    return this.past.has(session.id);
  }

  visitsOf(session: vscode.DebugSession): Visits {
    const visits = this.visits.get(session.id) ?? new Visits();
    this.visits.set(session.id, visits);
    return visits;
  }

  /** Another future has begun where the machine stands: that is the present now. */
  branched(session: vscode.DebugSession): void {
    this.past.delete(session.id);
    this.visitsOf(session).branch();
    this.show();
  }

  dispose(): void {
    this.subscriptions.forEach((subscription) => void subscription.dispose());
  }

  private follow(event: SessionEvent): void {
    const { session } = event;
    switch (event.kind) {
      case 'instant':
        if (event.at.past === undefined) this.past.delete(session.id);
        else this.past.set(session.id, event.at.past);
        this.visitsOf(session).arrive(event.at);
        break;
      case 'restarting':
        this.past.delete(session.id);
        this.visitsOf(session).clear();
        break;
      case 'ended':
        this.past.delete(session.id);
        this.visits.delete(session.id);
        break;
    }
    // While the machine runs it is still in the past until it stops in the present, but how far is not known.
    this.show();
  }

  private show(): void {
    const session = this.sessions.current();
    const words = session && this.sessions.isStopped(session) ? this.past.get(session.id) : undefined;
    void vscode.commands.executeCommand('setContext', 'xv6.inPast', words !== undefined);
    if (words === undefined) {
      this.item.hide();
      return;
    }
    this.item.text = `$(history) xv6: ${words}`;
    this.item.accessibilityInformation = {
      label: `xv6: the machine stands ${words}. Go to the present`,
      role: 'button',
    };
    this.item.show();
  }
}
