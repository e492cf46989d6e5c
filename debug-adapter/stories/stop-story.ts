/**
 * The story of a stop. What it is about is told at once by the frames on the stack and the types of their variables, and then by
 * what the hart did (backstory.ts): no text of a panic and no name of a function decides. What is said first is made anew
 * whenever more is known of the past.
 */
import type { Instant } from '../../emulator/history/instant';
import { Csr } from '../../emulator/isa/csrs';
import { satpRoot } from '../../emulator/isa/sv39';
import type { Story, StoryLine, StoryPast, StorySection } from '../protocol';
import { lastPut, writes } from '../questions/debugger-writes';
import type { Backstory, BackstoryLine } from './backstory';
import { bearingsOf, isNobodys, strangeTableInForce } from './evidence/bearings';
import { freedLine, TWICE, writerLine } from './evidence/past-lines';
import { composed, type Composed } from './composition';
import { EntryPlaces } from './entries';
import { entryAt } from './found-entries';
import { eventOf, type Happened, type StoryGuest, type StoryWords, type ToldStop } from './happened';
import { knownTables, tablesInHand } from './known-tables';
import { NOTHING_FOUND, type Findings } from './look-back';
import { entryChapter, leafPage, pageChapter, type Chapter, type Subject } from './sections';
import { doerPart, instantPart, sentence, type Part } from './words';

/** Lines of what led here that say of themselves where a value came from. */
const ORIGINS: ReadonlySet<BackstoryLine['about']> = new Set(['origin', 'code', 'filled', 'overwritten']);
/** Lines before the fold. */
const LINES = 3;

export class StopStory {
  readonly places: EntryPlaces;
  private readonly chapters: Chapter[];
  private readonly composed: Composed;
  private readonly now: number;
  private readonly instant: Instant;
  /** What led here, once that is known: of these two the one that decided comes first. */
  private backstory: readonly BackstoryLine[] = [];
  private entry: Subject | undefined;
  private page: Subject | undefined;
  /** Where the entry that decided stands among the tables that there are. */
  private bearings: readonly string[];
  /** The root page in satp that is nobody’s: of its entries it matters less who wrote them than who freed the page. */
  private readonly strangeRoot: bigint | undefined;

  /** Undefined where the stop has nothing to explain. */
  static of(guest: StoryGuest, words: StoryWords, stop: ToldStop): StopStory | undefined {
    const { cause } = stop.report;
    const isTold =
      cause?.kind === 'dead-end' ||
      cause?.kind === 'trap' ||
      cause?.kind === 'trap-loop' ||
      cause?.kind === 'stale-translation' ||
      cause?.kind === 'ledger' ||
      (cause?.kind === 'kernel' && (cause.event.kind === 'panic' || cause.event.kind === 'exit'));
    const story = isTold ? new StopStory(guest, words, stop) : undefined;
    // A program that ends by itself has its own reasons.
    const isExit = cause?.kind === 'kernel' && cause.event.kind === 'exit';
    return isExit && story?.composed.isTrap !== true ? undefined : story;
  }

  private constructor(
    private readonly guest: StoryGuest,
    private readonly words: StoryWords,
    private readonly stop: ToldStop,
  ) {
    this.now = guest.machine.now;
    this.instant = guest.machine.instant;
    const tables = [...knownTables(guest, stop.report.hart), ...tablesInHand(guest, stop.stack)];
    this.places = new EntryPlaces(guest.machine.memory, tables);
    this.composed = composed(guest, words, this.places, stop);
    this.chapters = [...this.composed.chapters];
    this.entry = this.composed.entry;
    this.page = this.composed.page;
    const hart = guest.harts[stop.report.hart]!;
    this.bearings = strangeTableInForce(guest, hart);
    const root = satpRoot(hart.csr(Csr.satp) ?? 0n);
    this.strangeRoot = root !== undefined && isNobodys(guest, root) ? root : undefined;
  }

  get subjects(): readonly Subject[] {
    return this.chapters.flatMap(({ subject }) => subject ?? []);
  }

  /** The machine stands at the stop. What the hart did is known: entries and pages that it shows to matter are asked for as well. */
  add({ lines, entries, pages }: Pick<Backstory, 'lines' | 'entries' | 'pages'>): void {
    this.backstory = lines;
    const hart = this.guest.harts[this.stop.report.hart]!;
    const found = entries.flatMap(({ address }) => entryAt(this.guest, this.places, address, '') ?? []);
    const leaves = found.flatMap(({ pte }) => leafPage(pte) ?? []);
    const subjects = found.map((entry) => this.asked(entryChapter(this.guest, entry, true)));
    const all = [...pages, ...leaves.map((page) => ({ page, isReused: false }))];
    // The root's page is also that of the entry that decided.
    const isReused = (page: bigint): boolean => all.some((one) => one.isReused && one.page === page);
    const leads = all.map(({ page }) => this.asked(pageChapter(this.guest, page, isReused(page))));
    const isDecided = subjects[0] !== undefined || (!this.composed.isTrap && this.decision !== undefined);
    if (isDecided) [this.entry, this.page] = [subjects[0], undefined];
    if (isDecided && !this.composed.isTrap && found[0] !== undefined)
      this.bearings = [...this.bearings, ...bearingsOf(this.guest, this.places, hart, found[0])];
    this.page = leads[0] ?? this.page;
  }

  /** With what has been found of the subjects, in their order. */
  told(past: StoryPast, findings: ReadonlyMap<string, Findings> = new Map()): Story {
    const of = (subject: Subject): Findings => findings.get(nameOf(subject)) ?? NOTHING_FOUND;
    const { number, title } = this.stop;
    const { first, last, isTrap } = this.composed;
    const decision = isTrap ? undefined : this.decision;
    const freed = this.page ? freedLine(this.page, of(this.page), this.doer) : [];
    const isRoots = this.page?.kind === 'page' && this.page.page === this.strangeRoot;
    // That an address lay in memory says something only where that was no longer whose it had been.
    const origin = this.backstory.find(
      ({ about }) => ORIGINS.has(about) || (about === 'loaded' && freed.length > 0 && !isRoots),
    );
    // Who writes into a page that two have may be in the right.
    const isTwice = freed.some(({ text }) => text.includes(TWICE));
    const overwriter = origin?.about === 'loaded' && !isTwice ? this.about('overwritten') : [];
    const writer = this.entry ? this.writerLine(this.entry, of(this.entry)) : [];
    const lead = [
      ...(decision ? [this.backstoryLine(decision)] : first),
      ...(decision ? this.about('decider') : []),
      ...this.bearings.slice(0, 1).map((text) => sentence(text)),
      ...(origin ? [this.backstoryLine(origin)] : []),
      ...(origin?.about === 'origin' ? this.about('variable') : []),
      ...overwriter,
      ...this.about('handler'),
      ...(isRoots ? [...freed, ...writer] : [...writer, ...freed]),
      ...this.about('jump'),
      ...last,
    ];
    const lines = lead.slice(0, LINES);
    const said = new Set(lines.map((line) => JSON.stringify(line)));
    // What is said first is not said again.
    const rest = [
      ...this.backstory.map((line) => this.backstoryLine(line)),
      ...this.bearings.map((text) => sentence(text)),
    ].filter((line) => !said.has(JSON.stringify(line)));
    return {
      ...{ stop: number, title, past, lines },
      sections: [
        ...(rest.length === 0
          ? []
          : [
              {
                ...{ about: 'cause' as const, title: 'What led here', past: 'not asked' as const },
                lines: rest,
              },
            ]),
        ...this.chapters.flatMap(({ section, subject }): StorySection[] | StorySection => {
          if (subject === undefined) return section;
          const { found, isDone } = of(subject);
          const events = found.map((one) => eventOf(one, this.now, this.words));
          // Of what nothing is known nothing is said.
          if (isDone && events.length === 0 && section.lines.length === 0 && !section.walk) return [];
          return { ...section, events, past: isDone ? ('told' as const) : past };
        }),
      ],
    };
  }

  private get decision(): BackstoryLine | undefined {
    return this.backstory.find(({ about }) => about === 'decision');
  }

  /** In place of a chapter about the same that there is. */
  private asked(chapter: Chapter | undefined): Subject | undefined {
    const subject = chapter?.subject;
    if (chapter === undefined || subject === undefined) return undefined;
    const index = this.chapters.findIndex((one) => one.subject && nameOf(one.subject) === nameOf(subject));
    const isTrap = this.chapters[index]?.section.about === 'trap';
    if (index < 0) this.chapters.push(chapter);
    else if (!isTrap) this.chapters[index] = chapter;
    return subject;
  }

  private about(kind: BackstoryLine['about']): StoryLine[] {
    return this.backstory.filter(({ about }) => about === kind).map((line) => this.backstoryLine(line));
  }

  private backstoryLine({ text, seen }: BackstoryLine): StoryLine {
    if (seen === undefined) return sentence(text);
    const { instant, hart, tick } = seen;
    const away = this.words.duration(Math.abs(this.now - tick));
    const ago = instantPart(`${away} ${tick > this.now ? 'later' : 'ago'}`, instant, hart);
    return sentence(text.replace(/\.$/, ''), ', ', ago);
  }

  private writerLine(subject: Subject, findings: Findings): StoryLine[] {
    if (subject.kind !== 'entry') return [];
    const spot = { kind: 'memory', parts: [{ address: subject.address, length: 8 }] } as const;
    return writerLine(subject, findings, lastPut(this.guest.machine, this.instant, writes(spot)), this.doer);
  }

  /** " 731 µs ago by mappages at vm.c:100, called by kpt_make at kpt.c:57 (pid 1 init, hart 0)". */
  private readonly doer = (happened: Happened): Part[] => {
    const event = eventOf(happened, this.now, this.words);
    return [' ', instantPart(event.ago, happened.instant, happened.hart), doerPart(event)];
  };
}

/** By which findings are kept. */
export const nameOf = (subject: Subject): string =>
  subject.kind === 'entry' ? `entry ${subject.address}` : `page ${subject.page}`;
