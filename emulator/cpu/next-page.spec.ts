import assert from 'node:assert/strict';
import { Assembler, BASE, R, encode, laidOut, times, toSupervisor } from '../testing/guests';
import { PageTables, RWX, entry } from '../testing/page-tables';
import { points, sameInTiers } from '../testing/tiers';

const { s0, s1, ra, t0, t1, a0 } = R;
const VA = 0x4000_0000;
const [FIRST, SECOND, OTHER, TABLES] = [0x1_0000, 0x2_0000, 0x3_0000, 0x4_0000].map((offset) => BASE + offset);

const words = (...list: number[]): Uint8Array => new Uint8Array(Uint32Array.from(list).buffer);
const back = encode('jalr', { rs1: ra });

describe('code that goes on in the next page', () => {
  it('goes on in the page that lies there now', () => {
    const tables = new PageTables(TABLES);
    const root = tables.table();
    tables.map(root, BASE, BASE, RWX, 1, 2).map(root, VA, FIRST, RWX).map(root, VA + 4096, SECOND, RWX);
    const first = new Uint8Array(4096);
    first.set(words(encode('addi', { rd: a0, rs1: a0, imm: 1 }), encode('addi', { rd: a0, rs1: a0, imm: 2 })), 4088);
    const a = new Assembler();
    toSupervisor(a, tables.satp(root));
    for (const [round, page] of [SECOND, OTHER, SECOND].entries()) {
      a.li(t0, tables.entryAt(root, BigInt(VA + 4096), 0)).li(t1, entry(page, RWX)).op('sd', { rs1: t0, rs2: t1 });
      a.op('sfence.vma').li(s1, VA + 4088);
      times(a, s0, 300, `round${round}`, () => a.op('jalr', { rd: ra, rs1: s1 }));
    }
    a.label('halt').to('halt', 'jal');
    const kernel = laidOut(
      a,
      [FIRST, first],
      [SECOND, words(encode('addi', { rd: a0, rs1: a0, imm: 16 }), back)],
      [OTHER, words(encode('addi', { rd: a0, rs1: a0, imm: 32 }), back)],
      [TABLES, tables.bytes()],
    );
    const machine = sameInTiers({ kernel, points: points(8000) });
    assert.equal(machine.harts[0].x(a0), BigInt(300 * (19 + 35 + 19)));
  });
});
