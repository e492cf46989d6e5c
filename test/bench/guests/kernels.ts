/** Small guests for measuring: each does a fixed amount of work in M-mode and powers off. */
import { Csr } from '../../../emulator/isa/csrs';
import { Assembler, BASE, R, elf, powerOff } from '../../../emulator/testing/guests';

const MIB = 1 << 20;
const DATA = BASE + 8 * MIB;

const { zero, ra, sp, s0, s1, s2, s3, t0, t1, t2, t3, a0 } = R;

function guest(work: (a: Assembler) => void): Uint8Array {
  const a = new Assembler();
  // Other harts do nothing.
  a.op('csrrs', { rd: t0, imm: 0xf14 }).to('begin', 'beq', { rs1: t0 });
  a.label('park').op('wfi').to('park', 'jal').label('begin');
  work(a);
  powerOff(a);
  return elf(a.image());
}

/** Repeats `work` `count` times; s0 counts. */
function times(a: Assembler, count: number, work: () => void): void {
  a.li(s0, Math.max(1, Math.round(count))).label('again');
  work();
  a.op('addi', { rd: s0, rs1: s0, imm: -1 }).to('again', 'bne', { rs1: s0 });
}

/** Fills pages byte by byte, as xv6's memset does. */
const memset = (scale: number): Uint8Array =>
  guest((a) =>
    times(a, 4000 * scale, () => {
      a.li(t0, DATA)
        .li(t1, DATA + MIB / 4)
        .li(t2, 5);
      a.label('fill').op('sb', { rs1: t0, rs2: t2 }).op('addi', { rd: t0, rs1: t0, imm: 1 });
      a.to('fill', 'bne', { rs1: t0, rs2: t1 });
    }),
  );

/** Adds up words. */
const checksum = (scale: number): Uint8Array =>
  guest((a) =>
    times(a, 50_000 * scale, () => {
      a.li(t0, DATA).li(t1, DATA + 64 * 1024);
      a.label('sum').op('ld', { rd: t2, rs1: t0 }).op('add', { rd: a0, rs1: a0, rs2: t2 });
      a.op('addi', { rd: t0, rs1: t0, imm: 8 }).to('sum', 'bne', { rs1: t0, rs2: t1 });
    }),
  );

/** Insertion sort of pseudo-random words: branches that depend on data. */
const sort = (scale: number): Uint8Array =>
  guest((a) => {
    const count = 1000;
    a.li(s3, 6364136223846793005n).li(s2, 1);
    times(a, 800 * scale, () => {
      a.li(t0, DATA).li(t1, DATA + count * 8);
      a.label('random').op('mul', { rd: s2, rs1: s2, rs2: s3 }).op('addi', { rd: s2, rs1: s2, imm: 1442 });
      a.op('srli', { rd: t2, rs1: s2, imm: 33 }).op('sd', { rs1: t0, rs2: t2 });
      a.op('addi', { rd: t0, rs1: t0, imm: 8 }).to('random', 'bne', { rs1: t0, rs2: t1 });
      a.li(s1, DATA + 8);
      a.label('insert').op('ld', { rd: t2, rs1: s1 }).op('addi', { rd: t0, rs1: s1 });
      a.li(t3, DATA);
      a.label('shift').op('ld', { rd: a0, rs1: t0, imm: -8 }).to('place', 'bgeu', { rs1: t2, rs2: a0 });
      a.op('sd', { rs1: t0, rs2: a0 })
        .op('addi', { rd: t0, rs1: t0, imm: -8 })
        .to('shift', 'bne', { rs1: t0, rs2: t3 });
      a.label('place').op('sd', { rs1: t0, rs2: t2 }).op('addi', { rd: s1, rs1: s1, imm: 8 });
      a.to('insert', 'bne', { rs1: s1, rs2: t1 });
    });
  });

/** Fibonacci numbers by calls. */
const recursion = (scale: number): Uint8Array =>
  guest((a) => {
    times(a, 64 * scale, () => {
      a.op('addi', { rd: R.s4, rs1: s0 })
        .li(sp, DATA + MIB)
        .li(a0, 27)
        .to('fibonacci', 'jal', { rd: ra });
      a.op('addi', { rd: s0, rs1: R.s4 });
    });
    a.to('done', 'jal');
    a.label('fibonacci').li(t0, 2).to('more', 'bgeu', { rs1: a0, rs2: t0 }).op('jalr', { rd: zero, rs1: ra });
    a.label('more').op('addi', { rd: sp, rs1: sp, imm: -32 }).op('sd', { rs1: sp, rs2: ra, imm: 24 });
    a.op('sd', { rs1: sp, rs2: s0, imm: 16 }).op('sd', { rs1: sp, rs2: s1, imm: 8 }).op('addi', { rd: s0, rs1: a0 });
    a.op('addi', { rd: a0, rs1: s0, imm: -1 }).to('fibonacci', 'jal', { rd: ra }).op('addi', { rd: s1, rs1: a0 });
    a.op('addi', { rd: a0, rs1: s0, imm: -2 })
      .to('fibonacci', 'jal', { rd: ra })
      .op('add', { rd: a0, rs1: a0, rs2: s1 });
    a.op('ld', { rd: ra, rs1: sp, imm: 24 })
      .op('ld', { rd: s0, rs1: sp, imm: 16 })
      .op('ld', { rd: s1, rs1: sp, imm: 8 });
    a.op('addi', { rd: sp, rs1: sp, imm: 32 }).op('jalr', { rd: zero, rs1: ra });
    a.label('done');
  });

/** Adds up products of the doubles in a table: with a multiplication and an addition each, or both at once. */
const products = (scale: number, fused: boolean): Uint8Array =>
  guest((a) => {
    const count = 4096;
    a.li(t0, 0x6000).op('csrrs', { rs1: t0, imm: Csr.mstatus }).li(t2, 3);
    a.op('fcvt.d.w', { fd: 2, rs1: t2, rm: 0 }).li(t2, 10).op('fcvt.d.w', { fd: 3, rs1: t2, rm: 0 });
    // 0.3, 0.6 and so on: nothing of it is exact.
    a.op('fdiv.d', { fd: 3, fs1: 2, fs2: 3 }).op('fmv.d.x', { fd: 1 });
    a.li(t0, DATA)
      .li(t1, DATA + 8 * count)
      .label('table')
      .op('fadd.d', { fd: 1, fs1: 1, fs2: 3 });
    a.op('fsd', { rs1: t0, fs2: 1 }).op('addi', { rd: t0, rs1: t0, imm: 8 }).to('table', 'bne', { rs1: t0, rs2: t1 });
    times(a, 10_000 * scale, () => {
      a.li(t0, DATA).op('fmv.d.x', { fd: 0 }).label('sum').op('fld', { fd: 1, rs1: t0 });
      if (fused) a.op('fmadd.d', { fd: 0, fs1: 1, fs2: 3, fs3: 0 });
      else a.op('fmul.d', { fd: 1, fs1: 1, fs2: 3 }).op('fadd.d', { fd: 0, fs1: 0, fs2: 1 });
      a.op('addi', { rd: t0, rs1: t0, imm: 8 }).to('sum', 'bne', { rs1: t0, rs2: t1 });
    });
  });

/** The kernels by name. `scale` multiplies the work. */
export const kernels = (scale: number): Readonly<Record<string, Uint8Array>> => ({
  'memset loop': memset(scale),
  'load checksum': checksum(scale),
  'sort with data-dependent branches': sort(scale),
  recursion: recursion(scale),
  'sums of products': products(scale, false),
  'fused sums of products': products(scale, true),
});

/** Powers off at once: measures the emulator's start and end. */
export const NOTHING = guest(() => undefined);

/** Writes a byte to the UART and runs forever: shows when the first instructions run. */
export const FIRST_BYTE = guest((a) => {
  a.li(t0, 0x1000_0000).li(t1, 33).op('sb', { rs1: t0, rs2: t1 }).label('stay').to('stay', 'jal');
});
