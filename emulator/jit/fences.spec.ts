/** sfence.vma within hot code: nothing to do while nobody listens, a trap where it is not allowed, and told of where it is observed. */
import assert from 'node:assert/strict';
import { Mstatus } from '../isa/csr-bits';
import { Csr } from '../isa/csrs';
import { Machine } from '../machine';
import { Assembler, R, csrr, csrw, elf, times, toSupervisor } from '../testing/guests';
import { points, sameInTiers, warmUp } from '../testing/tiers';

const { s0, s1, s2, t0, t2 } = R;
const PASSES = 2000;

/** A loop with one fence in each pass, and a handler that counts in s2 and skips what trapped. */
function loop(a: Assembler): void {
  times(a, s0, PASSES, 'again', () => a.label('fence').op('sfence.vma', {}).op('addi', { rd: s1, rs1: s1, imm: 1 }));
  a.label('halt').to('halt', 'jal').align(4).label('handler').op('addi', { rd: s2, rs1: s2, imm: 1 });
  csrw(csrr(a, t2, Csr.mepc).op('addi', { rd: t2, rs1: t2, imm: 4 }), Csr.mepc, t2).op('mret');
}

function fences(prepare: (a: Assembler) => void): Uint8Array {
  const a = new Assembler();
  // M-mode takes all exceptions.
  csrw(a.la(t0, 'handler'), Csr.mtvec, t0);
  prepare(a);
  loop(a);
  return elf(a.image());
}

const supervisor = (a: Assembler): Assembler => toSupervisor(a, 0n, 0);

/** Runs it in every tier. Returns what was done of the passes, and how often a fence trapped. */
function run(prepare: (a: Assembler) => void): { passes: bigint; traps: bigint } {
  const hart = sameInTiers({ kernel: fences(prepare), points: points(10 * PASSES, 4) }).harts[0]!;
  return { passes: hart.x(s1), traps: hart.x(s2) };
}

describe('sfence.vma in hot code', () => {
  const passes = BigInt(PASSES);

  it('does nothing in M-mode and in S-mode', () => {
    assert.deepEqual(
      run(() => undefined),
      { passes, traps: 0n },
    );
    assert.deepEqual(run(supervisor), { passes, traps: 0n });
  });

  it('is illegal in S-mode while mstatus.TVM is set, and in M-mode allowed then, too', () => {
    const virtual = (a: Assembler): Assembler => a.li(t0, Mstatus.tvm).op('csrrs', { rs1: t0, imm: Csr.mstatus });
    assert.deepEqual(
      run((a) => supervisor(virtual(a))),
      { passes, traps: passes },
    );
    assert.deepEqual(run(virtual), { passes, traps: 0n });
  });

  it('is illegal in U-mode', () => {
    const user = (a: Assembler): Assembler => csrw(supervisor(a).la(t0, 'user'), Csr.sepc, t0).op('sret').label('user');
    assert.deepEqual(run(user), { passes, traps: passes });
  });

  it('is told of from the moment that somebody listens, until nobody does', () => {
    const machine = new Machine({ harts: 1, memory: 2 ** 21, legacyVirtio: false, kernel: fences(supervisor) });
    warmUp(machine);
    machine.run({ instructions: 1000 });
    const heard: bigint[] = [];
    const subscription = machine.subscribe({ fence: ({ pc }) => (heard.push(pc), false) });
    // Four instructions a pass.
    machine.run({ instructions: 400 });
    assert.equal(heard.length, 100);
    assert.equal(new Set(heard).size, 1);
    subscription.end();
    machine.run({ instructions: 400 });
    assert.equal(heard.length, 100);
    machine.subscribe({ fence: () => true });
    assert.equal(machine.run({ instructions: 400 }).kind, 'fence');
  });
});
