/**
 * "xv6: Show Page Table": the panel beside the editor. While it is visible, requests the table from the adapter
 * (`xv6.pageTable`) at every stop and passes it to the page, which webviews/page-table/ draws.
 */
import * as vscode from 'vscode';
import { type FromPanel, readFromPanel, type ToPanel } from '../../webviews/page-table/messages';
import {
  isExposureModel,
  isFramesModel,
  isHexadecimal,
  isPageTableModel,
} from '../../webviews/page-table/model-checks';
import { svgFile } from '../../webviews/page-table/drawing/svg-file';
import type { ComparedTable, PageTableModel } from '../../debug-adapter/protocol';
import { isRecord } from '../past/subject';
import { request, type Sessions } from '../sessions';
import { messageOf } from '../message-of';
import { chooseCompared } from './compare';
import type { Entries, ShownTable } from './entries';
import { webviewPage } from './webview-page';

export class PageTablePanel implements vscode.Disposable {
  private panel: vscode.WebviewPanel | undefined;
  /** The session that the panel shows, kept after its end until another one starts. */
  private session: vscode.DebugSession | undefined;
  private root: string | undefined;
  /** What the table is compared with, if not with the stop before. */
  private compare: ComparedTable | undefined;
  /** What the page shows. */
  private model: PageTableModel | undefined;
  /** The page shows the frames of RAM, too. */
  private withFrames = false;
  /** The page shows what is mapped while a program runs. */
  private withExposure = false;
  private ready = false;
  /** One request at a time; after a stop in the meantime, another request follows. */
  private requesting = false;
  private outdated = false;
  private readonly subscription: vscode.Disposable;

  constructor(
    private readonly extension: vscode.Uri,
    private readonly sessions: Sessions,
    private readonly entries: Entries,
  ) {
    this.subscription = sessions.onEvent(({ kind, session }) => {
      if (!this.panel) return;
      if (kind === 'launched') this.follow(session);
      if (session !== this.session) return;
      if (kind === 'stopped' || kind === 'edited') void this.refresh();
      else if (kind === 'running' || kind === 'restarting' || kind === 'launched') this.post({ type: 'running' });
      else if (kind === 'ended') this.post({ type: 'ended' });
    });
  }

  /** The commands of an entry's menu. */
  register(): vscode.Disposable[] {
    const ofEntry = (name: string, message: (pteAddress: string, pa: string) => FromPanel): vscode.Disposable =>
      vscode.commands.registerCommand(name, (entry: unknown) => {
        if (!isRecord(entry)) return;
        const { pteAddress, pa } = entry;
        if (isHexadecimal(pteAddress) && isHexadecimal(pa)) this.receive(message(pteAddress, pa));
      });
    return [
      ofEntry('xv6.watchEntry', (pteAddress) => ({ type: 'watch', pteAddress, on: true })),
      ofEntry('xv6.unwatchEntry', (pteAddress) => ({ type: 'watch', pteAddress, on: false })),
      ofEntry('xv6.whoWroteEntry', (pteAddress, pa) => ({ type: 'ask', about: 'writer', pteAddress, pa })),
      vscode.commands.registerCommand('xv6.addressesOfFrame', (entry: unknown) => {
        if (isRecord(entry) && isHexadecimal(entry['pa'])) this.post({ type: 'frame', pa: entry['pa'] });
      }),
    ];
  }

  /** Lights up the way of an address that is looked at in the editor, in the table that is shown. */
  async light(session: vscode.DebugSession, expression: string, frameId: number | undefined): Promise<void> {
    const { model } = this;
    if (!this.ready || session !== this.session || !this.panel?.visible || !model) return;
    const root = model.shown.id;
    try {
      const args = { expression, root, ...(frameId === undefined ? {} : { frameId }) };
      const { translation } = await request(session, 'xv6.translate', args);
      if (!translation || this.model !== model) return;
      const { va, summary } = translation;
      this.post({ type: 'path', va, words: `${expression} is ${va} ${summary}` });
    } catch {
      // Not every word under the mouse is an expression.
    }
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
    this.root = this.compare = undefined;
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
    if (message) this.act(message).catch((error: unknown) => vscode.window.showErrorMessage(messageOf(error)));
  }

  private async act(message: FromPanel): Promise<void> {
    const { session, model } = this;
    const shown: ShownTable | undefined = session && model && { session, model };
    switch (message.type) {
      case 'ready':
        this.ready = true;
        this.withExposure = false;
        break;
      case 'root':
        this.root = message.root;
        break;
      case 'frames':
        this.withFrames = message.on;
        break;
      case 'exposure':
        this.withExposure = message.on;
        break;
      case 'compare':
        if (!message.on) this.compare = undefined;
        else if (shown) this.compare = (await chooseCompared(shown)) ?? this.compare;
        break;
      case 'export':
        return this.exportDrawing();
      case 'set':
        if (shown) await this.entries.set(shown, message.pteAddress, message.pte);
        break;
      case 'watch':
        if (shown) await this.entries.watch(shown, message.pteAddress, message.on);
        break;
      case 'ask':
        if (shown) await this.entries.ask(shown, message.about, message.pteAddress, message.pa);
        return;
    }
    await this.refresh();
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
      void vscode.window.showErrorMessage(messageOf(error));
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
    if (this.withFrames) this.post(await this.requestFrames(session));
    if (this.withExposure) this.post(await this.requestExposure(session));
    this.requesting = false;
    if (!this.sessions.isStopped(session))
      this.post({ type: this.sessions.all().includes(session) ? 'running' : 'ended' });
    if (!this.outdated) return;
    this.outdated = false;
    await this.refresh();
  }

  private async requestTable(session: vscode.DebugSession): Promise<ToPanel> {
    const { root, compare } = this;
    try {
      const args = { ...(root !== undefined && { root }), ...(compare && { compare }) };
      const model: unknown = await request(session, 'xv6.pageTable', args);
      if (isPageTableModel(model)) {
        this.model = model;
        return { type: 'model', model };
      }
      return { type: 'failed', message: 'The debugger returned something that is not a page table.' };
    } catch (error) {
      if (compare !== undefined && compare === this.compare && this.sessions.isStopped(session)) {
        this.compare = undefined;
        const message = messageOf(error);
        void vscode.window.showInformationMessage(`The tables cannot be compared: ${message}`);
        return this.requestTable(session);
      }
      if (root !== undefined && root === this.root && this.sessions.isStopped(session)) {
        // The process whose table was chosen has exited: show the default table.
        this.root = undefined;
        return this.requestTable(session);
      }
      return { type: 'failed', message: messageOf(error) };
    }
  }

  private requestFrames(session: vscode.DebugSession): Promise<ToPanel> {
    return answered(async () => {
      const model: unknown = await request(session, 'xv6.frames', {});
      return isFramesModel(model) ? { type: 'frames', model } : undefined;
    });
  }

  private requestExposure(session: vscode.DebugSession): Promise<ToPanel> {
    return answered(async () => {
      const root = this.model?.shown.id;
      const model: unknown = await request(session, 'xv6.exposure', root === undefined ? {} : { root });
      return isExposureModel(model) ? { type: 'exposure', model } : undefined;
    });
  }

  private post(message: ToPanel): void {
    if (this.ready) void this.panel?.webview.postMessage(message);
  }
}

/** What there is to be shown of a response; that it is none, or why there is none. */
async function answered(ask: () => Promise<ToPanel | undefined>): Promise<ToPanel> {
  try {
    return (
      (await ask()) ?? { type: 'failed', message: 'The debugger returned something that is not what was asked for.' }
    );
  } catch (error) {
    return { type: 'failed', message: messageOf(error) };
  }
}
