import assert from 'node:assert/strict';
import { PTE, satpRoot } from '../../emulator/isa/sv39';
import { Mode } from '../../emulator/types';
import { AddressSpace } from '../memory/address-space';
import { memoryMap } from '../memory/memory-map';
import { TestProgram } from '../testing/program';
import { kernelLayout, userRegions } from '../xv6/regions';
import { explainTrap, type TrapContext } from './explain';
import { TestMemory } from '../../emulator/testing/page-tables';

const { R, W, X, U } = PTE;
const SV39 = 8n << 60n;

/** The kernel's address space with a value of satp. */
const spaceOf = (memory: TestMemory, satp: bigint): AddressSpace =>
  new AddressSpace('a space', { memory, apply: () => false }, () => ({
    root: satpRoot(satp),
    mode: Mode.Supervisor,
    sum: false,
    mxr: false,
  }));

function setUp() {
  const memory = new TestMemory();
  const root = memory.page();
  memory.map(root, 0n, 0x80100000n, R | X | U);
  memory.map(root, 0x1000n, 0x80101000n, R | W | U);
  memory.map(root, 0x2000n, 0x80102000n, R | W);
  memory.map(root, 0x3000n, 0x80103000n, R | W | U);
  const process = { slot: 2, pid: 3, name: 'sh', size: 0x4000n };
  const physical = memoryMap(memory);
  const space = spaceOf(memory, SV39 | (root >> 12n));
  const context: TrapContext = {
    space,
    physical,
    mstatus: 0n,
    process,
    regions: userRegions(kernelLayout(new TestProgram(), physical), process, space),
  };
  return { memory, root, context };
}

const trap = (cause: number, tval: bigint, from = 0, epc = 0x20n) => ({ interrupt: false, cause, tval, epc, from });

describe('the explanation of a trap', () => {
  it('says what is not mapped, and where the heap ends', () => {
    const told = explainTrap(trap(13, 0x4008n), setUp().context);
    assert.equal(told.title, 'load page fault at 0x4008 (user mode, pid 3 (sh))');
    assert.equal(told.reason, 'level 0 index 4: V=0, nothing is mapped here');
    assert.ok(told.notes.includes('the heap ends at 0x4000 (p->sz)'));
    assert.ok(told.text.startsWith(`${told.title}: ${told.reason}\n`));
  });

  it('names the guard page that a stack ran into', () => {
    const told = explainTrap(trap(15, 0x2ff8n), setUp().context);
    assert.match(told.reason, /U=0, mode U: this one bit decides/);
    assert.ok(told.notes.includes('in: guard page below the user stack'));
    assert.ok(told.notes.includes('a stack has run over its end, or a pointer is wrong'));
    assert.ok(!told.text.includes('heap ends'));
  });

  it('names SUM where the kernel touches a user page, and that it does not help a fetch', () => {
    const { context } = setUp();
    assert.match(
      explainTrap(trap(13, 0x1000n, 1), context).reason,
      /^V R W are set; U=1, mode S, sstatus.SUM=0: this one bit decides$/,
    );
    assert.match(
      explainTrap(trap(12, 0n, 1, 0n), context).text,
      /S-mode may not fetch from a U page, SUM does not help/,
    );
  });

  it('sees a root outside RAM, and the shift that was forgotten', () => {
    const { context, memory, root } = setUp();
    const told = explainTrap(trap(12, 0x80000100n, 1, 0x80000100n), {
      ...context,
      space: spaceOf(memory, SV39 | root),
    });
    assert.equal(told.reason, `satp's root 0x${(root << 12n).toString(16)} lies outside RAM`);
    assert.match(told.text, /not shifted right by 12/);
    assert.match(told.text, /pc itself is 0x80000100/);
  });

  it('tells an access fault on PA 0 from a page fault', () => {
    const { context, memory, root } = setUp();
    memory.map(root, 0x3fffffd000n, 0n, R | U);
    const told = explainTrap(trap(5, 0x3fffffd000n), context);
    assert.match(told.title, /^load access fault/);
    assert.match(told.reason, /^the PTE is valid, but PA 0x0 is not RAM/);
    assert.match(told.text, /before the page was allocated/);
  });

  it('says which other table maps the address', () => {
    const { context, memory } = setUp();
    const kernel = memory.page();
    memory.map(kernel, 0x3fffff8000n, 0x80200000n, R | W);
    const told = explainTrap(trap(15, 0x3fffff8010n, 1), {
      ...context,
      otherTables: [{ label: 'kernel_pagetable', kind: 'kernel', space: spaceOf(memory, SV39 | (kernel >> 12n)) }],
    });
    assert.ok(told.notes.includes('kernel_pagetable maps it to 0x80200010; the table in satp does not'));
  });

  it('knows a walk from root 0 and the fillings of freed memory', () => {
    const { context } = setUp();
    const nameOf = () => 'walk+32';
    assert.match(
      explainTrap(trap(13, 0x7f8n, 1), { ...context, space: spaceOf(context.space.memory as TestMemory, 0n), nameOf })
        .reason,
      /nothing answers at 0x7f8/,
    );
    const { memory } = setUp();
    const empty = memory.page();
    const told = explainTrap(trap(13, 0x7f8n, 1), {
      ...context,
      space: spaceOf(memory, SV39 | (empty >> 12n)),
      nameOf,
    });
    assert.match(told.text, /a null pointer plus 0x7f8: entry 255 of a page table at PA 0/);
    assert.match(explainTrap(trap(13, 0x505050505050505n, 1), context).text, /kalloc fills/);
    assert.match(explainTrap(trap(13, 0x101010101010109n, 1), context).text, /kfree fills/);
  });

  it('sees that the handler cannot run, or has itself faulted', () => {
    const { context, memory, root } = setUp();
    memory.map(root, 0x3ffffff000n, 0x80006000n, R | X | U);
    const told = explainTrap(trap(12, 0x3ffffff000n, 1, 0x3ffffff000n), { ...context, stvec: 0x3ffffff000n });
    assert.match(told.text, /handler at stvec = 0x3ffffff000 cannot be fetched \(V R X are set; U=1: S-mode may not/);
    memory.map(root, 0x80005000n, 0x80005000n, R | X);
    const nested = explainTrap(trap(15, 0x3fffff7ff8n, 1, 0x80005008n), { ...context, stvec: 0x80005000n });
    assert.match(nested.text, /the trap handler itself has faulted/);
    const plain = explainTrap(trap(15, 0x3fffff7ff8n, 1, 0x80001008n), { ...context, stvec: 0x80005000n });
    assert.doesNotMatch(plain.text, /handler/);
  });

  it('knows a table that was freed, a copy-on-write mark, and an int that grew', () => {
    const { context, memory } = setUp();
    const freed = memory.page();
    memory.write(freed, new Uint8Array(4096).fill(1));
    const stale = explainTrap(trap(12, 0x80001000n, 1, 0x80001000n), {
      ...context,
      space: spaceOf(memory, SV39 | (freed >> 12n)),
    });
    assert.match(stale.text, /the entry is 0x101010101010101: bytes of 0x01 are what kfree/);
    const shared = memory.page();
    memory.map(shared, 0x1000n, 0x80101000n, R | U | 0x100);
    const write = explainTrap(trap(15, 0x1000n), { ...context, space: spaceOf(memory, SV39 | (shared >> 12n)) });
    assert.match(write.reason, /W=0: this one bit decides/);
    assert.match(write.text, /RSW=1: a mark of copy-on-write/);
    assert.match(explainTrap(trap(13, 0xffffffff80003000n, 1), context).text, /32-bit int \(-2147471360\)/);
  });

  it('reads the bytes that are no instruction', () => {
    const { context, memory } = setUp();
    memory.write(0x80100020n, new Uint8Array([5, 5, 5, 5]));
    const told = explainTrap(trap(2, 0n), context);
    assert.match(told.title, /^illegal instruction \(user mode/);
    assert.match(told.text, /kalloc fills/);
    assert.match(explainTrap(trap(2, 0n, 0, 0x40n), context).text, /zeroes are no instruction/);
    memory.write(0x80100020n, new Uint8Array([0x53, 0xf5, 0xc5, 0x02]));
    const float = explainTrap(trap(2, 0n), context);
    assert.match(float.text, /0x02c5f553\na floating-point instruction, and mstatus.FS is 0 \(off\)/);
  });

  it('sees that the table allows by now what faulted', () => {
    assert.match(explainTrap(trap(13, 0x1000n), setUp().context).reason, /missing sfence.vma/);
  });

  it('is short on interrupts and calls', () => {
    const { context } = setUp();
    assert.equal(explainTrap(trap(8, 0n), context).text, 'system call from user mode (user mode, pid 3 (sh))');
    const timer = { interrupt: true, cause: 5, tval: 0n, epc: 0x80001000n, from: 1 };
    assert.equal(explainTrap(timer, context).text, 'supervisor timer interrupt (supervisor mode)');
  });
});
