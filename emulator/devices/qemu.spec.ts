/**
 * The devices against those of QEMU's `virt` board: the same accesses go to both, QEMU's over its qtest protocol with the
 * machine stopped, and every value read must be the same. Needs qemu-system-riscv64 7.2 (Debian: qemu-system-misc).
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DeviceBus } from '../testing/device-bus';
import { FakeBoard, FakeDisk } from '../testing/fake-board';
import { QemuBus, SECTORS } from '../testing/qemu-bus';
import { blockHeader, VERSION_1, VirtioDriver, type Bus } from '../testing/virtio-driver';
import { Disk } from './disk';
import { createVirtDevices, MemoryMap } from './virt';

const DATA = MemoryMap.dram.base + 0x8000;

function ourBoard(legacy: boolean, readOnly = false): { bus: DeviceBus; output: number[] } {
  const board = new FakeBoard(2, 0x100000);
  const output: number[] = [];
  const { devices } = createVirtDevices(board, {
    legacyVirtio: legacy,
    disk: new Disk(new FakeDisk(SECTORS, readOnly)),
    rtcEpoch: 1_700_000_000,
    consoleOutput: (bytes) => output.push(...bytes),
    finish: () => assert.fail('nothing here asks to finish'),
  });
  for (const device of devices) device.reset();
  return { bus: new DeviceBus(board, devices), output };
}

interface Step {
  address: number;
  size: 1 | 4 | 8;
  /** Undefined: a load. */
  value?: bigint;
}

function access(address: fc.Arbitrary<number>, size: 1 | 4 | 8, values: fc.Arbitrary<bigint>): fc.Arbitrary<Step> {
  return fc.record({ address, size: fc.constant(size), value: fc.option(values, { nil: undefined }) });
}

const anyWord = fc.bigInt({ min: 0n, max: 0xffff_ffffn });
const uartAccess = access(
  fc.nat(7).map((offset) => MemoryMap.uart.base + offset),
  1,
  fc.bigInt({ min: 0n, max: 255n }),
);
const plicAccess = access(
  fc
    .oneof(
      fc.integer({ min: 1, max: 95 }).map((source) => 4 * source),
      fc.constantFrom(0x28, 0x2c),
      fc.nat(3).map((word) => 0x1000 + 4 * word),
      fc.tuple(fc.nat(4), fc.nat(3)).map(([context, word]) => 0x2000 + 0x80 * context + 4 * word),
      fc.tuple(fc.nat(4), fc.nat(2)).map(([context, word]) => 0x200000 + 0x1000 * context + 4 * word),
    )
    .map((offset) => MemoryMap.plic.base + offset),
  4,
  fc.oneof(anyWord, fc.constantFrom(10n, 11n, 0xffff_ffffn, 1n, 7n, 0n)),
);
/** Alarms in 1970 or in the 27th century, the enable and clear registers. Not the time: QEMU has the host's. */
const rtcAccess = access(
  fc.constantFrom(0x08, 0x10, 0x14, 0x18, 0x1c).map((offset) => MemoryMap.rtc.base + offset),
  4,
  fc.constantFrom(0n, 1n),
);
const rtcAlarmHigh = fc
  .constantFrom(0n, 0x5000_0000n)
  .map((value): Step => ({ address: MemoryMap.rtc.base + 0x0c, size: 4, value }));
const clintAccess = fc.oneof(
  access(
    fc
      .constantFrom(0, 4, 8, 0x4000, 0x4004, 0x4008, 0x400c, 0x4010, 0xbff8, 0xbffc)
      .map((offset) => MemoryMap.clint.base + offset),
    4,
    anyWord,
  ),
  access(
    fc.constantFrom(0x4000, 0x4008, 0xbff8).map((offset) => MemoryMap.clint.base + offset),
    8,
    fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
  ),
);

async function play(bus: Bus, steps: Step[]): Promise<string[]> {
  const seen: string[] = [];
  for (const { address, size, value } of steps) {
    if (value === undefined) seen.push(`${address.toString(16)}: ${(await bus.load(address, size)).toString(16)}`);
    else await bus.store(address, size, value);
  }
  return seen;
}

const HEADER = DATA - 0x100;
const STATUS = DATA - 0x80;

/** Submits one request whose header, data and status are descriptors 0, 1... and the last. */
async function request(
  driver: VirtioDriver,
  type: number,
  sector: number | bigint,
  data: { address: number; length: number; write?: boolean }[],
): Promise<void> {
  await driver.bus.write(HEADER, blockHeader(type, sector));
  await driver.bus.write(STATUS, Uint8Array.of(0xff));
  await driver.chain(0, [{ address: HEADER, length: 16 }, ...data, { address: STATUS, length: 1, write: true }]);
  await driver.submit(0);
}

async function startUp(bus: Bus, legacy: boolean): Promise<bigint[]> {
  const driver = new VirtioDriver(bus, legacy);
  const seen: bigint[] = [];
  const look = async (): Promise<void> => {
    for (const offset of [0x00, 0x04, 0x08, 0x0c, 0x34, 0x40, 0x44, 0x60, 0x70, 0xfc, 0x100, 0x104, 0x10c, 0x114])
      seen.push(await driver.register(offset));
    seen.push(await bus.load(MemoryMap.virtio.base + 0x100, 8), await bus.load(MemoryMap.virtio.base + 0x101, 1));
  };
  await look();
  await driver.start();
  await look();
  await driver.setRegister(0x030, 1);
  await look();
  await driver.setRegister(0x030, 0);
  await driver.setRegister(0x070, 0);
  await look();
  const empty = new VirtioDriver(bus, legacy, 1);
  for (const offset of [0x00, 0x04, 0x08, 0x0c, 0x10, 0x34, 0x70, 0x100]) seen.push(await empty.register(offset));
  return seen;
}

async function blockRequests(bus: Bus, legacy: boolean): Promise<unknown[]> {
  const driver = new VirtioDriver(bus, legacy);
  const seen: unknown[] = [];
  const look = async (length: number): Promise<void> => {
    seen.push(await driver.used(), await driver.register(0x60), await bus.read(STATUS, 1));
    seen.push(Buffer.from(await bus.read(DATA, length)).toString('hex'));
    await driver.setRegister(0x64, 3);
    seen.push(await driver.register(0x60));
    await bus.write(DATA, new Uint8Array(2048).fill(0xee));
  };
  await driver.start();
  await bus.write(
    DATA,
    Uint8Array.from({ length: 1024 }, (_, index) => index * 7),
  );
  const requests: [number, number | bigint, { address: number; length: number; write?: boolean }[]][] = [
    [1, 4, [{ address: DATA, length: 1024 }]],
    [0, 3, [{ address: DATA, length: 1536, write: true }]],
    [
      0,
      4,
      [
        { address: DATA, length: 100, write: true },
        { address: DATA + 512, length: 924, write: true },
      ],
    ],
    [0, SECTORS - 1, [{ address: DATA, length: 512, write: true }]],
    [0, SECTORS - 1, [{ address: DATA, length: 1024, write: true }]],
    [0, SECTORS, [{ address: DATA, length: 512, write: true }]],
    [0, (1n << 64n) - 1n, [{ address: DATA, length: 512, write: true }]],
    [1, SECTORS, [{ address: DATA, length: 512 }]],
    [0, 0, [{ address: DATA, length: 511, write: true }]],
    [0, 0, []],
    [4, 0, []],
    [8, 0, [{ address: DATA, length: 20, write: true }]],
    [77, 0, [{ address: DATA, length: 512, write: true }]],
  ];
  for (const [type, sector, data] of requests) {
    await request(driver, type, sector, data);
    await look(1600);
  }
  await driver.setAvailableFlags(1);
  await request(driver, 0, 1, [{ address: DATA, length: 512, write: true }]);
  await look(512);
  return seen;
}

type Plant = (driver: VirtioDriver) => Promise<void>;

const BROKEN_RINGS: Record<string, Plant> = {
  'a loop of descriptors': async (driver) => {
    await driver.chain(0, [
      { address: HEADER, length: 16 },
      { address: DATA, length: 512, next: 1 },
    ]);
    await driver.submit(0);
  },
  'a head beyond the table': async (driver) => {
    await driver.submit(99);
  },
  'a link beyond the table': async (driver) => {
    await driver.chain(0, [{ address: HEADER, length: 16, next: 300 }]);
    await driver.submit(0);
  },
  'an available index too far ahead': async (driver) => {
    await driver.setAvailableIndex(200);
    await driver.setRegister(0x50, 0);
    await driver.bus.settle();
  },
  'a buffer of no length': async (driver) => {
    await driver.chain(0, [{ address: HEADER, length: 0 }]);
    await driver.submit(0);
  },
  'a readable buffer after a writable one': async (driver) => {
    await driver.chain(0, [
      { address: HEADER, length: 16 },
      { address: STATUS, length: 1, write: true },
      { address: DATA, length: 512 },
    ]);
    await driver.submit(0);
  },
  'a short header': async (driver) => {
    await driver.chain(0, [
      { address: HEADER, length: 8 },
      { address: STATUS, length: 1, write: true },
    ]);
    await driver.submit(0);
  },
  'a request without a status byte': async (driver) => {
    await driver.chain(0, [{ address: HEADER, length: 16 }]);
    await driver.submit(0);
  },
};

/** Status and interrupt after the fault; then that the device ignores a good request, and that a reset revives it. */
async function brokenRing(bus: Bus, legacy: boolean, plant: Plant): Promise<unknown[]> {
  const driver = new VirtioDriver(bus, legacy);
  const seen: unknown[] = [];
  const look = async (): Promise<void> => {
    seen.push(await driver.register(0x60), await driver.register(0x70), await driver.used(), await bus.read(STATUS, 1));
  };
  await driver.start(VERSION_1);
  await bus.write(STATUS, Uint8Array.of(0xff));
  await plant(driver);
  await look();
  await request(driver, 0, 5, [{ address: DATA, length: 512, write: true }]);
  await look();
  await driver.start(VERSION_1);
  await request(driver, 0, 5, [{ address: DATA, length: 512, write: true }]);
  await look();
  return seen;
}

/** The last accesses up to the load with this number. */
function describeSteps(steps: Step[], load: number): string {
  let loads = -1;
  const end = steps.findIndex(({ value }) => value === undefined && ++loads === load) + 1;
  return steps
    .slice(Math.max(0, end - 40), end)
    .filter(({ address }) => address !== MemoryMap.plic.base + 0x1000)
    .map(({ address, value }) => `${address.toString(16)}${value === undefined ? '?' : `=${value.toString(16)}`}`)
    .join(' ');
}

describe('devices against QEMU', function () {
  this.timeout(60_000);
  let qemu: QemuBus | undefined;

  afterEach(async () => {
    await qemu?.close();
    qemu = undefined;
  });

  it('UART, PLIC, CLINT and RTC give the same answers to random accesses', async () => {
    qemu = new QemuBus(true, false);
    const { bus, output } = ourBoard(true);
    const steps = fc.oneof(
      { weight: 4, arbitrary: uartAccess },
      { weight: 4, arbitrary: plicAccess },
      { weight: 1, arbitrary: rtcAccess },
      { weight: 1, arbitrary: rtcAlarmHigh },
      { weight: 1, arbitrary: clintAccess },
    );
    // One long run, not many short ones: wrong state deep inside shows late.
    const run = fc.sample(steps, { numRuns: 6000, seed: 20221213 });
    const plicIsPending: Step = { address: MemoryMap.plic.base + 0x1000, size: 4 };
    const watched = run.flatMap((step) => [step, plicIsPending]);
    const expected = await play(qemu, watched);
    const actual = await play(bus, watched);
    const wrong = expected.findIndex((value, index) => value !== actual[index]);
    assert.equal(
      wrong,
      -1,
      `after ${describeSteps(watched, wrong)} QEMU reads ${expected[wrong]}, we ${actual[wrong]}`,
    );
    assert.deepEqual(Buffer.from(output), Buffer.from(qemu.consoleOutput()));
  });

  for (const legacy of [true, false]) {
    const version = legacy ? 'legacy' : 'modern';

    it(`${version} virtio shows the same registers before, during and after start-up`, async () => {
      qemu = new QemuBus(legacy, false);
      const seen = [];
      for (const bus of [qemu, ourBoard(legacy).bus]) seen.push(await startUp(bus, legacy));
      assert.deepEqual(seen[1], seen[0]);
    });

    it(`${version} virtio block requests end the same`, async () => {
      qemu = new QemuBus(legacy, false);
      const seen = [];
      for (const bus of [qemu, ourBoard(legacy).bus]) seen.push(await blockRequests(bus, legacy));
      assert.deepEqual(seen[1], seen[0]);
    });

    for (const [wrong, plant] of Object.entries(BROKEN_RINGS)) {
      it(`${version} virtio stops at ${wrong}`, async () => {
        qemu = new QemuBus(legacy, false);
        const seen = [];
        for (const bus of [qemu, ourBoard(legacy).bus]) seen.push(await brokenRing(bus, legacy, plant));
        assert.deepEqual(seen[1], seen[0]);
      });
    }
  }

  it('a write to a read-only disk fails the same', async () => {
    qemu = new QemuBus(false, true);
    const seen = [];
    for (const bus of [qemu, ourBoard(false, true).bus]) {
      const driver = new VirtioDriver(bus, false);
      const readOnly = (await driver.register(0x010)) & (1n << 5n);
      await driver.start();
      await request(driver, 1, 3, [{ address: DATA, length: 512 }]);
      seen.push([readOnly, await driver.used(), await bus.read(STATUS, 1)]);
    }
    assert.deepEqual(seen[1], seen[0]);
  });
});
