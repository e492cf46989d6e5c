/**
 * `xv6.story`, and `$why` in the debug console: what the stop is about. It is told at once by what the machine shows; then, while no other request has come, the past
 * is looked through, and events tell what is found. Whoever asks meanwhile finds the machine where it stopped: it comes back first.
 */
import { instantNamed } from '../../../emulator/history/instant';
import { Cancelled } from '../../../emulator/history/timeline';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { StoryEvent, StoryPast, StoryArguments, StoryResponse, Story, Events } from '../../protocol';
import { Backstory } from '../../stories/backstory';
import { lookBack, type Findings } from '../../stories/look-back';
import { searchFor } from '../../stories/searches';
import { nameOf, StopStory } from '../../stories/stop-story';
import { storyText } from '../../stories/text';
import type { StoryWords } from '../../stories/happened';
import type { Debuggee } from '../../launch/debuggee';
import { requireStopped, say, type Body, type SessionContext } from '../context';
import { duration } from '../lifecycle/duration';
import { inProgress } from '../lifecycle/progress';
import { sourceOf } from '../inspection/source';
import type { Stopped } from '../stopped';
import { named } from '../../xv6/processes';

/** Milliseconds after the last request at which the past is looked through again. */
const QUIET = 20;
/** For how long it is looked through unasked, in milliseconds. */
const PATIENCE = 15_000;
/** Ticks of virtual time in a millisecond. */
const TICKS = 10_000;

/** A story under way, of one stop. */
export class Telling {
  private readonly findings = new Map<string, Findings>();
  private isBackKnown = false;
  private past: StoryPast = 'not asked';
  private looking: Promise<void> | undefined;
  private callOff: (() => void) | undefined;
  private spent = 0;
  /** Those who wait for what the past says. */
  private readonly waiting = new Set<() => void>();

  constructor(
    private readonly context: SessionContext,
    private readonly stopped: Stopped,
    private readonly story: StopStory,
  ) {}

  get told(): Story {
    return this.story.told(this.past, this.findings);
  }

  /** Looks through the past as soon as it is quiet. */
  begin(): void {
    if (this.past !== 'not asked') return;
    this.past = 'looking';
    this.wait();
  }

  /** Resolves when the past has been looked through, or after so many milliseconds. */
  known(milliseconds: number): Promise<void> {
    if (this.past !== 'looking') return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        callOff();
        this.waiting.delete(done);
        resolve();
      };
      const callOff = this.context.host.clock.later(milliseconds, done);
      this.waiting.add(done);
    });
  }

  /** The machine stands where it stopped, for whoever has come; it leaves again when it is quiet. */
  async interrupt(): Promise<void> {
    this.callOff?.();
    if (this.looking !== undefined) {
      this.context.running?.past.cancel();
      await this.looking;
    }
    if (this.past === 'looking') this.context.connection.afterResponse(() => this.wait());
  }

  /** Nobody is interested any more. */
  end(): void {
    this.callOff?.();
    if (this.past === 'looking') this.past = 'given up';
    this.settled();
  }

  /** Looks through the past now, with whoever asks waiting for it; up to where that is cancelled. */
  async toTheEnd(): Promise<void> {
    this.callOff?.();
    if (this.past === 'told') return;
    try {
      await this.look(Infinity);
      this.past = 'told';
    } catch (error) {
      if (!(error instanceof Cancelled)) throw error;
      this.past = 'given up';
    }
    this.settled();
  }

  private settled(): void {
    for (const done of [...this.waiting]) done();
  }

  private wait(): void {
    this.callOff?.();
    if (this.past === 'looking') this.callOff = this.context.host.clock.later(QUIET, () => void this.inBackground());
  }

  private async inBackground(): Promise<void> {
    if (!this.isCurrent) return this.end();
    if (this.looking !== undefined) return;
    this.looking = this.look(PATIENCE - this.spent)
      .then(() => {
        this.past = 'told';
      })
      .catch((error: unknown) => {
        if (error instanceof Cancelled && this.spent < PATIENCE) return;
        this.past = 'given up';
        if (!(error instanceof Cancelled))
          say(this.context, this.context.connection.reported(error, 'The story of the stop'), 'stderr');
      });
    await this.looking;
    this.looking = undefined;
    if (this.past === 'looking') return;
    if (this.isCurrent) this.tell();
    this.settled();
  }

  private async look(patience: number): Promise<void> {
    const { past, debuggee } = requireStopped(this.context);
    const { host } = this.context;
    const begun = host.clock.now();
    try {
      if (!this.isBackKnown) await this.lookAtWay();
      const open = this.story.subjects.filter((subject) => this.findings.get(nameOf(subject))?.isDone !== true);
      const searches = open.map((subject) => searchFor(debuggee, wordsOf(debuggee), subject));
      const before = debuggee.machine.instant;
      if (open.length === 0) return;
      await past.inquire((timeline) =>
        lookBack(timeline, before, searches, (found) => {
          const count = (): number => [...this.findings.values()].reduce((sum, one) => sum + one.found.length, 0);
          const known = count();
          open.forEach((subject, at) => this.findings.set(nameOf(subject), found[at]!));
          if (count() !== known && this.isCurrent) this.tell();
          if (host.clock.now() - begun > patience) past.cancel();
        }),
      );
    } finally {
      this.spent += host.clock.now() - begun;
    }
  }

  /** What the hart did last. */
  private async lookAtWay(): Promise<void> {
    const { past, debuggee } = requireStopped(this.context);
    const { report } = this.stopped;
    const frames = this.stopped.stack({ kind: 'hart', hart: report.hart });
    const backstory = await past.inquire(async (timeline) => {
      const made = new Backstory(debuggee, timeline, report.hart, frames, this.story.places);
      await made.tell(report);
      return made;
    });
    this.isBackKnown = true;
    this.story.add(backstory);
    if (this.isCurrent) this.tell();
  }

  private tell(): void {
    this.context.connection.event('xv6.story', this.told satisfies Events['xv6.story']);
  }

  private get isCurrent(): boolean {
    return this.context.stopped === this.stopped && this.context.running?.runner.running === false;
  }
}

export function story(context: SessionContext, { past: isPast = true }: StoryArguments): StoryResponse {
  const telling = tellingOf(context);
  if (telling === undefined) return {};
  if (isPast) telling.begin();
  return { story: telling.told };
}

/** `$why`; undefined for anything else. */
export const consoleStory = (
  context: SessionContext,
  { expression }: DebugProtocol.EvaluateArguments,
): Promise<Body<DebugProtocol.EvaluateResponse>> | undefined => (isWhy(expression) ? why(context) : undefined);

export const isWhy = (text: string): boolean => /^\s*\$why\s*$/.test(text);

async function why(context: SessionContext): Promise<Body<DebugProtocol.EvaluateResponse>> {
  const telling = tellingOf(context);
  if (telling === undefined) return { result: 'There is nothing more to be told of this stop.', variablesReference: 0 };
  const { past } = requireStopped(context);
  await inProgress(
    context,
    'Looking for what led here',
    () => telling.toTheEnd(),
    () => past.cancel(),
  );
  const numberOf = ({ instant, hart, what, process }: StoryEvent): number =>
    context.answers.push({
      ...{ instant: instantNamed(instant)!, tick: 0, hart, what, place: undefined, parts: [] },
      process: process && named(process),
    });
  return { result: storyText(telling.told, numberOf), variablesReference: 0 };
}

/** What there is to tell of the stop; undefined where that is nothing. */
export function tellingOf(context: SessionContext): Telling | undefined {
  const { debuggee, stopped } = requireStopped(context);
  if (context.telling?.of === stopped) return context.telling.telling;
  context.telling?.telling?.end();
  const { report } = stopped;
  const told = StopStory.of(debuggee, wordsOf(debuggee), {
    ...{ number: context.stops, report, stack: stopped.stack({ kind: 'hart', hart: report.hart }) },
    title: stopped.title,
  });
  const telling = told && new Telling(context, stopped, told);
  context.telling = { of: stopped, telling };
  return telling;
}

const wordsOf = (debuggee: Debuggee): StoryWords => ({
  pathOf: (recorded) => sourceOf(debuggee, recorded).path ?? recorded,
  duration: (ticks) => duration(ticks / TICKS),
});
