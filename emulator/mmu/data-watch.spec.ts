/** Watched bytes, in every tier: what touches them is told exactly, and the run is the same as without. */
import assert from 'node:assert/strict';
import { Csr } from '../isa/csrs';
import { Machine } from '../machine';
import { setBreakpoints } from '../testing/breakpoints';
import { elf } from '../testing/elf';
import { encode } from '../testing/encode';
import { type Item, assembleProgram, branchTo, jumpTo, label, loadConstant } from '../testing/program';
import { type DataEvent, type MachineOptions, Mode, type Watch } from '../types';

const DRAM = 0x8000_0000n;
const DATA = DRAM + 0x10000n;
const [T0, S0, S1, S2, S3, S4, S5] = [5, 8, 9, 18, 19, 20, 21];
const TIERS = ['interp', 'mixed', 'jit'] as const;
const PASSES = 600;

const addi = (rd: number, rs1: number, imm: number) => encode('addi', { rd, rs1, imm });
const store = (name: string, imm: number) => encode(name, { rs1: S0, rs2: S1, imm });

/** Every way of touching the words at DATA, over and over; s0 is DATA, s1 counts the passes. */
const TOUCHING: Item[] = [
  ...loadConstant(S0, DATA),
  addi(S4, 0, PASSES),
  label('pass'),
  store('sd', 0),
  store('sd', 0),
  store('sb', 64),
  store('sw', 6),
  encode('ld', { rd: S2, rs1: S0, imm: 0 }),
  encode('amoadd.d', { rd: S2, rs1: S0, rs2: S1 }),
  encode('amoadd.w', { rd: S2, rs1: S0, rs2: S1 }),
  encode('lr.d', { rd: S2, rs1: S0 }),
  encode('sc.d', { rd: S3, rs1: S0, rs2: S2 }),
  encode('sc.d', { rd: S3, rs1: S0, rs2: S1 }),
  // Across the page's end: four bytes here, four there.
  store('sd', -4),
  encode('ld', { rd: S2, rs1: S0, imm: -4 }),
  // A loop idiom that clears 256 bytes around them.
  addi(S2, S0, -128),
  addi(S5, S0, 128),
  label('clear'),
  encode('sb', { rs1: S2, rs2: 0 }),
  addi(S2, S2, 1),
  branchTo('bne', S2, S5, 'clear'),
  addi(S1, S1, 1),
  branchTo('bne', S1, S4, 'pass'),
  label('halt'),
  jumpTo('halt'),
];
const INSTRUCTIONS = 60 + PASSES * (3 * 256 + 20);

function boot(items: readonly Item[], options: Partial<MachineOptions> = {}): Machine {
  const kernel = elf(assembleProgram(items));
  return new Machine({ harts: 1, memory: 2 ** 21, legacyVirtio: false, kernel, ...options });
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const line = (machine: Machine, { access, by, hart, pc, va, address, before, after }: DataEvent): string =>
  [machine.executed, access, by, hart, pc?.toString(16), va?.toString(16), address.toString(16)].join(' ') +
  ` ${hex(before)} ${hex(after)}`;

interface Run {
  lines: string[];
  hash: string;
}

/** Runs to the end; `stopping` at each event, or only listening. */
function run(acceleration: MachineOptions['acceleration'], watches: Watch[], stopping: boolean): Run {
  const machine = boot(TOUCHING, { acceleration });
  const lines: string[] = [];
  const own = machine.subscribe({
    data: (event) => {
      if (!stopping) lines.push(line(machine, event));
      return stopping;
    },
  });
  own.setWatches(watches);
  while (machine.executed < INSTRUCTIONS) {
    const stop = machine.run({ instructions: INSTRUCTIONS - machine.executed });
    if (stop.kind !== 'data') continue;
    for (const event of stop.events) lines.push(line(machine, event));
    assert.equal(machine.harts[0]!.pc, stop.events[0]!.pc! + 4n);
  }
  return { lines, hash: machine.stateHash() };
}

const word = (access: Watch['access'], address = DATA, length = 8): Watch => ({ address, length, access });

describe('watched bytes', function () {
  this.timeout(60_000);
  const unwatched = run('interp', [], false);

  for (const access of ['write', 'read', 'readWrite'] as const) {
    it(`are told alike in every tier, stopping or not, and change nothing (${access})`, () => {
      const first = run('interp', [word(access)], false);
      assert.equal(first.hash, unwatched.hash);
      const stopped = run('interp', [word(access)], true);
      // A listener hears of it within the instruction, which is in the count already.
      assert.deepEqual(stopped.lines, first.lines);
      assert.equal(stopped.hash, unwatched.hash);
      for (const tier of TIERS.slice(1)) {
        for (const stopping of [false, true]) {
          const other = run(tier, [word(access)], stopping);
          assert.deepEqual(other.lines, first.lines);
          assert.equal(other.hash, unwatched.hash);
        }
      }
      // By pass: sd, sd, sw, amo, amo, sc, sd, and eight bytes of the loop; ld, lr, ld. An amo is a read where only those count.
      assert.equal(first.lines.length, PASSES * { write: 15, read: 5, readWrite: 18 }[access]);
    });
  }

  it('say what was there and what is there now', () => {
    const machine = boot(TOUCHING);
    const events: DataEvent[] = [];
    machine.subscribe({ data: (event) => events.push(event) < 0 }).setWatches([word('write', DATA - 4n, 6)]);
    machine.run({ instructions: 25 + 800 });
    const first = events[0]!;
    // The store of eight bytes is cut to what is watched.
    assert.deepEqual(
      [first.access, first.by, first.hart, first.va, first.address, hex(first.before), hex(first.after)],
      ['write', 'instruction', 0, DATA, DATA, '0000', '0000'],
    );
    const across = events.filter(({ address }) => address === DATA - 4n);
    assert.equal(hex(across[0]!.before), '00000000');
    assert.equal(across[0]!.va, DATA - 4n);
  });

  it('stop nothing when other words of the page are stored to', () => {
    const machine = boot(TOUCHING);
    const own = machine.subscribe({ data: () => assert.fail('nothing watched was touched') });
    own.setWatches([word('readWrite', DATA + 512n, 64)]);
    assert.equal(machine.run({ instructions: INSTRUCTIONS }).kind, 'budget');
    assert.equal(machine.harts[0]!.x(S1), BigInt(PASSES));
  });

  it('may be set and taken back in the middle of a run', () => {
    for (const acceleration of TIERS) {
      const machine = boot(TOUCHING, { acceleration });
      let heard = 0;
      const own = machine.subscribe({ data: () => ++heard < 0 });
      machine.run({ instructions: INSTRUCTIONS / 3 });
      assert.equal(heard, 0);
      own.setWatches([word('write')]);
      machine.run({ instructions: INSTRUCTIONS / 3 });
      assert.ok(heard > (PASSES / 3) * 14, `heard of ${heard}`);
      own.setWatches([]);
      heard = 0;
      machine.run({ instructions: INSTRUCTIONS - machine.executed });
      assert.equal(heard, 0);
      assert.equal(machine.stateHash(), unwatched.hash);
    }
  });

  it('are still watched after a reset', () => {
    const machine = boot(TOUCHING);
    let heard = 0;
    machine.subscribe({ data: () => ++heard < 0 }).setWatches([word('write')]);
    machine.reset();
    machine.run({ instructions: 5000 });
    assert.ok(heard > 0);
  });

  it('hear of the very first touch after a reset, and in a state that was saved before the page was used', () => {
    const once: Item[] = [
      ...loadConstant(S0, DATA),
      encode('sd', { rs1: S0, rs2: S0 }),
      encode('ld', { rd: S1, rs1: S0 }),
      label('halt'),
      jumpTo('halt'),
    ];
    for (const acceleration of TIERS) {
      const machine = boot(once, { acceleration });
      const saved = machine.save();
      const heard: string[] = [];
      const own = machine.subscribe({ data: ({ access }) => heard.push(access) < 0 });
      own.setWatches([word('read'), word('write')]);
      for (const begin of [() => machine.reset(), () => machine.restore(saved)]) {
        begin();
        machine.run({ instructions: 100 });
        assert.deepEqual(heard.splice(0), ['write', 'read'], acceleration);
      }
    }
  });

  it('go on to a breakpoint on the next instruction', () => {
    const machine = boot(TOUCHING);
    machine.subscribe({ data: () => true }).setWatches([word('write')]);
    const stop = machine.run({ instructions: 1000 });
    assert.equal(stop.kind, 'data');
    setBreakpoints(machine, [machine.harts[0]!.pc]);
    assert.equal(machine.run({ instructions: 1000 }).kind, 'breakpoint');
  });

  it('do not change who gets a short turn', () => {
    // Hart 1 spins on a word until hart 0 sets it.
    const spinning: Item[] = [
      ...loadConstant(S0, DATA),
      branchTo('bne', 10, 0, 'spin'),
      encode('lui', { rd: S4, imm: 0x40 }),
      label('count'),
      addi(S3, S3, 1),
      branchTo('bltu', S3, S4, 'count'),
      encode('sd', { rs1: S0, rs2: S4 }),
      label('halt'),
      jumpTo('halt'),
      label('spin'),
      encode('ld', { rd: S1, rs1: S0 }),
      branchTo('beq', S1, 0, 'spin'),
      jumpTo('halt'),
    ];
    const hashes = [false, true].map((watched) => {
      const machine = boot(spinning, { harts: 2 });
      let heard = 0;
      const own = machine.subscribe({ data: () => ++heard < 0 });
      if (watched) own.setWatches([word('read')]);
      machine.run({ instructions: 700_000 });
      assert.equal(heard > 100, watched);
      return machine.stateHash();
    });
    assert.equal(hashes[0], hashes[1]);
  });

  it('must be memory', () => {
    const own = boot(TOUCHING).subscribe({});
    for (const address of [0n, 0x1000_0000n, DRAM + 2n ** 21n - 4n, -8n])
      assert.throws(() => own.setWatches([word('write', address)]), /no memory at physical/);
  });

  it('are seen through another mapping, and when a walk sets A and D', () => {
    // Level 2 is the root; entry 2 maps DRAM as it lies, entry 0 leads to 4 KiB pages of which the first is DATA again.
    const [root, middle, last] = [DRAM + 0x20000n, DRAM + 0x21000n, DRAM + 0x22000n];
    const pointer = (to: bigint) => (to >> 2n) | 1n;
    const poke = (machine: Machine, at: bigint, value: bigint) =>
      machine.memory.write(at, new Uint8Array(new BigUint64Array([value]).buffer));
    const machine = boot([
      encode('sd', { rs1: T0, rs2: S1, imm: 0 }),
      encode('sd', { rs1: S0, rs2: S2, imm: 0 }),
      label('halt'),
      jumpTo('halt'),
    ]);
    machine.run({ instructions: 6 });
    poke(machine, root, pointer(middle));
    poke(machine, root + 16n, (DRAM >> 2n) | 0xcfn);
    poke(machine, middle, pointer(last));
    poke(machine, last, (DATA >> 2n) | 7n);
    const hart = 0;
    const csr = (address: number, value: bigint) => machine.apply({ kind: 'csr', hart, csr: address, value });
    const x = (register: number, value: bigint) => machine.apply({ kind: 'register', hart, register, value });
    csr(Csr.pmpaddr0, (1n << 54n) - 1n);
    csr(Csr.pmpcfg0, 0xfn);
    csr(Csr.satp, (8n << 60n) | (root >> 12n));
    machine.apply({ kind: 'mode', hart, mode: Mode.Supervisor });
    x(T0, 0x10n);
    x(S0, DATA + 0x10n);
    x(S1, 0x41n);
    x(S2, 0x42n);
    const events: DataEvent[] = [];
    machine
      .subscribe({ data: (event) => events.push(event) < 0 })
      .setWatches([word('write', DATA + 0x10n), word('write', last)]);
    machine.run({ instructions: 3 });
    assert.deepEqual(
      events.map(({ by, va, pc, address, before, after }) => [by, va, pc, address, hex(before), hex(after)]),
      [
        ['walk', undefined, DRAM, last, hexOf(DATA, 7n), hexOf(DATA, 0xc7n)],
        ['instruction', 0x10n, DRAM, DATA + 0x10n, '0000000000000000', '4100000000000000'],
        ['instruction', DATA + 0x10n, DRAM + 4n, DATA + 0x10n, '4100000000000000', '4200000000000000'],
      ],
    );
  });
});

const hexOf = (page: bigint, flags: bigint): string =>
  hex(new Uint8Array(new BigUint64Array([(page >> 2n) | flags]).buffer));
