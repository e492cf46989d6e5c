/**
 * The Timeline view, below the editor, where it is wide and no source is opened over it: what has happened in the run. It asks
 * the adapter (`xv6.timeline`) for what the page shows, at every stop and as more of it is read, and passes it to the page,
 * which webviews/timeline/ draws. A click there goes to that instant, as any other journey.
 */
import * as vscode from 'vscode';
import type { Requests } from '../../debug-adapter/protocol';
import {
  type FromTimeline,
  isTimelineModel,
  readFromTimeline,
  type ToTimeline,
} from '../../webviews/timeline/messages';
import { request, type SessionEvent, type Sessions } from '../sessions';
import { messageOf } from '../message-of';
import { webviewPage } from './webview-page';

const VIEW = 'xv6.timeline';

type Look = Requests['xv6.timeline']['arguments'];

export class TimelineView implements vscode.WebviewViewProvider, vscode.Disposable {
  private view: vscode.WebviewView | undefined;
  /** The session that the panel shows, kept after its end until another one starts. */
  private session: vscode.DebugSession | undefined;
  /** What the page shows; undefined until it listens. */
  private look: Look | undefined;
  private isReady = false;
  /** One request at a time; after a change in the meantime, another one follows. */
  private isRequesting = false;
  private isOutdated = false;
  private readonly subscriptions: vscode.Disposable[];

  constructor(
    private readonly extension: vscode.Uri,
    private readonly sessions: Sessions,
  ) {
    this.subscriptions = [
      vscode.window.registerWebviewViewProvider(VIEW, this),
      vscode.commands.registerCommand('xv6.showTimeline', () => vscode.commands.executeCommand(`${VIEW}.focus`)),
      sessions.onEvent((event) => this.follow(event)),
      vscode.debug.onDidChangeActiveDebugSession(() => this.turn()),
    ];
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    const assets = vscode.Uri.joinPath(this.extension, 'dist', 'webviews');
    this.view = view;
    this.session = this.sessions.current();
    view.webview.options = { enableScripts: true, localResourceRoots: [assets] };
    view.webview.onDidReceiveMessage((message: unknown) => this.receive(message));
    view.onDidChangeVisibility(() => {
      if (!view.visible) this.rest();
    });
    view.onDidDispose(() => {
      this.rest();
      this.view = this.session = undefined;
    });
    view.webview.html = webviewPage(view.webview, assets, 'timeline', 'Timeline');
  }

  dispose(): void {
    this.subscriptions.forEach((subscription) => void subscription.dispose());
  }

  private follow({ kind, session }: SessionEvent): void {
    if (!this.view) return;
    if (kind === 'launched') this.turn();
    if (session !== this.session) return;
    if (kind === 'stopped' || kind === 'surveyed') void this.refresh();
    else if (kind === 'running' || kind === 'restarting' || kind === 'launched') this.post({ type: 'running' });
    else if (kind === 'ended') this.post({ type: 'ended' });
  }

  /** The view shows the session that the others of VS Code show. */
  private turn(): void {
    const session = this.sessions.current();
    if (!this.view || !session || session === this.session) return;
    this.session = session;
    void this.refresh();
  }

  /** The page is gone, and VS Code loads it again when it is seen again: nobody needs the second machine until then. */
  private rest(): void {
    this.isReady = false;
    this.look = undefined;
    const { session } = this;
    if (session && this.sessions.all().includes(session))
      void request(session, 'xv6.timeline', { columns: 1, read: 'done' }).then(undefined, () => undefined);
  }

  private receive(untrusted: unknown): void {
    const message = readFromTimeline(untrusted);
    switch (message?.type) {
      case 'ready':
        this.isReady = true;
        void this.refresh();
        break;
      case 'look': {
        const { from, to, columns } = message;
        this.look = { columns, ...(from !== undefined && to !== undefined && { from, to }) };
        void this.refresh();
        break;
      }
      case 'stop':
        this.look = { ...this.look, read: 'off' };
        void this.refresh();
        break;
      case 'go':
        void this.go(message);
        break;
    }
  }

  private async go({ instant, time, hart }: Extract<FromTimeline, { type: 'go' }>): Promise<void> {
    const { session } = this;
    if (!session || !this.sessions.all().includes(session)) return;
    if (!this.sessions.isStopped(session)) {
      void vscode.window.showInformationMessage('The machine runs: pause it first.');
      return;
    }
    const to = instant === undefined ? { time: time! } : { instant };
    try {
      await request(session, 'xv6.goTo', {
        ...to,
        ...(hart !== undefined && { hart }),
        description: 'Paused where the timeline led',
      });
    } catch (error) {
      void vscode.window.showErrorMessage(messageOf(error));
    }
  }

  private async refresh(): Promise<void> {
    const { session, look } = this;
    if (!session || !this.isReady) return;
    if (!this.sessions.all().includes(session)) {
      this.post({ type: 'ended' });
      return;
    }
    if (this.isRequesting) {
      this.isOutdated = true;
      return;
    }
    this.isRequesting = true;
    this.post(await this.requestModel(session, look ?? {}));
    this.isRequesting = false;
    if (!this.sessions.isStopped(session))
      this.post({ type: this.sessions.all().includes(session) ? 'running' : 'ended' });
    if (!this.isOutdated) return;
    this.isOutdated = false;
    await this.refresh();
  }

  private async requestModel(session: vscode.DebugSession, look: Look): Promise<ToTimeline> {
    try {
      const model: unknown = await request(session, 'xv6.timeline', look);
      if (isTimelineModel(model)) return { type: 'model', model };
      return { type: 'failed', message: 'The debugger returned something that is not a timeline.' };
    } catch (error) {
      return { type: 'failed', message: messageOf(error) };
    }
  }

  private post(message: ToTimeline): void {
    if (this.isReady) void this.view?.webview.postMessage(message);
  }
}
