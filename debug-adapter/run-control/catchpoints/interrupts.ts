/**
 * Interrupts by their source, as wired on QEMU's "virt" board: the timer and software interrupts of the hart, and those that
 * come through the PLIC: virtio devices on 1 to 8, the UART on 10, the clock on 11.
 */
import { InterruptCause } from '../../../emulator/isa/causes';
import type { TrapEvent } from '../../../emulator/types';
import { keywords, oneOf } from './filter';

type Matches = (event: TrapEvent) => boolean;

const code =
  (...codes: InterruptCause[]): Matches =>
  ({ cause }) =>
    codes.includes(cause);
const source =
  (from: number, to = from): Matches =>
  (event) =>
    event.source !== undefined && event.source >= from && event.source <= to;

const BY_NAME: Readonly<Record<string, Matches>> = {
  timer: code(InterruptCause.supervisorTimer, InterruptCause.machineTimer),
  software: code(InterruptCause.supervisorSoftware, InterruptCause.machineSoftware),
  external: code(InterruptCause.supervisorExternal, InterruptCause.machineExternal),
  uart: source(10),
  // Whichever slot it has: there is no other virtio device.
  disk: source(1, 8),
  virtio: source(1, 8),
  rtc: source(11),
};

export const interruptSources: readonly string[] = Object.keys(BY_NAME);

/** Parses the keywords of a condition; undefined if it is an expression. Throws an Error for an unknown source. */
export function interruptFits(condition: string): Matches | undefined {
  // Accept "virtio disk", as people call it.
  const text = condition.replace(/virtio[\s-]+disk/gi, 'disk').replace(/\birq\s*(?=\d)/gi, '');
  const words = keywords(text, /^([a-z_]\w*|\d{1,2})$/i);
  if (!words) return undefined;
  const matches = words.map((word) => {
    if (/^\d+$/.test(word)) return source(Number(word));
    const known = Object.hasOwn(BY_NAME, word.toLowerCase()) ? BY_NAME[word.toLowerCase()] : undefined;
    if (!known) throw new Error(`there is no source "${word}"; there are ${oneOf(interruptSources)}, and numbers`);
    return known;
  });
  return (event) => matches.some((one) => one(event));
}

/** "the UART (source 10)", for a source of the PLIC. */
export function sourceName(number: number): string {
  if (number === 0) return 'no source any more: another hart has claimed it';
  if (number === 10) return 'the UART (source 10)';
  if (number === 11) return 'the clock (source 11)';
  return number <= 8 ? `virtio device ${number - 1}, the disk (source ${number})` : `source ${number}`;
}
