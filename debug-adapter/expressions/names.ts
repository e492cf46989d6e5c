/**
 * What a name in an expression stands for. C's own order: local variables from the innermost block out, then this file's
 * and the program's globals, functions, enumerators; then the machine's registers, which C does not know. Names with $
 * are always the machine's.
 */
import { csrField, csrNamed, fieldOf } from '../registers/csrs';
import { registerNumber } from '../registers/integer-registers';
import type { FunctionType, Type, Variable } from '../symbols/api';
import { ExpressionError } from './error';
import { CHAR, pointerTo, UNSIGNED_LONG, VOID } from './types';
import { constant, registerValue, variableValue, type EvaluationContext, type Value } from './value';

const pcOf = (context: EvaluationContext): bigint => context.scopePc ?? context.frame.pc;

/** The variable that a name means in the context's frame. */
function findVariable(name: string, context: EvaluationContext): Variable | undefined {
  const pc = pcOf(context);
  for (const scope of context.binary.scopesAt(pc)) {
    // A later declaration in the same block hides an earlier one.
    const found = scope.variables.findLast((variable) => variable.name === name);
    if (found) return found;
  }
  return context.binary.global(name, pc);
}

/** Whether a bare name is a type's: it is one, and no variable hides it. */
export const isTypedef = (name: string, context: EvaluationContext): boolean =>
  context.binary.typeNamed(name) !== undefined && findVariable(name, context) === undefined;

const UNKNOWN_FUNCTION: FunctionType = { kind: 'function', result: VOID, parameters: [], variadic: true };

/** The value of a bare name. */
export function nameValue(name: string, at: number, context: EvaluationContext): Value {
  const variable = findVariable(name, context);
  if (variable) return variableValue(variable, context);
  const { binary } = context;
  const info = binary.functionsNamed(name)[0];
  if (info) return { type: info.type ?? UNKNOWN_FUNCTION, location: { kind: 'memory', address: info.low } };
  const enumerator = binary.enumerator(name);
  if (enumerator) return constant(enumerator.value, enumerator.type);
  const register = machineValue(name, context);
  if (register) return register;
  const symbol = binary.symbol(name);
  if (symbol) {
    // A symbol of assembly or the linker has a place but no type: as C's `extern char etext[]` has it.
    const type: Type =
      symbol.kind === 'function' ? UNKNOWN_FUNCTION : { kind: 'array', element: CHAR, count: undefined };
    return { type, location: { kind: 'memory', address: symbol.address } };
  }
  const why = binary.hasDebugInfo ? '' : `; ${binary.path} has no debug information (build with -g)`;
  throw new ExpressionError(`no variable, function or register is named "${name}" here${why}`, at);
}

/** The value of `$name`. */
export function specialValue(name: string, at: number, context: EvaluationContext): Value {
  const value = machineValue(name, context);
  if (value) return value;
  const special = context.special?.(name, undefined);
  if (special !== undefined) return constant(special, UNSIGNED_LONG);
  throw new ExpressionError(`there is no register $${name}`, at);
}

/** Registers that hold addresses are shown as such. */
const ADDRESS_REGISTERS = new Set([1, 2, 3, 4, 8]);

function machineValue(name: string, context: EvaluationContext): Value | undefined {
  if (name === 'pc') {
    const location = { kind: 'value', value: context.frame.pc } as const;
    return { type: pointerTo(VOID), location, machine: { kind: 'pc' }, hex: true };
  }
  const register = registerNumber(name);
  if (register === 0) return { ...constant(0n, UNSIGNED_LONG), hex: true };
  if (register !== undefined) {
    return registerValue(register, ADDRESS_REGISTERS.has(register) ? pointerTo(VOID) : UNSIGNED_LONG);
  }
  const value = context.csr?.(name);
  if (value === undefined) return undefined;
  return {
    type: UNSIGNED_LONG,
    location: { kind: 'value', value: BigInt.asUintN(64, value) },
    machine: { kind: 'csr', name },
    hex: true,
  };
}

/** A field of a CSR: `$sstatus.SPP`. */
export function csrFieldValue(csr: string, field: string, at: number, context: EvaluationContext): Value {
  const known = csrNamed(csr);
  const found = known && csrField(known, field);
  const value = context.csr?.(csr);
  if (!known || !found || value === undefined) {
    const names = known?.fields.map(({ name }) => name).join(', ');
    throw new ExpressionError(`$${csr} has no field ${field}${names ? `; it has ${names}` : ''}`, at);
  }
  return {
    type: UNSIGNED_LONG,
    location: { kind: 'value', value: fieldOf(value, found) },
    machine: { kind: 'csr', name: csr, field: found.name },
  };
}
