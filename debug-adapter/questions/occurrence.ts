/** Something that happened at an instant of the past, as tables of answers show it. */
import { Phase, type Instant } from '../../emulator/history/instant';
import type { Hart } from '../../emulator/types';
import type { Guest } from '../code/guest';
import { callPlace, codePlace, type Place } from '../code/place-names';
import type { StackGuest } from '../stack/stack';
import { processOn } from '../xv6/cpus';
import { named } from '../xv6/processes';

export interface Occurrence {
  /** Where one goes to see it. */
  readonly instant: Instant;
  /** Ticks of virtual time then. */
  readonly tick: number;
  /** Undefined for what a device does by itself. */
  readonly hart: number | undefined;
  /** "kalloc() = 0x87f56000". */
  readonly what: string;
  readonly place: Place | undefined;
  /** "pid 3 sh"; undefined for none. */
  readonly process: string | undefined;
  /** What it is made of, one by one. */
  readonly parts: readonly { readonly name: string; readonly value: string }[];
}

/** Whose past it is. */
export type AskedGuest = Guest & Pick<StackGuest, 'traps'>;

/** Who was doing something, and where: all but what it was. */
export type Scene = Pick<Occurrence, 'instant' | 'tick' | 'hart' | 'place' | 'process'>;

/** A hart as it stands now, at an address of its code. */
export function sceneOf(guest: AskedGuest, hart: Hart, pc: bigint, instant: Instant = guest.machine.instant): Scene {
  const process = processOn(guest.xv6, hart);
  return {
    instant,
    tick: guest.machine.now,
    hart: hart.id,
    place: placeOf(guest, hart, pc),
    process: process && named(process),
  };
}

function placeOf(guest: AskedGuest, hart: Hart, pc: bigint): Place | undefined {
  const text = codePlace(guest, hart, pc);
  const image = guest.imageOf(hart, pc);
  if (text === undefined || image === undefined) return undefined;
  const line = image.binary.lineAt(image.linked(pc));
  return { text, ...(line && { file: line.file, line: line.line }) };
}

/** The place in the kernel from which the function that a hart is in was called. */
export const callerPlace = (guest: AskedGuest, hart: Hart): Place | undefined => callerPlaces(guest, hart, 1)[0];

/** At most so many places of calls, from the function that a hart is in outwards. */
export function callerPlaces(guest: AskedGuest, hart: Hart, most: number): Place[] {
  const image = guest.imageAt(hart);
  if (image === undefined) return [];
  const read = guest.read(hart);
  const places: Place[] = [];
  let frame = image.caller(guest.frame(hart), read);
  while (frame && places.length < most) {
    const place = callPlace(image, frame.pc);
    if (place === undefined) break;
    places.push(place);
    frame = image.caller(frame, read);
  }
  return places;
}

/** "mappages+88 at vm.c:100, called by uvmalloc at uvm.c:23". */
export const calledBy = (place: Place | undefined, caller: Place | undefined): Place | undefined =>
  place && caller ? { ...place, text: `${place.text}, called by ${caller.text}` } : (place ?? caller);

/** A hart that has just executed an instruction, with from where the function was called: that is often one that is there for all. */
export function executedScene(guest: AskedGuest, hart: Hart, pc: bigint): Scene {
  const scene = sceneOf(guest, hart, pc, beforeInstruction(guest.machine.instant));
  return { ...scene, place: calledBy(scene.place, callerPlace(guest, hart)) };
}

/** Where the last instruction before an instant began, which was just executed then. */
export const beforeInstruction = ({ inputs, time }: Instant): Instant => ({
  inputs,
  time: time - 1,
  phase: Phase.fetched,
});
