import assert from 'node:assert/strict';
import { Csr } from '../../emulator/isa/csrs';
import { PTE, satpOf } from '../../emulator/isa/sv39';
import { TestMemory } from '../../emulator/testing/page-tables';
import { Mode, type Hart, type MachineApi } from '../../emulator/types';
import * as C from '../expressions/types';
import { TestProgram, typedef } from '../testing/program';
import { guestKernel, type Options } from '../testing/xv6-kernel';
import { kernelSpace, tableSpace, userSpace, type GuestKernel } from '../xv6/address-spaces';
import { openXv6 } from '../xv6/kernel';
import { Tables } from './tables';

const { R, W, X, U } = PTE;

function machineOf(satps: readonly bigint[], memory = new TestMemory(0x8000000, 0x87000000n)) {
  const harts = satps.map((satp, id) => ({
    id,
    mode: Mode.Supervisor,
    pc: 0x80000000n,
    csr: (address: number) => (address === Csr.satp ? satp : 0n),
  }));
  return { harts: harts as unknown as Hart[], memory, current: 0 } as Partial<MachineApi> as MachineApi;
}

const open = (satps: readonly bigint[], options?: Options, memory?: TestMemory) => {
  const { program, ...rest } = guestKernel(options);
  const guest: GuestKernel = { machine: machineOf(satps, memory), xv6: openXv6(program, program.read) };
  return { guest, ...rest };
};

describe('the page tables of a guest', () => {
  const table = typedef('pagetable_t', C.pointerTo(C.UNSIGNED_LONG));

  it('are those of the harts, the kernel and the processes', () => {
    const satps = [0n, satpOf(0x87f80000n), satpOf(0x87fff000n)];
    const { guest, set } = open(satps, { more: { kpagetable: table, second: table } });
    set(2, { kpagetable: 0x87f80000n, second: 0x87f90000n });
    assert.deepEqual(
      new Tables(guest, guest.machine.harts[1]!).all.map(({ id, label, root, space }) => [
        ...[id, label, root, space.name, space.translate(0n).mode],
      ]),
      [
        ['satp', 'satp of hart 1 (pid 3 sh, kpagetable)', 0x87f80000n, 'hart:1', Mode.Supervisor],
        ['satp:0', 'satp of hart 0 (paging is off)', undefined, 'hart:0', Mode.Supervisor],
        ['satp:2', 'satp of hart 2 (kernel_pagetable)', 0x87fff000n, 'hart:2', Mode.Supervisor],
        ['kernel', 'kernel_pagetable', 0x87fff000n, 'kernel', Mode.Supervisor],
        ['pid:1', 'pid 1 init', 0x87f60000n, 'user:1', Mode.User],
        ['pid:3', 'pid 3 sh', 0x87f70000n, 'user:3', Mode.User],
        ['pid:3:kernel', 'pid 3 sh, kpagetable', 0x87f80000n, 'kernel:3', Mode.Supervisor],
        ['pid:3:second', 'pid 3 sh, second', 0x87f90000n, 'table:0x87f90000', Mode.Supervisor],
      ],
    );
  });

  it('are shown without a kernel that is known', () => {
    const guest = { machine: machineOf([satpOf(0x80005000n)]), xv6: openXv6(new TestProgram(), () => undefined) };
    assert.deepEqual(
      new Tables(guest, guest.machine.harts[0]!).all.map(({ label, root }) => [label, root]),
      [['satp of hart 0', 0x80005000n]],
    );
  });

  it('name their regions by whose they are', () => {
    const { guest, set } = open([0n], { more: { kpagetable: table } });
    set(2, { kpagetable: 0x87f80000n });
    const tables = new Tables(guest, guest.machine.harts[0]!);
    const name = (root: bigint, vpn: number, ppn: number | undefined, flags: number) =>
      tables.regions({ root }).nameAt(vpn, ppn, flags).name;
    assert.equal(name(0x87f70000n, 0, 0x87000, 0x1b), 'user text');
    assert.equal(name(0x87fff000n, 0x3fffff9, 0x87000, 7), 'kernel stack of pid 3 (sh)');
    assert.equal(name(0x87fff000n, 0x3fffff8, undefined, 0), 'guard page below the kernel stack of pid 3 (sh)');
    assert.equal(name(0x87fff000n, 0x10000, 0x10000, 7), 'UART');
    assert.equal(name(0x87fff000n, 1, undefined, 0), 'boot ROM (not mapped here)');
    assert.equal(name(0x87f80000n, 1, 0x87123, 0xf), 'user memory of pid 3 (sh)');
  });

  it('are found by the space that goes through them, whatever the harts have in satp', () => {
    const memory = new TestMemory(0x8000000, 0x87000000n);
    const { guest } = open([satpOf(0x87fff000n)], {}, memory);
    memory.map(0x87f70000n, 0x1000n, 0x80100000n, R | W | U);
    const tables = new Tables(guest, guest.machine.harts[0]!);
    const sh = tables.processes.find(({ pid }) => pid === 3)!;
    const user = tables.translation(userSpace(guest, sh), 0x1008n);
    assert.deepEqual([user.root.id, user.root.label, user.mode, user.pa], ['pid:3', 'pid 3 sh', 'U', '0x80100008']);
    const kernel = tables.translation(kernelSpace(guest, sh), 0x1008n);
    assert.deepEqual([kernel.root.id, kernel.mode, kernel.pa], ['kernel', 'S', undefined]);
    const hart = tables.translation(tables.named('satp').space, 0x1008n);
    assert.equal(hart.root.label, 'satp of hart 0 (kernel_pagetable)');
    const other = memory.page();
    memory.map(other, 0x1000n, 0x80200000n, X);
    const unknown = tables.translation(tableSpace(guest, 'table:0x1', other, Mode.Supervisor), 0x1000n);
    assert.deepEqual([unknown.root.label, unknown.pa], [`the table at 0x${other.toString(16)}`, '0x80200000']);
  });

  it('refuse a name that none has, and say why one is not there', () => {
    const { guest } = open([0n]);
    const tables = new Tables(guest, guest.machine.harts[0]!);
    assert.throws(() => tables.named('pid:99'), /no page table "pid:99" now; there are satp, kernel, pid:1, pid:3/);
    assert.match(tables.translation(tables.named('satp').space, 4n).verdict, /MODE is Bare: hart 0 runs without/);
  });
});
