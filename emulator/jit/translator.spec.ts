/** What changes under hot code (page tables, code, breakpoints, watches) is seen at once, as the interpreter sees it. */
import assert from 'node:assert/strict';
import type { Machine } from '../machine';
import { PTE } from '../isa/sv39';
import { setBreakpoints } from '../testing/breakpoints';
import { Assembler, BASE, R, call, csrw, encode, laidOut, ret, times, toSupervisor } from '../testing/guests';
import { PageTables, RWX, entry } from '../testing/page-tables';
import { points, runInTier, sameInTiers } from '../testing/tiers';
import type { Subscription } from '../types';
import { Csr } from '../isa/csrs';

const { s0, s1, s2, s3, s4, s5, t0, t1, t2, a0, a1 } = R;
const TABLES = BASE + 0x4_0000;
const PAGES = BASE + 0x8_0000;
/** Where programs map what they change; the kernel itself is mapped one to one. */
const VA = 0x4000_0000;
const PASSES = 2500;

/** A root with the kernel in it, and a way to map more. */
function tables(): { all: PageTables; root: number } {
  const all = new PageTables(TABLES);
  const root = all.table();
  all.map(root, BASE, BASE, RWX, 1, 2);
  return { all, root };
}

/** `addi a0, a0, n` and a return. */
const adding = (n: number): Uint8Array =>
  new Uint8Array(new Uint32Array([encode('addi', { rd: a0, rs1: a0, imm: n }), encode('jalr', { rs1: R.ra })]).buffer);
const doubles = (...values: number[]): Uint8Array => new Uint8Array(new BigUint64Array(values.map(BigInt)).buffer);

/** A store of a page-table entry at the pass for which s0 is `pass`. */
function rewriteAt(a: Assembler, pass: number, at: number, pte: bigint, fence: boolean, name = `skip${pass}`): void {
  a.li(t0, pass).to(name, 'bne', { rs1: s0, rs2: t0 });
  a.li(t1, at).li(t2, pte).op('sd', { rs1: t1, rs2: t2 });
  if (fence) a.op('sfence.vma');
  a.label(name);
}

describe('hot code', function () {
  for (const fence of [false, true]) {
    const how = fence ? 'with a fence' : 'without a fence';

    it(`sees its callee's page mapped elsewhere: a leaf, then a table (${how})`, () => {
      const { all, root } = tables();
      all.map(root, VA, PAGES, RWX);
      const leaf = all.entryAt(root, BigInt(VA), 0);
      const upper = all.entryAt(root, BigInt(VA), 1);
      const other = all.table();
      all.set(other, entry(PAGES + 0x2000, RWX));
      const a = new Assembler();
      toSupervisor(a, all.satp(root)).li(s5, VA);
      times(a, s0, PASSES, 'again', () => {
        rewriteAt(a, 1500, leaf, entry(PAGES + 0x1000, RWX), fence);
        rewriteAt(a, 700, upper, entry(other, PTE.V), fence);
        a.op('jalr', { rd: R.ra, rs1: s5 });
      });
      a.label('halt').to('halt', 'jal');
      const kernel = laidOut(
        a,
        [TABLES, all.bytes()],
        [PAGES, adding(1)],
        [PAGES + 0x1000, adding(2)],
        [PAGES + 0x2000, adding(3)],
      );
      const machine = sameInTiers({ kernel, points: points(PASSES * 12) });
      assert.equal(machine.harts[0]!.x(a0), 1000n + 800n * 2n + 700n * 3n);
    });

    it(`sees data mapped elsewhere in the middle of its loop (${how})`, () => {
      const { all, root } = tables();
      all.map(root, VA, PAGES, RWX, 2);
      const leaf = all.entryAt(root, BigInt(VA), 0);
      const upper = all.entryAt(root, BigInt(VA), 1);
      const other = all.table();
      all.set(other, entry(PAGES + 0x3000, RWX));
      const a = new Assembler();
      toSupervisor(a, all.satp(root)).li(s5, VA);
      times(a, s0, PASSES, 'again', () => {
        // The page is remembered by the first load when the entry changes before the second.
        a.op('ld', { rd: t0, rs1: s5 }).op('add', { rd: s1, rs1: s1, rs2: t0 });
        rewriteAt(a, 1500, leaf, entry(PAGES + 0x2000, RWX), fence);
        rewriteAt(a, 700, upper, entry(other, PTE.V), fence);
        a.op('ld', { rd: t0, rs1: s5 }).op('add', { rd: s2, rs1: s2, rs2: t0 }).op('sd', { rs1: s5, rs2: s0, imm: 8 });
      });
      a.label('halt').to('halt', 'jal');
      const kernel = laidOut(
        a,
        [TABLES, all.bytes()],
        [PAGES, doubles(1)],
        [PAGES + 0x2000, doubles(2)],
        [PAGES + 0x3000, doubles(3)],
      );
      const machine = sameInTiers({ kernel, points: points(PASSES * 15) });
      assert.equal(machine.harts[0]!.x(s1), 1001n + 800n * 2n + 699n * 3n);
      assert.equal(machine.harts[0]!.x(s2), 1000n + 800n * 2n + 700n * 3n);
      const stored = (at: number) => machine.memory.readU64(BigInt(at + 8));
      assert.deepEqual([stored(PAGES), stored(PAGES + 0x2000), stored(PAGES + 0x3000)], [1501n, 701n, 1n]);
    });
  }

  it('sets A at the first load, D at the first store, and faults when a right is taken away', () => {
    const { all, root } = tables();
    all.map(root, VA, PAGES, PTE.V | PTE.R | PTE.W);
    const leaf = all.entryAt(root, BigInt(VA), 0);
    const a = new Assembler();
    csrw(toSupervisor(a, all.satp(root)).la(t0, 'handler'), Csr.stvec, t0)
      .li(s5, VA)
      .li(s4, leaf);
    times(a, s0, PASSES, 'again', () => {
      a.op('lbu', { rd: t0, rs1: s5 }).op('ld', { rd: t1, rs1: s4 }).op('add', { rd: s1, rs1: s1, rs2: t1 });
      a.li(t0, 1800).to('load', 'bge', { rs1: s0, rs2: t0 }).op('sb', { rs1: s5, rs2: s0, imm: 1 }).label('load');
      rewriteAt(a, 900, leaf, entry(PAGES, PTE.V | PTE.R), false);
    });
    a.label('halt').to('halt', 'jal');
    a.align(4).label('handler').op('addi', { rd: s2, rs1: s2, imm: 1 });
    a.op('csrrs', { rd: t2, imm: Csr.sepc }).op('addi', { rd: t2, rs1: t2, imm: 4 });
    csrw(a, Csr.sepc, t2).op('sret');
    const kernel = laidOut(a, [TABLES, all.bytes()]);
    const machine = sameInTiers({ kernel, points: points(PASSES * 17) });
    assert.equal(machine.harts[0]!.x(s2), 899n);
    const at = entry(PAGES, 0);
    const [read, write] = [at | 0x47n, at | 0xc7n];
    // Every pass reads the entry before it may change it.
    assert.equal(machine.harts[0]!.x(s1), 702n * read + 899n * write + 899n * (at | 0x43n));
    assert.equal(machine.memory.read(BigInt(PAGES + 1), 1)![0], 900 & 255);
  });

  for (const fence of [false, true]) {
    it(`runs a callee's new code at once, ${fence ? 'with fence.i' : 'without fence.i'}`, () => {
      const a = new Assembler();
      a.la(s4, 'callee').li(s5, encode('addi', { rd: a0, rs1: a0, imm: 2 }));
      times(a, s0, PASSES, 'again', () => {
        a.li(t0, 1200).to('skip', 'bne', { rs1: s0, rs2: t0 }).op('sw', { rs1: s4, rs2: s5 });
        if (fence) a.op('fence.i');
        a.label('skip');
        call(a, 'callee');
      });
      a.label('halt').to('halt', 'jal').align(4096).label('callee').op('addi', { rd: a0, rs1: a0, imm: 1 });
      ret(a);
      const machine = sameInTiers({ kernel: laidOut(a), points: points(PASSES * 8) });
      assert.equal(machine.harts[0]!.x(a0), 1300n + 1200n * 2n);
    });
  }

  it('runs what it has just written a few instructions ahead of itself', () => {
    const a = new Assembler();
    a.la(s4, 'patched').li(s5, encode('addi', { rd: a0, rs1: a0, imm: 0 }));
    times(a, s0, PASSES, 'again', () => {
      // The immediate becomes the pass' number modulo 4, but only now and then.
      a.op('andi', { rd: t0, rs1: s0, imm: 127 }).to('skip', 'bne', { rs1: t0 });
      a.op('srli', { rd: t0, rs1: s0, imm: 7 }).op('andi', { rd: t0, rs1: t0, imm: 3 });
      a.op('slli', { rd: t0, rs1: t0, imm: 20 }).op('add', { rd: t0, rs1: t0, rs2: s5 });
      a.op('sw', { rs1: s4, rs2: t0 }).label('skip').label('patched').op('addi', { rd: a0, rs1: a0, imm: 1 });
    });
    a.label('halt').to('halt', 'jal');
    const machine = sameInTiers({ kernel: laidOut(a), points: points(PASSES * 6) });
    let sum = 0;
    for (let pass = PASSES, adds = 1; pass > 0; pass--) {
      if (pass % 128 === 0) adds = (pass >> 7) & 3;
      sum += adds;
    }
    assert.equal(machine.harts[0]!.x(a0), BigInt(sum));
  });

  it('tells pages that share code by their content apart when one of them is rewritten', () => {
    // Two address spaces with the same program on a page of their own; the second one's is patched on the way.
    const all = new PageTables(TABLES);
    const roots = [0, 1].map((index) => {
      const root = all.table();
      all.map(root, BASE, BASE, RWX, 1, 2).map(root, VA, PAGES + index * 0x1000, RWX);
      return root;
    });
    const a = new Assembler();
    toSupervisor(a, all.satp(roots[0]!)).li(s5, VA).li(s1, all.satp(roots[0]!)).li(s2, all.satp(roots[1]!));
    a.li(s3, PAGES + 0x1000).li(s4, encode('addi', { rd: a0, rs1: a0, imm: 100 }));
    times(a, s0, PASSES, 'again', () => {
      for (const satp of [s1, s2]) {
        csrw(a, Csr.satp, satp).op('sfence.vma').op('addi', { rd: a0 });
        // A loop within each, so that the shared page itself is hot.
        times(a, t1, 3, `inner${satp}`, () => a.op('jalr', { rd: R.ra, rs1: s5 }));
        a.op('add', { rd: t2, rs1: t2, rs2: a0 });
      }
      a.li(t0, 1000).to('skip', 'bne', { rs1: s0, rs2: t0 }).op('sw', { rs1: s3, rs2: s4 }).label('skip');
    });
    a.label('halt').to('halt', 'jal');
    const kernel = laidOut(a, [TABLES, all.bytes()], [PAGES, adding(1)], [PAGES + 0x1000, adding(1)]);
    const machine = sameInTiers({ kernel, points: points(PASSES * 48) });
    const before = PASSES - 1000 + 1;
    assert.equal(machine.harts[0]!.x(t2), BigInt(PASSES * 3 + before * 3 + 999 * 300));
  });

  it('stops at a breakpoint set in a function that it has taken in, until it is removed', () => {
    const a = new Assembler();
    times(a, s0, 20_000, 'again', () => call(a, 'callee').op('addi', { rd: s1, rs1: s1, imm: 1 }));
    a.label('halt').to('halt', 'jal').align(4096).label('callee').op('addi', { rd: a0, rs1: a0, imm: 1 });
    a.label('inside').op('addi', { rd: a1, rs1: a1, imm: 1 });
    ret(a);
    const inside = BigInt(a.addressOf('callee') + 4);
    const kernel = laidOut(a);
    const meanwhile = new Map([
      [30_001, (machine: Machine) => setBreakpoints(machine, [inside])],
      [30_100, (machine: Machine) => setBreakpoints(machine, [])],
      [60_000, (machine: Machine) => setBreakpoints(machine, [inside + 4n, inside - 4n])],
      [60_050, (machine: Machine) => setBreakpoints(machine, [inside])],
      [60_090, (machine: Machine) => setBreakpoints(machine, [])],
    ]);
    const run = { kernel, points: points(90_000), meanwhile };
    sameInTiers(run, [997, 29]);
    const stops = runInTier('mixed', run).trace.filter((line) => line.includes('breakpoint'));
    const [first, last] = [stops[0], stops[stops.length - 1]].map((line) => Number(line!.split(':')[0]!)) as [
      number,
      number,
    ];
    assert.ok(first > 30_000 && first < 30_010 && last > 60_060 && last < 60_090);
    // Seven instructions a pass: 99 of them, 50 with two breakpoints, 40 with one.
    assert.ok(stops.length >= 14 + 14 + 5 && stops.length <= 15 + 15 + 6, `${stops.length} stops`);
  });

  it('stops where bytes are written that came to be watched when it was hot', () => {
    const a = new Assembler();
    a.li(s5, PAGES).li(s4, PAGES + 64);
    times(a, s0, 20_000, 'again', () => {
      a.op('andi', { rd: t0, rs1: s0, imm: 15 }).op('slli', { rd: t0, rs1: t0, imm: 3 });
      a.op('add', { rd: t0, rs1: t0, rs2: s5 }).op('sd', { rs1: t0, rs2: s0 }).op('ld', { rd: t1, rs1: s4 });
    });
    a.label('halt').to('halt', 'jal');
    let own: Subscription | undefined;
    const watch = (access: 'read' | 'write') => (machine: Machine) => {
      own?.end();
      own = machine.subscribe({ data: () => true });
      own.setWatches([{ address: BigInt(PAGES + 64), length: 8, access }]);
    };
    const meanwhile = new Map([
      [30_000, watch('write')],
      [31_000, watch('read')],
      [31_100, () => own!.end()],
    ]);
    const run = { kernel: laidOut(a), points: points(60_000), meanwhile };
    sameInTiers(run);
    const stops = runInTier('jit', run).trace.filter((line) => line.includes('"data"'));
    // 1000 instructions are some 142 passes of seven, of which one in 16 writes and each reads.
    assert.ok(stops.length >= 8 + 13 && stops.length <= 10 + 16, `${stops.length} stops`);
  });
});
