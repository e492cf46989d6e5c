import assert from 'node:assert/strict';
import { PTE } from '../../../emulator/isa/sv39';
import { TestMemory } from '../../../emulator/testing/page-tables';
import { guestKernel } from '../../testing/xv6-kernel';
import type { GuestKernel } from '../../xv6/address-spaces';
import { openXv6 } from '../../xv6/kernel';
import { oddLeaf } from './odd-leaves';

const memory = new TestMemory();
const { program } = guestKernel();
const guest = { xv6: openXv6(program, program.read), machine: { memory } } as unknown as GuestKernel;

describe('a leaf that cannot be meant', () => {
  it('is a user’s that leads to neither RAM nor a device', () => {
    const found = (physical: bigint, flags: number): boolean => {
      const table = memory.page();
      memory.map(table, 0x4000n, 0x80100000n, PTE.R | PTE.U);
      const address = memory.map(table, 0x6000n, physical, flags);
      return oddLeaf(guest, table)?.address === address;
    };
    assert.equal(found(0x5000_0000_0000n, PTE.R | PTE.U), true);
    assert.equal(found(0x5000_0000_0000n, PTE.R), false, 'none of the program’s');
    assert.equal(found(0x1000_0000n, PTE.R | PTE.U), false, 'the UART');
    assert.equal(found(0x80200000n, PTE.R | PTE.U), false, 'RAM');
  });
});
