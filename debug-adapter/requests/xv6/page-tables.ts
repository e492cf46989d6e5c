/** Our own requests `xv6.pageTable` and `xv6.translate`: the tables of the harts, the kernel and the processes. */
import { rootsInHand } from '../../evaluation/tables-in-hand';
import { memoryMeaning } from '../../evaluation/memory-meaning';
import { evaluate } from '../../expressions/evaluate';
import { formatValue } from '../../expressions/format';
import { plain, typeName } from '../../expressions/types';
import type { Value } from '../../expressions/value';
import { memoryMap } from '../../memory/memory-map';
import { pageTableModel } from '../../page-tables/model';
import { rootOf, Tables, type Table } from '../../page-tables/tables';
import type { PageTableArguments, PageTableModel, TranslateArguments, TranslateResponse } from '../../protocol';
import { requireStopped, type SessionContext } from '../context';
import { viewFor } from '../inspection/view';
import { comparedTable } from './compared-tables';
import { watchedEntries } from './watched-entries';

export async function pageTable(context: SessionContext, args: PageTableArguments): Promise<PageTableModel> {
  const { debuggee, stopped } = requireStopped(context);
  const id = args.hart ?? stopped.report.hart;
  const hart = debuggee.harts[id];
  if (!hart) throw new Error(`There is no hart ${id}; this machine has ${debuggee.harts.length}.`);
  const inHand = rootsInHand(debuggee, stopped.stack({ kind: 'hart', hart: id }));
  const tables = new Tables(debuggee, hart, inHand);
  const shown = tables.named(args.root ?? 'satp');
  // Of functions that have one table in hand, the innermost is offered; the others can be named as well.
  const isRepeated = (one: Table): boolean =>
    one !== shown &&
    one.id.startsWith('frame:') &&
    one !== tables.all.find(({ id: other, root }) => other.startsWith('frame:') && root === one.root);
  const compared = args.compare && (await comparedTable(context, tables, shown, args.compare));
  const { memory } = debuggee.machine;
  return pageTableModel(context.snapshots, {
    roots: [...tables.all.filter((one) => !isRepeated(one)), ...(tables.all.includes(shown) ? [] : [shown])].map(
      rootOf,
    ),
    shown: rootOf(shown),
    stop: context.stops,
    memory,
    physical: memoryMap(memory),
    regions: tables.regions(shown),
    message: shown.whyNone,
    watched: watchedEntries(context),
    compared,
  });
}

/** A structure lies at an address, but stands for none, as an array does. */
const isRecord = ({ type }: Value): boolean => ['struct', 'union'].includes(plain(type).kind);

export function translate(context: SessionContext, args: TranslateArguments): TranslateResponse {
  requireStopped(context);
  const view = viewFor(context, args.frameId);
  const { evaluation } = view;
  const value = evaluate(args.expression, evaluation);
  const meaning = memoryMeaning(view, args.expression, value, args.root);
  return {
    value: formatValue(value, evaluation),
    type: typeName(value.type),
    ...(meaning && !isRecord(value) ? { translation: meaning.translation } : {}),
    ...(meaning?.kind === 'address' && meaning.others.length > 0 ? { others: meaning.others } : {}),
  };
}
