/**
 * The Stop view beside the call stack: what the stop is about. It asks the adapter (`xv6.story`) at every stop, which tells at once
 * what is to be seen and later, by events, what the past says; webviews/story/ draws it. Its links lead to places, instants, page
 * tables and processes. VS Code shows a view in that place collapsed at first, so it is unfolded at the first exception in a workspace.
 */
import * as vscode from 'vscode';
import type { StoryTarget } from '../../debug-adapter/protocol';
import { isStory, readFromStory, type ToStory } from '../../webviews/story/messages';
import { request, type SessionEvent, type Sessions } from '../sessions';
import { messageOf } from '../message-of';
import { webviewPage } from './webview-page';

const VIEW = 'xv6.stop';
/** Set in a workspace once the view was unfolded there: from then on VS Code remembers how the user left it. */
const UNFOLDED = 'xv6.stopUnfolded';

export class StopView implements vscode.WebviewViewProvider, vscode.Disposable {
  private view: vscode.WebviewView | undefined;
  /** The session that the view shows, kept after its end until another one starts. */
  private session: vscode.DebugSession | undefined;
  private isReady = false;
  private readonly subscriptions: vscode.Disposable[];

  constructor(
    private readonly extension: vscode.Uri,
    private readonly workspace: vscode.Memento,
    private readonly sessions: Sessions,
    private readonly showTable: (id: string) => void,
  ) {
    this.subscriptions = [
      vscode.window.registerWebviewViewProvider(VIEW, this),
      vscode.commands.registerCommand('xv6.showStop', () => vscode.commands.executeCommand(`${VIEW}.focus`)),
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
      if (!view.visible) this.isReady = false;
    });
    view.onDidDispose(() => {
      this.isReady = false;
      this.view = this.session = undefined;
    });
    view.webview.html = webviewPage(view.webview, assets, 'story', 'Stop');
  }

  dispose(): void {
    this.subscriptions.forEach((subscription) => void subscription.dispose());
  }

  private follow(event: SessionEvent): void {
    const { kind, session } = event;
    if (kind === 'stopped' && event.reason === 'exception') void this.unfold();
    if (!this.view) return;
    if (kind === 'launched') this.turn();
    if (session !== this.session) return;
    if (kind === 'stopped') void this.refresh();
    else if (kind === 'told') this.tell(event.story);
    else if (kind === 'running' || kind === 'restarting' || kind === 'launched') this.post({ type: 'running' });
    else if (kind === 'ended') this.post({ type: 'ended' });
  }

  /** Beside the call stack, if VS Code shows that at a stop; the focus stays where it is. */
  private async unfold(): Promise<void> {
    const isShown = vscode.workspace.getConfiguration('debug').get('openDebug') !== 'neverOpen';
    if (!isShown || this.workspace.get(UNFOLDED) === true) return;
    await vscode.commands.executeCommand(`${VIEW}.focus`, { preserveFocus: true });
    await this.workspace.update(UNFOLDED, true);
  }

  /** The view shows the session that the others of VS Code show. */
  private turn(): void {
    const session = this.sessions.current();
    if (!this.view || !session || session === this.session) return;
    this.session = session;
    void this.refresh();
  }

  private async refresh(): Promise<void> {
    const { session } = this;
    if (!session || !this.isReady) return;
    if (!this.sessions.isStopped(session)) {
      this.post({ type: this.sessions.all().includes(session) ? 'running' : 'ended' });
      return;
    }
    try {
      const { story } = await request(session, 'xv6.story', {});
      if (session === this.session && this.sessions.isStopped(session)) this.tell(story);
    } catch (error) {
      if (this.sessions.isStopped(session)) this.post({ type: 'failed', message: messageOf(error) });
    }
  }

  private tell(story: unknown): void {
    if (story === undefined) this.post({ type: 'story' });
    else if (isStory(story)) this.post({ type: 'story', story });
    else this.post({ type: 'failed', message: 'The debugger returned something that is not a story.' });
  }

  private receive(untrusted: unknown): void {
    const message = readFromStory(untrusted);
    if (message?.type === 'ready') {
      this.isReady = true;
      void this.refresh();
    } else if (message?.type === 'follow') {
      void this.lead(message.target).then(undefined, (error: unknown) =>
        vscode.window.showErrorMessage(messageOf(error)),
      );
    }
  }

  private async lead(target: StoryTarget): Promise<void> {
    const { session } = this;
    switch (target.kind) {
      case 'place': {
        const at = new vscode.Position(Math.max(0, target.line - 1), 0);
        await vscode.window.showTextDocument(vscode.Uri.file(target.path), { selection: new vscode.Range(at, at) });
        return;
      }
      case 'table':
        this.showTable(target.id);
        return;
      case 'process':
        await vscode.commands.executeCommand('xv6.processes.focus');
        return;
      case 'instant': {
        if (!session || !this.sessions.isStopped(session)) throw new Error('The machine runs: pause it first.');
        const { instant, hart } = target;
        await request(session, 'xv6.goTo', { instant, ...(hart !== undefined && { hart }) });
      }
    }
  }

  private post(message: ToStory): void {
    if (this.isReady) void this.view?.webview.postMessage(message);
  }
}
