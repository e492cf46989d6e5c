/**
 * The remaining calls of a line, as targets of step in: functions, stubs of system calls, and after each stub the kernel's
 * function for it. Found in the line's instructions from the hart's pc on, in the order of their addresses.
 */
import { functionOrLabelAt } from '../../symbols/named-code';
import { hex } from '../../../emulator/isa/hex';
import { Mode, type Hart } from '../../../emulator/types';
import type { MappedProgram } from '../../code/mapped-program';
import { isCall, jumpDistance } from '../../../emulator/isa/instructions/calls';
import type { Decoded } from '../../../emulator/isa/instructions/decode';
import { SystemOperation } from '../../../emulator/isa/instructions/instruction';
import { instructionAt } from '../../../emulator/isa/instructions/instruction-at';
import { X } from '../../../emulator/isa/registers';
import type { StepContext } from './step-plan';
import { stubNumber } from './system-call';

export interface StepInTarget {
  label: string;
  /** Running address of the instruction that calls. */
  call: bigint;
  /** Whether to go through the called stub into the kernel. */
  throughStub: boolean;
  /** The source line of the call. */
  line?: number;
  column?: number;
}

/** Most instructions of a line; no line that a person wrote has more. */
const MOST_INSTRUCTIONS = 2000;

export function stepInTargets(context: StepContext, hart: Hart): StepInTarget[] {
  const image = context.imageAt(hart);
  if (!image) return [];
  const { binary } = image;
  const start = image.linked(hart.pc);
  const own = binary.functionAt(start);
  const line = binary.lineAt(start);
  if (!own || !line) return [];
  const read = context.read(hart);
  const targets: StepInTarget[] = [];
  let before: Decoded | undefined;
  for (let linked = start, count = 0; linked < own.high && count < MOST_INSTRUCTIONS; count++) {
    const at = hart.pc + (linked - start);
    const decoded = instructionAt(read, at);
    if (!decoded) break;
    const entry = binary.lineAt(linked);
    if (entry?.line === line.line && entry.file === line.file) {
      const place = { call: at, line: entry.line, ...(entry.column > 0 ? { column: entry.column } : {}) };
      if (decoded.instruction.system === SystemOperation.ecall && hart.mode === Mode.User) {
        // At the ecall itself a7 is known; a stub sets it first.
        const number = at === hart.pc ? hart.x(X.a7) : stubNumber(read, hart.pc + (own.low - start));
        targets.push({ ...place, label: systemCallLabel(context, number), throughStub: false });
      } else if (isCall(decoded)) {
        const distance = jumpDistance(decoded, before);
        const target = distance === undefined ? undefined : at + BigInt(distance);
        targets.push({ ...place, label: functionLabel(image, target), throughStub: false });
        const number = hart.mode === Mode.User && target !== undefined ? stubNumber(read, target) : undefined;
        if (number !== undefined)
          targets.push({ ...place, label: systemCallLabel(context, number), throughStub: true });
      }
    }
    before = decoded;
    linked += BigInt(decoded.length);
  }
  return targets;
}

function functionLabel(image: MappedProgram, target: bigint | undefined): string {
  if (target === undefined) return '(through a function pointer)';
  return functionOrLabelAt(image.binary, image.linked(target))?.name ?? hex(target);
}

/** "sys_read (kernel)". */
function systemCallLabel(context: StepContext, number: bigint | undefined): string {
  const target = number === undefined ? undefined : context.systemCall(number);
  const name = target === undefined ? undefined : context.image.binary.functionAt(target)?.name;
  return name === undefined ? 'the kernel, by a system call' : `${name} (kernel)`;
}
