/**
 * The Processes view in the debug side bar: the guest's processes and what the harts run. Requests them from the adapter
 * (`xv6.processes`) at every stop and, while the guest runs and the view is visible, once a second. A click shows the stack of
 * the process in VS Code's own call stack.
 */
import * as vscode from 'vscode';
import type { PageTablePanel } from './page-table-panel';
import { rowsOf, type ProcessRow } from './process-rows';
import { request, type Sessions } from '../sessions';
import { messageOf } from '../message-of';

const VIEW = 'xv6.processes';
/** Milliseconds between two requests while the guest runs. */
const PERIOD = 1000;

export class ProcessesView implements vscode.TreeDataProvider<ProcessRow>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<void>();
  private readonly view: vscode.TreeView<ProcessRow>;
  private readonly subscriptions: vscode.Disposable[];
  private readonly timer: NodeJS.Timeout;
  private rows: ProcessRow[] = [];
  /** The rows shown, as text: equal rows do not refresh the view. */
  private shown = '';
  /** One request at a time; after a stop in the meantime, another request follows. */
  private requesting = false;
  private outdated = false;

  readonly onDidChangeTreeData = this.changed.event;

  constructor(
    private readonly sessions: Sessions,
    private readonly pageTable: PageTablePanel,
  ) {
    this.view = vscode.window.createTreeView(VIEW, { treeDataProvider: this });
    this.timer = setInterval(() => {
      const session = this.sessions.current();
      if (session && !this.sessions.isStopped(session)) this.refresh();
    }, PERIOD);
    const { registerCommand } = vscode.commands;
    this.subscriptions = [
      this.view,
      this.view.onDidChangeVisibility(() => this.refresh()),
      vscode.debug.onDidChangeActiveDebugSession(() => this.refresh()),
      sessions.onEvent(({ kind }) => {
        if (kind !== 'running') this.refresh();
      }),
      registerCommand('xv6.inspectProcess', (row?: ProcessRow) => this.inspect(row)),
      registerCommand('xv6.watchProcess', (row?: ProcessRow) => this.watch(row)),
      registerCommand('xv6.showProcessPageTable', (row?: ProcessRow) => {
        if (row?.pid !== undefined) this.pageTable.show(`pid:${row.pid}`);
      }),
      registerCommand('xv6.breakWhenRun', (row?: ProcessRow) => this.breakWhenRun(row, true)),
      registerCommand('xv6.doNotBreakWhenRun', (row?: ProcessRow) => this.breakWhenRun(row, false)),
    ];
  }

  getChildren(row?: ProcessRow): ProcessRow[] {
    return row ? (row.children ?? []) : this.rows;
  }

  getTreeItem(row: ProcessRow): vscode.TreeItem {
    const { None, Collapsed } = vscode.TreeItemCollapsibleState;
    const item = new vscode.TreeItem(row.label, row.children?.length ? Collapsed : None);
    item.id = row.id;
    if (row.description !== undefined) item.description = row.description;
    if (row.tooltip !== undefined) item.tooltip = row.tooltip;
    if (row.icon !== undefined) item.iconPath = new vscode.ThemeIcon(row.icon);
    if (row.context !== undefined) item.contextValue = row.context;
    if (row.threadId !== undefined)
      item.command = { command: 'xv6.inspectProcess', title: 'Show Stack', arguments: [row] };
    return item;
  }

  dispose(): void {
    clearInterval(this.timer);
    this.subscriptions.forEach((subscription) => void subscription.dispose());
    this.changed.dispose();
  }

  private refresh(): void {
    void this.read();
  }

  private async read(): Promise<void> {
    if (!this.view.visible) return;
    if (this.requesting) {
      this.outdated = true;
      return;
    }
    this.requesting = true;
    const rows = await this.requestRows();
    this.requesting = false;
    const text = JSON.stringify(rows);
    if (text !== this.shown) {
      this.shown = text;
      this.rows = rows;
      this.changed.fire();
    }
    if (!this.outdated) return;
    this.outdated = false;
    await this.read();
  }

  private async requestRows(): Promise<ProcessRow[]> {
    const session = this.sessions.current();
    if (!session) return [];
    try {
      return rowsOf(await request(session, 'xv6.processes', {}));
    } catch (error) {
      return [{ id: 'message', label: messageOf(error), icon: 'warning' }];
    }
  }

  private async inspect(row: ProcessRow | undefined): Promise<void> {
    const session = this.sessions.current();
    if (!session || row?.threadId === undefined) return;
    if (!this.sessions.isStopped(session)) {
      void vscode.window.showInformationMessage(
        'A stack is shown while xv6 is stopped in the debugger: pause it first.',
      );
      return;
    }
    await this.showFailure(request(session, 'xv6.showThread', { threadId: row.threadId }));
  }

  /** Adds the row to the Watch view, where it can be expanded and follows every stop. */
  private async watch(row: ProcessRow | undefined): Promise<void> {
    const expression = row?.expression ?? (row?.pid === undefined ? undefined : `*$proc(${row.pid})`);
    if (expression === undefined) return;
    await vscode.commands.executeCommand('debug.addToWatchExpressions', { variable: { evaluateName: expression } });
  }

  private async breakWhenRun(row: ProcessRow | undefined, on: boolean): Promise<void> {
    const session = this.sessions.current();
    if (!session || row?.pid === undefined) return;
    await this.showFailure(request(session, 'xv6.breakWhenRun', { pid: row.pid, on }));
    this.refresh();
  }

  private async showFailure(response: Thenable<unknown>): Promise<void> {
    try {
      await response;
    } catch (error) {
      void vscode.window.showErrorMessage(messageOf(error));
    }
  }
}
