/**
 * The options that say what boots beside the kernel, or in its place: -bios, -initrd, -append and -device loader, as QEMU 7.2 has
 * them ("Direct Linux Boot" and "Generic Loader" in its System Emulation manual).
 */
import { isElf } from '../../emulator/boot/elf-image';
import type { BootOptions } from '../../emulator/types';
import { onOff, onlyKeys, parseList, UsageError } from './option-values';

export interface BootSettings {
  /** A file or a name, of which `findFirmware` knows; undefined: no firmware. */
  bios: string | undefined;
  /** Of -device loader. */
  loader: { file: string; address: bigint | undefined; isRaw: boolean } | undefined;
  initrd: string | undefined;
  /** The kernel's command line. */
  append: string | undefined;
}

export const NO_BOOT: BootSettings = { bios: undefined, loader: undefined, initrd: undefined, append: undefined };

/** The argument of -device loader. Throws UsageError. */
export function parseLoader(argument: string): BootSettings['loader'] {
  const items = parseList(argument, 'driver');
  onlyKeys('-device loader', items, ['driver', 'file', 'addr', 'force-raw', 'id']);
  const [file, address] = [items.get('file'), items.get('addr')];
  if (!file) throw new UsageError(`-device ${argument}: no file=`);
  if (address !== undefined && !/^(0x[\da-f]{1,16}|\d{1,19})$/i.test(address))
    throw new UsageError(`-device loader,addr=${address}: that is not an address; write 0x80200000`);
  return {
    file,
    address: address === undefined ? undefined : BigInt(address),
    isRaw: onOff('-device loader,force-raw', items.get('force-raw') ?? 'off'),
  };
}

/** Throws UsageError if the options contradict one another. */
export function checkBoot({ loader, initrd, append }: BootSettings, kernel: string | undefined): void {
  if (loader && kernel !== undefined)
    throw new UsageError(`-device loader,file=${loader.file}: it goes in the place of -kernel here; leave out either`);
  if (kernel !== undefined) return;
  if (initrd !== undefined) throw new UsageError(`-initrd ${initrd}: it goes with -kernel only`);
  if (append !== undefined) throw new UsageError(`-append ${append}: it goes with -kernel only`);
}

/**
 * What the machine is to have of it: each file is read by `read`, whose second argument says what it is, and firmware found by
 * `find`. The kernel is empty if there is none. Throws UsageError.
 */
export function readBoot(
  { bios, loader, initrd, append }: BootSettings,
  kernel: string | undefined,
  read: (file: string, what: string) => Uint8Array,
  find: (bios: string) => string,
): { kernel: Uint8Array; boot?: BootOptions } {
  const boot: BootOptions = {};
  if (bios !== undefined) boot.firmware = read(find(bios), 'firmware');
  if (initrd !== undefined) boot.initrd = read(initrd, 'initial RAM disk');
  if (append !== undefined) boot.commandLine = append;
  let bytes: Uint8Array = new Uint8Array();
  if (kernel !== undefined) bytes = read(kernel, 'kernel');
  if (loader) {
    const loaded = read(loader.file, 'image');
    if (isElf(loaded) && !loader.isRaw) bytes = loaded;
    else if (loader.address === undefined) throw new UsageError(`-device loader,file=${loader.file}: no addr=`);
    else boot.image = { bytes: loaded, address: loader.address };
  }
  return Object.keys(boot).length === 0 ? { kernel: bytes } : { kernel: bytes, boot };
}
