/** What each fence removes from a strict TLB, by its operands, its hart and the translation. */
import assert from 'node:assert/strict';
import { PTE } from '../isa/sv39';
import { contentOf, FenceProgram, pageAt } from '../testing/fences/fence-program';
import { BASE, R } from '../testing/guests';
import { entry, RWX } from '../testing/page-tables';
import { LOAD_PAGE_FAULT, program, remapped, run, STRICT, VA, OTHER_VA } from '../testing/fences/stale-runs';

const { s2, s3, s4, a5, t3 } = R;

describe('fences of a strict TLB', () => {
  /** By the fence: whether it removes the translation of VA, with ASID 5, of a plain and of a global leaf. */
  const MATRIX: [address: number | bigint | undefined, asid: number | undefined, plain: boolean, global: boolean][] = [
    [undefined, undefined, true, true],
    [VA, undefined, true, true],
    [VA + 0x7f8, undefined, true, true],
    [OTHER_VA, undefined, false, false],
    [VA - 0x1000, undefined, false, false],
    [undefined, 5, true, false],
    [undefined, 0x10005, true, false],
    [undefined, 6, false, false],
    [VA, 5, true, false],
    [VA, 6, false, false],
    [OTHER_VA, 5, false, false],
    // Not an address of Sv39: the fence has no effect.
    [BigInt(VA) | (1n << 45n), undefined, false, false],
  ];
  for (const [address, asid, ...expected] of MATRIX) {
    for (const [i, kind] of (['plain', 'global'] as const).entries()) {
      const removes = expected[i]!;
      const operands = `${address === undefined ? 'x0' : `0x${address.toString(16)}`}, ${asid ?? 'x0'}`;
      it(`${removes ? 'remove' : 'leave'} a ${kind} translation: sfence.vma ${operands}`, () => {
        const flags = kind === 'plain' ? RWX : RWX | PTE.G;
        const { found, events } = remapped((made) => made.fence(address, asid), STRICT, 5, flags);
        assert.equal(found, contentOf(removes ? 2 : 0));
        assert.equal(events.length, removes ? 0 : 1);
        const because = asid === undefined || (address !== undefined && address !== VA) ? 'address' : 'asid';
        if (!removes) assert.equal(events[0]!.fence?.because, because);
      });
    }
  }

  it('remove a large page by any address in it, and only there', () => {
    for (const [address, isRemoved] of [
      [VA + 0x1f_f000, true],
      [VA + 0x20_0000, false],
    ] as const) {
      const made = new FenceProgram();
      made.tables.map(made.root, VA, BASE, RWX, 1, 1);
      const leaf = made.tables.entryAt(made.root, BigInt(VA), 1);
      const within = VA + pageAt(0) - BASE;
      made.load(s2, within).store(leaf, 0).fence(address).load(s3, within);
      const { x, events } = run(made);
      assert.deepEqual([x(s2), x(s3)], [contentOf(0), isRemoved ? 0n : contentOf(0)]);
      assert.equal(x(a5), isRemoved ? LOAD_PAGE_FAULT : 0n);
      assert.equal(events.length, isRemoved ? 0 : 1);
    }
  });

  it('leave global translations to other ASIDs', () => {
    const made = new FenceProgram(1);
    made.tables.map(made.root, VA, pageAt(0), RWX | PTE.G);
    const second = made.space();
    made.tables.map(second, VA, pageAt(3), RWX);
    made
      .load(s2, VA)
      .writeSatp(made.satp(second, 2))
      .load(s3, VA)
      .fence(undefined, 1)
      .load(s4, VA)
      .fence()
      .load(t3, VA);
    const { x, events } = run(made);
    assert.deepEqual([x(s3), x(s4), x(t3)], [contentOf(0), contentOf(0), contentOf(3)]);
    assert.equal(events.length, 1);
  });

  it("remove nothing from another hart's TLB", () => {
    const made = program();
    const flag = BASE + 0x8_7000;
    const a = made.code;
    const { t0, t1, t2, a0 } = R;
    // Hart 1 waits, changes the entry and fences; hart 0 uses the page before and after.
    a.to('second', 'bne', { rs1: a0 });
    made.load(s2, VA).store(flag, 1);
    a.label('wait').li(t0, flag).op('ld', { rd: t1, rs1: t0 }).li(t2, 2).to('wait', 'bne', { rs1: t1, rs2: t2 });
    made.load(s3, VA).fence().load(s4, VA);
    a.to('end', 'jal').label('second').li(t0, flag).op('ld', { rd: t1, rs1: t0 }).li(t2, 1);
    a.to('second', 'bne', { rs1: t1, rs2: t2 });
    made.load(s2, VA).store(made.leaf, entry(pageAt(2), RWX));
    const fence = BigInt(a.here);
    made.fence().load(s3, VA).store(flag, 2);
    a.label('end');
    const { machine, events } = run(made, STRICT, { harts: 2 });
    assert.deepEqual(
      machine.harts.map((hart) => [s2, s3].map((register) => hart.x(register))),
      [
        [contentOf(0), contentOf(0)],
        [contentOf(0), contentOf(2)],
      ],
    );
    assert.equal(machine.harts[0]!.x(s4), contentOf(2));
    assert.deepEqual(
      events.map(({ hart, change, fence }) => [hart, change?.hart, fence?.hart, fence?.because, fence?.pc]),
      [[0, 1, 1, 'hart', fence]],
    );
  });

  it('are counted by what they were good for', () => {
    const made = program();
    made
      .fence()
      .load(s2, VA)
      .store(made.leaf, entry(pageAt(2), RWX))
      .fence(VA)
      .store(made.leaf, 0)
      .fence(VA);
    made.store(made.leaf, entry(pageAt(2), RWX)).fence(VA);
    const { machine } = run(made);
    assert.deepEqual(
      machine.fenceCounts!.map(({ executed, needed, forNew }) => [executed, needed, forNew]),
      [
        [1, 0, 0],
        [1, 1, 0],
        [1, 1, 0],
        [1, 0, 1],
      ],
    );
  });
});
