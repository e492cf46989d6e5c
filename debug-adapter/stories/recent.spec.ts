import assert from 'node:assert/strict';
import { Csr } from '../../emulator/isa/csrs';
import { encode } from '../../emulator/testing/encode';
import { R, csrw } from '../../emulator/testing/guests';
import { RWX, entry } from '../../emulator/testing/page-tables';
import { OTHER_PAGE, PAGE, SmallKernel, type WriteCode } from '../testing/small-kernel';
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

  it('begin with the first of a handler in machine mode, which user mode does not reach', async () => {
    const CLINT = 0x200_4000;
    const { s0, t0, t1, a0, a2, a3 } = R;
    const handler = [
      encode('addi', { rd: a0, rs1: a0, imm: 1 }),
      encode('sd', { rs1: a2, rs2: a3 }),
      encode('mret', {}),
    ];
    const write: WriteCode = (code, { tables, user }) => {
      handler.forEach((word, index) =>
        code
          .li(t0, PAGE + BigInt(4 * index))
          .li(t1, BigInt(word >>> 0))
          .op('sw', { rs1: t0, rs2: t1 }),
      );
      csrw(code.la(t0, 'trap'), Csr.stvec, t0);
      // The first store to the timer, at which a debugger sets the handler; the handler makes another, so that it comes no more.
      code.li(a2, CLINT).li(t0, 325).op('sd', { rs1: a2, rs2: t0 });
      csrw(code.li(t0, tables.satp(user)), Csr.satp, t0);
      csrw(code.li(t0, 0), Csr.sepc, t0);
      code.li(a2, CLINT).li(a3, -1n).li(t0, 0x100).op('csrrc', { rs1: t0, imm: Csr.sstatus }).op('sret');
      code.align(4).label('trap').to('panic', 'jal');
    };
    const kernel = new SmallKernel(write, {
      isPaged: true,
      map: (tables, roots) => tables.map(roots.kernel, CLINT, CLINT, RWX),
      user: (code) =>
        void code
          .li(s0, 1700)
          .label('loop')
          .op('addi', { rd: s0, rs1: s0, imm: -1 })
          .to('loop', 'bne', { rs1: s0 })
          .op('ecall'),
    });
    const { guest, timeline, machine } = kernel;
    const subscription = machine.subscribe({ device: () => true });
    while (machine.run({ instructions: 1000 }).kind !== 'device') assert.ok(machine.executed < 50_000);
    subscription.end();
    timeline.ran(1);
    machine.apply({ kind: 'csr', hart: 0, csr: Csr.mtvec, value: PAGE });
    machine.apply({ kind: 'csr', hart: 0, csr: Csr.mie, value: 0x80n });
    kernel.untilPanic();
    const run = await recentInstructions(guest, timeline, 0, machine.instant, 1000);
    const there = run.flatMap(({ pc }) => (pc >= PAGE ? Number(pc - PAGE) : []));
    assert.deepEqual(there.slice(0, 3), [0, 4, 8]);
  });

  it('are read where a store that ends in a page of a table has led them', async () => {
    const VA = 0x4000_0000;
    const { s0, t0, t1 } = R;
    const kernel = new SmallKernel(
      (code, { tables, kernel: root }) => {
        const leaf = tables.entryAt(root, BigInt(VA), 0);
        // The entry lies at the beginning of its page; its lower half is written with what lies before.
        code.li(s0, VA).li(t0, leaf - 4);
        code.li(t1, (BigInt(entry(Number(OTHER_PAGE), RWX)) & 0xffff_ffffn) << 32n);
        for (const name of ['ld', 'sd', 'ld'])
          code.op(name, name === 'ld' ? { rd: R.a0, rs1: s0 } : { rs1: t0, rs2: t1 });
        code.to('panic', 'jal');
      },
      {
        isPaged: true,
        map: (tables, roots) => {
          // No walk reads the table that the store begins in.
          tables.map(roots.kernel, VA + 0x20_0000, Number(PAGE), RWX);
          tables.map(roots.kernel, VA, Number(PAGE), RWX);
        },
      },
    );
    kernel.untilPanic();
    const { guest, timeline, machine } = kernel;
    const run = await recentInstructions(guest, timeline, 0, machine.instant, 300);
    const loads = run.filter(({ decoded: { instruction, rd } }) => instruction.name === 'ld' && rd === R.a0);
    assert.deepEqual(
      loads.slice(-2).map(({ physical }) => physical),
      [PAGE, OTHER_PAGE],
    );
  });
});
