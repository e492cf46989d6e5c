import assert from 'node:assert/strict';
import { decode } from '../../emulator/isa/instructions/decode';
import { encode, R } from '../../emulator/testing/encode';
import {
  branchBefore,
  decides,
  returnBefore,
  returnedAnswer,
  returnedConstant,
  returns,
  sourcesOf,
  sourcesOfRegister,
} from './cause';
import type { Executed } from './recent';

/** A run of instructions of a function at 0x1000, one after the other, unless they say where they are. */
type Row = [name: string, operands: Parameters<typeof encode>[1], more?: Partial<Executed>];
function run(...rows: Row[]): Executed[] {
  return rows.map(([name, operands, more], index) => ({
    pc: 0x1000n + BigInt(index * 4),
    decoded: decode(encode(name, operands))!,
    ...{ sp: 0x8000n, left: 0n, right: 0n },
    ...more,
  }));
}
const WITHIN = { low: 0x1000n, high: 0x1100n };
const call: Row = ['jal', { rd: R.ra, imm: 64 }];

describe('the cause of a jump', () => {
  it('is the branch before it in the same call of the function, and the word that it tested', () => {
    const rows = run(
      ['ld', { rd: R.a5, rs1: R.a0 }, { physical: 0x8000_0040n, found: 7n }],
      ['andi', { rd: R.a4, rs1: R.a5, imm: 1 }],
      ['bne', { rs1: R.a4, rs2: R.zero, imm: 8 }],
      call,
    );
    assert.equal(branchBefore(rows, 3, WITHIN), 2);
    assert.deepEqual(sourcesOf(rows, 2), [
      { kind: 'memory', physical: 0x8000_0040n, bytes: 8, value: 7n, index: 0, isPart: true },
    ]);
  });

  it('is no branch of a function that was called in between, nor of another call of it', () => {
    const rows = run(
      ['bne', { rs1: R.a4, rs2: R.zero, imm: 8 }],
      ['bne', { rs1: R.a4, rs2: R.zero, imm: 8 }, { pc: 0x2000n }],
      ['bne', { rs1: R.a4, rs2: R.zero, imm: 8 }, { sp: 0x7f00n }],
      call,
    );
    assert.equal(branchBefore(rows, 3, WITHIN), 0);
    const begun = run(['bne', { rs1: R.a4, rs2: R.zero, imm: 8 }], ['addi', { rd: R.a0, rs1: R.zero }], call);
    const [first, ...others] = begun as [Executed, ...Executed[]];
    // The function begins anew after the branch.
    const again = [first, { ...others[0]!, pc: WITHIN.low }, others[1]!];
    assert.equal(branchBefore([{ ...first, pc: 0x1080n }, ...again.slice(1)], 2, WITHIN), undefined);
  });

  it('is followed through the stack, but not through other memory', () => {
    const spilled = run(
      ['ld', { rd: R.a5, rs1: R.a0 }, { physical: 0x8000_0040n, found: 7n }],
      ['sd', { rs1: R.sp, rs2: R.a5 }, { physical: 0x8000_7f00n, found: 0n }],
      ['ld', { rd: R.a3, rs1: R.sp }, { physical: 0x8000_7f00n, found: 7n }],
      ['beq', { rs1: R.a3, rs2: R.zero, imm: 8 }],
    );
    assert.deepEqual(
      sourcesOf(spilled, 3).map((source) => 'index' in source && source.index),
      [0],
    );
    const field = run(
      ['sd', { rs1: R.a1, rs2: R.a5 }, { physical: 0x8000_0080n, found: 0n }],
      ['ld', { rd: R.a3, rs1: R.a1 }, { physical: 0x8000_0080n, found: 7n }],
      ['beq', { rs1: R.a3, rs2: R.zero, imm: 8 }],
    );
    assert.deepEqual(
      sourcesOf(field, 2).map((source) => source.kind === 'memory' && source.physical),
      [0x8000_0080n],
    );
  });

  it('is no result of a function that has not returned: a caller gives constants', () => {
    const other = { low: 0x2000n, high: 0x2100n };
    const functionAt = (): typeof other => other;
    const made: Row = ['addi', { rd: R.a0, rs1: R.zero, imm: 1 }, { pc: 0x2000n }];
    const tested: Row = ['beq', { rs1: R.a0, rs2: R.zero, imm: 8 }, { left: 1n }];
    const returned = run(made, ['jalr', { rd: R.zero, rs1: R.ra }, { pc: 0x2004n }], tested);
    assert.deepEqual(returnedConstant(returned, 2, WITHIN, functionAt), { by: other, value: 1n, made: 0, end: 1 });
    const given = run(made, ['jal', { rd: R.ra, imm: 64 }, { pc: 0x2004n }], tested);
    assert.equal(returnedConstant(given, 2, WITHIN, functionAt), undefined);
    // Nor is it one that was made after the function had returned before.
    const before = run(['jalr', { rd: R.zero, rs1: R.ra }, { pc: 0x2008n }], made, tested);
    assert.equal(returnedConstant(before, 2, WITHIN, functionAt), undefined);
  });

  it('is what another function has returned, made of what that had read', () => {
    const other = { low: 0x2000n, high: 0x2100n };
    const functionAt = (): typeof other => other;
    const made: Row = ['sltiu', { rd: R.a0, rs1: R.a0, imm: 1 }, { pc: 0x2000n }];
    const ret: Row = ['jalr', { rd: R.zero, rs1: R.ra }, { pc: 0x2008n }];
    const tested = (rs1: number, left = 1n): Row => ['bne', { rs1, rs2: R.zero, imm: 8 }, { left }];
    const answer = (...rows: Row[]) => returnedAnswer(run(...rows), rows.length - 1, WITHIN, functionAt);
    assert.deepEqual(answer(made, ret, tested(R.a0)), { by: other, value: 1n, made: 0, end: 1 });
    assert.equal(answer(made, ret, ['addiw', { rd: R.a5, rs1: R.a0 }], tested(R.a5, 2n ** 64n - 1n))?.value, -1n);
    assert.equal(answer(made, ret, ['add', { rd: R.s1, rs1: R.zero, rs2: R.a0 }], tested(R.s1))?.made, 0, 'c.mv');
    const moved: Row = ['add', { rd: R.a0, rs1: R.zero, rs2: R.s1 }, { pc: 0x2004n }];
    assert.equal(answer(made, moved, ret, tested(R.a0))?.made, 1, 'put there by the function that returns');
    assert.equal(answer(made, ret, ['addi', { rd: R.a5, rs1: R.a0, imm: 4 }], tested(R.a5)), undefined, 'a sum');
    assert.equal(answer(made, ret, tested(R.a0, 0x8700_0000n)), undefined, 'a pointer');
    assert.equal(answer(made, tested(R.a0)), undefined, 'it has not returned');
    const own: Row = ['sltiu', { rd: R.a0, rs1: R.a0, imm: 1 }];
    assert.equal(answer(ret, own, tested(R.a0)), undefined, 'its own');
    const restored: Row = ['ld', { rd: R.s1, rs1: R.sp }, { pc: 0x2004n, physical: 0x8000_7f00n, found: 1n }];
    assert.equal(answer(made, restored, ret, tested(R.s1)), undefined, 'a register of the caller’s');
  });

  it('is what a function has returned, where it returned a constant', () => {
    const rows = run(
      ['addi', { rd: R.a0, rs1: R.zero }, { pc: 0x2000n }],
      ['jalr', { rd: R.zero, rs1: R.ra }, { pc: 0x2004n }],
      ['beq', { rs1: R.a0, rs2: R.zero, imm: 8 }],
    );
    assert.deepEqual(sourcesOf(rows, 2), [{ kind: 'constant', index: 0 }]);
    assert.equal(returnBefore(rows, 2, { low: 0x2000n, high: 0x2010n }), 1);
    assert.equal(returnBefore(rows, 2, { low: 0x3000n, high: 0x3010n }), undefined);
  });

  it('is not known where the value is older than what was looked at, or of a CSR', () => {
    const rows = run(['csrrs', { rd: R.a0, rs1: R.zero, imm: 0x142 }], ['beq', { rs1: R.a0, rs2: R.a1, imm: 8 }]);
    assert.deepEqual(sourcesOf(rows, 1), [{ kind: 'unknown' }, { kind: 'unknown' }]);
    // A constant is not all of a sum with what is not known.
    const sum = run(['addi', { rd: R.a4, rs1: R.zero, imm: 24 }], ['add', { rd: R.a0, rs1: R.s1, rs2: R.a4 }]);
    assert.deepEqual(sourcesOfRegister(sum, 2, R.a0), [{ kind: 'unknown' }, { kind: 'constant', index: 0 }]);
  });

  it('is no constant of a function that has returned another value', () => {
    const ret: Row = ['jalr', { rd: R.zero, rs1: R.ra }];
    const made: Row = ['addi', { rd: R.a0, rs1: R.zero, imm: 1 }];
    const end = (...rows: Row[]): Executed[] => run(made, ret, ...rows);
    assert.equal(returns(end(['beq', { rs1: R.a0, rs2: R.zero }, { left: 1n }]), 1, 1), true);
    assert.equal(returns(end(['bne', { rs1: R.zero, rs2: R.a0 }, { right: 1n }]), 1, 1), true);
    assert.equal(returns(end(['beq', { rs1: R.a0, rs2: R.zero }, { left: 2n ** 64n - 1n }]), 1, -1), true);
    // It was shifted, as KERNBASE is made of 1; or put elsewhere by a pointer.
    assert.equal(returns(end(['beq', { rs1: R.a0, rs2: R.zero }, { left: 1n << 31n }]), 1, 1), false);
    assert.equal(returns(end(['addi', { rd: R.a0, rs1: R.a5 }]), 1, 1), false);
    // What has not been read yet is there now.
    assert.equal(returns(end(), 1, 1, 1n), true);
    assert.equal(returns(end(), 1, 1, 2n), false);
    assert.equal(returns(end(), 1, 1), false);
  });

  describe('decides only where the other way does not lead there', () => {
    const PANIC = 0x3000;
    /** By address; a branch at 0x1000 was not taken, and the call at `at` was made. */
    function decided(code: Record<number, Row>, at: number): boolean {
      const all = Object.entries(code).map(([pc, row]) => [row[0], row[1], { pc: BigInt(pc) }] as Row);
      const rows = run(...all);
      const codeAt = (pc: bigint) => rows.find((one) => one.pc === pc)?.decoded;
      return decides([rows[0]!, rows[1]!, rows.find(({ pc }) => pc === BigInt(at))!], 0, WITHIN, codeAt);
    }
    const branchTo = (to: number): Row => ['beq', { rs1: R.a0, rs2: R.zero, imm: to - 0x1000 }];
    const nop: Row = ['addi', { rd: R.a5, rs1: R.zero }];
    const callOf = (from: number, to: number): Row => ['jal', { rd: R.ra, imm: to - from }];
    const goTo = (from: number, to: number): Row => ['jal', { rd: R.zero, imm: to - from }];
    const ret: Row = ['jalr', { rd: R.zero, rs1: R.ra }];
    const panic = callOf(0x1004, PANIC);

    const ROWS: [string, Record<number, Row>, number, boolean][] = [
      ['if (bad) panic()', { 0x1000: branchTo(0x1008), 0x1004: panic, 0x1008: ret }, 0x1004, true],
      [
        'if (bad) panic(), in a loop',
        { 0x1000: branchTo(0x1008), 0x1004: panic, 0x1008: goTo(0x1008, 0x1000) },
        0x1004,
        true,
      ],
      [
        'if (p) log(p); panic()',
        { 0x1000: branchTo(0x1008), 0x1004: callOf(0x1004, 0x2000), 0x1008: callOf(0x1008, PANIC) },
        0x1008,
        false,
      ],
      [
        'if (p) a(); else b(); panic()',
        {
          0x1000: branchTo(0x100c),
          0x1004: nop,
          0x1008: goTo(0x1008, 0x1010),
          0x100c: callOf(0x100c, 0x2000),
          0x1010: callOf(0x1010, PANIC),
        },
        0x1010,
        false,
      ],
      [
        'if (a) panic(1); panic(2)',
        {
          0x1000: branchTo(0x100c),
          0x1004: nop,
          0x1008: callOf(0x1008, PANIC),
          0x100c: callOf(0x100c, PANIC),
          0x1010: goTo(0x1010, 0x1008),
        },
        0x1008,
        true,
      ],
      [
        'if (a || b) panic(), and b is asked on the other way',
        {
          0x1000: branchTo(0x100c),
          0x1004: nop,
          0x1008: callOf(0x1008, PANIC),
          0x100c: ['bne', { rs1: R.a1, rs2: R.zero, imm: -4 }],
          0x1010: ret,
        },
        0x1008,
        true,
      ],
      ['code that is not known', { 0x1000: branchTo(0x1080), 0x1004: callOf(0x1004, PANIC) }, 0x1004, true],
    ];
    for (const [what, code, at, isDecided] of ROWS)
      it(`${what}: ${isDecided}`, () => assert.equal(decided(code, at), isDecided));
  });
});
