/** For tests: bytes as an ELF file that boots. */

export const BASE = 0x8000_0000;

/** An RV64 ELF executable with one segment at BASE, which is also its entry. */
export function elf(image: Uint8Array, memorySize = image.length): Uint8Array {
  const offset = 0x1000;
  const file = new Uint8Array(offset + image.length);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 2, true); // ET_EXEC
  view.setUint16(18, 243, true); // EM_RISCV
  view.setUint32(20, 1, true);
  view.setBigUint64(24, BigInt(BASE), true);
  view.setBigUint64(32, 64n, true);
  view.setUint16(52, 64, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, 1, true);
  view.setUint32(64, 1, true); // PT_LOAD
  view.setUint32(68, 7, true);
  [offset, BASE, BASE, image.length, memorySize, 0x1000].forEach((value, index) =>
    view.setBigUint64(72 + 8 * index, BigInt(value), true),
  );
  file.set(image, offset);
  return file;
}
