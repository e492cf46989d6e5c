/**
 * The messages between the page-table panel and the extension, and the checks on arrival: a webview's messages are hostile
 * input, and so is a model read from a guest. No function here throws.
 */
import type { ExposureModel, FramesModel, PageTableModel } from '../../debug-adapter/protocol';
import { isObject, isText } from '../message-checks';
import { isExposureModel, isFramesModel, isHexadecimal, isPageTableModel } from './model-checks';

/** From the extension to the panel. */
export type ToPanel =
  /** A table at a stop. */
  | { type: 'model'; model: PageTableModel }
  /** What all frames are for, at a stop. */
  | { type: 'frames'; model: FramesModel }
  /** What is mapped while a program runs. */
  | { type: 'exposure'; model: ExposureModel }
  /** The way of an address through the table that is shown, in words too. */
  | { type: 'path'; va: string; words: string }
  /** The frame at a physical address, in the physical view. */
  | { type: 'frame'; pa: string }
  /** The guest runs, so the table shown is of the last stop; or the session has ended. */
  | { type: 'running' }
  | { type: 'ended' }
  /** Why the table could not be read. */
  | { type: 'failed'; message: string };

/** What can be asked of an entry: who wrote it last, every write of it, the life of its page. */
export const ABOUT = ['writer', 'writes', 'page'] as const;

/** From the panel to the extension. Entries are named by their physical addresses. */
export type FromPanel =
  /** The panel is loaded and listens. */
  | { type: 'ready' }
  /** Show another root, by its id. */
  | { type: 'root'; root: string }
  /** Tell of the frames of RAM, at this stop and all others, or no more. */
  | { type: 'frames'; on: boolean }
  /** Tell of what is mapped while a program runs, at this stop and all others, or no more. */
  | { type: 'exposure'; on: boolean }
  /** Write an entry. */
  | { type: 'set'; pteAddress: string; pte: string }
  | { type: 'ask'; about: (typeof ABOUT)[number]; pteAddress: string; pa: string }
  /** Stop whenever the entry changes, or no more. */
  | { type: 'watch'; pteAddress: string; on: boolean }
  /** Choose what the table is compared with; or compare it with the stop before, as ever. */
  | { type: 'compare'; on: boolean }
  /** Write the drawing to a file. */
  | { type: 'export' };

export function readFromPanel(message: unknown): FromPanel | undefined {
  if (!isObject(message)) return undefined;
  const { type, root, on, about: asked, pteAddress, pte, pa } = message;
  if (type === 'ready' || type === 'export') return { type };
  if (type === 'root' && isText(root, 64)) return { type, root };
  if ((type === 'frames' || type === 'compare' || type === 'exposure') && typeof on === 'boolean') return { type, on };
  if (!isHexadecimal(pteAddress)) return undefined;
  if (type === 'set' && isHexadecimal(pte)) return { type, pteAddress, pte };
  if (type === 'watch' && typeof on === 'boolean') return { type, pteAddress, on };
  const about = ABOUT.find((one) => one === asked);
  if (type === 'ask' && about !== undefined && isHexadecimal(pa)) return { type, about, pteAddress, pa };
  return undefined;
}

export function readToPanel(message: unknown): ToPanel | undefined {
  if (!isObject(message)) return undefined;
  const { type, model, va, words, pa } = message;
  if (type === 'running' || type === 'ended') return { type };
  if (type === 'failed' && isText(message['message'], 2000)) return { type, message: message['message'] };
  if (type === 'model' && isPageTableModel(model)) return { type, model };
  if (type === 'frames' && isFramesModel(model)) return { type, model };
  if (type === 'exposure' && isExposureModel(model)) return { type, model };
  if (type === 'path' && isHexadecimal(va) && isText(words, 2000)) return { type, va, words };
  if (type === 'frame' && isHexadecimal(pa)) return { type, pa };
  return undefined;
}
