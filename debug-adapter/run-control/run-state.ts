/**
 * What a debugger learns by watching a machine run: hits, traps, the text of its console. It belongs to the machine's state,
 * so that a run that is done again from an earlier state comes to the same stops, counts and messages: whoever saves or
 * restores the machine does so with `saveRun` and `restoreRun`.
 */
import { SavedState } from '../../emulator/history/saved-state';
import type { Checkpoint, MachineApi, State } from '../../emulator/types';

/** One who learns. */
export interface Learner {
  save(): State;
  /** For a machine that is restored already. Throws an Error that names the field, and changes nothing, if it is damaged. */
  restore(state: State): void;
}

/** Several as one: all of them are restored, in their order, or none. */
export class RunState implements Learner {
  constructor(private readonly parts: Readonly<Record<string, Learner>>) {}

  save(): State {
    return Object.fromEntries(Object.entries(this.parts).map(([name, part]) => [name, part.save()]));
  }

  restore(state: State): void {
    const saved = new SavedState('run', state);
    const before: [Learner, State][] = [];
    try {
      for (const [name, part] of Object.entries(this.parts)) {
        const now = part.save();
        part.restore(saved.raw(name));
        before.push([part, now]);
      }
    } catch (error) {
      for (const [part, earlier] of before) part.restore(earlier);
      throw error;
    }
  }
}

/** What is learnt of the guest alone, and is the same in every session in which it does the same. */
const GUEST_PARTS = ['guest', 'console'];

/** The part of a run's state that holds in every session. Throws an Error if it is no such state. */
export function guestPart(state: State): Record<string, State> {
  const saved = new SavedState('run', state);
  return Object.fromEntries(GUEST_PARTS.map((name) => [name, saved.raw(name)]));
}

/** The state of a run in which the guest's part is that of another session. Throws an Error as `guestPart` does. */
export const withGuestPart = (own: State, other: State): State =>
  Object.assign({}, own as Record<string, State>, guestPart(other));

/** A moment of a run: the machine, and what was known of it. */
export interface RunCheckpoint {
  readonly machine: Checkpoint;
  readonly learned: State;
}

export const saveRun = (machine: MachineApi, learned: Learner): RunCheckpoint => ({
  machine: machine.save(),
  learned: learned.save(),
});

/** Throws an Error, and changes nothing, if the checkpoint is damaged, or that of another machine. */
export function restoreRun(machine: MachineApi, learned: Learner, checkpoint: RunCheckpoint): void {
  const before = saveRun(machine, learned);
  try {
    machine.restore(checkpoint.machine);
    learned.restore(checkpoint.learned);
  } catch (error) {
    machine.restore(before.machine);
    learned.restore(before.learned);
    throw error;
  }
}
