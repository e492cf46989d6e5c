/** completions of the protocol: what may be typed next in the debug console. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { HELPERS } from '../expression-helpers';
import { complete, type Completion } from '../expressions/completions';
import { launched, type Body, type Context } from './context';
import { viewFor } from './evaluate';

const TYPES: Readonly<Record<Completion['kind'], DebugProtocol.CompletionItemType>> = {
  variable: 'variable',
  function: 'function',
  member: 'field',
  type: 'class',
  enumerator: 'enum',
  register: 'variable',
  field: 'property',
  helper: 'method',
  keyword: 'keyword',
};

/** What is nearer comes first, in the order in which it was found. */
const sortText = (index: number): string => String(index).padStart(5, '0');

export function completions(
  context: Context,
  args: DebugProtocol.CompletionsArguments,
): Body<DebugProtocol.CompletionsResponse> {
  launched(context);
  const lines = args.text.split('\n');
  const line = lines[(args.line ?? 1) - 1] ?? '';
  const at = Math.min(Math.max(args.column - 1, 0), line.length);
  const { evaluation } = viewFor(context, args.frameId);
  const { items, start, length } = complete(line, at, evaluation, HELPERS);
  return {
    targets: items.map(({ label, kind, detail }, index) => ({
      label,
      type: TYPES[kind],
      sortText: sortText(index),
      start: start + 1,
      length,
      ...(detail === undefined ? {} : { detail }),
    })),
  };
}
