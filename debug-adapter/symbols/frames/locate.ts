/**
 * Locates variables in a frame, by their location expressions or lists (DWARF 5, section 2.6) and by the values at a
 * function's entry that its caller's call site records (section 3.4). What is not certain is `optimized-out`.
 */
import type { ArrayBound, FrameRegisters, Location, ReadMemory } from '../api';
import { plausibleCount } from '../declarations/array-types';
import type { AddressRange, Die } from '../dwarf/die';
import { At, Form, Op, Tag } from '../dwarf/constants';
import { Unavailable, evaluateLocation, evaluateValue } from '../dwarf/expression';
import { FrameContext } from './frame-context';
import type { Subprogram, VariableOrigin } from '../declarations/functions';
import { readLocationList } from '../dwarf/lists';
import { Reader } from '../container/reader';
import { type Unwinder, lookupAddress } from './unwind';

/** An entry value may depend on one of the caller, and so on; this limits the recursion. */
const MOST_CALLERS = 16;
/** Each may depend on several others; this limits their number for one location. */
const MOST_ENTRY_VALUES = 64;

export class Locator {
  constructor(
    private readonly unwinder: Unwinder,
    private readonly functionAt: (address: bigint) => Subprogram | undefined,
    private readonly addressOfSymbol: (name: string) => bigint | undefined,
  ) {}

  /** Throws SymbolError if the description is damaged. */
  locate({ die, subprogram }: VariableOrigin, frame: FrameRegisters, read: ReadMemory): Location {
    const constant = constantValue(die);
    if (constant !== undefined) return constant;
    if (die.flag(At.declaration) && die.name !== undefined) {
      const address = this.addressOfSymbol(die.name);
      return address === undefined ? { kind: 'optimized-out' } : { kind: 'memory', address };
    }
    const isEntry = frame.returnAddress !== true && frame.pc === subprogram?.low;
    const expression = expressionAt(die, At.location, lookupAddress(frame), isEntry);
    if (expression === undefined) return { kind: 'optimized-out' };
    try {
      return evaluateLocation(die.unit, expression, this.context(subprogram, frame, read, 0));
    } catch (error) {
      if (error instanceof Unavailable) return { kind: 'optimized-out' };
      throw error;
    }
  }

  /**
   * The length that an array has in a frame; undefined if it is not known there. Throws SymbolError if the description is
   * damaged.
   */
  lengthOf(
    bound: ArrayBound,
    subprogram: Subprogram | undefined,
    frame: FrameRegisters,
    read: ReadMemory,
  ): number | undefined {
    const subrange = bound.subrange as Die;
    const name = subrange.has(At.count) ? At.count : At.upperBound;
    try {
      const number = this.boundValue(subrange, name, subprogram, frame, read);
      return plausibleCount(number !== undefined && name === At.upperBound ? number + 1n : number);
    } catch (error) {
      if (error instanceof Unavailable) return undefined;
      throw error;
    }
  }

  /** A bound is an expression, or refers to a variable whose value it is. */
  private boundValue(
    subrange: Die,
    name: number,
    subprogram: Subprogram | undefined,
    frame: FrameRegisters,
    read: ReadMemory,
  ): bigint | undefined {
    const expression = subrange.block(name);
    if (expression !== undefined)
      return evaluateValue(subrange.unit, expression, this.context(subprogram, frame, read, 0));
    const variable = subrange.reference(name);
    if (variable === undefined) return undefined;
    const die = subprogram?.copyOf(variable) ?? variable;
    const location = this.locate({ die, subprogram }, frame, read);
    const size = die.withAttribute(At.type)?.reference(At.type)?.number(At.byteSize) ?? die.unit.addressSize;
    switch (location.kind) {
      case 'value':
        return location.value;
      case 'register':
        return frame.x[location.register];
      case 'memory': {
        const bytes = size <= 8 ? read(location.address, size) : undefined;
        return bytes?.length === size ? new Reader(bytes, 'memory').unsigned(size) : undefined;
      }
      default:
        return undefined;
    }
  }

  /** A register's value when the frame's function was entered, if its caller's call site records it. */
  registerAtEntry(register: number, callee: Subprogram, frame: FrameRegisters, read: ReadMemory): bigint | undefined {
    try {
      return this.entryValue(Uint8Array.of(Op.reg0 + register), callee, frame, read, 0);
    } catch (error) {
      if (error instanceof Unavailable) return undefined;
      throw error;
    }
  }

  /** `left` is what remains of `MOST_ENTRY_VALUES`. */
  private context(
    subprogram: Subprogram | undefined,
    frame: FrameRegisters,
    read: ReadMemory,
    depth: number,
    left: { count: number } = { count: MOST_ENTRY_VALUES },
  ): FrameContext {
    const cfa = (): bigint => this.unwinder.cfa(frame, read);
    const entryValue = (expression: Uint8Array): bigint => {
      if (subprogram === undefined || depth >= MOST_CALLERS || left.count === 0) throw new Unavailable();
      left.count--;
      return this.entryValue(expression, subprogram, frame, read, depth, left);
    };
    const unknown = (): never => {
      throw new Unavailable();
    };
    const frameBase = (): bigint => {
      const expression = subprogram && expressionAt(subprogram.die, At.frameBase, lookupAddress(frame));
      // A frame base cannot depend on itself.
      const context = new FrameContext(frame, read, { cfa, frameBase: unknown, entryValue });
      return expression === undefined ? unknown() : evaluateValue(subprogram!.die.unit, expression, context);
    };
    return new FrameContext(frame, read, { cfa, frameBase, entryValue });
  }

  /** The value of `expression` when `callee`, the function of `frame`, was entered. */
  private entryValue(
    expression: Uint8Array,
    callee: Subprogram,
    frame: FrameRegisters,
    read: ReadMemory,
    depth: number,
    left?: { count: number },
  ): bigint {
    const caller = this.unwinder.unwind(frame, read);
    const calling = caller && this.functionAt(lookupAddress(caller));
    const site = calling?.callSite(caller!.pc);
    if (caller === undefined || site === undefined) throw new Unavailable();
    const context = this.context(calling, caller, read, depth + 1, left);
    if (!this.calls(site, callee, context)) throw new Unavailable();
    for (const parameter of site.children) {
      const isParameter = parameter.tag === Tag.callSiteParameter || parameter.tag === Tag.gnuCallSiteParameter;
      const place = isParameter ? parameter.block(At.location) : undefined;
      if (place !== undefined && sameBytes(place, expression)) {
        const value = parameter.block(At.callValue) ?? parameter.block(At.gnuCallSiteValue);
        if (value !== undefined) return evaluateValue(site.unit, value, context);
      }
    }
    throw new Unavailable();
  }

  /** Whether a call site calls this function, rather than one that then jumped to it. */
  private calls(site: Die, callee: Subprogram, context: FrameContext): boolean {
    const target = site.block(At.callTarget) ?? site.block(At.gnuCallSiteTarget);
    if (target !== undefined) return evaluateValue(site.unit, target, context) === callee.low;
    const origin = site.reference(At.callOrigin) ?? site.reference(At.abstractOrigin);
    return origin?.qualifiedName !== undefined && origin.qualifiedName === callee.name;
  }
}

/**
 * The location expression at an address, possibly from a list. At a function's entry a list entry of length zero applies:
 * it describes the very first instruction, before statements whose code the optimizer has moved there.
 */
function expressionAt(die: Die, name: number, address: bigint, isEntry = false): Uint8Array | undefined {
  const holder = die.withAttribute(name);
  const value = holder?.value(name);
  if (holder === undefined || value === undefined || value instanceof Uint8Array)
    return value instanceof Uint8Array ? value : undefined;
  const { unit } = holder;
  const index = Number(value);
  const offset = holder.form(name) === Form.loclistx ? unit.listOffset('loclists', At.loclistsBase, index) : index;
  const holds = ({ low, high }: AddressRange): boolean =>
    low <= address && (address < high || (isEntry && low === high && address === low));
  return readLocationList(unit, offset).find(holds)?.expression;
}

/** DW_AT_const_value, for a variable without a location. */
function constantValue(die: Die): Location | undefined {
  const value = die.withAttribute(At.constValue);
  const constant = value?.value(At.constValue);
  if (value === undefined || constant === undefined) return undefined;
  if (constant instanceof Uint8Array) return { kind: 'bytes', bytes: constant };
  if (value.form(At.constValue) === Form.string) {
    const text = value.string(At.constValue) ?? '';
    return { kind: 'bytes', bytes: new TextEncoder().encode(`${text}\0`) };
  }
  return { kind: 'value', value: BigInt.asUintN(64, BigInt(constant)) };
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
