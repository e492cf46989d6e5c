/**
 * For tests and measurements: a guest whose harts take one lock over and over, and that tells how fair that was. It measures
 * by itself, so that it says the same of any machine.
 */
import { Csr } from '../isa/csrs';
import { Assembler, BASE, R, csrr, laidOut, powerOff, times } from './guests';

const { zero, s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, t0, t1, t2, a0, a1 } = R;

const LOCK = BASE + 0x1000;
/** Acquisitions by all harts. */
const TOTAL = BASE + 0x1040;
const READY = BASE + 0x1080;
const DONE = BASE + 0x10c0;
const RECORDS = BASE + 0x1100;
const UART = 0x1000_0000;

/** Instructions of a pass of the loop inside the lock, and outside. */
const INSIDE = 16;
const OUTSIDE = 48;

/** Ways to wait for the lock; s1 is its address. */
export const ACQUIRE = {
  /** As xv6's acquire. */
  amoswap: (a: Assembler) =>
    a.li(t1, 1).label('try').op('amoswap.w', { rd: t0, rs1: s1, rs2: t1 }).to('try', 'bne', { rs1: t0 }),
  /** As that of a lock lab, which counts how often it is tried. */
  'amoswap and a count': (a: Assembler) =>
    a
      .li(t1, 1)
      .label('try')
      .op('addi', { rd: a1, rs1: a1, imm: 1 })
      .op('amoswap.w', { rd: t0, rs1: s1, rs2: t1 })
      .to('try', 'bne', { rs1: t0 }),
  /** As C's atomic_compare_exchange in a loop. */
  'lr/sc': (a: Assembler) =>
    a
      .li(t1, 1)
      .label('try')
      .op('lr.w', { rd: t0, rs1: s1 })
      .to('try', 'bne', { rs1: t0 })
      .op('sc.w', { rd: t0, rs1: s1, rs2: t1 })
      .to('try', 'bne', { rs1: t0 }),
} as const;

export type LockKind = keyof typeof ACQUIRE;
export const LOCK_KINDS = Object.keys(ACQUIRE) as LockKind[];

/** Harts take the lock until they have done so `total` times together; then hart 0 prints what `fairnessOf` reads. */
export function contendedLock(kind: LockKind, harts: number, total: number): Uint8Array {
  const a = new Assembler();
  csrr(a, s0, Csr.mhartid).li(s1, LOCK).li(s2, TOTAL).li(s4, total).li(s9, harts);
  a.op('slli', { rd: s3, rs1: s0, imm: 5 }).li(t0, RECORDS).op('add', { rd: s3, rs1: s3, rs2: t0 });
  const meet = (word: number, name: string): Assembler =>
    a
      .li(a0, word)
      .li(t0, 1)
      .op('amoadd.w', { rs1: a0, rs2: t0 })
      .label(name)
      .op('lw', { rd: t0, rs1: a0 })
      .to(name, 'bne', { rs1: t0, rs2: s9 });
  const most = (register: number, value: number, name: string): Assembler =>
    a.to(name, 'bgeu', { rs1: register, rs2: value }).op('addi', { rd: register, rs1: value }).label(name);
  meet(READY, 'ready');
  // s5: total behind its last acquisition. s6: acquisitions. s7: of others while it waited, at most. s8: its longest wait.
  a.label('again');
  csrr(a, s10, Csr.time);
  ACQUIRE[kind](a);
  csrr(a, t0, Csr.time).op('sub', { rd: t0, rs1: t0, rs2: s10 });
  most(s8, t0, 'wait');
  a.op('ld', { rd: t1, rs1: s2 }).op('sub', { rd: t2, rs1: t1, rs2: s5 });
  most(s7, t2, 'others').to('full', 'bgeu', { rs1: t1, rs2: s4 });
  a.op('addi', { rd: s5, rs1: t1, imm: 1 }).op('sd', { rs1: s2, rs2: s5 }).op('addi', { rd: s6, rs1: s6, imm: 1 });
  times(a, t0, INSIDE / 2, 'inside', () => undefined);
  a.op('fence').op('amoswap.w', { rs1: s1 });
  times(a, t0, OUTSIDE / 2, 'outside', () => undefined);
  a.to('again', 'jal').label('full').op('fence').op('amoswap.w', { rs1: s1 });
  [s6, s7, s8].forEach((register, index) => a.op('sd', { rs1: s3, rs2: register, imm: index * 8 }));
  a.op('fence');
  meet(DONE, 'done').label('park').to('park', 'bne', { rs1: s0 });
  // Hart 0 prints the low words of all records in hexadecimal.
  a.li(s1, UART).li(s2, RECORDS).li(s3, 10);
  times(a, s0, harts, 'record', () => {
    for (const index of [0, 1, 2]) {
      a.op('ld', { rd: s4, rs1: s2, imm: index * 8 });
      a.li(s5, 28)
        .label(`digit${index}`)
        .op('srl', { rd: t0, rs1: s4, rs2: s5 })
        .op('andi', { rd: t0, rs1: t0, imm: 15 });
      a.to(`decimal${index}`, 'bltu', { rs1: t0, rs2: s3 }).op('addi', { rd: t0, rs1: t0, imm: 39 });
      a.label(`decimal${index}`).op('addi', { rd: t0, rs1: t0, imm: 48 }).op('sb', { rs1: s1, rs2: t0 });
      a.op('addi', { rd: s5, rs1: s5, imm: -4 }).to(`digit${index}`, 'bge', { rs1: s5, rs2: zero });
      a.li(t0, 10).op('sb', { rs1: s1, rs2: t0 });
    }
    a.op('addi', { rd: s2, rs1: s2, imm: 32 });
  });
  return laidOut(powerOff(a));
}

export interface Fairness {
  /** Acquisitions of each hart. */
  readonly acquisitions: readonly number[];
  /** How often others took the lock, at most, from one acquisition of a hart to its next. */
  readonly others: number;
  /** The longest wait for the lock, in ticks of the guest's clock: 100 ns. */
  readonly ticks: number;
}

/** What the guest has printed. Throws an Error if it is not that. */
export function fairnessOf(output: string, harts: number): Fairness {
  const words = output
    .trim()
    .split(/\s+/)
    .map((word) => parseInt(word, 16));
  if (words.length !== harts * 3 || words.some(Number.isNaN)) throw new Error(`not of ${harts} harts: ${output}`);
  const column = (index: number): number[] => words.filter((_, at) => at % 3 === index);
  return { acquisitions: column(0), others: Math.max(...column(1)), ticks: Math.max(...column(2)) };
}
