/** From where a request looks: a frame of the stop, or a hart. */
import type { Hart } from '../../../emulator/types';
import { frameEvaluation, globalEvaluation } from '../../evaluation/evaluation';
import type { Viewpoint } from '../../evaluation/memory-meaning';
import { rootsMeantIn } from '../../evaluation/tables-in-hand';
import type { Debuggee } from '../../launch/debuggee';
import type { Frame } from '../../stack/frame';
import { requireSession, type SessionContext } from '../context';
import type { Stopped } from '../stopped';

/** How values are looked at: in which context, and for which client. */
export interface View extends Viewpoint {
  readonly context: SessionContext;
  readonly debuggee: Debuggee;
  /** Whose registers they are; in a parked process's frame, the hart that stopped. */
  readonly hart: Hart;
  /** Undefined while the machine runs: then nothing is kept that could be unfolded later. */
  readonly stopped: Stopped | undefined;
}

/**
 * A frame's scope; with no frame, and while the machine runs, globals and the registers of the hart that stopped or runs.
 */
export function viewFor(context: SessionContext, frameId: number | undefined): View {
  const { debuggee } = requireSession(context);
  const { stopped } = context;
  if (frameId !== undefined && stopped) return frameView(context, debuggee, stopped, stopped.frame(frameId));
  const hart = debuggee.harts[stopped?.report.hart ?? debuggee.machine.current]!;
  const evaluation = globalEvaluation(debuggee, hart);
  return { context, debuggee, stopped, evaluation, space: debuggee.space(hart), hart };
}

/** What is seen from a frame of the stop. */
export function frameView(context: SessionContext, debuggee: Debuggee, stopped: Stopped, frame: Frame): View {
  return {
    context,
    debuggee,
    stopped,
    evaluation: frameEvaluation(debuggee, frame),
    space: frame.space,
    hart: debuggee.harts[frame.hart ?? stopped.report.hart]!,
    process: frame.process,
    isUser: frame.isUser,
    inHand: () => {
      const stack = stopped.stackOf(frame);
      return rootsMeantIn(debuggee, stack.slice(stack.indexOf(frame)));
    },
  };
}
