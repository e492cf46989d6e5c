/** Asks what a page table is to be compared with: another table, or itself at another instant, or both. */
import * as vscode from 'vscode';
import type { ComparedTable } from '../../debug-adapter/protocol';
import { request } from '../sessions';
import type { ShownTable } from './entries';

type Item = vscode.QuickPickItem & { compared?: ComparedTable; root?: string };

/** Undefined if nothing is chosen. */
export async function chooseCompared({ session, model }: ShownTable): Promise<ComparedTable | undefined> {
  const { shown, roots } = model;
  const { instants } = await request(session, 'xv6.instants', {});
  const section = (label: string): Item => ({ label, kind: vscode.QuickPickItemKind.Separator });
  const others = roots.filter(({ root, id }) => root !== undefined && root !== shown.root && !id.startsWith('satp:'));
  const at = (root: string | undefined): Item[] =>
    instants.map(({ instant, text }) => ({ label: text, compared: { ...(root !== undefined && { root }), instant } }));
  const chosen = await choose(`Compare ${shown.label} with…`, [
    section('another table, now'),
    ...others.map(({ id, label }): Item => ({ label, compared: { root: id } })),
    section('itself at another instant'),
    ...at(undefined),
    section('another table at another instant'),
    ...others.map(({ id, label }): Item => ({ label: `${label}, at another instant…`, root: id })),
  ]);
  if (chosen?.root === undefined) return chosen?.compared;
  return (await choose('At which instant?', at(chosen.root)))?.compared;
}

const choose = (placeHolder: string, items: Item[]): Thenable<Item | undefined> =>
  vscode.window.showQuickPick(items, { placeHolder, matchOnDescription: true });
