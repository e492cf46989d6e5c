/** stackTrace, loadedSources and source lookup of the protocol. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { Mode } from '../../emulator/types';
import type { Debuggee } from '../debuggee';
import { baseName } from '../sources';
import type { Frame } from '../stack';
import { hartOf, launched, standing, type Body, type Context } from './context';

export async function stackTrace(
  context: Context,
  args: DebugProtocol.StackTraceArguments,
): Promise<Body<DebugProtocol.StackTraceResponse>> {
  const { debuggee, stopped } = standing(context);
  const stack = stopped.stack(hartOf(context, args.threadId));
  // A program that has just been opened: its sources are being looked for.
  await debuggee.sources.settled();
  const start = args.startFrame ?? 0;
  const end = args.levels ? start + args.levels : stack.length;
  return { stackFrames: stack.slice(start, end).map((frame) => frameBody(debuggee, frame)), totalFrames: stack.length };
}

/** Of the kernel and of all user programs: they can be opened and take breakpoints before anything of them runs. */
export async function loadedSources(context: Context): Promise<Body<DebugProtocol.LoadedSourcesResponse>> {
  const { debuggee } = launched(context);
  const images = [debuggee.image, ...debuggee.programs.all.flatMap(({ image }) => image ?? [])];
  const files = new Set(images.flatMap(({ binary }) => binary.files));
  await debuggee.sources.settled();
  return { sources: [...files].map((file) => sourceOf(debuggee, file)) };
}

function frameBody(debuggee: Debuggee, frame: Frame): DebugProtocol.StackFrame {
  const body: DebugProtocol.StackFrame = {
    id: frame.id,
    name: frame.image ? frame.name : unknownName(debuggee, frame),
    line: frame.line,
    column: frame.file === undefined ? 0 : Math.max(frame.column, 1),
    instructionPointerReference: `0x${frame.registers.pc.toString(16)}`,
  };
  if (frame.file !== undefined) body.source = sourceOf(debuggee, frame.file);
  return body;
}

function unknownName(debuggee: Debuggee, frame: Frame): string {
  const process = debuggee.processOn(frame.hart);
  const user = debuggee.harts[frame.hart]!.mode === Mode.User;
  return user
    ? `${frame.name} in the user program${process ? ` (pid ${process.pid} ${process.name})` : ''}`
    : frame.name;
}

/** A source that was not found keeps its recorded path, so that it can at least be named. */
export function sourceOf(debuggee: Debuggee, recorded: string): DebugProtocol.Source {
  const here = debuggee.sources.here(recorded);
  if (here !== undefined) return { name: baseName(here), path: here };
  return { name: baseName(recorded), path: recorded, presentationHint: 'deemphasize', origin: 'not found here' };
}
