/**
 * A small assembler for WebAssembly. Code is a tree: each function here takes the code of its operands and returns the
 * code of the whole, so that `i64.add(a, b)` reads like an expression; `assemble` flattens the tree into bytes.
 * Branches name their target by a Label; `assemble` turns labels into nesting depths.
 *
 * Follows the WebAssembly core specification 1.0, chapter 5 (binary format), and its extension by sign-extension operators.
 */

/** The target of a branch. A label may be used only inside the block or loop that opens it. */
export class Label {
  /** The number of blocks around it that are open while `assemble` runs. */
  level = 0;
}

type Marker =
  { open: number; label: Label; type: number } | { branch: number; label: Label } | { table: readonly Label[] };
/** A Uint8Array holds bytes that are flattened already. */
export type Code = number | Marker | Uint8Array | readonly Code[];

export const enum ValueType {
  I32 = 0x7f,
  I64 = 0x7e,
  F32 = 0x7d,
  F64 = 0x7c,
  Empty = 0x40,
}

/** Unsigned LEB128 of an integer below 2^53. */
export function unsigned(value: number): Code {
  if (value < 128) return value;
  const bytes: number[] = [];
  do {
    const low = value % 128;
    value = Math.floor(value / 128);
    bytes.push(value > 0 ? low | 0x80 : low);
  } while (value > 0);
  return bytes;
}

/** Signed LEB128. */
export function signed(value: bigint | number): Code {
  if (typeof value === 'number' && value === (value | 0)) return signed32(value);
  let rest = BigInt(value);
  const bytes: number[] = [];
  for (;;) {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    if ((rest === 0n && (low & 0x40) === 0) || (rest === -1n && (low & 0x40) !== 0)) {
      bytes.push(low);
      return bytes;
    }
    bytes.push(low | 0x80);
  }
}

function signed32(value: number): Code {
  if (value >= -64 && value < 64) return value & 0x7f;
  const bytes: number[] = [];
  while (value < -64 || value >= 64) {
    bytes.push((value & 0x7f) | 0x80);
    value >>= 7;
  }
  bytes.push(value & 0x7f);
  return bytes;
}

const one =
  (opcode: number) =>
  (a: Code): Code => [a, opcode];
const two =
  (opcode: number) =>
  (a: Code, b: Code): Code => [a, b, opcode];
/** Loads and stores. Alignment is only a hint, so none is claimed. */
const load =
  (opcode: number) =>
  (address: Code, offset = 0): Code => [address, opcode, 0, unsigned(offset)];
const store =
  (opcode: number) =>
  (address: Code, value: Code, offset = 0): Code => [address, value, opcode, 0, unsigned(offset)];

export const i32 = {
  const: (value: number): Code => [0x41, signed(value | 0)],
  load: load(0x28),
  load16_u: load(0x2f),
  store: store(0x36),
  eqz: one(0x45),
  eq: two(0x46),
  ne: two(0x47),
  lt_s: two(0x48),
  lt_u: two(0x49),
  ge_u: two(0x4f),
  add: two(0x6a),
  sub: two(0x6b),
  and: two(0x71),
  or: two(0x72),
  shl: two(0x74),
  shr_s: two(0x75),
  shr_u: two(0x76),
  rotl: two(0x77),
  rotr: two(0x78),
  clz: one(0x67),
  ctz: one(0x68),
  popcnt: one(0x69),
  wrap: one(0xa7),
  reinterpret: one(0xbc),
};

export const i64 = {
  const: (value: bigint | number): Code => [0x42, signed(value)],
  load: load(0x29),
  load8_s: load(0x30),
  load8_u: load(0x31),
  load16_s: load(0x32),
  load16_u: load(0x33),
  load32_s: load(0x34),
  load32_u: load(0x35),
  store: store(0x37),
  store8: store(0x3c),
  store16: store(0x3d),
  store32: store(0x3e),
  eqz: one(0x50),
  eq: two(0x51),
  ne: two(0x52),
  lt_s: two(0x53),
  lt_u: two(0x54),
  gt_s: two(0x55),
  gt_u: two(0x56),
  ge_s: two(0x59),
  ge_u: two(0x5a),
  add: two(0x7c),
  sub: two(0x7d),
  mul: two(0x7e),
  div_s: two(0x7f),
  div_u: two(0x80),
  rem_s: two(0x81),
  rem_u: two(0x82),
  and: two(0x83),
  or: two(0x84),
  xor: two(0x85),
  shl: two(0x86),
  shr_s: two(0x87),
  shr_u: two(0x88),
  rotl: two(0x89),
  rotr: two(0x8a),
  clz: one(0x79),
  ctz: one(0x7a),
  popcnt: one(0x7b),
  extend_s: one(0xac),
  extend_u: one(0xad),
  extend8_s: one(0xc2),
  extend16_s: one(0xc3),
  reinterpret: one(0xbd),
};

/** The bytes of a constant, little-endian. */
function bytesOf(value: number, size: 4 | 8): number[] {
  const view = new DataView(new ArrayBuffer(8));
  if (size === 4) view.setFloat32(0, value, true);
  else view.setFloat64(0, value, true);
  return [...new Uint8Array(view.buffer, 0, size)];
}

/** What f32 and f64 have alike, by the opcodes of the first comparison, of abs and of conversions; integers are i64. */
const floating = (size: 4 | 8, eq: number, abs: number, from: number, to: number) => ({
  const: (value: number): Code => [size === 4 ? 0x43 : 0x44, bytesOf(value, size)],
  eq: two(eq),
  ne: two(eq + 1),
  lt: two(eq + 2),
  gt: two(eq + 3),
  le: two(eq + 4),
  ge: two(eq + 5),
  abs: one(abs),
  neg: one(abs + 1),
  ceil: one(abs + 2),
  floor: one(abs + 3),
  trunc: one(abs + 4),
  nearest: one(abs + 5),
  sqrt: one(abs + 6),
  add: two(abs + 7),
  sub: two(abs + 8),
  mul: two(abs + 9),
  div: two(abs + 10),
  min: two(abs + 11),
  max: two(abs + 12),
  copysign: two(abs + 13),
  fromSigned: one(from),
  fromUnsigned: one(from + 1),
  /** Truncates; what lies beyond becomes the nearest integer, and NaN 0. */
  toSigned: (a: Code): Code => [a, 0xfc, to],
  toUnsigned: (a: Code): Code => [a, 0xfc, to + 1],
});

export const f32 = {
  ...floating(4, 0x5b, 0x8b, 0xb4, 4),
  reinterpret: one(0xbe),
  demote: one(0xb6),
};

export const f64 = {
  ...floating(8, 0x61, 0x99, 0xb9, 6),
  load: load(0x2b),
  store: store(0x39),
  reinterpret: one(0xbf),
  promote: one(0xbb),
};

export const local = {
  get: (index: number): Code => [0x20, unsigned(index)],
  set: (index: number, value: Code): Code => [value, 0x21, unsigned(index)],
};

export const block = (label: Label, ...body: Code[]): Code => [
  { open: 0x02, label, type: ValueType.Empty },
  body,
  0x0b,
];
export const loop = (label: Label, ...body: Code[]): Code => [{ open: 0x03, label, type: ValueType.Empty }, body, 0x0b];
export const br = (label: Label): Code => ({ branch: 0x0c, label });
/** The last label is the default. */
export const br_table = (index: Code, labels: readonly Label[]): Code => [index, { table: labels }];
export const ret = (value: Code): Code => [value, 0x0f];
export const unreachable: Code = [0x00];
/** Calls a function of the given type (see ModuleBuilder.signature) through table 0. */
export const call_indirect = (type: number, index: Code): Code => [index, 0x11, unsigned(type), 0];
export const call = (functionIndex: number, ...args: Code[]): Code => [args, 0x10, unsigned(functionIndex)];

/** `if` as a statement. */
export const when = (condition: Code, then: Code, otherwise?: Code): Code => [
  condition,
  { open: 0x04, label: new Label(), type: ValueType.Empty },
  then,
  otherwise === undefined ? [] : [0x05, otherwise],
  0x0b,
];
/** `if` as an expression of the given type: evaluates only the arm that it takes. */
export const choose = (type: ValueType, condition: Code, then: Code, otherwise: Code): Code => [
  condition,
  { open: 0x04, label: new Label(), type },
  then,
  0x05,
  otherwise,
  0x0b,
];

const END = 0x0b;

/**
 * Flattens a function body. Opcodes, immediates and markers come in the order of the binary format. Only the shape of the
 * tree tells the end of a block from an immediate of the same value: `block`, `loop`, `when` and `choose` put their 0x0b
 * as the last element of an array that begins or continues with an `open` marker.
 */
export function assemble(code: Code): Uint8Array<ArrayBuffer> {
  let bytes = new Uint8Array(4096);
  let length = 0;
  const open: Label[] = [];
  const push = (byte: number): void => {
    if (length === bytes.length) reserve(1);
    bytes[length++] = byte;
  };
  const reserve = (more: number): void => {
    const larger = new Uint8Array(2 * bytes.length + more);
    larger.set(bytes);
    bytes = larger;
  };
  const branch = (label: Label): void => {
    if (open[label.level] !== label) throw new Error('branch to a label that is not open here');
    emit(unsigned(open.length - 1 - label.level));
  };
  const emit = (part: Code): void => {
    if (typeof part === 'number') {
      push(part);
    } else if (Array.isArray(part)) {
      const before = open.length;
      const pieces = part as readonly Code[];
      for (let i = 0; i < pieces.length; i++) emit(pieces[i]!);
      if (open.length > before) {
        if (part[part.length - 1] !== END) throw new Error('a block without its end');
        open.length = before;
      }
    } else if (part instanceof Uint8Array) {
      if (length + part.length > bytes.length) reserve(part.length);
      bytes.set(part, length);
      length += part.length;
    } else {
      mark(part as Marker);
    }
  };
  const mark = (marker: Marker): void => {
    if ('open' in marker) {
      push(marker.open);
      push(marker.type);
      marker.label.level = open.length;
      open.push(marker.label);
    } else if ('branch' in marker) {
      push(marker.branch);
      branch(marker.label);
    } else {
      push(0x0e);
      emit(unsigned(marker.table.length - 1));
      marker.table.forEach(branch);
    }
  };
  emit(code);
  return bytes.slice(0, length);
}
