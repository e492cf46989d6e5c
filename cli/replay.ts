/** Does a recorded run again, up to an instant, and tells how the machine stands there. */
import { compareInstants, millisecondsOf } from '../emulator/history/instant';
import type { Destination } from '../emulator/history/spoken-instant';
import { type KernelSymbol, kernelSymbols } from '../emulator/boot/elf-image';
import { type Hart, type MachineApi, MODE_NAMES, Mode } from '../emulator/types';

/** Instructions of a run, between which signals are heard. */
const BUDGET = 2_000_000;
/** A symbol without a size, as those of assembly, names what is so near after it. */
const NEAR = 4096n;

/**
 * Runs a machine that is at power on, and has the log, to a destination. Returns early once `isCalledOff`. Throws an Error if
 * the log is not that of the machine, RangeError if the destination lies beyond the end.
 */
export async function replay(
  machine: MachineApi,
  { to, executed }: Destination,
  isCalledOff: () => boolean,
): Promise<void> {
  const isThere = (): boolean => machine.executed >= executed || compareInstants(machine.instant, to) >= 0;
  while (!isThere() && !isCalledOff()) {
    const stop = machine.run({ instructions: Math.min(BUDGET, executed - machine.executed), to });
    if (stop.kind === 'idle') throw new Error('the machine waits for an input that the recording does not have');
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (executed < Infinity && machine.executed < executed && !isCalledOff())
    throw new RangeError(`the run has ended before ${executed} instructions, after ${machine.executed}`);
}

/** Lines for a person: the instant, each hart's place, and the state. */
export function describeState(machine: MachineApi): string[] {
  const symbols = kernelSymbols(machine.options.kernel);
  return [
    `at ${machine.executed} instructions, ${millisecondsOf(machine.instant)} ms of virtual time`,
    ...machine.harts.map((hart) => {
      const place = hart.mode === Mode.User ? undefined : placeOf(hart.pc, symbols);
      const where = `0x${hart.pc.toString(16)}${place === undefined ? '' : ` (${place})`}`;
      return `hart ${hart.id}: pc ${where}, ${MODE_NAMES[hart.mode]}${waitOf(hart)}`;
    }),
    `state ${machine.stateHash()}`,
  ];
}

const waitOf = (hart: Hart): string => (hart.waiting ? ', waits in wfi' : hart.spinning ? ', spins' : '');

/** An address as a symbol and an offset. */
function placeOf(pc: bigint, symbols: readonly KernelSymbol[]): string | undefined {
  let best: KernelSymbol | undefined;
  for (const symbol of symbols) {
    const { name, address, size, kind } = symbol;
    const reaches = pc >= address && pc < address + (size || NEAR);
    if (kind === 'object' || !reaches || /^(\$|\.L|$)/.test(name)) continue;
    if (best === undefined || address > best.address || (address === best.address && kind === 'function'))
      best = symbol;
  }
  if (best === undefined) return undefined;
  const offset = pc - best.address;
  return offset === 0n ? best.name : `${best.name}+0x${offset.toString(16)}`;
}
