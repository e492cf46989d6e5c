import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Csr } from '../isa/csrs';
import { PTE } from '../isa/sv39';
import { Machine } from '../machine';
import { Assembler, BASE, R, csrr, csrw, encode, laidOut, powerOff, toSupervisor } from '../testing/guests';
import { PageTables } from '../testing/page-tables';
import { points, sameInTiers } from '../testing/tiers';
import { clockWaitAt } from './clock-wait';

const { s0, s1, s2, s3, t0, t1, t2 } = R;
const TABLES = BASE + 0x1_0000;
const { cycle, mcycle, time, instret } = Csr;

/** The words in memory, and the loop that the last one closes. */
function waitIn(...words: number[]): ReturnType<typeof clockWaitAt> {
  const view = new DataView(new ArrayBuffer(4096));
  words.forEach((word, index) => view.setInt32(64 + index * 4, word, true));
  return clockWaitAt(view, 64 + (words.length - 1) * 4);
}

const read = (csr: number, rd = t0): number => encode('csrrs', { rd, imm: csr });
const back = (name: string, rs1 = t0, rs2 = t1, imm = -4): number => encode(name, { rs1, rs2, imm });

/** Waits over and over, each time for `distance` more, from the read or from the branch. A timer interrupts it, and s3 counts that. */
function waiting(
  csr: number,
  branch: string,
  distance: number,
  atBranch: boolean,
  enabled = true,
  from = 0n,
): Uint8Array {
  const tables = new PageTables(TABLES);
  const root = tables.table();
  tables.map(root, BASE, BASE, PTE.V | PTE.R | PTE.W | PTE.X | PTE.A | PTE.D, 1);
  const a = new Assembler();
  csrw(a.li(t2, 1n << 63n), Csr.menvcfg, t2);
  csrw(a.li(t2, enabled ? 7 : 2), Csr.mcounteren, t2);
  csrw(a.li(t2, from), mcycle, t2);
  if (csr !== mcycle) {
    csrw(toSupervisor(a, tables.satp(root)).la(t2, 'handler'), Csr.stvec, t2);
    csrw(a.li(t2, 500), Csr.stimecmp, t2);
    csrw(a.li(t2, 32), Csr.sie, t2).op('csrrsi', { rs1: 2, imm: Csr.sstatus });
  }
  a.label('again').li(s0, distance);
  csrr(a, s1, time);
  if (enabled) csrr(a, s1, csr);
  a.op('add', { rd: s1, rs1: s1, rs2: s0 }).li(t0, branch === 'blt' ? -(2n ** 40n) : 0n);
  if (atBranch) a.to('branch', 'jal');
  csrr(a.label('wait'), t0, csr).label('branch').to('wait', branch, { rs1: t0, rs2: s1 });
  a.op('add', { rd: s2, rs1: s2, rs2: t0 }).op('sub', { rd: s2, rs1: s2, rs2: s1 }).to('again', 'jal');
  a.align(4).label('handler').op('addi', { rd: s3, rs1: s3, imm: 1 });
  csrr(a, t2, Csr.scause).to('fault', 'bge', { rs1: t2 });
  csrw(csrr(a, t2, time).op('addi', { rd: t2, rs1: t2, imm: 61 }), Csr.stimecmp, t2).op('sret');
  csrw(csrr(a.label('fault'), t2, Csr.sepc).op('addi', { rd: t2, rs1: t2, imm: 8 }), Csr.sepc, t2).op('sret');
  return laidOut(a, [TABLES, tables.bytes()]);
}

describe('loops that wait for the clock', () => {
  it('are a read of the clock and a branch back to it', () => {
    const wait = { clock: cycle, register: t0, end: t1, signed: false, bytes: 4 };
    assert.deepEqual(waitIn(read(cycle), back('bltu')), wait);
    assert.deepEqual(waitIn(read(time), back('blt')), { ...wait, clock: time, signed: true });
    assert.deepEqual(waitIn(encode('csrrci', { rd: t0, imm: mcycle }), back('bltu')), { ...wait, clock: mcycle });
    const others = [
      ...[read(instret), read(cycle, t1), read(cycle, 0), encode('addi', { rd: t0, rs1: t0, imm: 1 })],
      ...[encode('csrrw', { rd: t0, imm: mcycle }), encode('csrrs', { rd: t0, rs1: t1, imm: mcycle })],
    ];
    for (const other of others) assert.equal(waitIn(other, back('bltu')), undefined);
    for (const other of [back('bne'), back('bgeu'), back('bltu', t1, t0), back('bltu', t0, t0)])
      assert.equal(waitIn(read(cycle), other), undefined);
    assert.equal(waitIn(read(cycle), read(cycle), back('bltu', t0, t1, -8)), undefined);
  });

  it('end as they do pass by pass, in slices of any length', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(cycle, mcycle, time),
        fc.constantFrom('bltu', 'blt'),
        fc.oneof(fc.integer({ min: -40_000, max: 400 }), fc.integer({ min: 0, max: 30_000 })),
        fc.boolean(),
        fc.constantFrom(1, 2),
        fc.integer({ min: 1, max: 3000 }),
        fc.constantFrom(0n, -15_000n),
        (csr, branch, distance, atBranch, harts, slice, from) => {
          const kernel = waiting(csr, branch, distance, atBranch, true, from);
          sameInTiers({ kernel, points: points(30_000 * harts, 5), options: { harts } }, [slice]);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('trap where the clock may not be read', () => {
    const machine = sameInTiers({ kernel: waiting(cycle, 'bltu', 5000, true, false), points: points(20_000) }, [7]);
    assert.ok(machine.harts[0]!.x(s3) > 1000n);
  });

  it('take no time of ours, however long they are', () => {
    for (const csr of [cycle, time]) {
      const a = new Assembler().li(t1, 2n ** 32n);
      csrr(a.label('wait'), t0, csr).to('wait', 'bltu', { rs1: t0, rs2: t1 });
      const options = { harts: 1, memory: 2 ** 21, legacyVirtio: false, acceleration: 'interp' } as const;
      const machine = new Machine({ ...options, kernel: laidOut(powerOff(a)) });
      // One by one it takes minutes.
      assert.equal(machine.run({ instructions: 2 ** 40 }).kind, 'poweroff');
      assert.ok(machine.executed >= 2 ** 32);
    }
  });
});
