import assert from 'node:assert/strict';
import { TestMemory } from '../../emulator/testing/page-tables';
import type { MachineApi } from '../../emulator/types';
import { isPlainAddress } from './plain-address';

describe('a number of the kernel', () => {
  const machine = { memory: new TestMemory(0x8000000) } as Partial<MachineApi> as MachineApi;
  const is = (value: bigint): boolean => isPlainAddress({ machine }, value);

  it('is plainly an address in RAM, at a device, and at the top of the address space', () => {
    for (const value of [0x80000000n, 0x87f65000n, 0x88000000n, 0x10000000n, 0xc201004n, 0x3ffffff000n, 0x3fffff7000n])
      assert.equal(is(value), true, value.toString(16));
  });

  it('is not where it may be a size, a count, a mask or an entry', () => {
    for (const value of [
      ...[
        0n,
        1n,
        4096n,
        16384n,
        0x7f8n,
        0x200000n,
        0x2000000n,
        0x8000000n,
        0x88001000n,
        0x7fffffffn,
        570277983n,
        0x21fdac1fn,
      ],
      ...[0x3fff000000n, 0x4000000000n, 0xffffffffffffffffn, 0x8000000000087fffn],
    ])
      assert.equal(is(value), false, value.toString(16));
  });
});
