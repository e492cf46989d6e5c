import assert from 'node:assert/strict';
import { encode } from '../../testing/encode';
import { isCall, isReturn, jumpDistance, pairedDistance } from './calls';
import { type Decoded, decode } from './decode';
import { instructionResult } from './evaluate';
import { X } from '../registers';

const at = (name: string, operands: Parameters<typeof encode>[1] = {}): Decoded => decode(encode(name, operands) | 0)!;

describe('calls and returns', () => {
  const ret = at('jalr', { rs1: X.ra });

  it('are told by the register of the return address', () => {
    assert.deepEqual([at('jal', { rd: X.ra }), at('jal'), at('jalr', { rd: X.ra, rs1: 5 }), ret].map(isCall), [
      ...[true, false, true, false],
    ]);
    assert.deepEqual([ret, at('jalr', { rs1: X.ra, imm: 4 }), at('jalr', { rs1: X.t0 }), at('jal')].map(isReturn), [
      ...[true, false, false, false],
    ]);
    // c.jalr a5, c.jr ra, c.j.
    assert.deepEqual(
      [0x9782, 0x8082, 0xa001].map((half) => isCall(decode(half)!)),
      [true, false, false],
    );
    assert.ok(isReturn(decode(0x8082)!));
  });

  it('lead as far as the instruction says, alone or with the auipc before it', () => {
    const auipc = at('auipc', { rd: X.t1, imm: 2 });
    const far = at('jalr', { rd: X.ra, rs1: X.t1, imm: -11 });
    assert.equal(jumpDistance(at('jal', { imm: -2000 }), undefined), -2000);
    assert.equal(jumpDistance(at('beq', { imm: 24 }), undefined), 24);
    assert.equal(jumpDistance(far, auipc), 0x2000 - 4 - 12);
    assert.equal(jumpDistance(far, at('auipc', { rd: X.t2 })), undefined);
    assert.equal(jumpDistance(far, at('lui', { rd: X.t1, imm: 2 })), undefined);
    assert.equal(jumpDistance(ret, undefined), undefined);
    assert.equal(jumpDistance(at('addi', { rs1: X.t1 }), auipc), undefined);
    assert.equal(pairedDistance(at('ld', { rs1: X.t1, imm: 8 }), auipc), 0x2004);
  });
});

describe('the value that an instruction computes', () => {
  const value = (decoded: Decoded) =>
    instructionResult(decoded, { rs1: 0xffff_ffff_8000_0000n, rs2: 3n, pc: 0x8000_0000n });

  it('is what its meaning says', () => {
    assert.equal(value(at('addiw', { rs1: 1, imm: -1 })), 0x7fff_ffffn);
    assert.equal(value(at('slli', { rs1: 1, imm: 4 })), 0xffff_fff8_0000_0000n);
    assert.equal(value(at('auipc', { rd: 1, imm: 1 })), 0x8000_1000n);
    assert.equal(value(at('mulhu', { rs1: 1, rs2: 2 })), 2n);
    assert.equal(value(at('divw', { rs1: 1, rs2: 2 })), BigInt.asUintN(64, -715827882n));
  });

  it('is not known of others', () => {
    const others = ['ld', 'sd', 'amoadd.d', 'lr.w', 'beq', 'jal', 'jalr', 'csrrw', 'ecall', 'fence'];
    for (const name of others) assert.equal(value(at(name)), undefined, name);
  });
});
