/**
 * Compares the symbol reader and gdb at many addresses of a program: the caller's registers and the locations of variables.
 * Each register has a distinct value, those that frames depend on point to memory, and each word of memory is its inverted
 * address; so a value shows where it was read.
 */
import { X } from '../../../emulator/isa/registers';
import type { Binary, FrameRegisters, ReadMemory, Variable } from '../../symbols/api';
import { valueOf } from './compare-states';
import { type PlaceAnswer, askPlaces } from './gdb';

interface Extent {
  low: bigint;
  high: bigint;
}

const STACKS = { [X.sp]: 0x80420000n, [X.s0]: 0x80480000n };
const memory: Extent[] = Object.values(STACKS).map((middle) => ({ low: middle - 0x4000n, high: middle + 0x4000n }));
/** Memory that is zero before a machine starts: its RAM, and its ROM after the first instructions. */
const ZEROES: Extent[] = [
  { low: 0x80000000n, high: 0x87000000n },
  { low: 0x1100n, high: 0x10000n },
];

/** One line for each unexplained difference, at every `stride`-th address. */
export async function comparePlaces(
  binary: Binary,
  path: string,
  stride: number,
): Promise<{ places: number; variables: number; differences: string[] }> {
  const x = Array.from({ length: 32 }, (_, n) => (n === 0 ? 0n : 0xfedcba9800000000n + BigInt(n) * 0x0101010101n));
  Object.entries(STACKS).forEach(([register, value]) => (x[Number(register)] = value));
  x[X.ra] = behindSomeCall(binary);
  const places = await askPlaces(path, x, memory, stride);
  const differences = places.flatMap((place) => {
    const where = `at 0x${BigInt(place.pc).toString(16)} in ${binary.functionAt(BigInt(place.pc))?.name}`;
    const frame: FrameRegisters = { pc: BigInt(place.pc), x };
    return [...compareCaller(binary, place, frame), ...compareVariables(binary, place, frame)].map(
      (difference) => `${where}: ${difference}`,
    );
  });
  return {
    places: places.length,
    variables: places.reduce((sum, place) => sum + place.variables.length, 0),
    differences,
  };
}

/** Some return address, without which there is no caller. */
function behindSomeCall(binary: Binary): bigint {
  for (const { low, high } of binary.functions) {
    const segment = binary.segments.find(
      ({ virtualAddress: start, bytes }) => start <= low && high <= start + BigInt(bytes.length),
    );
    const code = segment && new DataView(segment.bytes.buffer, segment.bytes.byteOffset, segment.bytes.length);
    for (let at = low; code !== undefined && at + 4n <= high; at += 2n) {
      // jal ra, … or jalr ra, …
      if (((code.getUint32(Number(at - segment!.virtualAddress), true) & 0xfff) | 0x8) === 0xef) return at + 4n;
    }
  }
  throw new Error('the program has no call');
}

const words: ReadMemory = (address, length) => {
  const within = ({ low, high }: Extent): boolean => low <= address && address + BigInt(length) <= high;
  if (memory.some(within)) return Uint8Array.from({ length }, (_, index) => byteAt(address + BigInt(index)));
  return ZEROES.some(within) ? new Uint8Array(length) : undefined;
};

function byteAt(address: bigint): number {
  return Number((turned(address & ~7n) >> ((address & 7n) * 8n)) & 0xffn);
}

function turned(word: bigint): bigint {
  return BigInt.asUintN(64, ~word);
}

function* compareCaller(binary: Binary, { caller: wanted }: PlaceAnswer, frame: FrameRegisters): Generator<string> {
  const link = new DataView(new ArrayBuffer(8));
  link.setBigUint64(0, frame.x[X.ra]!, true);
  const links: ReadMemory = (address, length) => words(address, length) && new Uint8Array(link.buffer).slice(0, length);
  const caller = binary.unwind(frame, links);
  if (caller === undefined || wanted === null) {
    if (caller !== undefined || wanted !== null)
      yield `the caller is ${wanted === null ? 'unknown' : 'known'} to gdb, not so to us`;
    return;
  }
  for (const [register, value] of wanted) {
    const saved = caller.savedAt?.[register];
    const mine = saved === undefined ? caller.x[register] : turned(saved);
    if (`${mine}` !== value)
      yield `the caller's x${register} is 0x${BigInt(value).toString(16)} for gdb, 0x${mine?.toString(16)} for us`;
  }
}

/** gdb may have more variables of one name: it repeats those of an inlined function's inner blocks in its outermost one. */
function* compareVariables(binary: Binary, place: PlaceAnswer, frame: FrameRegisters): Generator<string> {
  const left = place.variables.map(([name, answer]) => ({ name, place: placeOf(answer) }));
  for (const variable of binary.scopesAt(frame.pc).flatMap((scope) => scope.variables)) {
    const found = ownPlaceOf(binary, variable, frame);
    const index = left.findIndex((theirs) => theirs.name === variable.name && theirs.place === found);
    if (index >= 0) {
      left.splice(index, 1);
    } else {
      const theirs = left.filter(({ name }) => name === variable.name).map((other) => other.place);
      yield `${variable.name} is ${theirs.join(' or ') || 'unknown'} for gdb, ${found} for us`;
    }
  }
}

function ownPlaceOf(binary: Binary, variable: Variable, frame: FrameRegisters): string {
  const location = binary.locate(variable, frame, words);
  switch (location.kind) {
    case 'memory':
      return `at ${location.address}`;
    case 'register':
    case 'value':
      return `${valueOf(binary, variable, frame, words)}`;
    case 'pieces': {
      // For gdb, a value is lost if a part of it is.
      const isLost = location.pieces.some((piece) => piece.location.kind === 'optimized-out');
      return isLost ? 'optimized-out' : 'pieces';
    }
    default:
      return location.kind;
  }
}

/** A value computed from unreadable memory is lost, and so is a pointer to something that is not in memory. */
function placeOf({ address, value, composite, lost, error }: PlaceAnswer['variables'][number][1]): string {
  if (address !== undefined || value !== undefined) return address === undefined ? value! : `at ${address}`;
  if (composite) return 'pieces';
  return lost || error?.startsWith('Cannot access memory at address') ? 'optimized-out' : `${error}`;
}
