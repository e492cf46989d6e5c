/** The line that a hart is in, as stepping counts lines. */
import type { Hart } from '../../../emulator/types';
import type { BreakpointOrigin, MappedProgram } from '../../code/mapped-program';
import type { StepContext } from './step-plan';

/** Of the functions inlined where a hart is, those that count as calls made. */
export function inlineDepth(context: StepContext, hart: Hart, origin: BreakpointOrigin | undefined): number {
  const image = context.imageAt(hart);
  if (!image) return 0;
  const pc = image.linked(hart.pc);
  return (origin ? image.inlinedCallsAtBreakpoint(pc, origin) : image.inlinedCalls(pc)).length;
}

export interface Position {
  function: string | undefined;
  /** Bytes from the function's first instruction. */
  offset: bigint | undefined;
  file: string;
  line: number;
  /** The depth of inlining whose line this is; undefined for the innermost. */
  depth: number | undefined;
  /** Whether a line begins here, as far as a debugger may stop. */
  startsStatement: boolean;
}

/**
 * The line of a hart; what is inlined deeper than `depth` counts as the line that called it. Undefined also for what the
 * compiler kept of inlined code without its call: lines of another file with no call around them.
 */
export function position(context: StepContext, hart: Hart, depth: number | undefined): Position | undefined {
  const image = context.imageAt(hart);
  return image && positionIn(image, image.linked(hart.pc), depth);
}

/** The same for an address in a program, as it was linked. */
export function positionIn(image: MappedProgram, pc: bigint, depth: number | undefined): Position | undefined {
  const entry = image.binary.lineAt(pc);
  if (!entry) return undefined;
  const info = image.binary.functionAt(pc);
  const symbol = image.binary.symbolAt(pc);
  const common = {
    function: info?.name ?? symbol?.symbol.name,
    offset: info ? pc - info.low : symbol?.offset,
    depth,
    startsStatement: entry.isStatement && entry.address === pc,
  };
  const inlined = image.binary.inlinedCallsAt(pc);
  const call = depth === undefined ? undefined : inlined[inlined.length - depth - 1];
  if (call?.callFile !== undefined && call.callLine !== undefined)
    return { ...common, file: call.callFile, line: call.callLine };
  if (inlined.length === 0 && info?.file !== undefined && info.file !== entry.file) return undefined;
  return { ...common, file: entry.file, line: entry.line };
}
