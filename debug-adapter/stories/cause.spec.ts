import assert from 'node:assert/strict';
import { decode } from '../../emulator/isa/instructions/decode';
import { encode, R } from '../../emulator/testing/encode';
import { branchBefore, returnBefore, returnedConstant, sourcesOf } from './cause';
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
    assert.deepEqual(sourcesOf(rows, 2), [{ kind: 'memory', physical: 0x8000_0040n, bytes: 8, value: 7n, index: 0 }]);
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
      sourcesOf(spilled, 3).map((source) => source.index),
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
    const tested: Row = ['beq', { rs1: R.a0, rs2: R.zero, imm: 8 }];
    const returned = run(made, ['jalr', { rd: R.zero, rs1: R.ra }, { pc: 0x2004n }], tested);
    assert.deepEqual(returnedConstant(returned, 2, WITHIN, functionAt), { by: other, value: 1n });
    const given = run(made, ['jal', { rd: R.ra, imm: 64 }, { pc: 0x2004n }], tested);
    assert.equal(returnedConstant(given, 2, WITHIN, functionAt), undefined);
    // Nor is it one that was made after the function had returned before.
    const before = run(['jalr', { rd: R.zero, rs1: R.ra }, { pc: 0x2008n }], made, tested);
    assert.equal(returnedConstant(before, 2, WITHIN, functionAt), undefined);
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
    assert.deepEqual(sourcesOf(rows, 1), []);
  });
});
