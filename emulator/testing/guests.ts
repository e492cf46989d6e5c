/** For tests and measurements: what small guests of several pages have in common. */
import { Csr } from '../isa/csrs';
import { Assembler } from './assembler';
import { BASE, elf } from './elf';
import { R, encode } from './encode';

export { Assembler, BASE, R, elf, encode };

const { t0, t1 } = R;
const FINISHER = 0x10_0000;

export const csrw = (a: Assembler, csr: number, rs1: number): Assembler => a.op('csrrw', { rs1, imm: csr });
export const csrr = (a: Assembler, rd: number, csr: number): Assembler => a.op('csrrs', { rd, imm: csr });
export const ret = (a: Assembler): Assembler => a.op('jalr', { rs1: R.ra });
export const call = (a: Assembler, to: string): Assembler => a.to(to, 'jal', { rd: R.ra });

/** Does what is inside so many times; the register counts down. */
export function times(a: Assembler, register: number, count: number, name: string, work: () => void): Assembler {
  a.li(register, count).label(name);
  work();
  return a.op('addi', { rd: register, rs1: register, imm: -1 }).to(name, 'bne', { rs1: register });
}

/** Ends the guest; a code other than 0 becomes the emulator's exit status. */
export function powerOff(a: Assembler, code = 0): Assembler {
  a.li(t0, FINISHER)
    .li(t1, code === 0 ? 0x5555 : 0x3333 | (code << 16))
    .op('sw', { rs1: t0, rs2: t1 });
  return a.label(`end${code}`).to(`end${code}`, 'jal');
}

/** From M-mode into S-mode, behind this: all traps delegated or none, all memory allowed, and translation by `satp`. */
export function toSupervisor(a: Assembler, satp: bigint, delegated = 0xffff): Assembler {
  for (const [csr, value] of [
    [Csr.pmpaddr0, 0x3f_ffff_ffff_ffffn],
    [Csr.pmpcfg0, 0xf],
    [Csr.medeleg, delegated],
    [Csr.mideleg, delegated],
    [Csr.satp, satp],
  ] as const)
    csrw(a.li(t0, value), csr, t0);
  a.li(t0, 0x1800).op('csrrc', { rs1: t0, imm: Csr.mstatus });
  a.li(t0, 0x800).op('csrrs', { rs1: t0, imm: Csr.mstatus });
  csrw(a.la(t0, 'supervisor'), Csr.mepc, t0);
  return a.op('mret').label('supervisor');
}

/** The kernel: the code, and bytes at other physical addresses behind it. */
export function laidOut(a: Assembler, ...parts: readonly (readonly [at: number, bytes: Uint8Array])[]): Uint8Array {
  const code = a.image();
  const end = Math.max(code.length, ...parts.map(([at, bytes]) => at - BASE + bytes.length));
  const image = new Uint8Array(end);
  image.set(code);
  for (const [at, bytes] of parts) {
    if (at - BASE < code.length) throw new Error(`the code reaches over ${at.toString(16)}`);
    image.set(bytes, at - BASE);
  }
  return elf(image);
}
