/** Regions with calls taken in: whatever returns where, the run is the interpreter's. */
import assert from 'node:assert/strict';
import { Assembler, BASE, R, call, csrr, elf, ret, times } from '../testing/guests';
import { TIERS, points, runInTier } from '../testing/tiers';
import type { Machine } from '../machine';
import { Csr } from '../isa/csrs';

const { ra, sp, s0, s1, s2, s3, a0, a1, t0, t1 } = R;
const STACK = BASE + 0x10_0000;

/** Runs a program in every tier, in long slices and in short ones; all must agree. Answers the machine at the end. */
function same(write: (a: Assembler) => void, instructions: number): Machine {
  const a = new Assembler();
  write(a);
  a.label('halt').to('halt', 'jal');
  const kernel = elf(a.image());
  const run = { kernel, points: points(instructions) };
  const { machine, trace } = runInTier('interp', run);
  for (const tier of TIERS) {
    assert.deepEqual(runInTier(tier, run).trace, trace, tier);
    assert.deepEqual(runInTier(tier, { ...run, slice: 997 }).trace, trace, `${tier} in slices`);
  }
  return machine;
}

/** The main program, then functions each on a page of its own. */
function program(main: (a: Assembler) => void, functions: Record<string, (a: Assembler) => void>) {
  return (a: Assembler): void => {
    a.li(sp, STACK);
    main(a);
    a.label('stay').to('stay', 'jal');
    for (const [name, write] of Object.entries(functions)) write(a.align(4096).label(name));
  };
}

const push = (a: Assembler): Assembler =>
  a.op('addi', { rd: sp, rs1: sp, imm: -16 }).op('sd', { rs1: sp, rs2: ra }).op('sd', { rs1: sp, rs2: s1, imm: 8 });
const pop = (a: Assembler): Assembler =>
  a.op('ld', { rd: ra, rs1: sp }).op('ld', { rd: s1, rs1: sp, imm: 8 }).op('addi', { rd: sp, rs1: sp, imm: 16 });

describe('a region', function () {
  it('takes in calls across pages, and calls in them', () => {
    const machine = same(
      program((a) => times(a, s0, 3000, 'again', () => call(a.op('addi', { rd: a0, rs1: s0 }), 'outer')), {
        outer: (a) => {
          push(a).op('addi', { rd: s1, rs1: a0, imm: 3 });
          call(a, 'inner').op('add', { rd: a0, rs1: a0, rs2: s1 });
          call(a, 'inner').op('add', { rd: s2, rs1: s2, rs2: a0 });
          ret(pop(a));
        },
        inner: (a) => ret(a.op('slli', { rd: t0, rs1: a0, imm: 2 }).op('xor', { rd: a0, rs1: a0, rs2: t0 })),
      }),
      3000 * 24,
    );
    const inner = (x: number): number => x ^ (x << 2);
    let sum = 0;
    for (let x = 3000; x > 0; x--) sum += inner(inner(x) + x + 3);
    assert.equal(machine.harts[0]!.x(s2), BigInt(sum));
  });

  it('follows a return to an address that nobody called from', () => {
    const machine = same(
      program(
        (a) => {
          times(a, s0, 4000, 'again', () => {
            call(a, 'skips').op('addi', { rd: s2, rs1: s2, imm: 1 }).op('addi', { rd: s3, rs1: s3, imm: 1 });
          });
        },
        {
          // Every eighth time it returns one instruction further.
          skips: (a) => {
            a.op('andi', { rd: t0, rs1: s0, imm: 7 }).to('plain', 'bne', { rs1: t0 });
            a.op('addi', { rd: ra, rs1: ra, imm: 4 }).label('plain');
            ret(a);
          },
        },
      ),
      4000 * 9,
    );
    assert.equal(machine.harts[0]!.x(s3), 4000n);
    assert.equal(machine.harts[0]!.x(s2), 3500n);
  });

  it('returns by way of another function, and through other registers', () => {
    const machine = same(
      program(
        (a) => {
          times(a, s0, 3000, 'again', () => {
            call(a, 'tail').op('addi', { rd: s3, rs1: s3, imm: 1 });
            a.to('other', 'jal', { rd: R.t0 }).op('addi', { rd: s3, rs1: s3, imm: 1 });
            a.la(t1, 'far').op('jalr', { rd: ra, rs1: t1 });
          });
        },
        {
          tail: (a) => a.op('addi', { rd: s2, rs1: s2, imm: 1 }).to('far', 'jal'),
          other: (a) => a.op('addi', { rd: s2, rs1: s2, imm: 2 }).op('jalr', { rs1: t0 }),
          far: (a) => ret(a.op('addi', { rd: s2, rs1: s2, imm: 4 })),
        },
      ),
      3000 * 18,
    );
    assert.equal(machine.harts[0]!.x(s2), 3000n * 11n);
    assert.equal(machine.harts[0]!.x(s3), 6000n);
  });

  it('takes in calls by auipc and jalr, and notices a jalr that is come to with another register', () => {
    const machine = same(
      program(
        (a) => {
          times(a.li(a1, 0), s0, 4000, 'again', () => {
            a.callFar('outer').op('andi', { rd: t0, rs1: s0, imm: 7 }).to('plain', 'bne', { rs1: t0 });
            // Into the middle of a call, which goes elsewhere then: ra is so that with the jalr's 12 bits it makes "other".
            a.la(t0, 'call').la(t1, 'inner').op('sub', { rd: t1, rs1: t1, rs2: t0 });
            a.op('slli', { rd: t1, rs1: t1, imm: 52 }).op('srai', { rd: t1, rs1: t1, imm: 52 });
            a.la(ra, 'other').op('sub', { rd: ra, rs1: ra, rs2: t1 }).op('jalr', { rs1: t0, imm: 4 }).label('plain');
            a.label('call').callFar('inner').op('addi', { rd: s3, rs1: s3, imm: 1 });
          });
        },
        {
          outer: (a) => {
            push(a).callFar('inner').callFar('inner');
            ret(pop(a));
          },
          inner: (a) => ret(a.op('addi', { rd: s2, rs1: s2, imm: 1 })),
          other: (a) => ret(a.op('addi', { rd: a1, rs1: a1, imm: 1 })),
        },
      ),
      4000 * 30,
    );
    assert.equal(machine.harts[0]!.x(s3), 4000n);
    assert.equal(machine.harts[0]!.x(s2), 11_500n);
    assert.equal(machine.harts[0]!.x(a1), 500n);
  });

  it('has recursion go deeper than calls are taken in', () => {
    const machine = same(
      program((a) => call(a.li(a0, 17), 'fibonacci'), {
        fibonacci: (a) => {
          a.li(t0, 2).to('more', 'bgeu', { rs1: a0, rs2: t0 });
          ret(a);
          a.label('more').op('addi', { rd: sp, rs1: sp, imm: -16 });
          push(a).op('addi', { rd: s1, rs1: a0 }).op('addi', { rd: a0, rs1: s1, imm: -1 });
          call(a, 'fibonacci').op('sd', { rs1: sp, rs2: a0, imm: 16 }).op('addi', { rd: a0, rs1: s1, imm: -2 });
          call(a, 'fibonacci').op('ld', { rd: a1, rs1: sp, imm: 16 }).op('add', { rd: a0, rs1: a0, rs2: a1 });
          pop(a).op('addi', { rd: sp, rs1: sp, imm: 16 });
          ret(a);
        },
      }),
      80_000,
    );
    assert.equal(machine.harts[0]!.x(a0), 1597n);
    assert.equal(machine.harts[0]!.x(sp), BigInt(STACK));
  });

  it('counts loops within loops, left in their middle', () => {
    const machine = same(
      program((a) => {
        times(a, s0, 300, 'outer', () => {
          times(a, s1, 20, 'middle', () => {
            a.op('addi', { rd: s2, rs1: s2, imm: 1 });
            // Out of two loops at once, now and then.
            a.op('andi', { rd: t0, rs1: s2, imm: 127 }).to('left', 'beq', { rs1: t0 });
            times(a, t1, 3, 'inner', () => a.op('add', { rd: s3, rs1: s3, rs2: t1 }));
          });
          a.label('left');
          csrr(a, t0, Csr.minstret).op('xor', { rd: a1, rs1: a1, rs2: t0 });
        });
      }, {}),
      60_000,
    );
    assert.ok(machine.harts[0]!.x(s2) > 3000n);
  });

  it('branches into the middle of a loop', () => {
    const machine = same(
      program((a) => {
        times(a, s0, 2000, 'again', () => {
          a.op('andi', { rd: t0, rs1: s0, imm: 1 }).li(t1, 5).to('middle', 'bne', { rs1: t0 });
          a.label('head').op('addi', { rd: s2, rs1: s2, imm: 1 });
          a.label('middle').op('addi', { rd: s3, rs1: s3, imm: 1 });
          a.op('addi', { rd: t1, rs1: t1, imm: -1 }).to('head', 'bne', { rs1: t1 });
        });
      }, {}),
      60_000,
    );
    assert.equal(machine.harts[0]!.x(s3), 10_000n);
    assert.equal(machine.harts[0]!.x(s2), 9000n);
  });

  it('ends exactly where a slice of any length ends', function () {
    const a = new Assembler();
    program((a) => times(a, s0, 20_000, 'again', () => call(a.op('addi', { rd: a0, rs1: s0 }), 'outer')), {
      outer: (a) => {
        push(a).li(s1, 3).label('turn').op('sd', { rs1: sp, rs2: a0, imm: -8 });
        a.op('addi', { rd: s1, rs1: s1, imm: -1 })
          .op('ld', { rd: a0, rs1: sp, imm: -8 })
          .to('turn', 'bne', { rs1: s1 });
        call(a, 'inner').op('add', { rd: s2, rs1: s2, rs2: a0 });
        ret(pop(a));
      },
      inner: (a) => ret(a.op('slli', { rd: t0, rs1: a0, imm: 2 }).op('xor', { rd: a0, rs1: a0, rs2: t0 })),
    })(a);
    const kernel = elf(a.image());
    const warm = 60_000;
    const traces = TIERS.map((tier) => {
      const { machine } = runInTier(tier, { kernel, points: [warm] });
      const hart = machine.harts[0]!;
      const trace: string[] = [];
      for (let length = 1; length <= 50; length++) {
        for (let repeat = 0; repeat < 40; repeat++) {
          const before = machine.executed;
          assert.equal(machine.run({ instructions: length }).kind, 'budget');
          assert.equal(machine.executed, before + length);
          trace.push([hart.pc, hart.x(a0), hart.x(s1), hart.x(s2), hart.x(sp), hart.retired].join(' '));
        }
      }
      return [...trace, machine.stateHash()];
    });
    assert.deepEqual(traces[1], traces[0]);
    assert.deepEqual(traces[2], traces[0]);
  });
});
