/**
 * The xv6 sessions of this window, for the other parts. VS Code's own events do not report `launch`, `restart`, `stopped`,
 * `continued` and `terminated` of the Debug Adapter Protocol, so a tracker reads every protocol message.
 */
import * as vscode from 'vscode';
import type { Events, Requests } from '../debug-adapter/protocol';
import type { Identity } from './launch/one-machine';

export const DEBUG_TYPE = 'xv6';

export type SessionEvent =
  | { kind: 'launched' | 'restarting' | 'running' | 'ended'; session: vscode.DebugSession }
  | { kind: 'stopped'; session: vscode.DebugSession; reason: string }
  /** Where the machine stands, just before `stopped`. */
  | { kind: 'instant'; session: vscode.DebugSession; at: Events['xv6.instant'] }
  /** More is known of what happened in the run, or there are other bookmarks. */
  | { kind: 'surveyed'; session: vscode.DebugSession }
  /** More is known of what the stop is about. */
  | { kind: 'told'; session: vscode.DebugSession; story: unknown }
  /** Something has been written while the machine stands. */
  | { kind: 'edited'; session: vscode.DebugSession }
  /** A request, of VS Code or of ours, has failed. */
  | { kind: 'refused'; session: vscode.DebugSession; command: string; message: string };

export class Sessions implements vscode.DebugAdapterTrackerFactory, vscode.Disposable {
  private readonly emitter = new vscode.EventEmitter<SessionEvent>();
  private readonly live = new Map<string, vscode.DebugSession>();
  /** Stopped sessions, with the frames requested since the stop, by frame id. */
  private readonly stopped = new Map<string, Map<number, ClientFrame>>();
  /** Configurations of sessions restarted with another one, by session id: VS Code gives extensions only the first. */
  private readonly reconfigured = new Map<string, Identity>();
  private readonly subscriptions: vscode.Disposable[];

  readonly onEvent = this.emitter.event;

  constructor() {
    this.subscriptions = [
      vscode.debug.registerDebugAdapterTrackerFactory(DEBUG_TYPE, this),
      vscode.debug.onDidTerminateDebugSession((session) => this.end(session)),
    ];
  }

  /** Every session that was launched and has not ended. */
  all(): vscode.DebugSession[] {
    return [...this.live.values()];
  }

  /** The active session, else the one launched last. */
  current(): vscode.DebugSession | undefined {
    const active = vscode.debug.activeDebugSession;
    return active && this.live.has(active.id) ? active : [...this.live.values()].pop();
  }

  /** The configuration that a session runs with now. */
  configuration(session: vscode.DebugSession): Identity {
    return this.reconfigured.get(session.id) ?? session.configuration;
  }

  isStopped(session: vscode.DebugSession): boolean {
    return this.stopped.has(session.id);
  }

  /** A frame of the current stop, as the adapter sent it. */
  frame(session: vscode.DebugSession, frameId: number): ClientFrame | undefined {
    return this.stopped.get(session.id)?.get(frameId);
  }

  createDebugAdapterTracker(session: vscode.DebugSession): vscode.DebugAdapterTracker {
    return {
      onWillReceiveMessage: (message: ProtocolMessage) => {
        if (message.type !== 'request' || message.command !== 'restart') return;
        this.stopped.delete(session.id);
        const configuration = message.arguments?.arguments;
        if (configuration) this.reconfigured.set(session.id, configuration);
        this.fire({ kind: 'restarting', session });
      },
      onDidSendMessage: (message: ProtocolMessage) => this.track(session, message),
      onExit: () => this.end(session),
    };
  }

  dispose(): void {
    this.subscriptions.forEach((subscription) => void subscription.dispose());
    this.emitter.dispose();
  }

  private track(session: vscode.DebugSession, message: ProtocolMessage): void {
    if (message.type === 'response') {
      if (message.command === 'launch' && message.success) {
        this.live.set(session.id, session);
        this.fire({ kind: 'launched', session });
      }
      const command = message.command ?? '';
      if (message.success && RESUMING.has(command)) this.run(session);
      if (message.success === false)
        this.fire({ kind: 'refused', session, command, message: message.body?.error?.format ?? message.message ?? '' });
      const frames = this.stopped.get(session.id);
      message.body?.stackFrames?.forEach((frame) => frames?.set(frame.id, frame));
      return;
    }
    switch (message.event) {
      case 'xv6.instant':
        this.fire({ kind: 'instant', session, at: message.body as Events['xv6.instant'] });
        break;
      case 'xv6.story':
        this.fire({ kind: 'told', session, story: message.body });
        break;
      case 'xv6.timelineRead':
      case 'xv6.bookmarks':
        this.fire({ kind: 'surveyed', session });
        break;
      case 'invalidated':
        this.fire({ kind: 'edited', session });
        break;
      case 'stopped':
        this.stopped.set(session.id, new Map());
        this.fire({ kind: 'stopped', session, reason: message.body?.reason ?? '' });
        break;
      case 'continued':
        this.run(session);
        break;
      case 'terminated':
        this.end(session);
        break;
    }
  }

  private run(session: vscode.DebugSession): void {
    if (this.stopped.delete(session.id)) this.fire({ kind: 'running', session });
  }

  private end(session: vscode.DebugSession): void {
    this.stopped.delete(session.id);
    this.reconfigured.delete(session.id);
    if (this.live.delete(session.id)) this.fire({ kind: 'ended', session });
  }

  private fire(event: SessionEvent): void {
    this.emitter.fire(event);
  }
}

/** Requests after whose success the machine runs. */
const RESUMING = new Set<string>([
  ...['continue', 'next', 'stepIn', 'stepOut', 'stepBack', 'reverseContinue'],
  ...([
    'xv6.stepBackInto',
    'xv6.stepBackOut',
    'xv6.runBackTo',
    'xv6.goTo',
    'xv6.goToBookmark',
    'xv6.whoWrote',
    'xv6.whoPrinted',
  ] satisfies (keyof Requests)[]),
]);

/** The parts of the protocol's StackFrame that are used here. */
export interface ClientFrame {
  id: number;
  source?: { path?: string };
  instructionPointerReference?: string;
}

interface ProtocolMessage {
  type: string;
  command?: string;
  success?: boolean;
  event?: string;
  message?: string;
  /** Of a `restart` request: the launch configuration as it is now. */
  arguments?: { arguments?: Identity };
  body?: { reason?: string; stackFrames?: ClientFrame[]; error?: { format?: string } };
}

/** One of our own requests, with the types that protocol.ts gives it. */
export function request<Name extends keyof Requests>(
  session: vscode.DebugSession,
  name: Name,
  args: Requests[Name]['arguments'],
): Thenable<Requests[Name]['response']> {
  return session.customRequest(name, args);
}
