/**
 * Finds a firmware as QEMU finds the file of its -bios: as a file, or by its name among those that come with QEMU. "default" is
 * OpenSBI, which QEMU brings along and Debian also has as a package of its own.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const QEMU_FOLDERS = ['/usr/share/qemu', '/usr/local/share/qemu', '/opt/homebrew/share/qemu'];
const OPENSBI = 'opensbi-riscv64-generic-fw_dynamic.bin';
const DEBIAN_OPENSBI = '/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin';

/** The path of a firmware. Throws an Error that says what to do if "default" is not there; other names come back as they are. */
export function findFirmware(bios: string, exists: (path: string) => boolean = existsSync): string {
  if (bios !== 'default')
    return [bios, ...QEMU_FOLDERS.map((folder) => join(folder, bios))].find((path) => exists(path)) ?? bios;
  const places = [...QEMU_FOLDERS.map((folder) => join(folder, OPENSBI)), DEBIAN_OPENSBI];
  const found = places.find((path) => exists(path));
  if (found !== undefined) return found;
  throw new Error(
    `OpenSBI, the default firmware, is not on this computer, neither as ${DEBIAN_OPENSBI} nor as ${OPENSBI} in ${QEMU_FOLDERS.join(', ')}. ` +
      'Install it (sudo apt install opensbi, or QEMU itself), or name a firmware by its file.',
  );
}
