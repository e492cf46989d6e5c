/** Sections that the linker has compressed (--compress-debug-sections). */
import assert from 'node:assert/strict';
import { deflateSync } from 'node:zlib';
import { openBinary } from './binary';
import { sectionHeaders } from '../testing/symbols/damage';
import { fixtureBytes } from '../testing/symbols/fixtures';

interface Rewritten {
  flags: bigint;
  name?: (name: string) => string;
  contents: (contents: Uint8Array) => Uint8Array;
}

/** The file with other debug sections, which are put at its end with their names. */
function rewritten(bytes: Uint8Array, { flags, name = (same) => same, contents }: Rewritten): Uint8Array {
  const parts = [Buffer.from(bytes)];
  const view = new DataView(parts[0]!.buffer, parts[0]!.byteOffset);
  let length = bytes.length;
  const append = (header: number, data: Uint8Array): void => {
    view.setBigUint64(header + 24, BigInt(length), true);
    view.setBigUint64(header + 32, BigInt(data.length), true);
    parts.push(Buffer.from(data));
    length += data.length;
  };
  const sections = sectionHeaders(bytes);
  const table = sections.find((section) => section.name === '.shstrtab')!;
  const names = [...bytes.subarray(table.offset, table.offset + table.size)];
  for (const section of sections.filter((one) => one.name.startsWith('.debug_') && one.size > 0)) {
    view.setUint32(section.header, names.length, true);
    names.push(...new TextEncoder().encode(`${name(section.name)}\0`));
    view.setBigUint64(section.header + 8, flags, true);
    append(section.header, contents(bytes.subarray(section.offset, section.offset + section.size)));
  }
  append(table.header, Uint8Array.from(names));
  return new Uint8Array(Buffer.concat(parts));
}

/** A section as the gABI has it. */
function asGabi(type: number, size: number, data: Uint8Array): Uint8Array {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(type, 0);
  header.writeBigUInt64LE(BigInt(size), 8);
  header.writeBigUInt64LE(1n, 16);
  return Buffer.concat([header, data]);
}

const COMPRESSED = 0x800n;
const summary = (binary: ReturnType<typeof openBinary>): unknown => ({
  functions: binary.functions.map(({ name, low, line }) => [name, low, line]),
  globals: binary.globals.map(({ name }) => name),
  files: binary.files,
});

describe('Compressed sections', () => {
  const plain = fixtureBytes('dwarf5');
  const known = summary(openBinary('kernel', plain));

  it('are read as if they were not', () => {
    const bytes = rewritten(plain, {
      flags: COMPRESSED,
      contents: (data) => asGabi(1, data.length, deflateSync(data)),
    });
    const binary = openBinary('kernel', bytes);
    assert.deepEqual(summary(binary), known);
    assert.deepEqual(binary.warnings, []);
  });

  it('are read in the older form of GNU, by another name', () => {
    const contents = (data: Uint8Array): Uint8Array => {
      const size = Buffer.alloc(8);
      size.writeBigUInt64BE(BigInt(data.length));
      return Buffer.concat([Buffer.from('ZLIB'), size, deflateSync(data)]);
    };
    const name = (given: string): string => given.replace('.', '.z');
    const binary = openBinary('kernel', rewritten(plain, { flags: 0n, name, contents }));
    assert.deepEqual(summary(binary), known);
    assert.deepEqual(binary.warnings, []);
  });

  it('with zstd are left out, with the right advice', () => {
    const binary = openBinary(
      'kernel',
      rewritten(plain, { flags: COMPRESSED, contents: (data) => asGabi(2, data.length, data) }),
    );
    assert.equal(binary.hasDebugInfo, false);
    assert.match(binary.debugInfoProblem ?? '', /compressed with zstd.*link with --compress-debug-sections=zlib/);
    assert.equal(openBinary('kernel', plain).debugInfoProblem, undefined);
    assert.match(
      binary.warnings.join('\n'),
      /kernel: \.debug_info is compressed with zstd, and only zlib is read: link with --compress-debug-sections=zlib/,
    );
    assert.doesNotMatch(binary.warnings.join('\n'), /Build it again/);
  });

  it('that are damaged or would fill the memory are left out', () => {
    for (const [size, pattern] of [
      [2 ** 40, /would have 1099511627776 bytes when decompressed, which is too much/],
      [2 ** 28, /cannot have 268435456 bytes when decompressed/],
      [4, /is longer than 4 bytes/],
    ] as const) {
      const bytes = rewritten(plain, { flags: COMPRESSED, contents: (data) => asGabi(1, size, deflateSync(data)) });
      assert.match(openBinary('kernel', bytes).warnings.join('\n'), pattern);
    }
  });
});
