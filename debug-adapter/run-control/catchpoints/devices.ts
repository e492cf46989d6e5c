/** Catchpoints for accesses to device registers. */
import type { DeviceEvent } from '../../../emulator/types';
import type { Overlay } from '../conditions';
import { keywords, C_EXPRESSION, oneOf, type CatchFilter, type Matcher } from './filter';

const isVirtio = ({ device }: DeviceEvent): boolean => /^virtio\d$/.test(device);
const named =
  (name: string) =>
  ({ device }: DeviceEvent): boolean =>
    device === name;

const DEVICES: Readonly<Record<string, (event: DeviceEvent) => boolean>> = {
  uart: named('uart'),
  // Whichever slot it has: there is no other virtio device.
  disk: isVirtio,
  virtio: isVirtio,
  plic: named('plic'),
  clint: named('clint'),
  rtc: named('rtc'),
  finisher: named('finisher'),
};
const ACCESSES: Readonly<Record<string, DeviceEvent['access']>> = {
  read: 'read',
  load: 'read',
  write: 'write',
  store: 'write',
};

function deviceWords(condition: string): Matcher | undefined {
  const words = keywords(condition, /^[a-z_]\w*$/i)?.map((word) => word.toLowerCase());
  if (!words) return undefined;
  const unknown = words.find((word) => !Object.hasOwn(DEVICES, word) && !Object.hasOwn(ACCESSES, word));
  if (unknown !== undefined)
    throw new Error(`there is no device "${unknown}"; there are ${oneOf(Object.keys(DEVICES))}, and read and write`);
  const devices = words.flatMap((word) => (Object.hasOwn(DEVICES, word) ? [DEVICES[word]!] : []));
  const accesses = words.flatMap((word) => (Object.hasOwn(ACCESSES, word) ? [ACCESSES[word]!] : []));
  return (cause) =>
    cause.kind === 'device' &&
    (devices.length === 0 || devices.some((one) => one(cause.event))) &&
    (accesses.length === 0 || accesses.includes(cause.event.access));
}

export const DEVICE_ACCESSES: readonly CatchFilter[] = [
  {
    filter: 'device-access',
    label: 'Device Access',
    description: "Stops after a load from or a store to a device's registers.",
    conditionDescription: `Devices (${oneOf(Object.keys(DEVICES))}), read, write ("uart write": only those); or ${C_EXPRESSION} $offset == 0 && $value == 10`,
    matches: ({ kind }) => kind === 'device',
    overlay: (cause): Overlay =>
      cause.kind === 'device'
        ? { offset: BigInt(cause.event.offset), size: BigInt(cause.event.size), value: cause.event.value }
        : {},
    words: deviceWords,
  },
];
