/**
 * For tests: a small guest that does without end all that a schedule must get right. Harts take a lock, with interrupts
 * enabled and disabled; switch page tables whose A and D bits are still to be set; trap; wait in wfi, and in loops for each
 * other; echo what is typed; and write to the disk. Timers, the UART and the disk interrupt them.
 */
import { MemoryMap, Source } from '../../devices/memory-map';
import { Csr } from '../../isa/csrs';
import { PTE } from '../../isa/sv39';
import { Assembler, BASE, R, csrr, csrw, laidOut, toSupervisor } from '../guests';
import { PageTables, RWX } from '../page-tables';

const { zero, t0, t1, t2, t3, a7, s1, s9, s11 } = R;

const TABLES = BASE + 0x10000;
const DATA = BASE + 0x20000;
const SAVE_AREAS = BASE + 0x21000;
const ALIASED = [BASE + 0x24000, BASE + 0x25000] as const;
const DESCRIPTORS = BASE + 0x28000;
const AVAILABLE = DESCRIPTORS + 0x400;
const USED = DESCRIPTORS + 0x800;
const HEADER = BASE + 0x29000;
const SECTOR = BASE + 0x29200;
const STATUS = BASE + 0x29400;
/** Pages of DRAM that are mapped one by one. */
const PAGES = 64;
const ALIAS = 0x4000_0000;
/** A leaf without A and D. */
const PLAIN = PTE.V | PTE.R | PTE.W | PTE.X;
/** A page after which nothing is mapped. */
const LAST = ALIAS + 0x2000;
const TIMER_TICKS = 700;
const PLIC_CLAIM = 0x201004;

/** What a spec may want to write to, or to stop at. */
export interface BusyGuest {
  kernel: Uint8Array;
  /** Addresses of code. */
  code: readonly bigint[];
  /** Physical addresses of words of data, and of leaves of the page tables. */
  data: readonly bigint[];
  leaves: readonly bigint[];
  satps: readonly bigint[];
}

export function busyGuest(): BusyGuest {
  const tables = new PageTables(TABLES);
  const roots = ALIASED.map((page) => {
    const root = tables.table();

    tables.map(root, 0, 0, RWX, 1, 2).map(root, BASE, BASE, PLAIN, PAGES).map(root, ALIAS, page, PLAIN);
    tables.map(root, LAST, page, PLAIN);
    return root;
  });
  const satps = roots.map((root) => tables.satp(root));

  const a = new Assembler();
  csrr(a, s11, Csr.mhartid);
  csrw(a.li(t0, 1n << 63n), Csr.menvcfg, t0);
  csrw(a.li(t0, 7), Csr.mcounteren, t0);
  csrw(a.la(t0, 'machineTrap'), Csr.mtvec, t0);
  toSupervisor(a, satps[0]!);
  setUp(a);
  const lastLeaves = roots.map((root) => tables.entryAt(root, BigInt(LAST), 0));
  mainLoop(a, satps, lastLeaves);
  // On pages of their own, so that entering them sets their A bits.
  a.align(4096);
  trapHandler(a);
  a.align(4096).label('machineTrap');
  csrw(csrr(a, t0, Csr.mepc).op('addi', { rd: t0, rs1: t0, imm: 4 }), Csr.mepc, t0).op('mret');

  const labels = ['loop', 'acquire', 'release', 'switch', 'sleep', 'spin', 'write', 'trap', 'timer', 'external', 'out'];
  const leaves = roots.flatMap((root) =>
    [ALIAS, DATA, BASE, BASE + 0x1000].map((va) => BigInt(tables.entryAt(root, BigInt(va), 0))),
  );
  return {
    kernel: laidOut(a, [TABLES, tables.bytes()], [DESCRIPTORS, descriptors()], [HEADER, Uint8Array.of(1)]),
    code: labels.map((label) => BigInt(a.addressOf(label))),
    data: [DATA, DATA + 8, DATA + 64, ALIASED[0], ALIASED[1], SECTOR, HEADER + 8].map(BigInt),
    leaves,
    satps,
  };
}

/** What each hart does once. */
function setUp(a: Assembler): void {
  csrw(a.la(t0, 'trap'), Csr.stvec, t0);
  a.li(s9, DATA);
  a.li(t0, SAVE_AREAS).op('slli', { rd: t1, rs1: s11, imm: 8 }).op('add', { rd: t0, rs1: t0, rs2: t1 });
  csrw(a, Csr.sscratch, t0);
  a.li(t1, MemoryMap.plic.base + PLIC_CLAIM).op('slli', { rd: t2, rs1: s11, imm: 13 });
  a.op('add', { rd: t1, rs1: t1, rs2: t2 }).op('sd', { rs1: t0, rs2: t1, imm: 32 });
  a.op('sw', { rs1: t1, rs2: zero, imm: -4 });
  a.li(t1, MemoryMap.plic.base).li(t0, 1);
  for (const source of [Source.virtio, Source.uart]) a.op('sw', { rs1: t1, rs2: t0, imm: 4 * source });
  a.li(t1, MemoryMap.plic.base + 0x2080).op('slli', { rd: t2, rs1: s11, imm: 8 });
  a.op('add', { rd: t1, rs1: t1, rs2: t2 }).li(t0, (1 << Source.virtio) | (1 << Source.uart));
  a.op('sw', { rs1: t1, rs2: t0 });
  a.li(t1, MemoryMap.uart.base).li(t0, 1).op('sb', { rs1: t1, rs2: t0, imm: 1 });
  a.to('begin', 'bne', { rs1: s11 });
  a.li(t1, MemoryMap.virtio.base);
  for (const [offset, value] of DISK_SET_UP) a.li(t0, value).op('sw', { rs1: t1, rs2: t0, imm: offset });
  a.label('begin');
  setTimer(a);
  csrw(a.li(t0, 0x222), Csr.sie, t0);
  a.op('csrrsi', { rs1: 2, imm: Csr.sstatus });
}

function mainLoop(a: Assembler, satps: readonly bigint[], lastLeaves: readonly number[]): void {
  a.label('loop').li(s1, ALIAS).op('ld', { rd: t0, rs1: s1 }).op('addi', { rd: t0, rs1: t0, imm: 1 });
  a.op('sd', { rs1: s1, rs2: t0 });
  // Every other time with interrupts disabled.
  a.op('andi', { rd: t1, rs1: t0, imm: 1 }).to('acquire', 'beq', { rs1: t1 });
  a.op('csrrci', { rs1: 2, imm: Csr.sstatus });
  a.label('acquire').li(t0, 1).op('amoswap.w', { rd: t1, rs1: s9, rs2: t0 }).to('acquire', 'bne', { rs1: t1 });
  a.op('ld', { rd: t0, rs1: s9, imm: 8 }).op('addi', { rd: t0, rs1: t0, imm: 1 });
  a.op('sd', { rs1: s9, rs2: t0, imm: 8 });
  a.label('release').op('amoswap.w', { rs1: s9 }).op('csrrsi', { rs1: 2, imm: Csr.sstatus });
  /** What is done at one of so many times. */
  const sometimes = (mask: number, value: number, name: string, work: () => void): void => {
    a.op('andi', { rd: t1, rs1: t0, imm: mask }).op('addi', { rd: t1, rs1: t1, imm: -value });
    a.to(`${name}Done`, 'bne', { rs1: t1 }).label(name);
    work();
    a.label(`${name}Done`);
  };
  sometimes(15, 2, 'switch', () => {
    csrr(a, t1, Csr.satp).li(t2, satps[0]!).to('other', 'bne', { rs1: t1, rs2: t2 }).li(t2, satps[1]!);
    csrw(a.label('other'), Csr.satp, t2).op('sfence.vma');
  });
  sometimes(31, 5, 'break', () => a.op('ebreak'));
  // Sets A in the first of two pages, and then faults in the second.
  sometimes(31, 9, 'fault', () => {
    for (const leaf of lastLeaves) a.li(t1, leaf).li(t2, PLAIN).op('sb', { rs1: t1, rs2: t2 });
    a.li(t1, LAST + 4096 - 4).op('ld', { rd: t2, rs1: t1 });
  });
  sometimes(7, 3, 'sleep', () => a.op('wfi'));
  sometimes(63, 21, 'wait', () => {
    a.op('ld', { rd: t1, rs1: s9, imm: 64 }).label('spin').op('ld', { rd: t2, rs1: s9, imm: 64 });
    a.to('spin', 'beq', { rs1: t1, rs2: t2 });
  });
  sometimes(31, 13, 'write', () => writeSector(a));
  a.to('loop', 'jal');
}

/** Hart 0 writes a sector, unless the last one is still under way. */
function writeSector(a: Assembler): void {
  a.to('written', 'bne', { rs1: s11 }).li(t1, AVAILABLE).op('lhu', { rd: t2, rs1: t1, imm: 2 });
  a.op('lhu', { rd: t3, rs1: t1, imm: USED + 2 - AVAILABLE }).to('written', 'bne', { rs1: t2, rs2: t3 });
  a.li(t1, HEADER).op('srli', { rd: t3, rs1: t0, imm: 5 }).op('andi', { rd: t3, rs1: t3, imm: 7 });
  a.op('sd', { rs1: t1, rs2: t3, imm: 8 }).op('sd', { rs1: t1, rs2: t0, imm: SECTOR - HEADER + 16 });
  a.li(t1, AVAILABLE).op('addi', { rd: t2, rs1: t2, imm: 1 }).op('sh', { rs1: t1, rs2: t2, imm: 2 });
  a.li(t1, MemoryMap.virtio.base).op('sw', { rs1: t1, imm: 0x50 }).label('written');
}

function setTimer(a: Assembler): void {
  csrr(a, t0, Csr.time).li(t1, TIMER_TICKS).op('add', { rd: t0, rs1: t0, rs2: t1 });
  csrw(a, Csr.stimecmp, t0);
}

function trapHandler(a: Assembler): void {
  const swap = (): Assembler => a.op('csrrw', { rd: a7, rs1: a7, imm: Csr.sscratch });
  const saved = [t0, t1, t2, t3];
  const at = (index: number): number => (index < 3 ? index * 8 : 40);
  a.label('trap');
  swap();
  saved.forEach((register, i) => a.op('sd', { rs1: a7, rs2: register, imm: at(i) }));
  csrr(a, t0, Csr.scause).to('interrupt', 'blt', { rs1: t0 });
  csrw(csrr(a, t0, Csr.sepc).op('addi', { rd: t0, rs1: t0, imm: 4 }), Csr.sepc, t0).to('out', 'jal');
  a.label('interrupt').op('andi', { rd: t0, rs1: t0, imm: 15 });
  a.li(t1, 5).to('timer', 'beq', { rs1: t0, rs2: t1 });
  a.li(t1, 9).to('external', 'beq', { rs1: t0, rs2: t1 });
  a.op('csrrci', { rs1: 2, imm: Csr.sip }).to('out', 'jal').label('timer');
  setTimer(a);
  a.li(t1, DATA + 64)
    .li(t0, 1)
    .op('amoadd.d', { rd: zero, rs1: t1, rs2: t0 })
    .to('out', 'jal');
  a.label('external')
    .op('ld', { rd: t1, rs1: a7, imm: 32 })
    .op('lw', { rd: t0, rs1: t1 })
    .to('out', 'beq', { rs1: t0 });
  a.li(t2, Source.uart).to('disk', 'bne', { rs1: t0, rs2: t2 });
  a.li(t2, MemoryMap.uart.base).op('lbu', { rd: t3, rs1: t2 }).op('sb', { rs1: t2, rs2: t3 });
  a.op('sw', { rs1: t1, rs2: t0 }).to('out', 'jal');
  a.label('disk').li(t2, MemoryMap.virtio.base).op('lw', { rd: t3, rs1: t2, imm: 0x60 });
  a.op('sw', { rs1: t2, rs2: t3, imm: 0x64 }).op('sw', { rs1: t1, rs2: t0 });
  a.label('out');
  saved.forEach((register, i) => a.op('ld', { rd: register, rs1: a7, imm: at(i) }));
  swap().op('sret');
}

/** Stores to the transport's registers, as section 3.1.1 of virtio 1.2 has them: a queue of 8, and VERSION_1. */
const DISK_SET_UP: readonly (readonly [offset: number, value: number])[] = [
  ...([1, 3] as const).map((status) => [0x70, status] as const),
  ...([0x24, 0x20] as const).map((register) => [register, 1] as const),
  ...([0x24, 0x20] as const).map((register) => [register, 0] as const),
  ...([[0x70, 11], [0x30, 0], [0x38, 8]] as const), // prettier-ignore
  ...([[0x80, DESCRIPTORS], [0x90, AVAILABLE], [0xa0, USED]] as const), // prettier-ignore
  ...([[0x44, 1], [0x70, 15]] as const), // prettier-ignore
];

/** Header, the sector's bytes, and the status, which the device writes. */
function descriptors(): Uint8Array {
  const view = new DataView(new ArrayBuffer(48));
  const parts = [
    { address: HEADER, length: 16, flags: 1, next: 1 },
    { address: SECTOR, length: 512, flags: 1, next: 2 },
    { address: STATUS, length: 1, flags: 2, next: 0 },
  ];
  parts.forEach(({ address, length, flags, next }, i) => {
    view.setBigUint64(i * 16, BigInt(address), true);
    view.setUint32(i * 16 + 8, length, true);
    view.setUint16(i * 16 + 12, flags, true);
    view.setUint16(i * 16 + 14, next, true);
  });
  return new Uint8Array(view.buffer);
}
