/** From where a request looks: a frame of the stop, or a hart. */
import { frameEvaluation, globalEvaluation } from '../../evaluation/evaluation';
import { memoryMeaning, type MemoryMeaning } from '../../evaluation/memory-meaning';
import type { EvaluationContext, Value } from '../../expressions/value';
import type { AddressSpace } from '../../memory/address-space';
import { Tables } from '../../page-tables/tables';
import type { Frame } from '../../stack/stack';
import { requireSession, type SessionContext } from '../context';
import type { Stopped } from '../stopped';

/** How values are looked at: in which context, and for which client. */
export interface View {
  readonly context: SessionContext;
  readonly evaluation: EvaluationContext;
  /** The memory that the frame's code sees. */
  readonly space: AddressSpace;
  /** Whose registers they are; in a parked process's frame, the hart that stopped. */
  readonly hart: number;
  /** Undefined while the machine runs: then nothing is kept that could be unfolded later. */
  readonly stopped: Stopped | undefined;
}

/**
 * A frame's scope; with no frame, and while the machine runs, globals and the registers of the hart that stopped or runs.
 */
export function viewFor(context: SessionContext, frameId: number | undefined): View {
  const { debuggee } = requireSession(context);
  const { stopped } = context;
  if (frameId !== undefined && stopped) return frameView(context, stopped, stopped.frame(frameId));
  const hart = debuggee.harts[stopped?.report.hart ?? debuggee.machine.current]!;
  const evaluation = globalEvaluation(debuggee, hart);
  return { context, stopped, evaluation, space: debuggee.space(hart), hart: hart.id };
}

/** What a value means to memory as it is seen from here, or by another table. */
export function meaningFor(view: View, expression: string, value: Value, table?: string): MemoryMeaning | undefined {
  const { debuggee } = requireSession(view.context);
  const tables = new Tables(debuggee, debuggee.harts[view.hart]!);
  const space = table === undefined ? view.space : tables.named(table).space;
  return memoryMeaning(expression, value, view.evaluation, space, tables);
}

/** What is seen from a frame of the stop. */
export function frameView(context: SessionContext, stopped: Stopped, frame: Frame): View {
  return {
    context,
    stopped,
    evaluation: frameEvaluation(requireSession(context).debuggee, frame),
    space: frame.space,
    hart: frame.hart ?? stopped.report.hart,
  };
}
