/**
 * Through a trap that the kernel took in itself: from the code at stvec or mtvec (xv6's kernelvec, timervec) to what it
 * interrupted. Such code is not called, so no calling convention tells where its registers went: its own instructions do.
 */
import { decode } from '../emulator/isa/decode';
import { Mode, type Hart } from '../emulator/types';
import type { Image } from './image';
import type { FrameRegisters, ReadMemory } from './symbols/api';

const SP = 2;
const SEPC = 0x141;
const STVEC = 0x105;
const MEPC = 0x341;
const MTVEC = 0x305;
/** Instructions that are looked at; a vector that saves all registers has about 70. */
const LONGEST = 256;

export interface Vector {
  /** Running address of its first instruction. */
  entry: bigint;
  mode: Mode.Supervisor | Mode.Machine;
}

/** The trap vector that a frame is in; undefined for all other code, and for uservec, below which is a user program. */
export function vectorAt(image: Image, hart: Hart, registers: FrameRegisters): Vector | undefined {
  const lookup = image.lookup(registers);
  const symbol = image.binary.symbolAt(lookup)?.symbol;
  if (!symbol || symbol.name === 'uservec') return undefined;
  const at = (csr: number): boolean => image.linked((hart.csr(csr) ?? 0n) & ~3n) === symbol.address;
  const entry = registers.pc - (image.linked(registers.pc) - symbol.address);
  if (hart.mode === Mode.Machine && at(MTVEC)) return { entry, mode: Mode.Machine };
  return symbol.name === 'kernelvec' || at(STVEC) ? { entry, mode: Mode.Supervisor } : undefined;
}

/**
 * The registers of the interrupted code. `kept` is what a handler has kept of sepc, which later traps overwrite. Undefined
 * where the kernel was not interrupted in code of its own.
 */
export function interruptedBy(
  vector: Vector,
  image: Image,
  hart: Hart,
  registers: FrameRegisters,
  read: ReadMemory,
  kept: bigint | undefined,
): FrameRegisters | undefined {
  const epc = hart.csr(vector.mode === Mode.Machine ? MEPC : SEPC);
  const pc = [kept, epc].find((address) => address !== undefined && image.contains(address));
  const sp = registers.x[SP];
  if (pc === undefined || sp === undefined) return undefined;

  const { depth, saved, changed } = effect(vector.entry, registers.pc, read);
  const before = BigInt.asUintN(64, sp + depth);
  const savedAt: (bigint | undefined)[] = [];
  const x = registers.x.map((value, register) => {
    if (register === SP) return before;
    const offset = saved.get(register);
    if (offset === undefined) return changed.has(register) ? undefined : value;
    savedAt[register] = BigInt.asUintN(64, before + offset);
    return word(read, savedAt[register]);
  });
  return { pc, x, savedAt };
}

/** What the instructions from `entry` up to `end` do to the stack and the registers; offsets are from sp at the entry. */
function effect(
  entry: bigint,
  end: bigint,
  read: ReadMemory,
): { depth: bigint; saved: Map<number, bigint>; changed: Set<number> } {
  let depth = 0n;
  const saved = new Map<number, bigint>();
  const changed = new Set<number>();
  let at = entry;
  for (let count = 0; at < end && count < LONGEST; count++) {
    const bytes = read(at, 4) ?? read(at, 2);
    const decoded = bytes && decode(bytes.reduce((sum, byte, index) => sum | (byte << (8 * index)), 0));
    if (!decoded) break;
    const { instruction, rd, rs1, rs2, imm, length } = decoded;
    if (instruction.name === 'addi' && rd === SP && rs1 === SP) depth -= BigInt(imm);
    else if (instruction.name === 'sd' && rs1 === SP && !saved.has(rs2) && !changed.has(rs2))
      saved.set(rs2, BigInt(imm) - depth);
    else if (rd !== 0) changed.add(rd);
    at += BigInt(length);
  }
  return { depth, saved, changed };
}

function word(read: ReadMemory, address: bigint | undefined): bigint | undefined {
  const bytes = address === undefined ? undefined : read(address, 8);
  return bytes && new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
}
