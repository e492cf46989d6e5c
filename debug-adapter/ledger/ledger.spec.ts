import { strict as assert } from 'node:assert';
import { instantName, Phase } from '../../emulator/history/instant';
import { PTE, pteOf } from '../../emulator/isa/sv39';
import { X } from '../../emulator/isa/registers';
import { Mode } from '../../emulator/types';
import { MappedProgram } from '../code/mapped-program';
import { FakeMachine } from '../testing/fake-machine';
import { guestKernel, PROC } from '../testing/xv6-kernel';
import { openXv6 } from '../xv6/kernel';
import { Ledger } from './ledger';
import type { LedgerRule } from './rules/rule';

const [KALLOC, KFREE, KERNELVEC] = [0x8000_0700n, 0x8000_0740n, 0x8000_0640n];
const [PAGE, ROOT, MIDDLE, LOW] = [0x9000n, 0x2_0000n, 0x2_1000n, 0x2_2000n];
const USER = PTE.V | PTE.R | PTE.U;

/** A guest whose allocator fills free pages, with a process that runs on hart 0 and has the table at ROOT. */
function setUp(...rules: LedgerRule[]) {
  const { program, proc, set } = guestKernel();
  program.addFunction('kalloc', KALLOC, KALLOC + 0x40n, undefined);
  program.addFunction('kfree', KFREE, KFREE + 0x40n, undefined);
  program.poke(KALLOC + 0x10n, 0x8082n, 2);
  const machine = new FakeMachine();
  const hart = machine.harts[0]!;
  program.poke(0x80018000n + 8n, PROC + BigInt(2 * proc.size));
  set(2, { pagetable: ROOT });
  set(0, { pagetable: 0n });
  program.poke(0x80018800n, 0n);
  const xv6 = openXv6(program, program.read);
  const image = new MappedProgram(program);
  const roots = new Map<number, bigint>();
  const ledger = new Ledger({ machine, harts: machine.harts, xv6, image, userRoot: ({ id }) => roots.get(id) });
  ledger.watch(rules);
  const write = (address: bigint, word: bigint): void => {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, word, true);
    machine.memory.write(address, bytes);
  };
  const map = (pte: bigint): void => {
    write(ROOT, pteOf(MIDDLE, PTE.V));
    write(MIDDLE, pteOf(LOW, PTE.V));
    write(LOW + 32n, pte);
  };
  const tell = (pc: bigint, a0: bigint): boolean => {
    machine.time += 10;
    hart.pc = pc;
    hart.mode = 1;
    hart.setX(X.a0, a0);
    hart.setX(X.ra, 0x8000_0510n);
    Object.assign(machine.instant, { time: machine.time, phase: Phase.fetched });
    return machine.tell('execute', { hart: 0, pc, time: machine.time });
  };
  /** The allocator's own work: the page is chained to another free one, and filled. */
  const fill = (page: bigint, byte = 1n): void => {
    for (let word = 8n; word < 128n; word += 8n) write(page + word, byte * 0x0101_0101_0101_0101n);
    write(page, 0x7000n);
  };
  return {
    ...{ machine, ledger, roots, write, map, fill, tell },
    allocates: (page: bigint) => tell(KALLOC + 0x10n, page),
    panics: () => tell(0x8000_0500n, 0n),
    /** The process in a slot is not there any more; the hart runs that in another one. */
    ends: (slot: number) => set(slot, { pid: 0n, state: 0n }),
    hasTable: (slot: number, root: bigint) => set(slot, { pagetable: root }),
    goesOn: () => machine.tell('trapReturn', { hart: 0, pc: 0n, from: 1, to: 1, target: 0n }),
    runs: (slot: number) => program.poke(0x80018000n + 8n, PROC + BigInt(slot * proc.size)),
    /** Returns the rule that is broken at the call. */
    frees: (page: bigint, isCount = false): string | undefined => {
      const stops = tell(KFREE, page);
      const found = ledger.at(0)?.rule;
      assert.equal(stops, found !== undefined);
      if (!isCount) fill(page);
      return found;
    },
    returns: (): boolean => {
      hart.mode = 0;
      return machine.tell('trapReturn', { hart: 0, pc: 0n, from: 1, to: 0, target: 0n });
    },
  };
}

describe('the frame ledger', () => {
  it('tells of a page that is freed twice, by whom, and not of one that was only counted down', () => {
    const run = setUp('freed-twice');
    run.allocates(PAGE);
    assert.equal(run.frees(PAGE, true), undefined);
    assert.equal(run.frees(PAGE), undefined);
    assert.equal(run.frees(PAGE), 'freed-twice');
    assert.match(
      run.ledger.at(0)!.text,
      /it was freed first by panic.* \(pid 3\)\nit was allocated by panic.*\(pid 3\)/,
    );
    run.allocates(PAGE);
    assert.equal(run.frees(PAGE), undefined);
  });

  it('does not judge a rule that is not wanted', () => {
    const run = setUp('freed-root');
    run.allocates(PAGE);
    run.frees(PAGE);
    assert.equal(run.frees(PAGE), undefined);
    run.ledger.watch(['freed-twice']);
    assert.equal(run.frees(PAGE), 'freed-twice');
    run.ledger.watch([]);
    assert.equal(run.tell(KFREE, PAGE), false);
  });

  it('tells of a page that stays mapped when the process goes back to user mode: at the call, in the past', () => {
    const run = setUp('freed-mapped');
    run.map(pteOf(PAGE, USER));
    run.allocates(PAGE);
    assert.equal(run.frees(PAGE), undefined);
    const at = instantName(run.machine.instant);
    assert.equal(run.returns(), true);
    const violation = run.ledger.after(0)!;
    assert.equal(instantName(violation.at!), at);
    assert.match(violation.text, /the entry for 0x4000 in the table of pid 3 sh, at PA 0x22020, still maps it/);
    run.ledger.record();
    assert.equal(run.ledger.at(0)?.rule, 'freed-mapped', 'whoever comes by again is told');
    run.ledger.forgetAfter({ inputs: 0, time: 0, phase: Phase.arrived });
    assert.equal(run.ledger.at(0), undefined, 'in another future it may come otherwise');
  });

  it('tells of one that is mapped when the kernel panics, and of one whose process has ended, by whoever comes next', () => {
    const freed = (isMapped = true) => {
      const run = setUp('freed-mapped');
      if (isMapped) run.map(pteOf(PAGE, USER));
      run.allocates(PAGE);
      run.frees(PAGE);
      return run;
    };
    const panic = freed();
    assert.equal(panic.panics(), true);
    assert.match(panic.ledger.at(0)!.text, /still maps it \(.*\) when the kernel panicked\n/);
    assert.equal(freed(false).panics(), false);
    const others = freed();
    others.runs(0);
    assert.equal(others.panics(), false, 'what another process does is not over');
    assert.equal(others.returns(), false);
    others.ends(2);
    assert.equal(others.returns(), true);
    assert.match(others.ledger.after(0)!.text, /still maps it \(.*\) when the process had ended\n/);
  });

  it('counts those that stay mapped with it, and not those that stay part of a table', () => {
    const run = setUp('freed-mapped', 'freed-table');
    const [other, table] = [0xa000n, 0x2_3000n];
    run.map(pteOf(PAGE, USER));
    run.write(LOW + 40n, pteOf(other, USER));
    run.write(MIDDLE + 8n, pteOf(table, PTE.V));
    for (const page of [PAGE, other, table]) run.frees(page);
    assert.equal(run.returns(), true);
    assert.match(run.ledger.after(0)!.text, /\nthe same holds for 1 more of the pages that were freed$/);
  });

  it('lets the kernel clear the entry after the page is freed, and another process get the page', () => {
    const cleared = setUp('freed-mapped');
    cleared.map(pteOf(PAGE, USER));
    cleared.frees(PAGE);
    cleared.map(0n);
    assert.equal(cleared.returns(), false);
    const counted = setUp('freed-mapped');
    counted.map(pteOf(PAGE, USER));
    counted.write(PAGE, 0x1234n);
    counted.frees(PAGE, true);
    assert.equal(counted.returns(), false, 'only counted down');
  });

  it('does not tell of a page that another process gets, or its own once the entry is cleared', () => {
    const run = setUp('freed-mapped');
    run.map(pteOf(PAGE, USER));
    run.frees(PAGE);
    run.runs(0);
    assert.equal(run.allocates(PAGE), false);
    run.runs(2);
    assert.equal(run.returns(), false, 'it is another’s now');
    run.frees(PAGE);
    run.map(0n);
    assert.equal(run.allocates(PAGE), false);
  });

  it('does not tell of a table that is taken apart from below, nor of a root that no hart has any more', () => {
    const run = setUp('freed-table', 'freed-root');
    run.map(0n);
    run.allocates(PAGE);
    run.roots.set(0, ROOT);
    const loadsRoot = () => run.machine.tell('satpWrite', { hart: 0, pc: 0n, before: 0n, after: 0n });
    loadsRoot();
    run.roots.set(0, 0x3_0000n);
    loadsRoot();
    for (const page of [LOW, MIDDLE, ROOT]) assert.equal(run.frees(page), undefined);
    run.hasTable(2, 0n);
    assert.equal(run.returns(), false);
  });

  it('tells of a lost page where the kernel is at rest, and not of one that is free', () => {
    const unmapped = (wasFreed = false) => {
      const run = setUp('lost');
      if (wasFreed) run.frees(PAGE);
      run.allocates(PAGE);
      run.write(PAGE, 0x1234n);
      run.map(pteOf(PAGE, USER));
      assert.equal(run.returns(), false);
      run.map(0n);
      return run;
    };
    const lost = unmapped();
    assert.equal(lost.returns(), false, 'nobody has called the allocator since');
    lost.frees(PAGE, true);
    lost.runs(0);
    lost.tell(KERNELVEC, 0n);
    lost.runs(2);
    assert.equal(lost.returns(), false, 'the timer has interrupted another process in the kernel');
    lost.runs(0);
    lost.goesOn();
    lost.runs(2);
    assert.equal(lost.returns(), true);
    assert.match(
      lost.ledger.after(0)!.text,
      /^The page at PA 0x9000 is lost: .*\n.* mapped it is gone\nit was allocated by panic.*\n.* called for it last by panic.*, and did not free it\n/,
    );
    const never = unmapped(true);
    never.allocates(0xa000n);
    assert.equal(never.returns(), true);
    assert.doesNotMatch(never.ledger.after(0)!.text, /did not free it/, 'freed, but before it was allocated');
    const freed = unmapped();
    freed.frees(PAGE);
    assert.equal(freed.returns(), false);
  });

  it('tells of a store of the kernel to a page that two share, not of a program’s, nor while it is freed', () => {
    const run = setUp('written-shared');
    const [root, middle, low] = [0x3_0000n, 0x3_1000n, 0x3_2000n];
    run.map(pteOf(PAGE, USER));
    run.write(root, pteOf(middle, PTE.V));
    run.write(middle, pteOf(low, PTE.V));
    run.write(low, pteOf(PAGE, USER));
    run.hasTable(0, root);
    run.returns();
    const [watch] = run.machine.watches.filter(({ address }) => address === PAGE);
    const stores = (mode: Mode): boolean => {
      const bytes = new Uint8Array(8);
      run.machine.harts[0]!.mode = mode;
      return run.machine.tell('data', {
        ...{ by: 'instruction', access: 'write', address: PAGE + 8n, before: bytes, after: bytes, watch: watch! },
        ...{ hart: 0, pc: 0x8000_0504n },
      });
    };
    assert.equal(stores(Mode.User), false);
    assert.equal(stores(Mode.Supervisor), true);
    assert.match(
      run.ledger.after(0)!.text,
      /^The kernel writes to the page at PA 0x9000, which 2 programs share .*\nthe kernel's code at 0x80000504 \(pid 3\) stores at PA 0x9008, /,
    );
    run.ledger.record();
    run.frees(PAGE, true);
    assert.equal(stores(Mode.Supervisor), false, 'another entry may go in the same moment');
    run.allocates(PAGE);
    assert.equal(stores(Mode.Supervisor), true);
  });

  it('tells of one that its own process gets again while it is mapped', () => {
    const run = setUp('freed-mapped');
    run.map(pteOf(PAGE, USER));
    run.frees(PAGE);
    assert.equal(run.allocates(PAGE), true);
    assert.match(run.ledger.at(0)!.text, /when the allocator gave the same page out again/);
  });

  it('tells of a table that is in use, of a root in satp, and of what is no page', () => {
    const run = setUp('freed-table', 'freed-root', 'freed-foreign');
    run.map(0n);
    assert.equal(run.frees(LOW), undefined);
    assert.equal(run.returns(), true);
    assert.match(run.ledger.after(0)!.text, /level-1 entry for 0x0, at PA 0x21000, still leads to it/);
    run.roots.set(0, ROOT);
    run.machine.tell('satpWrite', { hart: 0, pc: 0n, before: 0n, after: ROOT >> 12n });
    assert.equal(run.tell(KFREE, ROOT), true);
    assert.equal(run.ledger.at(0)?.rule, 'freed-root');
    assert.equal(run.tell(KFREE, PAGE + 8n), true);
    assert.equal(run.ledger.at(0)?.rule, 'freed-foreign');
  });

  it('is saved and restored with the machine', () => {
    const run = setUp('freed-twice', 'freed-mapped');
    run.map(pteOf(PAGE, USER));
    run.allocates(PAGE);
    const before = run.ledger.save();
    run.frees(PAGE);
    const after = run.ledger.save();
    run.ledger.restore(before);
    assert.equal(run.returns(), false, 'it is not freed yet');
    assert.equal(run.frees(PAGE), undefined);
    run.ledger.restore(after);
    assert.equal(run.returns(), true);
    assert.throws(
      () => run.ledger.restore({ frames: 1, pending: [], users: null, uses: [], roots: [] }),
      /saved state of ledger.users/,
    );
  });

  it('says which functions it misses', () => {
    const { program } = guestKernel();
    const machine = new FakeMachine();
    const guest = { machine, harts: machine.harts, image: new MappedProgram(program), userRoot: () => undefined };
    const ledger = new Ledger({ ...guest, xv6: openXv6(program, program.read) });
    assert.equal(ledger.missing('freed-twice'), 'the kernel has no function kalloc');
  });
});
