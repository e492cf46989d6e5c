/** Bookmarks: "xv6: Set Bookmark…" where the machine stands, and a list to go to one, or into a future that was abandoned. */
import * as vscode from 'vscode';
import type { BookmarkInfo } from '../../debug-adapter/protocol';
import { request } from '../sessions';

interface Entry extends vscode.QuickPickItem {
  readonly bookmark?: BookmarkInfo;
}

const REMOVE: vscode.QuickInputButton = { iconPath: new vscode.ThemeIcon('trash'), tooltip: 'Remove this bookmark' };

export async function setBookmark(session: vscode.DebugSession): Promise<void> {
  const name = await vscode.window.showInputBox({
    title: 'Set a bookmark at this instant',
    prompt: 'A name for it',
    validateInput: (text) => (text.trim() === '' ? 'It needs a name.' : undefined),
  });
  if (name !== undefined) await request(session, 'xv6.setBookmark', { name });
}

/** Lets the user choose, and remove some. `go` is called with the one chosen. */
export async function chooseBookmark(
  session: vscode.DebugSession,
  go: (bookmark: BookmarkInfo) => Promise<void>,
): Promise<void> {
  const pick = vscode.window.createQuickPick<Entry>();
  pick.title = 'Go to a bookmark';
  pick.placeholder = 'An abandoned future becomes the present again, and the one of now is abandoned';
  pick.matchOnDescription = true;
  const fill = async (): Promise<void> => {
    const { bookmarks } = await request(session, 'xv6.bookmarks', {});
    pick.items = entries(bookmarks);
  };
  try {
    await fill();
    const chosen = await new Promise<BookmarkInfo | undefined>((resolve) => {
      pick.onDidAccept(() => resolve(pick.selectedItems[0]?.bookmark));
      pick.onDidHide(() => resolve(undefined));
      pick.onDidTriggerItemButton(({ item }) => {
        if (item.bookmark) void request(session, 'xv6.removeBookmark', { id: item.bookmark.id }).then(fill);
      });
      pick.show();
    });
    if (chosen) await go(chosen);
  } finally {
    pick.dispose();
  }
}

function entries(bookmarks: readonly BookmarkInfo[]): Entry[] {
  const here = bookmarks.filter(({ abandoned }) => !abandoned);
  const abandoned = bookmarks.filter((one) => one.abandoned);
  const separator = (label: string): Entry => ({ label, kind: vscode.QuickPickItemKind.Separator });
  if (bookmarks.length === 0) return [{ label: 'There are no bookmarks yet: set one with “xv6: Set Bookmark…”' }];
  return [
    ...(here.length > 0 ? [separator('In this run')] : []),
    ...here.map(entry),
    ...(abandoned.length > 0 ? [separator('In abandoned futures')] : []),
    ...abandoned.map(entry),
  ];
}

const entry = (bookmark: BookmarkInfo): Entry => {
  const { name, milliseconds, isHere, abandoned } = bookmark;
  const from = abandoned ? `, in a future from ${time(abandoned.from)} to ${time(abandoned.to)}` : '';
  return {
    label: `$(${abandoned ? 'git-branch' : 'bookmark'}) ${name}`,
    description: `at ${time(milliseconds)}${from}${isHere ? ', where the machine stands' : ''}`,
    buttons: [REMOVE],
    bookmark,
  };
};

const time = (milliseconds: number): string =>
  milliseconds < 1000 ? `${milliseconds.toFixed(3)} ms` : `${(milliseconds / 1000).toFixed(3)} s`;
