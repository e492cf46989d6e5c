/**
 * The PCIe bus and the e1000 against those of QEMU: the same accesses go to both, QEMU's over its qtest protocol with the machine
 * stopped, and whatever is read must be the same. What the gateway answers is compared too, as it arrives in the ring. Needs
 * qemu-system-riscv64 7.2 (Debian: qemu-system-misc).
 */
import assert from 'node:assert/strict';
import { DeviceBus } from '../../testing/device-bus';
import { FakeBoard } from '../../testing/fake-board';
import { FakeSockets } from '../../testing/network/fake-sockets';
import { arpReply, arpRequest, GUEST_MAC, ipv4Frame } from '../../testing/network/guest-packets';
import { microwireRead } from '../../testing/network/microwire';
import { QemuBus } from '../../testing/qemu-bus';
import { Random } from '../../testing/random';
import type { Bus } from '../../testing/virtio-driver';
import { BROADCAST, GATEWAY, GUEST, NAME_SERVER } from '../../network/addresses';
import { checksum, datagramPacket, Protocol } from '../../network/ipv4';
import { UserNetwork } from '../../network/user-network';
import { createVirtDevices, MemoryMap } from '../virt';
import { AT_POWER_ON, Register, WRITABLE } from './e1000-registers';

const [ECAM, WINDOW, DRAM] = [MemoryMap.pcieEcam.base, MemoryMap.pcieWindow.base, MemoryMap.dram.base];
const CARD = ECAM + 0x8000;
const [TX_RING, RX_RING, FRAME, BUFFERS] = [DRAM + 0x1000, DRAM + 0x2000, DRAM + 0x3000, DRAM + 0x4000];

/** Our board with our network; `settle` lets both have their turns. */
function ourBus(): Bus {
  const board = new FakeBoard(2, 0x100000);
  const sockets = new FakeSockets();
  const { devices, e1000 } = createVirtDevices(board, {
    legacyVirtio: true,
    frameOutput: (frame) => network.transmit(frame),
    finish: () => assert.fail('nothing here asks to finish'),
  });
  const network: UserNetwork = new UserNetwork({ forwards: [], isRestricted: false }, sockets, {
    deliver: (frame) => e1000!.receive(frame),
    problem: (text) => assert.fail(text),
  });
  for (const device of devices) device.reset();
  const bus = new DeviceBus(board, devices);
  const settle = bus.settle.bind(bus);
  bus.settle = async () => {
    sockets.pass();
    await settle();
  };
  return bus;
}

interface Step {
  address: number;
  size: 1 | 2 | 4 | 8;
  value?: bigint;
}

async function play(bus: Bus, steps: readonly Step[]): Promise<string[]> {
  const seen: string[] = [];
  for (const { address, size, value } of steps) {
    if (value === undefined) seen.push(`${address.toString(16)}: ${(await bus.load(address, size)).toString(16)}`);
    else await bus.store(address, size, value);
  }
  return seen;
}

const load = (address: number, size: Step['size'] = 4): Step => ({ address, size });
const store = (address: number, value: number, size: Step['size'] = 4): Step => ({
  address,
  size,
  value: BigInt(value),
});
const UP = [store(CARD + 0x10, WINDOW), store(CARD + 0x04, 7)];

/** Writes of chance to a function's header, but not to the status, some of whose bits QEMU clears by writing. */
function configSteps(random: Random): Step[] {
  return Array.from({ length: 60 }, () => {
    const size = random.pick([1, 2, 4] as const);
    const offset = random.below(0x44 / size) * size;
    const isStatus = offset < 8 && offset + size > 6;
    const address = ECAM + random.pick([0, 0x8000, 0x10000]) + offset;
    if (random.chance(50) || isStatus) return load(address, size);
    return store(
      address,
      random.pick([0, 0xff, 0x40000000, 0xffffffff, random.below(2 ** 32)]) % 2 ** (8 * size),
      size,
    );
  });
}

/** Without what starts a ring, and EEPROM and PHY, whose answers are looked at by themselves. */
const REGISTERS = [...WRITABLE.keys()].filter(
  (offset) => ![Register.RCTL, Register.TCTL, Register.TDT, Register.RDT, Register.EERD].includes(offset),
);

function registerSteps(random: Random): Step[] {
  return Array.from({ length: 60 }, () => {
    const any = random.pick([
      ...[random.pick(REGISTERS), Register.ICR, Register.ICS, Register.IMS, Register.IMC],
      random.pick(AT_POWER_ON.map(([offset]) => offset)),
    ]);
    if (random.chance(50)) return load(WINDOW + any, random.pick([1, 2, 4, any % 8 === 0 ? 8 : 4]));
    return store(WINDOW + any, random.pick([0, 1, 0x80, 0xffffffff, random.below(2 ** 32)]));
  });
}

/** Sends a frame, and returns what the ring has received since: descriptors and buffers. */
async function exchange(bus: Bus, frames: readonly Uint8Array[]): Promise<string[]> {
  const words = async (address: number, values: readonly number[]): Promise<void> => {
    await bus.write(address, new Uint8Array(Uint32Array.from(values).buffer));
  };
  for (let index = 0; index < 8; index++) await words(RX_RING + 16 * index, [BUFFERS + 0x800 * index, 0, 0, 0]);
  const registers: [number, number][] = [
    ...([
      [Register.TDBAL, TX_RING],
      [Register.TDLEN, 128],
      [Register.RDBAL, RX_RING],
      [Register.RDLEN, 128],
    ] as const),
    ...([
      [Register.RDT, 7],
      [Register.TCTL, 2],
      [Register.RCTL, 0x04008002],
    ] as const),
  ].map(([register, value]) => [register, value]);
  await play(bus, [...UP, ...registers.map(([register, value]) => store(WINDOW + register, value))]);
  // QEMU's card takes nothing in the first second.
  if (bus instanceof QemuBus) await new Promise((resolve) => setTimeout(resolve, 1200));
  let sent = 0;
  for (const frame of frames) {
    await bus.write(FRAME, frame);
    await words(TX_RING + 16 * sent++, [FRAME, 0, 0x0900_0000 + frame.length, 0]);
    await bus.store(WINDOW + Register.TDT, 4, BigInt(sent));
    await bus.settle();
    await bus.settle();
  }
  const received: string[] = [];
  const head = Number(await bus.load(WINDOW + Register.RDH, 4));
  for (let index = 0; index < head; index++) {
    const descriptor = await bus.read(RX_RING + 16 * index + 8, 8);
    const length = descriptor[0]! + descriptor[1]! * 256;
    const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
    received.push(
      `${hex(descriptor.subarray(4, 5))} ${hex(withoutId(await bus.read(BUFFERS + 0x800 * index, length)))}`,
    );
  }
  return received;
}

/** Type of service, identification, and with them the checksum, of IPv4 are the sender's own affair; ARP is padded with anything. */
function withoutId(frame: Uint8Array): Uint8Array {
  if (frame[12] === 8 && frame[13] === 6) return frame.slice(0, 42);
  frame.fill(0, 15, 16).fill(0, 18, 20);
  return frame.fill(0, 24, 26);
}

function echo(to: number): Uint8Array {
  const content = Uint8Array.of(8, 0, 0, 0, 0x12, 0x34, 0, 1, ...new Array<number>(40).fill(0x61));
  new DataView(content.buffer).setUint16(2, checksum(content));
  return ipv4Frame({ protocol: Protocol.Icmp, source: GUEST, destination: to, content });
}

function discover(): Uint8Array {
  const content = new Uint8Array(300);
  content.set([1, 1, 6, 0, 1, 2, 3, 4]);
  content.set(GUEST_MAC, 28);
  content.set([0x63, 0x82, 0x53, 0x63, 53, 1, 1, 255], 236);
  return ipv4Frame(datagramPacket({ from: { address: 0, port: 68 }, to: { address: BROADCAST, port: 67 }, content }));
}

describe('PCIe and the e1000, as QEMU has them', function () {
  this.timeout(20_000);

  async function both<T>(run: (bus: Bus) => Promise<T>, ...others: string[]): Promise<void> {
    const network = ['-netdev', 'user,id=n', '-device', 'e1000,netdev=n,bus=pcie.0'];
    const qemu = new QemuBus(true, false, [...network, ...others]);
    try {
      assert.deepEqual(await run(ourBus()), await run(qemu));
    } finally {
      await qemu.close();
    }
  }

  it('have the same configuration spaces', () =>
    both(async (bus) => {
      const all = Array.from({ length: 65 }, (_, word) => [load(ECAM + 4 * word), load(CARD + 4 * word)]).flat();
      return [
        await play(bus, all),
        await play(bus, configSteps(new Random(1))),
        await play(bus, configSteps(new Random(2))),
      ];
    }, '-S'));

  it('have the same registers', () =>
    both(async (bus) => {
      const seen = await play(bus, [...UP, ...AT_POWER_ON.map(([offset]) => load(WINDOW + offset))]);
      for (let word = 0; word < 70; word++)
        seen.push(...(await play(bus, [store(WINDOW + Register.EERD, (word << 8) | 1), load(WINDOW + Register.EERD)])));
      const clocked = [0, 2, 11].flatMap((word) => microwireRead(word));
      for (const pins of [...clocked.map(([pins]) => pins), 0x77, 0xffffffff, 3, 0x102])
        seen.push(...(await play(bus, [store(WINDOW + Register.EECD, pins), load(WINDOW + Register.EECD)])));
      seen.push(...(await play(bus, [store(WINDOW + Register.SWSM, 0x55), load(WINDOW + Register.SWSM)])));
      for (let register = 0; register < 32; register++) {
        const asked = 0x0820_0000 + register * 0x10000;
        seen.push(...(await play(bus, [store(WINDOW + Register.MDIC, asked), load(WINDOW + Register.MDIC)])));
      }
      for (let seed = 1; seed <= 5; seed++) seen.push(...(await play(bus, registerSteps(new Random(seed)))));
      return seen;
    }, '-S'));

  it('exchange the same frames with the gateway', () =>
    both((bus) =>
      exchange(bus, [arpRequest(GATEWAY), arpRequest(NAME_SERVER), arpReply(), echo(GATEWAY), echo(NAME_SERVER)]),
    ));

  it('are asked for the MAC before the first packet', () => both((bus) => exchange(bus, [echo(GATEWAY)])));

  it('are leased the same address', () => both(async (bus) => await exchange(bus, [discover()])));
});
