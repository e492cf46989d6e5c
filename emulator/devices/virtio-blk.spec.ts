import assert from 'node:assert/strict';
import { DeviceBus } from '../testing/device-bus';
import { FakeBoard, FakeDisk } from '../testing/fake-board';
import { blockHeader, VirtioDriver, type Descriptor } from '../testing/virtio-driver';
import { Disk } from './disk';
import { BLOCK_LATENCY, VirtioBlock } from './virtio-blk';
import { VirtioMmio } from './virtio-mmio';

const HEADER = 0x80004000;
const STATUS = 0x80004100;
const DATA = 0x80008000;
const SECTORS = 300;
const OK = 0;
const ERROR = 1;
const UNSUPPORTED = 2;

for (const legacy of [true, false]) {
  describe(`VirtioBlock, ${legacy ? 'legacy' : 'version 2'}`, () => {
    let board: FakeBoard;
    let disk: FakeDisk;
    let transport: VirtioMmio;
    let driver: VirtioDriver;

    beforeEach(() => use(new FakeDisk(SECTORS)));

    async function use(image: FakeDisk): Promise<void> {
      board = new FakeBoard(1, 0x80000);
      disk = image;
      transport = new VirtioMmio(board, 0, legacy, new VirtioBlock(new Disk(disk), 'root'));
      transport.reset();
      driver = new VirtioDriver(new DeviceBus(board, [transport]), legacy);
      await driver.start();
    }

    /** Puts a request at descriptor `at`, with header and status of its own. */
    async function place(at: number, type: number, sector: number | bigint, data: Descriptor[]): Promise<void> {
      await driver.bus.write(HEADER + 16 * at, blockHeader(type, sector));
      await driver.bus.write(STATUS + at, Uint8Array.of(0xff));
      await driver.chain(at, [
        { address: HEADER + 16 * at, length: 16 },
        ...data,
        { address: STATUS + at, length: 1, write: true },
      ]);
    }

    async function request(type: number, sector: number | bigint, ...data: Descriptor[]): Promise<number> {
      await place(0, type, sector, data);
      await driver.submit(0);
      finish();
      return board.memory.bytes[STATUS - 0x80000000]!;
    }

    /** Lets time pass until nothing is under way. Returns the sectors that each event has moved. */
    function finish(): number[] {
      const moved: number[] = [];
      while (transport.nextEvent() < Infinity) {
        const before = disk.moved;
        transport.advance((board.time = transport.nextEvent()));
        moved.push(disk.moved - before);
      }
      return moved;
    }

    const memory = (address: number, length: number): Uint8Array => board.memory.read(BigInt(address), length)!;

    it('tells its capacity', async () => {
      assert.equal(await driver.register(0x008), 2n);
      assert.equal(transport.read(0x100, 8), BigInt(SECTORS));
      assert.equal(await driver.register(0x114), 512n);
    });

    it('reads and writes', async () => {
      assert.equal(await request(0, 7, { address: DATA, length: 1024, write: true }), OK);
      assert.deepEqual(memory(DATA, 1024), disk.content.slice(7 * 512, 9 * 512));
      board.memory.write(BigInt(DATA), new Uint8Array(512).fill(0xa5));
      assert.equal(await request(1, 9, { address: DATA, length: 512 }), OK);
      assert.deepEqual(disk.content.slice(9 * 512, 10 * 512), new Uint8Array(512).fill(0xa5));
      assert.deepEqual((await driver.used()).slice(0, 5), [2, 0, 1025, 0, 1]);
    });

    it('moves more than one piece at a time, over buffers that split sectors', async () => {
      const length = 256 * 512;
      const data = [
        { address: DATA, length: 1000, write: true },
        { address: DATA + 2000, length: 300, write: true },
        { address: DATA + 4000, length: length - 1300, write: true },
      ];
      assert.equal(await request(0, 2, ...data), OK);
      const got = Buffer.concat(data.map((buffer) => memory(buffer.address, buffer.length)));
      assert.deepEqual(got, Buffer.from(disk.content.slice(2 * 512, 2 * 512 + length)));
    });

    it('completes exactly its latency after the notification', async () => {
      board.time = 5000;
      await place(0, 0, 7, [{ address: DATA, length: 512, write: true }]);
      const settle = driver.bus.settle;
      driver.bus.settle = () => Promise.resolve();
      await driver.submit(0);
      driver.bus.settle = settle;
      assert.equal(transport.nextEvent(), 5000 + BLOCK_LATENCY);
      transport.advance((board.time = 5000 + BLOCK_LATENCY - 1));
      assert.deepEqual([(await driver.used())[0], board.interrupts.get(1)], [0, false]);
      transport.advance((board.time = 5000 + BLOCK_LATENCY));
      assert.deepEqual([(await driver.used())[0], board.interrupts.get(1)], [1, true]);
      assert.equal(transport.nextEvent(), Infinity);
    });

    it('does requests in the order they were made available', async () => {
      board.memory.write(BigInt(DATA), new Uint8Array(512).fill(0x11));
      await place(4, 1, 20, [{ address: DATA, length: 512 }]);
      await place(0, 0, 20, [{ address: DATA + 512, length: 512, write: true }]);
      await driver.submit(4, 0);
      assert.deepEqual((await driver.used()).slice(0, 5), [2, 4, 1, 0, 513]);
      assert.deepEqual(memory(DATA + 512, 512), new Uint8Array(512).fill(0x11));
    });

    it('refuses what is beyond the disk or not whole sectors', async () => {
      const before = disk.content.slice();
      assert.equal(await request(0, SECTORS - 1, { address: DATA, length: 1024, write: true }), ERROR);
      assert.equal(await request(1, SECTORS, { address: DATA, length: 512 }), ERROR);
      assert.equal(await request(0, (1n << 64n) - 1n, { address: DATA, length: 512, write: true }), ERROR);
      assert.equal(await request(1, 0, { address: DATA, length: 100 }), ERROR);
      assert.equal(await request(0, SECTORS - 1, { address: DATA, length: 512, write: true }), OK);
      assert.deepEqual(disk.content, before);
    });

    it('reports errors of the image', async () => {
      disk.failing = true;
      assert.equal(await request(0, 1, { address: DATA, length: 512, write: true }), ERROR);
      assert.equal(await request(1, 1, { address: DATA, length: 512 }), ERROR);
      assert.equal(await request(4, 0), ERROR);
      disk.failing = false;
      assert.equal(await request(1, 1, { address: DATA, length: 512 }), OK);
    });

    it('flushes, identifies itself, and knows no other requests', async () => {
      assert.equal(await request(4, 0), OK);
      assert.equal(disk.flushes, 1);
      board.memory.write(BigInt(DATA), new Uint8Array(20).fill(0xee));
      assert.equal(await request(8, 0, { address: DATA, length: 20, write: true }), OK);
      assert.deepEqual(Buffer.from(memory(DATA, 6)), Buffer.from('root\0\xee', 'latin1'));
      assert.equal(await request(13, 0, { address: DATA, length: 512, write: true }), UNSUPPORTED);
    });

    it('offers a read-only disk as such, and does not write to it', async () => {
      await use(new FakeDisk(SECTORS, true));
      await driver.setRegister(0x014, 0);
      assert.equal((await driver.register(0x010)) & (1n << 5n), 1n << 5n);
      assert.equal(await request(1, 3, { address: DATA, length: 512 }), ERROR);
      assert.equal(disk.content[3 * 512], 3);
      assert.equal(await request(0, 3, { address: DATA, length: 512, write: true }), OK);
    });

    for (const type of [0, 1]) {
      it(`${type === 0 ? 'reads' : 'writes'} much at a time in pieces, between which time passes`, async () => {
        const length = 256 * 512;
        await place(0, type, 2, [{ address: DATA, length, write: type === 0 }]);
        driver.bus.settle = () => Promise.resolve();
        await driver.submit(...Array.from({ length: 8 }, () => 0));
        const start = transport.nextEvent();
        const moved = finish();
        assert.equal(
          moved.reduce((sum, sectors) => sum + sectors),
          8 * 256,
        );
        assert.ok(Math.max(...moved) <= 128, String(moved));
        assert.equal(board.time, start + (moved.length - 1) * 1000);
        assert.equal((await driver.used())[0], 8);
      });
    }

    it('looks at few descriptors at a time, though a driver may link them as long as the queue is', async () => {
      const entries = 64;
      driver = new VirtioDriver(driver.bus, legacy, 0, entries);
      await driver.start();
      const descriptors = Array.from({ length: entries - 2 }, () => ({ address: DATA, length: 1 }));
      await place(0, 1, 2, descriptors);
      driver.bus.settle = () => Promise.resolve();
      const { memory } = board;
      const read = memory.read.bind(memory);
      let reads = 0;
      memory.read = (...given) => {
        reads++;
        return read(...given);
      };
      await driver.submit(...Array.from({ length: entries }, () => 0));
      assert.ok(reads < 2500, `${reads} reads for a notification`);
      while (transport.nextEvent() < Infinity) {
        reads = 0;
        transport.advance((board.time = transport.nextEvent()));
        assert.ok(reads < 2500, `${reads} reads for an event`);
      }
      assert.equal((await driver.used())[0], entries);
    });

    it('drops what is under way when it is reset', async () => {
      await place(0, 1, 3, [{ address: DATA, length: 512 }]);
      driver.bus.settle = () => Promise.resolve();
      await driver.submit(0);
      await driver.setRegister(0x070, 0);
      assert.equal(transport.nextEvent(), Infinity);
      transport.advance(1_000_000);
      assert.equal(disk.content[3 * 512], 3);
    });

    it('carries a request under way over to where its state is restored', async () => {
      board.memory.write(BigInt(DATA), new Uint8Array(512).fill(0x77));
      await place(0, 1, 3, [{ address: DATA, length: 512 }]);
      driver.bus.settle = () => Promise.resolve();
      await driver.submit(0);
      const saved = transport.save();
      const copy = new VirtioMmio(board, 0, legacy, new VirtioBlock(new Disk(disk)));
      copy.restore(saved);
      assert.deepEqual(copy.save(), saved);
      copy.advance(BLOCK_LATENCY);
      assert.equal(disk.content[3 * 512], 0x77);
      assert.equal((await driver.used())[0], 1);
    });

    it('carries the rest of a request over that is half done', async () => {
      board.memory.write(BigInt(DATA), new Uint8Array(256 * 512).fill(0x77));
      await place(0, 1, 3, [{ address: DATA, length: 256 * 512 }]);
      driver.bus.settle = () => Promise.resolve();
      await driver.submit(0);
      transport.advance((board.time = transport.nextEvent()));
      assert.deepEqual([disk.content[3 * 512], disk.content[258 * 512]], [0x77, 258 & 0xff]);
      const copy = new VirtioMmio(board, 0, legacy, new VirtioBlock(new Disk(disk)));
      copy.restore(transport.save());
      disk.content.fill(0);
      copy.advance((board.time = copy.nextEvent()));
      assert.equal(copy.nextEvent(), Infinity);
      assert.deepEqual([disk.content[258 * 512], (await driver.used())[0]], [0x77, 1]);
    });
  });
}
