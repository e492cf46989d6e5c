/**
 * Unwinds from a frame to its caller: by call frame information (DWARF 5, section 6.4), else by what the code itself does to
 * sp and s0, else by the frame pointer as -fno-omit-frame-pointer lays it out on RISC-V: the return address at s0 - 8, the
 * caller's s0 at s0 - 16. The RISC-V ELF psABI defines which registers a call preserves.
 *
 * A stack ends where the return address cannot be one: outside the program's code, or not after a call.
 */
import { FIRST_FLOAT, X } from '../../../emulator/isa/registers';
import type { FrameRegisters, ReadMemory } from '../api';
import type { CallFrames, CfaRule, FrameRules, RegisterRule } from '../dwarf/call-frame';
import type { LinkedCode } from '../code';
import { Unavailable, evaluateValue, NO_UNIT } from '../dwarf/expression';
import { FrameContext } from './frame-context';
import { Reader } from '../container/reader';

/** Calls preserve gp, tp, s0 to s11 and fs0 to fs11, which have the same numbers; sp follows from the frame. */
function isPreserved(register: number): boolean {
  const number = register % FIRST_FLOAT;
  return (
    number === 8 ||
    number === 9 ||
    (number >= 18 && number <= 27) ||
    register === 0 ||
    register === X.gp ||
    register === X.tp
  );
}

/**
 * The address with which to look up a frame's line, scopes and rules. A return address may already belong to the next line
 * or, after a call that never returns, to the next function; the call itself is before it.
 */
export function lookupAddress(frame: FrameRegisters): bigint {
  return frame.returnAddress === true ? frame.pc - 1n : frame.pc;
}

export class Unwinder {
  constructor(
    private readonly frames: CallFrames,
    private readonly code: LinkedCode,
  ) {}

  /** The caller's registers; undefined at the outermost frame. */
  unwind(frame: FrameRegisters, read: ReadMemory): FrameRegisters | undefined {
    try {
      const rules = this.frames.rulesAt(lookupAddress(frame));
      const caller = rules ? this.byRules(rules, frame, read) : this.withoutRules(frame, read);
      return caller && this.isPlausible(frame, caller) ? this.withCfa(caller, read) : undefined;
    } catch (error) {
      if (error instanceof Unavailable) return undefined;
      throw error;
    }
  }

  /** The canonical frame address; throws `Unavailable` if it is lost. */
  cfa(frame: FrameRegisters, read: ReadMemory): bigint {
    if (frame.cfa !== undefined) return frame.cfa;
    const rules = this.frames.rulesAt(lookupAddress(frame));
    if (rules !== undefined) return evaluateCfa(rules.cfa, new FrameContext(frame, read));
    const layout = this.layout(frame);
    if (layout === undefined) throw new Unavailable();
    return layout.cfa;
  }

  private withCfa(frame: FrameRegisters, read: ReadMemory): FrameRegisters {
    try {
      return { ...frame, cfa: this.cfa(frame, read) };
    } catch (error) {
      if (error instanceof Unavailable) return frame;
      throw error;
    }
  }

  private isPlausible(frame: FrameRegisters, caller: FrameRegisters): boolean {
    const grows = (caller.x[X.sp] ?? 0n) >= (frame.x[X.sp] ?? 0n);
    const isSame = caller.pc === frame.pc && caller.x[X.sp] === frame.x[X.sp];
    const returned = caller.returnAddress !== true || this.code.followsCall(caller.pc);
    return grows && !isSame && returned && this.code.isExecutable(caller.pc);
  }

  private byRules(rules: FrameRules, frame: FrameRegisters, read: ReadMemory): FrameRegisters | undefined {
    const context = new FrameContext(frame, read);
    const cfa = evaluateCfa(rules.cfa, context);
    const x: (bigint | undefined)[] = [];
    const savedAt: (bigint | undefined)[] = [];
    for (let register = 0; register < frame.x.length; register++) {
      const rule = rules.registers.get(register);
      const found = recover(register, rule, cfa, frame, context);
      x.push(found.value);
      savedAt.push(found.address);
    }
    const column = rules.returnAddressColumn;
    if (frame.returnAddress === true && !rules.registers.has(column)) {
      // The function has made a call, so its own return address is no longer in ra.
      return undefined;
    }
    const pc = rules.registers.has(column) || column !== X.ra ? x[column] : frame.x[X.ra];
    return pc === undefined ? undefined : finish(pc, cfa, x, savedAt, !rules.signal);
  }

  private withoutRules(frame: FrameRegisters, read: ReadMemory): FrameRegisters | undefined {
    const layout = this.layout(frame);
    if (layout === undefined) return undefined;
    const { cfa, saved } = layout;
    const x = frame.x.map((value, register) => (isPreserved(register) ? value : undefined));
    const savedAt: (bigint | undefined)[] = [];
    for (const [register, offset] of saved) {
      if (isPreserved(register) || register === X.ra) {
        savedAt[register] = BigInt.asUintN(64, cfa + offset);
        x[register] = readWord(read, savedAt[register]);
      }
    }
    const pc = saved.has(X.ra) ? x[X.ra] : frame.x[X.ra];
    return pc === undefined ? undefined : finish(pc, cfa, x, savedAt, true);
  }

  /** The CFA and the saved registers of a frame without call frame information. */
  private layout(frame: FrameRegisters): { cfa: bigint; saved: ReadonlyMap<number, bigint> } | undefined {
    const sp = frame.x[X.sp];
    const s0 = frame.x[X.s0];
    const address = lookupAddress(frame);
    const called = frame.returnAddress === true;
    const found = this.code.isExecutable(address) ? this.code.symbolAt(address) : undefined;
    if (found === undefined || sp === undefined) {
      // A jump to a wrong address: ra leads back to the code that made it.
      return called || sp === undefined ? undefined : { cfa: sp, saved: new Map() };
    }
    const entry = found.symbol.address;
    if (this.code.returnsFromTrap(entry, this.code.endOfSymbol(entry) ?? address)) return undefined;
    const effect = this.code.frameEffect(entry, address);
    const cfa = effect.framePointer !== undefined && s0 !== undefined ? s0 - effect.framePointer : sp + effect.depth;
    if (effect.saved.has(X.ra) || !called) return { cfa: BigInt.asUintN(64, cfa), saved: effect.saved };
    const byFramePointer = new Map([
      [X.ra, -8n],
      [X.s0, -16n],
    ]);
    return s0 === undefined ? undefined : { cfa: s0, saved: byFramePointer };
  }
}

function finish(
  pc: bigint,
  cfa: bigint,
  x: (bigint | undefined)[],
  savedAt: (bigint | undefined)[],
  isReturn: boolean,
): FrameRegisters {
  x[0] = 0n;
  x[X.sp] = cfa;
  if (isReturn) x[X.ra] = pc;
  return { pc, x, savedAt, returnAddress: isReturn };
}

/** A register of the caller: its value, and the address at which it was saved, if any. */
function recover(
  register: number,
  rule: RegisterRule | undefined,
  cfa: bigint,
  frame: FrameRegisters,
  context: FrameContext,
): { value: bigint | undefined; address: bigint | undefined } {
  const held = (from: number): ReturnType<typeof recover> => ({
    value: frame.x[from],
    address: frame.savedAt?.[from],
  });
  const known = (value: bigint | undefined): ReturnType<typeof recover> => ({ value, address: undefined });
  const at = (address: bigint): ReturnType<typeof recover> => ({ value: readWord(context.memory, address), address });
  switch (rule?.kind) {
    case undefined:
      return isPreserved(register) ? held(register) : known(undefined);
    case 'undefined':
      return known(undefined);
    case 'same':
      return held(register);
    case 'register':
      return held(rule.register);
    case 'offset':
      return at(BigInt.asUintN(64, cfa + rule.offset));
    case 'value-offset':
      return known(BigInt.asUintN(64, cfa + rule.offset));
    case 'expression':
      return at(evaluateValue(NO_UNIT, rule.expression, context, cfa));
    case 'value-expression':
      return known(evaluateValue(NO_UNIT, rule.expression, context, cfa));
  }
}

function evaluateCfa(rule: CfaRule, context: FrameContext): bigint {
  return 'expression' in rule
    ? evaluateValue(NO_UNIT, rule.expression, context)
    : BigInt.asUintN(64, context.register(rule.register) + rule.offset);
}

function readWord(read: ReadMemory, address: bigint): bigint | undefined {
  const bytes = read(address, 8);
  return bytes?.length === 8 ? new Reader(bytes, 'memory').u64() : undefined;
}
