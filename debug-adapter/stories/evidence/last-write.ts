/** Who has written something last, in a sentence: an instruction, a device, or whoever has changed it in the debugger; and from where. */
import type { Timeline } from '../../../emulator/history/timeline';
import { hex } from '../../../emulator/isa/hex';
import type { AddressSpace } from '../../memory/address-space';
import { calledBy, callerPlaces, sceneOf, type AskedGuest, type Occurrence } from '../../questions/occurrence';
import type { Range } from '../../questions/spots';
import type { Writing } from '../../questions/writers';
import { loadOf, type Loaded } from '../cause';
import { FEW, recentInstructions } from '../recent';

/** "What lay there was written last by memset+8 at string.c:10, called by kfree at kalloc.c:60, for pid 2 sh." The machine stands at the write. */
export function lastWriteLine(
  guest: AskedGuest,
  what: string,
  writing: Writing,
  { how = 'written', callers = 1 } = {},
): { readonly text: string; readonly seen: Occurrence } {
  const isInstruction = writing.by === 'instruction';
  const hart = guest.harts[isInstruction ? writing.hart : guest.machine.current]!;
  const scene = sceneOf(guest, hart, isInstruction ? writing.pc : hart.pc);
  const place = isInstruction ? callerPlaces(guest, hart, callers).reduce(calledBy, scene.place) : scene.place;
  const seen: Occurrence = { ...scene, place, what: 'written', parts: [] };
  if (!isInstruction)
    return { text: `${what} was ${how} last by ${writing.by === 'debugger' ? 'the debugger' : 'a device'}.`, seen };
  const forWhom = scene.process === undefined ? '' : `, for ${scene.process}`;
  return { text: `${what} was ${how} last by ${place?.text ?? hex(writing.pc)}${forWhom}.`, seen };
}

/** The bytes of an instruction, of which the second half may lie in another page. */
export function instructionParts(space: AddressSpace, pc: bigint): Range[] {
  const [first, second] = [space.physical(pc), space.physical(pc + 2n)];
  const low = first === undefined ? undefined : space.memory.read(first, 1)?.[0];
  const isLong = low !== undefined && (low & 3) === 3;
  return [first, ...(isLong ? [second] : [])].flatMap((address) =>
    address === undefined ? [] : [{ address, length: 2 }],
  );
}

/**
 * The load of what an instruction stored, if it only copied that, as far from where it was copied as the store is from `physical`.
 * The machine stands at the write, and anywhere afterwards. Throws Cancelled if it is cancelled.
 */
export async function copiedFrom(
  guest: AskedGuest,
  timeline: Timeline,
  writing: Writing | undefined,
  physical: bigint,
): Promise<Loaded | undefined> {
  if (writing?.by !== 'instruction' || writing.decoded === undefined) return undefined;
  const { hart, decoded, event } = writing;
  const run = await recentInstructions(guest, timeline, hart, guest.machine.instant, FEW);
  const source = loadOf(run, run.length, decoded.rs2);
  return source && event && { ...source, physical: source.physical - (event.address - physical) };
}
