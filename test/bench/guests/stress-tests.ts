/**
 * Stress tests: guests that measure frequent operations of a kernel: page faults, system calls, context switches, reads of
 * the disk. Each does a fixed number of them and powers off; the code is the same for every emulator.
 */
import { Csr } from '../../../emulator/isa/csrs';
import {
  Assembler,
  BASE,
  R,
  call,
  csrr,
  csrw,
  laidOut,
  powerOff,
  ret,
  times,
  toSupervisor,
} from '../../../emulator/testing/guests';
import { PTE } from '../../../emulator/isa/sv39';
import { PageTables, RWX } from '../../../emulator/testing/page-tables';

const TABLES = BASE + 0x10_0000;
/** Pages that the handler maps at page faults. */
const POOL = BASE + 0x40_0000;
const FRAME = BASE + 0x20_0000;
const CONTEXTS = BASE + 0x21_0000;
/** Addresses of user code and of its data. */
const USER = 0x4000_0000;
const DATA = 0x4020_0000;
const KERNEL = RWX & ~PTE.U;

const { zero, ra, sp, s0, s1, s2, s3, s4, s5, t0, t1, t2, t3, a0, a1 } = R;

/** An address space: an identity map of devices and memory for the kernel, and the user's page of code. */
function space(all: PageTables, user: number): number {
  const root = all.table();
  all.map(root, 0, 0, KERNEL, 1, 2).map(root, BASE, BASE, KERNEL, 1, 2);
  return all.map(root, USER, user, PTE.V | PTE.R | PTE.X | PTE.U | PTE.A) && root;
}

/** Page of the user's code: its address must be known before it is assembled. */
const USER_PAGE = BASE + 0x1000;

/** Saves all registers in a frame that sscratch points to, as xv6's trampoline does. */
function saveAll(a: Assembler): void {
  a.op('csrrw', { rd: a0, rs1: a0, imm: Csr.sscratch });
  for (let x = 1; x < 32; x++) if (x !== a0) a.op('sd', { rs1: a0, rs2: x, imm: x * 8 });
  csrr(a, t0, Csr.sscratch).op('sd', { rs1: a0, rs2: t0, imm: a0 * 8 });
  csrr(a, t0, Csr.sepc).op('sd', { rs1: a0, rs2: t0 });
  csrw(a, Csr.sscratch, a0);
}
function restoreAll(a: Assembler): void {
  csrr(a, a0, Csr.sscratch).op('ld', { rd: t0, rs1: a0 });
  csrw(a, Csr.sepc, t0);
  for (let x = 1; x < 32; x++) if (x !== a0) a.op('ld', { rd: x, rs1: a0, imm: x * 8 });
  a.op('ld', { rd: a0, rs1: a0, imm: a0 * 8 }).op('sret');
}

/** A kernel that enters user code, with a handler for its traps: ecall ends in `system`, anything else in `fault`. */
function withUser(
  system: (a: Assembler) => void,
  fault: (a: Assembler) => void,
  user: (a: Assembler) => void,
): Uint8Array {
  const all = new PageTables(TABLES);
  const root = space(all, USER_PAGE);
  const leaves = all.entryAt(root, BigInt(DATA), 0);
  const a = new Assembler();
  csrw(toSupervisor(a, all.satp(root)).la(t0, 'handler'), Csr.stvec, t0);
  csrw(a.li(t0, FRAME), Csr.sscratch, t0);
  csrw(a.li(t0, USER), Csr.sepc, t0);
  a.li(t0, 0x100).op('csrrc', { rs1: t0, imm: Csr.sstatus }).op('sret');
  a.align(4).label('handler');
  saveAll(a);
  csrr(a, t0, Csr.scause).li(t1, 8).li(s0, leaves);
  a.to('fault', 'bne', { rs1: t0, rs2: t1 });
  system(a);
  // Continue after the ecall.
  csrr(a, a0, Csr.sscratch).op('ld', { rd: t0, rs1: a0 }).op('addi', { rd: t0, rs1: t0, imm: 4 });
  a.op('sd', { rs1: a0, rs2: t0 }).to('back', 'jal').label('fault');
  fault(a);
  a.label('back');
  restoreAll(a);
  a.align(4096);
  if (a.here !== USER_PAGE) throw new Error(`user code is at ${a.here.toString(16)}`);
  user(a);
  return laidOut(a, [TABLES, all.bytes()]);
}

/** Ends the guest when the user calls with a0 = 1. */
const exitIfAsked = (a: Assembler): void => {
  csrr(a, t0, Csr.sscratch)
    .op('ld', { rd: t0, rs1: t0, imm: a0 * 8 })
    .to('stays', 'beq', { rs1: t0 });
  powerOff(a);
  a.label('stays');
};
const exit = (a: Assembler): Assembler => a.li(a0, 1).op('ecall');

const PAGES = 256;

/** Touches pages that the handler then maps; a system call unmaps them all. */
function pageFaults(rounds: number): Uint8Array {
  const mapped = PTE.V | PTE.R | PTE.W | PTE.U | PTE.A | PTE.D;
  return withUser(
    (a) => {
      exitIfAsked(a);
      a.li(t2, DATA).li(t3, 0x1000);
      times(a, t0, PAGES, 'unmap', () => {
        a.op('sd', { rs1: s0, rs2: zero }).op('sfence.vma', { rs1: t2 });
        a.op('addi', { rd: s0, rs1: s0, imm: 8 }).op('add', { rd: t2, rs1: t2, rs2: t3 });
      });
    },
    (a) => {
      // The entry for stval: the page of the pool with the same number, whose start is cleared first.
      csrr(a, t0, Csr.stval).li(t1, DATA).op('sub', { rd: t1, rs1: t0, rs2: t1 });
      a.op('srli', { rd: t1, rs1: t1, imm: 12 }).op('slli', { rd: t2, rs1: t1, imm: 12 }).li(t3, POOL);
      a.op('add', { rd: t2, rs1: t2, rs2: t3 });
      for (let at = 0; at < 64; at += 8) a.op('sd', { rs1: t2, rs2: zero, imm: at });
      a.op('srli', { rd: t2, rs1: t2, imm: 2 }).op('ori', { rd: t2, rs1: t2, imm: mapped });
      a.op('slli', { rd: t1, rs1: t1, imm: 3 }).op('add', { rd: t1, rs1: t1, rs2: s0 });
      a.op('sd', { rs1: t1, rs2: t2 }).op('sfence.vma', { rs1: t0 });
    },
    (a) => {
      times(a, s1, rounds, 'round', () => {
        a.li(t0, DATA).li(t1, 0x1000);
        times(a, s2, PAGES, 'touch', () => a.op('sd', { rs1: t0, rs2: s2 }).op('add', { rd: t0, rs1: t0, rs2: t1 }));
        a.li(a0, 0).op('ecall');
      });
      exit(a);
    },
  );
}

/** Calls the system, which does next to nothing. */
const systemCalls = (count: number): Uint8Array =>
  withUser(
    exitIfAsked,
    (a) => powerOff(a, 1),
    (a) => {
      times(a, s1, count, 'again', () => a.li(a0, 0).op('ecall'));
      exit(a);
    },
  );

const CONTEXT = [ra, sp, ...[s0, s1, s2, s3, s4, s5], R.s6, R.s7, R.s8, R.s9, R.s10, R.s11];

/** Two threads with their own address spaces switch to each other: registers, satp, a fence, a word of their data. */
function switches(count: number): Uint8Array {
  const all = new PageTables(TABLES);
  const roots = [0, 1].map((index) => {
    const root = space(all, USER_PAGE);
    all.map(root, DATA, POOL + index * 0x1000, KERNEL);
    return root;
  });
  const a = new Assembler();
  toSupervisor(a, all.satp(roots[0]!)).li(s5, DATA);
  // The second thread starts where the first one continues after its first switch.
  a.li(t0, CONTEXTS + 256)
    .la(t1, 'thread')
    .op('sd', { rs1: t0, rs2: t1 });
  const place = (register: number): number => CONTEXT.indexOf(register) * 8;
  a.op('sd', { rs1: t0, rs2: s5, imm: place(s5) });
  const known: [number, bigint][] = [
    [s1, BigInt(CONTEXTS)],
    [s2, BigInt(CONTEXTS + 256)],
    [s3, all.satp(roots[1]!)],
    [s4, BigInt(count)],
  ];
  const swapped = [known[1]![1], known[0]![1], all.satp(roots[0]!), BigInt(count)];
  known.forEach(([register, value], index) => {
    a.li(register, value)
      .li(t1, swapped[index]!)
      .op('sd', { rs1: t0, rs2: t1, imm: place(register) });
  });
  a.label('thread')
    .op('ld', { rd: t0, rs1: s5 })
    .op('addi', { rd: t0, rs1: t0, imm: 1 })
    .op('sd', { rs1: s5, rs2: t0 });
  csrw(a.op('addi', { rd: a0, rs1: s1 }).op('addi', { rd: a1, rs1: s2 }), Csr.satp, s3).op('sfence.vma');
  call(a, 'switch').op('addi', { rd: s4, rs1: s4, imm: -1 }).to('thread', 'bne', { rs1: s4 });
  powerOff(a);
  a.label('switch');
  CONTEXT.forEach((register) => a.op('sd', { rs1: a0, rs2: register, imm: place(register) }));
  CONTEXT.forEach((register) => a.op('ld', { rd: register, rs1: a1, imm: place(register) }));
  ret(a);
  return laidOut(a, [TABLES, all.bytes()]);
}

const VIRTIO = 0x1000_1000;
const PLIC = 0x0c00_0000;
const QUEUE = BASE + 0x30_0000;
const [DESCRIPTORS, AVAILABLE, USED, REQUEST] = [QUEUE, QUEUE + 0x1000, QUEUE + 0x2000, QUEUE + 0x3000];
const ENTRIES = 8;
const BLOCK = 1024;
export const DISK_BYTES = 1 << 20;

/** Reads blocks of the disk one after another, waiting for the interrupt of each (virtio 1.2, sections 2.7, 4.2 and 5.2). */
function blockReads(count: number): Uint8Array {
  const a = new Assembler();
  const put = (offset: number, value: number): void => void a.li(t1, value).op('sw', { rs1: s0, rs2: t1, imm: offset });
  a.li(s0, VIRTIO);
  for (const status of [0, 1, 3]) put(0x70, status);
  // Negotiate no features.
  for (const [offset, value] of [
    [0x24, 0],
    [0x20, 0],
    [0x70, 11],
    [0x30, 0],
    [0x38, ENTRIES],
    [0x80, DESCRIPTORS],
    [0x84, 0],
    [0x90, AVAILABLE],
    [0x94, 0],
    [0xa0, USED],
    [0xa4, 0],
    [0x44, 1],
    [0x70, 15],
  ] as const)
    put(offset, value);
  // Header, data and status: written once, except for the sector.
  const descriptors = [
    [REQUEST, 16, 1, 1],
    [POOL, BLOCK, 1 | 2, 2],
    [REQUEST + 16, 1, 2, 0],
  ] as const;
  a.li(t0, DESCRIPTORS);
  for (const [at, length, flags, next] of descriptors) {
    a.li(t1, at).op('sd', { rs1: t0, rs2: t1 }).li(t1, length).op('sw', { rs1: t0, rs2: t1, imm: 8 });
    a.li(t1, flags | (next << 16))
      .op('sw', { rs1: t0, rs2: t1, imm: 12 })
      .op('addi', { rd: t0, rs1: t0, imm: 16 });
  }
  // Enable source 1 for hart 0's M-mode: it becomes pending, which ends wfi, but is never taken.
  a.li(t0, PLIC).li(t1, 1).op('sw', { rs1: t0, rs2: t1, imm: 4 });
  a.li(t2, PLIC + 0x2000)
    .li(t1, 2)
    .op('sw', { rs1: t2, rs2: t1 })
    .li(s5, PLIC + 0x20_0000)
    .op('sw', { rs1: s5, rs2: zero });
  csrw(a.li(t1, 0x800), Csr.mie, t1);
  a.li(s1, AVAILABLE).li(s2, USED).li(s3, REQUEST).li(s4, 0);
  times(a, R.s6, count, 'again', () => {
    a.op('andi', { rd: t0, rs1: s4, imm: DISK_BYTES / BLOCK - 1 }).op('slli', { rd: t0, rs1: t0, imm: 1 });
    a.op('sd', { rs1: s3, rs2: t0, imm: 8 });
    // All ring entries name descriptor 0, as they are zero from the start.
    a.op('addi', { rd: s4, rs1: s4, imm: 1 }).op('fence').op('sh', { rs1: s1, rs2: s4, imm: 2 }).op('fence');
    a.op('sw', { rs1: s0, rs2: zero, imm: 0x50 });
    a.label('wait').op('wfi').op('fence').op('lhu', { rd: t0, rs1: s2, imm: 2 });
    a.op('slli', { rd: t1, rs1: s4, imm: 48 }).op('srli', { rd: t1, rs1: t1, imm: 48 });
    a.to('wait', 'bne', { rs1: t0, rs2: t1 });
    a.op('lw', { rd: t0, rs1: s0, imm: 0x60 }).op('sw', { rs1: s0, rs2: t0, imm: 0x64 });
    a.op('lw', { rd: t0, rs1: s5, imm: 4 }).op('sw', { rs1: s5, rs2: t0, imm: 4 });
  });
  // The last status byte says whether the reads succeeded.
  a.op('lbu', { rd: t0, rs1: s3, imm: 16 }).to('failed', 'bne', { rs1: t0 });
  powerOff(a);
  a.label('failed');
  powerOff(a, 1);
  return laidOut(a);
}

export interface StressTest {
  name: string;
  /** The number of operations. */
  count: number;
  kernel: Uint8Array;
  disk: boolean;
}

/** `scale` multiplies the work. */
export function stressTests(scale: number): StressTest[] {
  const test = (
    name: string,
    each: number,
    most: number,
    make: (n: number) => Uint8Array,
    disk = false,
  ): StressTest => {
    const n = Math.max(1, Math.round(most * scale));
    return { name, count: n * each, kernel: make(n), disk };
  };
  return [
    test('page faults', PAGES, 2000, pageFaults),
    test('system calls', 1, 1_000_000, systemCalls),
    test('context switches', 2, 500_000, switches),
    test('block reads', 1, 20_000, blockReads, true),
  ];
}
