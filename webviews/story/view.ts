/**
 * The Stop view: what has happened, in a few sentences, then each object that it is about, with its walk and its history. Plain DOM,
 * made anew whenever more is told; what was folded stays folded, and the focus stays where it was.
 */
import type { Story, StoryEvent, StoryLine, StoryPlace, StorySection, StoryTarget } from '../../debug-adapter/protocol';
import { type FromStory, readToStory } from './messages';
import { element } from '../element';
import { walkTable } from './walk';

interface Host {
  postMessage(message: FromStory): void;
}
declare function acquireVsCodeApi(): Host;

/** Places of an event, from where it happened outwards. */
const MOST_PLACES = 3;
/** Milliseconds after which a machine that runs is said to: steps are shorter. */
const DEPARTURE = 400;

export class StoryView extends HTMLElement {
  private readonly host = acquireVsCodeApi();
  private readonly status = element('p', { className: 'status', role: 'status' });
  private readonly content = element('div', { className: 'content' });
  /** Titles of the sections that the user has folded. */
  private readonly folded = new Set<string>();
  private departing: ReturnType<typeof setTimeout> | undefined;

  connectedCallback(): void {
    this.append(this.content, this.status);
    window.addEventListener('message', this.receive);
    this.say('Stops that have something to explain are explained here.');
    this.host.postMessage({ type: 'ready' });
  }

  disconnectedCallback(): void {
    window.removeEventListener('message', this.receive);
  }

  private readonly receive = ({ data }: MessageEvent<unknown>): void => {
    const message = readToStory(data);
    if (message === undefined) return;
    clearTimeout(this.departing);
    switch (message.type) {
      case 'story':
        this.show(message.story);
        break;
      case 'running':
        this.departing = setTimeout(() => this.leave('The machine runs.'), DEPARTURE);
        break;
      case 'ended':
        this.leave('The session has ended.');
        break;
      case 'failed':
        this.say(message.message);
        break;
    }
  };

  private leave(text: string): void {
    this.content.classList.add('past');
    this.say(text);
  }

  private say(text: string): void {
    this.status.textContent = text;
    this.status.hidden = text === '';
  }

  private show(story: Story | undefined): void {
    if (story === undefined) {
      // Whoever has followed a link into the past still wants the others.
      this.leave(
        `There is nothing to explain at this stop${this.content.hasChildNodes() ? '; above is the last that had' : ''}.`,
      );
      return;
    }
    this.content.classList.remove('past');
    const focused = (document.activeElement as HTMLElement | null)?.dataset['key'];
    this.content.replaceChildren(
      element('h2', { textContent: story.title }),
      ...story.lines.map((line, index) => this.line(line, `line ${index}`)),
      ...story.sections.map((section, index) => this.section(section, `section ${index}`)),
    );
    if (focused !== undefined) this.content.querySelector<HTMLElement>(`[data-key="${CSS.escape(focused)}"]`)?.focus();
    this.say(
      story.past === 'looking'
        ? 'Looking through the past …'
        : story.past === 'given up'
          ? 'The past was not looked through to its end: $why in the debug console goes on.'
          : '',
    );
  }

  private section({ title, lines, walk, events = [], past }: StorySection, key: string): HTMLElement {
    const box = element('details', { open: !this.folded.has(title) });
    const summary = element('summary', { textContent: title });
    summary.dataset['key'] = key;
    box.addEventListener('toggle', () => void (box.open ? this.folded.delete(title) : this.folded.add(title)));
    box.append(summary, ...lines.map((line, index) => this.line(line, `${key} line ${index}`)));
    if (walk) box.append(walkTable(walk, (target, text) => this.link(text, target, `${key} walk ${text}`)));
    if (events.length > 0) {
      const list = element('ol', { className: 'events', ariaLabel: `What happened to: ${title}` });
      list.append(...events.map((event, index) => this.event(event, `${key} event ${index}`)));
      box.append(list);
    } else if (past === 'told') {
      box.append(element('p', { className: 'none', textContent: 'Nothing has happened to it since power on.' }));
    }
    return box;
  }

  private event({ what, instant, hart, ago, process, places }: StoryEvent, key: string): HTMLElement {
    const item = element('li', {});
    const target: StoryTarget = { kind: 'instant', instant, ...(hart !== undefined && { hart }) };
    const when = this.link(ago, target, `${key} when`);
    when.title = 'Go there';
    item.append(when, ` ${what}`);
    // The call stack has the rest, once one is there.
    places
      .slice(0, MOST_PLACES)
      .forEach((place, index) =>
        item.append(index === 0 ? ' by ' : ', called by ', this.place(place, `${key} place ${index}`)),
      );
    if (process) {
      const name = `pid ${process.pid} ${process.name}`.trimEnd();
      item.append(', for ', this.link(name, { kind: 'process', pid: process.pid }, `${key} process`));
    }
    return item;
  }

  private place({ text, path, line }: StoryPlace, key: string): Node {
    if (path === undefined || line === undefined) return document.createTextNode(text);
    return this.link(text, { kind: 'place', path, line }, key);
  }

  /** A sentence with its links. */
  private line({ text, links }: StoryLine, key: string): HTMLElement {
    const paragraph = element('p', {});
    let at = 0;
    for (const [index, { from, to, target }] of links.entries()) {
      if (from < at || to > text.length || to <= from) continue;
      paragraph.append(text.slice(at, from), this.link(text.slice(from, to), target, `${key} link ${index}`));
      at = to;
    }
    paragraph.append(text.slice(at));
    return paragraph;
  }

  private link(text: string, target: StoryTarget, key: string): HTMLElement {
    const button = element('button', { type: 'button', className: 'link', textContent: text });
    button.dataset['key'] = key;
    button.addEventListener('click', () => this.host.postMessage({ type: 'follow', target }));
    return button;
  }
}
