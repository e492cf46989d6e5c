/** Harts that wait for each other: turns are cut short for those that spin, alike in every tier, and no work is lost. */
import assert from 'node:assert/strict';
import { Csr } from '../isa/csrs';
import type { Machine } from '../machine';
import { Assembler, BASE, R, csrr, laidOut, times } from '../testing/guests';
import { TIERS, points, runInTier } from '../testing/tiers';

const { zero, s0, s1, s2, s3, s4, t0, t1, t2 } = R;
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

describe('harts that spin', function () {
  this.timeout(20_000);

  it('ask for a lock by amoswap and lose no section, with turns alike in every tier', () => {
    const machine = same(locks(400, 50), 400_000);
    assert.equal(machine.memory.readU64(BigInt(COUNTER)), BigInt(400 * 50 * HARTS));
    assert.equal(machine.memory.readU64(BigInt(DONE)), BigInt(HARTS));
  });

  it('do so with turns of different lengths', () => {
    const machine = same(locks(150, 200), 500_000, 11);
    assert.equal(machine.memory.readU64(BigInt(COUNTER)), BigInt(150 * 200 * HARTS));
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
