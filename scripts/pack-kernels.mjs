// Packs the sample's kernels with planted bugs and its variants, which are much alike, into one file, sample/prebuilt/bugs/kernels.br:
// a line of JSON with their names and sizes, then their bytes, compressed together. The file is written only if what is in it
// has changed: another version of the compressor may give other bytes.
//   node scripts/pack-kernels.mjs
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import { root } from './run.mjs';

const folder = join(root, 'sample', 'prebuilt', 'bugs');
const packed = join(folder, 'kernels.br');

const names = readdirSync(folder)
  .filter((name) => name.startsWith('kernel-'))
  .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
const kernels = names.map((name) => readFileSync(join(folder, name)));
const index = Buffer.from(`${JSON.stringify(names.map((name, at) => [name, kernels[at].length]))}\n`);
const bytes = Buffer.concat([index, ...kernels]);

const params = {
  [constants.BROTLI_PARAM_QUALITY]: 9,
  [constants.BROTLI_PARAM_LGWIN]: 24,
  [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
};
const isPacked = existsSync(packed) && brotliDecompressSync(readFileSync(packed)).equals(bytes);
if (!isPacked) writeFileSync(packed, brotliCompressSync(bytes, { params }));
