import assert from 'node:assert/strict';
import { GuestMemory } from '../mmu/guest-memory';
import { BASE, elf } from '../testing/elf';
import type { BootOptions, MachineOptions } from '../types';
import { KernelError } from './elf-image';
import { type PowerOn, placePowerOn, readPowerOn } from './power-on';

const MIB = 2 ** 20;
const KERNEL_AT = BigInt(BASE + 2 * MIB);
const FIRMWARE = Uint8Array.from({ length: 4096 }, (_, at) => at);
const KERNEL = Uint8Array.from({ length: 100 }, (_, at) => 255 - at);
const NONE: Uint8Array = new Uint8Array();

const read = (boot: BootOptions | undefined, kernel = NONE, memory = 128 * MIB): PowerOn =>
  readPowerOn({ harts: 1, memory, kernel, ...(boot && { boot }) } satisfies Partial<MachineOptions>);
const refuses = (message: RegExp, ...given: Parameters<typeof read>): void =>
  assert.throws(
    () => read(...given),
    (error) => error instanceof KernelError && message.test(error.message),
    String(message),
  );
const addressOf = ({ images }: PowerOn, what: string): bigint => images.get(what)!.segments[0]!.address;

/** An ELF whose one segment lies elsewhere than at the base of memory. */
function elfAt(address: number, code = KERNEL): Uint8Array {
  const file = elf(code);
  const view = new DataView(file.buffer);
  for (const at of [24, 64 + 16, 64 + 24]) view.setBigUint64(at, BigInt(address), true);
  return file;
}

describe('what lies in memory at power on', () => {
  it('is the kernel alone, which starts at its entry and is told of no other', () => {
    const { entry, next, images } = read(undefined, elfAt(BASE + 0x100));
    assert.deepEqual([entry, next, [...images.keys()]], [BigInt(BASE + 0x100), 0n, ['the kernel']]);
  });

  it('is firmware at the base, and a raw kernel at the next multiple of 2 MiB', () => {
    const { entry, next, ...rest } = read({ firmware: FIRMWARE }, KERNEL);
    assert.deepEqual([entry, next], [BigInt(BASE), KERNEL_AT]);
    assert.equal(addressOf({ entry, next, ...rest }, 'the kernel'), KERNEL_AT);
    const long = read({ firmware: new Uint8Array(2 * MIB + 1) }, KERNEL);
    assert.equal(long.next, BigInt(BASE + 4 * MIB));
  });

  it("places a kernel's ELF after firmware by its own addresses, and starts it at the lowest, whatever its entry", () => {
    const file = elfAt(BASE + 8 * MIB);
    new DataView(file.buffer).setBigUint64(24, 0xffffffff80000000n, true);
    assert.equal(read({ firmware: FIRMWARE }, file).next, BigInt(BASE + 8 * MIB));
  });

  it('starts firmware at the base of memory, also if its ELF has another entry', () => {
    const firmware = elf(FIRMWARE);
    new DataView(firmware.buffer).setBigUint64(24, 0n, true);
    assert.equal(read({ firmware }, KERNEL).entry, BigInt(BASE));
    assert.equal(read({ firmware }).next, 0n);
  });

  it('is an image in place of the segments of the kernel, whose ELF then only has the symbols', () => {
    const file = elfAt(0x1000);
    assert.equal(read({ firmware: FIRMWARE, image: { bytes: KERNEL } }, file).next, KERNEL_AT);
    const placed = read({ firmware: FIRMWARE, image: { bytes: KERNEL, address: 0x80300000n } }, file);
    assert.deepEqual([addressOf(placed, 'the kernel'), placed.next], [0x80300000n, 0n]);
    assert.equal(read({ image: { bytes: KERNEL } }).entry, BigInt(BASE));
  });

  it('is a RAM disk half of the memory beyond the kernel, and at most 128 MiB', () => {
    const boot = { firmware: FIRMWARE, initrd: new Uint8Array(10) };
    const small = read(boot, KERNEL, 64 * MIB);
    assert.deepEqual(small.tree.initrd, { address: KERNEL_AT + BigInt(32 * MIB), size: 10 });
    assert.equal(addressOf(small, 'the initrd'), KERNEL_AT + BigInt(32 * MIB));
    assert.equal(read(boot, KERNEL, 1024 * MIB).tree.initrd?.address, KERNEL_AT + BigInt(128 * MIB));
  });

  it('is written where it belongs, and the boot ROM leads there', () => {
    const memory = new GuestMemory(128 * MIB);
    placePowerOn(memory, read({ firmware: FIRMWARE, initrd: Uint8Array.of(1) }, KERNEL));
    assert.deepEqual(memory.read(BigInt(BASE), FIRMWARE.length), FIRMWARE);
    assert.deepEqual(memory.read(KERNEL_AT, KERNEL.length), KERNEL);
    assert.deepEqual(memory.read(KERNEL_AT + BigInt(64 * MIB), 2), Uint8Array.of(1, 0));
    assert.deepEqual([memory.readU64(0x1018n), memory.readU64(0x1038n)], [BigInt(BASE), KERNEL_AT]);
  });

  it('is refused where it does not fit, with what to blame', () => {
    refuses(/^the kernel is not an ELF file$/, undefined, KERNEL);
    refuses(
      /^the firmware takes 0x80000000 to 0x80200000, but memory is 1 MiB/,
      { firmware: new Uint8Array(2 * MIB) },
      NONE,
      MIB,
    );
    refuses(/^the kernel takes 0x80200000 to/, { firmware: FIRMWARE }, KERNEL, MIB);
    refuses(/^the firmware is empty$/, { firmware: NONE });
    refuses(/^the firmware is a 32-bit RISC-V ELF/, { firmware: thirtyTwoBit() });
    refuses(/^the firmware and the kernel both want memory at 0x80000000$/, { firmware: FIRMWARE }, elfAt(BASE));
    refuses(/^the initrd takes/, { firmware: FIRMWARE, initrd: new Uint8Array(64 * MIB) }, KERNEL);
    refuses(/of no use without a kernel/, { firmware: FIRMWARE, initrd: KERNEL });
    refuses(/^the command line is longer than 16384 characters$/, {
      firmware: FIRMWARE,
      commandLine: ' '.repeat(16385),
    });
    placePowerOn(new GuestMemory(128 * MIB), read({ firmware: FIRMWARE, commandLine: '\u20ac'.repeat(16384) }, KERNEL));
    const image = { bytes: KERNEL, address: 0x1000n };
    refuses(/^the kernel takes 0x1000 to 0x1064, but/, { image });
  });
});

function thirtyTwoBit(): Uint8Array {
  const file = elf(FIRMWARE);
  file[4] = 1;
  return file;
}
