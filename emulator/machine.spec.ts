import assert from 'node:assert/strict';
import { Csr } from './isa/csrs';
import { Machine } from './machine';
import { setBreakpoints } from './testing/breakpoints';
import { elf } from './testing/elf';
import { encode } from './testing/encode';
import { type Item, assembleProgram, branchTo, jumpTo, label, loadConstant } from './testing/program';
import { type DeviceEvent, Mode, type MachineOptions, type Stop, type TrapEvent } from './types';

const DRAM = 0x8000_0000n;
// a0 and a1 as the boot ROM leaves them; the others are still 0.
const [S0, S1, S2, A0, A1, S3] = [8, 9, 18, 10, 11, 19];
const addi = (rd: number, rs1: number, imm: number) => encode('addi', { rd, rs1, imm });
const csrw = (csr: number, rs1: number) => encode('csrrw', { rs1, imm: csr });
const csrr = (rd: number, csr: number) => encode('csrrs', { rd, imm: csr });
const HALT: Item[] = [label('halt'), jumpTo('halt')];

function boot(program: readonly Item[], options: Partial<MachineOptions> = {}): Machine {
  const kernel = elf(assembleProgram(program));
  return new Machine({ harts: 1, memory: 2 ** 21, legacyVirtio: false, kernel, ...options });
}

/** Runs to the end of the boot ROM: six instructions on every hart. */
function toKernel(machine: Machine): void {
  machine.run({ instructions: 6 });
  assert.equal(machine.harts[0]!.pc, DRAM);
}

function runUntil(machine: Machine, kind: Stop['kind'], instructions = 1_000_000): Stop {
  const stop = machine.run({ instructions });
  assert.equal(stop.kind, kind);
  return stop;
}

describe('the machine', () => {
  it('boots with the hart in a0, the device tree in a1 and M-mode', () => {
    const machine = boot(HALT);
    toKernel(machine);
    assert.equal(machine.harts[0]!.x(A0), 0n);
    const tree = machine.memory.read(machine.harts[0]!.x(A1), 4);
    assert.deepEqual([...tree!], [0xd0, 0x0d, 0xfe, 0xed]);
    assert.equal(machine.harts[0]!.mode, Mode.Machine);
  });

  it('refuses what it cannot be', () => {
    assert.throws(() => boot(HALT, { harts: 9 }), /9 harts asked for/);
    assert.throws(() => boot(HALT, { memory: 12345 }), /whole MiB/);
  });

  it('counts instructions exactly', () => {
    const machine = boot([label('loop'), addi(S0, S0, 1), jumpTo('loop')]);
    toKernel(machine);
    machine.run({ instructions: 2001 });
    assert.equal(machine.executed, 2007);
    assert.equal(machine.harts[0]!.x(S0), 1001n);
    assert.equal(machine.harts[0]!.retired, 2007);
  });

  it('runs instructions that straddle two pages, with a breakpoint or without', () => {
    // A compressed nop shifts all behind it by two bytes, so that some word lies across the page's end.
    const words = assembleProgram([...new Array<number>(1200).fill(addi(S0, S0, 1)), ...HALT]);
    const shifted = new Uint8Array(words.length + 2);
    shifted.set([0x01, 0x00]);
    shifted.set(words, 2);
    const straddling = DRAM + 4094n;
    for (const breakpoints of [[], [straddling]]) {
      const machine = new Machine({ harts: 1, memory: 2 ** 21, legacyVirtio: false, kernel: elf(shifted) });
      setBreakpoints(machine, breakpoints);
      let stop = machine.run({ instructions: 5000 });
      if (breakpoints.length > 0) {
        assert.deepEqual(stop, { kind: 'breakpoint', hart: 0, pc: straddling });
        assert.equal(machine.harts[0]!.x(S0), 1023n);
        stop = machine.run({ instructions: 5000 });
      }
      assert.equal(stop.kind, 'budget');
      assert.equal(machine.harts[0]!.x(S0), 1200n);
    }
  });

  it('runs code that has just been written, in its own page too', () => {
    // Stores "addi a2, a2, 7" over a nop that has been run before, then runs it again.
    const patched = 6;
    const machine = boot([
      ...loadConstant(S0, BigInt(addi(S3, S3, 7))),
      encode('auipc', { rd: S1, imm: 0 }),
      label('again'),
      addi(S2, S2, 1),
      addi(0, 0, 0),
      encode('sw', { rs1: S1, rs2: S0, imm: 8 }),
      addi(A1, 0, patched),
      branchTo('bltu', S2, A1, 'again'),
      ...HALT,
    ]);
    machine.run({ instructions: 200 });
    assert.equal(machine.harts[0]!.x(S3), BigInt(7 * (patched - 1)));
  });

  it('stops before a breakpoint, and goes on from it', () => {
    const machine = boot([label('loop'), addi(S0, S0, 1), addi(S1, S1, 1), jumpTo('loop')]);
    toKernel(machine);
    const address = DRAM + 4n;
    setBreakpoints(machine, [address]);
    for (let round = 1n; round <= 3n; round++) {
      assert.deepEqual(runUntil(machine, 'breakpoint'), { kind: 'breakpoint', hart: 0, pc: address });
      assert.equal(machine.harts[0]!.x(S0), round);
      assert.equal(machine.harts[0]!.x(S1), round - 1n);
    }
    setBreakpoints(machine, []);
    assert.equal(machine.run({ instructions: 1000 }).kind, 'budget');
  });

  it('asks whether a breakpoint is meant in this address space, also after the instruction there has changed', () => {
    // When s0 is 3 the loop stores over its own second instruction.
    const machine = boot([
      label('loop'),
      addi(S0, S0, 1),
      addi(S1, S1, 1),
      addi(A1, 0, 3),
      branchTo('bne', S0, A1, 'loop'),
      encode('auipc', { rd: S2, imm: 0 }),
      encode('lw', { rd: S3, rs1: S2, imm: -12 }),
      encode('sw', { rs1: S2, rs2: S3, imm: -12 }),
      jumpTo('loop'),
    ]);
    toKernel(machine);
    const address = DRAM + 4n;
    let meant = true;
    setBreakpoints(machine, [address], (hart, at) => {
      assert.equal(hart.id, 0);
      assert.equal(at, address);
      return meant;
    });
    for (let round = 1n; round <= 5n; round++) {
      assert.deepEqual(runUntil(machine, 'breakpoint'), { kind: 'breakpoint', hart: 0, pc: address });
      assert.equal(machine.harts[0]!.x(S0), round);
    }
    meant = false;
    assert.equal(machine.run({ instructions: 1000 }).kind, 'budget');
    meant = true;
    runUntil(machine, 'breakpoint');
  });

  it('steps one hart while the others take their turns', () => {
    const machine = boot([label('loop'), addi(S0, S0, 1), jumpTo('loop')], { harts: 3 });
    machine.run({ instructions: 200_000 });
    const before = machine.harts[1]!.retired;
    const stop = machine.run({ instructions: 1_000_000, hart: { id: 1, instructions: 5 } });
    assert.deepEqual(stop, { kind: 'step', hart: 1 });
    assert.equal(machine.harts[1]!.retired, before + 5);
  });

  it('asks before a trap, and takes it when told to go on', () => {
    const machine = boot([
      ...loadConstant(S0, DRAM + 0x100n),
      csrw(Csr.mtvec, S0),
      encode('ecall'),
      ...new Array<number>(60).fill(addi(S1, S1, 1)),
      ...HALT,
    ]);
    const events: TrapEvent[] = [];
    machine.subscribe({ trap: (event) => events.push(event) > 0 });
    const stop = runUntil(machine, 'trap');
    const at = machine.harts[0]!.pc;
    assert.deepEqual(stop, { kind: 'trap', event: events[0] });
    assert.deepEqual(events[0], {
      ...{ hart: 0, interrupt: false, cause: 11, tval: 0n, epc: at },
      ...{ from: Mode.Machine, to: Mode.Machine },
    });
    assert.equal(machine.harts[0]!.csr(Csr.mepc), 0n);
    machine.run({ instructions: 1 });
    assert.equal(machine.harts[0]!.pc, DRAM + 0x100n);
    assert.equal(machine.harts[0]!.csr(Csr.mepc), at);
    assert.equal(events.length, 1);
  });

  it('tells accesses to devices, and which source interrupts', () => {
    const machine = boot([
      ...loadConstant(S0, 0x1000_0000n),
      ...loadConstant(S1, 0xc00_0000n),
      addi(S2, 0, 1),
      encode('sb', { rs1: S0, rs2: S2, imm: 1 }),
      // Source 10 has priority 1 and is enabled for M-mode of hart 0.
      encode('sw', { rs1: S1, rs2: S2, imm: 40 }),
      encode('lui', { rd: S3, imm: 0x2 }),
      encode('add', { rd: S3, rs1: S3, rs2: S1 }),
      addi(S2, 0, 1024),
      encode('sw', { rs1: S3, rs2: S2, imm: 0 }),
      encode('lbu', { rd: S2, rs1: S0, imm: 5 }),
      encode('lui', { rd: S2, imm: 0x1 }),
      encode('addi', { rd: S2, rs1: S2, imm: -2048 }),
      csrw(Csr.mie, S2),
      encode('csrrsi', { rs1: 8, imm: Csr.mstatus }),
      ...HALT,
    ]);
    const seen: DeviceEvent[] = [];
    machine.subscribe({ device: (event) => seen.push(event) === 1, trap: () => true });
    const stop = runUntil(machine, 'device');
    assert.ok(stop.kind === 'device' && stop.event.pc + 4n === machine.harts[0]!.pc);
    machine.run({ instructions: 100 });
    assert.deepEqual(
      seen.map(({ device, access, offset, size, value }) => [device, access, offset, size, value]),
      [
        ['uart', 'write', 1, 1, 1n],
        ['plic', 'write', 40, 4, 1n],
        ['plic', 'write', 0x2000, 4, 1024n],
        ['uart', 'read', 5, 1, 0x60n],
      ],
    );
    machine.consoleInput(new Uint8Array([65]));
    const trap = runUntil(machine, 'trap');
    assert.deepEqual(trap.kind === 'trap' && [trap.event.cause, trap.event.source], [11, 10]);
  });

  it('lets virtual time pass to the timer when all harts wait', () => {
    const machine = boot([
      ...loadConstant(S0, 0x200_4000n),
      ...loadConstant(S1, 5_000_000n),
      encode('sd', { rs1: S0, rs2: S1, imm: 0 }),
      addi(S1, 0, 128),
      csrw(Csr.mie, S1),
      encode('wfi'),
      csrr(S2, Csr.time),
      ...HALT,
    ]);
    const stop = runUntil(machine, 'idle');
    assert.deepEqual(stop, { kind: 'idle', until: 5_000_000 });
    assert.equal(machine.harts[0]!.waiting, true);
    machine.idleUntil(3_000_000);
    assert.equal(machine.now, 3_000_000);
    assert.equal(machine.run({ instructions: 100 }).kind, 'idle');
    machine.idleUntil(Infinity);
    assert.equal(machine.run({ instructions: 100 }).kind, 'budget');
    assert.equal(machine.harts[0]!.x(S2), 5_000_000n);
  });

  it('has sc succeed once after an lr of the same word, in every tier', () => {
    const [T0, T1, S4, S5, S6, S7] = [5, 6, 20, 21, 22, 23];
    const reserve = (): Item => encode('lr.w', { rd: T0, rs1: S0 });
    const store = (address: number, failures: number): Item[] => [
      encode('sc.w', { rd: A0, rs1: address, rs2: T0 }),
      encode('add', { rd: failures, rs1: failures, rs2: A0 }),
    ];
    const program: Item[] = [
      ...loadConstant(S0, DRAM + 0x10000n),
      ...[addi(T1, S0, 8), addi(A1, 0, 200), label('loop')],
      ...[reserve(), addi(T0, T0, 1), ...store(S0, S4), ...store(S0, S5)],
      ...[reserve(), ...store(T1, S6), ...store(S0, S7)],
      ...[addi(S3, S3, 1), branchTo('bltu', S3, A1, 'loop')],
      ...HALT,
    ];
    for (const acceleration of ['interp', 'jit', 'mixed'] as const) {
      const machine = boot(program, { acceleration });
      machine.run({ instructions: 10_000 });
      const [hart] = machine.harts;
      const failures = [S4, S5, S6, S7].map((register) => hart!.x(register));
      assert.deepEqual(failures, [0n, 200n, 200n, 200n], acceleration);
      assert.deepEqual(machine.memory.readU64(DRAM + 0x10000n), 200n);
    }
  });

  it('reserves nothing in the ROM, which may be read', () => {
    const load = encode('ld', { rd: S1, rs1: S0 });
    const machine = boot([...loadConstant(S0, 0x1000n), load, load, encode('lr.d', { rd: S1, rs1: S0 }), ...HALT]);
    const causes: number[] = [];
    machine.subscribe({ trap: ({ cause }) => causes.push(cause) < 0 });
    machine.run({ instructions: 100 });
    assert.equal(causes[0], 5);
  });

  it('has sc fail once another hart has had its turn', () => {
    const reserve: Item[] = [
      ...loadConstant(S0, DRAM + 0x10000n),
      // The first ones are slow.
      ...[encode('lr.d', { rd: S1, rs1: S0 }), encode('sc.d', { rd: S1, rs1: S0 })],
      encode('lr.d', { rd: S1, rs1: S0 }),
      label('wait'),
      addi(S3, S3, 1),
      encode('lui', { rd: A1, imm: 0x20 }),
      branchTo('bltu', S3, A1, 'wait'),
      encode('sc.d', { rd: S2, rs1: S0, rs2: S0 }),
      addi(S2, S2, 100),
      ...HALT,
    ];
    for (const [harts, result] of [
      [1, 100n],
      [2, 101n],
    ] as const) {
      const machine = boot(reserve, { harts });
      machine.run({ instructions: 2_000_000 });
      assert.equal(machine.harts[0]!.x(S2), result);
    }
  });

  it('gives the same run however it is cut into slices, watched or not', () => {
    const program: Item[] = [
      ...loadConstant(S0, DRAM + 0x10000n),
      label('loop'),
      encode('amoadd.d', { rd: S1, rs1: S0, rs2: S0 }),
      csrr(S2, Csr.time),
      encode('sd', { rs1: S0, rs2: S2, imm: 8 }),
      jumpTo('loop'),
    ];
    const hashes = [300_000, 77_777, 500].map((slice) => {
      const machine = boot(program, { harts: 3, seed: 7 });
      if (slice === 77_777) setBreakpoints(machine, [DRAM + 0x80n]);
      if (slice === 500) machine.subscribe({ trap: () => false });
      while (machine.executed < 300_000) machine.run({ instructions: Math.min(slice, 300_000 - machine.executed) });
      return machine.stateHash();
    });
    assert.deepEqual(hashes, [hashes[0], hashes[0], hashes[0]]);
  });

  it('does the same again after reset', () => {
    const machine = boot([label('loop'), addi(S0, S0, 3), encode('sd', { rs1: 2, rs2: S0 }), jumpTo('loop')]);
    machine.run({ instructions: 12345 });
    const hash = machine.stateHash();
    machine.reset();
    machine.run({ instructions: 12345 });
    assert.equal(machine.stateHash(), hash);
  });

  for (const acceleration of ['interp', 'mixed', 'jit'] as const) {
    it(`stops at every pass of a breakpoint at a loop's head (${acceleration})`, () => {
      const items = [label('loop'), addi(S0, S0, 1), addi(S1, S1, 1), jumpTo('loop')];
      const machine = boot(items, { acceleration });
      toKernel(machine);
      machine.run({ instructions: 3 * 30 });
      setBreakpoints(machine, [DRAM]);
      for (let pass = 1; pass <= 1000; pass++) {
        assert.equal(machine.run({ instructions: 100 }).kind, 'breakpoint');
        assert.equal(machine.harts[0]!.x(S0), BigInt(30 + pass - 1));
        machine.run({ instructions: 3 });
        assert.equal(machine.harts[0]!.pc, DRAM);
        machine.run({ instructions: 0 });
      }
    });
  }

  it('translates branches to the next instruction without end', () => {
    const chain = new Array<number>(60).fill(encode('beq', { rs1: S0, rs2: S1, imm: 4 }));
    const machine = boot([label('loop'), ...chain, addi(S2, S2, 1), jumpTo('loop')], { acceleration: 'jit' });
    toKernel(machine);
    machine.run({ instructions: 62 * 100 });
    assert.equal(machine.harts[0]!.x(S2), 100n);
  });

  it('replays input that answers output', () => {
    const program = [
      ...loadConstant(S0, 0x1000_0000n),
      label('loop'),
      encode('lbu', { rd: S1, rs1: S0 }),
      encode('sb', { rs1: S0, rs2: S1 }),
      jumpTo('loop'),
    ];
    let answers = 3;
    const first: Machine = boot(program, {
      consoleOutput: () => answers-- > 0 && first.consoleInput(new Uint8Array([65 + answers])),
    });
    first.run({ instructions: 100_000 });
    const log = first.inputs.since(0);
    assert.ok(log.length === 3 && log.every(({ time }) => time > 0));
    const kernel = elf(assembleProgram(program));
    const options = { harts: 1, memory: 2 ** 21, legacyVirtio: false, kernel };
    const second = new Machine(options);
    second.replay(log);
    second.run({ instructions: 100_000 });
    assert.equal(second.stateHash(), first.stateHash());
  });

  it('gives short turns to a hart that only waits, and the same memory in the end', () => {
    // Hart 0 counts to a million, sets a flag for which hart 1 spins, and halts for what is left of its quantum.
    const machine = boot(
      [
        ...loadConstant(S0, DRAM + 0x10000n),
        branchTo('bne', A0, 0, 'spin'),
        encode('lui', { rd: A1, imm: 0x100 }),
        label('count'),
        addi(S3, S3, 1),
        branchTo('bltu', S3, A1, 'count'),
        encode('sd', { rs1: S0, rs2: A1 }),
        ...HALT,
        label('spin'),
        encode('ld', { rd: S1, rs1: S0 }),
        branchTo('beq', S1, 0, 'spin'),
        addi(S2, 0, 42),
        jumpTo('halt'),
      ],
      { harts: 2 },
    );
    machine.run({ instructions: 2_500_000 });
    assert.equal(machine.harts[1]!.x(S2), 42n);
    assert.equal(machine.harts[0]!.x(S3), 0x100000n);
    assert.ok(machine.harts[1]!.retired < machine.harts[0]!.retired / 20);
  });
});
