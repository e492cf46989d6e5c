/**
 * Golden texts: compares what a spec has gathered with a file in golden/, which a person has read. UPDATE_GOLDEN=1
 * rewrites the files; read the difference before you commit it.
 */
import { strict as assert } from 'node:assert';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = join(__dirname, 'golden');

/** `name` is the name of the file, without .txt. */
export function golden(name: string, lines: string | readonly string[]): void {
  const actual = (typeof lines === 'string' ? lines : lines.join('\n')).trimEnd() + '\n';
  const file = join(FOLDER, `${name}.txt`);
  if (process.env.UPDATE_GOLDEN) {
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(file, actual);
    return;
  }
  assert.ok(existsSync(file), `there is no ${file}; UPDATE_GOLDEN=1 writes it`);
  assert.equal(actual, readFileSync(file, 'utf8'), `not what golden/${name}.txt says; UPDATE_GOLDEN=1 rewrites it`);
}

/** Masks what differs between runs without meaning anything: addresses of allocated pages, counters of time. */
export const masked = (text: string): string =>
  text.replace(/\b0x8[0-9a-f]{7}\b(?! <)/g, '0x8.......').replace(/\b0x3f[0-9a-f]{8}\b/g, '0x3f........');
