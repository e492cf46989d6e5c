/** `$fences` in the debug console: each sfence.vma that was executed with a strict TLB, and what it was good for. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { hex } from '../../../emulator/isa/hex';
import { kernelPlace } from '../../code/place-names';
import { requireSession, type Body, type SessionContext } from '../context';

type Response = Body<DebugProtocol.EvaluateResponse>;

export const isFences = (text: string): boolean => /^\s*\$fences(\(\s*\))?\s*$/.test(text);

export function consoleFences(
  context: SessionContext,
  { expression }: DebugProtocol.EvaluateArguments,
): Response | undefined {
  return isFences(expression) ? { result: table(context), variablesReference: 0 } : undefined;
}

function table(context: SessionContext): string {
  const { debuggee } = requireSession(context);
  const { fenceCounts } = debuggee.machine;
  if (fenceCounts === undefined) return 'Fences are counted with "tlb": "strict" in the launch configuration.';
  if (fenceCounts.length === 0) return 'No sfence.vma has been executed yet.';
  const rows = fenceCounts.map(({ pc, executed, needed, forNew }) => {
    const name = kernelPlace(debuggee, pc) ?? hex(pc);
    return (
      [executed, needed, forNew, executed - needed - forNew].map((n) => String(n).padStart(10)).join('') + `  ${name}`
    );
  });
  const head = ['executed', 'needed', 'for new', 'needless'].map((word) => word.padStart(10)).join('');
  return [`${head}  sfence.vma`, ...rows].join('\n');
}
