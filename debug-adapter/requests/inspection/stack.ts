/** The protocol's stackTrace and loadedSources requests. */
import { hex } from '../../../emulator/isa/hex';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { memoryReference } from '../../xv6/address-spaces';
import type { Debuggee } from '../../launch/debuggee';
import type { Frame } from '../../stack/frame';
import { threadNamed } from '../../stack/threads';
import { requireSession, requireStopped, type Body, type SessionContext } from '../context';
import { frameName } from './frame-name';
import { moduleId } from '../lifecycle/modules';
import { canRestart } from '../running/goto';
import { sourceOf } from './source';

export async function stackTrace(
  context: SessionContext,
  args: DebugProtocol.StackTraceArguments,
): Promise<Body<DebugProtocol.StackTraceResponse>> {
  const { debuggee, stopped } = requireStopped(context);
  const stack = stopped.stack(threadNamed(debuggee, args.threadId));
  // The sources of a program that has just been opened are still being looked up.
  await debuggee.sources.settled();
  const start = args.startFrame ?? 0;
  const end = args.levels ? start + args.levels : stack.length;
  const body = (frame: Frame): DebugProtocol.StackFrame => ({
    ...frameBody(debuggee, stopped.report.hart, frame, args.format),
    canRestart: canRestart(debuggee, stopped, frame),
  });
  return { stackFrames: stack.slice(start, end).map(body), totalFrames: stack.length };
}

/** The sources of the kernel and of all user programs: the user can set breakpoints in them before they run. */
export async function loadedSources(context: SessionContext): Promise<Body<DebugProtocol.LoadedSourcesResponse>> {
  const { debuggee } = requireSession(context);
  const images = [debuggee.image, ...debuggee.programs.all.flatMap(({ image }) => image ?? [])];
  const files = new Set(images.flatMap(({ binary }) => binary.files));
  await debuggee.sources.settled();
  return { sources: [...files].map((file) => sourceOf(debuggee, file)) };
}

function frameBody(
  debuggee: Debuggee,
  stoppedHart: number,
  frame: Frame,
  format: DebugProtocol.StackFrameFormat | undefined,
): DebugProtocol.StackFrame {
  const { pc } = frame.registers;
  const body: DebugProtocol.StackFrame = {
    id: frame.id,
    name: frameName(debuggee, frame, format),
    line: frame.line,
    column: frame.file === undefined ? 0 : Math.max(frame.column, 1),
  };
  if (frame.isLabel) return { ...body, presentationHint: 'label' };
  // The kernel's code has the same address in every table; a user program's only in its own.
  body.instructionPointerReference = frame.isUser ? memoryReference(frame.space, pc, stoppedHart) : hex(pc);
  const module = frame.image && moduleId(debuggee, frame.image);
  if (module !== undefined) body.moduleId = module;
  if (frame.file !== undefined) body.source = sourceOf(debuggee, frame.file);
  return body;
}
