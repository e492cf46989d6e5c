/**
 * The contexts in which C expressions are evaluated: a frame with its program, memory and registers, or a hart as it
 * stands; and the names that the debugger adds to C's: see `builtin`.
 */
import { Mode, type Hart } from '../../emulator/types';
import { kernelSpace } from '../xv6/address-spaces';
import type { Debuggee } from '../launch/debuggee';
import { builtinValue } from './builtins';
import { evaluate, evaluateCondition } from '../expressions/evaluate';
import { formatValue } from '../expressions/format';
import { constant, type EvaluationContext, type Value } from '../expressions/value';
import { UNSIGNED_LONG } from '../expressions/types';
import type { MappedProgram } from '../code/mapped-program';
import type { AddressSpace } from '../memory/address-space';
import { csrNamed } from '../../emulator/isa/csr-fields';
import type { Overlay } from '../run-control/conditions';
import type { Frame } from '../stack/stack';
import type { FrameRegisters } from '../symbols/api';

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
export const frameEvaluation = (debuggee: Debuggee, frame: Frame): EvaluationContext =>
  contextAt(debuggee, {
    hart: frame.hart === undefined ? undefined : debuggee.harts[frame.hart],
    registers: frame.registers,
    image: frame.image,
    space: frame.space,
    pid: frame.process?.pid,
    lookup: frame.lookup,
  });

/**
 * The context of code that runs on a hart, with these registers. `overlay` gives registers values that they do not have
 * yet, or names only for this evaluation.
 */
export function evaluationContext(
  debuggee: Debuggee,
  hart: Hart,
  registers: FrameRegisters = debuggee.frame(hart),
  overlay: Overlay = {},
): EvaluationContext {
  const inKernel = hart.mode !== Mode.User && debuggee.image.contains(registers.pc);
  const image = inKernel ? debuggee.image : debuggee.imageAt(hart);
  return contextAt(debuggee, { hart, registers, image, space: debuggee.space(hart), overlay });
}

/** A hart's registers and the globals of what it runs, with no function around them. */
export const globalEvaluation = (debuggee: Debuggee, hart: Hart): EvaluationContext => ({
  ...evaluationContext(debuggee, hart),
  scopePc: 0n,
});

function contextAt(debuggee: Debuggee, place: Place): EvaluationContext {
  const { hart, registers, image, space, overlay = {} } = place;
  const kernel = debuggee.image.binary;
  const binary = image?.binary ?? kernel;
  // A user program's table has no kernel: what lies there is found where the kernel has it.
  const behind = image?.binary === kernel ? undefined : kernelSpace(debuggee);
  const writeMemory = (address: bigint, bytes: Uint8Array): boolean =>
    space.write(address, bytes) || (behind?.write(address, bytes) ?? false);
  return {
    binary,
    frame: image ? image.linkedFrame(registers) : registers,
    scopePc: image ? (place.lookup ?? image.lookup(registers)) : 0n,
    readMemory: behind ? (address, length) => space.read(address, length) ?? behind.read(address, length) : space.read,
    writeMemory,
    space,
    setRegister: (register, value) => {
      if (register === 'pc') {
        if (!hart || registers.returnAddress || registers.pc !== hart.pc) return false;
        return debuggee.machine.apply({ kind: 'pc', hart: hart.id, value });
      }
      const saved = registers.savedAt?.[register];
      if (saved !== undefined) return writeMemory(saved, littleEndian(value));
      // A caller's register that another value has taken the place of is nowhere.
      if (!hart || registers.x[register] !== hart.x(register)) return false;
      return debuggee.machine.apply({ kind: 'register', hart: hart.id, register, value });
    },
    csr: (name) => {
      const csr = csrNamed(name);
      return Object.hasOwn(overlay, name) ? overlay[name] : csr && hart?.csr(csr.address);
    },
    setCsr: (name, value) => {
      const csr = csrNamed(name);
      if (csr === undefined || hart === undefined) return false;
      return debuggee.machine.apply({ kind: 'csr', hart: hart.id, csr: csr.address, value });
    },
    builtin: (name, given) =>
      overlaid(overlay, name, given) ?? builtinValue(debuggee, { hart, space, pid: place.pid }, name, given),
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

const innermost = (debuggee: Debuggee, hart: number, overlay?: Overlay): EvaluationContext =>
  evaluationContext(debuggee, debuggee.harts[hart]!, undefined, overlay);

/** Whether a condition holds in a hart's innermost frame. Throws an ExpressionError that says what is wrong with it. */
export const conditionHolds = (debuggee: Debuggee, expression: string, hart: number, overlay: Overlay): boolean =>
  evaluateCondition(expression, innermost(debuggee, hart, overlay));

/** A log message with its {expressions} replaced by their values. One that fails says so in its place. */
export function logMessage(debuggee: Debuggee, message: string, hart: number, overlay: Overlay): string {
  const context = innermost(debuggee, hart, overlay);
  return message.replace(/\{([^{}]+)\}/g, (_, expression: string) => {
    try {
      return formatValue(evaluate(expression, context), context);
    } catch (error) {
      return `<${error instanceof Error ? error.message : String(error)}>`;
    }
  });
}
