/** Who has written something last, in a sentence: an instruction, a device, or whoever has changed it in the debugger. */
import { hex } from '../../../emulator/isa/hex';
import { calledBy, callerPlace, sceneOf, type AskedGuest, type Occurrence } from '../../questions/occurrence';
import type { Writing } from '../../questions/writers';

/** "What lay there was written last by memset+8 at string.c:10, called by kfree at kalloc.c:60, for pid 2 sh." The machine stands at the write. */
export function lastWriteLine(
  guest: AskedGuest,
  what: string,
  writing: Writing,
): { readonly text: string; readonly seen: Occurrence } {
  const isInstruction = writing.by === 'instruction';
  const hart = guest.harts[isInstruction ? writing.hart : guest.machine.current]!;
  const scene = sceneOf(guest, hart, isInstruction ? writing.pc : hart.pc);
  const place = isInstruction ? calledBy(scene.place, callerPlace(guest, hart)) : scene.place;
  const seen: Occurrence = { ...scene, place, what: 'written', parts: [] };
  if (!isInstruction)
    return { text: `${what} was written last by ${writing.by === 'debugger' ? 'the debugger' : 'a device'}.`, seen };
  const forWhom = scene.process === undefined ? '' : `, for ${scene.process}`;
  return { text: `${what} was written last by ${place?.text ?? hex(writing.pc)}${forWhom}.`, seen };
}
