/**
 * Looks up the names of an expression. C's order comes first: local variables from the innermost block out, then this file's
 * and the program's globals, functions, enumerators; in a user program's frame the kernel's after its own. Then come the
 * machine's registers, symbols of assembly, and the debugger's `pid`, `hart` and `mode`. A name with $ always means a
 * register or a built-in of the debugger.
 */
import { csrNamed } from '../../emulator/isa/csr-fields';
import { fieldNamed } from '../../emulator/isa/fields';
import { FIRST_FLOAT, registerNumber } from '../../emulator/isa/registers';
import type { Binary, EnumType, FunctionInfo, FunctionType, Macro, Type, Variable } from '../symbols/api';
import { ExpressionError } from './error';
import { Memo } from './memo';
import * as C from './types';
import { CHAR, pointerTo, UNSIGNED_LONG, VOID } from './types';
import { memberValue } from './languages';
import {
  constant,
  numberOf,
  referent,
  floatRegisterValue,
  registerValue,
  variableValue,
  wordValue,
  type EvaluationContext,
  type MachineWord,
  type Value,
} from './value';

const pcOf = (context: EvaluationContext): bigint => context.scopePc ?? context.frame.pc;

/** The programs to search for names, in order. */
export const binariesOf = ({ binary, kernel }: Pick<EvaluationContext, 'binary' | 'kernel'>): Binary[] =>
  kernel && kernel !== binary ? [binary, kernel] : [binary];

/** The first result of `find` in one of the programs. */
function fromAny<T>(context: EvaluationContext, find: (binary: Binary) => T | undefined): T | undefined {
  for (const binary of binariesOf(context)) {
    const found = find(binary);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A type by its name in C, such as `struct proc`. */
export const typeNamed = (name: string, context: EvaluationContext): Type | undefined =>
  fromAny(context, (binary) => binary.typeNamed(name));

/** The variable that a name means in the context's frame. */
function findVariable(name: string, context: EvaluationContext): FoundVariable | undefined {
  const pc = pcOf(context);
  return VARIABLES.of(context.binary, `${pc} ${name}`, () => lookForVariable(name, pc, context));
}

interface FoundVariable {
  variable: Variable;
  binary: Binary;
}
const VARIABLES = new Memo<FoundVariable | undefined>();

function lookForVariable(name: string, pc: bigint, context: EvaluationContext): FoundVariable | undefined {
  for (const scope of context.binary.scopesAt(pc)) {
    // A later declaration in the same block hides an earlier one.
    const variable = scope.variables.findLast((one) => one.name === name);
    if (variable) return { variable, binary: context.binary };
  }
  return fromAny(context, (binary) => {
    const variable = binary.global(name, binary === context.binary ? pc : undefined);
    return variable && { variable, binary };
  });
}

/** Whether a bare name means a type: there is one, and no variable hides it. */
export const isTypedef = (name: string, context: EvaluationContext): boolean =>
  typeNamed(name, context) !== undefined && findVariable(name, context) === undefined;

/** The macro of a name, unless a variable, function, enumerator or type has the name. */
export function macroNamed(name: string, context: EvaluationContext): Macro | undefined {
  const pc = pcOf(context);
  const macro = fromAny(context, (binary) => binary.macro(name, binary === context.binary ? pc : undefined));
  return macro && !namedInC(name, context) && !typeNamed(name, context) ? macro : undefined;
}

const UNKNOWN_FUNCTION: FunctionType = { kind: 'function', result: VOID, parameters: [], variadic: true };

const functionValue = (info: FunctionInfo): Value => ({
  type: info.type ?? UNKNOWN_FUNCTION,
  location: { kind: 'memory', address: info.low },
});

/** Names that the debugger adds where C has nothing of that name. */
export const FALLBACK_NAMES: readonly string[] = [
  ...['pid', 'hart', 'mode', 'USER', 'SUPERVISOR', 'MACHINE'],
  ...['user', 'supervisor', 'machine'],
];

/** The value of a bare name. */
export function nameValue(name: string, at: number, context: EvaluationContext): Value {
  const found =
    namedInC(name, context) ??
    machineValue(name, context) ??
    fromAny(context, (binary) => symbolValue(name, binary)) ??
    (FALLBACK_NAMES.includes(name) ? context.builtin?.(name, undefined) : undefined);
  if (found) return found;
  const { binary } = context;
  const none = binary.debugInfoProblem ?? `${binary.path} has no debug information (build with -g)`;
  const why = binary.hasDebugInfo ? '' : `; ${none}`;
  // A name in capitals is probably a macro's, which the compiler records only with -g3.
  const macro = why === '' && /^[A-Z][A-Z0-9_]+$/.test(name) ? '; macros are known if built with -g3' : '';
  throw new ExpressionError(`no variable, function or register is named "${name}" here${why}${macro}`, at);
}

function namedInC(name: string, context: EvaluationContext): Value | undefined {
  const found = findVariable(name, context);
  const isLocal = found?.variable.kind === 'local' || found?.variable.kind === 'parameter';
  const own = isLocal ? undefined : memberOfThis(name, context);
  if (own) return own;
  if (found) return variableValue(found.variable, context, found.binary);
  return fromAny(context, (binary) => {
    const info = binary.functionsNamed(name)[0];
    if (info) return functionValue(info);
    const enumerator = binary.enumerator(name);
    return enumerator && enumeratorValue(enumerator);
  });
}

/** In a member function of C++, the members of its object have names of their own. */
function memberOfThis(name: string, context: EvaluationContext): Value | undefined {
  const self = name === 'this' ? undefined : findVariable('this', context);
  const pointer = self && C.plain(self.variable.type);
  const record = pointer?.kind === 'pointer' ? C.plain(pointer.target) : undefined;
  if (!self || record?.kind !== 'struct') return undefined;
  const found = C.findMember(record, name);
  if (!found) return undefined;
  const address = numberOf(variableValue(self.variable, context, self.binary), context);
  const object: Value = { type: record, location: { kind: 'memory', address } };
  return referent(memberValue(object, { ...found.member, offset: found.offset }), context);
}

/** An enumerator is an int, whatever the size of its enumeration's variables (6.4.4.3). */
function enumeratorValue({ type, value }: { type: EnumType; value: bigint }): Value {
  if (type.size !== 4) return constant(value, type);
  // Member by member: a spread would lose what the debug information's types compute when they are asked.
  const { name, size, values, standsAlone } = type;
  return constant(value, { kind: 'enum', name, size, values, signed: true, ...(standsAlone && { standsAlone }) });
}

/** A symbol of assembly or the linker has an address but no type: like C's `extern char etext[]`. */
function symbolValue(name: string, binary: Binary): Value | undefined {
  const symbol = binary.symbol(name);
  if (!symbol) return undefined;
  const type: Type = symbol.kind === 'function' ? UNKNOWN_FUNCTION : { kind: 'array', element: CHAR, count: undefined };
  return { type, location: { kind: 'memory', address: symbol.address } };
}

/**
 * The value of `scope::name`: a static of a file (`proc.c::nextpid`) or of a function (`freerange::count`), or a name of
 * the kernel (`kernel::printf`).
 */
export function qualifiedValue(scope: string, name: string, at: number, context: EvaluationContext): Value {
  const full = namedInC(`${scope}::${name}`, context);
  if (full) return full;
  const found = fromAny(context, (binary) =>
    /\.\w+$/.test(scope) ? inFile(scope, name, binary, context) : inFunction(scope, name, binary, context),
  );
  if (found) return found;
  const kernel = context.kernel ?? context.binary;
  if (scope === 'kernel') {
    const value = namedInC(name, { ...context, binary: kernel, scopePc: 0n });
    if (value) return value;
  }
  throw new ExpressionError(`${scope} has no static variable and no function "${name}"`, at);
}

function inFile(scope: string, name: string, binary: Binary, context: EvaluationContext): Value | undefined {
  const isIt = ({ file }: { file: string | undefined }): boolean => file === scope || !!file?.endsWith(`/${scope}`);
  const variable = binary.globals.find((one) => one.name === name && isIt(one));
  if (variable) return variableValue(variable, context, binary);
  const info = binary.functionsNamed(name).find(isIt);
  return info && functionValue(info);
}

/** Most steps of the search for blocks in a function; no function of a kernel needs more. */
const MOST_STEPS = 16_384;

function inFunction(scope: string, name: string, binary: Binary, context: EvaluationContext): Value | undefined {
  for (const { low, high } of binary.functionsNamed(scope)) {
    const end = high < low + BigInt(2 * MOST_STEPS) ? high : low + BigInt(2 * MOST_STEPS);
    for (let address = low; address < end;) {
      const scopes = binary.scopesAt(address);
      const variable = scopes
        .flatMap(({ variables }) => variables)
        .find((one) => one.name === name && one.kind === 'static');
      if (variable) return variableValue(variable, context, binary);
      address += 2n;
    }
  }
  return undefined;
}

/** The value of `$name`. */
export function dollarValue(name: string, at: number, context: EvaluationContext): Value {
  const value = machineValue(name, context) ?? context.builtin?.(name, undefined);
  if (value) return value;
  throw new ExpressionError(`there is no register $${name}`, at);
}

/** Registers that hold addresses, shown in hexadecimal. */
const ADDRESS_REGISTERS = new Set([1, 2, 3, 4, 8]);

function machineValue(name: string, context: EvaluationContext): Value | undefined {
  if (name === 'pc') {
    const location = { kind: 'value', value: context.frame.pc } as const;
    return { type: pointerTo(VOID), location, machine: { kind: 'pc' }, hex: true };
  }
  const register = registerNumber(name);
  if (register === 0) return { ...constant(0n, UNSIGNED_LONG), hex: true };
  if (register !== undefined && register >= FIRST_FLOAT) return floatRegisterValue(register, context);
  if (register !== undefined)
    return registerValue(register, ADDRESS_REGISTERS.has(register) ? pointerTo(VOID) : UNSIGNED_LONG);
  const word = csrWord(name, context);
  return word && wordValue(word);
}

/** A CSR of the context's hart; undefined if the hart has none of that name. */
function csrWord(name: string, context: EvaluationContext): MachineWord | undefined {
  const value = context.csr?.(name);
  if (value === undefined) return undefined;
  const { fields, describe } = csrNamed(name) ?? { fields: [] };
  return {
    name,
    fields,
    ...(describe && { describe }),
    read: () => context.csr?.(name),
    write: (wanted) => context.setCsr?.(name, wanted) ?? false,
  };
}

/** A field of a machine word: `$sstatus.SPP`. */
export function fieldValue(word: MachineWord, name: string, at: number, called = `$${word.name}`): Value {
  const field = fieldNamed(word, name);
  if (field) return wordValue(word, field);
  const names = word.fields.map((one) => one.name).join(', ');
  throw new ExpressionError(`${called} has no field ${name}${names ? `; it has ${names}` : ''}`, at);
}
