import { strict as assert } from 'node:assert';
import { PTE } from '../../../emulator/isa/sv39';
import { TestMemory } from '../../../emulator/testing/page-tables';
import type { LiveTables } from '../live-tables';
import type { EntryRule } from '../rules/entries';
import { UserEntries } from './user-entries';

const RWU = PTE.R | PTE.W | PTE.U;
const [SH, CAT] = [0x8000_1000n, 0x8000_1168n];
/** The kernel's image ends here. */
const END = 0x80020;
const USYSCALL = (1n << 38n) - 0x3000n;

/** Two processes with a page of memory each, and the tables of both. */
function setUp(...rules: EntryRule[]) {
  const memory = new TestMemory();
  const roots = new Map([
    [SH, memory.page()],
    [CAT, memory.page()],
  ]);
  const map = (process: bigint, va: bigint, pa: bigint, flags: number, level = 0): void =>
    void memory.map(roots.get(process)!, va, pa, flags, level);
  map(SH, 0n, 0x8090_0000n, RWU);
  map(CAT, 0n, 0x8090_1000n, RWU);
  const size: { bytes: bigint | undefined } = { bytes: 0x1000n };
  const tables = {
    userRoot: (process: bigint) => roots.get(process),
    userRoots: () => [...roots.values()],
    size: () => size.bytes,
  } as unknown as LiveTables;
  const words = {
    table: (root: bigint) => (root === roots.get(SH) ? 'the table of pid 2 sh' : 'the table of pid 3 cat'),
    content: () => 'UART',
  };
  const places = { range: { start: END, end: 0x81000 }, usyscall: Number(USYSCALL >> 12n) };
  const entries = new UserEntries(memory, tables, words, places);
  entries.rules = rules;
  let moment = 0;
  const judge = (process = SH, at = `${moment++}`): string | undefined =>
    entries.judge(process, roots.get(process)!, at).broken?.text;
  const changes = (va: bigint, pa: bigint, flags: number, level = 0): string | undefined => {
    map(SH, va, pa, flags, level);
    return judge();
  };
  return { entries, judge, changes, map, roots, size };
}

describe('the entries of a user table', () => {
  it('may not lead to the kernel or a device, but without U', () => {
    const { changes } = setUp('entry-foreign');
    assert.equal(changes(0x3f_ffff_f000n, 0x8000_7000n, PTE.R | PTE.X), undefined, 'the trampoline');
    assert.match(
      changes(0x3f_ffff_f000n, 0x8000_7000n, PTE.R | PTE.X | PTE.U)!,
      /^The program can reach UART at 0x3ffffff000\nthe entry for it in the table of pid 2 sh has U, and maps PA 0x80007000/,
    );
    assert.match(changes(0x4000n, 0x1000_0000n, RWU)!, /at 0x4000\n.* maps PA 0x10000000/);
  });

  it('lead to the allocator’s pages from the first to the last', () => {
    const { changes } = setUp('entry-foreign');
    assert.equal(changes(0x4000n, BigInt(END) << 12n, RWU), undefined);
    assert.equal(changes(0x5000n, 0x80ff_f000n, RWU), undefined);
    assert.equal(changes(0x20_0000n, 0x80e0_0000n, RWU, 1), undefined);
    assert.match(changes(0x6000n, BigInt(END - 1) << 12n, RWU)!, /^The program can reach UART at 0x6000\n/);
    assert.match(changes(0x7000n, 0x8100_0000n, RWU)!, /^The program can reach UART at 0x7000\n/);
    assert.match(changes(0x40_0000n, 0x8000_0000n, RWU, 1)!, /at 0x400000\n.* maps PA 0x80000000/, 'partly');
  });

  it('that are malformed let a program reach nothing: with W and no R, or misaligned', () => {
    for (const rule of ['entry-foreign', 'entry-code', 'entry-shared'] as const) {
      const { changes, map } = setUp(rule);
      const pa = rule === 'entry-foreign' ? 0x1000_0000n : 0x80a0_0000n;
      map(CAT, 0x20_0000n, pa, PTE.R | PTE.U);
      map(CAT, 0x20_1000n, pa + 0x1000n, PTE.R | PTE.U);
      assert.equal(changes(0x1000n, pa, PTE.W | PTE.X | PTE.U), undefined, `${rule}: no R`);
      assert.equal(changes(0x20_0000n, pa + 0x1000n, RWU | PTE.X, 1), undefined, `${rule}: misaligned`);
      assert.ok(changes(0x1000n, pa, RWU | PTE.X), rule);
    }
  });

  it('may not be written and executed', () => {
    const { changes } = setUp('entry-code');
    assert.equal(changes(0x1000n, 0x8091_0000n, PTE.R | PTE.X | PTE.U), undefined);
    assert.equal(changes(0x1000n, 0x8091_0000n, RWU), undefined);
    assert.match(
      changes(0x1000n, 0x8091_0000n, RWU | PTE.X)!,
      /^The page for 0x1000 in .* may be written and executed/,
    );
  });

  it('are superpages only where they are aligned', () => {
    const { changes } = setUp('entry-superpage');
    assert.equal(changes(0x20_0000n, 0x80a0_0000n, RWU, 1), undefined);
    assert.equal(changes(0x4000_0000n, 0x8000_0000n, RWU, 2), undefined);
    assert.equal(changes(0x5000n, 0x80a0_1000n, RWU), undefined, 'a page');
    assert.match(
      changes(0x4000_0000n, 0x8020_0000n, RWU, 2)!,
      /^The superpage for 0x40000000 in .* is misaligned\nits PA is 0x80200000, not a multiple of 0x40000000/,
    );
    assert.match(
      changes(0x40_0000n, 0x80a0_1000n, RWU, 1)!,
      /misaligned\nits PA is 0x80a01000, not a multiple of 0x200000/,
    );
  });

  it('lie below p->sz, but for the page that the kernel shares with each program, and what is the kernel’s', () => {
    const { changes } = setUp('entry-beyond');
    assert.equal(changes(USYSCALL, 0x8091_0000n, PTE.R | PTE.U), undefined);
    assert.equal(changes(USYSCALL + 0x1000n, 0x8092_0000n, PTE.R | PTE.W), undefined, 'the trap frame');
    assert.match(changes(0x1000n, 0x8093_0000n, RWU)!, /^0x1000 in .* beyond the end of the process's memory/);
  });

  it('lie below p->sz where its last byte is in their page, and are not judged where it is not known', () => {
    const { changes, judge, size } = setUp('entry-beyond');
    size.bytes = 0x1001n;
    assert.equal(changes(0x1000n, 0x8093_0000n, RWU), undefined);
    size.bytes = undefined;
    assert.equal(changes(0x3000n, 0x8093_0000n, RWU), undefined);
    size.bytes = 0x3000n;
    assert.match(judge()!, /^0x3000 in the table of pid 2 sh .*\nthe entry has U, and p->sz ends below 0x3000:/);
  });

  it('may share a page with another program only where nobody may write it', () => {
    const { changes, map } = setUp('entry-shared');
    assert.equal(changes(0x1000n, 0x8091_0000n, RWU), undefined, 'it is alone');
    map(CAT, 0x2000n, 0x8092_0000n, PTE.R | PTE.U);
    assert.equal(changes(0x2000n, 0x8092_0000n, PTE.R | PTE.U), undefined, 'copy on write');
    assert.match(
      changes(0x2000n, 0x8092_0000n, RWU)!,
      /PA 0x80920000 is mapped in two user tables.*\n.*pid 2 sh has it at 0x2000 .*\nthe table of pid 3 cat has it at 0x2000/,
    );
  });

  it('share no page where the other has it without U, or in the same table', () => {
    const { changes, map } = setUp('entry-shared');
    map(CAT, 0x2000n, 0x8092_0000n, PTE.R | PTE.W);
    assert.equal(changes(0x2000n, 0x8092_0000n, RWU), undefined, 'as a trap frame');
    map(CAT, 0x6000n, 0x8092_0000n, PTE.R | PTE.U);
    assert.equal(changes(0x2000n, 0x8092_0000n, PTE.R | PTE.U), undefined, 'the W is without U, the U without W');
    map(CAT, 0x2000n, 0x8092_0000n, RWU);
    assert.equal(changes(0x2000n, 0x8092_0000n, PTE.R | PTE.W), undefined, 'its own without U');
    map(CAT, 0x2000n, 0x8092_0000n, PTE.W | PTE.U);
    map(CAT, 0x6000n, 0x8096_0000n, PTE.R | PTE.U);
    assert.equal(changes(0x2000n, 0x8092_0000n, PTE.R | PTE.U), undefined, 'the other’s W has no R');
    changes(0x3000n, 0x8094_0000n, RWU);
    assert.equal(changes(0x4000n, 0x8094_0000n, RWU), undefined, 'twice in one table');
  });

  it('share a page with the one that is named: with one that may write it', () => {
    const { changes, map } = setUp('entry-shared');
    map(CAT, 0x1000n, 0x8092_0000n, PTE.W | PTE.U);
    map(CAT, 0x2000n, 0x8092_0000n, PTE.R | PTE.U);
    map(CAT, 0x5000n, 0x8092_0000n, RWU);
    assert.match(changes(0x2000n, 0x8092_0000n, PTE.R | PTE.U)!, /\nthe table of pid 3 cat has it at 0x5000 \(V R W/);
  });

  it('are told once, and again at the same moment and in another future', () => {
    const { entries, judge, map } = setUp('entry-beyond');
    map(SH, 0x1000n, 0x8093_0000n, RWU);
    assert.match(judge(SH, 'then')!, /0x1000/);
    assert.equal(judge(), undefined);
    assert.match(judge(SH, 'then')!, /0x1000/);
    entries.forget();
    assert.match(judge()!, /0x1000/);
  });
});
