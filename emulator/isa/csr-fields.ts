/**
 * The control and status registers as a debugger shows them: names, addresses and what their bits mean, as a table
 * (RISC-V privileged specification 1.12, chapters 2 to 4; Sstc for stimecmp).
 */
import { PPN_BITS, satpFields } from './sv39';
import { hex } from './hex';
import {
  causeName,
  EXCEPTION_CODES,
  INTERRUPT_CODES,
  INTERRUPT_FLAG,
  interruptStem,
  SUPERVISOR_INTERRUPT_CODES,
} from './causes';
import { Mstatus, SATP_BARE } from './csr-bits';
import { Csr } from './csrs';
import { describeWord, type Field, type Fields } from './fields';

/** A CSR in words. */
export interface CsrDescription extends Fields {
  name: string;
  /** The 12-bit address. */
  address: number;
  description: string;
}

const bit = (name: string, lsb: number, description: string): Field => ({ name, lsb, width: 1, description });
const one =
  (...names: string[]) =>
  (value: bigint): string =>
    names[Number(value)] ?? 'reserved';
const field = (
  name: string,
  lsb: number,
  width: number,
  description: string,
  meaning?: (value: bigint) => string,
): Field => ({ name, lsb, width, description, ...(meaning && { meaning }) });

const xlen = one('not fixed', '32 bits', '64 bits', '128 bits');
const unit = one('off', 'initial', 'clean', 'dirty');

/** A field of mstatus, given by its bits. */
const status = (name: string, bits: Mstatus, description: string, meaning?: (value: bigint) => string): Field => {
  const lsb = 31 - Math.clz32(bits & -bits);
  return field(name, lsb, 32 - Math.clz32(bits >> lsb), description, meaning);
};

const SSTATUS: readonly Field[] = [
  status('SIE', Mstatus.sie, 'interrupts enabled in S-mode'),
  status('SPIE', Mstatus.spie, 'SIE before the trap'),
  bit('UBE', 6, 'U-mode data is big-endian'),
  status('SPP', Mstatus.spp, 'mode before the trap into S-mode', one('U', 'S')),
  field('VS', 9, 2, 'vector unit', unit),
  field('FS', 13, 2, 'floating-point unit', unit),
  field('XS', 15, 2, 'other extensions', unit),
  status('SUM', Mstatus.sum, 'S-mode may load and store on user pages'),
  status('MXR', Mstatus.mxr, 'loads may read pages that are only executable'),
  field('UXL', 32, 2, 'register width in U-mode', xlen),
  bit('SD', 63, 'some unit is dirty'),
];

const MSTATUS: readonly Field[] = [
  ...SSTATUS,
  status('MIE', Mstatus.mie, 'interrupts enabled in M-mode'),
  status('MPIE', Mstatus.mpie, 'MIE before the trap'),
  status('MPP', Mstatus.mpp, 'mode before the trap into M-mode', one('U', 'S', 'reserved', 'M')),
  status('MPRV', Mstatus.mprv, 'loads and stores use the mode in MPP'),
  status('TVM', Mstatus.tvm, 'satp and sfence.vma trap in S-mode'),
  status('TW', Mstatus.tw, 'wfi traps below M-mode'),
  status('TSR', Mstatus.tsr, 'sret traps in S-mode'),
  field('SXL', 34, 2, 'register width in S-mode', xlen),
  bit('SBE', 36, 'S-mode data is big-endian'),
  bit('MBE', 37, 'M-mode data is big-endian'),
].sort((a, b) => a.lsb - b.lsb);

const FFLAGS: readonly Field[] = [
  bit('NX', 0, 'inexact'),
  bit('UF', 1, 'underflow'),
  bit('OF', 2, 'overflow'),
  bit('DZ', 3, 'division by zero'),
  bit('NV', 4, 'invalid operation'),
];
const rounding = one('to nearest, ties to even', 'towards zero', 'down', 'up', 'to nearest, ties away from zero');
const ROUNDING: Field = field('RM', 0, 3, 'rounding mode', rounding);
const FCSR: readonly Field[] = [...FFLAGS, { ...ROUNDING, lsb: 5 }];

const interrupts = (letter: 'E' | 'P', codes: readonly number[]): Field[] =>
  codes.map((code) =>
    bit(interruptStem(code) + letter, code, `${causeName(true, code)} ${letter === 'E' ? 'enabled' : 'pending'}`),
  );

const CAUSE: readonly Field[] = [
  field('code', 0, 63, 'what happened'),
  bit('interrupt', 63, 'an interrupt, not an exception'),
];
const describeCause = (value: bigint): string => {
  const interrupt = (value & INTERRUPT_FLAG) !== 0n;
  const code = value & ~INTERRUPT_FLAG;
  return `${hex(value)} (${code < 64n ? causeName(interrupt, Number(code)) : 'not a cause that exists'})`;
};

const VECTOR: readonly Field[] = [
  field('MODE', 0, 2, 'where traps go', one('direct', 'vectored')),
  field('BASE', 2, 62, 'handler address without its two low bits', (value) => hex(value << 2n)),
];
const describeVector = (value: bigint): string =>
  `${hex(value & ~3n)} (${['direct', 'vectored'][Number(value & 3n)] ?? 'reserved mode'})`;

const SATP_MODES: Record<number, string> = { 0: 'Bare', 8: 'Sv39', 9: 'Sv48', 10: 'Sv57' };
const satpMode = (value: bigint): string => SATP_MODES[Number(value)] ?? 'reserved mode';
const SATP: readonly Field[] = [
  field('PPN', 0, PPN_BITS, "physical page of the table's root", (value) => `root ${hex(value << 12n)}`),
  field('ASID', 44, 16, 'address space identifier'),
  field('MODE', 60, 4, 'how addresses are translated', satpMode),
];
const describeSatp = (value: bigint): string => {
  const { mode, asid, root } = satpFields(value);
  if (mode === SATP_BARE) return value === 0n ? 'Bare, no translation' : `Bare, no translation (${hex(value)})`;
  return `${satpMode(mode)}, ASID ${asid}, root ${hex(root)}`;
};

const MISA: readonly Field[] = [
  ...Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZ', (letter, i) => bit(letter, i, `extension ${letter}`)),
  field('MXL', 62, 2, 'register width', xlen),
];
const describeMisa = (value: bigint): string => {
  const letters = Array.from('IEMAFDQCBGHJKLNOPRSTUVWXYZ').filter(
    (letter) => (value >> BigInt(letter.charCodeAt(0) - 65)) & 1n,
  );
  return `${hex(value)} (RV${32 << (Number(value >> 62n) - 1)}${letters.join('')})`;
};

const ENVCFG: readonly Field[] = [
  bit('FIOM', 0, 'fences of I/O also order memory'),
  field('CBIE', 4, 2, 'cache-block invalidate below this mode'),
  bit('CBCFE', 6, 'cache-block clean and flush below this mode'),
  bit('CBZE', 7, 'cache-block zero below this mode'),
];
const MENVCFG: readonly Field[] = [
  ...ENVCFG,
  bit('PBMTE', 62, 'page-based memory types (Svpbmt)'),
  bit('STCE', 63, 'stimecmp exists (Sstc)'),
];
const COUNTEREN: readonly Field[] = [
  bit('CY', 0, 'cycle may be read below this mode'),
  bit('TM', 1, 'time may be read below this mode'),
  bit('IR', 2, 'instret may be read below this mode'),
];

const pmpMatching = one('off', 'up to this address', '4 bytes', 'a power of two');
const PMPCFG: readonly Field[] = Array.from({ length: 8 }, (_, i) => [
  bit(`R${i}`, 8 * i, `entry ${i}: may be read`),
  bit(`W${i}`, 8 * i + 1, `entry ${i}: may be written`),
  bit(`X${i}`, 8 * i + 2, `entry ${i}: may be executed`),
  field(`A${i}`, 8 * i + 3, 2, `entry ${i}: what it covers`, pmpMatching),
  bit(`L${i}`, 8 * i + 7, `entry ${i}: locked`),
]).flat();
const describePmpcfg = (value: bigint): string => {
  const entries = Array.from({ length: 8 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
  const words = entries.flatMap((entry, i) => {
    if (entry === 0) return [];
    const letters = [...'RWX'].map((letter, shift) => ((entry >> shift) & 1 ? letter : '-')).join('');
    return [`${i}: ${letters} ${['off', 'TOR', 'NA4', 'NAPOT'][(entry >> 3) & 3]}${entry & 0x80 ? ' locked' : ''}`];
  });
  return `${hex(value)} (${words.join(', ') || 'all off'})`;
};

const describeCount = (value: bigint): string => String(value);

/** pmpaddr has bits 55 to 2 of an address; in mode NAPOT, trailing ones encode the size. */
const describePmpaddr = (value: bigint): string => `${hex(value)} (address ${hex(value << 2n)})`;

const describeBits =
  (names: (bit: number) => string, bits: readonly number[], none: string) =>
  (value: bigint): string => {
    const set = bits.filter((position) => (value >> BigInt(position)) & 1n);
    return `${hex(value)} (${set.map(names).join(', ') || none})`;
  };

const numbered = (
  name: string,
  address: number,
  description: string,
  fields: readonly Field[] = [],
  describe?: (value: bigint) => string,
): CsrDescription => ({ name, address, description, fields, ...(describe && { describe }) });

const csr = (
  name: keyof typeof Csr,
  description: string,
  fields?: readonly Field[],
  describe?: (value: bigint) => string,
): CsrDescription => numbered(name, Csr[name], description, fields, describe);

/** In the order in which they are shown: what a kernel programmer looks at first comes first. */
export const CSRS: readonly CsrDescription[] = [
  csr('satp', 'address translation', SATP, describeSatp),
  csr('sstatus', 'status, as S-mode sees it', SSTATUS),
  csr('scause', 'cause of the last trap into S-mode', CAUSE, describeCause),
  csr('stval', 'address or instruction of the last trap into S-mode'),
  csr('sepc', 'where the last trap into S-mode came from'),
  csr('stvec', 'where traps into S-mode go', VECTOR, describeVector),
  csr('sscratch', 'a word for the S-mode trap handler'),
  csr('sie', 'interrupts enabled for S-mode', interrupts('E', SUPERVISOR_INTERRUPT_CODES)),
  csr('sip', 'interrupts pending for S-mode', interrupts('P', SUPERVISOR_INTERRUPT_CODES)),
  csr('stimecmp', 'time of the next S-mode timer interrupt', [], describeCount),
  csr('scounteren', 'counters that U-mode may read', COUNTEREN),
  csr('senvcfg', 'what U-mode may do', ENVCFG),
  csr('mstatus', 'status', MSTATUS),
  csr('mcause', 'cause of the last trap into M-mode', CAUSE, describeCause),
  csr('mtval', 'address or instruction of the last trap into M-mode'),
  csr('mepc', 'where the last trap into M-mode came from'),
  csr('mtvec', 'where traps into M-mode go', VECTOR, describeVector),
  csr('mscratch', 'a word for the M-mode trap handler'),
  csr('mie', 'interrupts enabled', interrupts('E', INTERRUPT_CODES)),
  csr('mip', 'interrupts pending', interrupts('P', INTERRUPT_CODES)),
  csr(
    'medeleg',
    'exceptions handed to S-mode',
    EXCEPTION_CODES.map((code) => bit(`e${code}`, code, causeName(false, code))),
    describeBits((code) => causeName(false, code), EXCEPTION_CODES, 'none'),
  ),
  csr(
    'mideleg',
    'interrupts handed to S-mode',
    INTERRUPT_CODES.map((code) => bit(interruptStem(code), code, causeName(true, code))),
    describeBits((code) => causeName(true, code), INTERRUPT_CODES, 'none'),
  ),
  csr('mcounteren', 'counters that S-mode may read', COUNTEREN),
  csr('menvcfg', 'what S-mode and U-mode may do', MENVCFG),
  csr('misa', 'instruction set', MISA, describeMisa),
  csr('mhartid', 'number of this hart'),
  csr('pmpcfg0', 'protection of physical memory, entries 0 to 7', PMPCFG, describePmpcfg),
  csr('pmpaddr0', 'address of entry 0', [], describePmpaddr),
  numbered('pmpaddr1', Csr.pmpaddr0 + 1, 'address of entry 1', [], describePmpaddr),
  numbered('pmpaddr2', Csr.pmpaddr0 + 2, 'address of entry 2', [], describePmpaddr),
  numbered('pmpaddr3', Csr.pmpaddr0 + 3, 'address of entry 3', [], describePmpaddr),
  csr('fcsr', 'rounding mode and exceptions of floating point', FCSR),
  csr('frm', 'rounding mode of floating point', [ROUNDING]),
  csr('fflags', 'exceptions of floating point', FFLAGS),
  csr('cycle', 'clock cycles', [], describeCount),
  csr('time', 'ticks of the 10 MHz clock', [], describeCount),
  csr('instret', 'instructions retired', [], describeCount),
  csr('mcycle', 'clock cycles', [], describeCount),
  csr('minstret', 'instructions retired', [], describeCount),
  csr('mcountinhibit', 'counters that stand still'),
  csr('mvendorid', 'maker'),
  csr('marchid', 'architecture'),
  csr('mimpid', 'version'),
];

const BY_NAME = new Map(CSRS.map((entry) => [entry.name, entry]));

export const csrNamed = (name: string): CsrDescription | undefined => BY_NAME.get(name);

/**
 * A CSR's value with its fields spelt out: "0xd (load page fault)", "Sv39, ASID 0, root 0x87fff000". A name that is not in
 * the table gives the number alone.
 */
export const describeCsr = (name: string, value: bigint): string =>
  describeWord(csrNamed(name) ?? { fields: [] }, value);
