/** One row of the page table: index, addresses, flags, region, and a mark where it differs from the stop before. */
import { html, nothing, type TemplateResult } from 'lit';
import { PTE } from '../../debug-adapter/protocol';
import { changeText, type TreeRow } from './rows';

const LETTERS = ['V', 'R', 'W', 'X', 'U', 'G', 'A', 'D'] as const;
const WORDS = {
  V: 'valid',
  R: 'readable',
  W: 'writable',
  X: 'executable',
  U: 'for user mode',
  G: 'global',
  A: 'accessed',
  D: 'dirty',
} as const;
const CHANGES = { added: 'diff-added', removed: 'diff-removed', changed: 'diff-modified' } as const;

/** How a row is drawn beside what it says. */
export interface RowState {
  id: string;
  active: boolean;
  /** On the way of the address that is looked at. */
  isLit: boolean;
  /** The machine stops when the entry changes. */
  isWatched: boolean;
  /** What it is compared with, in place of the stop before. */
  compared: string | undefined;
}

/** `clicked` is called with true if the click expands or collapses: on the twisty, or a double click. */
export function rowTemplate(
  row: TreeRow,
  { id, active, isLit, isWatched, compared }: RowState,
  clicked: (toggle: boolean) => void,
): TemplateResult {
  const { change, problem } = row;
  const classes = [
    'row',
    `depth-${row.depth}`,
    row.kind,
    change ?? '',
    row.touchedOnly ? 'touched' : '',
    active ? 'active' : '',
    isLit ? 'lit' : '',
  ]
    .filter(Boolean)
    .join(' ');
  const words = [
    ariaLabel(row, compared),
    isLit ? 'on the way of the hovered address' : '',
    isWatched ? 'breaks on change' : '',
  ]
    .filter(Boolean)
    .join('; ');
  return html`<div
    class=${classes}
    id=${id}
    role="treeitem"
    aria-level=${row.depth + 1}
    aria-posinset=${row.position}
    aria-setsize=${row.siblings}
    aria-selected=${active}
    aria-expanded=${row.expandable ? row.expanded : nothing}
    data-vscode-context=${menuContext(row, isWatched)}
    @click=${(event: Event) => clicked((event.target as Element).classList.contains('twisty'))}
    @dblclick=${() => clicked(true)}
  >
    <span class="spoken">${words}</span>
    <span class="index" aria-hidden="true"
      ><i class="twisty ${twisty(row)}"></i
      >${row.count > 1 ? `${row.index}–${row.index + row.count - 1}` : row.index}</span
    >
    <span class="va" aria-hidden="true" title="${hexadecimal(row.va)} – ${hexadecimal(row.last)}"
      >${hexadecimal(row.va)}<span class="last faint"> – ${hexadecimal(row.last)}</span
      ><span class="size faint">${row.kind === 'leaf' && row.level === 0 ? '' : ` +${size(row)}`}</span></span
    >
    <span class="pa" aria-hidden="true">${row.kind === 'table' ? '→ ' : ''}${hexadecimal(row.pa)}</span>
    <span class="flags" aria-hidden="true"
      >${LETTERS.map(
        (letter) =>
          html`<span class=${row.flags & PTE[letter] ? 'set' : 'faint'}
            >${row.flags & PTE[letter] ? letter : '-'}</span
          >`,
      )}<span class=${row.flags & PTE.RSW ? 'rsw set' : 'rsw faint'}>${rsw(row.flags)}</span></span
    >
    <span class="region" aria-hidden="true" title=${row.region ?? nothing}
      >${isWatched ? html`<i class="codicon codicon-debug-breakpoint-data" title="Breaks when it changes"></i>` : nothing}${
        change ? html`<i class="codicon codicon-${CHANGES[change]}" title=${changeText(row, compared)}></i>` : nothing
      }${problem === undefined ? nothing : html`<i class="codicon codicon-warning" title=${problem}></i>`}${
        row.kind === 'table' ? html`<span class="faint">${row.region ?? 'empty table'}</span>` : (row.region ?? problem)
      }</span
    >
  </div>`;
}

/** What the editor passes to the commands of the row's context menu, which are about an entry: the first of several. */
export const menuContext = ({ pteAddress, pa, count }: TreeRow, isWatched: boolean): string =>
  JSON.stringify({
    ...{ webviewSection: 'entry', preventDefaultContextMenuItems: true },
    ...{ isWatched, isOne: count === 1 },
    ...{ pteAddress: hexadecimal(pteAddress), pa: hexadecimal(pa) },
  });

function twisty({ expandable, expanded }: TreeRow): string {
  if (!expandable) return '';
  return expanded ? 'codicon codicon-chevron-down' : 'codicon codicon-chevron-right';
}

function rsw(flags: number): string {
  return ((flags & PTE.RSW) >> 8).toString(2).padStart(2, '0');
}

/** The size that a row covers: "2 MiB". It is always a whole number of KiB, MiB or GiB. */
function size({ va, last }: TreeRow): string {
  const kibibytes = (last + 1n - va) >> 10n;
  if (kibibytes % (1n << 20n) === 0n) return `${kibibytes >> 20n} GiB`;
  return kibibytes % 1024n === 0n ? `${kibibytes >> 10n} MiB` : `${kibibytes} KiB`;
}

/** The row as text for a screen reader. */
function ariaLabel(row: TreeRow, compared: string | undefined): string {
  const set = LETTERS.filter((letter) => row.flags & PTE[letter]).map((letter) => WORDS[letter]);
  const entries = row.count > 1 ? `entries ${row.index} to ${row.index + row.count - 1}` : `entry ${row.index}`;
  const target = row.kind === 'table' ? `table at ${hexadecimal(row.pa)}` : `physical ${hexadecimal(row.pa)}`;
  const many = row.kind === 'tables' ? 'full tables, one after the other' : undefined;
  return [
    `level ${row.level} ${entries}`,
    `${hexadecimal(row.va)} to ${hexadecimal(row.last)}`,
    many,
    target,
    row.region,
    set.join(', ') || 'no flags',
    row.flags & PTE.RSW ? `RSW ${rsw(row.flags)}` : undefined,
    changeText(row, compared),
    row.problem,
  ]
    .filter(Boolean)
    .join('; ');
}

function hexadecimal(value: bigint): string {
  return `0x${value.toString(16)}`;
}
