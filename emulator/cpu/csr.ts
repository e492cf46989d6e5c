/**
 * The control and status registers: what each reads as and which bits of it can be written (WARL). Privilege is
 * checked by the instructions (system-instructions.ts), not here. RISC-V privileged specification 1.12, chapters 3 and 4; Sstc.
 */
import { Cell } from '../layout';
import { Csr } from '../isa/csrs';
import { type CsrAccess, CsrUpdate } from '../isa/instructions/instruction';
import { Mode } from '../types';
import type { HartState } from './hart';
import { Interrupt, MENVCFG_STCE, MPP_SHIFT, Mstatus, SATP_BARE, SATP_SV39 } from '../isa/csr-bits';

interface Register {
  read(hart: HartState): bigint;
  /** Absent: writes are ignored. */
  write?(hart: HartState, value: bigint): void;
  /** For registers that mean something in their low half only: quicker access, without bigints. */
  low?: LowRegister;
  /** Writing it changes nothing but what it reads: the code around may go straight on. */
  plain?: true;
}

interface LowRegister {
  get(hart: HartState): number;
  set(hart: HartState, value: number): void;
  /** What csrrs and csrrc start from, where that is not what they read. */
  basis?(hart: HartState): number;
  /** The high half of what it reads as. */
  high: number | ((low: number) => number);
}

const highOf = ({ high }: LowRegister, low: number): number => (typeof high === 'number' ? high : high(low));

/** A register that is given by its low half. */
const lowRegister = (low: LowRegister): Register => ({
  low,
  read: (hart) => {
    const value = low.get(hart);
    return unsigned(value) | (unsigned(highOf(low, value)) << 32n);
  },
  write: (hart, value) => low.set(hart, low32(value)),
});

const MASK64 = 0xffff_ffff_ffff_ffffn;

/** RV64 with A, C, D, F, I, M, S and U; nothing can be switched off. */
const MISA =
  (2n << 62n) | [...'ACDFIMSU'].reduce((bits, letter) => bits | (1n << BigInt(letter.charCodeAt(0) - 65)), 0n);

/** UXL and SXL are read-only 64 bits. */
const MSTATUS_HIGH = 0xa;
const SSTATUS_HIGH = 0x2;
const SSTATUS_MASK = Mstatus.sie | Mstatus.spie | Mstatus.spp | Mstatus.fs | Mstatus.sum | Mstatus.mxr;
/** SD: floating-point state is dirty. */
const withDirty =
  (high: number) =>
  (low: number): number =>
    (low & Mstatus.fs) === Mstatus.fs ? high | (1 << 31) : high;
const MSTATUS_MASK =
  SSTATUS_MASK | Mstatus.mie | Mstatus.mpie | Mstatus.mpp | Mstatus.mprv | Mstatus.tvm | Mstatus.tw | Mstatus.tsr;

/** What of mstatus can be written in each of its two views, and what its upper half reads as without SD. */
export const MSTATUS = { mask: MSTATUS_MASK, high: MSTATUS_HIGH };
export const SSTATUS = { mask: SSTATUS_MASK, high: SSTATUS_HIGH };

const SUPERVISOR_INTERRUPTS = Interrupt.ssip | Interrupt.stip | Interrupt.seip;
const ALL_INTERRUPTS = SUPERVISOR_INTERRUPTS | Interrupt.msip | Interrupt.mtip | Interrupt.meip;
/** Every exception that can arise below M-mode. */
const DELEGABLE = 0xb3ff;

const unsigned = (low: number): bigint => BigInt(low >>> 0);
const low32 = (value: bigint): number => Number(BigInt.asIntN(32, value));

const plain = (cell: Cell, mask = MASK64): Register => ({
  read: (hart) => hart.cell(cell),
  write: (hart, value) => hart.setCell(cell, mask === MASK64 ? value : value & mask),
  plain: true,
});
const constant = (value: bigint): Register => ({ read: () => value });

function setStatus(hart: HartState, value: number, mask: number): void {
  // MPP = 2 names no mode: then the field keeps what it held.
  if ((value & Mstatus.mpp) >> MPP_SHIFT === 2) mask &= ~Mstatus.mpp;
  hart.setFloatStatus(value & Mstatus.fs);
  hart.setLow(Cell.mstatus, (hart.low(Cell.mstatus) & ~mask) | (value & mask));
  hart.host.changed(hart, 'translation');
  hart.host.changed(hart, 'interrupts');
}

function setBits(hart: HartState, cell: Cell, value: number, mask: number): void {
  hart.setLow(cell, (hart.low(cell) & ~mask) | (value & mask));
  hart.host.changed(hart, 'interrupts');
}

/** With Sstc enabled the supervisor timer alone decides on STIP. */
const stceOf = (hart: HartState): boolean => (hart.cell(Cell.menvcfg) & MENVCFG_STCE) !== 0n;

/** Modes 0 (direct) and 1 (vectored); another leaves the register as it was. */
const vector = (cell: Cell): Register => ({
  read: (hart) => hart.cell(cell),
  write: (hart, value) => {
    if ((value & 3n) < 2n) hart.setCell(cell, value);
  },
});

/** Instructions are aligned to 16 bits. */
const programCounter = (cell: Cell): Register => plain(cell, MASK64 & ~1n);

const cycle: Register = {
  read: (hart) => BigInt.asUintN(64, BigInt(hart.host.cycles()) + hart.cell(Cell.cycleOffset)),
  write: (hart, value) => {
    hart.setCell(Cell.cycleOffset, BigInt.asUintN(64, value - BigInt(hart.host.cycles())));
  },
};
/** Without the instruction that reads it, if one does. */
const retiredBefore = (hart: HartState): number => hart.retired - Math.min(1, hart.host.begun(hart));

const instret: Register = {
  read: (hart) => BigInt.asUintN(64, BigInt(retiredBefore(hart)) + hart.cell(Cell.instretOffset)),
  // The write takes the place of the instruction's own increment.
  write: (hart, value) => {
    hart.setCell(Cell.instretOffset, BigInt.asUintN(64, value - BigInt(hart.retired)));
  },
};
const readOnly = ({ read }: Register): Register => ({ read });

/** pmpcfg0 and pmpcfg2 hold eight entries each; a locked one (L, bit 7) keeps its value until reset. */
const pmpcfg = (cell: Cell): Register => ({
  read: (hart) => hart.cell(cell),
  write: (hart, value) => {
    let result = 0n;
    for (let i = 0n; i < 64n; i += 8n) {
      const before = (hart.cell(cell) >> i) & 0xffn;
      const after = (value >> i) & 0x9fn;
      // NA4 is finer than the grain.
      const isFiner = (after & 0x18n) === 0x10n;
      const refused = (before & 0x80n) !== 0n || isFiner;
      if (isFiner) hart.host.differs(hart, 'pmp-grain');
      // W without R is reserved: the entry is on, and has neither.
      const legal = (after & 3n) === 2n ? after & ~2n : after;
      result |= (refused ? before : legal) << i;
    }
    hart.setCell(cell, result);
    hart.host.changed(hart, 'protection');
  },
});

const pmpConfiguration = (hart: HartState, entry: number): number =>
  entry > 15 ? 0 : Number((hart.cell(entry < 8 ? Cell.pmpcfg0 : Cell.pmpcfg2) >> BigInt((entry % 8) * 8)) & 0xffn);

const pmpaddr = (entry: number): Register => ({
  // Below the grain (10 bits) an address reads as ones for NAPOT, else as zeroes.
  read: (hart) => {
    const napot = (pmpConfiguration(hart, entry) & 0x18) === 0x18;
    const address = hart.cell(Cell.pmpaddr0 + entry);
    return napot ? address | 0x1ffn : address & ~0x3ffn;
  },
  write: (hart, value) => {
    const next = pmpConfiguration(hart, entry + 1);
    const lockedAsBase = (next & 0x98) === 0x88;
    if ((pmpConfiguration(hart, entry) & 0x80) !== 0 || lockedAsBase) return;
    hart.setCell(Cell.pmpaddr0 + entry, value & ((1n << 54n) - 1n));
    hart.host.changed(hart, 'protection');
  },
});

/** A part of fcsr. Writing it makes the floating-point state dirty, if that is not off. */
const floatControl = (shift: number, mask: number): Register => ({
  read: (hart) => BigInt((hart.low(Cell.fcsr) >> shift) & mask),
  write: (hart, value) => {
    hart.setLow(Cell.fcsr, (hart.low(Cell.fcsr) & ~(mask << shift)) | ((low32(value) & mask) << shift));
    if (hart.hasFloats) hart.setFloatStatus(Mstatus.fs);
  },
  plain: true,
});

const registers = new Map<number, Register>([
  [Csr.fflags, floatControl(0, 0x1f)],
  [Csr.frm, floatControl(5, 7)],
  [Csr.fcsr, floatControl(0, 0xff)],
  [Csr.mvendorid, constant(0n)],
  [Csr.marchid, constant(0n)],
  [Csr.mimpid, constant(0n)],
  [Csr.mconfigptr, constant(0n)],
  [Csr.mhartid, { read: (hart) => BigInt(hart.id) }],
  [Csr.misa, { read: () => MISA, write: () => undefined }],
  [
    Csr.mstatus,
    lowRegister({
      get: (hart) => hart.low(Cell.mstatus),
      set: (hart, value) => setStatus(hart, value, MSTATUS_MASK),
      high: withDirty(MSTATUS_HIGH),
    }),
  ],
  [
    Csr.sstatus,
    lowRegister({
      get: (hart) => hart.low(Cell.mstatus) & SSTATUS_MASK,
      set: (hart, value) => setStatus(hart, value, SSTATUS_MASK),
      high: withDirty(SSTATUS_HIGH),
    }),
  ],
  [Csr.medeleg, plain(Cell.medeleg, BigInt(DELEGABLE))],
  [
    Csr.mideleg,
    lowRegister({
      get: (hart) => hart.low(Cell.mideleg),
      set: (hart, value) => setBits(hart, Cell.mideleg, value, SUPERVISOR_INTERRUPTS),
      high: 0,
    }),
  ],
  [
    Csr.mie,
    lowRegister({
      get: (hart) => hart.low(Cell.mie),
      set: (hart, value) => setBits(hart, Cell.mie, value, ALL_INTERRUPTS),
      high: 0,
    }),
  ],
  [
    Csr.sie,
    lowRegister({
      get: (hart) => hart.low(Cell.mie) & hart.low(Cell.mideleg),
      set: (hart, value) => setBits(hart, Cell.mie, value, hart.low(Cell.mideleg)),
      high: 0,
    }),
  ],
  [
    Csr.mip,
    lowRegister({
      get: (hart) => hart.pending,
      basis: (hart) => hart.low(Cell.mip),
      set: (hart, value) =>
        setBits(hart, Cell.mip, value, SUPERVISOR_INTERRUPTS & (stceOf(hart) ? ~Interrupt.stip : ~0)),
      high: 0,
    }),
  ],
  [
    Csr.sip,
    lowRegister({
      get: (hart) => hart.pending & hart.low(Cell.mideleg),
      basis: (hart) => hart.low(Cell.mip) & hart.low(Cell.mideleg),
      set: (hart, value) => setBits(hart, Cell.mip, value, Interrupt.ssip & hart.low(Cell.mideleg)),
      high: 0,
    }),
  ],
  [Csr.mtvec, vector(Cell.mtvec)],
  [Csr.stvec, vector(Cell.stvec)],
  [Csr.mscratch, plain(Cell.mscratch)],
  [Csr.sscratch, plain(Cell.sscratch)],
  [Csr.mepc, programCounter(Cell.mepc)],
  [Csr.sepc, programCounter(Cell.sepc)],
  [Csr.mcause, plain(Cell.mcause)],
  [Csr.scause, plain(Cell.scause)],
  [Csr.mtval, plain(Cell.mtval)],
  [Csr.stval, plain(Cell.stval)],
  [Csr.mcounteren, plain(Cell.mcounteren, 0xffffffffn)],
  [Csr.scounteren, plain(Cell.scounteren, 0xffffffffn)],
  [Csr.mcountinhibit, { read: () => 0n, write: () => undefined }],
  [
    Csr.menvcfg,
    {
      read: (hart) => hart.cell(Cell.menvcfg),
      write: (hart, value) => {
        const stceChanges = ((value ^ hart.cell(Cell.menvcfg)) & MENVCFG_STCE) !== 0n;
        hart.setCell(Cell.menvcfg, value & (MENVCFG_STCE | 1n));
        // From now on the other source decides on STIP; what the first one left there is void.
        if (stceChanges) {
          hart.setLow(Cell.mip, hart.low(Cell.mip) & ~Interrupt.stip);
          hart.host.changed(hart, 'timer');
        }
      },
    },
  ],
  [Csr.senvcfg, plain(Cell.senvcfg, 1n)],
  [
    Csr.stimecmp,
    {
      read: (hart) => hart.cell(Cell.stimecmp),
      write: (hart, value) => {
        hart.setCell(Cell.stimecmp, value);
        hart.host.changed(hart, 'timer');
      },
    },
  ],
  [
    Csr.satp,
    {
      read: (hart) => hart.cell(Cell.satp),
      write: (hart, value) => {
        const mode = value >> 60n;
        // An unsupported MODE makes the whole write void.
        if (mode !== SATP_BARE && mode !== SATP_SV39) return;
        hart.setCell(Cell.satp, value);
        hart.host.changed(hart, 'translation');
      },
    },
  ],
  [Csr.mcycle, cycle],
  [Csr.minstret, instret],
  [Csr.cycle, readOnly(cycle)],
  [Csr.instret, readOnly(instret)],
  [Csr.time, { read: (hart) => hart.host.mtime() }],
  [Csr.pmpcfg0, pmpcfg(Cell.pmpcfg0)],
  [Csr.pmpcfg0 + 2, pmpcfg(Cell.pmpcfg2)],
  ...Array.from({ length: 16 }, (_, entry): [number, Register] => [Csr.pmpaddr0 + entry, pmpaddr(entry)]),
  // No debug triggers: tdata1 says of each that it is not there (RISC-V debug specification, section 5.2).
  ...[Csr.tselect, Csr.tdata1, Csr.tdata1 + 1, Csr.tdata1 + 2].map((address): [number, Register] => [
    address,
    { read: () => 0n, write: () => undefined },
  ]),
  // No hardware performance events: the counters exist and stay 0.
  ...Array.from({ length: 29 }, (_, i): [number, Register][] => [
    [Csr.mhpmevent3 + i, { read: () => 0n, write: () => undefined }],
    [Csr.mhpmcounter3 + i, { read: () => 0n, write: () => undefined }],
    [Csr.hpmcounter3 + i, constant(0n)],
  ]).flat(),
]);

/** By address, for the instructions' sake. */
const byAddress: (Register | undefined)[] = Array.from({ length: 4096 }, (_, address) => registers.get(address));

/** The value of a CSR, undefined if there is none at this address. */
export const readCsr = (hart: HartState, address: number): bigint | undefined => byAddress[address]?.read(hart);

/** Writes a CSR as far as its fields allow; false if there is none at this address or it is read-only. */
export function writeCsr(hart: HartState, address: number, value: bigint): boolean {
  const register = byAddress[address];
  if (register?.write === undefined) return false;
  register.write(hart, value);
  return true;
}

/** What a CSR instruction makes of a register's value and its operand. */
export const updated = (update: CsrUpdate, old: bigint, operand: bigint): bigint =>
  update === CsrUpdate.write ? operand : update === CsrUpdate.set ? old | operand : old & ~operand;

/**
 * Executes a CSR instruction: rd takes the value before, and the CSR a new one made from it and the operand, except where
 * csrrs and csrrc with x0 or 0 only read. Returns undefined, with nothing done, if the hart may not access the register;
 * else whether anything else may have changed.
 */
export function executeCsr(hart: HartState, address: number, { update, immediate }: CsrAccess): boolean | undefined {
  const writing = writesCsr(hart, { update });
  const register = byAddress[address];
  if (register === undefined || !mayAccess(hart, address, writing)) return undefined;
  const { low } = register;
  if (low !== undefined) {
    const old = low.get(hart);
    // rd may be the register that the operand comes from.
    const operand = hart.operandLow(immediate);
    if (writing) {
      const basis = low.basis === undefined ? old : low.basis(hart);
      low.set(
        hart,
        update === CsrUpdate.write ? operand : update === CsrUpdate.set ? basis | operand : basis & ~operand,
      );
    }
    hart.setRdHalves(old, highOf(low, old));
    return writing;
  }
  const old = register.read(hart);
  if (!writing) {
    hart.setRd(old, 8, false);
    return false;
  }
  const operand = hart.operand(immediate);
  const isPlain = register.plain === true;
  // As QEMU has it, to set or clear no bit does not make floating-point state dirty.
  if (!isPlain || update === CsrUpdate.write || operand !== 0n) register.write?.(hart, updated(update, old, operand));
  hart.setRd(old, 8, false);
  return !isPlain;
}

/** Whether the CSR instruction at hand writes: csrrs and csrrc with x0 or 0 only read. */
export const writesCsr = (hart: HartState, { update }: Pick<CsrAccess, 'update'>): boolean =>
  update === CsrUpdate.write || hart.rs1Index !== 0;

/**
 * Whether an instruction of the hart may access the CSR (section 2.1: bits 9:8 name the lowest mode, bits 11:10 = 3 a
 * read-only one), with what TVM, the counter enables and Sstc take away.
 */
export function mayAccess(hart: HartState, address: number, writing: boolean): boolean {
  if (hart.mode < ((address >> 8) & 3)) return false;
  if (writing && address >> 10 === 3) return false;
  if (address <= Csr.fcsr) return hart.hasFloats;
  if (hart.mode === Mode.Machine) return true;
  if (address === Csr.satp) return (hart.low(Cell.mstatus) & Mstatus.tvm) === 0;
  if (address === Csr.stimecmp) return stceOf(hart) && (hart.low(Cell.mcounteren) & 2) !== 0;
  if (address >= Csr.cycle && address < Csr.cycle + 32) {
    const bit = 1 << (address - Csr.cycle);
    const byMachine = (hart.low(Cell.mcounteren) & bit) !== 0;
    return byMachine && (hart.mode === Mode.Supervisor || (hart.low(Cell.scounteren) & bit) !== 0);
  }
  return true;
}

export { stceOf };
