/**
 * The contexts in which C expressions are evaluated: a frame with its program, memory and registers, or a hart as it
 * stands; and the names that the debugger adds to C's: see `builtin`.
 */
import { wordsOf } from '../dap/errors';
import { Mode, type Hart } from '../../emulator/types';
import { kernelSpace } from '../xv6/address-spaces';
import type { Guest } from '../code/guest';
import { builtinValue } from './builtins';
import { GuestMeanings } from './guest-meanings';
import { ExpressionError } from '../expressions/error';
import { evaluate, evaluateCondition, integerOf } from '../expressions/evaluate';
import { formatValue } from '../expressions/format';
import { constant, variableValue, type EvaluationContext, type Value } from '../expressions/value';
import { UNSIGNED_LONG } from '../expressions/types';
import type { MappedProgram } from '../code/mapped-program';
import type { AddressSpace } from '../memory/address-space';
import { csrNamed } from '../../emulator/isa/csr-fields';
import { FIRST_FLOAT } from '../../emulator/isa/registers';
import type { Overlay } from '../run-control/conditions';
import type { Frame } from '../stack/frame';
import type { FrameRegisters, Variable } from '../symbols/api';

/** Of whose code and memory expressions speak. */
export type EvaluationGuest = Pick<Guest, 'machine' | 'harts' | 'image' | 'xv6' | 'imageAt' | 'space' | 'frame'>;

/** Where expressions are evaluated. */
interface Place {
  /** Whose CSRs and unsaved registers these are; undefined for a process that runs nowhere now. */
  hart: Hart | undefined;
  registers: FrameRegisters;
  image: MappedProgram | undefined;
  space: AddressSpace;
  /** On whose behalf the code runs, where that is known. */
  pid?: number | undefined;
  /** Linked address at which names are looked up; default: the frame's own place. */
  lookup?: bigint;
  overlay?: Overlay;
}

/** The context of a frame, of whatever program and process. */
export const frameEvaluation = (guest: EvaluationGuest, frame: Frame): EvaluationContext =>
  contextAt(guest, {
    hart: frame.hart === undefined ? undefined : guest.harts[frame.hart],
    registers: frame.registers,
    image: frame.image,
    space: frame.space,
    pid: frame.process?.pid,
    lookup: frame.lookup,
  });

/** A variable of a frame, if it is an integer or a pointer; undefined if it is nowhere. */
export function frameInteger(guest: EvaluationGuest, frame: Frame, variable: Variable): bigint | undefined {
  const context = frameEvaluation(guest, frame);
  try {
    return integerOf(variableValue(variable, context), context);
  } catch (error) {
    if (error instanceof ExpressionError) return undefined;
    throw error;
  }
}

/**
 * The context of code that runs on a hart, with these registers. `overlay` gives registers values that they do not have
 * yet, or names only for this evaluation.
 */
export function evaluationContext(
  guest: EvaluationGuest,
  hart: Hart,
  registers: FrameRegisters = guest.frame(hart),
  overlay: Overlay = {},
): EvaluationContext {
  const inKernel = hart.mode !== Mode.User && guest.image.contains(registers.pc);
  const image = inKernel ? guest.image : guest.imageAt(hart);
  return contextAt(guest, { hart, registers, image, space: guest.space(hart), overlay });
}

/** A hart's registers and the globals of what it runs, with no function around them. */
export const globalEvaluation = (guest: EvaluationGuest, hart: Hart): EvaluationContext => ({
  ...evaluationContext(guest, hart),
  scopePc: 0n,
});

function contextAt(guest: EvaluationGuest, place: Place): EvaluationContext {
  const { hart, registers, image, space, overlay = {} } = place;
  const kernel = guest.image.binary;
  const binary = image?.binary ?? kernel;
  // A user program's table has no kernel: what lies there is found where the kernel has it.
  const kernelMemory = image?.binary === kernel ? undefined : kernelSpace(guest);
  const writeMemory = (address: bigint, bytes: Uint8Array): boolean =>
    space.write(address, bytes) || (kernelMemory?.write(address, bytes) ?? false);
  return {
    binary,
    frame: image ? image.linkedFrame(registers) : registers,
    ...(hart && { hart: hart.id }),
    scopePc: image ? (place.lookup ?? image.lookup(registers)) : 0n,
    readMemory: kernelMemory
      ? (address, length) => space.read(address, length) ?? kernelMemory.read(address, length)
      : space.read,
    writeMemory,
    space,
    setRegister: (register, value) => {
      if (register === 'pc') {
        if (!hart || registers.returnAddress || registers.pc !== hart.pc) return false;
        return guest.machine.apply({ kind: 'pc', hart: hart.id, value });
      }
      const saved = registers.savedAt?.[register];
      if (saved !== undefined) return writeMemory(saved, littleEndian(value));
      if (!hart) return false;
      const isFloat = register >= FIRST_FLOAT;
      const number = register % FIRST_FLOAT;
      // A caller's register that another value has taken the place of is nowhere.
      if (registers.x[register] !== (isFloat ? hart.f(number) : hart.x(number))) return false;
      return guest.machine.apply({ kind: isFloat ? 'float' : 'register', hart: hart.id, register: number, value });
    },
    csr: (name) => {
      const csr = csrNamed(name);
      return Object.hasOwn(overlay, name) ? overlay[name] : csr && hart?.csr(csr.address);
    },
    setCsr: (name, value) => {
      const csr = csrNamed(name);
      if (csr === undefined || hart === undefined) return false;
      return guest.machine.apply({ kind: 'csr', hart: hart.id, csr: csr.address, value });
    },
    builtin: (name, given) =>
      overlaid(overlay, name, given) ?? builtinValue(guest, { hart, space, pid: place.pid }, name, given),
    meanings: new GuestMeanings(guest, binary === kernel),
    ...(binary === kernel ? {} : { kernel }),
  };
}

function overlaid(overlay: Overlay, name: string, given: readonly bigint[] | undefined): Value | undefined {
  const value = given === undefined && Object.hasOwn(overlay, name) ? overlay[name] : undefined;
  return value === undefined ? undefined : constant(value, UNSIGNED_LONG);
}

function littleEndian(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  return bytes;
}

const innermost = (guest: EvaluationGuest, hart: number, overlay?: Overlay): EvaluationContext =>
  evaluationContext(guest, guest.harts[hart]!, undefined, overlay);

/** Whether a condition holds in a hart's innermost frame. Throws an ExpressionError that says what is wrong with it. */
export const conditionHolds = (guest: EvaluationGuest, expression: string, hart: number, overlay: Overlay): boolean =>
  evaluateCondition(expression, innermost(guest, hart, overlay));

/** A log message with its {expressions} replaced by their values. One that fails says so in its place. */
export function logMessage(guest: EvaluationGuest, message: string, hart: number, overlay: Overlay): string {
  const context = innermost(guest, hart, overlay);
  return message.replace(/\{([^{}]+)\}/g, (_, expression: string) => {
    try {
      return formatValue(evaluate(expression, context), context);
    } catch (error) {
      return `<${wordsOf(error)}>`;
    }
  });
}
