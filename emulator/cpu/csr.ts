/**
 * The control and status registers: what each reads as and which bits of it can be written (WARL). Privilege is
 * checked by the instructions (environment.ts), not here. RISC-V privileged specification 1.12, chapters 3 and 4; Sstc.
 */
import { Csr } from '../isa/csrs';
import { Mode } from '../types';
import type { HartState } from './hart';
import { Cell, Interrupt, MPP_SHIFT, Mstatus } from './state';

interface Register {
  read(hart: HartState): bigint;
  /** Absent: writes are ignored. */
  write?(hart: HartState, value: bigint): void;
  /** What csrrs and csrrc start from, where that is not what they read. */
  basis?(hart: HartState): bigint;
}

const MASK64 = 0xffff_ffff_ffff_ffffn;

/** RV64 with A, C, I, M, S and U; nothing can be switched off. */
const MISA = (2n << 62n) | [...'ACIMSU'].reduce((bits, letter) => bits | (1n << BigInt(letter.charCodeAt(0) - 65)), 0n);

/** UXL and SXL are read-only 64 bits. */
const MSTATUS_HIGH = 0xan << 32n;
const SSTATUS_HIGH = 0x2n << 32n;
const SSTATUS_MASK = Mstatus.sie | Mstatus.spie | Mstatus.spp | Mstatus.sum | Mstatus.mxr;
const MSTATUS_MASK =
  SSTATUS_MASK | Mstatus.mie | Mstatus.mpie | Mstatus.mpp | Mstatus.mprv | Mstatus.tvm | Mstatus.tw | Mstatus.tsr;

const SUPERVISOR_INTERRUPTS = Interrupt.ssip | Interrupt.stip | Interrupt.seip;
const ALL_INTERRUPTS = SUPERVISOR_INTERRUPTS | Interrupt.msip | Interrupt.mtip | Interrupt.meip;
/** Every exception that can arise below M-mode. */
const DELEGABLE = 0xb3ff;
const STCE = 1n << 63n;

const unsigned = (low: number): bigint => BigInt(low >>> 0);
const low32 = (value: bigint): number => Number(BigInt.asIntN(32, value));

const plain = (cell: Cell, mask = MASK64): Register => ({
  read: (hart) => hart.cell(cell),
  write: (hart, value) => hart.setCell(cell, value & mask),
});
const constant = (value: bigint): Register => ({ read: () => value });

function setStatus(hart: HartState, value: number, mask: number): void {
  // MPP = 2 names no mode: then the field keeps what it held.
  if ((value & Mstatus.mpp) >> MPP_SHIFT === 2) mask &= ~Mstatus.mpp;
  hart.setLow(Cell.mstatus, (hart.low(Cell.mstatus) & ~mask) | (value & mask));
  hart.surroundings.changed(hart, 'translation');
  hart.surroundings.changed(hart, 'interrupts');
}

function setBits(hart: HartState, cell: Cell, value: number, mask: number): void {
  hart.setLow(cell, (hart.low(cell) & ~mask) | (value & mask));
  hart.surroundings.changed(hart, 'interrupts');
}

/** With Sstc in force the supervisor timer alone decides on STIP. */
const stceOf = (hart: HartState): boolean => (hart.cell(Cell.menvcfg) & STCE) !== 0n;

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
  read: (hart) => BigInt.asUintN(64, BigInt(hart.surroundings.cycles()) + hart.cycleOffset),
  write: (hart, value) => {
    hart.cycleOffset = value - BigInt(hart.surroundings.cycles());
  },
};
/** Without the instruction that reads it, if one does. */
const retiredBefore = (hart: HartState): number => hart.retired - Math.min(1, hart.surroundings.begun(hart));

const instret: Register = {
  read: (hart) => BigInt.asUintN(64, BigInt(retiredBefore(hart)) + hart.instretOffset),
  // The write takes the place of the instruction's own increment.
  write: (hart, value) => {
    hart.instretOffset = value - BigInt(retiredBefore(hart)) - 1n;
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
      // W without R is reserved.
      result |= ((before & 0x80n) !== 0n ? before : (after & 3n) === 2n ? before : after) << i;
    }
    hart.setCell(cell, result);
    hart.surroundings.changed(hart, 'protection');
  },
});

const pmpConfiguration = (hart: HartState, entry: number): number =>
  entry > 15 ? 0 : Number((hart.cell(entry < 8 ? Cell.pmpcfg0 : Cell.pmpcfg2) >> BigInt((entry % 8) * 8)) & 0xffn);

const pmpaddr = (entry: number): Register => ({
  read: (hart) => hart.cell(Cell.pmpaddr0 + entry),
  write: (hart, value) => {
    const next = pmpConfiguration(hart, entry + 1);
    const lockedAsBase = (next & 0x98) === 0x88;
    if ((pmpConfiguration(hart, entry) & 0x80) !== 0 || lockedAsBase) return;
    hart.setCell(Cell.pmpaddr0 + entry, value & ((1n << 54n) - 1n));
    hart.surroundings.changed(hart, 'protection');
  },
});

const registers = new Map<number, Register>([
  [Csr.mvendorid, constant(0n)],
  [Csr.marchid, constant(0n)],
  [Csr.mimpid, constant(0n)],
  [Csr.mconfigptr, constant(0n)],
  [Csr.mhartid, { read: (hart) => BigInt(hart.id) }],
  [Csr.misa, { read: () => MISA, write: () => undefined }],
  [
    Csr.mstatus,
    {
      read: (hart) => unsigned(hart.low(Cell.mstatus)) | MSTATUS_HIGH,
      write: (hart, value) => setStatus(hart, low32(value), MSTATUS_MASK),
    },
  ],
  [
    Csr.sstatus,
    {
      read: (hart) => unsigned(hart.low(Cell.mstatus) & SSTATUS_MASK) | SSTATUS_HIGH,
      write: (hart, value) => setStatus(hart, low32(value), SSTATUS_MASK),
    },
  ],
  [Csr.medeleg, plain(Cell.medeleg, BigInt(DELEGABLE))],
  [
    Csr.mideleg,
    {
      read: (hart) => hart.cell(Cell.mideleg),
      write: (hart, value) => setBits(hart, Cell.mideleg, low32(value), SUPERVISOR_INTERRUPTS),
    },
  ],
  [
    Csr.mie,
    {
      read: (hart) => hart.cell(Cell.mie),
      write: (hart, value) => setBits(hart, Cell.mie, low32(value), ALL_INTERRUPTS),
    },
  ],
  [
    Csr.sie,
    {
      read: (hart) => unsigned(hart.low(Cell.mie) & hart.low(Cell.mideleg)),
      write: (hart, value) => setBits(hart, Cell.mie, low32(value), hart.low(Cell.mideleg)),
    },
  ],
  [
    Csr.mip,
    {
      read: (hart) => unsigned(hart.pending),
      basis: (hart) => unsigned(hart.low(Cell.mip)),
      write: (hart, value) =>
        setBits(hart, Cell.mip, low32(value), SUPERVISOR_INTERRUPTS & (stceOf(hart) ? ~Interrupt.stip : ~0)),
    },
  ],
  [
    Csr.sip,
    {
      read: (hart) => unsigned(hart.pending & hart.low(Cell.mideleg)),
      basis: (hart) => unsigned(hart.low(Cell.mip) & hart.low(Cell.mideleg)),
      write: (hart, value) => setBits(hart, Cell.mip, low32(value), Interrupt.ssip & hart.low(Cell.mideleg)),
    },
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
        const stceChanges = ((value ^ hart.cell(Cell.menvcfg)) & STCE) !== 0n;
        hart.setCell(Cell.menvcfg, value & (STCE | 1n));
        // From now on the other source decides on STIP; what the first one left there is void.
        if (stceChanges) {
          hart.setLow(Cell.mip, hart.low(Cell.mip) & ~Interrupt.stip);
          hart.surroundings.changed(hart, 'timer');
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
        hart.surroundings.changed(hart, 'timer');
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
        if (mode !== 0n && mode !== 8n) return;
        hart.setCell(Cell.satp, value);
        hart.surroundings.changed(hart, 'translation');
      },
    },
  ],
  [Csr.mcycle, cycle],
  [Csr.minstret, instret],
  [Csr.cycle, readOnly(cycle)],
  [Csr.instret, readOnly(instret)],
  [Csr.time, { read: (hart) => hart.surroundings.mtime() }],
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

/** The value of a CSR, undefined if there is none at this address. */
export const readCsr = (hart: HartState, address: number): bigint | undefined => registers.get(address)?.read(hart);

/** What a csrrs or csrrc instruction modifies. */
export function basisOfCsr(hart: HartState, address: number): bigint {
  const register = registers.get(address);
  return (register?.basis ?? register?.read)?.(hart) ?? 0n;
}

/** Writes a CSR as far as its fields allow; false if there is none at this address or it is read-only. */
export function writeCsr(hart: HartState, address: number, value: bigint): boolean {
  const register = registers.get(address);
  if (register?.write === undefined) return false;
  register.write(hart, value);
  return true;
}

/**
 * Whether an instruction of the hart may access the CSR (section 2.1: bits 9:8 name the lowest mode, bits 11:10 = 3 a
 * read-only one), with what TVM, the counter enables and Sstc take away.
 */
export function mayAccess(hart: HartState, address: number, writing: boolean): boolean {
  if (!registers.has(address) || hart.mode < ((address >> 8) & 3)) return false;
  if (writing && address >> 10 === 3) return false;
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
