/** What the keys do in the timeline, after the ARIA authoring practices for a list, and what zooming views have in common. */

export type Command =
  | { do: 'lane' | 'item' | 'move'; by: number }
  | { do: 'zoom'; in: boolean }
  | { do: 'all' | 'here' | 'go' | 'beginning' | 'end' };

/** Part of the width of a step to the side. */
const STEP = 0.2;

/** The view's accessible name. */
export const HELP =
  'Timeline. Up and down choose a lane, left and right what is in it, Enter goes there. Plus and minus zoom, with Control the ' +
  'arrows move, 0 shows the whole run, the full stop shows where the machine stands.';

type Key = Pick<KeyboardEvent, 'key' | 'altKey' | 'metaKey' | 'ctrlKey' | 'shiftKey'>;

export function commandOf({ key, altKey, metaKey, ctrlKey, shiftKey }: Key): Command | undefined {
  if (altKey || metaKey) return undefined;
  const isBack = key === 'ArrowLeft' || key === 'ArrowUp' || key === 'PageUp';
  switch (key) {
    case 'ArrowUp':
    case 'ArrowDown':
      return { do: 'lane', by: isBack ? -1 : 1 };
    case 'ArrowLeft':
    case 'ArrowRight':
      if (ctrlKey || shiftKey) return { do: 'move', by: isBack ? -STEP : STEP };
      return { do: 'item', by: isBack ? -1 : 1 };
    case 'PageUp':
    case 'PageDown':
      return { do: 'move', by: isBack ? -1 : 1 };
  }
  return ctrlKey ? undefined : PLAIN[key];
}

const PLAIN: Readonly<Record<string, Command>> = {
  Home: { do: 'beginning' },
  End: { do: 'end' },
  '+': { do: 'zoom', in: true },
  '=': { do: 'zoom', in: true },
  '-': { do: 'zoom', in: false },
  '0': { do: 'all' },
  '.': { do: 'here' },
  Enter: { do: 'go' },
  ' ': { do: 'go' },
};
