/** The context in which C expressions are evaluated: a frame of a hart, its memory and registers, and names of our own. */
import type { Hart } from '../emulator/types';
import type { Debuggee } from './debuggee';
import { evaluate, evaluateCondition } from './expressions/evaluate';
import { formatValue } from './expressions/format';
import type { EvaluationContext } from './expressions/value';
import { physical, writeVirtual } from './memory';
import { csrNamed } from './registers/csrs';
import type { Overlay } from './run-control/catchpoints';
import type { FrameRegisters } from './symbols/api';

/** `overlay` gives registers values that they do not have yet, or names only for this evaluation. */
export function evaluationContext(
  debuggee: Debuggee,
  hart: Hart,
  registers: FrameRegisters,
  overlay: Overlay = {},
): EvaluationContext {
  const { machine } = debuggee;
  const known = debuggee.imageOf(hart, registers.pc);
  const image = known ?? debuggee.image;
  const frame = known ? image.linkedFrame(registers) : registers;
  const readMemory = debuggee.read(hart);
  const writeMemory = (address: bigint, bytes: Uint8Array): boolean => writeVirtual(machine, hart, address, bytes);
  return {
    binary: image.binary,
    frame,
    scopePc: known ? image.lookup(registers) : registers.pc,
    readMemory,
    writeMemory,
    setRegister: (register, value) => {
      if (register === 'pc') {
        if (registers.returnAddress) return false;
        hart.pc = value;
        return true;
      }
      const saved = registers.savedAt?.[register];
      if (saved !== undefined) return writeMemory(saved, littleEndian(value));
      if (registers.x[register] === undefined) return false;
      hart.setX(register, value);
      return true;
    },
    csr: (name) => {
      const csr = csrNamed(name);
      return Object.hasOwn(overlay, name) ? overlay[name] : csr && hart.csr(csr.address);
    },
    setCsr: (name, value) => {
      const csr = csrNamed(name);
      return csr !== undefined && hart.setCsr(csr.address, value);
    },
    special: (name, given) => special(debuggee, hart, name, given, overlay),
  };
}

/** `$hart`, `$mode`, `$instret`, `$va2pa(address)`, and what the overlay names. */
function special(
  debuggee: Debuggee,
  hart: Hart,
  name: string,
  given: readonly bigint[] | undefined,
  overlay: Overlay,
): bigint | undefined {
  if (name === 'va2pa' && given?.length === 1) return physical(debuggee.machine, hart, given[0]!);
  if (given) return undefined;
  if (name === 'hart') return BigInt(hart.id);
  if (name === 'mode') return BigInt(hart.mode);
  if (name === 'instret') return BigInt(hart.retired);
  return Object.hasOwn(overlay, name) ? overlay[name] : undefined;
}

function littleEndian(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  return bytes;
}

const innermost = (debuggee: Debuggee, hart: number, overlay?: Overlay): EvaluationContext =>
  evaluationContext(debuggee, debuggee.harts[hart]!, debuggee.frame(debuggee.harts[hart]!), overlay);

/** Whether a condition holds in a hart's innermost frame. Throws an ExpressionError that says what is wrong with it. */
export const conditionHolds = (debuggee: Debuggee, expression: string, hart: number, overlay: Overlay): boolean =>
  evaluateCondition(expression, innermost(debuggee, hart, overlay));

/** A log message with its {expressions} replaced by their values. One that fails says so in its place. */
export function logMessage(debuggee: Debuggee, message: string, hart: number): string {
  const context = innermost(debuggee, hart);
  return message.replace(/\{([^{}]+)\}/g, (_, expression: string) => {
    try {
      return formatValue(evaluate(expression, context), context);
    } catch (error) {
      return `<${error instanceof Error ? error.message : String(error)}>`;
    }
  });
}
