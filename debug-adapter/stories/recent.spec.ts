import assert from 'node:assert/strict';
import { R } from '../../emulator/testing/guests';
import { encode } from '../../emulator/testing/encode';
import { PAGE, SmallKernel } from '../testing/small-kernel';
import { recentInstructions } from './recent';

describe('the last instructions of a hart', () => {
  it('are those that lay there when they were executed, where code is written over', async () => {
    const kernel = new SmallKernel((code) => {
      const { s1, t0, t1, ra } = R;
      code
        .li(t0, PAGE)
        .li(t1, BigInt(encode('jalr', { rs1: ra }) >>> 0))
        .op('sw', { rs1: t0, rs2: t1, imm: 4 });
      for (const imm of [1, 2]) {
        code.li(t1, BigInt(encode('addi', { rd: s1, imm }) >>> 0)).op('sw', { rs1: t0, rs2: t1 });
        code.op('jalr', { rd: ra, rs1: t0 }).op('jalr', { rd: ra, rs1: t0 });
      }
      code.to('panic', 'jal');
    });
    kernel.untilPanic();
    const { guest, timeline, machine } = kernel;
    const run = await recentInstructions(guest, timeline, 0, machine.instant, 300);
    const there = run.filter(({ pc }) => pc === PAGE);
    assert.deepEqual(
      there.map(({ decoded: { imm } }) => imm),
      [1, 1, 2, 2],
    );
  });
});
