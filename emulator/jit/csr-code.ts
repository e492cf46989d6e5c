/**
 * CSR instructions as generated code, for the registers whose storage is all there is to them: a kernel reads and writes
 * sstatus, sepc or sscratch at every lock and every trap, and a loop that waits for the clock reads nothing else. What decides
 * on translation, or lets an interrupt in that waits, leaves for cpu/csr.ts, which has the rules whole.
 */
import { Csr } from '../isa/csrs';
import type { Decoded } from '../isa/instructions/decode';
import { CsrUpdate } from '../isa/instructions/instruction';
import { type Code, i32, i64, local, when } from '../wasm/assembler';
import { MSTATUS, SSTATUS } from '../cpu/csr';
import { CLOCK, Cell, ClockOffset, HartOffset, INSTRUCTIONS_PER_TICK } from '../layout';
import { Mstatus } from '../isa/csr-bits';
import { Mode } from '../types';
import { ZERO, cell, floatsLocked, get32 } from './emit';

/** Bits of mstatus that decide on nothing but whether interrupts are taken. */
const INTERRUPT_BITS = Mstatus.sie | Mstatus.spie | Mstatus.spp | Mstatus.mie | Mstatus.mpie;
const ENABLES = Mstatus.sie | Mstatus.mie;
const FS_LOWEST = Mstatus.fs & -Mstatus.fs;

type Storage =
  /** All of a cell, but for the bits that cannot be set. */
  | { kind: 'cell'; cell: Cell; mask: bigint }
  /** A trap vector: reserved modes leave it as it was. */
  | { kind: 'vector'; cell: Cell }
  | { kind: 'status'; mask: number; high: number }
  /** A part of fcsr. */
  | { kind: 'float'; shift: number; mask: number }
  /** Written only elsewhere. */
  | { kind: 'read'; cell: Cell }
  /** Counts while the hart runs; written only elsewhere. */
  | { kind: 'counter'; of: 'cycles' | 'ticks' }
  | { kind: 'satp' };

const all = (cell: Cell, mask = -1n): Storage => ({ kind: 'cell', cell, mask });

const STORAGE = new Map<number, Storage>([
  [Csr.sstatus, { kind: 'status', ...SSTATUS }],
  [Csr.mstatus, { kind: 'status', ...MSTATUS }],
  [Csr.sscratch, all(Cell.sscratch)],
  [Csr.sepc, all(Cell.sepc, -2n)],
  [Csr.scause, all(Cell.scause)],
  [Csr.stval, all(Cell.stval)],
  [Csr.mscratch, all(Cell.mscratch)],
  [Csr.mepc, all(Cell.mepc, -2n)],
  [Csr.mcause, all(Cell.mcause)],
  [Csr.mtval, all(Cell.mtval)],
  [Csr.fflags, { kind: 'float', shift: 0, mask: 0x1f }],
  [Csr.frm, { kind: 'float', shift: 5, mask: 7 }],
  [Csr.fcsr, { kind: 'float', shift: 0, mask: 0xff }],
  [Csr.stvec, { kind: 'vector', cell: Cell.stvec }],
  [Csr.mtvec, { kind: 'vector', cell: Cell.mtvec }],
  [Csr.mie, { kind: 'read', cell: Cell.mie }],
  [Csr.satp, { kind: 'satp' }],
  [Csr.mcycle, { kind: 'counter', of: 'cycles' }],
  [Csr.cycle, { kind: 'counter', of: 'cycles' }],
  [Csr.time, { kind: 'counter', of: 'ticks' }],
]);

/** Registers in which others are written only elsewhere. */
const READ_ONLY: ReadonlySet<Storage['kind']> = new Set(['read', 'counter', 'satp']);

/** What its code depends on: which instruction, the CSR's address as `imm`, and whether rs1 (or the immediate) is 0. */
export type CsrOperation = Pick<Decoded, 'instruction' | 'imm' | 'rs1'>;

interface CsrInstruction {
  storage: Storage;
  update: CsrUpdate;
  writing: boolean;
}

function csrInstruction({ instruction, imm, rs1 }: CsrOperation): CsrInstruction | undefined {
  const update = instruction.csr?.update;
  const storage = update === undefined ? undefined : STORAGE.get(imm);
  if (update === undefined || storage === undefined) return undefined;
  const writing = update === CsrUpdate.write || rs1 !== 0;
  if (writing && READ_ONLY.has(storage.kind)) return undefined;
  return { storage, update, writing };
}

/** Whether the instruction can be done by `csrCode`; if `writesLeave`, only if it does not write. */
export function isCsrCode(decoded: CsrOperation, writesLeave = false): boolean {
  const found = csrInstruction(decoded);
  return found !== undefined && !(writesLeave && found.writing);
}

/**
 * The instruction's code. `operand` is the value of rs1 or the immediate, `write` writes rd, `outside` leaves to have the
 * instruction done elsewhere; `old` and `next` are i64 locals to use. `left` (i32) is how many instructions of the slice come
 * after this one: that tells the time.
 */
export function csrCode(
  decoded: CsrOperation,
  operand: Code,
  write: (value: Code) => Code,
  outside: Code,
  [old, next]: readonly [number, number],
  left: Code,
): Code {
  const { storage, update, writing } = csrInstruction(decoded)!;
  const lowestMode = (decoded.imm >> 8) & 3;
  const modified: Code =
    update === CsrUpdate.write
      ? operand
      : update === CsrUpdate.set
        ? i64.or(local.get(old), operand)
        : i64.and(local.get(old), i64.xor(operand, i64.const(-1)));
  const body = (): Code => {
    switch (storage.kind) {
      case 'cell': {
        const at = place(storage.cell);
        if (!writing) return write(i64.load(ZERO, at));
        const value = storage.mask === -1n ? modified : i64.and(modified, i64.const(storage.mask));
        return [local.set(old, i64.load(ZERO, at)), i64.store(ZERO, value, at), write(local.get(old))];
      }
      case 'vector': {
        const at = place(storage.cell);
        if (!writing) return write(i64.load(ZERO, at));
        return [
          local.set(old, i64.load(ZERO, at)),
          local.set(next, modified),
          when(i64.lt_u(i64.and(local.get(next), i64.const(3)), i64.const(2)), i64.store(ZERO, local.get(next), at)),
          write(local.get(old)),
        ];
      }
      case 'read':
        return write(i64.load(ZERO, place(storage.cell)));
      case 'counter': {
        const now = i64.sub(i64.load(ZERO, CLOCK + ClockOffset.end), i64.extend_u(left));
        const value =
          storage.of === 'cycles'
            ? i64.add(now, i64.load(ZERO, place(Cell.cycleOffset)))
            : i64.add(i64.div_u(now, i64.const(INSTRUCTIONS_PER_TICK)), i64.load(ZERO, CLOCK + ClockOffset.timeOffset));
        return [unlessEnabled(decoded.imm, outside), write(value)];
      }
      case 'satp':
        return [
          when(i32.and(i32.load(ZERO, place(Cell.mstatus)), i32.const(Mstatus.tvm)), outside),
          write(i64.load(ZERO, place(Cell.satp))),
        ];
      case 'float': {
        const at = place(Cell.fcsr);
        const part = i64.and(i64.shr_u(i64.load(ZERO, at), i64.const(storage.shift)), i64.const(storage.mask));
        if (!writing) return [when(floatsLocked('reads'), outside), write(part)];
        const kept = i64.and(i64.load(ZERO, at), i64.const(~(storage.mask << storage.shift)));
        const set = i64.shl(i64.and(modified, i64.const(storage.mask)), i64.const(storage.shift));
        return [
          when(floatsLocked('writes'), outside),
          local.set(old, part),
          i64.store(ZERO, i64.or(kept, set), at),
          write(local.get(old)),
        ];
      }
      case 'status': {
        const at = place(Cell.mstatus);
        const mask = BigInt(storage.mask >>> 0);
        const high = BigInt(storage.high) << 32n;
        const both = i64.and(local.get(old), i64.shr_u(local.get(old), i64.const(1)));
        // SD is set if both bits of FS are.
        const dirty = i64.shl(i64.and(both, i64.const(FS_LOWEST)), i64.const(50));
        const shown = i64.or(i64.or(i64.and(local.get(old), i64.const(mask)), i64.const(high)), dirty);
        if (!writing) return [local.set(old, i64.load32_u(ZERO, at)), write(shown)];
        const changed = i64.xor(local.get(old), local.get(next));
        return [
          local.set(old, i64.load32_u(ZERO, at)),
          local.set(
            next,
            i64.or(i64.and(local.get(old), i64.const(~mask & 0xffff_ffffn)), i64.and(modified, i64.const(mask))),
          ),
          when(i64.ne(i64.and(changed, i64.const(~INTERRUPT_BITS)), i64.const(0)), outside),
          when(
            i64.ne(i64.and(i64.and(changed, local.get(next)), i64.const(ENABLES)), i64.const(0)),
            when(
              i32.or(
                get32(HartOffset.untilEnabled),
                i32.and(
                  i32.or(get32(HartOffset.lines), i32.load(ZERO, place(Cell.mip))),
                  i32.load(ZERO, place(Cell.mie)),
                ),
              ),
              outside,
            ),
          ),
          i64.store32(ZERO, local.get(next), at),
          write(shown),
        ];
      }
    }
  };
  return [lowestMode === 0 ? [] : when(i32.lt_u(get32(HartOffset.mode), i32.const(lowestMode)), outside), body()];
}

/** Leaves if the hart's mode may not read a counter that every mode can name. */
function unlessEnabled(address: number, outside: Code): Code {
  if (address < Csr.cycle) return [];
  const isOff = (enables: Cell): Code =>
    i32.eqz(i32.and(i32.load(ZERO, place(enables)), i32.const(1 << (address - Csr.cycle))));
  return when(i32.ne(get32(HartOffset.mode), i32.const(Mode.Machine)), [
    when(isOff(Cell.mcounteren), outside),
    when(i32.eqz(get32(HartOffset.mode)), when(isOff(Cell.scounteren), outside)),
  ]);
}

const place = (register: Cell): number => cell(HartOffset.csrs + register * 8);
