/** What a story says first of what has been found in the past: who has written an entry last, and that a page was freed. */
import { compareInstants } from '../../../emulator/history/instant';
import { hex } from '../../../emulator/isa/hex';
import { PTE } from '../../../emulator/isa/sv39';
import type { StoryLine } from '../../protocol';
import type { Put } from '../../questions/debugger-writes';
import type { Happened } from '../happened';
import type { Findings } from '../look-back';
import type { Subject } from '../sections';
import { instantPart, sentence, type Part } from '../words';

/** " 731 µs ago by mappages at vm.c:100, called by kpt_make at kpt.c:57 (pid 1 init, hart 0)". */
type Doer = (happened: Happened) => Part[];

/** The hardware's own marks in an entry. */
const MARKS = BigInt(PTE.A | PTE.D);
const NEVER = 'Nothing has written the entry since the past of this run begins';

export const TWICE = ' twice,';

/** Who has written an entry last. `put`: what has come in from outside last, which no search of the past finds. */
export function writerLine(
  { pte }: Subject & { kind: 'entry' },
  { found, isDone, isComplete }: Omit<Findings, 'isPartial'>,
  put: Put | undefined,
  doer: Doer,
): StoryLine[] {
  const last = found.at(-1);
  const isOver = put !== undefined && (last === undefined ? isDone : compareInstants(last.instant, put.instant) < 0);
  if (isOver && put.by === 'debugger')
    return [sentence('The entry was written last ', instantPart('by the debugger', put.instant, undefined))];
  if (last === undefined) return isDone && isComplete ? [sentence(NEVER)] : [];
  // It was gone at a reset; or what has changed it is not known.
  if (isOver || (last.after! | MARKS) !== (pte | MARKS)) return [];
  if (last.after === 0n && isFilled(last))
    return [sentence('The entry has not been written since its page was cleared', ...doer(last))];
  const verb = isFilled(last) ? 'filled' : last.after === 0n ? 'cleared' : 'written';
  return [sentence('The entry was ', verb, ...doer(last), `: ${last.what}`)];
}

/** Whether all of an entry was stored in pieces, as whoever fills a page does. */
const isFilled = ({ kind, bytes }: Happened): boolean => kind === 'fill' && bytes?.[0] === 0 && bytes[1] === 8;

/** That a page was freed, and whether it has been allocated again, if that would have been seen. */
export function freedLine(
  subject: Subject,
  { found, isPartial }: Pick<Findings, 'found' | 'isPartial'>,
  doer: Doer,
): StoryLine[] {
  const life = found.filter(({ kind }) => kind === 'freed' || kind === 'allocated');
  const [last, before] = life.toReversed();
  if (last === undefined || subject.kind !== 'page') return [];
  const page = `The page at PA ${hex(subject.page)} was freed`;
  if (isPartial) return last.kind === 'freed' ? [sentence(page, ...doer(last))] : [];
  if (last.kind === 'freed' && before?.kind === 'freed')
    return [sentence(page, TWICE, ...doer(before), ' and', ...doer(last), ', and not allocated between')];
  if (last.kind === 'freed') return [sentence(page, ...doer(last), ', and not allocated since')];
  const [fourth, third] = life.slice(-4);
  const isTwice = before?.kind === 'allocated' && third?.kind === 'freed' && fourth?.kind === 'freed';
  if (subject.isReused && isTwice)
    return [sentence(page, TWICE, ...doer(fourth), ' and', ...doer(third), ': two have it now')];
  return subject.isReused && before?.kind === 'freed'
    ? [sentence(page, ...doer(before), ', and allocated again', ...doer(last))]
    : [];
}
