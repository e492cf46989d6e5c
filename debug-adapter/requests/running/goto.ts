/**
 * The protocol's gotoTargets, goto and restartFrame requests: continuing from another place. They set only registers; memory
 * and devices stay as the code has left them.
 */
import { hex } from '../../../emulator/isa/hex';
import { X } from '../../../emulator/isa/registers';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Hart } from '../../../emulator/types';
import type { Debuggee } from '../../launch/debuggee';
import { frameEvaluation } from '../../evaluation/evaluation';
import { isInteger, isSigned, plain, sizeOf, type PlainType } from '../../expressions/types';
import { fromBytes, readLocation, variableValue, type EvaluationContext } from '../../expressions/value';
import { ExpressionError } from '../../expressions/error';
import type { Frame } from '../../stack/frame';
import type { FunctionInfo } from '../../symbols/api';
import { hartThread, threadNamed } from '../../stack/threads';
import { requireSession, say, requireStopped, type Body, type SessionContext } from '../context';
import { Stopped } from '../stopped';

const ARGUMENT_REGISTERS = 8;
/** s0, s1 and s2 to s11, which a function must restore (RISC-V calling convention). */
const SAVED = [8, 9, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27];

/** Every location of a line, in the kernel and in the program of the hart that stopped. */
export function gotoTargets(
  context: SessionContext,
  args: DebugProtocol.GotoTargetsArguments,
): Body<DebugProtocol.GotoTargetsResponse> {
  const { debuggee, stopped } = requireStopped(context);
  const { path } = args.source;
  if (path === undefined) throw new Error('gotoTargets needs the path of the source.');
  const file = debuggee.sources.recorded(path);
  const images = new Set([stopped.frame().image ?? debuggee.image, debuggee.image]);
  const targets = [...images].flatMap((image) =>
    image.binary
      .breakLocations(file, args.line, args.column)
      .map((place) => ({ place, id: stopped.keepTarget({ image, address: place.address }), binary: image.binary })),
  );
  return {
    targets: targets.map(({ place, id, binary }) => ({
      id,
      label: `${binary.functionAt(place.address)?.name ?? 'line'} at line ${place.line}`,
      line: place.line,
      ...(place.column > 0 ? { column: place.column } : {}),
      instructionPointerReference: hex(place.address),
    })),
  };
}

/** Sets a hart's pc to a target within the function that it is in. */
export function goTo(context: SessionContext, args: DebugProtocol.GotoArguments): void {
  const { debuggee, stopped } = requireStopped(context);
  const frame = innermost(context, args.threadId);
  const target = stopped.target(args.targetId);
  const { image } = frame;
  const here = image?.binary.functionAt(frame.lookup);
  const there = target.image.binary.functionAt(target.address);
  if (!image || !here || target.image !== image || here.low !== there?.low) {
    throw new Error(
      `The target is in ${there?.name ?? 'another program'}, the hart in ${here?.name ?? frame.name}: a jump out of the function would leave its stack frame behind. Set $pc in the debug console if that is what you want.`,
    );
  }
  const { pc } = frame.registers;
  const hart = hartUnder(debuggee, frame);
  debuggee.machine.apply({ kind: 'pc', hart: hart.id, value: target.address + (pc - image.linked(pc)) });
  again(context, hart, 'goto');
}

/** Restarts a frame at its function's first instruction, with its arguments. */
export function restartFrame(context: SessionContext, args: DebugProtocol.RestartFrameArguments): void {
  const { debuggee, stopped } = requireStopped(context);
  const frame = stopped.frame(args.frameId);
  const hart = hartUnder(debuggee, frame);
  const { caller, info, given } = restartable(debuggee, stopped, frame);
  const { pc } = frame.registers;
  const { machine } = debuggee;
  const setRegister = (register: number, value: bigint): unknown =>
    machine.apply({ kind: 'register', hart: hart.id, register, value });
  for (const register of SAVED) {
    const value = caller.registers.x[register];
    if (value !== undefined) setRegister(register, value);
  }
  setRegister(X.sp, caller.registers.x[X.sp]!);
  setRegister(X.ra, caller.registers.pc);
  given.forEach((value, index) => setRegister(X.a0 + index, value));
  machine.apply({ kind: 'pc', hart: hart.id, value: info.low + (pc - frame.image!.linked(pc)) });
  say(
    context,
    `${info.name} starts again with its arguments. What it has done so far stays done: memory written, locks taken, devices told.`,
  );
  again(context, hart, 'restart');
}

/** Whether a frame can be restarted, for the stack's response. */
export function canRestart(debuggee: Debuggee, stopped: Stopped, frame: Frame): boolean {
  try {
    restartable(debuggee, stopped, frame);
    return true;
  } catch {
    return false;
  }
}

/** Throws an Error if a frame cannot be restarted. */
function restartable(
  debuggee: Debuggee,
  stopped: Stopped,
  frame: Frame,
): { caller: Frame; info: FunctionInfo; given: bigint[] } {
  const refuse = (why: string): never => {
    throw new Error(`${frame.name} cannot be restarted: ${why}.`);
  };
  if (frame.hart === undefined) return refuse('no hart is in it, as its process is parked');
  const stack = stopped.stackOf(frame);
  const at = stack.indexOf(frame);
  const info = frame.image?.binary.functionAt(frame.lookup);
  if (!info?.type) return refuse('nothing is known of how it is called');
  const calls = frame.image!.binary.inlinedCallsAt(frame.lookup).length;
  if (frame.inlinedDepth < calls) return refuse('it is inlined, so it has no entry of its own');
  const within = stack.slice(0, at + 1).filter(({ registers }) => registers !== frame.registers);
  if (within.some(({ image }) => image !== frame.image) || interrupted(stack.slice(1, at + 1)))
    return refuse('a trap has been taken since, and going back over it would leave the kernel in the middle of it');
  const caller = stack.slice(at + 1).find(({ registers }) => registers !== frame.registers);
  if (!caller?.registers.returnAddress || caller.image !== frame.image || caller.registers.x[X.sp] === undefined)
    return refuse('its caller is not known');
  return { caller, info, given: argumentsOf(frame, info, frameEvaluation(debuggee, frame)) };
}

/** Whether a frame other than the innermost is not at a call: then a trap interrupted it. */
const interrupted = (frames: readonly Frame[]): boolean =>
  frames.some(({ registers }, index) => registers.returnAddress !== true && registers !== frames[index - 1]?.registers);

/**
 * The argument registers at the function's entry: as recorded for the caller's call site, else the current values of the
 * parameters. Throws an Error if one is not known.
 */
function argumentsOf({ registers, image, lookup }: Frame, info: FunctionInfo, evaluation: EvaluationContext): bigint[] {
  const { binary } = image!;
  const parameters = (binary.scopesAt(lookup).at(-1)?.variables ?? []).filter(({ kind }) => kind === 'parameter');
  return parameters.slice(0, ARGUMENT_REGISTERS).map((parameter, index) => {
    const refuse = (why: string): never => {
      throw new Error(`${info.name} cannot be restarted: its argument ${parameter.name} is ${why}.`);
    };
    const type = plain(parameter.type);
    if (type.kind === 'struct' || type.kind === 'union' || sizeOf(type) > 8) return refuse('not in one register');
    const given = binary.registerAtEntry(X.a0 + index, image!.linkedFrame(registers), evaluation.readMemory);
    if (given !== undefined) return given;
    try {
      return passed(readLocation(variableValue(parameter, evaluation).location, 0, sizeOf(type), evaluation), type);
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      return refuse(`${error.reason}, and its caller does not say what it was`);
    }
  });
}

/** A value as passed in a register: 32 bits are sign-extended, narrower ones extended by their type. */
function passed(bytes: Uint8Array, type: PlainType): bigint {
  const signed = bytes.length === 4 || (isInteger(type) && isSigned(type));
  const value = fromBytes(bytes);
  return signed ? BigInt.asUintN(64, BigInt.asIntN(8 * bytes.length, value)) : value;
}

function innermost(context: SessionContext, threadId: number): Frame {
  const { debuggee, stopped } = requireStopped(context);
  const frame = stopped.stack(threadNamed(debuggee, threadId))[0];
  if (!frame) throw new Error(`Thread ${threadId} has no stack.`);
  return frame;
}

function hartUnder(debuggee: Debuggee, { hart, name }: Frame): Hart {
  if (hart === undefined)
    throw new Error(`No hart is in ${name}: its process is parked, and goes on where the kernel has put it away.`);
  return debuggee.harts[hart]!;
}

/** Sends a new stopped event after the response, since the hart's pc has changed. */
function again(context: SessionContext, { id }: Hart, reason: 'goto' | 'restart'): void {
  const { debuggee, runner } = requireSession(context);
  runner.seen(id);
  context.stops++;
  context.stopped = new Stopped(debuggee, { hart: id, reason }, context.registers);
  context.registers = context.stopped.registers;
  context.connection.afterResponse(() =>
    context.connection.event('stopped', { reason, threadId: hartThread(id), allThreadsStopped: true }),
  );
}
