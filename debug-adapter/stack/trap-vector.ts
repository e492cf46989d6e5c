/**
 * The assembly that no call leads to, and what it was entered from: trap vectors (xv6's kernelvec, timervec, uservec), the
 * way back to a user program (userret), and the context switch (swtch). Rests on the RISC-V privileged specification,
 * sections 3.1.7 and 4.1 (stvec, sepc, sstatus), and on the code itself (register-tracker.ts).
 */
import { Mode, type Hart } from '../../emulator/types';
import type { MappedProgram } from '../code/mapped-program';
import { isCall, isJump, isReturn, isTrapReturn } from '../../emulator/isa/instructions/calls';
import { Csr } from '../../emulator/isa/csrs';
import { SystemOperation } from '../../emulator/isa/instructions/instruction';
import { instructionsFrom } from '../../emulator/isa/instructions/instruction-at';
import { X } from '../../emulator/isa/registers';
import { RegisterTracker, type RegisterState } from './register-tracker';
import { NAMES } from '../xv6/names';
import type { FrameRegisters, ReadMemory } from '../symbols/api';

/** Instructions of a context switch that are looked at. */
const LONGEST_SWITCH = 128;
/** Of a vector, its way back included. */
const LONGEST_VECTOR = 256;

export type AssemblyFrame =
  /** From a user program into the kernel, registers not all saved. */
  | { kind: 'user vector'; entry: bigint }
  /** From the kernel to a user program, up to sret. */
  | { kind: 'user return' }
  /** A trap that was taken in the kernel, or by the machine mode. */
  | { kind: 'kernel vector'; entry: bigint }
  | { kind: 'machine vector'; entry: bigint }
  /** From one stack to another. */
  | { kind: 'switch'; entry: bigint };

/** Which passage a frame of the kernel is in; undefined in ordinary code. `hart`: whose trap registers are this frame's. */
export function assemblyFrameAt(
  image: MappedProgram,
  registers: FrameRegisters,
  read: ReadMemory,
  hart: Hart | undefined,
): AssemblyFrame | undefined {
  const { binary } = image;
  const lookup = image.lookup(registers);
  const symbol = binary.symbolAt(lookup)?.symbol;
  if (!symbol) return undefined;
  const back = binary.symbol(NAMES.userReturn)?.address;
  const uservec = binary.symbol(NAMES.userVector)?.address;
  if (uservec !== undefined && sameCode(image, lookup, uservec)) {
    return back !== undefined && lookup >= back && back >= uservec
      ? { kind: 'user return' }
      : { kind: 'user vector', entry: runningAt(image, registers, uservec) };
  }
  if (back !== undefined && symbol.address === back) return { kind: 'user return' };

  const entry = runningAt(image, registers, symbol.address);
  const isAt = (csr: number): boolean => image.linked((hart?.csr(csr) ?? 0n) & ~3n) === symbol.address;
  if (hart?.mode === Mode.Machine && isAt(Csr.mtvec)) return { kind: 'machine vector', entry };
  if ((hart && isAt(Csr.stvec)) || (isAssembly(image, lookup) && leadsToSret(entry, read)))
    return { kind: 'kernel vector', entry };
  return registers.returnAddress !== true && switchesStack(entry, read) ? { kind: 'switch', entry } : undefined;
}

/** Whether an address lies in the code that starts at `start`: the page of the trampoline holds nothing else. */
const sameCode = (image: MappedProgram, address: bigint, start: bigint): boolean =>
  address >= start && image.running(address).length > 1;

const runningAt = (image: MappedProgram, registers: FrameRegisters, linked: bigint): bigint =>
  registers.pc - image.linked(registers.pc) + linked;

/** The registers at a vector's entry, but pc; undefined where the vector's code cannot be followed. */
export function registersAtEntry(
  entry: bigint,
  registers: FrameRegisters,
  now: RegisterState,
): FrameRegisters | undefined {
  const line = RegisterTracker.between(entry, registers.pc, now.read);
  if (!line) return undefined;
  const savedAt: (bigint | undefined)[] = [];
  const x = registers.x.map((_, register) => {
    const found = line.before(register, now);
    savedAt[register] = found.savedAt ?? (found.register === register ? registers.savedAt?.[register] : undefined);
    return found.value;
  });
  return { pc: registers.pc, x, savedAt };
}

/** What `registers` are to be once the memory of `now` is read for those that the hart has overwritten. */
export const nowOf = (registers: FrameRegisters, read: ReadMemory, hart: Hart | undefined): RegisterState => ({
  x: registers.x,
  csr: (address) => hart?.csr(address),
  read,
});

const isAssembly = ({ binary }: MappedProgram, lookup: bigint): boolean =>
  /\.s$/i.test(binary.lineAt(lookup)?.file ?? '.s');

/** Whether code that saves registers and calls a handler goes on to an sret, whatever its name. */
function leadsToSret(entry: bigint, read: ReadMemory): boolean {
  let count = 0;
  for (const { decoded } of instructionsFrom(read, entry)) {
    if (!decoded || ++count > LONGEST_VECTOR) return false;
    if (isTrapReturn(decoded)) return decoded.instruction.system === SystemOperation.sret;
    if (isJump(decoded) && !isCall(decoded)) return false;
  }
  return false;
}

/** A C function never loads sp from anywhere but its own frame. */
function switchesStack(entry: bigint, read: ReadMemory): boolean {
  let count = 0;
  for (const { decoded } of instructionsFrom(read, entry)) {
    if (!decoded || isJump(decoded) || ++count > LONGEST_SWITCH) return false;
    if (decoded.instruction.access?.kind === 'load' && decoded.rd === X.sp && decoded.rs1 !== X.sp) return true;
  }
  return false;
}

/**
 * Who called a context switch: as long as sp is not loaded the one that gives its stack up, from then on the one that
 * gets it, to which the switch returns. Its pc is after a call, unless that thread has yet to begin.
 */
export function acrossContextSwitch(
  entry: bigint,
  registers: FrameRegisters,
  now: RegisterState,
): FrameRegisters | undefined {
  const done = RegisterTracker.between(entry, registers.pc, now.read);
  if (!done) return undefined;
  const end = done.keepsStack ? undefined : returnOf(registers.pc, now.read);
  const toDo = end === undefined ? undefined : RegisterTracker.between(registers.pc, end, now.read);
  if (!done.keepsStack && !toDo) return undefined;
  const savedAt: (bigint | undefined)[] = [];
  const x = registers.x.map((_, register) => {
    const found = toDo ? toDo.after(register, now) : done.before(register, now);
    if (toDo || found.register !== register) savedAt[register] = found.savedAt;
    // A switch does not save the registers that a call may overwrite: their values are its own.
    return isPreserved(register) ? found.value : undefined;
  });
  const pc = (toDo ? toDo.after(X.ra, now) : done.before(X.ra, now)).value;
  return pc === undefined ? undefined : { pc, x, savedAt };
}

const isPreserved = (register: number): boolean =>
  register <= 4 || register === 8 || register === 9 || (register >= 18 && register <= 27);

function returnOf(from: bigint, read: ReadMemory): bigint | undefined {
  let count = 0;
  for (const { address, decoded } of instructionsFrom(read, from)) {
    if (!decoded || ++count > LONGEST_SWITCH) return undefined;
    if (isReturn(decoded)) return address;
  }
  return undefined;
}
