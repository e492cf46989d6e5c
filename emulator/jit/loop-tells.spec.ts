/** What loop idioms tell: the same, at the same instructions, as if each of their passes were executed by itself. */
import assert from 'node:assert/strict';
import { PTE } from '../isa/sv39';
import { Machine } from '../machine';
import { setBreakpoints } from '../testing/breakpoints';
import { elf } from '../testing/elf';
import { encode } from '../testing/encode';
import { FenceProgram, pageAt } from '../testing/fences/fence-program';
import { MACHINE, OTHER_VA, STRICT, VA, program } from '../testing/fences/stale-runs';
import { R } from '../testing/guests';
import { entry, RWX } from '../testing/page-tables';
import { type Item, assembleProgram, branchTo, jumpTo, label, loadConstant } from '../testing/program';
import type { MachineOptions, Observer } from '../types';

const { s1, s2, s3, s4, s7 } = R;
const RUN = 30_000;
const SLICES = [1, 2, 500, RUN];

/** A loop that fills from `from` to `to`, twice, with something done to the page tables after the first time. */
function fills(made: FenceProgram, from: number, to: number, between: () => void): Uint8Array {
  const a = made.code;
  a.li(s7, 2).label('again').li(s2, from).li(s3, to).li(s4, 7);
  a.label('loop').op('sb', { rs1: s2, rs2: s4 }).op('addi', { rd: s2, rs1: s2, imm: 1 });
  a.to('loop', 'bne', { rs1: s2, rs2: s3 });
  between();
  a.op('addi', { rd: s7, rs1: s7, imm: -1 }).to('again', 'bne', { rs1: s7 });
  return made.kernel();
}

/** All stops of a run in slices, with what is in registers there, and how it ends. */
function stops(options: MachineOptions, slice: number, observer: Observer, watched?: number): unknown[] {
  const machine = new Machine(options);
  const own = machine.subscribe(observer);
  if (watched !== undefined) own.setWatches([{ address: BigInt(watched), length: 8, access: 'write' }]);
  const seen: unknown[] = [];
  while (machine.executed < RUN) {
    const { kind } = machine.run({ instructions: Math.min(slice, RUN - machine.executed) });
    const hart = machine.harts[0]!;
    if (kind !== 'budget') seen.push([kind, machine.executed, hart.pc, hart.x(s2)]);
  }
  return [...seen, machine.executed, machine.stateHash()];
}

function alike(options: MachineOptions, observer: Observer, watched?: number): void {
  const [first, ...others] = SLICES.map((slice) => stops(options, slice, observer, watched));
  assert.ok(first!.length > 2, 'nothing was told');
  for (const other of others) assert.deepEqual(other, first);
}

describe('loop idioms tell', () => {
  for (const [where, from, to] of [
    ['at their store', VA, VA + 2048],
    ['where they come to another page', VA + 2048, OTHER_VA + 2048],
  ] as const) {
    const leafOf = (made: { leaf: number; otherLeaf: number }) => (from === VA ? made.leaf : made.otherLeaf);

    it(`of a stale translation, ${where}`, () => {
      const made = program();
      const kernel = fills(made, from, to, () => made.store(leafOf(made), entry(pageAt(2), RWX)));
      alike({ ...MACHINE, kernel, tlb: STRICT }, { staleTranslation: () => true });
    });

    it(`of a page table's entry in which the walk sets D, ${where}`, () => {
      const made = program();
      const kernel = fills(made, from, to, () => made.store(leafOf(made), entry(pageAt(0), RWX & ~PTE.D)).fence());
      alike({ ...MACHINE, kernel }, { data: () => true }, leafOf(made));
    });

    it(`of that where the page is not committed, ${where}`, () => {
      const made = program();
      // Far from all that the test itself writes.
      const far = entry(pageAt(64), RWX & ~PTE.D);
      const kernel = fills(made, from, to, () => made.store(leafOf(made), far).fence());
      alike({ ...MACHINE, memory: 2 ** 21, kernel }, { data: () => true }, leafOf(made));
    });
  }

  it('a strict TLB where and when valid entries were changed', () => {
    const made = new FenceProgram(0);
    made.tables.map(made.root, VA, pageAt(0), RWX);
    const leaf = made.tables.entryAt(made.root, BigInt(VA), 0);
    const table = VA + 5 * 4096;
    made.tables.map(made.root, table, leaf - (leaf % 4096), RWX);
    const a = made.code;
    a.li(s7, 3).label('outer');
    a.li(s2, table + 8 * 16)
      .li(s3, table + 8 * 400)
      .li(s4, entry(pageAt(1), RWX));
    a.label('loop').op('sd', { rs1: s2, rs2: s4 }).op('addi', { rd: s2, rs1: s2, imm: 8 });
    a.to('loop', 'bne', { rs1: s2, rs2: s3 }).op('addi', { rd: s7, rs1: s7, imm: -1 }).to('outer', 'bne', { rs1: s7 });
    const options = { ...MACHINE, kernel: made.kernel(), tlb: STRICT };
    const [first, ...others] = SLICES.map((slice) => stops(options, slice, {}));
    for (const other of others) assert.deepEqual(other, first);
  });

  it('nothing of a loop that was changed while a breakpoint lay on its branch', () => {
    const [S5, S6, T0] = [21, 22, 5];
    const base = 0x8000_0000n;
    const addi = (rd: number, rs1: number, imm: number): number => encode('addi', { rd, rs1, imm });
    const back = (times: number, to: string): Item[] => [addi(T0, 0, times), branchTo('beq', S5, T0, to)];
    const fill = (from: bigint, bytes: number): Item[] => [...loadConstant(s2, from), addi(s3, s2, bytes)];
    const branch = base + 0x40cn;
    const before: Item[] = [
      ...[...loadConstant(s4, 7n), ...fill(base + 0x20000n, 1024), addi(S5, 0, 0), jumpTo('store')],
      ...[label('once'), ...fill(base + 0x20000n, 1024), addi(S5, 0, 1), jumpTo('store'), label('twice')],
      // Now its branch leads to the instruction before the store.
      ...[
        ...loadConstant(S6, branch),
        ...loadConstant(S5, BigInt(encode('bne', { rs1: s2, rs2: s3, imm: -12 }) >>> 0)),
      ],
      ...[encode('sw', { rs1: S6, rs2: S5 }), addi(S5, 0, 2), ...fill(base + 0x20000n, 1024), jumpTo('counted')],
      ...[label('thrice'), addi(s1, 0, 0), addi(S5, 0, 3), ...fill(base + 0x40000n, 640), jumpTo('counted')],
      ...[label('halt'), jumpTo('halt')],
    ];
    const words = before.filter((item) => typeof item !== 'string').length;
    const items: Item[] = [
      ...[...before, ...Array.from({ length: 0x100 - words }, () => addi(0, 0, 0))],
      ...[label('counted'), addi(s1, s1, 1), label('store'), encode('sb', { rs1: s2, rs2: s4 }), addi(s2, s2, 1)],
      ...[branchTo('bne', s2, s3, 'store'), ...back(0, 'once'), ...back(1, 'twice'), ...back(2, 'thrice')],
      jumpTo('halt'),
    ];
    const counted = (slice: number): bigint => {
      const machine = new Machine({ ...MACHINE, kernel: elf(assembleProgram(items)) });
      const hart = machine.harts[0]!;
      while (hart.x(S5) !== 1n || hart.x(s2) === 0n) machine.run({ instructions: 1 });
      setBreakpoints(machine, [branch]);
      assert.equal(machine.run({ instructions: 5000 }).kind, 'breakpoint');
      setBreakpoints(machine, []);
      machine.apply({ kind: 'pc', hart: 0, value: branch + 4n });
      while (machine.executed < RUN) machine.run({ instructions: Math.min(slice, RUN - machine.executed) });
      return hart.x(s1);
    };
    assert.equal(counted(1), 640n);
    assert.equal(counted(RUN), 640n);
  });
});
