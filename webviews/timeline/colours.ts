/** The colours of the timeline, from the theme's: read again whenever that changes. */
import type { TimelineState } from '../../debug-adapter/protocol';

export interface Colours {
  readonly text: string;
  readonly faint: string;
  readonly line: string;
  readonly background: string;
  readonly here: string;
  readonly selected: string;
  /** By the kind of an event. */
  readonly kinds: Readonly<Record<string, string>>;
  /** Of processes, by turns. */
  readonly processes: readonly string[];
}

export function coloursOf(element: Element): Colours {
  const style = getComputedStyle(element);
  const get = (...names: string[]): string =>
    names.map((name) => style.getPropertyValue(`--vscode-${name}`).trim()).find((value) => value !== '') ?? style.color;
  const text = get('foreground');
  const blue = get('charts-blue', 'terminal-ansiBlue');
  const green = get('charts-green', 'terminal-ansiGreen');
  const purple = get('charts-purple', 'terminal-ansiMagenta');
  const yellow = get('charts-yellow', 'terminal-ansiYellow');
  const red = get('charts-red', 'terminal-ansiRed');
  const orange = get('charts-orange', 'terminal-ansiBrightYellow');
  return {
    text,
    faint: get('disabledForeground', 'descriptionForeground'),
    line: get('panel-border', 'contrastBorder', 'editorIndentGuide-background1'),
    background: get('editor-background'),
    here: get('focusBorder', 'charts-orange'),
    selected: get('contrastActiveBorder', 'focusBorder'),
    kinds: {
      'system call': blue,
      fault: red,
      'timer interrupt': yellow,
      'device interrupt': green,
      'other interrupt': yellow,
      'satp write': purple,
      line: text,
      'packet sent': orange,
      'packet received': green,
      pause: blue,
      bookmark: purple,
      future: orange,
    },
    processes: [blue, green, orange, purple, yellow, get('terminal-ansiCyan'), get('terminal-ansiMagenta')],
  };
}

/** How a state is drawn: its colour, and how strongly; undefined for nothing. */
export function paintOf({ does, pid }: TimelineState, colours: Colours): { colour: string; alpha: number } | undefined {
  if (does === 'idle') return undefined;
  const colour = pid === undefined ? colours.faint : colours.processes[pid % colours.processes.length]!;
  return { colour, alpha: does === 'user' ? 1 : does === 'kernel' ? 0.55 : 0.3 };
}

/** Of events that are told together, the colour of what is rarest and worst. */
export function markColour(kinds: readonly (readonly [string, number])[], colours: Colours): string {
  const worst = kinds.find(([kind]) => kind === 'fault') ?? kinds[0];
  return (worst && colours.kinds[worst[0]]) ?? colours.kinds['fault']!;
}
