/** Where checkpoints are made on the way to a place of the past, and the parts into which the past is cut to look through it. */
import type { MachineApi } from '../../types';
import type { Kept } from '../checkpoints';
import { type Instant, Phase } from '../instant';

/** Virtual time or instructions of a way after which checkpoints are made before its end. */
export const FAR = 2_000_000;
/** How long before, in virtual time. */
export const NEAR = [16_000_000, 2_000_000, 200_000, 20_000];
/** How many steps of a hart before. */
export const NEAR_STEPS = [20_000, 200, 2];
/** Instructions before the end of a stretch at which it is cut, as what is looked for is often near. */
export const STRETCHES = [16_000_000, 2_000_000, 200_000, 20_000, 2000, 200];
/** The same where much is looked for at once, as it takes some milliseconds to begin. */
export const FEW_STRETCHES = [16_000_000, 200_000];
/** Steps of a hart, where what that executes is looked for: it may have rested since, while others ran. */
export const STEPS = [2_000_000, 200_000, 20_000, 2000, 200];
/** So many finds in one stretch, and the later half of it is looked through first. */
export const CROWDED = 32;
/** Stretches of fewer instructions, or steps of the hart that is looked at, are not divided. */
export const SHORTEST = 2000;

/** A part of the past. */
export interface Stretch {
  readonly from: Kept;
  readonly end: Instant;
  /** At its end: the instructions executed since power on, and the steps of each hart. */
  readonly executed: number;
  readonly steps: readonly number[];
  /** Only what this hart executes is looked for, if it is given. */
  readonly hart: number | undefined;
}

/** How far the end of a stretch is from where the machine stands in it: in steps of its hart, else in instructions. */
export const leftOf = ({ executed, steps, hart }: Stretch, machine: MachineApi): number =>
  hart === undefined ? executed - machine.executed : steps[hart]! - machine.harts[hart]!.steps;

/** Whether its hart certainly begins no instruction between the ends of a stretch, and before an instant. */
export function isRest({ from, end, steps, hart }: Stretch, before: Instant): boolean {
  if (hart === undefined) return false;
  // An instruction that observers were told of may not have been executed at the end, or has trapped there.
  const isExact = end.phase < (end === before ? Phase.attempted : Phase.fetched);
  // At an input another hart may get the turn of one that was told of its instruction; and at a reset steps begin anew.
  const isOneRun = from.machine.instant.inputs === end.inputs;
  return isExact && isOneRun && from.steps[hart] === steps[hart];
}

/** Steps of each hart. */
export const stepsOf = ({ harts }: MachineApi): number[] => harts.map(({ steps }) => steps);
