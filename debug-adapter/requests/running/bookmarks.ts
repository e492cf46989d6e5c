/** Our own requests for bookmarks: instants by name, also in futures that were left for another one. */
import { compareInstants, instantName, millisecondsOf } from '../../../emulator/history/instant';
import { UserError } from '../../dap/errors';
import type { BookmarkInfo, Requests } from '../../protocol';
import type { Bookmark } from '../../run-control/past/bookmarks';
import type { Past } from '../../run-control/past/past';
import { requireSession, requireStopped, type SessionContext } from '../context';
import { depart } from './backward';

type Nothing = Record<string, never>;

/** Characters of a name, and bookmarks of a session, at most. */
const LONGEST_NAME = 200;
const MOST = 1000;

export function bookmarks(context: SessionContext): Requests['xv6.bookmarks']['response'] {
  const { past } = requireSession(context);
  return { bookmarks: past.bookmarks.list.map((bookmark) => infoOf(bookmark, past)) };
}

function infoOf({ id, name, instant, future }: Bookmark, { timeline, instant: here }: Past): BookmarkInfo {
  const left = future === undefined ? undefined : timeline.futures.get(future);
  const isHere = left === undefined && compareInstants(instant, here) === 0;
  return {
    ...{ id, name, instant: instantName(instant), milliseconds: millisecondsOf(instant) },
    ...(isHere && { isHere }),
    ...(left && { abandoned: { from: millisecondsOf(left.shared), to: millisecondsOf(left.end) } }),
  };
}

export function setBookmark(
  context: SessionContext,
  { name: given }: Requests['xv6.setBookmark']['arguments'],
): Requests['xv6.setBookmark']['response'] {
  const { past } = requireStopped(context);
  const name = given.trim();
  if (name === '' || name.length > LONGEST_NAME)
    throw new UserError(`A bookmark has a name of 1 to ${LONGEST_NAME} characters.`);
  if (past.bookmarks.list.length >= MOST) throw new UserError(`There are ${MOST} bookmarks; remove some first.`);
  const { id } = past.bookmarks.add({ name, instant: past.instant, future: undefined, isEnd: false });
  context.connection.event('xv6.bookmarks');
  return { id };
}

export function removeBookmark(context: SessionContext, { id }: Requests['xv6.removeBookmark']['arguments']): Nothing {
  const { past } = requireSession(context);
  past.forget(named(past, id));
  context.connection.event('xv6.bookmarks');
  return {};
}

export function goToBookmark(context: SessionContext, { id }: Requests['xv6.goToBookmark']['arguments']): Nothing {
  const { past, stopped } = requireStopped(context);
  const bookmark = named(past, id);
  depart(context, `Going to ${bookmark.name}`, () => past.visit(stopped.report.hart, bookmark));
  return {};
}

function named({ bookmarks: all }: Past, id: number): Bookmark {
  const found = all.get(id);
  if (found === undefined) throw new UserError('There is no such bookmark any more.');
  return found;
}
