/** What the innermost function of a hart will go back to: stepping out of it ends there. */
import type { Hart } from '../../emulator/types';
import type { FrameRegisters } from '../symbols/api';
import { walkStack, type StackGuest } from './stack';

/**
 * What is below the innermost function of a hart's stack: its caller's registers; or, where a trap began it, whether that
 * came from a user program or from the kernel itself. Undefined if there is nothing, or if it is not known.
 */
export function belowInnermost(guest: StackGuest, hart: Hart): FrameRegisters | 'user' | 'kernel' | undefined {
  const [innermost, ...frames] = walkStack(guest, { kind: 'hart', hart: hart.id }, 1);
  const others = frames.filter(({ registers }) => registers !== innermost?.registers);
  const next = others.find(({ isLabel }) => !isLabel);
  if (!next || !others[0]!.isLabel) return next?.registers;
  return next.isUser ? 'user' : 'kernel';
}
