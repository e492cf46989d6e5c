import { strict as assert } from 'node:assert';
import * as C from '../expressions/types';
import { typedef } from '../testing/program';
import { guestKernel, KERNEL_PAGETABLE, PROC } from '../testing/xv6-kernel';
import { openXv6 } from '../xv6/kernel';
import { LiveTables } from './live-tables';

const [KERNEL, OWN] = [0x87ff_f000n, 0x87ee_e000n];
const [INIT, SH] = [0x87f6_0000n, 0x87f7_0000n];

function setUp(options: Parameters<typeof guestKernel>[0] = {}) {
  const { program, proc, set } = guestKernel(options);
  program.poke(KERNEL_PAGETABLE, KERNEL);
  return { tables: new LiveTables(openXv6(program, program.read)), set, sh: PROC + BigInt(2 * proc.size) };
}

describe('the tables in use', () => {
  it('are the kernel’s, and those of processes that are there', () => {
    const { tables, set } = setUp();
    assert.deepEqual(tables.roots(), [KERNEL, INIT, SH]);
    assert.deepEqual(tables.userRoots(), [INIT, SH]);
    set(0, { state: 0n });
    assert.deepEqual(tables.userRoots(), [SH], 'a slot that is not in use');
    set(2, { pagetable: 0n });
    assert.deepEqual(tables.userRoots(), [], 'one without a table yet');
  });

  it('are also those that a process has for the kernel', () => {
    const pagetable = typedef('pagetable_t', C.pointerTo(typedef('uint64', C.UNSIGNED_LONG)));
    const { tables, set } = setUp({ more: { kpagetable: pagetable } });
    set(2, { kpagetable: OWN });
    assert.deepEqual(tables.roots(), [KERNEL, INIT, SH, OWN]);
    assert.deepEqual(tables.userRoots(), [INIT, SH]);
  });

  it('are known by the process, with the size that it says it has', () => {
    const { tables, sh } = setUp();
    assert.deepEqual([tables.userRoot(sh), tables.size(sh)], [SH, 0x4000n]);
    const without = setUp({ without: ['sz', 'pagetable'] });
    assert.deepEqual([without.tables.userRoot(sh), without.tables.size(sh)], [undefined, undefined]);
    assert.deepEqual(without.tables.roots(), [KERNEL]);
  });
});
