/**
 * The control and status registers as a debugger shows them: names, addresses and what their bits mean, as a table
 * (RISC-V privileged specification 1.12, chapters 2 to 4; Sstc for stimecmp).
 */
import { causeName, EXCEPTION_CODES, INTERRUPT_BITS } from './causes';
import { describeWord, type Field, type Fields } from './fields';

export interface Csr extends Fields {
  name: string;
  /** The 12-bit address. */
  address: number;
  description: string;
}

const hex = (value: bigint): string => `0x${value.toString(16)}`;
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

const SSTATUS: readonly Field[] = [
  bit('SIE', 1, 'interrupts enabled in S-mode'),
  bit('SPIE', 5, 'SIE before the trap'),
  bit('UBE', 6, 'U-mode data is big-endian'),
  field('SPP', 8, 1, 'mode before the trap into S-mode', one('U', 'S')),
  field('VS', 9, 2, 'vector unit', unit),
  field('FS', 13, 2, 'floating-point unit', unit),
  field('XS', 15, 2, 'other extensions', unit),
  bit('SUM', 18, 'S-mode may load and store on user pages'),
  bit('MXR', 19, 'loads may read pages that are only executable'),
  field('UXL', 32, 2, 'register width in U-mode', xlen),
  bit('SD', 63, 'some unit is dirty'),
];

const MSTATUS: readonly Field[] = [
  ...SSTATUS,
  bit('MIE', 3, 'interrupts enabled in M-mode'),
  bit('MPIE', 7, 'MIE before the trap'),
  field('MPP', 11, 2, 'mode before the trap into M-mode', one('U', 'S', 'reserved', 'M')),
  bit('MPRV', 17, 'loads and stores use the mode in MPP'),
  bit('TVM', 20, 'satp and sfence.vma trap in S-mode'),
  bit('TW', 21, 'wfi traps below M-mode'),
  bit('TSR', 22, 'sret traps in S-mode'),
  field('SXL', 34, 2, 'register width in S-mode', xlen),
  bit('SBE', 36, 'S-mode data is big-endian'),
  bit('MBE', 37, 'M-mode data is big-endian'),
].sort((a, b) => a.lsb - b.lsb);

const interrupts = (letter: 'E' | 'P', bits: readonly number[]): Field[] =>
  INTERRUPT_BITS.filter((line) => bits.includes(line.bit)).map((line) =>
    bit(line.stem + letter, line.bit, `${causeName(true, line.code)} ${letter === 'E' ? 'enabled' : 'pending'}`),
  );
const S_LINES = [1, 5, 9];
const ALL_LINES = [1, 3, 5, 7, 9, 11];

const CAUSE: readonly Field[] = [
  field('code', 0, 63, 'what happened'),
  bit('interrupt', 63, 'an interrupt, not an exception'),
];
const describeCause = (value: bigint): string => {
  const interrupt = value >> 63n === 1n;
  const code = value & ((1n << 63n) - 1n);
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
  field('PPN', 0, 44, "physical page of the table's root", (value) => `root ${hex(value << 12n)}`),
  field('ASID', 44, 16, 'address space identifier'),
  field('MODE', 60, 4, 'how addresses are translated', satpMode),
];
const describeSatp = (value: bigint): string => {
  const mode = value >> 60n;
  if (mode === 0n) return value === 0n ? 'Bare, no translation' : `Bare, no translation (${hex(value)})`;
  return `${satpMode(mode)}, ASID ${(value >> 44n) & 0xffffn}, root ${hex((value & ((1n << 44n) - 1n)) << 12n)}`;
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

/** pmpaddr holds bits 55 to 2 of an address; trailing ones give the size where the entry's mode is NAPOT. */
const describePmpaddr = (value: bigint): string => `${hex(value)} (address ${hex(value << 2n)})`;

const describeBits =
  (names: (bit: number) => string, bits: readonly number[], none: string) =>
  (value: bigint): string => {
    const set = bits.filter((position) => (value >> BigInt(position)) & 1n);
    return `${hex(value)} (${set.map(names).join(', ') || none})`;
  };

const csr = (
  name: string,
  address: number,
  description: string,
  fields: readonly Field[] = [],
  describe?: (value: bigint) => string,
): Csr => ({ name, address, description, fields, ...(describe && { describe }) });

/** In the order in which they are shown: what a kernel programmer looks at first comes first. */
export const CSRS: readonly Csr[] = [
  csr('satp', 0x180, 'address translation', SATP, describeSatp),
  csr('sstatus', 0x100, 'status, as S-mode sees it', SSTATUS),
  csr('scause', 0x142, 'cause of the last trap into S-mode', CAUSE, describeCause),
  csr('stval', 0x143, 'address or instruction of the last trap into S-mode'),
  csr('sepc', 0x141, 'where the last trap into S-mode came from'),
  csr('stvec', 0x105, 'where traps into S-mode go', VECTOR, describeVector),
  csr('sscratch', 0x140, 'a word for the S-mode trap handler'),
  csr('sie', 0x104, 'interrupts enabled for S-mode', interrupts('E', S_LINES)),
  csr('sip', 0x144, 'interrupts pending for S-mode', interrupts('P', S_LINES)),
  csr('stimecmp', 0x14d, 'time of the next S-mode timer interrupt', [], describeCount),
  csr('scounteren', 0x106, 'counters that U-mode may read', COUNTEREN),
  csr('senvcfg', 0x10a, 'what U-mode may do', ENVCFG),
  csr('mstatus', 0x300, 'status', MSTATUS),
  csr('mcause', 0x342, 'cause of the last trap into M-mode', CAUSE, describeCause),
  csr('mtval', 0x343, 'address or instruction of the last trap into M-mode'),
  csr('mepc', 0x341, 'where the last trap into M-mode came from'),
  csr('mtvec', 0x305, 'where traps into M-mode go', VECTOR, describeVector),
  csr('mscratch', 0x340, 'a word for the M-mode trap handler'),
  csr('mie', 0x304, 'interrupts enabled', interrupts('E', ALL_LINES)),
  csr('mip', 0x344, 'interrupts pending', interrupts('P', ALL_LINES)),
  csr(
    'medeleg',
    0x302,
    'exceptions handed to S-mode',
    EXCEPTION_CODES.map((code) => bit(`e${code}`, code, causeName(false, code))),
    describeBits((code) => causeName(false, code), EXCEPTION_CODES, 'none'),
  ),
  csr(
    'mideleg',
    0x303,
    'interrupts handed to S-mode',
    INTERRUPT_BITS.map((line) => bit(line.stem, line.bit, causeName(true, line.code))),
    describeBits((code) => causeName(true, code), ALL_LINES, 'none'),
  ),
  csr('mcounteren', 0x306, 'counters that S-mode may read', COUNTEREN),
  csr('menvcfg', 0x30a, 'what S-mode and U-mode may do', MENVCFG),
  csr('misa', 0x301, 'instruction set', MISA, describeMisa),
  csr('mhartid', 0xf14, 'number of this hart'),
  csr('pmpcfg0', 0x3a0, 'protection of physical memory, entries 0 to 7', PMPCFG, describePmpcfg),
  csr('pmpaddr0', 0x3b0, 'address of entry 0', [], describePmpaddr),
  csr('pmpaddr1', 0x3b1, 'address of entry 1', [], describePmpaddr),
  csr('pmpaddr2', 0x3b2, 'address of entry 2', [], describePmpaddr),
  csr('pmpaddr3', 0x3b3, 'address of entry 3', [], describePmpaddr),
  csr('cycle', 0xc00, 'clock cycles', [], describeCount),
  csr('time', 0xc01, 'ticks of the 10 MHz clock', [], describeCount),
  csr('instret', 0xc02, 'instructions retired', [], describeCount),
  csr('mcycle', 0xb00, 'clock cycles', [], describeCount),
  csr('minstret', 0xb02, 'instructions retired', [], describeCount),
  csr('mcountinhibit', 0x320, 'counters that stand still'),
  csr('mvendorid', 0xf11, 'maker'),
  csr('marchid', 0xf12, 'architecture'),
  csr('mimpid', 0xf13, 'version'),
];

const BY_NAME = new Map(CSRS.map((entry) => [entry.name, entry]));

export const csrNamed = (name: string): Csr | undefined => BY_NAME.get(name);

/**
 * A CSR's value with its fields spelt out: "0xd (load page fault)", "Sv39, ASID 0, root 0x87fff000". A name that is not in
 * the table gives the number alone.
 */
export const describeCsr = (name: string, value: bigint): string =>
  describeWord(csrNamed(name) ?? { fields: [] }, value);
