/**
 * "xv6: Show Page Table": the panel beside the editor. While it is visible, requests the table from the adapter
 * (`xv6.pageTable`) at every stop and passes it to the page, which webviews/page-table/ draws.
 */
import * as vscode from 'vscode';
import { isPageTableModel, readFromPanel, type ToPanel } from '../../webviews/page-table/messages';
import { svgFile } from '../../webviews/page-table/svg-file';
import type { PageTableModel } from '../../debug-adapter/protocol';
import { request, type Sessions } from '../sessions';
import { webviewPage } from './webview-page';

export class PageTablePanel implements vscode.Disposable {
  private panel: vscode.WebviewPanel | undefined;
  /** The session that the panel shows, kept after its end until another one starts. */
  private session: vscode.DebugSession | undefined;
  private root: string | undefined;
  /** What the page shows. */
  private model: PageTableModel | undefined;
  private ready = false;
  /** One request at a time; after a stop in the meantime, another request follows. */
  private requesting = false;
  private outdated = false;
  private readonly subscription: vscode.Disposable;

  constructor(
    private readonly extension: vscode.Uri,
    private readonly sessions: Sessions,
  ) {
    this.subscription = sessions.onEvent(({ kind, session }) => {
      if (!this.panel) return;
      if (kind === 'launched') this.follow(session);
      if (session !== this.session) return;
      if (kind === 'stopped') void this.refresh();
      else if (kind === 'running' || kind === 'restarting' || kind === 'launched') this.post({ type: 'running' });
      else if (kind === 'ended') this.post({ type: 'ended' });
    });
  }

  /** `root`: the id of the table to show; by default the one chosen before. */
  show(root?: string): void {
    const session = this.sessions.current();
    if (!session) {
      void vscode.window.showInformationMessage(
        'A page table can be shown while xv6 is debugged: start it with F5 first.',
      );
      return;
    }
    this.panel ??= this.create();
    this.panel.reveal(undefined, true);
    if (session !== this.session) this.follow(session);
    if (root !== undefined) this.root = root;
    void this.refresh();
  }

  /** The id of the table that is shown; undefined for the one that the hart uses, and while nothing is shown. */
  get shown(): string | undefined {
    return this.panel && this.root;
  }

  dispose(): void {
    this.subscription.dispose();
    this.panel?.dispose();
  }

  private follow(session: vscode.DebugSession): void {
    this.session = session;
    this.root = undefined;
  }

  private create(): vscode.WebviewPanel {
    const assets = vscode.Uri.joinPath(this.extension, 'dist', 'webviews');
    const panel = vscode.window.createWebviewPanel(
      'xv6.pageTable',
      'Page Table',
      { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true },
      { enableScripts: true, localResourceRoots: [assets], enableFindWidget: true },
    );
    panel.webview.html = webviewPage(panel.webview, assets, 'page-table', 'Page Table');
    panel.webview.onDidReceiveMessage((message: unknown) => this.receive(message));
    panel.onDidChangeViewState(() => {
      if (!panel.visible) this.ready = false;
    });
    panel.onDidDispose(() => {
      this.panel = this.session = this.model = undefined;
      this.ready = false;
    });
    return panel;
  }

  private receive(untrusted: unknown): void {
    const message = readFromPanel(untrusted);
    switch (message?.type) {
      case 'ready':
        this.ready = true;
        break;
      case 'root':
        this.root = message.root;
        break;
      case 'export':
        void this.exportDrawing();
        return;
      default:
        return;
    }
    void this.refresh();
  }

  /** Writes the drawing of the table that is shown to a file, and offers to open it. */
  async exportDrawing(): Promise<void> {
    const { model } = this;
    if (!model) {
      void vscode.window.showInformationMessage('Show a page table first; its drawing is written to a file then.');
      return;
    }
    const folder = vscode.workspace.workspaceFolders?.[0]?.uri ?? vscode.Uri.file('.');
    const name = `address-space-${model.shown.id.replaceAll(/[^\w-]+/g, '-')}.svg`;
    const file = await vscode.window.showSaveDialog({
      defaultUri: vscode.Uri.joinPath(folder, name),
      filters: { SVG: ['svg'] },
    });
    if (!file) return;
    const text = svgFile(`Address space of ${model.shown.label}`, model.areas);
    try {
      await vscode.workspace.fs.writeFile(file, new TextEncoder().encode(text));
    } catch (error) {
      void vscode.window.showErrorMessage(error instanceof Error ? error.message : String(error));
    }
  }

  private async refresh(): Promise<void> {
    const { session } = this;
    if (!session || !this.ready) return;
    if (!this.sessions.all().includes(session)) {
      this.post({ type: 'ended' });
      return;
    }
    if (this.requesting) {
      this.outdated = true;
      return;
    }
    this.requesting = true;
    this.post(await this.requestTable(session));
    this.requesting = false;
    if (!this.sessions.isStopped(session))
      this.post({ type: this.sessions.all().includes(session) ? 'running' : 'ended' });
    if (!this.outdated) return;
    this.outdated = false;
    await this.refresh();
  }

  private async requestTable(session: vscode.DebugSession): Promise<ToPanel> {
    const { root } = this;
    try {
      const model: unknown = await request(session, 'xv6.pageTable', root === undefined ? {} : { root });
      if (isPageTableModel(model)) {
        this.model = model;
        return { type: 'model', model };
      }
      return { type: 'failed', message: 'The debugger returned something that is not a page table.' };
    } catch (error) {
      if (root !== undefined && root === this.root && this.sessions.isStopped(session)) {
        // The process whose table was chosen has exited: show the default table.
        this.root = undefined;
        return this.requestTable(session);
      }
      return { type: 'failed', message: error instanceof Error ? error.message : String(error) };
    }
  }

  private post(message: ToPanel): void {
    if (this.ready) void this.panel?.webview.postMessage(message);
  }
}
