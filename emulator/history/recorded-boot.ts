/** What lies in memory at power on beside the kernel, as a recording has it: files as parts of it, everything else as state. */
import type { BootOptions, State } from '../types';
import type { SavedState } from './saved-state';

/** What `boot` consists of: its files, of which the state says how many there are and which. */
export function savedBootOptions({ firmware, image, initrd, commandLine }: BootOptions): {
  state: State;
  files: Uint8Array[];
} {
  const files = [firmware, image?.bytes, initrd];
  return {
    state: {
      has: files.map((file) => file !== undefined),
      address: image?.address ?? null,
      commandLine: commandLine ?? '',
    },
    files: files.filter((file) => file !== undefined),
  };
}

/** Which files there are: firmware, image, initial RAM disk. */
const filesOf = (saved: SavedState): boolean[] => saved.booleans('has', 3);

/** How many files belong to it. */
export const countOfFiles = (saved: SavedState): number => filesOf(saved).filter((has) => has).length;

/** Throws an Error that names the field if it is none. */
export function restoredBootOptions(saved: SavedState, files: readonly Uint8Array[]): BootOptions {
  const left = [...files];
  const [firmware, bytes, initrd] = filesOf(saved).map((has) => (has ? left.shift() : undefined));
  const address = saved.raw('address') === null ? undefined : saved.bigint('address');
  return {
    ...(firmware && { firmware }),
    ...(bytes && { image: { bytes, ...(address !== undefined && { address }) } }),
    ...(initrd && { initrd }),
    commandLine: saved.text('commandLine') ?? '',
  };
}
