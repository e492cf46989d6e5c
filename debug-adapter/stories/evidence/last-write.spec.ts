import assert from 'node:assert/strict';
import { TestMemory } from '../../../emulator/testing/page-tables';
import { Mode } from '../../../emulator/types';
import type { AddressSpace } from '../../memory/address-space';
import type { AskedGuest } from '../../questions/occurrence';
import type { Writing } from '../../questions/writers';
import { guestKernel } from '../../testing/xv6-kernel';
import { openXv6 } from '../../xv6/kernel';
import { instructionParts, lastWriteLine } from './last-write';

const memory = new TestMemory();
const { program } = guestKernel();
const guest = {
  xv6: openXv6(program, program.read),
  machine: { now: 0, current: 0, instant: { inputs: 0, time: 0, phase: 0 } },
  harts: [0, 1].map((id) => ({ id, pc: 0x80001000n, mode: Mode.Supervisor, x: () => 0n })),
  ...{ imageOf: () => undefined, imageAt: () => undefined },
} as unknown as AskedGuest;

describe('who has written what was read', () => {
  it('is an instruction, a device or the debugger', () => {
    const said = (writing: Writing): string => lastWriteLine(guest, 'What lay there', writing).text;
    const instruction = { by: 'instruction', hart: 1, pc: 0x80001234n, decoded: undefined } as const;
    assert.equal(said(instruction), 'What lay there was written last by 0x80001234, for pid 3 sh.');
    // Hart 0 runs nobody.
    assert.equal(said({ ...instruction, hart: 0 }), 'What lay there was written last by 0x80001234.');
    assert.equal(said({ by: 'device', event: {} as never }), 'What lay there was written last by a device.');
    assert.equal(said({ by: 'debugger' }), 'What lay there was written last by the debugger.');
  });

  it('is asked of all bytes of an instruction, of which half may lie in the next page', () => {
    const parts = (low: number, pc: bigint): [bigint, number][] => {
      memory.write(0x80100000n + (pc % 0x1000n), Uint8Array.of(low));
      // Pages that follow one another here lie apart in memory.
      const physical = (va: bigint): bigint => (va < 0x5000n ? 0x80100000n : 0x80300000n) + (va % 0x1000n);
      const space = { physical, memory } as unknown as AddressSpace;
      return instructionParts(space, pc).map(({ address, length }) => [address, length]);
    };
    assert.deepEqual(parts(0x13, 0x4010n), [
      [0x80100010n, 2],
      [0x80100012n, 2],
    ]);
    assert.deepEqual(parts(0x01, 0x4010n), [[0x80100010n, 2]]);
    assert.deepEqual(parts(0x13, 0x4ffen), [
      [0x80100ffen, 2],
      [0x80300000n, 2],
    ]);
  });
});
