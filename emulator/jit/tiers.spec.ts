/**
 * Any program at all: loops, calls, branches, loads and stores through pages that come and go, code that patches itself,
 * atomics, fences, CSRs and a timer, put together at random, with breakpoints that come and go. Interpreter, translator and both mixed must do the same.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Csr } from '../isa/csrs';
import { INSTRUCTIONS } from '../isa/instructions/decode';
import type { Machine } from '../machine';
import { PTE } from '../isa/sv39';
import { setBreakpoints } from '../testing/breakpoints';
import { Assembler, BASE, R, call, csrr, csrw, encode, laidOut, ret, times, toSupervisor } from '../testing/guests';
import { PageTables, RWX, entry } from '../testing/page-tables';
import { points, runInTier } from '../testing/tiers';

const TABLES = BASE + 0x4_0000;
const PAGES = BASE + 0x8_0000;
const STACK = BASE + 0xc_0000;
/** Four pages of data: one plain, one to be read, none, and one whose A and D bits are clear at first. */
const VA = 0x4000_0000;
const FUNCTIONS = 3;
const C_NOP = 1;
/** Registers that the statements use; the others hold pointers, counters and what the handler needs. */
const FREE = [R.a0, R.a1, R.a2, R.a3, R.a4, R.a5, R.t0, R.t1];
const { s1, s2, s3, s4, s5, s6, s11, t2, t3, t5, t6, sp, ra } = R;
const COUNTERS = [s1, s2, s3, s4];

const named = (keep: (opcode: number, name: string) => boolean): string[] =>
  INSTRUCTIONS.filter(({ match, name }) => keep(match & 127, name)).map(({ name }) => name);
const COMPUTE = named((opcode) => [0x33, 0x3b, 0x13, 0x1b].includes(opcode));
const LOADS = named((opcode) => opcode === 0x03);
const STORES = named((opcode) => opcode === 0x23);
const BRANCHES = named((opcode) => opcode === 0x63);
const ATOMICS = named((opcode, name) => opcode === 0x2f && /^(lr|sc|amoswap|amoadd)/.test(name));
const CSRS = [Csr.sscratch, Csr.sstatus, Csr.satp, Csr.stval, Csr.time, Csr.mscratch, Csr.instret];

type Statement =
  | { kind: 'compute'; name: string; rd: number; rs1: number; rs2: number; imm: number }
  | { kind: 'access'; name: string; page: number; offset: number; index: number; register: number }
  | { kind: 'csr'; name: string; csr: number; rd: number; rs1: number }
  | { kind: 'branch'; name: string; rs1: number; rs2: number; over: Statement[] }
  | { kind: 'loop'; count: number; body: Statement[] }
  | { kind: 'call'; to: number }
  | { kind: 'fence' }
  | { kind: 'patch'; mask: number; rd: number; imm: number }
  | { kind: 'remap'; mask: number; page: number; to: number; flags: number; fence: boolean };

const register = fc.constantFrom(...FREE);
const source = fc.constantFrom(0, ...FREE);
const mask = fc.constantFrom(15, 63, 127);
const page = fc.integer({ min: 0, max: 3 });
const { statement } = fc.letrec<{ statement: Statement; several: Statement[] }>((tie) => ({
  several: fc.array(tie('statement'), { minLength: 1, maxLength: 4 }),
  statement: fc.oneof(
    { maxDepth: 3 },
    fc.record({
      kind: fc.constant('compute' as const),
      name: fc.constantFrom(...COMPUTE),
      ...{ rd: source, rs1: source, rs2: source, imm: fc.integer({ min: -2048, max: 2047 }) },
    }),
    fc.record({
      kind: fc.constant('access' as const),
      name: fc.constantFrom(...LOADS, ...STORES, ...LOADS, ...STORES, ...ATOMICS),
      page: fc.oneof(fc.constant(0), page),
      offset: fc.oneof(
        { weight: 4, arbitrary: fc.integer({ min: 0, max: 40 }).map((word) => word * 8) },
        { weight: 1, arbitrary: fc.integer({ min: -9, max: 2047 }) },
      ),
      ...{ index: source, register },
    }),
    fc.record({
      kind: fc.constant('csr' as const),
      name: fc.constantFrom('csrrs', 'csrrs', 'csrrc', 'csrrw', 'csrrsi', 'csrrci'),
      csr: fc.constantFrom(...CSRS),
      ...{ rd: register, rs1: source },
    }),
    fc.record({
      kind: fc.constant('branch' as const),
      name: fc.constantFrom(...BRANCHES),
      ...{ rs1: source, rs2: source, over: tie('several') },
    }),
    fc.record({ kind: fc.constant('loop' as const), count: fc.integer({ min: 1, max: 12 }), body: tie('several') }),
    fc.record({ kind: fc.constant('call' as const), to: fc.integer({ min: 0, max: FUNCTIONS - 1 }) }),
    fc.record({ kind: fc.constant('fence' as const) }),
    fc.record({ kind: fc.constant('patch' as const), mask, rd: register, imm: fc.integer({ min: 0, max: 7 }) }),
    fc.record({
      kind: fc.constant('remap' as const),
      ...{ mask, page, to: page, fence: fc.boolean() },
      flags: fc.constantFrom(PTE.R, PTE.R | PTE.W, 0).map((rights) => rights | PTE.V),
    }),
  ),
}));

class ProgramWriter {
  private labels = 0;
  constructor(
    private readonly a: Assembler,
    private readonly leafOf: (page: number) => number,
  ) {}

  /** Functions call only those behind them, so that every program comes to its end. */
  body(statements: readonly Statement[], within: number, depth = 0): void {
    for (const statement of statements) this.statement(statement, within, depth);
  }

  private fresh(): string {
    return `l${this.labels++}`;
  }

  private statement(s: Statement, within: number, depth: number): void {
    const { a } = this;
    switch (s.kind) {
      case 'compute': {
        const shift = /^s(ll|rl|ra)i/.test(s.name) ? s.imm & (s.name.endsWith('w') ? 31 : 63) : s.imm;
        a.op(s.name, { rd: s.rd, rs1: s.rs1, rs2: s.rs2, imm: shift });
        return;
      }
      case 'access': {
        const isAtomic = ATOMICS.includes(s.name);
        a.op('lui', { rd: t2, imm: s.page }).op('add', { rd: t2, rs1: t2, rs2: s5 });
        a.op('andi', { rd: t3, rs1: s.index, imm: 0x78 }).op('add', { rd: t2, rs1: t2, rs2: t3 });
        const stores = STORES.includes(s.name);
        const [kind, width] = s.name.split('.');
        const operands = stores
          ? { rs2: s.register }
          : { rd: s.register, ...(isAtomic && kind !== 'lr' && { rs2: s.index }) };
        // Some of them find no reservation, or that of another word.
        if (kind === 'sc' && s.offset % 16 === 0) a.op(`lr.${width}`, { rd: s.register, rs1: t2 });
        a.op(s.name, { ...operands, rs1: t2, imm: s.offset });
        return;
      }
      case 'csr': {
        // What switches interrupts, or anything else in sstatus, is a small part of it; satp is only read.
        const reads = s.csr === Csr.satp || s.csr === Csr.time || s.csr === Csr.instret;
        if (reads) csrr(a, s.rd, s.csr);
        else if (s.csr === Csr.sstatus)
          a.op(s.name.includes('c') ? 'csrrsi' : 'csrrci', { rd: s.rd, rs1: 2, imm: s.csr });
        else a.op(s.name, { rd: s.rd, rs1: s.rs1, imm: s.csr });
        return;
      }
      case 'branch': {
        const behind = this.fresh();
        a.to(behind, s.name, { rs1: s.rs1, rs2: s.rs2 });
        this.body(s.over, within, depth);
        a.label(behind);
        return;
      }
      case 'fence':
        a.op('fence');
        return;
      case 'loop':
        if (depth === COUNTERS.length) return this.body(s.body, within, depth);
        times(a, COUNTERS[depth]!, s.count, this.fresh(), () => this.body(s.body, within, depth + 1));
        return;
      case 'call':
        if (s.to > within) call(a, `function${s.to}`);
        return;
      case 'patch': {
        // Once in so many passes, what stands at the label is replaced by an addition of something else.
        const [slot, behind] = [this.fresh(), this.fresh()];
        a.op('andi', { rd: t3, rs1: s6, imm: s.mask }).to(behind, 'bne', { rs1: t3 });
        a.la(t2, slot)
          .li(t3, encode('addi', { rd: s.rd, rs1: s.rd, imm: s.imm }))
          .op('sw', { rs1: t2, rs2: t3 });
        a.label(behind).label(slot).op('addi', { rd: s.rd, rs1: s.rd, imm: -s.imm });
        return;
      }
      case 'remap': {
        const behind = this.fresh();
        a.op('andi', { rd: t3, rs1: s6, imm: s.mask }).to(behind, 'bne', { rs1: t3 });
        a.li(t2, this.leafOf(s.page))
          .li(t3, entry(PAGES + s.to * 4096, s.flags))
          .op('sd', { rs1: t2, rs2: t3 });
        if (s.fence) a.op('sfence.vma');
        a.label(behind);
        return;
      }
    }
  }
}

/** Faults skip their instruction; the timer comes back after a while. Both leave traces in s11. */
function handler(a: Assembler): void {
  a.align(4).label('handler').op('addi', { rd: s11, rs1: s11, imm: 1 });
  csrr(a, t5, Csr.sepc).op('xor', { rd: s11, rs1: s11, rs2: t5 });
  csrr(a, t6, Csr.scause).to('fault', 'bge', { rs1: t6 });
  csrw(csrr(a, t5, Csr.time).op('addi', { rd: t5, rs1: t5, imm: 61 }), Csr.stimecmp, t5).op('sret');
  a.label('fault');
  csrw(a.op('addi', { rd: t5, rs1: t5, imm: 4 }), Csr.sepc, t5);
  // Interrupts back on, whatever the program did to them.
  a.li(t5, 32).op('csrrs', { rs1: t5, imm: Csr.sstatus }).op('sret');
}

/** Goes on so many bytes before the end of a page. */
function beforePageEnd(a: Assembler, bytes: number): Assembler {
  while ((a.here + bytes) % 4096 !== 0) a.half(C_NOP);
  return a;
}

/** The main program and the functions begin `ahead` bytes (even) before the end of a page, and run over it. */
function kernelOf(main: readonly Statement[], functions: readonly (readonly Statement[])[], ahead: number): Uint8Array {
  const all = new PageTables(TABLES);
  const root = all.table();
  const leaf = PTE.V | PTE.R;
  all
    .map(root, BASE, BASE, RWX, 1, 2)
    .map(root, VA, PAGES, RWX)
    .map(root, VA + 4096, PAGES + 4096, leaf);
  all.map(root, VA + 3 * 4096, PAGES + 3 * 4096, leaf | PTE.W);
  const a = new Assembler();
  csrw(a.li(t2, 1n << 63n), Csr.menvcfg, t2);
  csrw(a.li(t2, 7), Csr.mcounteren, t2);
  csrw(toSupervisor(a, all.satp(root)).la(t2, 'handler'), Csr.stvec, t2);
  csrw(a.li(t2, 500), Csr.stimecmp, t2);
  csrw(a.li(t2, 32), Csr.sie, t2).op('csrrsi', { rs1: 2, imm: Csr.sstatus }).li(s5, VA).li(sp, STACK);
  FREE.forEach((to, index) => a.li(to, BigInt(index) * 0x0123_4567_89ab_cdefn));
  const writer = new ProgramWriter(a, (at) => all.entryAt(root, BigInt(VA + at * 4096), 0));
  beforePageEnd(a.li(s6, 1_000_000), ahead).label('forever');
  writer.body(main, -1);
  a.op('addi', { rd: s6, rs1: s6, imm: -1 }).to('forever', 'jal');
  handler(a);
  functions.forEach((body, index) => {
    // Some on the page of the one before.
    (index === 1 ? a : beforePageEnd(a, ahead)).label(`function${index}`);
    a.op('addi', { rd: sp, rs1: sp, imm: -48 }).op('sd', { rs1: sp, rs2: ra });
    COUNTERS.forEach((counter, at) => a.op('sd', { rs1: sp, rs2: counter, imm: 8 + 8 * at }));
    writer.body(body, index);
    COUNTERS.forEach((counter, at) => a.op('ld', { rd: counter, rs1: sp, imm: 8 + 8 * at }));
    ret(a.op('ld', { rd: ra, rs1: sp }).op('addi', { rd: sp, rs1: sp, imm: 48 }));
  });
  return laidOut(a, [TABLES, all.bytes()]);
}

describe('any program', () => {
  const several = fc.array(statement, { minLength: 2, maxLength: 8 });

  it('does the same in every tier, in slices of any length', function () {
    this.timeout(120_000);
    fc.assert(
      fc.property(
        several,
        fc.tuple(several, several, several),
        fc.integer({ min: 30, max: 3000 }),
        fc.integer({ min: 80, max: 200 }),
        // Two harts share their stack and all else: whatever comes of it.
        fc.constantFrom(1, 1, 2),
        // Most begin so that an instruction lies on both sides of the border.
        fc.integer({ min: 0, max: 80 }),
        (main, functions, slice, word, harts, halves) => {
          // A breakpoint for a while, somewhere in what is hot by then.
          const meanwhile = new Map([
            [30_000, (machine: Machine) => setBreakpoints(machine, [BigInt(BASE + word * 4), BigInt(BASE + 0x1014)])],
            [30_300, (machine: Machine) => setBreakpoints(machine, [])],
          ]);
          const run = {
            kernel: kernelOf(main, functions, 2 * halves),
            points: points(60_000 * harts, 3),
            meanwhile,
            options: { harts },
          };
          const { trace } = runInTier('interp', run);
          assert.deepEqual(runInTier('jit', run).trace, trace, 'jit');
          assert.deepEqual(runInTier('mixed', run).trace, trace, 'mixed');
          assert.deepEqual(runInTier('jit', { ...run, slice }).trace, trace, `jit by ${slice}`);
        },
      ),
      { numRuns: Number(process.env.TIERS_RUNS ?? 8) },
    );
  });
});
