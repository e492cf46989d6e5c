/**
 * DWARF expressions (DWARF 5, sections 2.5 and 2.6): a stack machine that computes where a value is. Values on the stack have
 * 64 bits and, for GCC's typed operations, may have a base type.
 *
 * What cannot be known (a register that a call has overwritten, missing memory, a value that was optimized out) is thrown as
 * `Unavailable`, which becomes the location `optimized-out`: nothing is ever guessed.
 */
import { hex } from '../../../emulator/isa/hex';
import { SymbolError, type Location } from '../api';
import type { Die } from './die';
import { At, Encoding, Op } from './constants';
import { Reader } from '../container/reader';
import { type BaseKind, type StackValue, operate, signedOf } from './stack-value';

/** Not an Error, since it is thrown too often to record a stack trace each time. */
export class Unavailable {}

/** The frame that an expression is evaluated in. Each function throws `Unavailable` if its value is lost. */
export interface ExpressionFrame {
  register(number: number): bigint;
  /** Where a register's value is: the register itself, or where a callee has saved it. */
  registerLocation(number: number): Location;
  read(address: bigint, length: number): Uint8Array;
  frameBase(): bigint;
  cfa(): bigint;
  /** The value that an expression had when the function was entered. */
  entryValue(expression: Uint8Array): bigint;
}

/** The unit that contains an expression. */
export interface ExpressionUnit {
  readonly offset: number;
  readonly addressSize: number;
  addressAt(index: number): bigint;
  dieAt(offset: number): Pick<Die, 'number'>;
}

/** For call frame information, whose expressions must not refer to a unit. */
export const NO_UNIT: ExpressionUnit = {
  offset: 0,
  addressSize: 8,
  addressAt() {
    throw new SymbolError('a call frame expression refers to .debug_addr');
  },
  dieAt() {
    throw new SymbolError('a call frame expression refers to a type');
  },
};

const MOST_STEPS = 10_000;
const DEEPEST_STACK = 1_000;
/** Largest sum of a value's pieces, in bytes. */
const LARGEST_VALUE = 1 << 20;

/** Evaluates a location description. `initial` is pushed on the stack first. */
export function evaluateLocation(
  unit: ExpressionUnit,
  expression: Uint8Array,
  frame: ExpressionFrame,
  initial?: bigint,
): Location {
  const inRegister = (register: number): Location => frame.registerLocation(register);
  return new Machine(unit, expression, frame, inRegister, initial).location();
}

/** The value that an expression computes, unsigned 64-bit. */
export function evaluateValue(
  unit: ExpressionUnit,
  expression: Uint8Array,
  frame: ExpressionFrame,
  initial?: bigint,
): bigint {
  const inRegister = (register: number): Location => ({ kind: 'register', register });
  const machine = new Machine(unit, expression, frame, inRegister, initial);
  const location = machine.location();
  switch (location.kind) {
    case 'memory':
      return location.address;
    case 'value':
      return location.value;
    case 'register':
      return frame.register(location.register);
    default:
      throw new Unavailable();
  }
}

class Machine {
  private readonly reader: Reader;
  private readonly stack: StackValue[] = [];
  /** The location set by a register operation, DW_OP_stack_value or the like, until the expression or a piece ends. */
  private described: Location | undefined;
  private readonly pieces: { location: Location; size: number }[] = [];
  private pieceBytes = 0;

  constructor(
    private readonly unit: ExpressionUnit,
    expression: Uint8Array,
    private readonly frame: ExpressionFrame,
    private readonly inRegister: (register: number) => Location,
    initial: bigint | undefined,
  ) {
    this.reader = new Reader(
      expression,
      unit === NO_UNIT ? 'a call frame expression' : `an expression of the unit at ${hex(unit.offset)}`,
    );
    if (initial !== undefined) this.push(initial);
  }

  location(): Location {
    if (this.reader.done) return { kind: 'optimized-out' };
    for (let steps = 0; !this.reader.done; steps++) {
      if (steps > MOST_STEPS || this.stack.length > DEEPEST_STACK)
        throw new SymbolError(`${this.reader.name} does not come to an end`);
      this.step(this.reader.u8());
    }
    return this.pieces.length > 0 ? { kind: 'pieces', pieces: this.pieces } : this.here();
  }

  private here(): Location {
    return this.described ?? { kind: 'memory', address: this.pop() };
  }

  private step(op: number): void {
    const { reader, frame } = this;
    if (op >= Op.lit0 && op < Op.reg0) return this.push(BigInt(op - Op.lit0));
    if (op >= Op.reg0 && op < Op.breg0) return this.describeRegister(op - Op.reg0);
    if (op >= Op.breg0 && op < Op.regx) return this.push(frame.register(op - Op.breg0) + reader.sleb64());
    switch (op) {
      case Op.addr:
        return this.push(reader.unsigned(this.unit.addressSize));
      case Op.addrx:
      case Op.constx:
      case Op.gnuAddrIndex:
      case Op.gnuConstIndex:
        return this.push(this.unit.addressAt(reader.uleb()));
      case Op.const1u:
        return this.push(BigInt(reader.u8()));
      case Op.const1s:
        return this.push(BigInt(reader.i8()));
      case Op.const2u:
        return this.push(BigInt(reader.u16()));
      case Op.const2s:
        return this.push(BigInt(reader.i16()));
      case Op.const4u:
        return this.push(BigInt(reader.u32()));
      case Op.const4s:
        return this.push(BigInt(reader.i32()));
      case Op.const8u:
        return this.push(reader.u64());
      case Op.const8s:
        return this.push(reader.i64());
      case Op.constu:
        return this.push(reader.uleb64());
      case Op.consts:
        return this.push(reader.sleb64());
      case Op.regx:
        return this.describeRegister(reader.uleb());
      case Op.bregx:
        return this.push(frame.register(reader.uleb()) + reader.sleb64());
      case Op.fbreg:
        return this.push(frame.frameBase() + reader.sleb64());
      case Op.callFrameCfa:
        return this.push(frame.cfa());
      case Op.nop:
        return;
      case Op.skip:
        return this.jump(reader.i16());
      case Op.bra: {
        const distance = reader.i16();
        return this.pop() === 0n ? undefined : this.jump(distance);
      }
      case Op.piece:
        return this.piece(reader.uleb());
      case Op.bitPiece: {
        const bits = reader.uleb();
        if (bits % 8 !== 0 || reader.uleb() !== 0) throw new Unavailable();
        return this.piece(bits / 8);
      }
      case Op.implicitValue:
        this.described = { kind: 'bytes', bytes: reader.take(reader.uleb()) };
        return;
      case Op.stackValue:
        this.described = { kind: 'value', value: this.pop() };
        return;
      case Op.entryValue:
      case Op.gnuEntryValue:
        return this.push(frame.entryValue(reader.take(reader.uleb())));
      default:
        return op >= Op.dup && op <= Op.rot ? this.shuffle(op) : this.compute(op);
    }
  }

  private shuffle(op: number): void {
    const { stack } = this;
    switch (op) {
      case Op.dup:
        stack.push(this.peek(0));
        return;
      case Op.drop:
        this.popTyped();
        return;
      case Op.over:
        stack.push(this.peek(1));
        return;
      case Op.pick:
        stack.push(this.peek(this.reader.u8()));
        return;
      case Op.swap: {
        const top = this.popTyped();
        const second = this.popTyped();
        stack.push(top, second);
        return;
      }
      default: {
        const top = this.popTyped();
        const second = this.popTyped();
        const third = this.popTyped();
        stack.push(top, third, second);
      }
    }
  }

  private compute(op: number): void {
    const { reader } = this;
    switch (op) {
      case Op.deref:
        return this.push(this.load(this.pop(), this.unit.addressSize));
      case Op.derefSize:
        return this.push(this.load(this.pop(), reader.u8()));
      case Op.derefType:
      case Op.gnuDerefType: {
        const size = reader.u8();
        const type = this.baseType(reader.uleb());
        return this.push(this.load(this.pop(), size), type);
      }
      case Op.constType:
      case Op.gnuConstType: {
        const type = this.baseType(reader.uleb());
        const size = reader.u8();
        return this.push(reader.unsigned(size), type);
      }
      case Op.regvalType:
      case Op.gnuRegvalType: {
        const register = reader.uleb();
        return this.push(this.frame.register(register), this.baseType(reader.uleb()));
      }
      case Op.convert:
      case Op.gnuConvert:
      case Op.reinterpret:
      case Op.gnuReinterpret: {
        const type = this.baseType(reader.uleb());
        return this.push(signedOf(this.popTyped()), type);
      }
      case Op.plusUconst:
        return this.unary((value) => value + reader.uleb64());
      case Op.abs:
        return this.unary((_, signed) => (signed < 0n ? -signed : signed));
      case Op.neg:
        return this.unary((value) => -value);
      case Op.not:
        return this.unary((value) => ~value);
      default:
        return this.binary(op);
    }
  }

  private unary(operate: (value: bigint, signed: bigint) => bigint): void {
    const value = this.popTyped();
    this.push(operate(value.bits, signedOf(value)), value.type);
  }

  private binary(op: number): void {
    if (op < Op.and || op > Op.ne) {
      // Implicit pointers, thread-local storage and vendors' extensions have no address here.
      throw new Unavailable();
    }
    const right = this.popTyped();
    const result = operate(op, this.popTyped(), right);
    if (result === undefined) throw new Unavailable();
    this.push(result.bits, result.type);
  }

  private describeRegister(register: number): void {
    this.described = this.inRegister(register);
  }

  private piece(size: number): void {
    this.pieceBytes += size;
    if (this.pieceBytes > LARGEST_VALUE)
      throw new SymbolError(`${this.reader.name} has pieces of ${this.pieceBytes} bytes`);
    const empty = this.described === undefined && this.stack.length === 0;
    this.pieces.push({ location: empty ? { kind: 'optimized-out' } : this.here(), size });
    this.described = undefined;
  }

  private jump(distance: number): void {
    const target = this.reader.offset + distance;
    if (target < 0 || target > this.reader.end) throw new SymbolError(`${this.reader.name} jumps out of itself`);
    this.reader.offset = target;
  }

  private load(address: bigint, size: number): bigint {
    const bytes = this.frame.read(address, size);
    return new Reader(bytes, 'memory').unsigned(size);
  }

  /** The base type at an offset in the unit; offset 0 means 64 bits without a type. */
  private baseType(offset: number): BaseKind | undefined {
    if (offset === 0) return undefined;
    const die = this.unit.dieAt(this.unit.offset + offset);
    const size = die.number(At.byteSize);
    const encoding = die.number(At.encoding);
    if (encoding === Encoding.float || (size !== 1 && size !== 2 && size !== 4 && size !== 8)) throw new Unavailable();
    return { size, signed: encoding === Encoding.signed || encoding === Encoding.signedChar };
  }

  private push(bits: bigint, type?: BaseKind): void {
    this.stack.push({ bits: BigInt.asUintN(8 * (type?.size ?? 8), bits), type });
  }

  private pop(): bigint {
    return BigInt.asUintN(64, signedOf(this.popTyped()));
  }

  private popTyped(): StackValue {
    const value = this.stack.pop();
    if (value === undefined)
      throw new SymbolError(`${this.reader.name} takes more than it has, at ${hex(this.reader.offset)}`);
    return value;
  }

  private peek(depth: number): StackValue {
    const value = this.stack.at(-1 - depth);
    if (value === undefined || depth >= this.stack.length)
      throw new SymbolError(`${this.reader.name} takes more than it has, at ${hex(this.reader.offset)}`);
    return value;
  }
}
