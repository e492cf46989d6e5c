/** The sample's kernels with planted bugs and its variants, unpacked from the one file in which the repository keeps them (scripts/pack-kernels.mjs). */
import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';

const FOLDER = join(__dirname, '..', '..', 'sample', 'prebuilt', 'bugs');

let unpacked = false;

function unpack(): void {
  const bytes = brotliDecompressSync(readFileSync(join(FOLDER, 'kernels.br')));
  const end = bytes.indexOf('\n');
  let from = end + 1;
  for (const [name, size] of JSON.parse(bytes.subarray(0, end).toString()) as [string, number][]) {
    const kernel = join(FOLDER, name);
    const content = bytes.subarray(from, from + size);
    from += size;
    if (existsSync(kernel) && statSync(kernel).size === size && readFileSync(kernel).equals(content)) continue;
    // Another suite may be reading it, or unpack it too.
    const unfinished = `${kernel}.${process.pid}`;
    writeFileSync(unfinished, content, { mode: 0o755 });
    renameSync(unfinished, kernel);
  }
  unpacked = true;
}

/** The path of a kernel, by the number of its bug or the name of its variant. */
export function plantedKernel(name: string): string {
  if (!unpacked) unpack();
  return join(FOLDER, `kernel-${name}`);
}
