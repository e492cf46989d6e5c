/** Harts that wait for each other have few turns or none, alike in every tier, and no work is lost. */
import assert from 'node:assert/strict';
import { Csr } from '../isa/csrs';
import { SavedState } from '../history/saved-state';
import { Machine } from '../machine';
import { Assembler, BASE, R, csrr, csrw, laidOut, ret, times, toSupervisor } from '../testing/guests';
import { TIERS, points, runInTier } from '../testing/tiers';
import type { Checkpoint, Watch } from '../types';

const { zero, ra, sp, s0, s1, s2, s3, s4, t0, t1, t2 } = R;
const LOCK = BASE + 0x1_0000;
const COUNTER = LOCK + 64;
const DONE = LOCK + 128;
const HARTS = 3;

function same(a: Assembler, instructions: number, seed = 0): Machine {
  const run = { kernel: laidOut(a), points: points(instructions, 5), options: { harts: HARTS, seed } };
  const { machine, trace } = runInTier('interp', run);
  for (const tier of TIERS) {
    assert.deepEqual(runInTier(tier, run).trace, trace, tier);
    assert.deepEqual(runInTier(tier, { ...run, slice: 7001 }).trace, trace, `${tier} in slices`);
  }
  return machine;
}

/** As gcc writes __sync_lock_test_and_set in a loop. */
const acquire = (a: Assembler, name: string): Assembler =>
  a
    .li(t0, 1)
    .label(name)
    .op('addi', { rd: t1, rs1: t0 })
    .op('amoswap.w', { rd: t1, rs1: s4, rs2: t1 })
    .to(name, 'bne', { rs1: t1 });
const release = (a: Assembler): Assembler => a.op('fence').op('amoswap.w', { rd: zero, rs1: s4, rs2: zero });

/** So many sections under a lock on every hart, each with some work in it; then all wait until all are done. */
function locks(sections: number, work: number): Assembler {
  const a = new Assembler();
  a.li(s4, LOCK).li(s3, COUNTER).li(s2, DONE);
  times(a, s0, sections, 'section', () => {
    acquire(a, 'spin').op('ld', { rd: s1, rs1: s3 });
    times(a, t2, work, 'work', () => a.op('addi', { rd: s1, rs1: s1, imm: 1 }));
    release(a.op('sd', { rs1: s3, rs2: s1 }));
  });
  a.li(t0, 1).op('amoadd.d', { rs1: s2, rs2: t0 }).li(t2, HARTS);
  a.label('wait').op('ld', { rd: t1, rs1: s2 }).to('wait', 'bne', { rs1: t1, rs2: t2 });
  csrr(a, s1, Csr.minstret);
  return a.label('halt').to('halt', 'jal');
}

const hasFoundTaken = ({ state }: Checkpoint): boolean =>
  new SavedState('machine', state).record('scheduler').boolean('foundTaken');

describe('harts that spin', function () {
  it('ask for a lock by amoswap and lose no section, with turns alike in every tier', () => {
    const machine = same(locks(400, 50), 400_000);
    assert.equal(machine.memory.readU64(BigInt(COUNTER)), BigInt(400 * 50 * HARTS));
    assert.equal(machine.memory.readU64(BigInt(DONE)), BigInt(HARTS));
  });

  it('do so with turns of different lengths', () => {
    const machine = same(locks(150, 200), 1_000_000, 11);
    assert.equal(machine.memory.readU64(BigInt(COUNTER)), BigInt(150 * 200 * HARTS));
  });

  it('go on alike from wherever they were saved', () => {
    const options = { harts: HARTS, memory: 2 ** 20, legacyVirtio: false, kernel: laidOut(locks(400, 20)) };
    const machine = new Machine(options);
    const checkpoints: Checkpoint[] = [];
    for (let i = 0; i < 8000; i++) {
      machine.run({ instructions: 1 });
      // Behind the instruction that has found the lock taken, and now and then.
      const checkpoint = machine.save();
      if (hasFoundTaken(checkpoint) || i % 200 === 0) checkpoints.push(checkpoint);
    }
    assert.ok(checkpoints.some(hasFoundTaken));
    machine.run({ instructions: 20_000 });
    for (const checkpoint of checkpoints) {
      const other = new Machine(options);
      other.restore(checkpoint);
      other.run({ instructions: Infinity, to: machine.instant });
      assert.equal(other.stateHash(), machine.stateHash(), `from ${checkpoint.instant.time}`);
    }
  });

  it('give the one that holds the lock nearly all of the time', () => {
    // One section of a million instructions: whoever is second and third can only wait.
    const machine = same(locks(1, 500_000), 2_000_000);
    const holding = machine.memory.readU64(BigInt(COUNTER))!;
    // Without short turns each of three harts would have had a third of it.
    assert.ok(holding >= 500_000n, `${holding}`);
    const retired = machine.harts.map((hart) => hart.retired);
    assert.ok(Math.max(...retired) > 900_000, retired.join(' '));
  });

  it('really spin where they count how often a lock was taken, in a register or in memory', () => {
    for (const counts of ['register', 'memory'] as const) {
      const a = new Assembler();
      a.li(s4, LOCK).li(s3, COUNTER).li(s2, 0).li(t0, 1).label('spin');
      if (counts === 'register') a.op('addi', { rd: s2, rs1: s2, imm: 1 });
      else a.op('amoadd.d', { rs1: s3, rs2: t0 });
      a.op('addi', { rd: t1, rs1: t0 }).op('amoswap.w', { rd: t1, rs1: s4, rs2: t1 }).to('spin', 'bne', { rs1: t1 });
      times(a, t2, 50_000, 'work', () => a);
      if (counts === 'register') a.op('amoadd.d', { rs1: s3, rs2: s2 });
      release(a).label('halt').to('halt', 'jal');
      const tries = same(a, 1_500_000).memory.readU64(BigInt(COUNTER))!;
      assert.ok(tries > 3000n, `${counts}: ${tries}`);
    }
  });

  it('work on when a loop that looks alike does change something', () => {
    const a = new Assembler();
    csrr(a, t0, Csr.mhartid).li(s4, LOCK).op('slli', { rd: t1, rs1: t0, imm: 6 });
    a.op('add', { rd: s4, rs1: s4, rs2: t1 });
    // The word goes to and fro between two values, so that registers at the loop's start are often the same.
    a.label('again').op('ld', { rd: t0, rs1: s4 }).op('xori', { rd: t0, rs1: t0, imm: 1 });
    a.op('sd', { rs1: s4, rs2: t0 }).op('ld', { rd: t0, rs1: s4, imm: 8 }).op('addi', { rd: t0, rs1: t0, imm: 1 });
    a.op('sd', { rs1: s4, rs2: t0, imm: 8 }).li(t0, 0).to('again', 'jal');
    const machine = same(a, 400_000);
    const passes = [0, 1, 2].map((hart) => Number(machine.memory.readU64(BigInt(LOCK + 64 * hart + 8))));
    assert.ok(Math.min(...passes) > 0.7 * Math.max(...passes), passes.join(' '));
  });
});

/** Where the scheduler and the processes are: a lock and a state each, 64 bytes apart; and one word for each hart. */
const PROCESSES = BASE + 0x1_0000;
const STATES = 8;
const COUNT = 12;
const RUNNABLE = 3;
const RUNS = BASE + 0x1_4000;
const TICKS = BASE + 0x1_5000;
const STACKS = BASE + 0x1_8000;

/**
 * Hart 0 works, and now and then makes a process runnable; the others schedule as xv6 does where it does not wait by wfi:
 * they go round all processes, with a lock taken for each and interrupts enabled in between. What runs is a count. Compiled
 * without optimization (`inMemory`), no register says which process it is.
 */
function schedulers(work: number, timer = 0, inMemory = false): Assembler {
  const a = new Assembler();
  a.li(t0, -1).op('csrrw', { rs1: t0, imm: Csr.mcounteren }).li(t0, 1).op('slli', { rd: t0, rs1: t0, imm: 63 });
  a.op('csrrs', { rs1: t0, imm: Csr.menvcfg });
  csrr(a, s0, Csr.mhartid);
  toSupervisor(a, 0n);
  csrw(a.la(t0, 'trap'), Csr.stvec, t0);
  csrw(a.li(t0, 0x20), Csr.sie, t0);
  if (timer > 0) again(a, timer);
  a.op('slli', { rd: t0, rs1: s0, imm: 12 }).li(sp, STACKS).op('add', { rd: sp, rs1: sp, rs2: t0 });
  a.op('slli', { rd: t0, rs1: s0, imm: 6 }).li(s3, RUNS).op('add', { rd: s3, rs1: s3, rs2: t0 });
  a.to('scheduler', 'bne', { rs1: s0 });
  times(a, s1, COUNT, 'work', () => {
    times(a, t2, work, 'long', () => a.op('addi'));
    a.op('slli', { rd: t1, rs1: s1, imm: 6 })
      .li(s4, PROCESSES - 64)
      .op('add', { rd: s4, rs1: s4, rs2: t1 });
    acquire(a, 'makes').li(t0, RUNNABLE).op('sw', { rs1: s4, rs2: t0, imm: STATES });
    release(a);
  });
  csrw(a, Csr.sie, zero).label('done').op('wfi').to('done', 'jal');

  a.label('scheduler').op('csrrsi', { rs1: 2, imm: Csr.sstatus });
  a.li(s4, PROCESSES)
    .li(s2, PROCESSES + COUNT * 64)
    .label('next');
  if (inMemory) a.op('sd', { rs1: sp, rs2: s4, imm: 8 });
  a.callFar('lock').op('lw', { rd: t0, rs1: s4, imm: STATES }).li(t1, RUNNABLE).to('idle', 'bne', { rs1: t0, rs2: t1 });
  a.op('sw', { rs1: s4, imm: STATES }).op('ld', { rd: t0, rs1: s3 }).op('addi', { rd: t0, rs1: t0, imm: 1 });
  a.op('sd', { rs1: s3, rs2: t0 });
  a.label('idle').callFar('unlock');
  if (inMemory) a.op('ld', { rd: s4, rs1: sp, imm: 8 });
  a.op('addi', { rd: s4, rs1: s4, imm: 64 }).to('next', 'bltu', { rs1: s4, rs2: s2 });
  a.to('scheduler', 'jal');

  a.label('lock').op('csrrci', { rs1: 2, imm: Csr.sstatus }).op('addi', { rd: sp, rs1: sp, imm: -16 });
  acquire(a.op('sd', { rs1: sp, rs2: ra }), 'taken')
    .op('ld', { rd: ra, rs1: sp })
    .op('addi', { rd: sp, rs1: sp, imm: 16 });
  ret(a);
  release(a.label('unlock'));
  if (inMemory) a.li(s4, 0);
  ret(a.op('csrrsi', { rs1: 2, imm: Csr.sstatus }));

  a.align(4).label('trap').op('addi', { rd: sp, rs1: sp, imm: -32 });
  a.op('sd', { rs1: sp, rs2: t0 }).op('sd', { rs1: sp, rs2: t1, imm: 8 });
  if (timer > 0) again(a, timer);
  a.li(t0, TICKS).li(t1, 1).op('amoadd.d', { rs1: t0, rs2: t1 });
  a.op('ld', { rd: t0, rs1: sp }).op('ld', { rd: t1, rs1: sp, imm: 8 }).op('addi', { rd: sp, rs1: sp, imm: 32 });
  return a.op('sret');
}

/** The next timer interrupt comes in so many ticks. */
const again = (a: Assembler, ticks: number): Assembler =>
  csrw(csrr(a, t0, Csr.time).li(t1, ticks).op('add', { rd: t0, rs1: t0, rs2: t1 }), Csr.stimecmp, t0);

describe('harts that schedule without wfi', function () {
  this.timeout(60_000);
  const WORK = 700_000;
  const TOTAL = COUNT * WORK * 3;
  const runs = (machine: Machine): bigint[] =>
    [0, 1, 2].map((hart) => machine.memory.readU64(BigInt(RUNS + 64 * hart))!);

  for (const where of ['a register', 'memory']) {
    it(`rest while there is nothing to run, take what becomes runnable, and wait when all do (the process is in ${where})`, () => {
      const machine = same(schedulers(WORK, 0, where === 'memory'), TOTAL * 3);
      const [none, ...taken] = runs(machine);
      assert.equal(none, 0n);
      assert.equal(taken[0]! + taken[1]!, BigInt(COUNT));
      // The work, and less than half of it again until the loops are known; each hart would have taken as much as it.
      assert.ok(machine.executed < TOTAL * 1.5, `${machine.executed}`);
      assert.deepEqual(
        machine.harts.map(({ waiting, spinning }) => [waiting, spinning]),
        [
          [true, false],
          [false, true],
          [false, true],
        ],
      );
      assert.deepEqual(machine.run({ instructions: 1000 }), { kind: 'idle', until: Infinity });
    });
  }

  it('are woken by their timers, and rest again', () => {
    const machine = same(schedulers(WORK, 400_000), TOTAL * 1.5);
    const [, ...taken] = runs(machine);
    assert.equal(taken[0]! + taken[1]!, BigInt(COUNT));
    const ticks = Number(machine.memory.readU64(BigInt(TICKS)));
    const passed = machine.now / 400_000;
    // Hart 0 has them disabled.
    assert.ok(ticks > 2 * (passed - 6) && ticks <= 2 * (passed + 1), `${ticks} interrupts in ${passed} periods`);
  });

  it('do so with turns of different lengths', () => {
    const machine = same(schedulers(WORK, 444_444), TOTAL * 1.5, 5);
    const [, ...taken] = runs(machine);
    assert.equal(taken[0]! + taken[1]!, BigInt(COUNT));
  });

  it('go on from a saved state as they would have gone on', () => {
    const options = { harts: HARTS, memory: 2 ** 21, legacyVirtio: false, kernel: laidOut(schedulers(WORK, 400_000)) };
    const saved = new Machine(options);
    saved.run({ instructions: TOTAL });
    const state = saved.save();
    const restored = new Machine(options);
    restored.restore(state);
    for (const machine of [saved, restored]) assert.equal(machine.run({ instructions: TOTAL / 5 }).kind, 'budget');
    assert.equal(restored.stateHash(), saved.stateHash());
    assert.ok(saved.harts.some(({ spinning }) => spinning));
  });

  it('notice what a debugger writes, and stop where it says', () => {
    const machine = new Machine({
      ...{ harts: HARTS, memory: 2 ** 21, legacyVirtio: false, kernel: laidOut(schedulers(100)) },
    });
    while (machine.run({ instructions: 1_000_000 }).kind !== 'idle');
    const before = runs(machine).reduce((a, b) => a + b);
    machine.memory.write(BigInt(PROCESSES + 64 * 5 + STATES), Uint8Array.of(RUNNABLE));
    const watch: Watch = { address: BigInt(RUNS), length: 64 * HARTS, access: 'write' };
    machine.subscribe({ data: () => true }).setWatches([watch]);
    assert.equal(machine.run({ instructions: 1_000_000 }).kind, 'data');
    while (machine.run({ instructions: 1_000_000 }).kind !== 'idle');
    assert.equal(
      runs(machine).reduce((a, b) => a + b),
      before + 1n,
    );
  });
});
