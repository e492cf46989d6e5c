/**
 * Evaluates C expressions (ISO C11, section 6.5) on the state of a stopped machine. Arithmetic wraps around as RV64 does.
 * Nothing of the guest is called, and nothing is written unless asked for.
 */
import type { Binary } from '../symbols/api';
import { ExpressionError } from './error';
import { bitwise, compare, decay, isTruthy, pointerTarget, requireNumber } from './operators';
import { csrFieldValue, isTypedef, nameValue, specialValue } from './names';
import { parseExpression } from './parser';
import { store } from './store';
import type { Expression } from './syntax';
import * as C from './types';
import { constant, numberOf, partOf, type EvaluationContext, type Value } from './value';

export interface EvaluationOptions {
  /** Lets =, += and ++ write. Default false: then they are errors, as befits hovers and watches. */
  assignments?: boolean;
}

/** Evaluates a text. Throws ExpressionError whose message begins with the place: "expression:1:5: …". */
export function evaluate(text: string, context: EvaluationContext, options: EvaluationOptions = {}): Value {
  if (text.trim() === '') throw new ExpressionError('the expression is empty', 0);
  const parsed = parseExpression(text, {
    isTypedef: (name) => isTypedef(name, context),
    typeNamed: (name) => context.binary.typeNamed(name),
  });
  return new Evaluator(context, options).value(parsed);
}

/** What keeps a text from being an expression in a program, wherever it is evaluated; undefined if nothing does. */
export function syntaxProblem(text: string, binary: Binary): string | undefined {
  try {
    parseExpression(text, {
      isTypedef: (name) => binary.typeNamed(name) !== undefined && binary.global(name, 0n) === undefined,
      typeNamed: (name) => binary.typeNamed(name),
    });
    return undefined;
  } catch (error) {
    if (error instanceof ExpressionError) return error.message;
    throw error;
  }
}

/**
 * Writes the value of `valueText` to what `targetText` names, converted as C's assignment does, and answers the target
 * as it is then. Throws ExpressionError.
 */
export function assign(targetText: string, valueText: string, context: EvaluationContext): Value {
  const target = evaluate(targetText, context);
  const value = evaluate(valueText, context);
  return store(target, value, undefined, context);
}

class Evaluator {
  constructor(
    private readonly context: EvaluationContext,
    private readonly options: EvaluationOptions,
  ) {}

  value(node: Expression): Value {
    try {
      return this.evaluateNode(node);
    } catch (error) {
      // An error from deeper down that knows no place happened here.
      if (error instanceof ExpressionError && error.offset === undefined) {
        throw new ExpressionError(error.reason, node.at);
      }
      throw error;
    }
  }

  private evaluateNode(node: Expression): Value {
    const { context } = this;
    switch (node.kind) {
      case 'integer':
        return constant(node.value, node.type);
      case 'string':
        return stringValue(node.text);
      case 'name':
        return nameValue(node.name, node.at, context);
      case 'special':
        return specialValue(node.name, node.at, context);
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
        return isTruthy(this.value(node.condition), context) ? this.value(node.whenTrue) : this.value(node.whenFalse);
      case 'cast':
        return this.cast(this.value(node.operand), node.type, node.at);
      case 'sizeof-type':
        return this.sizeOf(node.type, node.at);
      case 'sizeof':
        return this.sizeOf(this.value(node.operand).type, node.at);
      case 'call':
        return this.call(node);
      case 'assign':
      case 'step':
        return this.assignment(node);
    }
  }

  private integer(node: Expression): bigint {
    return requireNumber(this.value(node), this.context);
  }

  private sizeOf(type: C.PlainType | Value['type'], at: number): Value {
    const size = C.sizeOf(type);
    const bare = C.plain(type);
    if (size === 0 && (bare.kind === 'void' || bare.kind === 'function')) {
      throw new ExpressionError(`${C.typeName(type)} has no size`, at);
    }
    if ((bare.kind === 'struct' || bare.kind === 'union') && !bare.complete) {
      throw new ExpressionError(`${C.typeName(type)} is only declared in this program, so its size is not known`, at);
    }
    return constant(BigInt(size), C.UNSIGNED_LONG);
  }

  private member({ object, name, arrow, at }: Expression & { kind: 'member' }): Value {
    const { context } = this;
    let value = this.value(object);
    if (value.machine?.kind === 'csr' && !value.machine.field && !arrow) {
      return csrFieldValue(value.machine.name, name, at, context);
    }
    const type = C.plain(value.type);
    // Like gdb, a dot is taken for the arrow that was meant.
    if (type.kind === 'pointer' || (arrow && type.kind === 'array')) value = this.dereference(value, object.at);
    else if (arrow) throw new ExpressionError(`-> needs a pointer, but this is ${C.typeName(value.type)}`, at);
    const record = C.plain(value.type);
    if (record.kind !== 'struct' && record.kind !== 'union') {
      throw new ExpressionError(`${C.typeName(value.type)} has no members`, at);
    }
    const found = C.findMember(record, name);
    if (!found) {
      const names = record.members.flatMap((member) => member.name ?? []);
      const known = names.length ? `; it has ${names.slice(0, 12).join(', ')}${names.length > 12 ? ', …' : ''}` : '';
      throw new ExpressionError(`${C.typeName(value.type)} has no member ${name}${known}`, at);
    }
    const { member, offset } = found;
    const size = Math.max(C.sizeOf(member.type), Math.ceil(((member.bitOffset ?? 0) + (member.bitSize ?? 0)) / 8));
    return {
      type: member.type,
      location: partOf(value.location, offset, size),
      ...(member.bitSize !== undefined && { bitField: { size: member.bitSize, offset: member.bitOffset ?? 0 } }),
    };
  }

  private dereference(value: Value, at: number): Value {
    const bare = C.plain(value.type);
    if (bare.kind === 'function') return value;
    if (bare.kind === 'array') return this.element(value, 0n, at);
    const target = pointerTarget(value, at, this.context);
    if (C.plain(target).kind === 'void') {
      throw new ExpressionError('void * cannot be dereferenced: cast it to a pointer to something first', at);
    }
    return { type: target, location: { kind: 'memory', address: numberOf(value, this.context) } };
  }

  private index({ object, index, at }: Expression & { kind: 'index' }): Value {
    const left = this.value(object);
    const right = this.value(index);
    // C lets the two stand either way round: 2[a] is a[2].
    const [whole, number] = C.isInteger(C.plain(left.type)) ? [right, left] : [left, right];
    return this.element(whole, requireNumber(number, this.context), at);
  }

  private element(value: Value, index: bigint, at: number): Value {
    const bare = C.plain(value.type);
    if (bare.kind !== 'array') {
      const target = pointerTarget(value, at, this.context);
      if (C.plain(target).kind === 'void') throw new ExpressionError('elements of void have no size', at);
      const address = numberOf(value, this.context) + index * C.stride(target);
      return { type: target, location: { kind: 'memory', address: BigInt.asUintN(64, address) } };
    }
    const size = C.sizeOf(bare.element);
    const offset = (index - BigInt(value.firstIndex ?? 0)) * BigInt(size);
    if (value.location.kind === 'memory') {
      const address = BigInt.asUintN(64, value.location.address + offset);
      return { type: bare.element, location: { kind: 'memory', address } };
    }
    if (offset < 0n || (bare.count !== undefined && offset >= BigInt(size) * BigInt(bare.count))) {
      throw new ExpressionError(`index ${index} is outside the array, which is not in memory`, at);
    }
    return { type: bare.element, location: partOf(value.location, Number(offset), size) };
  }

  private slice({ object, from, to, at }: Expression & { kind: 'slice' }): Value {
    const first = this.integer(from);
    const end = this.integer(to);
    return this.elements(this.value(object), first, end - first, at);
  }

  /** `count` elements from index `first` on, as an array. */
  private elements(value: Value, first: bigint, count: bigint, at: number): Value {
    if (count <= 0n || count > 1_000_000n) {
      throw new ExpressionError(
        `a slice of ${count} elements cannot be shown: give [first..end], end not included`,
        at,
      );
    }
    const start = this.element(value, first, at);
    const location =
      start.location.kind === 'memory'
        ? start.location
        : partOf(value.location, Number(first) * C.sizeOf(start.type), Number(count) * C.sizeOf(start.type));
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
        return constant(isTruthy(value, this.context) ? 0n : 1n, C.INT);
      case '-':
      case '+':
      case '~': {
        const type = C.plain(value.type);
        if (!C.isInteger(type)) {
          throw new ExpressionError(`${operator} needs a number, but this is ${C.typeName(value.type)}`, at);
        }
        const promoted = C.promote(type, value.bitField?.size);
        const number = numberOf(value, this.context);
        return constant(C.wrap(operator === '-' ? -number : operator === '~' ? ~number : number, promoted), promoted);
      }
    }
  }

  private address(value: Value, at: number): Value {
    if (value.bitField) throw new ExpressionError('a bit field has no address', at);
    const { location } = value;
    if (location.kind === 'memory') return constant(location.address, C.pointerTo(value.type));
    if (location.kind === 'register') throw new ExpressionError('this is in a register, which has no address', at);
    throw new ExpressionError('only what lies in memory has an address', at);
  }

  private binary(node: Expression & { kind: 'binary' }): Value {
    const { context } = this;
    const { operator, at } = node;
    const truth = (yes: boolean) => constant(yes ? 1n : 0n, C.INT);
    if (operator === '&&' || operator === '||') {
      const left = isTruthy(this.value(node.left), context);
      if (left === (operator === '||')) return truth(left);
      return truth(isTruthy(this.value(node.right), context));
    }
    const left = this.value(node.left);
    const right = this.value(node.right);
    switch (operator) {
      case ',':
        return right;
      case '@': {
        const count = requireNumber(right, context);
        if (left.location.kind !== 'memory') throw new ExpressionError('@ needs something in memory on its left', at);
        return this.elements(this.address(left, at), 0n, count, at);
      }
      case '==':
      case '!=':
      case '<':
      case '>':
      case '<=':
      case '>=':
        return truth(compare(operator, left, right, at, context));
      default:
        return bitwise(operator, decay(left), decay(right), at, context);
    }
  }

  private cast(value: Value, type: Value['type'], at: number): Value {
    const to = C.plain(type);
    if (to.kind === 'void') return { type, location: { kind: 'bytes', bytes: new Uint8Array(0) } };
    const from = C.plain(value.type);
    if (from === to) return { ...value, type };
    if (to.kind === 'base' && to.encoding === 'float') {
      throw new ExpressionError('floating-point arithmetic is not supported', at);
    }
    if (C.isInteger(to) || to.kind === 'pointer') {
      const number = requireNumber(decay(value), this.context);
      return { ...constant(C.wrap(number, to), type), ...(value.hex && { hex: true }) };
    }
    throw new ExpressionError(
      `C has no cast to ${C.typeName(type)}; to look at memory as one, cast a pointer: *(${C.typeName(type)} *)…`,
      at,
    );
  }

  private call(node: Expression & { kind: 'call' }): Value {
    if (node.callee.kind !== 'special') {
      throw new ExpressionError('functions of the program cannot be called while it is stopped', node.at);
    }
    const given = node.arguments.map((argument) => requireNumber(decay(this.value(argument)), this.context));
    const result = this.context.special?.(node.callee.name, given);
    if (result === undefined) {
      throw new ExpressionError(`there is no $${node.callee.name} that takes ${given.length} values`, node.callee.at);
    }
    return { ...constant(result, C.UNSIGNED_LONG), hex: true };
  }

  private assignment(node: Expression & { kind: 'assign' | 'step' }): Value {
    if (!this.options.assignments) {
      throw new ExpressionError('this would change the program, which is not allowed here', node.at);
    }
    const { context } = this;
    const target = this.value(node.target);
    const before = node.kind === 'step' ? constant(numberOf(target, context), target.type) : target;
    let value: Value;
    if (node.kind === 'step') value = bitwise('+', before, constant(node.by, C.INT), node.at, context);
    else if (node.operator === undefined) value = this.value(node.value);
    else value = bitwise(node.operator, decay(target), decay(this.value(node.value)), node.at, context);
    const after = store(target, value, node.at, context);
    return node.kind === 'step' && !node.prefix ? before : after;
  }
}

function stringValue(text: string): Value {
  const bytes = Uint8Array.from([...text, '\0'], (letter) => letter.charCodeAt(0));
  return { type: { kind: 'array', element: C.CHAR, count: bytes.length }, location: { kind: 'bytes', bytes } };
}

/** A value's number for conditions and translations; undefined if it is no number (a struct, a float, unreadable). */
export function integerOf(value: Value, context: EvaluationContext): bigint | undefined {
  const bare = C.plain(value.type);
  if (bare.kind === 'array' || bare.kind === 'function') {
    return value.location.kind === 'memory' ? value.location.address : undefined;
  }
  return C.isInteger(bare) || bare.kind === 'pointer' ? numberOf(value, context) : undefined;
}

/** Whether a condition holds; throws ExpressionError if it is wrong. */
export function evaluateCondition(text: string, context: EvaluationContext): boolean {
  return isTruthy(evaluate(text, context), context);
}
