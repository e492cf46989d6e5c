/** exceptionInfo of the protocol: what happened, in words, with the walk of the page table. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Hart, TrapEvent } from '../../emulator/types';
import type { Debuggee } from '../debuggee';
import { evaluationContext } from '../evaluation';
import { evaluate, integerOf } from '../expressions/evaluate';
import { explainTrap, type TrapExplanation } from '../page-tables/explain';
import { flagText, hex, pteFlags, type Walk } from '../page-tables/walk';
import { causeName } from '../registers/causes';
import { describeCsr } from '../registers/csrs';
import { isSystemCall } from '../run-control/causes';
import type { StopReport } from '../run-control/stops';
import { standing, type Body, type Context } from './context';
import { surroundingsOf } from './page-tables';

const STVEC = 0x105;
const SATP = 0x180;
const MSTATUS = 0x300;
const A7 = 17;

export function exceptionInfo(
  context: Context,
  args: DebugProtocol.ExceptionInfoArguments,
): Body<DebugProtocol.ExceptionInfoResponse> {
  const { debuggee, stopped } = standing(context);
  const { cause, hart, description, text } = stopped.report;
  if (args.threadId !== hart + 1) throw new Error(`Thread ${args.threadId} did not stop at an exception.`);
  switch (cause?.kind) {
    case 'trap':
      return answer(idOf(cause.event), explain(debuggee, cause.event));
    case 'trap-loop': {
      const first = explain(debuggee, cause.first);
      const again = explain(debuggee, cause.event);
      const heading = `hart ${hart} traps for ever: its trap handler cannot be executed, it faults itself at ${hex(cause.event.epc)}`;
      return answer('trap loop', {
        ...first,
        text: `${heading}\nIt began with: ${first.text}${walkText(first.walk)}\nThen, at the handler: ${again.text}`,
        walk: again.walk,
      });
    }
    case 'satp-write': {
      const { before, after, pc } = cause.event;
      const by = nameOf(debuggee, pc);
      const lines = [
        `satp was ${describeCsr('satp', before)}; it is now ${describeCsr('satp', after)}`,
        `by the instruction at ${hex(pc)}${by === undefined ? '' : ` (${by})`}`,
      ];
      return { exceptionId: 'satp write', description: lines.join('\n'), breakMode: 'always' };
    }
    case 'panic':
      return { exceptionId: 'panic', description: `panic: ${cause.message}`, breakMode: 'always' };
    case undefined:
      return { exceptionId: 'stop', description: text ?? description ?? stopped.report.reason, breakMode: 'always' };
  }
}

/** A stop in words: a heading for the call stack, and all of it. */
export function describe(debuggee: Debuggee, report: StopReport): { description?: string; text?: string } {
  const { cause } = report;
  if (cause?.kind !== 'trap') return report;
  const { title, text } = explain(debuggee, cause.event);
  return { description: report.description ?? title, text: report.text ?? text };
}

function explain(debuggee: Debuggee, event: TrapEvent): TrapExplanation {
  const hart = debuggee.harts[event.hart]!;
  const explanation = explainTrap(event, {
    ...surroundingsOf(debuggee, event.hart),
    satp: hart.csr(SATP) ?? 0n,
    mstatus: hart.csr(MSTATUS) ?? 0n,
    stvec: hart.csr(STVEC) ?? 0n,
    nameOf: (address) => nameOf(debuggee, address),
  });
  if (!isSystemCall(event)) return explanation;
  const call = systemCall(debuggee, hart);
  return { ...explanation, title: `${explanation.title}: ${call}`, text: `${explanation.text}: ${call}` };
}

/** "call 7, sys_exec": by the kernel's own table of calls, where it has one. */
function systemCall(debuggee: Debuggee, hart: Hart): string {
  const number = hart.x(A7);
  const evaluation = evaluationContext(debuggee, hart, debuggee.frame(hart));
  try {
    const entry = integerOf(evaluate(`syscalls[${number}]`, evaluation), evaluation);
    const name = entry === undefined ? undefined : nameOf(debuggee, entry)?.split(' ')[0];
    return name === undefined ? `call ${number}` : `call ${number}, ${name}`;
  } catch {
    return `call ${number}`;
  }
}

const idOf = (event: TrapEvent): string => causeName(event.interrupt, event.cause);

function answer(exceptionId: string, { text, walk }: TrapExplanation): Body<DebugProtocol.ExceptionInfoResponse> {
  return { exceptionId, description: `${text}${walkText(walk)}`, breakMode: 'always' };
}

function walkText(walk: Walk | undefined): string {
  if (!walk) return '';
  const lines = walk.steps.map(({ level, index, pte, pteAddress, meaning }) => {
    const entry = pte === undefined ? '(not in RAM)' : `${hex(pte)} ${flagText(pteFlags(pte))}`;
    return `  level ${level} [${index}] PTE at ${hex(pteAddress)}: ${entry}: ${meaning}`;
  });
  return `\nwalk of ${hex(walk.va)} from root ${hex(walk.root)}:\n${lines.join('\n')}`;
}

function nameOf(debuggee: Debuggee, address: bigint): string | undefined {
  const { image } = debuggee;
  if (!image.contains(address)) return undefined;
  const found = image.binary.symbolAt(image.linked(address));
  if (!found) return undefined;
  const line = image.binary.lineAt(image.linked(address));
  const place = line ? ` at ${line.file.slice(line.file.lastIndexOf('/') + 1)}:${line.line}` : '';
  return `${found.symbol.name}${found.offset === 0n ? '' : `+${found.offset}`}${place}`;
}
