/**
 * The story of a stop at a broken rule of the frame ledger: what the rule says, the entries that lead to the page, whose writers are
 * looked for, and the page's life.
 */
import { isPointer, PTE, pteFlags, ptePhysical, spanOf } from '../../../emulator/isa/sv39';
import type { Composed } from '../composition';
import type { EntryPlaces } from '../entries';
import { entryAt, type FoundEntry } from '../found-entries';
import type { StoryGuest } from '../happened';
import { entryChapter, pageChapter } from '../sections';
import { sentence } from '../words';

/** Entries of one page that are told. */
const MOST = 4;

/** `text`: the heading, then a sentence a line. */
export function brokenRuleComposed(
  guest: StoryGuest,
  places: EntryPlaces,
  { page, text }: { readonly page: bigint; readonly text: string },
): Composed {
  const chapters = entriesOf(guest, places, page).map((entry) => entryChapter(guest, entry, false));
  const life = pageChapter(guest, page);
  return {
    chapters: life ? [...chapters, life] : chapters,
    first: text
      .split('\n')
      .slice(1)
      .map((line) => sentence(line)),
    last: [],
    // Of several it is not known which one is wrong.
    entry: chapters.length === 1 ? chapters[0]!.subject : undefined,
    page: life?.subject,
    isTrap: false,
  };
}

/** The leaves that map a page, but for the kernel's own of all RAM. */
function entriesOf(guest: StoryGuest, places: EntryPlaces, page: bigint): FoundEntry[] {
  const leads = (pte: bigint, level: number): boolean => {
    const within = page - ptePhysical(pte);
    return (pteFlags(pte) & PTE.V) !== 0 && !isPointer(pteFlags(pte)) && within >= 0n && within < spanOf(level);
  };
  return places
    .entries(leads)
    .filter(({ va, level }) => va !== page - (page % spanOf(level)))
    .slice(0, MOST)
    .flatMap(({ address }) => entryAt(guest, places, address, '') ?? []);
}
