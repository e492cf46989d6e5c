import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { State } from '../types';
import { MemoryMap } from './memory-map';
import { DeviceBus } from '../testing/device-bus';
import { FakeBoard } from '../testing/fake-board';
import { VERSION_1, VirtioDriver } from '../testing/virtio-driver';
import { VirtioMmio } from './virtio-mmio';
import type { VirtioModel, VirtioPort } from './virtio-model';
import { VirtqueueError } from './virtqueue';

/** A device for these tests: gives every request back at once, and stops on request. */
class Echo implements VirtioModel {
  readonly name = 'echo';
  readonly deviceId = 42;
  readonly features = 0x8000_0005n | (1n << 40n);
  readonly queues = [16, 4];
  port!: VirtioPort;
  configuration = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  resets = 0;

  attach(port: VirtioPort): void {
    this.port = port;
  }
  configRead(offset: number, size: number): bigint | undefined {
    if (offset + size > 8) return undefined;
    return this.configuration
      .slice(offset, offset + size)
      .reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  }
  configWrite(offset: number, _size: number, value: bigint): void {
    this.configuration[offset] = Number(value & 0xffn);
  }
  queueNotify(index: number): void {
    const queue = this.port.queue(index);
    for (let chain = queue.pop(); chain; chain = queue.pop()) if (queue.push(chain, 0)) this.port.usedBuffers();
  }
  reset(): void {
    this.resets++;
  }
  save(): State {
    return null;
  }
  restore(state: State): void {
    assert.equal(state, null);
  }
  nextEvent(): number {
    return Infinity;
  }
  advance(): void {
    throw new VirtqueueError('nothing is ever due');
  }
}

for (const legacy of [true, false]) {
  describe(`VirtioMmio, ${legacy ? 'legacy' : 'version 2'}`, () => {
    let board: FakeBoard;
    let model: Echo;
    let transport: VirtioMmio;
    let driver: VirtioDriver;
    let reports: string[];
    const read = (offset: number): number => Number(transport.read(offset, 4));
    const write = (offset: number, value: number): boolean => transport.write(offset, 4, BigInt(value));

    beforeEach(() => {
      board = new FakeBoard();
      model = new Echo();
      reports = [];
      transport = new VirtioMmio(board, 2, legacy, model, (device, reason) => reports.push(`${device}: ${reason}`));
      transport.reset();
      driver = new VirtioDriver(new DeviceBus(board, [transport]), legacy, 2);
    });

    it('shows who it is', () => {
      assert.deepEqual([0, 4, 8, 12].map(read), [0x74726976, legacy ? 1 : 2, 42, 0x554d4551]);
      assert.equal(transport.base, MemoryMap.virtio.base + 0x2000);
    });

    it('offers features in halves, and holds back what was not offered', async () => {
      assert.equal(read(0x010), 0x8000_0005);
      write(0x014, 1);
      assert.equal(read(0x010), legacy ? 0 : 0x101);
      write(0x014, 2);
      assert.equal(read(0x010), 0);
      await driver.start(VERSION_1 | 0xffff_fffen);
      assert.equal(transport.features, legacy ? 0x8000_0004n : VERSION_1 | 0x8000_0004n);
      assert.equal(read(0x070), legacy ? 7 : 15);
    });

    it('shows a queue size only for queues it has', () => {
      const sizes = [0, 1, 2, 1000].map((index) => {
        write(0x030, index);
        return read(0x034);
      });
      assert.deepEqual(sizes, [1024, 1024, 0, 0]);
    });

    it('does requests, and interrupts until acknowledged', async () => {
      await driver.start();
      await driver.chain(0, [{ address: 0x80004000, length: 4 }]);
      await driver.submit(0);
      assert.deepEqual((await driver.used()).slice(0, 3), [1, 0, 0]);
      assert.equal(read(0x060), 1);
      assert.equal(board.interrupts.get(3), true);
      write(0x064, 1);
      assert.equal(read(0x060), 0);
      assert.equal(board.interrupts.get(3), false);
    });

    it('wraps around its rings', async () => {
      await driver.start();
      await driver.chain(0, [{ address: 0x80004000, length: 4 }]);
      for (let round = 1; round <= 30; round++) {
        await driver.submit(0, 0, 0);
        assert.equal((await driver.used())[0], 3 * round);
      }
    });

    it('leaves a queue alone that is not ready', async () => {
      await driver.start();
      await driver.chain(0, [{ address: 0x80004000, length: 4 }]);
      write(0x030, 0);
      if (legacy) write(0x040, 0);
      else write(0x044, 0);
      await driver.submit(0);
      assert.equal((await driver.used())[0], 0);
      write(0x050, 7);
      assert.equal(transport.fault, undefined);
    });

    it('stops at a broken ring, says so, and works again after a reset', async () => {
      await driver.start();
      await driver.submit(12);
      const fault = 'descriptor 12 does not exist, the queue has 8 entries';
      assert.equal(transport.fault, fault);
      assert.deepEqual(reports, [`virtio2 (echo): ${fault}`]);
      assert.equal(read(0x070), legacy ? 7 : 15 | 64);
      await driver.submit(12);
      assert.equal(reports.length, 1);
      const restored = new VirtioMmio(new FakeBoard(), 2, legacy, new Echo());
      restored.restore(transport.save());
      assert.equal(restored.fault, fault);
      await driver.start();
      assert.equal(transport.fault, undefined);
      await driver.chain(0, [{ address: 0x80004000, length: 4 }]);
      await driver.submit(0);
      assert.equal((await driver.used())[0], 1);
    });

    it('forgets queues, features and interrupts when status is set to 0', async () => {
      await driver.start();
      await driver.chain(0, [{ address: 0x80004000, length: 4 }]);
      await driver.submit(0);
      const before = model.resets;
      write(0x070, 0);
      assert.equal(model.resets, before + 1);
      assert.deepEqual([read(0x060), read(0x070), read(0x040), read(0x044)], [0, 0, 0, 0]);
      assert.equal(transport.features, 0n);
      assert.equal(board.interrupts.get(3), false);
    });

    it('reads and writes the configuration in 1, 2, 4 and 8 bytes', () => {
      assert.equal(transport.read(0x101, 1), 2n);
      assert.equal(transport.read(0x102, 2), 0x0403n);
      assert.equal(transport.read(0x104, 4), 0x08070605n);
      assert.equal(transport.read(0x100, 8), 0x08070605_04030201n);
      assert.equal(transport.read(0x108, 4), 0xffff_ffffn);
      assert.equal(transport.read(0x108, 1), 0xffn);
      transport.write(0x101, 1, 0x99n);
      assert.equal(transport.read(0x100, 4), 0x04039901n);
    });

    it('tells a running driver that the configuration has changed', async () => {
      model.port.configurationChanged();
      assert.equal(read(0x060), 0);
      await driver.start();
      model.port.configurationChanged();
      assert.equal(read(0x060) & 2, 2);
      assert.equal(read(0x0fc), legacy ? 0 : 1);
    });

    it('takes registers as words only', () => {
      assert.equal(transport.read(0, 2), 0n);
      assert.ok(transport.write(0x070, 1, 1n));
      assert.equal(read(0x070), 0);
      assert.equal(transport.read(2, 4), undefined);
      assert.equal(transport.read(0x200, 4), undefined);
      assert.equal(transport.write(0x200, 4, 0n), false);
    });

    it('never throws, whatever a guest writes', async () => {
      await driver.start();
      const offset = fc.oneof(
        fc.constantFrom(0x30, 0x38, 0x3c, 0x40, 0x44, 0x50, 0x70, 0x80, 0x84, 0x90, 0x94, 0xa0, 0xa4),
        fc.nat(0x7f).map((word) => 4 * word),
      );
      const value = fc.oneof(fc.nat(16), fc.integer({ min: 0x80000, max: 0x80010 }), fc.nat(0xffff_ffff));
      fc.assert(
        fc.property(
          fc.array(fc.tuple(offset, value), { maxLength: 50 }),
          fc.uint8Array({ maxLength: 64 }),
          (writes, bytes) => {
            board.memory.bytes.set(bytes, 0x1000);
            for (const [at, word] of writes) {
              assert.ok(write(at, word));
              transport.read(at, 4);
            }
          },
        ),
        { numRuns: 300 },
      );
    });
  });
}

describe('VirtioMmio without a device', () => {
  it('shows magic, version and vendor, and device id 0', () => {
    const transport = new VirtioMmio(new FakeBoard(), 7, false);
    transport.reset();
    assert.equal(transport.base, 0x10008000);
    assert.deepEqual(
      [0, 4, 8, 12, 0x10, 0x34, 0x70, 0x100].map((offset) => transport.read(offset, 4)),
      [0x74726976n, 2n, 0n, 0x554d4551n, 0n, 0n, 0n, 0n],
    );
    assert.ok(transport.write(0x70, 4, 1n));
    assert.equal(transport.read(0x70, 4), 0n);
  });
});
