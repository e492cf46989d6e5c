/** The registers of a hart as QEMU's `info registers` shows them (riscv_cpu_dump_state in its target/riscv/cpu.c). */
import { Csr } from '../emulator/isa/csrs';
import { X_NAMES } from '../emulator/isa/registers';
import type { Hart } from '../emulator/types';

const CSRS = [
  ...(['mhartid', 'mstatus', 'mip', 'mie', 'mideleg', 'medeleg', 'mtvec', 'stvec', 'mepc', 'sepc'] as const),
  ...(['mcause', 'scause', 'mtval', 'stval', 'mscratch', 'sscratch', 'satp'] as const),
];
/** Registers in a line. */
const IN_LINE = 4;

const word = (value: bigint): string => value.toString(16).padStart(16, '0');

export function registersOf(hart: Hart): string {
  const lines = [`CPU#${hart.id}`, ` ${'pc'.padEnd(8)} ${word(hart.pc)}`];
  for (const name of CSRS) lines.push(` ${name.padEnd(8)} ${word(hart.csr(Csr[name]) ?? 0n)}`);
  for (let first = 0; first < X_NAMES.length; first += IN_LINE) {
    const some = X_NAMES.slice(first, first + IN_LINE);
    lines.push(some.map((name, i) => ` ${nameOf(name, first + i).padEnd(8)} ${word(hart.x(first + i))}`).join(''));
  }
  return `${lines.join('\n')}\n`;
}

const nameOf = (name: string, number: number): string => `x${number}/${name}`;
