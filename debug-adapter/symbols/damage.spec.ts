/** Damaged files: whatever happens to the bytes, the answer is an error in words or a binary that answers, and it comes soon. */
import assert from 'node:assert/strict';
import { SymbolError } from './api';
import { openBinary } from './binary';
import { fixtureBytes, fixtureNames, frameAt } from './testing/fixtures';

/** As many as the suite has time for; set it higher for a long run. */
const cases = Number(process.env.XV6_DEBUG_DAMAGE_CASES ?? 1400);
/** Milliseconds for one case, on a machine that does other things too. */
const slowest = 10_000;

/** Marsaglia's xorshift32: the cases are the same in every run. */
function generator(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

/** Asks everything of a file. Gives the error it was refused with, if it was. */
function exercise(bytes: Uint8Array): string | undefined {
  let binary;
  try {
    binary = openBinary('damaged', bytes);
  } catch (error) {
    assert.ok(error instanceof SymbolError, `${error}`);
    assert.match(error.message, /\S/);
    return error.message;
  }
  const read = (address: bigint, length: number): Uint8Array | undefined =>
    address < 0x80010000n && length < 4096 ? new Uint8Array(length).fill(Number(address & 0xffn)) : undefined;
  for (const found of binary.functions.slice(0, 30)) {
    const frame = frameAt(found.low, { 2: 0x80000800n, 8: 0x80000900n, 1: found.high });
    assert.ok(found.low < found.high);
    assert.equal(typeof found.bodyStart, 'bigint');
    assert.equal(typeof found.parameters.length, 'number');
    assert.ok(found.type !== undefined);
    for (const scope of binary.scopesAt(found.low)) {
      for (const variable of scope.variables) {
        binary.locate(variable, frame, read);
        touch(variable.type, 4);
      }
    }
    binary.inlinedCallsAt(found.low);
    for (let depth = 0, at: typeof frame | undefined = frame; at !== undefined && depth < 20; depth++) {
      at = binary.unwind(at, read);
    }
  }
  for (const variable of binary.globals) {
    binary.locate(variable, frameAt(0n), read);
    touch(variable.type, 4);
  }
  for (const file of binary.files) {
    binary.breakLocations(file, 20);
    binary.locationsBetween(file, 1, 40);
  }
  touch(binary.typeNamed('struct node'), 4);
  binary.enumerator('ANSWER');
  binary.symbolAt(0x80000010n);
  assert.ok(binary.warnings.length <= 100);
  return undefined;
}

function touch(type: unknown, depth: number): void {
  if (typeof type === 'object' && type !== null && depth > 0) {
    for (const part of ['target', 'element', 'result', 'parameters', 'members', 'values', 'type'] as const) {
      const value = (type as Record<string, unknown>)[part];
      (Array.isArray(value) ? value.slice(0, 20) : [value]).forEach((item) => touch(item, depth - 1));
    }
  }
}

/** Asserts that an exercise ends, and ends soon. */
function exerciseSoon(bytes: Uint8Array, what: string): string | undefined {
  const start = performance.now();
  try {
    return exercise(bytes);
  } catch (error) {
    throw new Error(`${what}: ${error instanceof Error ? error.stack : error}`);
  } finally {
    assert.ok(performance.now() - start < slowest, `${what} took ${performance.now() - start} ms`);
  }
}

describe('Damaged files', function () {
  this.timeout(600_000);

  for (const name of fixtureNames) {
    it(`of ${name}.elf with bits flipped are read or refused`, () => {
      const whole = fixtureBytes(name);
      const random = generator(0x9e3779b9);
      for (let index = 0; index < cases / fixtureNames.length / 2; index++) {
        const bytes = whole.slice();
        const flips = 1 + random(8);
        const at = debugOffset(bytes, random);
        for (let flip = 0; flip < flips; flip++) {
          const offset = random(4) === 0 ? random(bytes.length) : Math.min(bytes.length - 1, at + random(64));
          bytes[offset]! ^= 1 << random(8);
        }
        exerciseSoon(bytes, `${name}, case ${index}`);
      }
    });

    it(`of ${name}.elf with values overwritten are read or refused`, () => {
      const whole = fixtureBytes(name);
      const random = generator(0x85ebca6b);
      const values = [0, 1, 0x7f, 0x80, 0xff];
      for (let index = 0; index < cases / fixtureNames.length / 4; index++) {
        const bytes = whole.slice();
        const at = debugOffset(bytes, random);
        bytes.fill(values[random(values.length)]!, at, at + 1 + random(16));
        exerciseSoon(bytes, `${name}, case ${index}`);
      }
    });

    it(`of ${name}.elf cut short are refused, or sections of it cut short are read`, () => {
      const whole = fixtureBytes(name);
      const random = generator(0xc2b2ae35);
      for (let index = 0; index < cases / fixtureNames.length / 4; index++) {
        const message = exerciseSoon(whole.slice(0, random(whole.length)), `${name}, cut ${index}`);
        assert.match(message ?? '', /cut short|is empty|not an ELF/);
        const bytes = whole.slice();
        cutSection(bytes, random);
        exerciseSoon(bytes, `${name}, section cut ${index}`);
      }
    });
  }

  it('say in a warning what was left out', () => {
    const bytes = fixtureBytes('dwarf5').slice();
    const info = sectionHeader(bytes, '.debug_info');
    // The version of the first unit.
    new DataView(bytes.buffer).setUint16(Number(info.offset) + 4, 77, true);
    const binary = openBinary('kernel', bytes);
    assert.match(binary.warnings.join(), /DWARF version 77; 2 to 5 are read; the units from there on are left out/);
    assert.equal(binary.hasDebugInfo, false);
  });

  it('lose one unit, and no other', () => {
    const bytes = fixtureBytes('dwarf4').slice();
    const { offset, size } = sectionHeader(bytes, '.debug_info');
    const view = new DataView(bytes.buffer);
    const units = [];
    for (let at = offset; at < offset + size; at += 4 + view.getUint32(at, true)) {
      units.push(at);
    }
    // Abbreviation numbers that do not exist, in the unit of main.c; that of other.c stays.
    bytes.fill(0x7e, units[1]! + 11, units[1]! + 100);
    const binary = openBinary('kernel', bytes);
    assert.deepEqual(binary.functionsNamed('limited').length, 1);
    assert.ok(binary.functions.every((found) => found.name !== 'fill'));
    assert.match(binary.warnings.join(), /unknown abbreviation 126 .* left out/);
    assert.equal(binary.functionsNamed('fill')[0]?.line, undefined, 'its symbol is still known');
  });
});

interface Extent {
  /** Of the section's header, and of the section, in the file. */
  header: number;
  offset: number;
  size: number;
}

function sectionHeaders(bytes: Uint8Array): (Extent & { name: string })[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const table = Number(view.getBigUint64(40, true));
  const at = (index: number): Extent => {
    const header = table + 64 * index;
    return {
      header,
      offset: Number(view.getBigUint64(header + 24, true)),
      size: Number(view.getBigUint64(header + 32, true)),
    };
  };
  const names = at(view.getUint16(62, true));
  return Array.from({ length: view.getUint16(60, true) }, (_, index) => {
    const start = names.offset + view.getUint32(at(index).header, true);
    const name = new TextDecoder().decode(bytes.subarray(start, bytes.indexOf(0, start)));
    return { ...at(index), name };
  });
}

function sectionHeader(bytes: Uint8Array, name: string): Extent {
  return sectionHeaders(bytes).find((section) => section.name === name)!;
}

/** An offset within a debug section of the file. */
function debugOffset(bytes: Uint8Array, random: (limit: number) => number): number {
  const sections = sectionHeaders(bytes).filter(({ name, size }) => name.startsWith('.debug_') && size > 0);
  const { offset, size } = sections[random(sections.length)]!;
  return offset + random(size);
}

function cutSection(bytes: Uint8Array, random: (limit: number) => number): void {
  const sections = sectionHeaders(bytes).filter(({ name, size }) => name.startsWith('.debug_') && size > 0);
  const { header, size } = sections[random(sections.length)]!;
  new DataView(bytes.buffer).setBigUint64(header + 32, BigInt(random(size)), true);
}
