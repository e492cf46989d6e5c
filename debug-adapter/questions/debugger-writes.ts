/**
 * What a debugger has written, by the log of what came into the machine: no instruction did that, and no watch of memory sees it. A
 * reset counts as well: what was written before it is gone.
 */
import { Phase, type Instant } from '../../emulator/history/instant';
import type { LoggedInput, MachineApi } from '../../emulator/types';
import type { Spot } from './spots';

/** An input that has put something where a spot lies. */
export interface Put {
  readonly by: 'debugger' | 'reset';
  /** Just before it came, and just after. */
  readonly instant: Instant;
  readonly done: Instant;
}

/** The last such input before an instant. Throws RangeError where the inputs are not known from the first power on. */
export function lastPut(
  { inputs }: Pick<MachineApi, 'inputs'>,
  before: Instant,
  isAbout: (entry: LoggedInput) => boolean,
): Put | undefined {
  const log = inputs.through(before.inputs);
  const index = log.findLastIndex((entry) => entry.input.kind === 'reset' || isAbout(entry));
  const entry = log[index];
  if (entry === undefined) return undefined;
  const { time, phase, input } = entry;
  return {
    by: input.kind === 'reset' ? 'reset' : 'debugger',
    instant: { inputs: index, time, phase },
    // Time begins anew at a reset.
    done: { inputs: index + 1, time: input.kind === 'reset' ? 0 : time, phase: Phase.arrived },
  };
}

/** Whether an input writes a spot. `alike`: other CSRs that show the same bits. */
export const writes =
  (spot: Spot, alike: (csr: number) => boolean = () => false) =>
  ({ input }: LoggedInput): boolean => {
    switch (spot.kind) {
      case 'memory':
        return (
          input.kind === 'memory' &&
          spot.parts.some(
            ({ address, length }) =>
              input.address < address + BigInt(length) && address < input.address + BigInt(input.bytes.length),
          )
        );
      case 'register':
        return input.kind === 'register' && input.hart === spot.hart && input.register === spot.register;
      case 'csr':
        return input.kind === 'csr' && input.hart === spot.hart && (input.csr === spot.csr || alike(input.csr));
    }
  };
