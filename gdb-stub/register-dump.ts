/** The registers of a hart as QEMU's `info registers` shows them (riscv_cpu_dump_state in its target/riscv/cpu.c). */
import { Csr } from '../emulator/isa/csrs';
import { F_NAMES, X_NAMES } from '../emulator/isa/registers';
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
  lines.push(...table('x', X_NAMES, (register) => hart.x(register)));
  lines.push(...table('f', F_NAMES, (register) => hart.f(register)));
  return `${lines.join('\n')}\n`;
}

/** Lines of registers, by number and name. */
function table(letter: string, names: readonly string[], read: (register: number) => bigint): string[] {
  const cells = names.map((name, i) => ` ${`${letter}${i}/${name}`.padEnd(8)} ${word(read(i))}`);
  const starts = cells.flatMap((_, i) => (i % IN_LINE === 0 ? [i] : []));
  return starts.map((first) => cells.slice(first, first + IN_LINE).join(''));
}
