/** exceptionInfo of the protocol: what happened, in words, with the walk of the page table. */
import { X } from '../../../emulator/isa/registers';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { Later } from '../../dap/connection';
import type { Hart, TrapEvent } from '../../../emulator/types';
import { stopText } from '../../run-control/stop-text';
import type { Debuggee } from '../../launch/debuggee';
import { hex } from '../../../emulator/isa/hex';
import { explainTrap, type TrapExplanation } from '../../page-tables/explain';
import { trapContext } from '../../page-tables/tables';
import { trapVector } from '../../../emulator/dead-ends/trap-loops';
import { causeName } from '../../../emulator/isa/causes';
import { sourceName } from '../../run-control/catchpoints/interrupts';
import { isSystemCall } from '../../../emulator/isa/trap-kinds';
import { kernelPlace } from '../../code/place-names';
import type { StopCause, StopReport } from '../../run-control/stops';
import { systemCallName } from '../../xv6/system-calls';
import { storyLead } from '../../stories/text';
import { tellingOf } from './stories';
import { requireStopped, type Body, type SessionContext } from '../context';

/** Most lines that are said first. */
const LEAD = 3;

/** Milliseconds for which the answer waits for what the past says of the stop. The stop itself is long told. */
const PATIENCE = 2000;

/** What an exception box shows: the first lines, and what is below. */
interface Box {
  readonly id: string;
  readonly lead: string;
  readonly below: string;
}

export function exceptionInfo(
  context: SessionContext,
  args: DebugProtocol.ExceptionInfoArguments,
): Body<DebugProtocol.ExceptionInfoResponse> | Later<Body<DebugProtocol.ExceptionInfoResponse>> {
  const { debuggee, stopped } = requireStopped(context);
  const { hart } = stopped.report;
  if (args.threadId !== hart + 1) throw new Error(`Thread ${args.threadId} did not stop at an exception.`);
  const box = boxOf(debuggee, stopped.report);
  const telling = tellingOf(context);
  if (telling === undefined) return answer(box, '');
  telling.begin();
  return new Later(telling.known(PATIENCE).then(() => answer(box, storyLead(telling.told))));
}

function boxOf(debuggee: Debuggee, { cause, hart, description, text, reason }: StopReport): Box {
  if (!cause) return { id: 'stop', lead: text ?? description ?? reason, below: '' };
  switch (cause.kind) {
    case 'trap':
      return { id: idOf(cause.event), ...partsOf(explainStop(debuggee, cause)) };
    case 'trap-loop': {
      const first = explain(debuggee, cause.first);
      const again = explain(debuggee, cause.event);
      const heading = `hart ${hart} traps for ever: ${handlerFate(debuggee, cause.event)}`;
      const parts = partsOf({
        ...again,
        lead: `${heading}\nIt began with: ${first.lead}`,
        rest: `${first.rest === '' ? '' : `${first.rest}\n`}${first.walk.trimStart()}\nThen, at the handler: ${again.text}`,
      });
      return { id: 'trap loop', ...parts };
    }
    default: {
      const { id, text: lead } = stopText(debuggee, cause);
      return { id, lead, below: '' };
    }
  }
}

/** A stop in words: a heading for the call stack, and all of it. */
export function describe(debuggee: Debuggee, report: StopReport): { description?: string; text?: string } {
  const { cause } = report;
  if (cause === undefined || cause.kind === 'trap-loop') return report;
  const { title, text } = cause.kind === 'trap' ? explainStop(debuggee, cause) : stopText(debuggee, cause);
  // A condition that failed is said first.
  const { description } = report;
  return { description: description ?? title, text: description === undefined ? text : `${description}\n${text}` };
}

/** The trap, and what came of it, if that is known. */
function explainStop(debuggee: Debuggee, { event, unresolved }: StopCause & { kind: 'trap' }): TrapExplanation {
  const explanation = explain(debuggee, event);
  if (unresolved === undefined) return explanation;
  const { title, text, lead, rest } = explanation;
  const second = (lines: string): string[] => lines.split('\n').toSpliced(1, 0, unresolved.outcome);
  const before = second(lead);
  return {
    ...explanation,
    ...{ title: `${title}, not resolved`, text: second(text).join('\n') },
    ...{ lead: before.slice(0, LEAD).join('\n'), rest: [...before.slice(LEAD), rest].join('\n').trimEnd() },
  };
}

function explain(debuggee: Debuggee, event: TrapEvent): TrapExplanation {
  const hart = debuggee.harts[event.hart]!;
  const explanation = explainTrap(event, {
    ...trapContext(debuggee, hart),
    nameOf: (address) => kernelPlace(debuggee, address),
  });
  const { source } = event;
  const more = isSystemCall(event) ? systemCall(debuggee, hart) : source === undefined ? undefined : sourceName(source);
  if (more === undefined) return explanation;
  const told = (text: string): string => `${text}: ${more}`;
  return {
    ...explanation,
    title: told(explanation.title),
    text: told(explanation.text),
    lead: told(explanation.lead),
  };
}

/** "call 7, exec": by the kernel's own table of calls, where it has one. */
function systemCall(debuggee: Debuggee, hart: Hart): string {
  const number = hart.x(X.a7);
  const name = systemCallName(debuggee.xv6, number);
  return name === undefined ? `call ${number}` : `call ${number}, ${name}`;
}

/** What is wrong with a trap handler that traps itself. */
function handlerFate(debuggee: Debuggee, { hart, to, epc }: TrapEvent): string {
  const vector = trapVector(debuggee.harts[hart]!, to);
  const place = kernelPlace(debuggee, epc);
  return epc === vector
    ? `its trap handler cannot be executed: its first instruction, at ${hex(epc)}, traps itself`
    : `its trap handler traps itself, ${epc - vector} bytes in, at ${hex(epc)}${place === undefined ? '' : ` (${place})`}`;
}

const idOf = (event: TrapEvent): string => causeName(event.interrupt, event.cause);

const partsOf = ({ lead, rest, walk }: TrapExplanation): Pick<Box, 'lead' | 'below'> => ({
  lead,
  below: `${rest}${walk}`.trimStart(),
});

/** `story`: what is said first of the stop, which may be in the box's own words already. */
function answer({ id, lead, below }: Box, story: string): Body<DebugProtocol.ExceptionInfoResponse> {
  const more = story.split('\n').filter((line) => line !== '' && !`${lead}\n${below}`.includes(line));
  const first = [lead, ...more].join('\n');
  return { exceptionId: id, description: below === '' ? first : `${first}\n\n${below}`, breakMode: 'always' };
}
