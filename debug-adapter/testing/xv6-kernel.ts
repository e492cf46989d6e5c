/** A guest kernel for tests: types and data written by hand, with members in an order that no real kernel has. */
import type { EnumType, RecordType, Type } from '../symbols/api';
import * as C from '../expressions/types';
import { arrayOf, layOut, struct, TestProgram, typedef } from './program';
import { X_NAMES } from '../../emulator/isa/registers';

export const PROC = 0x80010000n;
export const CPUS = 0x80018000n;
export const KERNEL_PAGETABLE = 0x80018800n;
export const TRAPFRAME = 0x80019000n;
export const BOOT_STACKS = { start: 0x8001a000n, end: 0x8001e000n };

export interface Options {
  /** What the member that points to the trap frame is called. */
  trapframe?: string;
  /** Leaves these members out of struct proc. */
  without?: string[];
  /** More members of struct proc. */
  more?: Record<string, Type>;
}

export function guestKernel({ trapframe = 'trapframe', without = [], more = {} }: Options = {}) {
  const program = new TestProgram();
  const uint64 = typedef('uint64', C.UNSIGNED_LONG);
  const pagetable = typedef('pagetable_t', C.pointerTo(uint64));
  const state: EnumType = {
    kind: 'enum',
    name: 'procstate',
    size: 4,
    signed: false,
    values: ['UNUSED', 'USED', 'SLEEPING', 'RUNNABLE', 'RUNNING', 'ZOMBIE'].map((name, i) => ({
      name,
      value: BigInt(i),
    })),
  };
  const frame = struct(
    'trapframe',
    Object.fromEntries(['kernel_satp', 'epc', ...X_NAMES.slice(1)].map((name) => [name, uint64])),
  );
  const context = struct('context', { sp: uint64, ra: uint64, s0: uint64 });
  const proc: RecordType = { kind: 'struct', name: 'proc', size: 0, complete: true, members: [] };
  const members: Record<string, Type> = {
    name: arrayOf(C.CHAR, 16),
    pid: C.INT,
    state,
    chan: C.pointerTo(C.VOID),
    parent: C.pointerTo(proc),
    kstack: uint64,
    pagetable,
    sz: uint64,
    [trapframe]: C.pointerTo(frame),
    context,
    ...more,
  };
  for (const name of without) delete members[name];
  layOut(proc, members);
  const cpu = struct('cpu', { noff: C.INT, proc: C.pointerTo(proc) });
  program.addGlobal('proc', arrayOf(proc, 8), PROC);
  program.addGlobal('cpus', arrayOf(cpu, 4), CPUS);
  program.addGlobal('kernel_pagetable', pagetable, KERNEL_PAGETABLE);
  program.addFunction('panic', 0x80000500n, 0x80000540n, undefined);
  ['userret', 'kernelvec'].forEach((name, index) =>
    program.addFunction(name, 0x80000600n + BigInt(64 * index), 0x80000640n + BigInt(64 * index), undefined),
  );
  program.addSymbol('stack0', BOOT_STACKS.start, BOOT_STACKS.end - BOOT_STACKS.start, 'object');

  const at = (slot: number, member: string) =>
    PROC + BigInt(slot * proc.size) + BigInt(C.findMember(proc, member)!.offset);
  const set = (slot: number, values: Record<string, bigint | string>) => {
    for (const [member, value] of Object.entries(values)) {
      const found = C.findMember(proc, member);
      if (found) program.poke(at(slot, member), value, C.sizeOf(found.member.type));
    }
  };
  set(0, { name: 'init', pid: 1n, state: 2n, chan: PROC, kstack: 0x3fffffd000n, pagetable: 0x87f60000n, sz: 0x3000n });
  set(2, {
    name: 'sh',
    pid: 3n,
    state: 4n,
    parent: PROC,
    kstack: 0x3fffff9000n,
    pagetable: 0x87f70000n,
    sz: 0x4000n,
    [trapframe]: TRAPFRAME,
  });
  if (!without.includes('context')) {
    program.poke(at(0, 'context'), 0x3fffffdf80n);
    program.poke(at(0, 'context') + 8n, 0x80001234n);
  }
  program.poke(CPUS + 16n + 8n, PROC + BigInt(2 * proc.size));
  program.poke(KERNEL_PAGETABLE, 0x87fff000n);
  program.poke(TRAPFRAME + 8n, 0x1000n);
  program.poke(TRAPFRAME + 8n * 3n, 0x3fe0n);
  return { program, proc, set };
}
