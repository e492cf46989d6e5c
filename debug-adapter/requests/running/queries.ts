/**
 * Queries over time: `$calls(kalloc)` and its like in the debug console, as a table; and the request xv6.query, for the
 * editor's menus. The machine looks through its past and comes back, so the stop stays what it is. What is found has
 * numbers, by which one goes there: `$go(12)`.
 */
import { instantName, type Instant } from '../../../emulator/history/instant';
import type { Timeline } from '../../../emulator/history/timeline';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { partsOf } from '../../run-control/data-breakpoints';
import { evaluate, integerOf } from '../../expressions/evaluate';
import { PAGE_SIZE, pageOf, ptePhysical } from '../../../emulator/isa/sv39';
import { blockWrites, NAMES } from '../../xv6/names';
import { isEntry } from '../../xv6/structure';
import { BecameTrue } from '../../questions/became-true';
import { PageHistory } from '../../questions/page-history';
import type { MappedProgram } from '../../code/mapped-program';
import type { Requests } from '../../protocol';
import { Calls } from '../../questions/calls';
import { QueryCondition } from '../../questions/condition';
import { runsOf, satpSwitches, traps, writesOf, type LinePlace } from '../../questions/happenings';
import type { Occurrence } from '../../questions/occurrence';
import { OriginSearch } from '../../questions/origin';
import { spotOf } from '../../questions/spots';
import { Leaks } from '../../questions/leaks';
import { Packets } from '../../questions/packets';
import { latest, type Answer, type Query } from '../../questions/query';
import { EmptyWalks } from '../../questions/walks';
import { questionIn, rowToGoTo, type Question, type QuestionName } from '../../questions/question-text';
import { requireStopped, type Body, type SessionContext } from '../context';
import { viewFor } from '../inspection/view';
import { duration } from '../lifecycle/duration';
import { inProgress } from '../lifecycle/progress';
import { goTo } from './backward';
import { sourceOf } from '../inspection/source';
import { frames } from '../xv6/frames';

/** Rows of a table, if not more are asked for. */
const ROWS = 100;
/** Ticks of virtual time in a millisecond. */
const TICKS = 10_000;

/** What the console has been given, if it is a question or leads to an answer; undefined if it is C. */
export function consoleQuestion(
  context: SessionContext,
  { expression, frameId }: DebugProtocol.EvaluateArguments,
): Promise<Body<DebugProtocol.EvaluateResponse>> | Body<DebugProtocol.EvaluateResponse> | undefined {
  const row = rowToGoTo(expression);
  if (row !== undefined) return going(context, row);
  const question = questionIn(expression);
  return question && table(context, question, frameId);
}

/** Whether a text is a question, which only the debug console takes: it takes time, and asks for the machine. */
export const isQuestion = (text: string): boolean => {
  try {
    return rowToGoTo(text) !== undefined || questionIn(text) !== undefined;
  } catch {
    return true;
  }
};

export async function query(
  context: SessionContext,
  { query: text, frameId, most }: Requests['xv6.query']['arguments'],
): Promise<Requests['xv6.query']['response']> {
  const question = questionIn(text);
  if (question === undefined) throw new Error(`"${text}" is no question to the past.`);
  const { title, first, answer } = await ask(context, question, frameId, most);
  const { debuggee } = requireStopped(context);
  const { machine } = debuggee;
  return {
    title,
    rows: answer.rows.map(({ instant, tick, what, place, process, hart, parts }, index) => ({
      number: first + index,
      instant: instantName(instant),
      ago: ago(machine.now - tick),
      what,
      parts: [...parts],
      ...(hart !== undefined && { hart }),
      ...(process !== undefined && { process }),
      ...(place && { place: place.text }),
      ...(place?.file !== undefined && { path: sourceOf(debuggee, place.file).path ?? place.file }),
      ...(place?.line !== undefined && { line: place.line }),
    })),
  };
}

interface Asked {
  title: string;
  /** The number of the first row. */
  first: number;
  answer: Pick<Answer, 'rows'>;
}

/** A question that is understood. */
interface Finder {
  /** In words, after "Looking for". */
  readonly subject: string;
  find(timeline: Timeline, before: Instant, tell: (part: number) => void): Promise<Pick<Asked, 'title' | 'answer'>>;
}

async function ask(
  context: SessionContext,
  question: Question,
  frameId: number | undefined,
  most = ROWS,
): Promise<Asked> {
  const { debuggee, past } = requireStopped(context);
  const before = debuggee.machine.instant;
  const { subject, find } =
    question.name === 'origin' ? originOf(context, question.about, frameId) : eachOf(context, question, frameId, most);
  const { title, answer } = await inProgress(
    context,
    `Looking for ${subject}`,
    (tell) => past.inquire((timeline) => find(timeline, before, (part) => tell(undefined, part))),
    () => past.cancel(),
  );
  const first = context.answers.length + 1;
  context.answers.push(...answer.rows);
  return { title, first, answer };
}

/** Everything of a kind. */
function eachOf(context: SessionContext, question: Question, frameId: number | undefined, most: number): Finder {
  const asked = queryOf(context, { ...question, name: question.name as Exclude<QuestionName, 'origin'> }, frameId);
  return {
    subject: asked.subject,
    find: async (timeline, before, tell) => {
      const answer = await latest(timeline, before, asked, most, tell);
      return { title: titleOf(asked, answer), answer };
    },
  };
}

function originOf(context: SessionContext, about: string, frameId: number | undefined): Finder {
  const { debuggee } = requireStopped(context);
  const { evaluation } = viewFor(context, frameId);
  const named = spotOf(debuggee.machine, about, evaluate(about, evaluation), evaluation);
  return {
    subject: `the origin of ${about}`,
    find: async (timeline, before) => {
      const { end, isCertain, copies, rows } = await new OriginSearch(debuggee, timeline).of(named, before);
      const skipped = copies === 0 ? '' : `; ${copies} plain ${copies === 1 ? 'copy' : 'copies'} skipped`;
      const title = `${about}: ${isCertain ? end : `not certain: ${end}`}${skipped}`;
      return { title, answer: { rows } };
    },
  };
}

function queryOf(
  context: SessionContext,
  { name, about, condition: text }: Question & { name: Exclude<QuestionName, 'origin'> },
  frameId?: number,
): Query {
  const { debuggee, dataLocations } = requireStopped(context);
  const condition = new QueryCondition(debuggee, text);
  switch (name) {
    case 'disk':
    case 'calls': {
      const { image, name: called } = programOf(context, name === 'disk' ? NAMES.diskRequest : about, frameId);
      const functions = image.binary.functionsNamed(called);
      const [info] = functions;
      const isInlined = image.binary.inlinedCopies(called).length > 0;
      if (info === undefined) {
        throw new Error(
          isInlined ? `${called} is inlined wherever it is called.` : `There is no function ${called} in the program.`,
        );
      }
      if (name === 'calls') return new Calls(debuggee, image, functions, condition);
      const number = numberNamed(context, about, frameId);
      const writes = blockWrites(info.parameters, number);
      const all = text === undefined ? writes : `${writes} && (${text})`;
      return new Calls(debuggee, image, functions, new QueryCondition(debuggee, all), `writes of disk block ${number}`);
    }
    case 'lines':
      return runsOf(debuggee, about, linePlaces(context, about, frameId), condition);
    case 'writes': {
      const { evaluation } = viewFor(context, frameId);
      const found = dataLocations.ofValue(about, evaluate(about, evaluation), evaluation);
      const location = dataLocations.placeOf(found.dataId);
      const ranges = partsOf(location, debuggee.machine);
      if (ranges === undefined) throw new Error(`${about} is not in RAM now.`);
      return writesOf(debuggee, location, ranges, condition);
    }
    case 'page':
      return new PageHistory(debuggee, pageNamed(context, about, frameId), condition);
    case 'when': {
      const { evaluation, space } = viewFor(context, frameId);
      if (text === undefined) throw new Error('When which condition became true? Write it as $when(ticks == 5).');
      return new BecameTrue(debuggee, text, evaluation, space.root);
    }
    case 'traps':
      return traps(debuggee, condition);
    case 'satp':
      return satpSwitches(debuggee, condition);
    case 'walks':
      return new EmptyWalks(debuggee, condition);
    case 'packets':
      return new Packets(debuggee, (listener) => (debuggee.frameSent = listener));
    case 'leaks':
      return new Leaks(debuggee, lostPages(context), condition);
  }
}

/** Pages that are leaked as the machine stands. */
const lostPages = (context: SessionContext): bigint[] =>
  frames(context).runs.flatMap(({ use, pa, count }) =>
    use === 'leaked' ? Array.from({ length: count }, (_, index) => BigInt(pa) + BigInt(index) * PAGE_SIZE) : [],
  );

function numberNamed(context: SessionContext, about: string, frameId: number | undefined): bigint {
  const { evaluation } = viewFor(context, frameId);
  const number = integerOf(evaluate(about, evaluation), evaluation);
  if (number === undefined) throw new Error(`${about} is no number.`);
  return number;
}

/** The page that an address leads to, or that a page-table entry points to. */
function pageNamed(context: SessionContext, about: string, frameId: number | undefined): bigint {
  const { evaluation, space, debuggee } = viewFor(context, frameId);
  const value = evaluate(about, evaluation);
  const number = integerOf(value, evaluation);
  if (number === undefined) throw new Error(`${about} is no address.`);
  const physical =
    value.machine?.kind === 'word' || isEntry(value.type)
      ? ptePhysical(number)
      : (space.physical(number) ?? BigInt.asUintN(64, number));
  if (debuggee.machine.memory.read(physical, 1) === undefined) throw new Error(`${about} leads to no page of memory.`);
  return pageOf(physical);
}

/** The program that has a function: the frame's own first, then the kernel; `kernel::f` is the kernel's. */
function programOf(
  context: SessionContext,
  text: string,
  frameId: number | undefined,
): { image: MappedProgram; name: string } {
  const { debuggee, stopped } = requireStopped(context);
  const name = text.replace(/^kernel::/, '').replace(/^&/, '');
  const own = text === name && frameId !== undefined ? stopped.frame(frameId).image : undefined;
  const image = own?.binary.functionsNamed(name).length ? own : debuggee.image;
  return { image, name };
}

/** Where the code of `vm.c:30` begins, in whichever program has it; `30` alone is of the frame's file. */
function linePlaces(context: SessionContext, text: string, frameId: number | undefined): LinePlace[] {
  const { debuggee, stopped } = requireStopped(context);
  const [, named, digits] = /^(?:(.*):)?(\d+)$/.exec(text) ?? [];
  if (digits === undefined) throw new Error(`"${text}" is no line: write it as file.c:30.`);
  const file = named ?? stopped.frame(frameId).file;
  if (file === undefined) throw new Error(`In which file? Write it as file.c:${digits}.`);
  const line = Number(digits);
  const images = [debuggee.image, ...debuggee.programs.all.flatMap(({ image }) => image ?? [])];
  const found = images.flatMap((image) =>
    image.binary
      .breakLocations(debuggee.sources.recorded(file), line)
      .filter((location) => location.line === line)
      .flatMap(({ address }) => image.running(address).map((running) => ({ image, address: running }))),
  );
  if (found.length === 0) throw new Error(`Line ${line} of ${file} has no code.`);
  return found;
}

/** "3 calls of kalloc, the latest last", and what the answer lacks. */
function titleOf(query: Query, { rows, leftOut, isComplete, isCancelled }: Answer): string {
  const { subject, failures } = query;
  const count = rows.length === 0 ? 'No' : String(rows.length);
  const words = [`${count} ${rows.length === 1 ? subject.replace(PLURAL, '$1') : subject}`];
  if (rows.length > 1) words.push('the latest last');
  if (leftOut > 0) words.push(`at least ${leftOut} earlier ones left out`);
  else if (isCancelled) words.push('cancelled before the whole past was looked through');
  else if (!isComplete) words.push('earlier ones left out');
  const more = query.remark?.();
  if (more !== undefined) words.push(more);
  if (failures?.first !== undefined)
    words.push(`the condition could not be evaluated ${failures.count} times (${failures.first})`);
  return words.join('; ');
}

/** Of the first word of a query's subject. */
const PLURAL = /^(\w*?(?:ch)?)(?:(?<=ch)e)?s\b/;

const ago = (ticks: number): string => `${duration(ticks / TICKS)} ago`;

async function table(
  context: SessionContext,
  question: Question,
  frameId: number | undefined,
): Promise<Body<DebugProtocol.EvaluateResponse>> {
  const { title, first, answer } = await ask(context, question, frameId);
  const { stopped, debuggee } = requireStopped(context);
  const { now } = debuggee.machine;
  const texts = aligned(answer.rows.map((row) => [ago(now - row.tick), row.what, row.place?.text ?? '', whoOf(row)]));
  const list = (): DebugProtocol.Variable[] =>
    answer.rows.map((row, index): DebugProtocol.Variable => {
      const number = first + index;
      const { file, line } = row.place ?? {};
      const members = [
        ...row.parts,
        ...(row.place ? [{ name: 'place', value: row.place.text }] : []),
        { name: 'who', value: whoOf(row) },
        { name: 'instant', value: instantName(row.instant) },
        { name: 'go there', value: `$go(${number})` },
      ].map((member): DebugProtocol.Variable => ({ ...member, variablesReference: 0 }));
      return {
        name: `#${number}`,
        value: texts[index]!,
        variablesReference: stopped.keep({ list: () => members }),
        ...(file !== undefined &&
          line !== undefined && { valueLocationReference: stopped.keepLocation({ file, line }) }),
      };
    });
  const variablesReference =
    answer.rows.length === 0 ? 0 : stopped.keep({ list: ({ start, count }) => list().slice(start, start + count) });
  return { result: title, variablesReference, ...(variablesReference > 0 && { namedVariables: answer.rows.length }) };
}

const whoOf = ({ hart, process }: Occurrence): string =>
  [...(process === undefined ? [] : [process]), ...(hart === undefined ? [] : [`hart ${hart}`])].join(', ');

/** Cells of equal width, column by column. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
}

function going(context: SessionContext, number: number): Body<DebugProtocol.EvaluateResponse> {
  requireStopped(context);
  const row = context.answers[number - 1];
  if (row === undefined) throw new Error(`There is no answer #${number}.`);
  const { instant, hart, what } = row;
  goTo(context, { instant: instantName(instant), ...(hart !== undefined && { hart }), description: what });
  return { result: `Going to #${number}: ${what}`, variablesReference: 0 };
}
