/**
 * What a hart executes at power on, at 0x1000: the reset vector of QEMU 7.2's `virt` board (hw/riscv/boot.c). It
 * enters the kernel with mhartid in a0, the address of the device tree in a1, and in a2 the address of the record from
 * which OpenSBI learns what to start next.
 */
import { MemoryMap } from '../devices/memory-map';

export const RESET_VECTOR = MemoryMap.bootRom.base;

const CODE = [
  0x00000297, // auipc t0, 0
  0x02828613, // addi  a2, t0, 40
  0xf1402573, // csrr  a0, mhartid
  0x0202b583, // ld    a1, 32(t0)
  0x0182b283, // ld    t0, 24(t0)
  0x00028067, // jr    t0
];

/** "OSBI", version 2 of the record, and supervisor mode as the next stage's. */
const DYNAMIC_INFO = { magic: 0x4942534fn, version: 2n, nextMode: 1n };

/** The ROM's contents from `RESET_VECTOR` on: jumps to `entry`. `next` is the address a firmware starts, 0 for none. */
export function bootRom(entry: bigint, deviceTree: bigint, next = 0n): Uint8Array {
  const { magic, version, nextMode } = DYNAMIC_INFO;
  const data = [entry, deviceTree, magic, version, next, nextMode, 0n, 0n];
  const view = new DataView(new ArrayBuffer(4 * CODE.length + 8 * data.length));
  CODE.forEach((instruction, index) => view.setUint32(4 * index, instruction, true));
  data.forEach((word, index) => view.setBigUint64(4 * CODE.length + 8 * index, BigInt.asUintN(64, word), true));
  return new Uint8Array(view.buffer);
}
