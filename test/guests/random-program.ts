/**
 * Random programs for the comparison with QEMU: every instruction of the table, compressed forms, traps of every kind,
 * CSRs, changes of privilege, loads and stores through random page-table entries, self-modifying code. They always
 * terminate: branches go forward, loops count down, and a trap skips its instruction.
 */
import { Csr } from '../../emulator/isa/csrs';
import { INSTRUCTIONS, decode } from '../../emulator/isa/instructions/decode';
import { type Instruction, isRelative } from '../../emulator/isa/instructions/instruction';
import { Mode } from '../../emulator/types';
import { type Operands, encode } from '../../emulator/testing/encode';
import type { Random } from '../../emulator/testing/random';

/** Instructions as a list of 16-bit parcels. */
type Parcels = number[];

/** Registers that hold addresses and are never written: two point into the scratch area, one to fuzzed pages. */
export const SCRATCH_POINTERS = [2, 8] as const;
export const FUZZ_POINTER = 9;
const RESERVED: readonly number[] = [...SCRATCH_POINTERS, FUZZ_POINTER];
const FREE = Array.from({ length: 31 }, (_, i) => i + 1).filter((register) => !RESERVED.includes(register));

const at = (name: string, operands: Operands): Parcels => {
  const word = encode(name, operands);
  return [word & 0xffff, word >>> 16];
};
const size = (parcels: Parcels): number => parcels.length * 2;

const named = (keep: (instruction: Instruction, opcode: number) => boolean): string[] =>
  INSTRUCTIONS.filter((instruction) => keep(instruction, instruction.match & 127)).map(({ name }) => name);
const REGISTER_FORMS = named((_, opcode) => opcode === 0x33 || opcode === 0x3b);
/** Without ctzw: QEMU 7.2 counts on in the upper half of the register if the lower one is 0. */
const IMMEDIATE_FORMS = named(({ name }, opcode) => (opcode === 0x13 || opcode === 0x1b) && name !== 'ctzw');
const SHIFTS = new Set(INSTRUCTIONS.filter(({ immediate }) => immediate === 'shamt').map(({ name }) => name));
const LOADS = named(({ access }) => access?.kind === 'load');
const STORES = named(({ access }) => access?.kind === 'store');
const FLOAT_FORMS = named(({ float }) => float !== undefined);
const BRANCHES = named(({ control }) => control === 'branch');
const ATOMICS = named(({ access }) => access?.kind === 'amo');
const CSR_FORMS = named(({ csr }) => csr !== undefined);

const FLOAT_CSRS = [Csr.fflags, Csr.frm, Csr.fcsr];
const PLAIN_CSRS = [Csr.stvec, Csr.sscratch, Csr.sepc, Csr.scause, Csr.stval, Csr.sie, Csr.sstatus];
const MACHINE_CSRS = [Csr.mepc, Csr.mcause, Csr.mtval, Csr.mstatus];
/** Read-only, absent, or another mode's. */
const REFUSED_CSRS = [0x000, 0x0ff, 0x1ff, 0x5a8, 0x7c0, 0x800, 0xb80, 0xbff, 0xcff, 0xdff, 0xf11, 0xf15, 0xfff];

/** All 16-bit parcels, classified. */
const compressed = {
  plain: [] as number[],
  illegal: [] as number[],
  /** By the distance they jump. */
  branches: new Map<number, number[]>(),
};
for (let half = 0; half < 65536; half++) {
  if ((half & 3) === 3) continue;
  const decoded = decode(half);
  if (!decoded) {
    compressed.illegal.push(half);
    continue;
  }
  const { instruction, rd, rs1, imm } = decoded;
  const writes = instruction.hasRd && RESERVED.includes(rd);
  const inMemory = instruction.access !== undefined;
  if (isRelative(instruction)) {
    if (imm > 0 && imm <= 24 && !writes) compressed.branches.set(imm, [...(compressed.branches.get(imm) ?? []), half]);
  } else if (instruction.control !== 'indirect' && !writes && (!inMemory || rs1 === 2 || rs1 === 8)) {
    compressed.plain.push(half);
  }
}

export class ProgramGenerator {
  constructor(
    private readonly random: Random,
    private readonly mode: Mode,
  ) {}

  /** A program of about `pieces` pieces, without the ecall that ends it. */
  program(pieces: number): Parcels {
    const parcels: Parcels = [];
    for (let i = 0; i < pieces; i++) parcels.push(...this.piece());
    if (this.random.chance(10)) parcels.push(...this.jumpToFuzzedPage());
    return parcels;
  }

  private readonly pieces: readonly [weight: number, make: () => Parcels][] = [
    [24, () => this.straight()],
    [6, () => this.load(this.random.pick(SCRATCH_POINTERS), this.random.between(-2040, 2040))],
    [6, () => this.store(this.random.pick(SCRATCH_POINTERS), this.random.between(-2040, 2040))],
    [8, () => this.fuzzedAccess()],
    [12, () => this.float()],
    [5, () => this.atomic()],
    [3, () => this.reservation()],
    [7, () => this.branch()],
    [3, () => this.jump()],
    [2, () => this.loop()],
    [8, () => this.csr()],
    [3, () => this.refused()],
    [2, () => this.changeMode()],
    [1, () => this.interrupt()],
    [1, () => at('sfence.vma', { rs1: this.random.below(32), rs2: this.random.below(32) })],
    [2, () => this.selfModifying()],
    [9, () => [this.random.pick(compressed.plain)]],
    [1, () => [this.random.pick(compressed.illegal)]],
  ];
  private readonly total = this.pieces.reduce((sum, [weight]) => sum + weight, 0);

  private piece(): Parcels {
    let left = this.random.below(this.total);
    return this.pieces.find(([weight]) => (left -= weight) < 0)![1]();
  }

  private any(): number {
    return this.random.below(32);
  }
  private free(...but: number[]): number {
    return this.random.pick(but.length > 0 ? FREE.filter((register) => !but.includes(register)) : FREE);
  }
  private immediate(): number {
    return this.random.pick([this.random.between(-2048, 2047), this.random.between(-2, 2)]);
  }

  /** Computes, and neither traps nor jumps. */
  private straight(rd = this.free()): Parcels {
    const [rs1, rs2] = [this.any(), this.any()];
    switch (this.random.below(5)) {
      case 0:
      case 1:
        return at(this.random.pick(REGISTER_FORMS), { rd, rs1, rs2 });
      case 2:
      case 3: {
        const name = this.random.pick(IMMEDIATE_FORMS);
        const imm = SHIFTS.has(name) ? this.random.below(name.endsWith('w') ? 32 : 64) : this.immediate();
        return at(name, { rd, rs1, imm });
      }
      default:
        return at(this.random.pick(['lui', 'auipc']), { rd, imm: this.random.below(1 << 20) });
    }
  }

  /** Calculates with floating point, sometimes with a reserved rounding mode. */
  private float(): Parcels {
    const rm = this.random.chance(5) ? this.random.below(8) : this.random.pick([0, 1, 2, 3, 4, 7, 7, 7]);
    const floats = { fd: this.any(), fs1: this.any(), fs2: this.any(), fs3: this.any(), rm };
    return at(this.random.pick(FLOAT_FORMS), { rd: this.free(), rs1: this.any(), ...floats });
  }

  private load(rs1: number, imm: number): Parcels {
    return at(this.random.pick(LOADS), { rd: this.free(), fd: this.any(), rs1, imm });
  }
  private store(rs1: number, imm: number): Parcels {
    return at(this.random.pick(STORES), { rs1, rs2: this.any(), fs2: this.any(), imm });
  }

  /** An access to one of the pages whose page-table entries are random; sometimes across two of them. */
  private fuzzedAccess(): Parcels {
    const pointer = this.free();
    const page = this.random.below(20);
    const toPage = [
      ...at('lui', { rd: pointer, imm: page }),
      ...at('add', { rd: pointer, rs1: pointer, rs2: FUZZ_POINTER }),
    ];
    // Without translation there is no memory there, where QEMU treats misaligned and atomic accesses in its own way.
    const bare = this.mode === Mode.Machine;
    const imm = !bare && this.random.chance(15) ? this.random.between(-7, -1) : this.random.below(256) * 8;
    switch (bare ? this.random.between(1, 7) : this.random.below(8)) {
      case 0: {
        const aligned = at('addi', { rd: pointer, rs1: pointer, imm: imm & ~7 });
        return [...toPage, ...aligned, ...this.atomicAt(pointer)];
      }
      case 1:
        return [...toPage, ...at('lr.d', { rd: this.free(), rs1: pointer })];
      case 2:
      case 3:
      case 4:
        return [...toPage, ...this.store(pointer, imm)];
      default:
        return [...toPage, ...this.load(pointer, imm)];
    }
  }

  private atomicAt(rs1: number): Parcels {
    return at(this.random.pick(ATOMICS), { rd: this.free(), rs1, rs2: this.any() });
  }
  private atomic(): Parcels {
    const pointer = this.free();
    const imm = this.random.chance(10) ? this.random.between(-64, 64) : this.random.between(-16, 16) * 8;
    return [...at('addi', { rd: pointer, rs1: 8, imm }), ...this.atomicAt(pointer)];
  }
  /** lr and sc at one address, with something harmless in between. */
  private reservation(): Parcels {
    const pointer = this.free();
    const width = this.random.pick(['w', 'd']);
    return [
      ...at('addi', { rd: pointer, rs1: 8, imm: this.random.between(-16, 16) * 8 }),
      ...at(`lr.${width}`, { rd: this.free(pointer), rs1: pointer }),
      ...this.straight(this.free(pointer)),
      ...at(`sc.${width}`, { rd: this.free(), rs1: pointer, rs2: this.any() }),
    ];
  }

  private body(pieces: number): Parcels {
    return Array.from({ length: pieces }, () => this.straight()).flat();
  }

  private branch(): Parcels {
    const body = this.body(this.random.between(0, 3));
    const short = compressed.branches.get(size(body) + 2);
    if (short && this.random.chance(40)) return [this.random.pick(short), ...body];
    const operands = { rs1: this.any(), rs2: this.random.chance(20) ? 0 : this.any(), imm: size(body) + 4 };
    return [...at(this.random.pick(BRANCHES), operands), ...body];
  }
  private jump(): Parcels {
    const body = this.body(this.random.between(0, 3));
    const rd = this.random.chance(50) ? 0 : this.free();
    if (this.random.chance(50)) return [...at('jal', { rd, imm: size(body) + 4 }), ...body];
    const pointer = this.free();
    const imm = size(body) + 8 + this.random.below(2);
    return [...at('auipc', { rd: pointer }), ...at('jalr', { rd, rs1: pointer, imm }), ...body];
  }
  private loop(): Parcels {
    const counter = this.free();
    const body = [
      ...Array.from({ length: this.random.between(1, 4) }, () => this.straight(this.free(counter))).flat(),
      ...at('addi', { rd: counter, rs1: counter, imm: -1 }),
    ];
    return [
      ...at('addi', { rd: counter, imm: this.random.between(1, 40) }),
      ...body,
      ...at('bne', { rs1: counter, imm: -size(body) }),
    ];
  }

  private csr(): Parcels {
    const name = this.random.pick(CSR_FORMS);
    const imm = this.random.pick([
      ...PLAIN_CSRS,
      ...FLOAT_CSRS,
      ...(this.mode === Mode.Machine || this.random.chance(10) ? MACHINE_CSRS : PLAIN_CSRS),
      ...(this.random.chance(10) ? REFUSED_CSRS : []),
    ]);
    // Change only a few bits of the status registers at a time: whole random words would mostly break everything.
    const few = this.free();
    const bits = at('lui', { rd: few, imm: 1 << this.random.between(0, 11) });
    // QEMU 7.2 keeps bit 0 of these two.
    if (imm === Csr.sepc || imm === Csr.mepc) {
      const even = at('andi', { rd: few, rs1: this.any(), imm: -2 });
      return [...even, ...at(this.random.pick(['csrrw', 'csrrs']), { rd: this.free(), rs1: few, imm })];
    }
    if (imm !== Csr.sstatus && imm !== Csr.mstatus) return at(name, { rd: this.free(), rs1: this.any(), imm });
    const setOrClear = this.random.pick(['csrrs', 'csrrc', 'csrrs']);
    return [...bits, ...at(setOrClear, { rd: this.free(), rs1: few, imm })];
  }

  /** Instructions that no hart has, or not in this form. */
  private refused(): Parcels {
    switch (this.random.below(4)) {
      case 0:
        return at('ebreak', {});
      case 1:
        return at('ecall', {});
      default: {
        const opcode = this.random.pick([0x33, 0x3b, 0x13, 0x1b, 0x03, 0x23, 0x63, 0x67, 0x2f, 0x73, 0x0b, 0x53, 0x07]);
        for (;;) {
          const word = (this.random.bits() & ~127) | opcode;
          if (decode(word) === undefined) return [word & 0xffff, word >>> 16];
        }
      }
    }
  }

  /** Clears MPRV. */
  private withoutLentMode(scratch: number): Parcels {
    if (this.mode !== Mode.Machine) return [];
    return [...at('lui', { rd: scratch, imm: 0x20 }), ...at('csrrc', { rs1: scratch, imm: Csr.mstatus })];
  }

  /** mret or sret to the instruction after it. */
  private changeMode(): Parcels {
    const pointer = this.free();
    const machine = this.mode === Mode.Machine && this.random.chance(60);
    return [
      // QEMU 7.2 leaves MPRV set at an sret from M-mode.
      ...this.withoutLentMode(pointer),
      ...at('auipc', { rd: pointer }),
      ...at('addi', { rd: pointer, rs1: pointer, imm: 16 }),
      ...at('csrrw', { rs1: pointer, imm: machine ? Csr.mepc : Csr.sepc }),
      ...at(machine ? 'mret' : 'sret', {}),
    ];
  }

  /** A supervisor interrupt that M-mode raises for itself; with mstatus.MIE it is taken, else it ends a wfi. */
  private interrupt(): Parcels {
    if (this.mode !== Mode.Machine) return this.straight();
    const bit = this.free();
    return [
      ...at('addi', { rd: bit, imm: this.random.pick([0x002, 0x020, 0x200]) }),
      ...at('csrrw', { rs1: bit, imm: Csr.mie }),
      ...at('csrrs', { rs1: bit, imm: Csr.mip }),
      ...at(this.random.pick(['csrrsi', 'csrrci']), { rs1: 8, imm: Csr.mstatus }),
      ...at('csrrs', { rd: this.free(), imm: this.random.pick([Csr.mip, Csr.sip]) }),
      ...at('csrrc', { rs1: bit, imm: Csr.mip }),
    ];
  }

  /** Replaces an instruction just ahead. */
  private selfModifying(): Parcels {
    const pointer = this.free();
    const value = this.free(pointer);
    const [low, high] = this.straight() as [number, number];
    const word = low | (high << 16) | 0;
    const before = at('auipc', { rd: pointer });
    const setValue = [
      ...at('lui', { rd: value, imm: ((word + 0x800) >> 12) & 0xfffff }),
      ...at('addi', { rd: value, rs1: value, imm: (word << 20) >> 20 }),
    ];
    const target = size(before) + size(setValue) + 8;
    return [
      // QEMU 7.2 lets M-mode write a page that it has fetched from, even if the mode of MPRV may not.
      ...this.withoutLentMode(pointer),
      ...before,
      ...setValue,
      ...at('sw', { rs1: pointer, rs2: value, imm: target }),
      ...at('fence.i', {}),
      ...this.straight(),
    ];
  }

  /** Whatever happens, it is the last thing that the program does. */
  private jumpToFuzzedPage(): Parcels {
    return [
      ...at('lui', { rd: 5, imm: this.random.below(20) }),
      ...at('add', { rd: 5, rs1: 5, rs2: FUZZ_POINTER }),
      ...at('jalr', { rd: 1, rs1: 5, imm: this.random.below(512) * 2 }),
    ];
  }
}
