/**
 * What there is to be said of the entry that is chosen, and to be done with it: its bits spelt out, each of which can be switched, its
 * value, who wrote it, and whether the machine stops when it changes.
 */
import { html, nothing, type TemplateResult } from 'lit';
import { PTE } from '../../debug-adapter/protocol';
import type { FromPanel } from './messages';
import { changeText, type TreeRow } from './rows';

/** Bits of an entry from bit 0 on: the letter, the word, and what it says when it is set. */
const BITS: readonly (readonly [letter: string, word: string, meaning: string])[] = [
  ['V', 'valid', 'valid: the other bits count'],
  ['R', 'read', 'may be read'],
  ['W', 'write', 'may be written'],
  ['X', 'execute', 'may be executed'],
  ['U', 'user', 'user mode may use it; the kernel only with SUM'],
  ['G', 'global', 'global: in every address space'],
  ['A', 'accessed', 'accessed since A was last cleared'],
  ['D', 'dirty', 'written since D was last cleared'],
  ['RSW0', '', 'free for the kernel'],
  ['RSW1', '', 'free for the kernel'],
];

/** Longest value that can be typed. */
const VALUE = /^(0x)?[\da-f]{1,16}$/i;

export interface EntryPanel {
  row: TreeRow;
  isWatched: boolean;
  /** What the table is compared with, in place of the stop before. */
  compared: string | undefined;
  /** The machine stands, so that something can be changed. */
  isStopped: boolean;
  send: (message: FromPanel) => void;
  /** To all addresses of its frame. */
  showFrame: (pa: bigint) => void;
}

export function entryDetails(panel: EntryPanel): TemplateResult {
  const { row, isWatched, isStopped, compared, send, showFrame } = panel;
  // Of several entries in one row, it would not be known which one is meant.
  const isOne = row.count === 1;
  const canChange = isStopped && isOne && row.change !== 'removed';
  const named = { pteAddress: hexadecimal(row.pteAddress) };
  const about = (asked: 'writer' | 'writes' | 'page') => () =>
    send({ type: 'ask', about: asked, ...named, pa: hexadecimal(row.pa) });
  const set = (pte: bigint): void => send({ type: 'set', ...named, pte: hexadecimal(pte) });
  const leads = row.kind === 'table' ? 'leads to the table at' : 'leads to';
  const breaks = isWatched ? 'Do not break when this entry changes' : 'Break when this entry changes (F9)';
  return html`<footer class="entry">
    <div class="line">
      <label
        >PTE
        <input
          class="value"
          aria-label="Value of the entry, in hexadecimal"
          title="Enter writes another value"
          spellcheck="false"
          .value=${hexadecimal(row.pte)}
          ?readonly=${!canChange}
          @keydown=${(event: KeyboardEvent) => typed(event, row, set)}
      /></label>
      <span class="words" aria-live="polite">${wordsOf(row, leads, compared)}</span>
    </div>
    <div class="line">
      <span
        class="bits"
        role="group"
        aria-label=${isOne ? 'Bits of the entry' : 'Bits of the entries; unfold them to change one'}
      >
        ${BITS.map((_, number) => bit(number, row.pte, canChange, set))}
      </span>
      <span class="actions">
        ${button('question', 'Who wrote this entry?', about('writer'), !isStopped)}
        ${button('history', 'Every write of this entry', about('writes'), !isStopped)}
        ${button('package', 'Life of this page', about('page'), !isStopped)}
        ${button('references', 'All addresses of this frame', () => showFrame(row.pa), !isStopped)}
        ${button(
          isWatched ? 'debug-breakpoint-data' : 'debug-breakpoint-data-unverified',
          breaks,
          () => send({ type: 'watch', ...named, on: !isWatched }),
          !isStopped || !isOne,
          isWatched,
        )}
      </span>
    </div>
  </footer>`;
}

function bit(number: number, pte: bigint, canChange: boolean, set: (pte: bigint) => void): TemplateResult {
  const [letter, word, meaning] = BITS[number]!;
  const isSet = ((pte >> BigInt(number)) & 1n) === 1n;
  return html`<button
    type="button"
    class="bit"
    title=${meaning}
    aria-pressed=${isSet}
    ?disabled=${!canChange}
    @click=${() => set(pte ^ (1n << BigInt(number)))}
  >
    <b>${letter}</b> ${word}
  </button>`;
}

const button = (icon: string, title: string, run: () => void, isOff: boolean, isOn?: boolean): TemplateResult =>
  html`<button
    type="button"
    title=${title}
    aria-label=${title}
    aria-pressed=${isOn ?? nothing}
    ?disabled=${isOff}
    @click=${run}
  >
    <i class="codicon codicon-${icon}"></i>
  </button>`;

function typed(event: KeyboardEvent, row: TreeRow, set: (pte: bigint) => void): void {
  const input = event.target as HTMLInputElement;
  if (event.key === 'Escape') {
    input.value = hexadecimal(row.pte);
  } else if (event.key === 'Enter' && !input.readOnly) {
    const text = input.value.trim();
    const isValue = VALUE.test(text);
    input.setAttribute('aria-invalid', String(!isValue));
    if (isValue) set(BigInt(text.toLowerCase().startsWith('0x') ? text : `0x${text}`));
  } else {
    return;
  }
  event.preventDefault();
}

function wordsOf(row: TreeRow, leads: string, compared: string | undefined): string {
  const parts = [`at ${hexadecimal(row.pteAddress)}`, `level ${row.level}, index ${row.index}`];
  if (row.count > 1) parts.push(`the first of ${row.count} entries`);
  if (row.flags & PTE.V && row.kind !== 'tables') parts.push(`${leads} ${hexadecimal(row.pa)}`);
  if (row.before !== undefined) parts.push(`${compared === undefined ? 'was' : 'there'} ${hexadecimal(row.before)}`);
  const change = changeText(row, compared);
  if (change !== undefined) parts.push(change);
  if (row.problem !== undefined) parts.push(row.problem);
  return parts.join(' · ');
}

function hexadecimal(value: bigint): string {
  return `0x${value.toString(16)}`;
}
