/**
 * Formats values as gdb does for C: numbers in decimal, characters with their letter, pointers with the symbol they point
 * to, char pointers and arrays as strings, structures as `{pid = 3, name = "sh"}`, enumerators by name.
 */
import { hex } from '../../emulator/isa/hex';
import { describeField, describeWord, type Field } from '../../emulator/isa/fields';
import type { ArrayType, EnumType, Location, RecordType, Type } from '../symbols/api';
import { ExpressionError } from './error';
import { floatFrom, floatText } from './floats';
import { activeVariant, memberValue, sliceOf } from './languages';
import { readText } from './operators';
import { binariesOf } from './names';
import * as C from './types';
import { numberOf, partOf, readLocation, type EvaluationContext, type MachineWord, type Value } from './value';

export interface FormatOptions {
  /** Show integers in hexadecimal. */
  hex?: boolean;
  /** Levels of nested structures and arrays to show; default 2. */
  depth?: number;
  /** Characters of a structure or an array to show before `...`; default 400. */
  length?: number;
  /** Elements of an array, or runs of equal ones, to show before `...`; default 100. */
  elements?: number;
  /** Characters of a string to show before `...`; default 200. */
  text?: number;
}

const DEFAULTS: Required<FormatOptions> = { hex: false, depth: 2, length: 400, elements: 100, text: 200 };

/** A longer run of equal elements is shown once. */
const REPEATS = 10;

/** A value as text. Never throws: the text says what cannot be read. */
export function formatValue(value: Value, context: EvaluationContext, options: FormatOptions = {}): string {
  return format(value, context, { ...DEFAULTS, ...options });
}

function format(value: Value, context: EvaluationContext, options: Required<FormatOptions>): string {
  try {
    return formatReadable(value, context, options);
  } catch (error) {
    if (error instanceof ExpressionError) return `<${error.reason}>`;
    throw error;
  }
}

function formatReadable(value: Value, context: EvaluationContext, options: Required<FormatOptions>): string {
  const type = C.plain(value.type);
  switch (type.kind) {
    case 'void':
      return 'void';
    case 'function': {
      if (value.location.kind !== 'memory') return '<optimized out>';
      const { address } = value.location;
      return `{${C.typeName(value.type)}} ${hex(address)}${functionSuffix(address, context)}`;
    }
    case 'pointer':
      return formatPointer(numberOf(value, context), value.type, type.target, context, options.text);
    case 'enum':
      return formatEnum(numberOf(value, context), type, options.hex);
    case 'struct':
    case 'union':
      return type.complete ? formatRecord(value, type, context, options) : '<incomplete type>';
    case 'array':
      return formatArray(value, type.element, type.count, context, options);
    case 'base':
      break;
  }
  const { size, encoding } = type;
  if (encoding === 'float') return floatText(floatFrom(readLocation(value.location, 0, size, context)), type);
  const number = numberOf(value, context);
  if (value.machine?.kind === 'word') return formatWord(value.machine, number, options.hex);
  const fields = options.hex ? undefined : context.meanings?.fieldsOf(value.type);
  if (fields) return describeWord(fields, number);
  if (encoding === 'boolean' && !options.hex) return number === 0n ? 'false' : 'true';
  const isAddress = size === 8 && encoding === 'unsigned' && !value.bitField && context.meanings?.isAddress(number);
  if (options.hex || value.hex || isAddress) return hex(BigInt.asUintN(8 * size, number));
  if (encoding === 'unsigned char' && size === 4 && number <= 0x10ffffn)
    return `${number} '${String.fromCodePoint(Number(number))}'`;
  return C.isCharacter(type) ? `${number} ${quoteCharacter(Number(BigInt.asUintN(8, number)))}` : String(number);
}

function formatWord({ word, field }: { word: MachineWord; field?: Field }, number: bigint, asHex: boolean): string {
  if (asHex) return hex(number);
  if (!field) return describeWord(word, number);
  return field.meaning ? `${number} (${describeField(field, number)})` : describeField(field, number);
}

function formatPointer(address: bigint, type: Type, target: Type, context: EvaluationContext, longest: number): string {
  if (address === 0n) return hex(address);
  const note = context.meanings?.noteOn(type, address);
  if (note !== undefined) return `${hex(address)} (${note})`;
  if (C.plain(target).kind === 'function') return hex(address) + functionSuffix(address, context);
  const suffix = symbolSuffix(address, context);
  if (!C.isCharacter(target)) return hex(address) + suffix;
  const text = stringAt(address, context, longest);
  return text === undefined
    ? `${hex(address)}${suffix} <cannot read memory there>`
    : `${hex(address)}${suffix} ${text}`;
}

/** A string in memory, quoted; undefined if nothing can be read. */
function stringAt(address: bigint, context: EvaluationContext, longest: number): string | undefined {
  // A string may end just before unreadable memory: then read page by page.
  let bytes = context.readMemory(address, longest);
  if (!bytes) bytes = context.readMemory(address, Math.min(longest, Number(4096n - (address & 4095n))));
  if (!bytes || bytes.length === 0) return undefined;
  const { text, ended } = readText(bytes.length, (i) => bytes[i]!);
  return quote(text) + (ended ? '' : '...');
}

/** ` <main+4>` for an address that is inside a symbol of the program or of the kernel. */
export function symbolSuffix(address: bigint, context: EvaluationContext): string {
  for (const binary of binariesOf(context)) {
    const found = binary.symbolAt(address);
    // An address past the end of a sized symbol is not in it: string constants have no symbols.
    if (!found || (found.symbol.size > 0n && found.offset >= found.symbol.size)) continue;
    return ` <${found.symbol.name}${found.offset === 0n ? '' : `+${found.offset}`}>`;
  }
  return '';
}

/** ` <kerneltrap at trap.c:150>` for the start of a function, else as any symbol. */
function functionSuffix(address: bigint, context: EvaluationContext): string {
  for (const binary of binariesOf(context)) {
    const info = binary.functionAt(address);
    if (info?.low !== address || info.file === undefined) continue;
    return ` <${info.name} at ${info.file.slice(info.file.lastIndexOf('/') + 1)}:${info.line ?? 0}>`;
  }
  return symbolSuffix(address, context);
}

function formatEnum(number: bigint, type: EnumType, asHex: boolean): string {
  const exact = type.values.find(({ value }) => value === number);
  if (exact && !asHex) return exact.name;
  return asHex ? hex(BigInt.asUintN(8 * type.size, number)) : String(number);
}

function formatRecord(
  value: Value,
  type: RecordType,
  context: EvaluationContext,
  options: Required<FormatOptions>,
): string {
  const slice = sliceOf(value, type, context);
  if (slice?.isText) return formatText(slice.array, context, options.text);
  if (slice) return formatArray(slice.array, slice.array.type.element, slice.array.type.count, context, options);
  const variant = activeVariant(value, type, context);
  const data = variant && C.plain(variant.type);
  if (variant && (data?.kind !== 'struct' || data.members.length === 0)) return variant.name ?? '{}';
  if (options.depth <= 0) return variant ? `${variant.name} {...}` : '{...}';
  if (!variant || data?.kind !== 'struct') return `{${formatMembers(value, type, context, options).join(', ')}}`;
  const parts = formatMembers(memberValue(value, variant), data, context, options).join(', ');
  return isTuple(data) ? `${variant.name}(${parts})` : `${variant.name} {${parts}}`;
}

/** Whether the members have no names in the program: Rust numbers them. */
const isTuple = ({ members, standsAlone }: RecordType): boolean =>
  standsAlone === true && members.every(({ name }) => name !== undefined && /^__\d+$/.test(name));

function formatMembers(
  value: Value,
  type: RecordType,
  context: EvaluationContext,
  options: Required<FormatOptions>,
): string[] {
  const parts: string[] = [];
  const hasNames = !isTuple(type);
  let length = 0;
  for (const member of type.members) {
    if (length > options.length) {
      parts.push('...');
      break;
    }
    const text = format(memberValue(value, member), context, { ...options, depth: options.depth - 1 });
    const name = member.isBase ? `<${C.typeName(member.type)}>` : member.name;
    const part = name === undefined || !hasNames ? text : `${name} = ${text}`;
    parts.push(part);
    length += part.length;
  }
  return parts;
}

/** A string in UTF-8 of a given length, in double quotes. */
function formatText(
  { location, type }: { location: Location; type: ArrayType },
  context: EvaluationContext,
  longest: number,
): string {
  const length = Math.min(type.count ?? 0, longest);
  const text = new TextDecoder().decode(readLocation(location, 0, length, context));
  return JSON.stringify(text) + (length === type.count ? '' : '...');
}

function formatArray(
  value: Value,
  element: Type,
  count: number | undefined,
  context: EvaluationContext,
  options: Required<FormatOptions>,
): string {
  if (C.isCharacter(element) && !options.hex) return formatCharacters(value, count, context, options.text);
  if (count === undefined || !C.isSized(element))
    return value.location.kind === 'memory' ? hex(value.location.address) : '{...}';
  if (options.depth <= 0) return '{...}';
  const size = C.sizeOf(element);
  const bytes = wholeArray(value, size * count, context);
  const parts: string[] = [];
  let length = 0;
  for (let i = 0; i < count;) {
    if (length > options.length || parts.length >= options.elements) {
      parts.push('...');
      break;
    }
    const text = format(elementValue(value, element, i, size), context, { ...options, depth: options.depth - 1 });
    const same = bytes ? equalElements(bytes, i, size, count) : 1;
    const repeated = same > REPEATS;
    parts.push(repeated ? `${text} <repeats ${same} times>` : text);
    length += text.length;
    i += repeated ? same : 1;
  }
  return `{${parts.join(', ')}}`;
}

/** An array's bytes, for finding equal elements; undefined if it cannot be read at once. */
function wholeArray(value: Value, size: number, context: EvaluationContext): Uint8Array | undefined {
  try {
    return readLocation(value.location, 0, size, context);
  } catch (error) {
    if (error instanceof ExpressionError) return undefined;
    throw error;
  }
}

/** The number of elements from `first` on that have the same bytes. */
function equalElements(bytes: Uint8Array, first: number, size: number, count: number): number {
  const start = first * size;
  let at = start + size;
  while (at < count * size && bytes[at] === bytes[at - size]) at++;
  return Math.floor((at - start) / (size || 1));
}

/** Element `index`, counted from the value's own start. */
export function elementValue(value: Value, element: Type, index: number, size: number): Value {
  return { type: element, location: partOf(value.location, index * size, size) };
}

function formatCharacters(
  value: Value,
  count: number | undefined,
  context: EvaluationContext,
  longest: number,
): string {
  if (value.location.kind === 'memory' && count === undefined) {
    return (
      stringAt(value.location.address, context, longest) ?? `<cannot read memory at ${hex(value.location.address)}>`
    );
  }
  const length = Math.min(count ?? 0, longest);
  const bytes = readLocation(value.location, 0, length, context);
  const { text, ended } = readText(length, (i) => bytes[i]!);
  return quote(text) + (ended || length === count ? '' : '...');
}

const NAMED_ESCAPES: Record<number, string> = {
  7: '\\a',
  8: '\\b',
  9: '\\t',
  10: '\\n',
  11: '\\v',
  12: '\\f',
  13: '\\r',
};

function escape(code: number, quoteMark: string): string {
  if (NAMED_ESCAPES[code]) return NAMED_ESCAPES[code];
  const letter = String.fromCharCode(code);
  if (letter === quoteMark || letter === '\\') return `\\${letter}`;
  return code < 32 || code > 126 ? `\\${code.toString(8).padStart(3, '0')}` : letter;
}

const quote = (text: string): string => `"${Array.from(text, (letter) => escape(letter.charCodeAt(0), '"')).join('')}"`;
const quoteCharacter = (code: number): string => `'${escape(code, "'")}'`;
