/**
 * Steps backwards: to the line before, into the function that was called there last, out to the call of this one; or by one
 * instruction. Each finds an instant of the past from which a step forward leads here.
 */
import { compareInstants, type Instant } from '../../../emulator/history/instant';
import type { Found, Probe, Timeline } from '../../../emulator/history/timeline';
import { isCall } from '../../../emulator/isa/instructions/calls';
import { instructionAt } from '../../../emulator/isa/instructions/instruction-at';
import { X } from '../../../emulator/isa/registers';
import type { Hart, MachineApi, TrapEvent } from '../../../emulator/types';
import type { StepContext } from '../stepping/step-plan';
import { executed } from './questions';
import { Statements, type Beginning, type StackedThread, type Statement } from './statements';

/** What stepping back must know of the guest. */
export interface BackwardContext {
  readonly machine: MachineApi;
  readonly steps: StepContext;
  readonly timeline: Timeline;
  /** The thread that a hart executes now. */
  threadOn(hart: number): StackedThread;
}

/** Where a step back has led, and which hart is there. */
export interface Arrived {
  readonly instant: Instant;
  readonly hart: number;
}

/** To the beginning of the line before, over calls. Undefined if the thread had none before. */
export async function lineBefore(
  context: BackwardContext,
  thread: StackedThread,
  before: Instant,
): Promise<Arrived | undefined> {
  const { timeline, machine, steps } = context;
  const statements = new Statements(machine, steps, thread);
  // What the first search has come by saves most of the others.
  const last = await timeline.findLast(
    before,
    statements.probe(() => true),
  );
  if (last === undefined) return undefined;
  const known = [...last.earlier, last];
  const lastBefore = async (
    end: Instant,
    suits: (one: Statement) => boolean,
  ): Promise<Found<Beginning> | undefined> => {
    const earlier = known.filter(({ instant }) => compareInstants(instant, end) < 0);
    const start = earlier[0]?.instant ?? end;
    return earlier.findLast(({ value }) => suits(value)) ?? timeline.findLast(start, statements.probe(suits));
  };
  let outermost = 0;
  let begun: Found<Beginning> | undefined = last;
  // Where a function begins, what was before it is in its caller.
  while (
    begun !== undefined &&
    begun.value.line === undefined &&
    begun.value.activation + 1 < thread.activations.length
  ) {
    outermost = begun.value.activation + 1;
    begun = await lastBefore(begun.instant, ({ activation }) => activation >= outermost);
  }
  if (begun === undefined) return undefined;
  const { line, activation } = begun.value;
  const isSame = (one: Statement): boolean => one.line === line && one.activation === activation;
  const other = await lastBefore(begun.instant, (one) => one.activation >= outermost && !isSame(one));
  const start = other?.instant ?? timeline.beginning;
  const isKnown = compareInstants(known[0]!.instant, start) <= 0;
  const first = isKnown
    ? known.find(({ instant, value }) => compareInstants(instant, start) > 0 && isSame(value))
    : await timeline.findFirst(start, begun.instant, statements.probe(isSame));
  return arrivedAt(first ?? begun);
}

/** Into the last function that the line before has called, at its last line; else to the line before. */
export async function lineBeforeInto(
  context: BackwardContext,
  thread: StackedThread,
  before: Instant,
): Promise<Arrived | undefined> {
  const { timeline } = context;
  const over = await lineBefore(context, thread, before);
  const landing =
    (await returnsHere(context, thread, before)) ??
    (await timeline
      .findLast(before, returnsTo(context, thread), over?.instant)
      .then((found) => found && arrivedAt(found)));
  if (landing === undefined) return over;
  await stepBefore(context, landing);
  const within = await lineBefore(context, context.threadOn(landing.hart), landing.instant);
  return within ?? over;
}

/** Puts the machine before the last instruction that the hart had begun at an instant. */
async function stepBefore({ timeline, machine }: BackwardContext, { instant, hart }: Arrived): Promise<void> {
  await timeline.goTo(instant);
  await timeline.goToStep(hart, machine.harts[hart]!.steps - 1, instant);
}

/** The thread stands, at an instant, where a call has just returned to it. */
async function returnsHere(
  context: BackwardContext,
  { activations, hart }: StackedThread,
  instant: Instant,
): Promise<Arrived | undefined> {
  const [innermost] = activations;
  if (innermost === undefined || hart === undefined || !returnAddresses(innermost).includes(innermost.registers.pc))
    return undefined;
  await stepBefore(context, { instant, hart });
  return isReturn(context, context.machine.harts[hart]!) ? { instant, hart } : undefined;
}

/** To the line that has called the innermost function. */
export const callBefore = (
  context: BackwardContext,
  { activations, ...thread }: StackedThread,
  before: Instant,
): Promise<Arrived | undefined> => lineBefore(context, { ...thread, activations: activations.slice(1) }, before);

/**
 * By one instruction of a hart. What interrupted it in between is run through, and with `over` also what it has called.
 * Undefined if it has executed none before.
 */
export async function instructionBefore(
  context: BackwardContext,
  hart: number,
  before: Instant,
  over: boolean,
): Promise<Arrived | undefined> {
  const { machine, timeline, steps } = context;
  const here = (): Hart => machine.harts[hart]!;
  await timeline.goTo(before);
  const { pc } = here();
  const sp = here().x(X.sp);
  let instant = before;
  let count = here().steps;
  for (;;) {
    if (count === 0) return undefined;
    await timeline.goToStep(hart, count - 1, instant);
    if (!steps.trapReturns.includes(here().pc)) break;
    const trap = await timeline.findLast(instant, trapAt(machine, hart, pc));
    if (trap === undefined) break;
    ({ instant } = trap);
    await timeline.goTo(instant);
    count = here().steps;
  }
  if (!over || !isReturn(context, here())) return { instant: machine.instant, hart };
  const call = await timeline.findLast(before, callTo(context, pc, sp));
  if (call === undefined) return undefined;
  return arrivedAt(call);
}

const arrivedAt = ({ instant, value: { hart } }: Found<{ hart: number }>): Arrived => ({ instant, hart });

const isReturn = ({ steps }: BackwardContext, hart: Hart): boolean => {
  const decoded = instructionAt(steps.read(hart), hart.pc);
  return decoded?.instruction.name === 'jalr' && decoded.rd === 0 && decoded.rs1 === X.ra;
};

/** A trap of a hart at an instruction. */
const trapAt = (machine: MachineApi, hart: number, pc: bigint): Probe<TrapEvent> => ({
  watch: () => {
    const subscription = machine.subscribe({ trap: (event) => event.hart === hart && event.epc === pc });
    return () => subscription.end();
  },
  found: (stop) => (stop.kind === 'trap' && stop.event.hart === hart && stop.event.epc === pc ? stop.event : undefined),
});

/** The call that returns to an address, with a stack pointer. */
const callTo = ({ machine, steps }: BackwardContext, pc: bigint, sp: bigint): Probe<{ hart: number }> =>
  executed(machine, [pc - 4n, pc - 2n], (hart) => {
    const decoded = instructionAt(steps.read(hart), hart.pc);
    if (decoded === undefined || !isCall(decoded) || hart.pc + BigInt(decoded.length) !== pc) return undefined;
    return hart.x(X.sp) === sp ? { hart: hart.id } : undefined;
  });

/** Where calls of the innermost function return to it. */
function returnsTo({ machine, steps }: BackwardContext, thread: StackedThread): Probe<{ hart: number }> {
  const [innermost] = thread.activations;
  const sp = innermost?.registers.x[X.sp];
  const addresses = innermost === undefined ? [] : returnAddresses(innermost);
  return executed(machine, addresses, (hart) => {
    const isThread = thread.process === undefined || steps.processKey(hart) === thread.process;
    return isThread && hart.x(X.sp) === sp ? { hart: hart.id } : undefined;
  });
}

function returnAddresses({ image, registers, read }: StackedThread['activations'][number]): bigint[] {
  const info = image.binary.functionAt(image.lookup(registers));
  if (info === undefined) return [];
  const found: bigint[] = [];
  for (let at = info.low; at < info.high;) {
    const decoded = instructionAt(read, at);
    if (decoded === undefined) break;
    at += BigInt(decoded.length);
    if (isCall(decoded)) found.push(...image.running(at));
  }
  return found;
}
