/** What a walk has said is forgotten when the tables say something else, whatever else lies in their pages. */
import { Csr } from '../isa/csrs';
import { Cause } from '../isa/causes';
import assert from 'node:assert/strict';
import { PTE } from '../isa/sv39';
import { Assembler, BASE, R, encode, laidOut, toSupervisor } from '../testing/guests';
import { PageTables, RWX, entry } from '../testing/page-tables';
import { TIERS, runInTier } from '../testing/tiers';

const { s0, s1, s5, t0, t1, t2, a0 } = R;
const TABLES = BASE + 0x4_0000;
const PAGES = BASE + 0x8_0000;
const VA = 0x4000_0000;

const doubles = (...values: number[]): Uint8Array => new Uint8Array(new BigUint64Array(values.map(BigInt)).buffer);

describe('address translation', () => {
  it('sees a table change in a page that also holds code, when the walk itself has written there', () => {
    const all = new PageTables(TABLES);
    const root = all.table();
    all.map(root, BASE, BASE, RWX, 1, 2);
    // Not accessed yet: the first walk sets A.
    all.map(root, VA, PAGES, PTE.V | PTE.R | PTE.W);
    const leaf = all.entryAt(root, BigInt(VA), 0);
    const words = BigInt(encode('addi', { rd: a0, rs1: a0, imm: 1 })) | (BigInt(encode('jalr', { rs1: R.ra })) << 32n);
    all.set(leaf + 0x800, words);
    const a = new Assembler();
    toSupervisor(a, all.satp(root))
      .li(s5, VA)
      .li(t0, leaf + 0x800);
    a.op('jalr', { rd: R.ra, rs1: t0 });
    a.op('ld', { rd: s0, rs1: s5 });
    a.li(t1, leaf)
      .li(t2, entry(PAGES + 0x1000, RWX))
      .op('sd', { rs1: t1, rs2: t2 })
      .op('sfence.vma');
    a.op('ld', { rd: s1, rs1: s5 }).label('halt').to('halt', 'jal');
    const kernel = laidOut(a, [TABLES, all.bytes()], [PAGES, doubles(11)], [PAGES + 0x1000, doubles(22)]);
    for (const tier of TIERS) {
      const { machine } = runInTier(tier, { kernel, points: [1000] });
      const hart = machine.harts[0]!;
      assert.deepEqual([hart.x(a0), hart.x(s0), hart.x(s1)], [1n, 11n, 22n], tier);
    }
  });

  it('has a store to a page of a table fail, or set D anew, as its entry says by then', () => {
    const all = new PageTables(TABLES);
    const root = all.table();
    all.map(root, BASE, BASE, RWX, 1, 2);
    all.map(root, VA, PAGES, RWX);
    const leaf = all.entryAt(root, BigInt(VA), 0);
    // The table that maps VA lies at VA + 0x1000: stores to it take the slow path, as walks have read it.
    const table = leaf - (leaf % 4096);
    const alias = leaf + 8;
    all.map(root, VA + 0x1000, table, RWX);
    const free = VA + 0x1000 + 0x800;
    const a = new Assembler();
    toSupervisor(a, all.satp(root)).li(s5, free).li(t1, alias);
    a.la(t2, 'trap').op('csrrw', { rs1: t2, imm: Csr.stvec });
    const store = (value: number): void => void a.li(t0, value).op('sd', { rs1: s5, rs2: t0 });
    const remap = (flags: number): void =>
      void a.li(t2, entry(table, flags)).op('sd', { rs1: t1, rs2: t2 }).op('sfence.vma');
    store(1 << 10);
    store(2 << 10);
    // An access that is not aligned, too.
    a.op('sw', { rs1: s5, rs2: t0, imm: 9 });
    remap(RWX & ~PTE.D);
    store(3 << 10);
    a.op('ld', { rd: s0, rs1: t1 });
    remap(RWX & ~PTE.W);
    store(4 << 10);
    a.label('trap').op('csrrs', { rd: s1, imm: Csr.scause }).op('ld', { rd: a0, rs1: s5 });
    a.label('halt').to('halt', 'jal');
    const kernel = laidOut(a, [TABLES, all.bytes()]);
    for (const tier of TIERS) {
      const { machine } = runInTier(tier, { kernel, points: [1000] });
      const hart = machine.harts[0]!;
      const wanted = [BigInt(entry(table, RWX)), BigInt(Cause.storePageFault), BigInt(3 << 10)];
      assert.deepEqual([hart.x(s0), hart.x(s1), hart.x(a0)], wanted, tier);
    }
  });

  it('makes the same of a loop that fills the table by which it reaches it, at any length of slices', () => {
    const all = new PageTables(TABLES);
    const root = all.table();
    all.map(root, BASE, BASE, RWX, 1, 2);
    const own = all.entryAt(root, BigInt(VA), 0);
    // The table that maps VA lies at VA, and its other entries are nothing.
    const table = own - (own % 4096);
    all.map(root, VA + 0x3000, table, RWX);
    const a = new Assembler();
    toSupervisor(a, all.satp(root))
      .li(t0, VA + 0x3000)
      .li(t1, VA + 0x4000);
    a.la(t2, 'trap').op('csrrw', { rs1: t2, imm: Csr.stvec });
    a.label('fill').op('sb', { rs1: t0, rs2: a0 }).op('addi', { rd: t0, rs1: t0, imm: 1 });
    a.to('fill', 'bne', { rs1: t0, rs2: t1 }).label('trap').to('trap', 'jal');
    const kernel = laidOut(a, [TABLES, all.bytes()]);
    const expected = runInTier('interp', { kernel, slice: 1, points: [20_000] });
    assert.equal(expected.machine.harts[0]!.x(t0), BigInt(VA + 0x3000 + 3 * 8 + 1));
    for (const tier of TIERS) {
      for (const slice of [7, 1000, Infinity]) {
        assert.deepEqual(
          runInTier(tier, { kernel, slice, points: [20_000] }).trace,
          expected.trace,
          `${tier} ${slice}`,
        );
      }
    }
  });
});
