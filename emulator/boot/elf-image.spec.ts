import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { KernelError, kernelSymbols, readKernel } from './elf-image';
import { BASE, elf } from '../testing/elf';

const CODE = Uint8Array.from({ length: 64 }, (_, i) => i + 1);
const HEADERS = 120;
const MIB = 2 ** 20;

/** A kernel whose only segment is the whole file, its headers too, so that the code lies at BASE: linked without a script. */
function withHeaders(below: number): Uint8Array {
  const file = elf(CODE);
  const view = new DataView(file.buffer);
  view.setBigUint64(64 + 8, 0n, true);
  for (const at of [16, 24]) view.setBigUint64(64 + at, BigInt(BASE - below), true);
  for (const at of [32, 40]) view.setBigUint64(64 + at, BigInt(HEADERS + CODE.length), true);
  return file;
}

describe('a kernel image', () => {
  it('may begin with its headers below memory, which are left out', () => {
    const { entry, segments } = readKernel(withHeaders(HEADERS), BigInt(BASE), MIB);
    assert.deepEqual([entry, segments.length], [BigInt(BASE), 1]);
    assert.deepEqual(
      { ...segments[0]!, bytes: [...segments[0]!.bytes] },
      { address: BigInt(BASE), bytes: [...CODE], memorySize: 64n },
    );
  });

  it('is refused if it lies below memory, or beyond its end', () => {
    for (const below of [HEADERS + CODE.length, 4096, 64 - MIB])
      assert.throws(() => readKernel(withHeaders(below), BigInt(BASE), MIB), KernelError);
  });

  it('has symbols, or none where it has no table, or a damaged one', () => {
    const file = readFileSync(join(__dirname, '..', '..', 'sample', 'prebuilt', 'kernel'));
    const symbols = kernelSymbols(file);
    assert.equal(symbols.find(({ name }) => name === 'panic')?.kind, 'function');
    assert.deepEqual(kernelSymbols(elf(CODE)), []);
    for (let end = 64; end < file.length; end += 4099) kernelSymbols(file.subarray(0, end));
  });
});
