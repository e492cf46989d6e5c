import assert from 'node:assert/strict';
import { bootRom, RESET_VECTOR } from './boot-rom';

describe('bootRom', () => {
  /** The ROM of qemu-system-riscv64 7.2 -M virt -m 128M -bios none, as `xp /20wx 0x1000` shows it. */
  const QEMU = [
    0x00000297, 0x02828613, 0xf1402573, 0x0202b583, 0x0182b283, 0x00028067, 0x80000000, 0, 0x87e00000, 0, 0x4942534f, 0,
    2, 0, 0, 0, 1, 0, 0, 0,
  ];

  it("is QEMU's", () => {
    const rom = bootRom(0x80000000n, 0x87e00000n);
    const view = new DataView(rom.buffer);
    assert.equal(RESET_VECTOR, 0x1000);
    assert.deepEqual(
      QEMU.map((_, index) => view.getUint32(4 * index, true)),
      QEMU,
    );
  });

  it('finds entry and device tree where its loads look for them', () => {
    const view = new DataView(bootRom(0x1_8000_1234n, 0x9_0000_0008n).buffer);
    assert.equal(view.getBigUint64(24, true), 0x1_8000_1234n);
    assert.equal(view.getBigUint64(32, true), 0x9_0000_0008n);
  });
});
