import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Device } from '../device';
import type { AccessSize, State } from '../types';
import { FakeBoard, FakeDisk } from '../testing/fake-board';
import { Disk } from './disk';
import { createVirtDevices, MemoryMap, type VirtDevices } from './virt';

interface Board {
  board: FakeBoard;
  virt: VirtDevices;
  output: number[];
}

function build(legacyVirtio = false): Board {
  const board = new FakeBoard(2);
  const output: number[] = [];
  const virt = createVirtDevices(board, {
    legacyVirtio,
    disk: new Disk(new FakeDisk(64)),
    rtcEpoch: 1_000_000,
    consoleOutput: (bytes) => output.push(...bytes),
    finish: () => undefined,
  });
  for (const device of virt.devices) device.reset();
  return { board, virt, output };
}

type Step =
  { device: number; offset: number; size: AccessSize; value?: bigint } | { input: Uint8Array } | { pass: number };

/** Offsets at which the devices have something, in the order of `VirtDevices.devices`. */
const OFFSETS: number[][] = [
  [0],
  [0, 4, 8, 0xc, 0x10, 0x14, 0x18, 0x1c],
  [0, 4, 0x4000, 0x4004, 0x4008, 0xbff8, 0xbffc],
  [4, 0x28, 0x2c, 0x1000, 0x2000, 0x2080, 0x2100, 0x200000, 0x200004, 0x201000, 0x201004, 0x203004],
  [0, 1, 2, 3, 4, 5, 6, 7],
  ...Array.from({ length: 8 }, () => [
    0x10, 0x14, 0x20, 0x24, 0x30, 0x34, 0x38, 0x44, 0x50, 0x60, 0x64, 0x70, 0x80, 0x90, 0xa0,
  ]),
];

const anyAccess = fc.nat(OFFSETS.length - 1).chain((device) =>
  fc.record({
    device: fc.constant(device),
    offset: fc.constantFrom(...OFFSETS[device]!),
    size: fc.constantFrom<AccessSize>(...((device === 4 ? [1] : device === 2 ? [4, 8] : [4]) as AccessSize[])),
    value: fc.option(fc.oneof(fc.bigInt({ min: 0n, max: 15n }), fc.bigInt({ min: 0n, max: 0xffff_ffffn })), {
      nil: undefined,
    }),
  }),
);
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: anyAccess },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }).map((input) => ({ input })) },
  { weight: 1, arbitrary: fc.nat(5000).map((pass) => ({ pass })) },
);

function play({ board, virt }: Board, steps: Step[]): (bigint | boolean | undefined)[] {
  return steps.map((step) => {
    if ('input' in step) return virt.uart.receive(step.input) as undefined;
    if ('pass' in step) {
      board.time += step.pass;
      for (const device of virt.devices) device.advance?.(board.time);
      return undefined;
    }
    const device = virt.devices[step.device]!;
    return step.value === undefined
      ? device.read(step.offset, step.size)
      : device.write(step.offset, step.size, step.value & ((1n << BigInt(8 * step.size)) - 1n));
  });
}

function save(devices: readonly Device[]): State {
  return devices.map((device) => device.save());
}

describe('createVirtDevices', () => {
  it('lays the devices out without overlaps', () => {
    const { virt } = build();
    let end = 0;
    for (const { name, base, size } of virt.devices) {
      assert.ok(base >= end, name);
      end = base + size;
    }
    assert.ok(end <= MemoryMap.dram.base);
    assert.deepEqual(new Set(virt.devices.map(({ name }) => name)).size, virt.devices.length);
  });

  it('wires the UART to PLIC source 10', () => {
    const { board, virt } = build();
    virt.plic.write(4 * 10, 4, 1n);
    virt.plic.write(0x2080, 4, 1n << 10n);
    virt.uart.write(1, 1, 1n);
    assert.equal(board.line(0, 'seip'), false);
    virt.uart.receive(Uint8Array.of(65));
    assert.equal(board.line(0, 'seip'), true);
    assert.equal(virt.plic.read(0x201004, 4), 10n);
    assert.equal(board.line(0, 'seip'), false);
  });

  it('has the disk in slot 0 and nothing in the others', () => {
    const { virt } = build(true);
    assert.deepEqual(
      virt.virtio.map((slot) => slot.read(8, 4)),
      [2n, 0n, 0n, 0n, 0n, 0n, 0n, 0n],
    );
    assert.equal(virt.virtio[0]!.read(4, 4), 1n);
  });

  /** Measured by loads in qemu-system-riscv64 7.2 with a trap handler: `f` faults; sizes 1, 2, 4 and 8. */
  it('responds or faults at the widths where QEMU does', () => {
    const { virt } = build();
    const widths: [keyof VirtDevices, number, string][] = [
      ['uart', 0, '....'],
      ['uart', 4, '... '],
      ['uart', 8, 'ffff'],
      ['finisher', 0, 'f..f'],
      ['rtc', 0, 'ff..'],
      ['rtc', 0x20, 'ff.f'],
      ['rtc', 0x24, 'fff '],
      ['clint', 0, 'ff.f'],
      ['clint', 0x4000, 'ff..'],
      ['clint', 0xbff8, 'ff..'],
      ['clint', 0xc000, 'ffff'],
      ['plic', 0, 'ff.f'],
      ['plic', 0x200004, 'ff. '],
    ];
    for (const [name, offset, expected] of widths) {
      const device = virt[name] as Device;
      const sizes: AccessSize[] = [1, 2, 4, 8];
      const found = sizes.map((size) => (device.read(offset, size) === undefined ? 'f' : '.'));
      assert.equal(
        found.map((each, index) => (expected[index] === ' ' ? ' ' : each)).join(''),
        expected,
        `${name} ${offset}`,
      );
    }
  });

  it('goes on from a saved state as if nothing had happened', () => {
    fc.assert(
      fc.property(
        fc.boolean(),
        fc.array(anyStep, { maxLength: 80 }),
        fc.array(anyStep, { maxLength: 80 }),
        (legacy, before, after) => {
          const first = build(legacy);
          play(first, before);
          const saved = structuredClone(save(first.virt.devices));
          const second = build(legacy);
          second.board.time = first.board.time;
          second.board.memory.bytes.set(first.board.memory.bytes);
          second.virt.devices.forEach((device, index) => device.restore((saved as State[])[index]!));
          assert.deepEqual(save(second.virt.devices), saved);
          assert.deepEqual(
            second.virt.devices.map((device) => device.nextEvent?.()),
            first.virt.devices.map((device) => device.nextEvent?.()),
          );
          assert.deepEqual(second.board.lines, first.board.lines);
          first.output.length = 0;
          assert.deepEqual(play(second, after), play(first, after));
          assert.deepEqual(save(second.virt.devices), save(first.virt.devices));
          assert.deepEqual(second.output, first.output);
          assert.deepEqual(second.board.lines, first.board.lines);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('is after a reset as it was at power on', () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 80 }), (steps) => {
        const used = build();
        play(used, steps);
        used.board.time = 0;
        for (const device of used.virt.devices) device.reset();
        const fresh = build();
        assert.deepEqual(save(used.virt.devices), save(fresh.virt.devices));
        assert.deepEqual(used.board.lines, fresh.board.lines);
      }),
      { numRuns: 100 },
    );
  });
});
