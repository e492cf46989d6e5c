import assert from 'node:assert/strict';
import { findFirmware } from './firmware';

describe('findFirmware', () => {
  const among =
    (...files: string[]) =>
    (path: string): boolean =>
      files.includes(path);
  const QEMU = '/usr/share/qemu/opensbi-riscv64-generic-fw_dynamic.bin';
  const DEBIAN = '/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin';

  it("takes QEMU's OpenSBI by default, else Debian's", () => {
    assert.equal(findFirmware('default', among(QEMU, DEBIAN)), QEMU);
    assert.equal(findFirmware('default', among(DEBIAN)), DEBIAN);
    assert.throws(
      () => findFirmware('default', among()),
      /OpenSBI.* is not on this computer.*sudo apt install opensbi/,
    );
  });

  it('takes a file, else one of that name that comes with QEMU, else what will be told as missing', () => {
    const own = '/usr/share/qemu/fw.bin';
    assert.equal(findFirmware('fw.bin', among('fw.bin', own)), 'fw.bin');
    assert.equal(findFirmware('fw.bin', among(own)), own);
    assert.equal(findFirmware('fw.bin', among()), 'fw.bin');
  });
});
