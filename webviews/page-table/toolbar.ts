/** The bar above the page table: whose it is, in which form, the search, and what can be done with all of it. */
import { html, nothing, type TemplateResult } from 'lit';
import type { PageTableRoot } from '../../debug-adapter/protocol';

/** The forms of the panel. */
export const FORMS = { tree: 'Tree', drawing: 'Drawing', physical: 'Physical' } as const;
export type Form = keyof typeof FORMS;

export const isForm = (value: unknown): value is Form => typeof value === 'string' && Object.hasOwn(FORMS, value);

/** A button with an icon of codicons. */
export interface Action {
  icon: string;
  title: string;
  run: () => void;
  /** Of one that stays pressed. */
  isOn?: boolean;
}

export interface Bar {
  roots: readonly PageTableRoot[];
  shown: string;
  form: Form;
  search: string;
  actions: readonly Action[];
  summary: string;
  choose: (root: string) => void;
  turn: (form: Form) => void;
  searched: (text: string) => void;
  /** From the search to what it has found. */
  enter: () => void;
}

export const toolbar = (bar: Bar): TemplateResult =>
  html`<header>
    <label class="root"
      ><span>Root</span>
      <select
        aria-label="Page table to show"
        @change=${({ target }: Event) => bar.choose((target as HTMLSelectElement).value)}
      >
        ${bar.roots.map(
          ({ id, label, root }) =>
            html`<option value=${id} ?selected=${id === bar.shown}>${label}${root ? ` – ${root}` : ''}</option>`,
        )}
      </select></label
    >
    ${forms(bar)}
    <input
      type="search"
      placeholder="Search: address, region, owner, flags"
      title=${SEARCH}
      aria-label="Search by virtual or physical address, region, owner or flags"
      spellcheck="false"
      .value=${bar.search}
      @input=${({ target }: Event) => bar.searched((target as HTMLInputElement).value)}
      @keydown=${(event: KeyboardEvent) => leave(event, bar)}
    />
    ${bar.actions.map(
      ({ icon, title, run, isOn }) =>
        html`<button
          type="button"
          title=${title}
          aria-label=${title}
          aria-pressed=${isOn === undefined ? nothing : isOn}
          @click=${run}
        >
          <i class="codicon codicon-${icon}"></i>
        </button>`,
    )}
    <span class="summary">${bar.summary}</span>
  </header>`;

const SEARCH = 'Words that must all match: 0x80000000, va:0x1000, pa:0x87f64000, rwu, u, -w, stack';

function forms({ form, turn }: Bar): TemplateResult {
  const all = Object.keys(FORMS) as Form[];
  const move = (event: KeyboardEvent): void => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = all[(all.indexOf(form) + step + all.length) % all.length]!;
    turn(next);
    const group = (event.currentTarget as HTMLElement).querySelectorAll('button');
    group[all.indexOf(next)]?.focus();
  };
  return html`<div class="forms" role="radiogroup" aria-label="Form" @keydown=${move}>
    ${all.map(
      (one) =>
        html`<button
          type="button"
          role="radio"
          aria-checked=${one === form}
          tabindex=${one === form ? 0 : -1}
          @click=${() => turn(one)}
        >
          ${FORMS[one]}
        </button>`,
    )}
  </div>`;
}

/** From the search down to what it has found, or back to everything. */
function leave(event: KeyboardEvent, bar: Bar): void {
  if (event.key === 'ArrowDown' || event.key === 'Enter') bar.enter();
  else if (event.key === 'Escape' && bar.search !== '') bar.searched('');
  else return;
  event.preventDefault();
}
