import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openBinary } from '../symbols/binary';
import { returnsFrom } from './returns-from';

const KERNEL = join(__dirname, '..', '..', 'sample', 'prebuilt', 'kernel');

describe('where a context switch returns to', () => {
  const binary = openBinary(KERNEL, readFileSync(KERNEL));

  it('is behind each of its calls', () => {
    const callers = returnsFrom(binary, 'swtch').map((address) => binary.functionAt(address - 1n)?.name);
    assert.deepEqual(callers.sort(), ['sched', 'scheduler']);
  });

  it('finds near calls as well as far ones', () => {
    for (const address of returnsFrom(binary, 'acquire')) assert.ok(binary.lineAt(address - 1n));
    assert.ok(returnsFrom(binary, 'acquire').length > 20);
  });

  it('is nowhere without such a function', () => {
    assert.deepEqual(returnsFrom(binary, 'no_such_function'), []);
  });
});
