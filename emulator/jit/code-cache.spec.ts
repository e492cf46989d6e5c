/** Code that is decoded or translated once is used no longer than it is what a hart would fetch. */
import assert from 'node:assert/strict';
import { Machine } from '../machine';
import { setBreakpoints } from '../testing/breakpoints';
import { Assembler, BASE, R, call, laidOut, ret, times, toSupervisor } from '../testing/guests';
import { PageTables, RWX, entry } from '../testing/page-tables';
import { TIERS, points, runInTier } from '../testing/tiers';

const { s0, s5, t0, t1, t2, t3, t4, a0, a1 } = R;
const TABLES = BASE + 0x4_0000;
const PAGES = BASE + 0x8_0000;
const VA = 0x4000_0000;

describe('code cache', function () {
  it('sees that the page behind a call at the end of a page is another one', () => {
    const all = new PageTables(TABLES);
    const root = all.table();
    all.map(root, BASE, BASE, RWX, 1, 2).map(root, VA, PAGES, RWX, 2);
    const leaf = all.entryAt(root, BigInt(VA + 0x1000), 0);
    const a = new Assembler();
    toSupervisor(a, all.satp(root))
      .li(s5, VA + 0xffc)
      .li(a1, 0);
    times(a, s0, 5000, 'again', () => {
      a.li(t0, 1000).to('skip', 'bne', { rs1: s0, rs2: t0 });
      a.li(t1, leaf)
        .li(t2, entry(PAGES + 0x2000, RWX))
        .op('sd', { rs1: t1, rs2: t2 })
        .label('skip');
      a.op('jalr', { rd: t4, rs1: s5 });
    });
    a.label('halt').to('halt', 'jal');
    const first = new Assembler();
    ret(first.label('callee').op('addi', { rd: a0, rs1: a0, imm: 1 }));
    while (first.here < BASE + 0xffc) first.op('addi');
    call(first, 'callee');
    const adding = (imm: number): Uint8Array =>
      new Assembler().op('addi', { rd: a1, rs1: a1, imm }).op('jalr', { rs1: t4 }).image();
    const kernel = laidOut(
      a,
      [TABLES, all.bytes()],
      [PAGES, first.image()],
      [PAGES + 0x1000, adding(1)],
      [PAGES + 0x2000, adding(2)],
    );
    for (const tier of TIERS) {
      const { machine } = runInTier(tier, { kernel, points: points(5000 * 14) });
      assert.deepEqual([machine.harts[0]!.x(a0), machine.harts[0]!.x(a1)], [5000n, 4000n + 1000n * 2n], tier);
    }
  });

  it('stops at a breakpoint behind a call at the end of a page', () => {
    const a = new Assembler().to('start', 'jal');
    ret(a.label('callee').op('addi', { rd: a0, rs1: a0, imm: 1 }));
    a.label('start').li(s0, 5000).to('again', 'jal');
    while (a.here < BASE + 0xffc) a.op('addi');
    call(a.label('again'), 'callee').label('behind').op('addi', { rd: s0, rs1: s0, imm: -1 });
    a.to('again', 'bne', { rs1: s0 }).label('halt').to('halt', 'jal');
    const kernel = laidOut(a);
    for (const tier of TIERS) {
      const machine = new Machine({ kernel, harts: 1, memory: 2 ** 21, legacyVirtio: false, acceleration: tier });
      machine.run({ instructions: 12_000 });
      setBreakpoints(machine, [BigInt(a.addressOf('behind'))]);
      const stop = machine.run({ instructions: 100 });
      assert.deepEqual(stop, { kind: 'breakpoint', hart: 0, pc: BigInt(a.addressOf('behind')) }, tier);
    }
  });

  it('runs a loop over memory as it is after a change under a breakpoint', () => {
    const a = new Assembler();
    a.li(t1, 0x11).li(t2, 0x22).to('start', 'jal');
    a.label('fill').label('store').op('sb', { rs1: t0, rs2: t1 }).op('addi', { rd: t0, rs1: t0, imm: 1 });
    a.to('fill', 'bne', { rs1: t0, rs2: t3 });
    ret(a);
    const fill = (): void => {
      a.li(t0, PAGES).li(t3, PAGES + 0x800);
      call(a, 'fill');
    };
    const wait = (name: string): Assembler => times(a, s0, 1000, name, () => a.op('addi', { rd: a0, rs1: a0, imm: 1 }));
    a.label('start');
    fill();
    wait('first');
    a.la(s5, 'store').la(t4, 'other').op('lw', { rd: t4, rs1: t4 }).op('sw', { rs1: s5, rs2: t4 });
    wait('second');
    fill();
    a.label('halt').to('halt', 'jal');
    a.label('other').op('sb', { rs1: t0, rs2: t2 });
    const store = BigInt(a.addressOf('store'));
    const done = 0x800 * 3;
    const run = {
      kernel: laidOut(a),
      points: [done * 3 + 20_000],
      meanwhile: new Map<number, (machine: Machine) => void>([
        [done + 1000, (machine) => setBreakpoints(machine, [store])],
        [done + 3000 + 1000, (machine) => setBreakpoints(machine, [])],
      ]),
    };
    for (const tier of TIERS) {
      const { machine, trace } = runInTier(tier, run);
      assert.equal(trace.length, 1, trace.join('\n'));
      assert.equal(machine.memory.read(BigInt(PAGES), 1)![0], 0x22, tier);
      assert.equal(machine.memory.read(BigInt(PAGES + 0x7ff), 1)![0], 0x22, tier);
    }
  });

  it('knows that instructions with a breakpoint have been executed', () => {
    const a = new Assembler().op('addi').label('here').op('addi', { rd: a0, rs1: a0, imm: 1 });
    a.label('halt').to('halt', 'jal');
    const here = a.addressOf('here');
    const machine = new Machine({ kernel: laidOut(a), harts: 1, memory: 2 ** 21, legacyVirtio: false });
    setBreakpoints(machine, [BigInt(here)]);
    assert.equal(machine.run({ instructions: 100 }).kind, 'breakpoint');
    machine.run({ instructions: 100 });
    setBreakpoints(machine, []);
    const reached = (address: number): boolean => {
      const index = (address - BASE) / 2;
      return ((machine.reached().get(BASE)![index >> 3]! >> (index & 7)) & 1) === 1;
    };
    assert.deepEqual([reached(BASE), reached(here)], [true, true]);
  });

  it('knows of no instruction executed before a reset', () => {
    const a = new Assembler().op('addi').label('halt').to('halt', 'jal');
    const machine = new Machine({ kernel: laidOut(a), harts: 1, memory: 2 ** 21, legacyVirtio: false });
    machine.run({ instructions: 100 });
    const reached = machine.reached();
    assert.ok(reached.has(BASE));
    machine.reset();
    assert.deepEqual(machine.reached(), new Map());
    machine.run({ instructions: 100 });
    assert.deepEqual(machine.reached(), reached);
  });
});
