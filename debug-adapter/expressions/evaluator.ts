/**
 * Evaluates the nodes of a parsed expression by the rules of ISO C11, section 6.5. Arithmetic wraps around as on RV64. Of
 * what C does not evaluate (the operand of sizeof, the branch of ?: not taken) it computes only the type, without reading
 * or writing anything.
 */
import type { Member, RecordType, Type } from '../symbols/api';
import { ExpressionError } from './error';
import { floatValue, isFloating, toFloat, truncated } from './floats';
import {
  bitwise,
  commonArithmetic,
  compare,
  convert,
  decay,
  isTruthy,
  pointerTarget,
  requireNumber,
} from './operators';
import { activeVariant, memberValue, sliceOf } from './languages';
import { fieldValue, nameValue, qualifiedValue, dollarValue } from './names';
import { store } from './store';
import type { Expression } from './parsing/syntax';
import * as C from './types';
import { constant, numberOf, partOf, referent, type EvaluationContext, type MachineWord, type Value } from './value';
import { wordOf } from './words';

export interface EvaluationOptions {
  /** Lets =, += and ++ write. Default false: then they are errors, since hovers and watches must not change anything. */
  assignments?: boolean;
}

/** Elements of the longest slice. */
const LONGEST_SLICE = 1_000_000n;

export class Evaluator {
  constructor(
    private readonly context: EvaluationContext,
    private readonly options: EvaluationOptions,
    /** Computes types only, and reads nothing. */
    private readonly dry = false,
  ) {}

  value(node: Expression): Value {
    try {
      return this.evaluateNode(node);
    } catch (error) {
      // An error without a position happened at this node.
      if (error instanceof ExpressionError && error.offset === undefined)
        throw new ExpressionError(error.reason, node.at);
      throw error;
    }
  }

  /** The type that a node has, without reading anything. */
  typeOf(node: Expression): Type {
    return this.dryValue(node).type;
  }

  private dryValue(node: Expression): Value {
    return this.dry ? this.value(node) : new Evaluator(this.context, this.options, true).value(node);
  }

  private evaluateNode(node: Expression): Value {
    const { context } = this;
    switch (node.kind) {
      case 'integer':
        return constant(node.value, node.type);
      case 'float':
        return floatValue(node.value, node.type);
      case 'string':
        return stringValue(node.text);
      case 'name':
        return nameValue(node.name, node.at, context);
      case 'qualified':
        return qualifiedValue(node.scope, node.name, node.at, context);
      case 'dollar':
        return dollarValue(node.name, node.at, context);
      case 'member':
        return this.member(node);
      case 'index':
        return this.index(node);
      case 'slice':
        return this.slice(node);
      case 'unary':
        return this.unary(node);
      case 'binary':
        return this.binary(node);
      case 'conditional':
        return this.conditional(node);
      case 'cast':
        return this.cast(this.value(node.operand), node.type, node.at);
      case 'measure':
        return this.measure(node.what, node.type, node.at);
      case 'measure-of':
        return this.measure(node.what, this.typeOf(node.operand), node.at);
      case 'call':
        return this.call(node);
      case 'assign':
      case 'step':
        return this.assignment(node);
    }
  }

  /** A value's number; when computing types only, a number that is an error for no operator. */
  private number(value: Value): bigint {
    return this.dry ? 1n : requireNumber(value, this.context);
  }

  private measure(what: 'sizeof' | '_Alignof', declared: Type, at: number): Value {
    const type = C.completed(declared, (name) => this.context.binary.typeNamed(name));
    const bare = C.plain(type);
    if (bare.kind === 'void' || bare.kind === 'function')
      throw new ExpressionError(`${C.typeName(type)} has no size`, at);
    if ((bare.kind === 'struct' || bare.kind === 'union') && !bare.complete)
      throw new ExpressionError(`${C.typeName(type)} is only declared in this program, so its size is not known`, at);
    return constant(BigInt(what === 'sizeof' ? C.knownSize(type) : C.alignOf(type)), C.UNSIGNED_LONG);
  }

  private member({ object, name, arrow, at }: Expression & { kind: 'member' }): Value {
    const { context } = this;
    let value = this.value(object);
    const word = arrow ? undefined : wordOf(value, context);
    if (word) return this.field(value, word, name, at);
    const type = C.plain(value.type);
    // Like gdb, accept a dot after a pointer.
    if (type.kind === 'pointer' || (arrow && type.kind === 'array')) value = this.dereference(value, object.at);
    else if (arrow) throw new ExpressionError(`-> needs a pointer, but this is ${C.typeName(value.type)}`, at);
    const pointed = wordOf(value, context);
    if (pointed) return this.field(value, pointed, name, at);
    const record = C.plain(value.type);
    if (record.kind !== 'struct' && record.kind !== 'union')
      throw new ExpressionError(`${C.typeName(value.type)} has no members`, at);
    const found = C.findMember(record, name);
    if (!found) {
      const names = record.members.flatMap((member) => member.name ?? []);
      const known = names.length ? `; it has ${names.slice(0, 12).join(', ')}${names.length > 12 ? ', …' : ''}` : '';
      throw new ExpressionError(`${C.typeName(value.type)} has no member ${name}${known}`, at);
    }
    const { member, offset } = found;
    if (!this.dry) requireVariant(value, record, member, context);
    return referent(memberValue(value, { ...member, offset }), context);
  }

  private field({ machine, type }: Value, word: MachineWord, name: string, at: number): Value {
    const called = machine ? `$${word.name}` : C.typeName(type);
    return fieldValue(this.dry ? { ...word, read: () => 0n } : word, name, at, called);
  }

  private dereference(value: Value, at: number): Value {
    const bare = C.plain(value.type);
    if (bare.kind === 'function') return value;
    if (bare.kind === 'array') return this.element(value, 0n, at);
    const target = pointerTarget(value, at, this.context);
    if (C.plain(target).kind === 'void')
      throw new ExpressionError('void * cannot be dereferenced: cast it to a pointer to something first', at);
    return { type: target, location: { kind: 'memory', address: this.number(value) } };
  }

  private index({ object, index, at }: Expression & { kind: 'index' }): Value {
    const left = this.value(object);
    const right = this.value(index);
    // C allows both orders: 2[a] is a[2].
    const [whole, number] = C.isInteger(C.plain(left.type)) ? [right, left] : [left, right];
    if (!C.isInteger(C.plain(number.type)))
      throw new ExpressionError(`an index must be a whole number, but this is ${C.typeName(number.type)}`, index.at);
    return this.element(whole, this.number(number), at);
  }

  private element(value: Value, index: bigint, at: number): Value {
    const bare = C.plain(value.type);
    if (bare.kind === 'struct' && !this.dry) {
      const slice = sliceOf(value, bare, this.context);
      if (slice) return this.element(slice.array, index, at);
    }
    if (bare.kind !== 'array') {
      const target = pointerTarget(value, at, this.context);
      if (C.plain(target).kind === 'void') throw new ExpressionError('elements of void have no size', at);
      const address = this.number(value) + (index === 0n ? 0n : index * C.stride(target));
      return { type: target, location: { kind: 'memory', address: BigInt.asUintN(64, address) } };
    }
    const position = index - BigInt(value.firstIndex ?? 0);
    // The first element begins where the array does, however large it is.
    const size = position === 0n ? C.sizeOf(bare.element) : C.knownSize(bare.element);
    const offset = position * BigInt(size);
    if (value.location.kind === 'memory') {
      const address = BigInt.asUintN(64, value.location.address + offset);
      return { type: bare.element, location: { kind: 'memory', address } };
    }
    if (this.dry) return { type: bare.element, location: { kind: 'optimized-out' } };
    if (offset < 0n || (bare.count !== undefined && offset >= BigInt(size) * BigInt(bare.count)))
      throw new ExpressionError(`index ${index} is outside the array, which is not in memory`, at);
    return { type: bare.element, location: partOf(value.location, Number(offset), size) };
  }

  private slice({ object, from, to, at }: Expression & { kind: 'slice' }): Value {
    const first = this.number(this.value(from));
    const end = this.dry ? first + 1n : this.number(this.value(to));
    return this.elements(this.value(object), first, end - first, at);
  }

  /** `count` elements from index `first` on, as an array. */
  private elements(value: Value, first: bigint, count: bigint, at: number): Value {
    if (count <= 0n || count > LONGEST_SLICE) {
      throw new ExpressionError(
        `a slice of ${count} elements cannot be shown: give [first..end], end not included`,
        at,
      );
    }
    const start = this.element(value, first, at);
    const size = C.knownSize(start.type);
    const location =
      start.location.kind === 'memory'
        ? start.location
        : partOf(value.location, Number(first) * size, Number(count) * size);
    return {
      type: { kind: 'array', element: start.type, count: Number(count) },
      location,
      firstIndex: Number(first),
    };
  }

  private unary({ operator, operand, at }: Expression & { kind: 'unary' }): Value {
    const value = this.value(operand);
    switch (operator) {
      case '*':
        return this.dereference(value, at);
      case '&':
        return this.address(value, at);
      case '!':
        return constant(this.dry || isTruthy(value, this.context) ? 0n : 1n, C.INT);
      case '-':
      case '+':
      case '~': {
        const type = C.plain(value.type);
        if (C.isFloat(type) && operator !== '~') {
          const number = this.dry ? 1 : toFloat(value, this.context);
          return floatValue(operator === '-' ? -number : number, type);
        }
        if (!C.isInteger(type))
          throw new ExpressionError(`${operator} needs a number, but this is ${C.typeName(value.type)}`, at);
        const promoted = C.promote(type, value.bitField?.size);
        const number = this.dry ? 1n : numberOf(value, this.context);
        return constant(C.wrap(operator === '-' ? -number : operator === '~' ? ~number : number, promoted), promoted);
      }
    }
  }

  private address(value: Value, at: number): Value {
    if (value.bitField) throw new ExpressionError('a bit field has no address', at);
    const { location } = value;
    if (location.kind === 'memory') return constant(location.address, C.pointerTo(value.type));
    if (this.dry) return constant(1n, C.pointerTo(value.type));
    if (location.kind === 'register') throw new ExpressionError('this is in a register, which has no address', at);
    throw new ExpressionError('only what lies in memory has an address', at);
  }

  private binary(node: Expression & { kind: 'binary' }): Value {
    const { context } = this;
    const { operator, at } = node;
    const truth = (yes: boolean) => constant(yes ? 1n : 0n, C.INT);
    if (operator === '&&' || operator === '||') {
      if (this.dry) return truth(true);
      const left = isTruthy(this.value(node.left), context);
      if (left === (operator === '||')) return truth(left);
      return truth(isTruthy(this.value(node.right), context));
    }
    const left = this.value(node.left);
    const right = this.value(node.right);
    switch (operator) {
      case ',':
        return right;
      case '@':
        if (left.location.kind !== 'memory') throw new ExpressionError('@ needs something in memory on its left', at);
        return this.elements(this.address(left, at), 0n, this.number(right), at);
      case '==':
      case '!=':
      case '<':
      case '>':
      case '<=':
      case '>=':
        return truth(this.dry || compare(operator, left, right, at, context));
      default:
        return bitwise(operator, this.operand(left), this.operand(right), at, context);
    }
  }

  /** An operand of arithmetic; when computing types only, a nonzero number of the operand's type. */
  private operand(value: Value): Value {
    const decayed = decay(value);
    if (!this.dry) return decayed;
    if (isFloating(decayed)) return floatValue(1, decayed.type);
    return { ...constant(1n, decayed.type), ...(decayed.bitField && { bitField: { ...decayed.bitField, offset: 0 } }) };
  }

  /** If both branches are numbers, the result has the type of arithmetic between them (6.5.15). */
  private conditional({ condition, whenTrue, whenFalse }: Expression & { kind: 'conditional' }): Value {
    const holds = this.dry || isTruthy(this.value(condition), this.context);
    const taken = this.value(holds ? whenTrue : whenFalse);
    const type = commonArithmetic(taken, this.dryValue(holds ? whenFalse : whenTrue));
    if (!type || C.plain(taken.type) === type) return taken;
    return convert(this.dry ? this.operand(taken) : taken, type, this.context);
  }

  private cast(value: Value, type: Type, at: number): Value {
    const to = C.plain(type);
    if (to.kind === 'void') return { type, location: { kind: 'bytes', bytes: new Uint8Array(0) } };
    const from = C.plain(value.type);
    if (from === to) return { ...value, type };
    if (C.isFloat(to)) return floatValue(this.dry ? 1 : toFloat(value, this.context), type);
    if (C.isInteger(to) || to.kind === 'pointer') {
      if (this.dry) return constant(1n, type);
      const number =
        C.isInteger(to) && isFloating(value)
          ? truncated(toFloat(value, this.context), to)
          : requireNumber(decay(value), this.context);
      return { ...constant(C.wrap(number, to), type), ...(value.hex && { hex: true }) };
    }
    // Not C, but the meaning is clear: the same bytes as another type.
    const inMemory = value.location.kind === 'memory' && !value.bitField;
    if (inMemory && (to.kind === 'array' || C.sizeOf(to) === C.sizeOf(from))) return { type, location: value.location };
    throw new ExpressionError(
      `C has no cast to ${C.typeName(type)}; to look at memory as one, cast a pointer: *(${C.typeName(type)} *)…`,
      at,
    );
  }

  private call(node: Expression & { kind: 'call' }): Value {
    if (node.callee.kind !== 'dollar')
      throw new ExpressionError('functions of the program cannot be called while it is stopped', node.at);
    if (this.dry) return this.dryCall(node);
    const given = node.arguments.map((argument) => requireNumber(decay(this.value(argument)), this.context));
    const result = this.context.builtin?.(node.callee.name, given);
    if (!result) {
      const values = given.length === 1 ? 'one value' : `${given.length} values`;
      throw new ExpressionError(`there is no function $${node.callee.name} that takes ${values}`, node.callee.at);
    }
    return result;
  }

  /** A built-in may return values of several types, so it must be called; one that fails would have returned a number. */
  private dryCall(node: Expression & { kind: 'call' }): Value {
    try {
      return new Evaluator(this.context, {}).value(node);
    } catch (error) {
      if (error instanceof ExpressionError) return constant(1n, C.UNSIGNED_LONG);
      throw error;
    }
  }

  private assignment(node: Expression & { kind: 'assign' | 'step' }): Value {
    const { context } = this;
    if (this.dry) return this.value(node.target);
    if (!this.options.assignments)
      throw new ExpressionError('this would change the program, which is not allowed here', node.at);
    const target = this.value(node.target);
    const before = node.kind === 'step' ? this.copy(target) : target;
    let value: Value;
    if (node.kind === 'step') value = bitwise('+', before, constant(node.by, C.INT), node.at, context);
    else if (node.operator === undefined) value = this.value(node.value);
    else value = bitwise(node.operator, decay(target), decay(this.value(node.value)), node.at, context);
    const after = store(target, value, node.at, context);
    return node.kind === 'step' && !node.prefix ? before : after;
  }

  /** A copy of a number, which a later store does not change. */
  private copy(value: Value): Value {
    return isFloating(value)
      ? floatValue(toFloat(value, this.context), value.type)
      : constant(requireNumber(value, this.context), value.type);
  }
}

/** Throws ExpressionError for a variant that a value does not have: its bytes mean something else. */
function requireVariant(value: Value, record: RecordType, member: Member, context: EvaluationContext): void {
  if (!record.variants?.cases.some((one) => one.member === member)) return;
  const active = activeVariant(value, record, context);
  if (active !== member) throw new ExpressionError(`this is ${active?.name} now, not ${member.name}`);
}

function stringValue(text: string): Value {
  const bytes = Uint8Array.from([...text, '\0'], (letter) => letter.charCodeAt(0));
  return { type: { kind: 'array', element: C.CHAR, count: bytes.length }, location: { kind: 'bytes', bytes } };
}
