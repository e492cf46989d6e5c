/**
 * What the variables of a frame are to page tables, told by their types in the debug information: entries and pointers to
 * them, tables, processes, addresses. Of a variable that is optimized out nothing is said.
 */
import { frameInteger, type EvaluationGuest } from '../evaluation/evaluation';
import { isInteger, plain, sizeOf } from '../expressions/types';
import type { Frame } from '../stack/frame';
import { localVariables } from '../stack/variables';
import type { Type } from '../symbols/api';
import type { Xv6 } from '../xv6/kernel';
import { isEntry, isPageTable, recordOf } from '../xv6/structure';

export interface FrameValue {
  readonly name: string;
  readonly kind: 'entry' | 'entry pointer' | 'table' | 'process' | 'address' | 'number';
  /** Unsigned. */
  readonly value: bigint;
  readonly isParameter: boolean;
  readonly isPointer: boolean;
}

/** The variables of a frame that have a value, inner ones first; those that an inner one hides are left out. */
export function frameValues(guest: EvaluationGuest, frame: Frame): FrameValue[] {
  const found = new Map<string, FrameValue>();
  for (const variable of localVariables(frame)) {
    const { name, kind } = variable;
    if (kind === 'static' || kind === 'global' || found.has(name)) continue;
    const meant = kindOf(guest.xv6, variable.type);
    if (meant === undefined) continue;
    const value = frameInteger(guest, frame, variable);
    if (value === undefined) continue;
    found.set(name, {
      name,
      kind: meant,
      value: BigInt.asUintN(64, value),
      isParameter: kind === 'parameter',
      isPointer: plain(variable.type).kind === 'pointer',
    });
  }
  return [...found.values()];
}

function kindOf({ proc }: Xv6, type: Type): FrameValue['kind'] | undefined {
  if (isEntry(type)) return 'entry';
  if (isPageTable(type)) return 'table';
  const bare = plain(type);
  if (bare.kind === 'pointer') {
    if (isEntry(bare.target)) return 'entry pointer';
    return proc !== undefined && recordOf(type)?.name === proc.record.name ? 'process' : 'address';
  }
  if (!isInteger(bare)) return undefined;
  return bare.kind === 'base' && bare.encoding === 'unsigned' && sizeOf(bare) === 8 ? 'address' : 'number';
}
