import assert from 'node:assert/strict';
import { TestProgram } from '../testing/program';
import { PTE } from '../../emulator/isa/sv39';
import { TestMemory } from '../../emulator/testing/page-tables';
import { Mode } from '../../emulator/types';
import { AddressSpace } from '../memory/address-space';
import { memoryMap } from '../memory/memory-map';
import { pageTableModel, SnapshotHistory } from '../page-tables/model';
import { translationOf } from '../page-tables/translation';
import type { PteRun } from '../protocol';
import { kernelLayout, kernelRegions, regionAt, userRegions } from './regions';

const { R, W, X, U } = PTE;
const TRAMPOLINE = 0x3ffffff000n;

const leaves = (runs: PteRun[]): PteRun[] => runs.flatMap((run) => (run.children ? leaves(run.children) : [run]));
const named = (runs: PteRun[]) => leaves(runs).map(({ va, count, region }) => [va, count, region]);

function kernel() {
  const program = new TestProgram();
  program.segments.push({
    virtualAddress: 0x80000000n,
    physicalAddress: 0x80000000n,
    bytes: new Uint8Array(0),
    memorySize: 0x6000n,
    readable: true,
    writable: true,
    executable: true,
  });
  program.addSymbol('etext', 0x80003000n, 0n, 'none');
  program.addSymbol('end', 0x80005800n, 0n, 'none');
  program.addSymbol('trampoline', 0x80002000n, 0n, 'none');
  return program;
}

const root = (memory: TestMemory, address: bigint) => ({
  id: 'kernel',
  label: 'a table',
  root: `0x${address.toString(16)}`,
  memory,
});

const spaceOf = (memory: TestMemory, table: bigint): AddressSpace =>
  new AddressSpace('a space', { memory, apply: () => false }, () => ({
    root: table,
    mode: Mode.Supervisor,
    sum: false,
    mxr: false,
  }));

describe('regions of a kernel table', () => {
  const memory = new TestMemory(0x2000000, 0x81800000n);
  const physical = memoryMap(memory);
  const table = memory.page();
  const map = (va: bigint, pa: bigint, pages: number, flags: number) => {
    for (let i = 0n; i < BigInt(pages); i++) memory.map(table, va + i * 4096n, pa + i * 4096n, flags);
  };
  map(0x10000000n, 0x10000000n, 1, R | W);
  map(0x10001000n, 0x10001000n, 1, R | W);
  map(0x80000000n, 0x80000000n, 3, R | X);
  map(0x80003000n, 0x80003000n, 13, R | W);
  map(0x3fffffb000n, 0x80100000n, 1, R | W);
  map(0x3fffffd000n, 0x80200000n, 1, R | W);
  map(TRAMPOLINE, 0x80002000n, 1, R | X);
  const layout = kernelLayout(kernel(), physical);
  const processes = [
    { slot: 0, pid: 1, name: 'init', kstack: 0x3fffffd000n },
    { slot: 1, pid: 0, name: '', kstack: 0x3fffffb000n },
  ];

  it('come from its symbols, its processes and the board', () => {
    const model = pageTableModel(new SnapshotHistory(), {
      roots: [],
      shown: root(memory, table),
      stop: 1,
      memory,
      physical,
      regions: kernelRegions(layout, processes),
    });
    assert.deepEqual(named(model.entries), [
      ['0x10000000', 1, 'UART'],
      ['0x10001000', 1, 'virtio 0'],
      ['0x80000000', 3, 'kernel text'],
      ['0x80003000', 3, 'kernel data'],
      ['0x80006000', 10, 'RAM'],
      ['0x3fffffb000', 1, 'kernel stack of proc[1], unused'],
      ['0x3fffffd000', 1, 'kernel stack of pid 1 (init)'],
      ['0x3ffffff000', 1, 'trampoline'],
    ]);
  });

  it('name what a superpage holds', () => {
    const big = memory.page();
    memory.map(big, 0x80000000n, 0x80000000n, R | W | X, 1);
    const model = pageTableModel(new SnapshotHistory(), {
      roots: [],
      shown: root(memory, big),
      stop: 1,
      memory,
      physical,
      regions: kernelRegions(layout, processes),
    });
    assert.deepEqual(named(model.entries), [['0x80000000', 1, 'kernel text, kernel data, RAM']]);
  });

  it('tell of guard pages and of what is not the trampoline', () => {
    const regions = kernelRegions(layout, processes);
    const space = spaceOf(memory, table);
    const at = (va: bigint) => {
      const found = space.translate(va);
      return translationOf(found, root(memory, table), '', regionAt(regions, found));
    };
    const guard = at(0x3fffffcff8n);
    assert.equal(guard.region, 'guard page below the kernel stack of pid 1 (init)');
    assert.equal(guard.verdict, 'level 0 index 508: V=0, nothing is mapped here');
    const text = at(0x80001004n);
    assert.equal(text.verdict, 'load ok, store fails: W=0, fetch ok');
    assert.deepEqual(text.allowed, { load: true, store: false, fetch: true });
    assert.equal(text.steps.length, 3);
    assert.equal(regions.nameAt(2 ** 26 - 1, 0x80100, R | X).name, "the trampoline's place, but another page");
  });
});

describe('the place of a kernel stack', () => {
  const memory = new TestMemory(0x2000000, 0x81800000n);
  const stack = 0x3fffffd000n;
  const process = { slot: 0, pid: 4, name: 'sh', kstack: stack };
  const own = memory.page();
  memory.map(own, stack, 0x80200000n, R | W);
  const at = (physical: bigint): string | undefined => {
    const table = memory.page();
    memory.map(table, stack, physical, R | W);
    const space = spaceOf(memory, table);
    const regions = kernelRegions(kernelLayout(kernel(), memoryMap(memory)), [process], undefined, {
      pageAt: (_, vpn) => Number((spaceOf(memory, own).physical(BigInt(vpn) << 12n) ?? 0n) >> 12n),
      isFreed: (ppn) => memory.readU64((BigInt(ppn) << 12n) + 8n) === 0x0101010101010101n,
    });
    return regionAt(regions, space.translate(stack));
  };

  it('is its stack where the page is the one that the process itself uses', () => {
    assert.equal(at(0x80200000n), 'kernel stack of pid 4 (sh)');
  });

  it('is named as no more than the place where another page, or a freed one, was left there', () => {
    assert.equal(at(0x80300000n), 'the place of the kernel stack of pid 4 (sh), but another page');
    memory.write(0x80300000n, new Uint8Array(4096).fill(1));
    assert.equal(at(0x80300000n), 'the place of the kernel stack of pid 4 (sh), but a page that was freed');
  });
});

describe('a page of a program that may not be written', () => {
  const process = { slot: 2, pid: 3, name: 'sh', size: 0x1000n, trapframe: 0x80090000n };
  const named = (flags: number, isWritable?: boolean): string | undefined => {
    const memory = new TestMemory();
    const table = memory.page();
    memory.map(table, 0n, 0x80100000n, flags);
    const space = spaceOf(memory, table);
    const regions = userRegions(kernelLayout(kernel(), memoryMap(memory)), process, space, undefined, () => isWritable);
    return regionAt(regions, space.translate(0n));
  };

  it('is read-only data where the file says so, and shared for the time being where that says that it is written', () => {
    assert.equal(named(R | U, false), 'user read-only data');
    assert.equal(named(R | U, true), 'user data, not writable now (copy-on-write?)');
    assert.equal(named(R | U | 0x100, true), 'user data, not writable now (copy-on-write?)');
    assert.equal(named(R | X | U, false), 'user text');
    assert.equal(named(R | X | U, true), 'user text and data, not writable now (copy-on-write?)');
  });

  it('is called neither where the file is not known, but for a mark in the entry', () => {
    assert.equal(named(R | U), 'user data, not writable');
    assert.equal(named(R | U | 0x100), 'user data, not writable now (copy-on-write?)');
    assert.equal(named(R | W | U, true), 'user data');
  });
});

describe('regions of a user table', () => {
  const process = { slot: 2, pid: 3, name: 'sh', size: 0x7000n, trapframe: 0x80090000n };

  function user() {
    const memory = new TestMemory();
    const table = memory.page();
    const map = (va: bigint, flags: number, pa = 0x80100000n + va) => memory.map(table, va, pa, flags);
    map(0n, R | X | U);
    map(0x1000n, R | X | U);
    map(0x2000n, R | W | U);
    map(0x3000n, R | W);
    map(0x4000n, R | W | U);
    map(0x5000n, R | W | U);
    map(0x6000n, R | W | U);
    map(0x10000n, R | W | U);
    map(0x3fffffd000n, R | U, 0x80091000n);
    map(0x3fffffe000n, R | W, 0x80090000n);
    map(TRAMPOLINE, R | X, 0x80002000n);
    return { memory, table };
  }

  const show = (sp?: bigint, other = process) => {
    const { memory, table } = user();
    const physical = memoryMap(memory);
    const layout = kernelLayout(kernel(), physical);
    const model = pageTableModel(new SnapshotHistory(), {
      roots: [],
      shown: root(memory, table),
      stop: 1,
      memory,
      physical,
      regions: userRegions(layout, other, spaceOf(memory, table), sp),
    });
    return named(model.entries);
  };

  it("come from p->sz, exec's order and the pages at the top", () => {
    assert.deepEqual(show(), [
      ['0x0', 2, 'user text'],
      ['0x2000', 1, 'user data'],
      ['0x3000', 1, 'guard page below the user stack'],
      ['0x4000', 1, 'user stack'],
      ['0x5000', 2, 'heap'],
      ['0x10000', 1, 'beyond p->sz'],
      ['0x3fffffd000', 1, 'USYSCALL page'],
      ['0x3fffffe000', 1, 'trap frame'],
      ['0x3ffffff000', 1, 'trampoline'],
    ]);
  });

  it('see a larger stack by the stack pointer, and a trap frame that is not', () => {
    assert.deepEqual(show(0x5f00n).slice(3, 5), [
      ['0x4000', 2, 'user stack'],
      ['0x6000', 1, 'heap'],
    ]);
    const odd = show(undefined, { ...process, trapframe: 0x80092000n });
    assert.equal(odd.at(-2)![2], "the trap frame's place, but not the page in p->trapframe");
  });

  it('look at no more pages than one table has, however large p->sz is', () => {
    const { memory, table } = user();
    memory.map(table, 0x3000n, 0x80103000n, R | W | U);
    let asked = 0;
    const isWritable = (): boolean => (asked++, true);
    const space = spaceOf(memory, table);
    const layout = kernelLayout(kernel(), memoryMap(memory));
    const all = userRegions(layout, { ...process, size: 0x3f00000000n }, space, undefined, isWritable);
    assert.deepEqual(all.nameAt(5, 0x80105, PTE.V | R | W | U), { name: 'user data', pages: 512 });
    assert.deepEqual(all.nameAt(0x100, undefined, 0), { name: 'program (not mapped)', pages: 0x3f00000 - 0x100 });
    assert.ok(asked < 2000, `${asked}`);
  });
});
