/** Questions to the past: probes that find when something happened. */
import type { Probe } from '../../../emulator/history/timeline';
import type { DataEvent, Hart, MachineApi, TrapEvent, Watch } from '../../../emulator/types';
import type { MappedProgram } from '../../code/mapped-program';

/** Device.name of the console. */
const UART = 'uart';

/**
 * A hart is about to execute an instruction at one of the addresses, and `value` has a value for it. For a hart for which it has
 * none, the machine is not stopped.
 */
export const executed = <T>(
  machine: MachineApi,
  addresses: Iterable<bigint>,
  value: (hart: Hart) => T | undefined,
): Probe<T> => {
  const wanted = new Set(addresses);
  return {
    watch: () => {
      const subscription = machine.subscribe({ execute: ({ hart }) => value(machine.harts[hart]!) !== undefined });
      subscription.setAddresses(wanted);
      return () => subscription.end();
    },
    found: (stop) => (stop.kind === 'breakpoint' && wanted.has(stop.pc) ? value(machine.harts[stop.hart]!) : undefined),
  };
};

/** A hart comes to a line of the program's, by a path as the compiler recorded it. Throws an Error if it has no code. */
export function reachedLine(
  machine: MachineApi,
  image: MappedProgram,
  file: string,
  line: number,
): Probe<{ hart: number }> {
  const addresses = image.binary
    .breakLocations(file, line)
    .filter((location) => location.line === line)
    .flatMap(({ address }) => image.running(address));
  if (addresses.length === 0) throw new Error(`Line ${line} of ${file} has no code.`);
  return executed(machine, addresses, ({ id }) => ({ hart: id }));
}

/** Bytes are written, with whatever value; not by a walk of a page table, which only marks an entry as used. */
export function written(machine: MachineApi, ranges: readonly { address: bigint; length: number }[]): Probe<DataEvent> {
  const watches: readonly Watch[] = ranges.map((range) => ({ ...range, access: 'write' }));
  const isWanted = ({ watch, by }: DataEvent): boolean => watches.includes(watch) && by !== 'walk';
  return {
    isDone: true,
    watch: () => {
      const subscription = machine.subscribe({ data: isWanted });
      subscription.setWatches(watches);
      return () => subscription.end();
    },
    found: (stop) => (stop.kind === 'data' ? stop.events.find(isWanted) : undefined),
  };
}

/** A hart is about to take a trap. */
export const trapTaken = (machine: MachineApi, isWanted: (event: TrapEvent) => boolean): Probe<TrapEvent> => ({
  watch: () => {
    const subscription = machine.subscribe({ trap: isWanted });
    return () => subscription.end();
  },
  found: (stop) => (stop.kind === 'trap' && isWanted(stop.event) ? stop.event : undefined),
});

/** An instruction writes to the UART, after which `isThere` holds. */
export const printed = (machine: MachineApi, isThere: () => boolean): Probe<{ hart: number }> => ({
  watch: () => {
    const subscription = machine.subscribe({
      device: ({ device, access }) => device === UART && access === 'write' && isThere(),
    });
    return () => subscription.end();
  },
  found: (stop) =>
    stop.kind === 'device' && stop.event.device === UART && isThere() ? { hart: stop.event.hart } : undefined,
});
