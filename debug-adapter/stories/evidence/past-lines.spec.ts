/** What is said first of the past, each sentence with a past of which it is true and the nearest one of which it is not. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Phase, type Instant } from '../../../emulator/history/instant';
import type { Put } from '../../questions/debugger-writes';
import { unsaid } from '../../testing/words-in';
import type { Happened } from '../happened';
import { changeText } from '../searches';
import { freedLine, writerLine } from './past-lines';

const at = (inputs: number, time: number): Instant => ({ inputs, time, phase: Phase.fetched });
const happened = (kind: Happened['kind'], tick: number, more: Partial<Happened> = {}): Happened => ({
  ...{ kind, what: kind, instant: at(1, tick), tick, hart: 0, process: undefined, places: [] },
  ...more,
});
const write = (tick: number, before: bigint, after: bigint, more: Partial<Happened> = {}): Happened =>
  happened('write', tick, { before, after, what: changeText(before, after), bytes: [0, 8], ...more });
const doer = ({ tick }: Happened): string[] => [` at ${tick}`];

const JUNK = 0x0505050505050505n;
const PTE = 0x20040007n;
const put = (by: Put['by'], inputs: number, time: number): Put => ({
  ...{ by, instant: at(inputs, time), done: at(inputs + 1, time) },
});

const FILE = join(__dirname, 'past-lines.ts');
/** Words of the sentences on pages; the others are on entries. */
const OF_PAGES = /The page|freed|allocated|two have/;

describe('who has written an entry last', () => {
  const said = (pte: bigint, found: Happened[], past: { isDone?: boolean; isComplete?: boolean; put?: Put } = {}) => {
    const { isDone = true, isComplete = false } = past;
    const lines = writerLine(
      { kind: 'entry', address: 0x80001000n, pte },
      { found, isDone, isComplete },
      past.put,
      doer,
    );
    return lines.map(({ text }) => text).join('\n');
  };
  const NEVER = 'Nothing has written the entry since the past of this run begins';
  const BY_DEBUGGER = 'The entry was written last by the debugger';
  const CLEARED = 'The entry has not been written since its page was cleared at 3';
  const fill = (bytes: readonly [number, number], before: bigint, after: bigint): Happened =>
    write(3, before, after, { kind: 'fill', bytes });

  const ROWS: [string, string, () => string][] = [
    [
      'a store',
      'The entry was written at 3: 0 → 0x20040007 (PA 0x80100000, V R W - - - - -)',
      () => said(PTE, [write(3, 0n, PTE)]),
    ],
    [
      'a store, and then the marks of a walk',
      'The entry was written at 3: 0 → 0x20040007 (PA 0x80100000, V R W - - - - -)',
      () => said(PTE | 0xc0n, [write(3, 0n, PTE)]),
    ],
    [
      'a store after which it is another: who made it so is not known',
      '',
      () => said(PTE | 0x10n, [write(3, 0n, PTE)]),
    ],
    [
      'a store of 0',
      'The entry was cleared at 3: 0x20040007 (PA 0x80100000, V R W - - - - -) → 0',
      () => said(0n, [write(3, PTE, 0n)]),
    ],
    [
      'a store of 0 where 0 was: of this entry alone, perhaps',
      'The entry was cleared at 3: 0, as it was',
      () => said(0n, [write(3, 0n, 0n)]),
    ],
    [
      'a store of 0 to what was never initialized',
      'The entry was cleared at 3: bytes of 0x05 → 0',
      () => said(0n, [write(3, JUNK, 0n)]),
    ],
    ['a page that was cleared', CLEARED, () => said(0n, [fill([0, 8], JUNK, 0n)])],
    [
      'half of an entry that was cleared',
      'The entry was cleared at 3: 0x7 (PA 0x0, V R W - - - - -) → 0',
      () => said(0n, [fill([0, 4], 7n, 0n)]),
    ],
    [
      'a page that was filled',
      'The entry was filled at 3: 0 → bytes of 0x05',
      () => said(JUNK, [fill([0, 8], 0n, JUNK)]),
    ],
    [
      'a byte that was stored',
      'The entry was written at 3: 0 → 0x7 (PA 0x0, V R W - - - - -)',
      () => said(7n, [fill([0, 1], 0n, 7n)]),
    ],
    ['nothing in the whole past', NEVER, () => said(PTE, [], { isComplete: true })],
    ['nothing as far as was looked', '', () => said(PTE, [])],
    ['nothing yet', '', () => said(PTE, [], { isDone: false })],
    ['nothing but by the debugger', BY_DEBUGGER, () => said(PTE, [], { isComplete: true, put: put('debugger', 1, 5) })],
    ['nothing by anybody since a reset', NEVER, () => said(PTE, [], { isComplete: true, put: put('reset', 1, 5) })],
    [
      'the debugger, of which nothing is known yet that came after it',
      '',
      () => said(PTE, [], { isDone: false, put: put('debugger', 1, 5) }),
    ],
    [
      'the debugger, after the guest',
      BY_DEBUGGER,
      () => said(PTE, [write(3, 0n, PTE)], { put: put('debugger', 1, 5) }),
    ],
    [
      'the debugger, between the same two instructions',
      BY_DEBUGGER,
      () => said(PTE, [write(3, 0n, PTE)], { put: put('debugger', 1, 4) }),
    ],
    [
      'the guest, after the debugger',
      'The entry was written at 3: 0 → 0x20040007 (PA 0x80100000, V R W - - - - -)',
      () => said(PTE, [write(3, 0n, PTE)], { put: put('debugger', 0, 3) }),
    ],
    [
      'a store before a reset, which took it away',
      '',
      () => said(PTE, [write(3, 0n, PTE)], { put: put('reset', 1, 5) }),
    ],
  ];
  for (const [what, sentence, told] of ROWS) it(`of ${what}`, () => assert.equal(told(), sentence));

  it('is all told', () => {
    const all = ROWS.map(([, sentence]) => sentence);
    assert.deepEqual(
      unsaid(FILE, all).filter((text) => !OF_PAGES.test(text)),
      [],
    );
  });
});

describe('that a page was freed', () => {
  const PAGE_WAS = 'The page at PA 0x80005000 was';
  const said = (kinds: string, more: { isReused?: boolean; isPartial?: boolean } = {}): string => {
    const all = { f: 'freed', a: 'allocated', k: 'kept', m: 'mapped' } as const;
    const found = [...kinds].map((letter, tick) => happened(all[letter as keyof typeof all], tick));
    const { isReused = false, isPartial = false } = more;
    const lines = freedLine({ kind: 'page', page: 0x80005000n, isReused }, { found, isPartial }, doer);
    return lines.map(({ text }) => text.replace(`${PAGE_WAS} freed`, 'freed')).join('\n');
  };

  // f: freed, a: allocated, k: a call that only counted down, m: mapped.
  const ROWS: [string, { isReused?: boolean; isPartial?: boolean }, string][] = [
    ['af', {}, 'freed at 1, and not allocated since'],
    ['af', { isPartial: true }, 'freed at 1'],
    ['afa', {}, ''],
    ['ak', {}, ''],
    ['a', {}, ''],
    ['', {}, ''],
    ['afk', {}, 'freed at 1, and not allocated since'],
    ['aff', {}, 'freed twice, at 1 and at 2, and not allocated between'],
    ['aff', { isPartial: true }, 'freed at 2'],
    ['afaf', {}, 'freed at 3, and not allocated since'],
    ['akf', {}, 'freed at 2, and not allocated since'],
    ['affaa', { isReused: true }, 'freed twice, at 1 and at 2: two have it now'],
    ['affaa', { isReused: true, isPartial: true }, ''],
    ['affaa', {}, ''],
    ['afaa', { isReused: true }, ''],
    ['faaa', { isReused: true }, ''],
    ['fffa', { isReused: true }, 'freed at 2, and allocated again at 3'],
    ['affa', { isReused: true }, 'freed at 2, and allocated again at 3'],
    ['afafa', { isReused: true }, 'freed at 3, and allocated again at 4'],
    ['afma', { isReused: true }, 'freed at 1, and allocated again at 3'],
    ['afa', { isReused: true, isPartial: true }, ''],
    ['aa', { isReused: true }, ''],
  ];
  for (const [past, more, sentence] of ROWS) {
    it(`of ${past || 'nothing'} ${JSON.stringify(more)}: ${sentence || 'nothing'}`, () =>
      assert.equal(said(past, more), sentence));
  }

  it('is all told', () => {
    const all = ROWS.map(([, , sentence]) => `${PAGE_WAS} ${sentence}`);
    assert.deepEqual(
      unsaid(FILE, all).filter((text) => OF_PAGES.test(text)),
      [],
    );
  });
});
