/** Functions of the kernel, with their code where it runs. */
import type { Guest } from '../../code/guest';
import type { Frame } from '../../stack/frame';
import type { CodeRange } from '../cause';

export interface KernelFunction extends CodeRange {
  readonly name: string;
}

/** The function that runs at an address. */
export const functionRunning = (guest: Pick<Guest, 'image'>, pc: bigint): KernelFunction | undefined =>
  functionAt(guest, guest.image.linked(pc));

function functionAt({ image }: Pick<Guest, 'image'>, linked: bigint): KernelFunction | undefined {
  const info = image.binary.functionAt(linked);
  const low = info && image.running(info.low)[0];
  return info && low !== undefined ? { name: info.name, low, high: low + (info.high - info.low) } : undefined;
}

/** Those of the two innermost calls on a stack. */
export function innermostFunctions(guest: Pick<Guest, 'image'>, frames: readonly Frame[]): KernelFunction[] {
  const calls = frames.filter(
    (frame, index) => !frame.isUser && !frame.isLabel && frame.registers !== frames[index - 1]?.registers,
  );
  return calls.slice(0, 2).flatMap((frame) => functionAt(guest, frame.lookup) ?? []);
}
