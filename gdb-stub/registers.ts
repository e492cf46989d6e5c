/**
 * The registers of a hart by the numbers that QEMU 7.2 gives them (its gdb-xml/riscv-64bit-*.xml and target/riscv/gdbstub.c): x0 to
 * x31, pc, f0 to f31, the privilege mode, and the CSRs from a base on. Each has 64 bits.
 */
import { CSR_NAMES } from '../emulator/isa/csrs';
import { F_NAMES, X_NAMES } from '../emulator/isa/registers';
import { type Hart, type MachineInput, Mode } from '../emulator/types';
import { hexOf, parseHex, unhex } from './packets';

const PC = 32;
const FIRST_F = 33;
const LAST_F = 64;
const PRIV = 65;
const FIRST_CSR = 66;
const LAST_CSR = FIRST_CSR + 0xfff;

/** Those of the packets `g` and `G`; gdb asks for the others one by one. */
export const GENERAL = PC + 1;

/** Undefined if the hart has no such register. */
export function readRegister(hart: Hart, number: number): bigint | undefined {
  if (number < PC) return hart.x(number);
  if (number === PC) return hart.pc;
  if (number >= FIRST_F && number <= LAST_F) return hart.f(number - FIRST_F);
  if (number === PRIV) return BigInt(hart.mode);
  return number >= FIRST_CSR && number <= LAST_CSR ? hart.csr(number - FIRST_CSR) : undefined;
}

/** What writes a register; undefined if there is none, or if it cannot have the value. */
export function registerWrite({ id: hart }: Hart, number: number, value: bigint): MachineInput | undefined {
  if (number < PC) return { kind: 'register', hart, register: number, value };
  if (number === PC) return { kind: 'pc', hart, value };
  if (number >= FIRST_F && number <= LAST_F) return { kind: 'float', hart, register: number - FIRST_F, value };
  if (number === PRIV) {
    const mode = [Mode.User, Mode.Supervisor, Mode.Machine].find((one) => BigInt(one) === value);
    return mode === undefined ? undefined : { kind: 'mode', hart, mode };
  }
  if (number < FIRST_CSR || number > LAST_CSR) return undefined;
  return { kind: 'csr', hart, csr: number - FIRST_CSR, value };
}

/** 64 bits as the protocol has them: in the order of their bytes in memory. */
export function encodeRegister(value: bigint): string {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  return hexOf(bytes);
}

/** Undefined if it is anything else than 64 bits. */
export function decodeRegister(text: string): bigint | undefined {
  const bytes = unhex(text);
  return bytes?.length === 8 ? new DataView(bytes.buffer).getBigUint64(0, true) : undefined;
}

/** A register's number, as packets have it. */
export const registerNumber = (text: string): number => Number(parseHex(text) ?? -1n);

const TYPES: Readonly<Partial<Record<(typeof X_NAMES)[number], string>>> = {
  ra: 'code_ptr',
  sp: 'data_ptr',
  gp: 'data_ptr',
  tp: 'data_ptr',
};

/** A register holds either. */
const F_TYPE =
  '<union id="riscv_double"><field name="float" type="ieee_single"/><field name="double" type="ieee_double"/></union>';

const HEADER = '<?xml version="1.0"?><!DOCTYPE';

/** The documents of the target description by name (appendix G of gdb's manual), as QEMU divides them. */
export function targetDescription(hart: Hart): ReadonlyMap<string, string> {
  const feature = (name: string, registers: string): string =>
    `${HEADER} feature SYSTEM "gdb-target.dtd"><feature name="org.gnu.gdb.riscv.${name}">${registers}</feature>`;
  const register = (name: string, number: number, type = 'int'): string =>
    `<reg name="${name}" bitsize="64" type="${type}" regnum="${number}"/>`;
  const general = X_NAMES.map((name, number) => register(name, number, TYPES[name])).join('');
  const floats = F_NAMES.map((name, i) => register(name, FIRST_F + i, 'riscv_double')).join('');
  const csrs = [...CSR_NAMES]
    .filter(([address]) => hart.csr(address) !== undefined)
    .map(([address, name]) => register(name, FIRST_CSR + address))
    .join('');
  const parts = new Map([
    ['riscv-64bit-cpu.xml', feature('cpu', general + register('pc', PC, 'code_ptr'))],
    ['riscv-64bit-fpu.xml', feature('fpu', F_TYPE + floats)],
    ['riscv-64bit-virtual.xml', feature('virtual', register('priv', PRIV))],
    ['riscv-csr.xml', feature('csr', csrs)],
  ]);
  const includes = [...parts.keys()].map((name) => `<xi:include href="${name}"/>`).join('');
  const target = `<target><architecture>riscv:rv64</architecture>${includes}</target>`;
  return parts.set('target.xml', `${HEADER} target SYSTEM "gdb-target.dtd">${target}`);
}
