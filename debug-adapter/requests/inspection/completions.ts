/**
 * The protocol's completions request, for the debug console. An item replaces the `length` characters before the cursor. It
 * has no `start`: the protocol counts that from 1, but VS Code from 0, so VS Code would filter by the wrong word; without a
 * `start`, both agree.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { BUILTINS } from '../../evaluation/builtins';
import { complete, type Completion } from '../../expressions/completions';
import { QUESTIONS } from '../../questions/question-text';
import { requireSession, type Body, type SessionContext } from '../context';
import { viewFor } from './view';

const TYPES: Readonly<Record<Completion['kind'], DebugProtocol.CompletionItemType>> = {
  variable: 'variable',
  function: 'function',
  member: 'field',
  type: 'class',
  enumerator: 'enum',
  register: 'variable',
  field: 'property',
  builtin: 'method',
  keyword: 'keyword',
};

/** Keeps the order in which the names were found, the nearest scope first. */
const sortText = (index: number): string => String(index).padStart(5, '0');

export function completions(
  context: SessionContext,
  args: DebugProtocol.CompletionsArguments,
): Body<DebugProtocol.CompletionsResponse> {
  requireSession(context);
  const lines = args.text.split('\n');
  const line = lines[(args.line ?? 1) - 1] ?? '';
  const at = Math.min(Math.max(args.column - 1, 0), line.length);
  const { evaluation } = viewFor(context, args.frameId);
  const { items, length } = complete(line, at, evaluation, [...BUILTINS, ...QUESTIONS]);
  return {
    targets: items.map(({ label, kind, detail }, index) => ({
      label,
      type: TYPES[kind],
      sortText: sortText(index),
      length,
      ...(detail === undefined ? {} : { detail }),
    })),
  };
}
