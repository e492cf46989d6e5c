/** Calls every function of a `Binary` with everything that it lists. */
import type { Binary, FrameRegisters, ReadMemory, Type } from '../../symbols/api';
import { sizeOf } from '../../symbols/declarations/size-of';
import { frameAt } from './fixtures';

const DEEPEST = 300;
const MOST_FRAMES = 20;

/** Throws what the binary throws, and for impossible results. Examines every third function, from `first` on. */
export function exercise(binary: Binary, first: number): void {
  for (const found of binary.functions.slice(0, 30).filter((_, index) => index % 3 === first % 3)) {
    check(found.low < found.high, `${found.name} ends where it begins`);
    check(typeof found.bodyStart === 'bigint' && typeof found.stepStart === 'bigint', 'a body begins somewhere');
    check(found.type !== undefined && found.file !== '', 'a function has a type and a file, if any');
    found.parameters.forEach(({ type }) => touch(type));
    touch(found.type!);
    binary.functionsNamed(found.name);
    binary.inlinedCopies(found.name).forEach((copy) => binary.inlinedCallsAt(copy));
    const middle = found.low + (found.high - found.low) / 2n;
    for (const address of [found.low, middle])
      at(binary, address, frameAt(address, { 1: found.high, 2: 0x80000800n, 8: 0x80000900n, 10: middle }));
  }
  for (const variable of binary.globals) {
    binary.locate(variable, frameAt(0n), read);
    touch(binary.typeIn(variable, frameAt(0n), read));
    binary.global(variable.name, binary.entry);
    touch(variable.type);
  }
  for (const file of binary.files) {
    binary.breakLocations(file, 20);
    binary.breakLocations(file, 1, 3);
    binary.locationsBetween(file, 1, 40);
  }
  for (const name of binary.typeNames.slice(0, 60)) {
    const type = binary.typeNamed(name);
    if (type !== undefined) touch(type);
  }
  for (const name of binary.enumeratorNames.slice(0, 20)) binary.enumerator(name);
  for (const { name, address } of binary.symbols.slice(0, 40)) {
    binary.symbol(name);
    binary.symbolAt(address);
    binary.functionAt(address);
  }
  binary.macro('PAGE', binary.entry);
  binary.macro('X');
}

function at(binary: Binary, address: bigint, frame: FrameRegisters): void {
  const line = binary.lineAt(address);
  check(line === undefined || (line.address <= address && address < line.end), 'a row covers the address');
  binary.callLineAt(address);
  binary.functionAt(address);
  binary.inlinedCallsAt(address);
  binary.registerAtEntry(10, frame, read);
  for (const scope of binary.scopesAt(address)) {
    for (const variable of scope.variables) {
      binary.locate(variable, frame, read);
      binary.locate(variable, { ...frame, returnAddress: true }, read);
      touch(variable.type);
      touch(binary.typeIn(variable, frame, read));
    }
  }
  let current: FrameRegisters | undefined = frame;
  for (let depth = 0; current !== undefined && depth < MOST_FRAMES; depth++) current = binary.unwind(current, read);
}

/** Memory at some addresses. Nobody may read much at once. */
const read: ReadMemory = (address, length) => {
  check(length >= 0 && length <= 4096, `${length} bytes are read at once`);
  return address < 0x80010000n ? new Uint8Array(length).fill(Number(address & 0xffn)) : undefined;
};

/** Types already examined. */
const touched = new WeakSet<Type>();

function touch(type: Type, depth = DEEPEST): void {
  if (depth === 0 || touched.has(type)) return;
  touched.add(type);
  check(Number.isFinite(sizeOf(type)) && sizeOf(type) >= 0, `a ${type.kind} has a size of ${sizeOf(type)}`);
  const parts: readonly Type[] =
    type.kind === 'struct' || type.kind === 'union'
      ? [...type.members, ...(type.variants?.cases ?? []).map(({ member }) => member)]
          .slice(0, 20)
          .map((one) => one.type)
      : type.kind === 'function'
        ? [type.result, ...type.parameters.slice(0, 20)]
        : type.kind === 'array'
          ? [type.element]
          : 'target' in type
            ? [type.target]
            : [];
  if (type.kind === 'enum')
    check(typeof type.signed === 'boolean' && type.values.every(({ value }) => typeof value === 'bigint'), 'an enum');
  parts.forEach((part) => touch(part, depth - 1));
}

function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(`It does not hold that ${what}`);
}
