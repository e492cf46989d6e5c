/**
 * Debian's U-Boot (package u-boot-qemu, or U_BOOT_DIR with its folders) in machine mode, and in supervisor mode over OpenSBI: it finds
 * the board by the device tree, reads the disk, and resets the machine. Skipped where it is not installed.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findFirmware } from '../../host/firmware';
import type { BootOptions } from '../../emulator/types';
import { Guest } from './guest';

const FOLDER = process.env.U_BOOT_DIR ?? '/usr/lib/u-boot';
const image = (kind: string): string => join(FOLDER, kind, 'u-boot.bin');
const KINDS = { machine: 'qemu-riscv64', supervisor: 'qemu-riscv64_smode' };

describe('U-Boot', function () {
  this.timeout(120_000);
  if (!Object.values(KINDS).every((kind) => existsSync(image(kind)))) {
    it(`boots (skipped: there is none in ${FOLDER})`, function () {
      this.skip();
    });
    return;
  }

  function boots(boot: BootOptions, kernel = new Uint8Array()): void {
    const disk = new Uint8Array(4 << 20);
    disk.set(Buffer.from('what is on the disk'), 512);
    const guest = new Guest({ harts: 2, memory: 256 << 20, kernel, boot, legacyVirtio: true, disk });
    guest.expect('Model: riscv-virtio,qemu');
    guest.expect('DRAM:  256 MiB');
    guest.expect('Hit any key to stop autoboot');
    guest.send('');
    for (const command of ['virtio info', 'virtio read 84000000 1 1', 'md.b 84000000 10', 'reset']) {
      guest.expect('=> ');
      guest.send(command);
    }
    assert.match(guest.console, /Capacity: 4\.0 MB/);
    assert.match(guest.console, /84000000: 77 68 61 74 20 69 73 20 6f 6e 20 74 68 65 20 64 {2}what is on the d/);
    assert.throws(() => guest.expect('=> '), /the machine stopped: reset/);
  }

  it('boots in machine mode', () => boots({ firmware: readFileSync(image(KINDS.machine)) }));

  it('boots in supervisor mode, a raw kernel over OpenSBI', function () {
    let firmware: Uint8Array;
    try {
      firmware = readFileSync(findFirmware('default'));
    } catch {
      this.skip();
    }
    boots({ firmware }, readFileSync(image(KINDS.supervisor)));
  });
});
