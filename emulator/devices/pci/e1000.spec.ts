import assert from 'node:assert/strict';
import fc from 'fast-check';
import { FakeBoard } from '../../testing/fake-board';
import { createVirtDevices, MemoryMap, type VirtDevices } from '../virt';
import type { AccessSize, State } from '../../types';

const DRAM = MemoryMap.dram.base;
const [TX_RING, RX_RING, BUFFERS] = [DRAM + 0x1000, DRAM + 0x2000, DRAM + 0x4000];
const IRQ = 33;
const STATION = [0x52, 0x54, 0x00, 0x12, 0x34, 0x56];
/** Ticks between two interrupts: 128 microseconds. */
const INTERVAL = 1280;

const enum Reg {
  CTRL = 0,
  ICR = 0xc0,
  ICS = 0xc8,
  IMS = 0xd0,
  IMC = 0xd8,
  RCTL = 0x100,
  TCTL = 0x400,
  RDBAL = 0x2800,
  RDLEN = 0x2808,
  RDH = 0x2810,
  RDT = 0x2818,
  TDBAL = 0x3800,
  TDLEN = 0x3808,
  TDH = 0x3810,
  TDT = 0x3818,
  MTA = 0x5200,
}

/** A board whose driver has put the card's registers at 0x40000000, with eight descriptors each way. */
class Card {
  readonly board = new FakeBoard(1, 0x20000);
  readonly sent: number[][] = [];
  readonly virt: VirtDevices;

  constructor(isUp = true) {
    this.virt = createVirtDevices(this.board, {
      legacyVirtio: false,
      frameOutput: (frame) => this.sent.push([...frame]),
      finish: () => undefined,
    });
    for (const device of this.virt.devices) device.reset();
    this.config(0x10, 4, 0x40000000);
    this.config(0x04, 2, 7);
    if (!isUp) return;
    // All sources that the PLIC has for the card are let through to the hart.
    this.virt.plic.write(4 * IRQ, 4, 1n);
    this.virt.plic.write(0x2084, 4, 1n << BigInt(IRQ - 32));
    this.set(Reg.TDBAL, TX_RING);
    this.set(Reg.TDLEN, 128);
    this.set(Reg.TCTL, 2);
    this.set(Reg.RDBAL, RX_RING);
    this.set(Reg.RDLEN, 128);
    for (let index = 0; index < 8; index++) this.write64(RX_RING + 16 * index, BUFFERS + 0x800 * index);
    this.set(Reg.RDT, 7);
    this.set(Reg.RCTL, 0x04008002);
  }

  device(name: string): VirtDevices['devices'][number] {
    return this.virt.devices.find((device) => device.name === name)!;
  }
  config(offset: number, size: AccessSize, value: number): void {
    this.device('pcie-ecam').write(0x8000 + offset, size, BigInt(value));
  }
  get(register: number): number {
    return Number(this.device('e1000').read(register, 4));
  }
  set(register: number, value: number): void {
    this.device('e1000').write(register, 4, BigInt(value));
  }
  write64(address: number, value: number): void {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
    this.board.memory.write(BigInt(address), bytes);
  }
  bytes(address: number, length: number): number[] {
    return [...this.board.memory.read(BigInt(address), length)!];
  }
  /** Puts a legacy descriptor into the transmit ring. */
  describe(index: number, text: string, command: number): void {
    const buffer = DRAM + 0x10000 + 0x100 * index;
    this.board.memory.write(BigInt(buffer), new TextEncoder().encode(text));
    this.write64(TX_RING + 16 * index, buffer);
    this.write64(TX_RING + 16 * index + 8, text.length + command * 2 ** 24);
  }
  receive(frame: readonly number[]): void {
    this.virt.e1000!.receive(Uint8Array.from(frame));
    this.pass(0);
  }
  pass(ticks: number): void {
    this.board.time += ticks;
    const card = this.device('e1000');
    if (card.nextEvent!() <= this.board.time) card.advance!(this.board.time);
  }
  get interrupts(): boolean {
    return this.board.line(0, 'seip');
  }
  claim(): number {
    const source = Number(this.virt.plic.read(0x201004, 4));
    this.virt.plic.write(0x201004, 4, BigInt(source));
    return source;
  }
}

const text = (bytes: readonly number[]): string => String.fromCharCode(...bytes);
const frameTo = (to: readonly number[], length = 60): number[] => [
  ...to,
  ...Array.from({ length: length - 6 }, (_, at) => at & 255),
];

describe('the PCIe bus', () => {
  it('has the bridge in slot 0, the card in slot 1, and ones elsewhere', () => {
    const card = new Card(false);
    const ecam = card.device('pcie-ecam');
    assert.equal(ecam.read(0, 4), 0x00081b36n);
    assert.equal(ecam.read(0x8000, 4), 0x100e8086n);
    for (const offset of [0x8100, 0x9000, 0x10000, 0xf8000, 0x100000, 0xffffffc])
      assert.equal(ecam.read(offset, 4), 0xffffffffn, offset.toString(16));
    assert.equal(ecam.read(0x8002, 4), undefined);
  });

  it('tells the size of a region, and shows it where the driver puts it, if memory is enabled', () => {
    const card = new Card(false);
    card.config(0x10, 4, 0xffffffff);
    assert.equal(card.device('pcie-ecam').read(0x8010, 4), 0xfffe0000n);
    card.config(0x10, 4, 0x40100000);
    const window = card.device('e1000');
    assert.equal(window.read(0x100008, 4), 0x80080783n);
    assert.equal(window.read(0x8, 4), 0xffffffffn);
    card.config(0x04, 2, 5);
    assert.equal(window.read(0x100008, 4), 0xffffffffn);
  });

  it('has no card unless it is asked for', () => {
    const virt = createVirtDevices(new FakeBoard(), { legacyVirtio: false, finish: () => undefined });
    const [ecam, window] = virt.devices.slice(-2);
    assert.equal(ecam!.read(0x8000, 4), 0xffffffffn);
    assert.equal(window!.read(0, 4), 0xffffffffn);
    assert.equal(window!.nextEvent, undefined);
  });
});

describe('the e1000', () => {
  it('sends what is in the ring, and reports each descriptor that wants it', () => {
    const card = new Card();
    card.describe(0, 'first frame of all', 0x9);
    card.describe(1, 'begun ', 0x0);
    card.describe(2, 'and ended', 0x9);
    card.set(Reg.TDT, 3);
    assert.deepEqual(card.sent.map(text), ['first frame of all', 'begun and ended']);
    assert.equal(card.get(Reg.TDH), 3);
    assert.deepEqual(
      [0, 1, 2].map((index) => card.bytes(TX_RING + 16 * index + 12, 1)[0]),
      [1, 0, 1],
    );
    assert.equal(card.get(Reg.ICR), 3);
    assert.equal(card.get(Reg.ICR), 0);
  });

  it('puts in the checksums that the driver leaves to it', () => {
    const card = new Card();
    // A context: of IP from byte 2 to 7, the sum to 4; of what follows from 8 to the end, the sum to 10.
    card.board.memory.write(BigInt(TX_RING), Uint8Array.of(2, 4, 7, 0, 8, 10, 0, 0, 0, 0, 0, 0x29, 0, 0, 0, 0));
    card.describe(1, '', 0);
    const frame = Uint8Array.of(9, 9, 1, 2, 0, 0, 3, 4, 5, 6, 0, 7, 8);
    card.board.memory.write(BigInt(DRAM + 0x10100), frame);
    const data = Uint8Array.of(frame.length, 0, 0x10, 0x29, 0, 3, 0, 0);
    card.board.memory.write(BigInt(TX_RING + 24), data);
    card.set(Reg.TDT, 2);
    // ~(0102 + 0304), and ~(0506 + 0007 + 0800).
    assert.deepEqual(card.sent, [[9, 9, 1, 2, 0xfb, 0xf9, 3, 4, 5, 6, 0xf2, 0xf2, 8]]);
    card.describe(2, 'plain', 0x9);
    card.set(Reg.TDT, 3);
    assert.equal(text(card.sent[1]!), 'plain');
  });

  it('sends nothing while it is off, or may not be master of the bus', () => {
    const card = new Card();
    card.describe(0, 'a frame', 0x9);
    card.set(Reg.TCTL, 0);
    card.set(Reg.TDT, 1);
    assert.equal(card.get(Reg.TDH), 0);
    card.config(0x04, 2, 3);
    card.set(Reg.TCTL, 2);
    assert.deepEqual(card.sent, []);
    assert.equal(card.get(Reg.TDH), 1);
  });

  it('goes once around a ring whose tail cannot be reached', () => {
    const card = new Card();
    card.describe(0, 'again', 0x9);
    card.set(Reg.TDT, 100);
    assert.equal(card.sent.length, 1);
    assert.equal(card.get(Reg.TDH), 0);
    card.set(Reg.TDLEN, 0);
    card.set(Reg.TDT, 5);
    assert.equal(card.sent.length, 2);
  });

  it('does a long ring in parts, between which the host has its turn', () => {
    const card = new Card();
    card.set(Reg.TDLEN, 0xfff80);
    card.set(Reg.TDT, 3000);
    const first = card.get(Reg.TDH);
    assert.ok(first > 0 && first < 1100);
    for (let turns = 0; card.get(Reg.TDH) !== 3000 && turns < 20; turns++) card.pass(1000);
    assert.equal(card.get(Reg.TDH), 3000);
    // Long frames take longer.
    for (let index = 0; index < 8; index++) card.describe(index, 'x'.repeat(0x8000), 0x9);
    card.set(Reg.TDLEN, 128);
    card.set(Reg.TDH, 0);
    card.set(Reg.TDT, 7);
    assert.ok(card.get(Reg.TDH) <= 3);
  });

  it('writes a frame to the next buffer, and interrupts through the PLIC', () => {
    const card = new Card();
    card.set(Reg.IMS, 0x80);
    card.receive(frameTo(STATION, 61));
    assert.deepEqual(card.bytes(BUFFERS, 61), frameTo(STATION, 61));
    assert.deepEqual(card.bytes(RX_RING + 8, 8), [61, 0, 0, 0, 7, 0, 0, 0]);
    assert.equal(card.get(Reg.RDH), 1);
    assert.equal(card.interrupts, true);
    assert.equal(card.claim(), IRQ);
    assert.equal(card.interrupts, false);
  });

  it('pads a short frame, and adds room for the checksum unless that is stripped', () => {
    const card = new Card();
    card.set(Reg.RCTL, 0x8002);
    card.receive([...STATION, 1, 2, 3]);
    assert.equal(card.bytes(RX_RING + 8, 1)[0], 64);
    assert.deepEqual(card.bytes(BUFFERS + 6, 5), [1, 2, 3, 0, 0]);
  });

  it('spreads a frame over small buffers, and passes over a descriptor without one', () => {
    const card = new Card();
    card.set(Reg.RCTL, 0x04038002);
    card.write64(RX_RING + 16, 0);
    card.receive(frameTo(STATION, 600));
    const lengths = [0, 1, 2, 3].map((index) => card.bytes(RX_RING + 16 * index + 8, 2));
    assert.deepEqual(lengths, [
      [0, 1],
      [0, 0],
      [0, 1],
      [88, 0],
    ]);
    assert.deepEqual(
      [0, 2, 3].map((index) => card.bytes(RX_RING + 16 * index + 12, 1)[0]),
      [1, 1, 7],
    );
  });

  it('takes what is for it, for all, and for its groups', () => {
    const card = new Card();
    const takes = (frame: number[]): boolean => {
      const before = card.get(Reg.RDH);
      card.receive(frame);
      card.set(Reg.RDT, (card.get(Reg.RDH) + 7) % 8);
      return card.get(Reg.RDH) !== before;
    };
    const group = [0x01, 0x00, 0x5e, 0x00, 0x00, 0x01];
    assert.equal(takes(frameTo(STATION)), true);
    assert.equal(takes(frameTo([0xff, 0xff, 0xff, 0xff, 0xff, 0xff])), true);
    assert.equal(takes(frameTo([0x52, 0x54, 0, 0x12, 0x34, 0x57])), false);
    assert.equal(takes(frameTo(group)), false);
    card.set(Reg.MTA, 1 << 16);
    assert.equal(takes(frameTo(group)), true);
    card.set(Reg.RCTL, 0x0400800a);
    assert.equal(takes(frameTo([0x52, 0x54, 0, 0x12, 0x34, 0x57])), true);
    assert.equal(takes(frameTo(STATION, 1522)), true);
    assert.equal(takes(frameTo(STATION, 1523)), false);
    card.set(Reg.RCTL, 0x04008022);
    assert.equal(takes(frameTo(STATION, 1523)), true);
  });

  it('keeps frames until there are descriptors, and 256 of them at most', () => {
    const card = new Card();
    card.set(Reg.RDT, card.get(Reg.RDH));
    for (let index = 0; index < 300; index++) card.receive([...STATION, index & 255]);
    assert.equal(card.get(Reg.RDH), 0);
    let received = 0;
    for (let turn = 0; turn < 300; turn++) {
      const head = card.get(Reg.RDH);
      card.set(Reg.RDT, (head + 1) % 8);
      card.pass(0);
      if (card.get(Reg.RDH) === head) break;
      assert.equal(card.bytes(BUFFERS + 0x800 * head + 6, 1)[0], received & 255);
      received++;
    }
    assert.equal(received, 256);
  });

  it('interrupts not more often than every 128 microseconds', () => {
    const card = new Card();
    card.set(Reg.IMS, 0x80);
    card.receive(frameTo(STATION));
    assert.equal(card.claim(), IRQ);
    card.set(Reg.ICR, 0xffffffff);
    card.receive(frameTo(STATION));
    assert.equal(card.interrupts, false);
    card.pass(INTERVAL - 1);
    assert.equal(card.interrupts, false);
    card.pass(1);
    assert.equal(card.interrupts, true);
  });

  it('interrupts only for what is not masked, nor if the driver has switched that off', () => {
    const card = new Card();
    card.set(Reg.ICS, 4);
    assert.equal(card.interrupts, false);
    card.config(0x04, 2, 0x407);
    card.set(Reg.IMS, 4);
    assert.equal(card.interrupts, false);
    assert.equal(Number(card.device('pcie-ecam').read(0x8006, 2)) & 8, 8);
    card.config(0x04, 2, 7);
    assert.equal(card.interrupts, true);
    card.set(Reg.IMC, 4);
    assert.equal(Number(card.device('pcie-ecam').read(0x8006, 2)) & 8, 0);
  });

  it('reads its address from the EEPROM', () => {
    const card = new Card();
    const words = [0, 1, 2].map((word) => {
      card.set(0x14, (word << 8) | 1);
      return card.get(0x14) >>> 16;
    });
    assert.deepEqual(words, [0x5452, 0x1200, 0x5634]);
  });
});

/** Registers on which the rings depend, and what a driver that errs may write there. */
const anyRegister = fc.constantFrom(
  ...[Reg.CTRL, Reg.ICR, Reg.ICS, Reg.IMS, Reg.IMC, Reg.RCTL, Reg.TCTL, Reg.MTA, 0x14, 0x20, 0x2804, 0x3804],
  ...[Reg.RDBAL, Reg.RDLEN, Reg.RDH, Reg.RDT, Reg.TDBAL, Reg.TDLEN, Reg.TDH, Reg.TDT, 0x2820, 0x282c, 0x382c, 0xc4],
);
const anyValue = fc.oneof(
  fc.nat(0xffffffff),
  fc.nat(16),
  fc.constantFrom(0xffffffff, 0xfff80, 128, TX_RING, RX_RING, DRAM, 0x0400803e, 2, DRAM + 0x1fff8),
);
const anyStep = fc.oneof(
  { weight: 6, arbitrary: fc.record({ register: anyRegister, value: anyValue }) },
  { weight: 2, arbitrary: fc.record({ frame: fc.uint8Array({ maxLength: 200 }) }) },
  { weight: 1, arbitrary: fc.record({ frame: fc.nat(20000).map((length) => new Uint8Array(length).fill(0xff)) }) },
  { weight: 2, arbitrary: fc.record({ pass: fc.nat(3000) }) },
  { weight: 2, arbitrary: fc.record({ at: fc.nat(0x5000), bytes: fc.uint8Array({ maxLength: 64 }) }) },
  { weight: 1, arbitrary: fc.record({ command: fc.constantFrom(0, 3, 7, 0x407, 0xffff) }) },
);
type Step =
  | { register: number; value: number }
  | { frame: Uint8Array }
  | { pass: number }
  | { at: number; bytes: Uint8Array }
  | { command: number };

function play(card: Card, steps: readonly Step[]): State {
  for (const step of steps) {
    if ('register' in step) card.set(step.register, step.value);
    else if ('frame' in step) card.virt.e1000!.receive(step.frame);
    else if ('pass' in step) card.pass(step.pass);
    else if ('at' in step) card.board.memory.write(BigInt(DRAM + step.at), step.bytes);
    else card.config(0x04, 2, step.command);
  }
  return card.virt.devices.map((device) => device.save());
}

describe('the e1000, whatever a driver and a network do', () => {
  const runs = Number(process.env.FUZZ_RUNS ?? 300);

  it('neither throws nor works without end', function () {
    this.timeout(20_000 + runs * 20);
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 40 }), (steps) => {
        play(new Card(), steps as Step[]);
      }),
      { numRuns: runs },
    );
  });

  it('goes on from what was saved as it did', () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 20 }), fc.array(anyStep, { maxLength: 20 }), (before, after) => {
        const [card, other] = [new Card(), new Card()];
        const saved = play(card, before as Step[]);
        card.virt.devices.forEach((_, index) => other.virt.devices[index]!.restore((saved as State[])[index]!));
        other.board.memory.bytes.set(card.board.memory.bytes);
        other.board.time = card.board.time;
        assert.deepEqual(play(other, after as Step[]), play(card, after as Step[]));
      }),
      { numRuns: 100 },
    );
  });
});
