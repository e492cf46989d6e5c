/** Compares the symbol reader and gdb on a running program: its stack and the values of its variables. */
import type { Binary, FrameRegisters, Location, ReadMemory, Type, Variable } from '../../symbols/api';
import { sizeOf } from '../../symbols/declarations/size-of';
import { lookupAddress } from '../../symbols/frames/unwind';
import type { FrameAnswer, StateAnswer } from './gdb';

interface Frame {
  registers: FrameRegisters;
  name: string | undefined;
  line: number;
  inlined: boolean;
  variables: Variable[];
}

export function compareState(binary: Binary, state: StateAnswer): string[] {
  const read = memoryOfState(binary, state);
  let mine = walk(binary, state, read);
  const [first] = mine;
  // At the first address of an inlined function, gdb assumes that the function has not been entered.
  while (mine[0]?.inlined && mine.length > 1 && mine[0].name !== state.frames[0]!.name) mine = mine.slice(1);
  const where = `at ${hex(state.pc)} in ${first?.name}`;
  const differences: string[] = [];
  const names = mine.map((frame) => frame.name);
  const theirs = state.frames.map((frame) => frame.name);
  const common = names.findIndex((name, index) => name !== theirs[index]);
  const agreed = common < 0 ? names.length : common;
  if (agreed < names.length && agreed < theirs.length)
    differences.push(`stack ${where}: gdb ${theirs.join()}, we ${names.join()}`);
  for (let index = 0; index < Math.min(agreed, theirs.length); index++) {
    const found = [...compareFrame(binary, mine[index]!, state.frames[index]!, read, index > 0)];
    differences.push(...found.map((difference) => `${where}, frame ${index} ${names[index]}: ${difference}`));
  }
  return differences;
}

/** The symbol reader's stack, with a frame for each inlined call. */
export function walk(binary: Binary, state: StateAnswer, read = memoryOfState(binary, state)): Frame[] {
  const frames: Frame[] = [];
  let registers: FrameRegisters | undefined = { pc: BigInt(state.pc), x: state.x.map(BigInt) };
  while (registers !== undefined && frames.length < 64) {
    const address = lookupAddress(registers);
    const calls = binary.inlinedCallsAt(address);
    const scopes = binary.scopesAt(address);
    let line = binary.lineAt(address)?.line ?? 0;
    for (let depth = 0; depth <= calls.length; depth++) {
      const call = calls[depth];
      const name = call?.name ?? binary.functionAt(address)?.name;
      const own = scopes.filter((scope) => scope.inlinedDepth === depth);
      const variables = own.flatMap((scope) => scope.variables);
      frames.push({ registers, name, line, inlined: call !== undefined, variables });
      line = call?.callLine ?? 0;
    }
    registers = binary.unwind(registers, read);
  }
  return frames;
}

/** The first bytes of a variable; undefined if it is lost. */
export function valueOf(
  binary: Binary,
  variable: Variable,
  registers: FrameRegisters,
  read: ReadMemory,
  size = sizeOf(variable.type),
): bigint | undefined {
  const bits = bitsAt(binary.locate(variable, registers, read), size, registers, read);
  if (bits === undefined) return undefined;
  return isSigned(variable.type) ? BigInt.asIntN(size * 8, bits) : BigInt.asUintN(size * 8, bits);
}

function* compareFrame(
  binary: Binary,
  mine: Frame,
  theirs: FrameAnswer,
  read: ReadMemory,
  isCaller: boolean,
): Generator<string> {
  const { registers } = mine;
  const pairs = [
    ['pc', registers.pc, theirs.pc],
    ['sp', registers.x[2], theirs.sp],
    ['s0', registers.x[8], theirs.s0],
    ['s1', registers.x[9], theirs.s1],
    ['line', BigInt(mine.line), `${theirs.line}`],
  ] as const;
  for (const [what, found, wanted] of pairs)
    if (`${found ?? null}` !== `${wanted}`) yield `${what} is ${wanted} for gdb, ${found} for us`;
  const left = [...theirs.variables];
  for (const variable of mine.variables) {
    const index = left.findIndex(([name]) => name === variable.name);
    if (index < 0) {
      yield `gdb has no variable ${variable.name}`;
      continue;
    }
    const [, wanted] = left.splice(index, 1)[0]!;
    if (wanted.address !== undefined) {
      const location = binary.locate(variable, registers, read);
      if (location.kind !== 'memory' || `${location.address}` !== wanted.address)
        yield `${variable.name} is at ${wanted.address} for gdb, ${location.kind} for us`;
      continue;
    }
    const found = valueOf(binary, variable, registers, read);
    // gdb assumes that registers which calls may overwrite are unchanged in the caller; for us they are lost.
    const isClobbered = isCaller && found === undefined;
    if (`${found}` !== `${wanted.value}` && !isClobbered)
      yield `${variable.name} is ${wanted.value} for gdb, ${found} for us`;
  }
}

function memoryOfState(binary: Binary, state: StateAnswer): ReadMemory {
  const regions = state.memory.map(([address, digits]) => ({
    low: BigInt(address),
    bytes: Uint8Array.from(Buffer.from(digits, 'hex')),
  }));
  const code = binary.segments.map(({ virtualAddress, bytes }) => ({ low: virtualAddress, bytes }));
  return (address, length) => {
    for (const { low, bytes } of [...regions, ...code]) {
      if (low <= address && address + BigInt(length) <= low + BigInt(bytes.length))
        return bytes.subarray(Number(address - low), Number(address - low) + length);
    }
    return undefined;
  };
}

function bitsAt(location: Location, size: number, frame: FrameRegisters, read: ReadMemory): bigint | undefined {
  switch (location.kind) {
    case 'memory':
      return littleEndian(read(location.address, size));
    case 'register':
      return frame.x[location.register];
    case 'value':
      return location.value;
    case 'bytes':
      return littleEndian(location.bytes);
    case 'pieces': {
      let bits = 0n;
      let shift = 0n;
      for (const piece of location.pieces) {
        const part = bitsAt(piece.location, piece.size, frame, read);
        if (part === undefined) return undefined;
        bits |= BigInt.asUintN(piece.size * 8, part) << shift;
        shift += BigInt(piece.size * 8);
      }
      return bits;
    }
    case 'optimized-out':
      return undefined;
  }
}

function littleEndian(bytes: Uint8Array | undefined): bigint | undefined {
  return bytes?.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

function isSigned(type: Type): boolean {
  switch (type.kind) {
    case 'base':
      return type.encoding === 'signed' || type.encoding === 'char';
    case 'enum':
      return type.signed;
    case 'typedef':
    case 'const':
    case 'volatile':
    case 'restrict':
    case 'atomic':
      return isSigned(type.target);
    default:
      return false;
  }
}

function hex(address: string): string {
  return `0x${BigInt(address).toString(16)}`;
}
