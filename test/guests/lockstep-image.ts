/**
 * A guest that runs many small programs one after another, each from its own initial state (registers, mode, translation),
 * logs every trap, and sends the results over the UART: so one start of an emulator runs them all.
 */
import { PTE as Pte } from '../../emulator/isa/sv39';
import { Csr } from '../../emulator/isa/csrs';
import { Mode } from '../../emulator/types';
import { Assembler } from '../../emulator/testing/assembler';
import { BASE } from '../../emulator/testing/elf';
import { R } from '../../emulator/testing/encode';
import { FUZZ_POINTER, ProgramGenerator, SCRATCH_POINTERS } from './random-program';
import { Random } from '../../emulator/testing/random';

const MIB = 1 << 20;
export const MEMORY = 64 * MIB;
/** Physical addresses of the areas that the programs share. */
const SCRATCH = BASE + 32 * MIB;
const SCRATCH_SIZE = 8192;
/** Mapped by random entries, also by superpages, so nothing else may be in these 2 MiB. */
const FUZZED_PAGES = BASE + 34 * MIB;
const FUZZED_PAGE_COUNT = 20;
const ROOT = BASE + 36 * MIB;
const MIDDLE = ROOT + 0x1000;
const LEAVES = ROOT + 0x2000;
const OUTPUT = BASE + 40 * MIB;
const UART = 0x1000_0000;
const CLINT_TIMECMP = 0x200_4000;
const FINISHER = 0x10_0000;
const MAX_TRAPS = 40;
/** mstatus.FS. */
const FS = 3 << 13;

const LEAF_COUNT = 16;
/** Page-table entries of each program: words of the root, of the middle table and of the leaf table. */
const OWN_ENTRIES = 2 + 2 + LEAF_COUNT;

/** Initial values of the fuzz pointer: in small pages, in superpages, in the high half, and non-canonical addresses. */
const FUZZ_ADDRESSES = [
  ...[0xc000_0000n, 0xc000_0000n, 0xc000_0000n, 0xc01f_6000n, 0xc020_0000n, 0xc040_0000n],
  ...[0x1_0000_0000n + BigInt(FUZZED_PAGES - BASE), 0x40_0000_0000n, 0xffff_ffff_c000_0000n],
];

export interface LockstepProgram {
  seed: number;
  mode: Mode;
  code: Uint8Array;
  /** Where it lies in memory. */
  address: number;
}

export interface TrapRecord {
  mcause: bigint;
  mepc: bigint;
  mtval: bigint;
  mstatus: bigint;
}

export interface ProgramResult {
  traps: TrapRecord[];
  /** By name: x1 to x31, CSRs, f0 to f31, page-table entries, a checksum of the memory it may write. */
  state: Map<string, bigint>;
}

const FINAL_CSRS = (
  [
    ...(['sstatus', 'sie', 'stvec', 'scounteren', 'sscratch', 'sepc', 'scause', 'stval', 'satp'] as const),
    ...(['mie', 'mip', 'mcounteren'] as const),
  ] as const
).map((name) => [name, Csr[name]] as const);

/** Offsets in the frame that mscratch points to. */
const Frame = { t6: 0, t5: 8, t4: 16, t3: 24, header: 32, log: 40, record: 48, trapsLeft: 56 } as const;
/** Offsets in a program's header: x0 to x31, then these. */
const Header = { start: 256, end: 264, mstatus: 272, satp: 280, entries: 288 } as const;
const HEADER_SIZE = Header.entries + 8 * OWN_ENTRIES;

/** A page-table entry: most often sensible, sometimes not. */
function randomEntry(random: Random, level: number): bigint {
  const page = FUZZED_PAGES + 4096 * random.below(FUZZED_PAGE_COUNT);
  // A superpage is aligned to its size.
  const aligned = [page, FUZZED_PAGES, BASE][level]!;
  const target = BigInt(random.chance(80) ? aligned : random.pick([page, page, 0x4_0000]));
  let flags = random.pick([
    Pte.V | Pte.R | Pte.W | Pte.X | Pte.A | Pte.D,
    random.below(256) | Pte.V,
    random.below(256),
  ]);
  if (random.chance(40)) flags ^= Pte.U;
  if (random.chance(30)) flags ^= random.pick([Pte.A, Pte.D, Pte.A | Pte.D]);
  const software = BigInt(random.below(4)) << 8n;
  const reserved = random.chance(3) ? 1n << BigInt(random.between(54, 63)) : 0n;
  return ((target >> 12n) << 10n) | BigInt(flags) | software | reserved;
}

const pointerTo = (table: number): bigint => ((BigInt(table) >> 12n) << 10n) | BigInt(Pte.V);

/** An image with `count` programs, the same for the same seed; and the programs in it. */
export function lockstepImage(seed: number, count: number): { image: Uint8Array; programs: LockstepProgram[] } {
  const a = new Assembler();
  const programs: LockstepProgram[] = [];
  driver(a);
  a.align(8).label('frame');
  for (let i = 0; i < 8; i++) a.double(0n);

  const bodies: { seed: number; mode: Mode; start: number; end: number; random: Random }[] = [];
  for (let i = 0; i < count; i++) {
    const programSeed = seed * 100_003 + i;
    const random = new Random(programSeed);
    const mode = random.pick([Mode.Machine, Mode.Supervisor, Mode.Supervisor, Mode.User]);
    a.align(4);
    if (random.chance(30)) a.half(0x0001);
    const start = a.here;
    new ProgramGenerator(random, mode).program(random.between(15, 50)).forEach((parcel) => a.half(parcel));
    const end = a.here;
    a.op('ecall');
    bodies.push({ seed: programSeed, mode, start, end, random });
  }
  a.align(8).label('headers');
  for (const body of bodies) header(a, body);
  a.label('headersEnd');

  const image = a.image();
  for (const { seed: programSeed, mode, start, end } of bodies)
    programs.push({ seed: programSeed, mode, address: start, code: image.slice(start - BASE, end - BASE) });
  return { image, programs };
}

function header(
  a: Assembler,
  { mode, start, end, random }: { mode: Mode; start: number; end: number; random: Random },
): void {
  const fuzz = mode === Mode.Machine ? 0x1800_0000n : random.pick(FUZZ_ADDRESSES);
  for (let register = 0; register < 32; register++) {
    if ((SCRATCH_POINTERS as readonly number[]).includes(register)) a.double(BigInt(SCRATCH + SCRATCH_SIZE / 2));
    else if (register === FUZZ_POINTER) a.double(fuzz);
    else a.double(random.word());
  }
  a.double(BigInt(start)).double(BigInt(end));
  // MPP, MPIE; FS, SUM, MXR, TVM, TW and TSR at random.
  const floats = random.pick([0, 1, 2, 3, 3, 3]) << 13;
  const status = (mode << 11) | floats | (random.chance(50) ? 1 << 18 : 0) | (random.chance(30) ? 1 << 19 : 0);
  a.double(BigInt(status | (random.chance(10) ? 1 << 20 : 0) | (random.chance(10) ? 1 << 22 : 0)));
  a.double(mode === Mode.Machine && random.chance(50) ? 0n : (8n << 60n) | BigInt(ROOT >>> 12));
  // The root's entry for the image itself is for user or for supervisor mode.
  const user = mode === Mode.User ? Pte.U : 0;
  a.double(((BigInt(BASE) >> 12n) << 10n) | BigInt(Pte.V | Pte.R | Pte.W | Pte.X | Pte.A | Pte.D | user));
  a.double(randomEntry(random, 2));
  for (let i = 0; i < 2; i++) a.double(randomEntry(random, 1));
  for (let i = 0; i < LEAF_COUNT; i++) a.double(randomEntry(random, 0));
}

/** Starts each program, handles its traps, collects its results, and sends them all at the end. */
function driver(a: Assembler): void {
  const { t0, t1, t2, t3, t4, t5, t6, s0 } = R;
  const csrw = (csr: number, rs1: number): unknown => a.op('csrrw', { rs1, imm: csr });
  const { mstatus, medeleg, mideleg, mie, mtvec, mcounteren } = Csr;
  const { mscratch, mepc, mcause, mtval, mip, pmpcfg0, pmpaddr0 } = Csr;

  // An idle second hart makes QEMU execute atomics as such, on which their faults depend.
  a.op('csrrs', { rd: t0, imm: Csr.mhartid }).to('first', 'beq', { rs1: t0 });
  a.label('park').op('wfi').to('park', 'jal').label('first');
  a.li(t0, -1n).op('srli', { rd: t0, rs1: t0, imm: 10 });
  csrw(pmpaddr0, t0);
  a.li(t0, 0x1f);
  csrw(pmpcfg0, t0);
  a.li(t0, CLINT_TIMECMP).li(t1, -1n).op('sd', { rs1: t0, rs2: t1 });
  a.li(t0, ROOT)
    .li(t1, pointerTo(MIDDLE))
    .op('sd', { rs1: t0, rs2: t1, imm: 3 * 8 });
  a.li(t2, 511 * 8)
    .op('add', { rd: t0, rs1: t0, rs2: t2 })
    .op('sd', { rs1: t0, rs2: t1 });
  a.li(t0, MIDDLE).li(t1, pointerTo(LEAVES)).op('sd', { rs1: t0, rs2: t1 });
  a.la(t6, 'frame').la(t0, 'headers').op('sd', { rs1: t6, rs2: t0, imm: Frame.header });
  a.li(t0, OUTPUT).op('sd', { rs1: t6, rs2: t0, imm: Frame.log });

  // s0 is the header from here on.
  a.label('next').la(t6, 'frame').op('ld', { rd: s0, rs1: t6, imm: Frame.header }).la(t0, 'headersEnd');
  a.to('run', 'bltu', { rs1: s0, rs2: t0 }).to('send', 'jal');
  a.label('run').op('ld', { rd: t0, rs1: t6, imm: Frame.log }).op('sd', { rs1: t6, rs2: t0, imm: Frame.record });
  a.op('addi', { rd: t0, rs1: t0, imm: 8 }).op('sd', { rs1: t6, rs2: t0, imm: Frame.log });
  a.li(t0, MAX_TRAPS).op('sd', { rs1: t6, rs2: t0, imm: Frame.trapsLeft });
  // Scratch memory and fuzzed pages have the same initial contents for every program.
  for (const [address, bytes] of [
    [SCRATCH, SCRATCH_SIZE],
    [FUZZED_PAGES, FUZZED_PAGE_COUNT * 4096],
  ] as const) {
    a.li(t0, address)
      .li(t1, address + bytes)
      .li(t2, 0x0123_4567_89ab_cdefn);
    a.label(`fill${address}`).op('sd', { rs1: t0, rs2: t2 }).op('addi', { rd: t0, rs1: t0, imm: 8 });
    a.op('addi', { rd: t2, rs1: t2, imm: 0x111 }).to(`fill${address}`, 'bne', { rs1: t0, rs2: t1 });
  }
  const ownEntries = [ROOT + 2 * 8, ROOT + 4 * 8, MIDDLE + 8, MIDDLE + 16];
  ownEntries.forEach((address, index) => {
    a.op('ld', { rd: t1, rs1: s0, imm: Header.entries + index * 8 })
      .li(t0, address)
      .op('sd', { rs1: t0, rs2: t1 });
  });
  a.li(t0, LEAVES);
  for (let i = 0; i < LEAF_COUNT; i++) {
    a.op('ld', { rd: t1, rs1: s0, imm: Header.entries + (ownEntries.length + i) * 8 }).op('sd', {
      rs1: t0,
      rs2: t1,
      imm: i * 8,
    });
  }
  a.la(t0, 'trap');
  csrw(mtvec, t0);
  csrw(mscratch, t6);
  for (const csr of [medeleg, mideleg, mie, mip, mcounteren, ...FINAL_CSRS.map(([, csr]) => csr)])
    if (csr !== Csr.satp) csrw(csr, 0);
  // Floating-point registers begin with the bits of the integer ones.
  a.li(t0, FS);
  a.op('csrrs', { rs1: t0, imm: mstatus });
  for (let i = 0; i < 32; i++) a.op('fld', { fd: i, rs1: s0, imm: i * 8 });
  csrw(Csr.fcsr, 0);
  a.op('ld', { rd: t0, rs1: s0, imm: Header.satp });
  csrw(Csr.satp, t0);
  a.op('sfence.vma').op('fence.i');
  a.op('ld', { rd: t0, rs1: s0, imm: Header.start });
  csrw(mepc, t0);
  a.op('ld', { rd: t0, rs1: s0, imm: Header.mstatus });
  csrw(mstatus, t0);
  for (let i = 1; i < 32; i++) if (i !== s0) a.op('ld', { rd: i, rs1: s0, imm: i * 8 });
  a.op('ld', { rd: s0, rs1: s0, imm: s0 * 8 }).op('mret');

  const saved: [number, number][] = [
    [t5, Frame.t5],
    [t4, Frame.t4],
    [t3, Frame.t3],
  ];
  a.align(4).label('trap').op('csrrw', { rd: t6, rs1: t6, imm: mscratch });
  for (const [register, imm] of saved) a.op('sd', { rs1: t6, rs2: register, imm });
  a.op('ld', { rd: t5, rs1: t6, imm: Frame.log });
  [mcause, mepc, mtval, mstatus].forEach((csr, index) => {
    a.op('csrrs', { rd: t4, imm: csr }).op('sd', { rs1: t5, rs2: t4, imm: index * 8 });
  });
  a.op('addi', { rd: t5, rs1: t5, imm: 32 }).op('sd', { rs1: t6, rs2: t5, imm: Frame.log });
  // The end: its ecall, too many traps, or a pc that is not in the program.
  a.op('ld', { rd: t4, rs1: t6, imm: Frame.trapsLeft }).op('addi', { rd: t4, rs1: t4, imm: -1 });
  a.op('sd', { rs1: t6, rs2: t4, imm: Frame.trapsLeft }).to('done', 'beq', { rs1: t4 });
  a.op('ld', { rd: t3, rs1: t6, imm: Frame.header }).op('csrrs', { rd: t4, imm: mepc });
  a.op('ld', { rd: t5, rs1: t3, imm: Header.end }).to('done', 'bgeu', { rs1: t4, rs2: t5 });
  a.op('ld', { rd: t5, rs1: t3, imm: Header.start }).to('done', 'bltu', { rs1: t4, rs2: t5 });
  a.op('csrrs', { rd: t5, imm: mcause }).to('interrupt', 'blt', { rs1: t5 });
  a.op('addi', { rd: t3, imm: 12 }).to('done', 'beq', { rs1: t5, rs2: t3 });
  a.op('addi', { rd: t3, imm: 1 }).to('done', 'bgeu', { rs1: t3, rs2: t5 });
  // After the instruction, which has 2 or 4 bytes.
  a.op('lhu', { rd: t5, rs1: t4 }).op('andi', { rd: t5, rs1: t5, imm: 3 }).op('addi', { rd: t4, rs1: t4, imm: 2 });
  a.op('addi', { rd: t3, imm: 3 }).to('short', 'bne', { rs1: t5, rs2: t3 }).op('addi', { rd: t4, rs1: t4, imm: 2 });
  a.label('short');
  csrw(mepc, t4);
  a.to('back', 'jal').label('interrupt');
  csrw(mie, 0);
  a.label('back');
  for (const [register, imm] of saved) a.op('ld', { rd: register, rs1: t6, imm });
  a.op('csrrw', { rd: t6, rs1: t6, imm: mscratch }).op('mret');

  // Write registers, CSRs, entries and a checksum after the traps, and the number of traps before them.
  a.label('done').op('ld', { rd: t5, rs1: t6, imm: Frame.log });
  const put = (register: number): void => {
    a.op('sd', { rs1: t5, rs2: register }).op('addi', { rd: t5, rs1: t5, imm: 8 });
  };
  for (let i = 1; i < t3; i++) put(i);
  for (const imm of [Frame.t3, Frame.t4, Frame.t5]) {
    a.op('ld', { rd: t4, rs1: t6, imm });
    put(t4);
  }
  a.op('csrrs', { rd: t4, imm: mscratch });
  put(t4);
  for (const [, csr] of FINAL_CSRS) {
    a.op('csrrs', { rd: t4, imm: csr });
    put(t4);
  }
  a.li(t4, FS).op('csrrs', { rs1: t4, imm: mstatus }).op('csrrs', { rd: t4, imm: Csr.fcsr });
  put(t4);
  for (let i = 0; i < 32; i++) {
    a.op('fmv.x.d', { rd: t4, fs1: i });
    put(t4);
  }
  for (const address of ownEntries) {
    a.li(t3, address).op('ld', { rd: t4, rs1: t3 });
    put(t4);
  }
  a.li(t3, LEAVES);
  for (let i = 0; i < LEAF_COUNT; i++) {
    a.op('ld', { rd: t4, rs1: t3, imm: i * 8 });
    put(t4);
  }
  a.li(t4, 0).li(t2, 1_000_003);
  for (const [address, bytes] of [
    [SCRATCH, SCRATCH_SIZE],
    [FUZZED_PAGES, FUZZED_PAGE_COUNT * 4096],
  ] as const) {
    a.li(t0, address)
      .li(t1, address + bytes)
      .label(`sum${address}`)
      .op('ld', { rd: t3, rs1: t0 });
    a.op('mul', { rd: t4, rs1: t4, rs2: t2 }).op('xor', { rd: t4, rs1: t4, rs2: t3 });
    a.op('addi', { rd: t0, rs1: t0, imm: 8 }).to(`sum${address}`, 'bne', { rs1: t0, rs2: t1 });
  }
  put(t4);
  a.op('ld', { rd: t3, rs1: t6, imm: Frame.record }).op('ld', { rd: t4, rs1: t6, imm: Frame.trapsLeft });
  a.op('addi', { rd: t0, imm: MAX_TRAPS }).op('sub', { rd: t0, rs1: t0, rs2: t4 }).op('sd', { rs1: t3, rs2: t0 });
  a.op('sd', { rs1: t6, rs2: t5, imm: Frame.log });
  a.op('ld', { rd: t0, rs1: t6, imm: Frame.header }).op('addi', { rd: t0, rs1: t0, imm: HEADER_SIZE });
  a.op('sd', { rs1: t6, rs2: t0, imm: Frame.header }).to('next', 'jal');

  a.label('send').li(t0, OUTPUT).op('ld', { rd: t1, rs1: t6, imm: Frame.log }).li(t2, UART);
  a.label('sendByte').op('lbu', { rd: t3, rs1: t0 }).op('sb', { rs1: t2, rs2: t3 });
  a.label('busy')
    .op('lbu', { rd: t3, rs1: t2, imm: 5 })
    .op('andi', { rd: t3, rs1: t3, imm: 0x20 })
    .to('busy', 'beq', { rs1: t3 });
  a.op('addi', { rd: t0, rs1: t0, imm: 1 }).to('sendByte', 'bne', { rs1: t0, rs2: t1 });
  a.li(t0, FINISHER).li(t1, 0x5555).op('sw', { rs1: t0, rs2: t1 });
  a.label('stop').to('stop', 'jal');
}

/** Parses the bytes that the guest sent. */
export function parseResults(bytes: Uint8Array, count: number): ProgramResult[] {
  const words = new BigUint64Array(bytes.slice(0, bytes.length & ~7).buffer);
  let next = 0;
  const take = (): bigint => {
    if (next >= words.length) throw new Error(`the guest sent ${words.length} words only`);
    return words[next++]!;
  };
  return Array.from({ length: count }, () => {
    const traps = Array.from({ length: Number(take()) }, () => ({
      mcause: take(),
      mepc: take(),
      mtval: take(),
      mstatus: take(),
    }));
    const names = [
      ...Array.from({ length: 31 }, (_, i) => `x${i + 1}`),
      ...FINAL_CSRS.map(([name]) => name),
      'fcsr',
      ...Array.from({ length: 32 }, (_, i) => `f${i}`),
      ...Array.from({ length: OWN_ENTRIES }, (_, i) => `entry ${i}`),
      'checksum',
    ];
    return { traps, state: new Map(names.map((name) => [name, take()])) };
  });
}
