import assert from 'node:assert/strict';
import { TestMemory } from '../../emulator/testing/page-tables';
import { memoryMap } from '../memory/memory-map';
import { describeRequest, heldBy, waitsForChild } from './silence-watch';

describe('a process that sleeps until a child exits', () => {
  const one = { pid: 2, address: 0x80010000n, channel: 0x80010000n };

  it('sleeps on itself, and has a child', () => {
    assert.equal(waitsForChild(one, [{ parentPid: 1 }, { parentPid: 2 }]), true);
    assert.equal(waitsForChild(one, [{ parentPid: 1 }, {}]), false, 'it waits for something else');
    assert.equal(waitsForChild({ ...one, channel: 0x80011000n }, [{ parentPid: 2 }]), false);
  });
});

describe('a process that sleeps on a lock', () => {
  const all = [
    { pid: 2, name: 'sh' },
    { pid: 3, name: 'cat' },
  ];

  it('is told with who holds it: itself, another, or one that has ended; of any other channel nothing is said', () => {
    assert.equal(heldBy({ pid: 2 }, 2, all), ', which it holds itself');
    assert.equal(heldBy({ pid: 2 }, 3, all), ', which pid 3 cat holds');
    assert.equal(heldBy({ pid: 2 }, 4, all), ', held by pid 4, which has ended');
    assert.equal(heldBy({ pid: 2 }, undefined, all), '');
  });
});

describe('a request that the disk still has', () => {
  const request = {
    ...{ sector: 46n, reads: true, data: [{ address: 0x8020_0000n, length: 1024 }], status: 0x8030_0000n },
    answered: true,
  };
  const told = (given: Partial<typeof request>): string =>
    describeRequest({ ...request, ...given }, memoryMap(new TestMemory()));

  it('is answered or not, of either direction, and to RAM or to what is none', () => {
    assert.equal(
      told({}),
      'the disk has answered a request that the driver has not taken back: read of sector 46, 1024 bytes to PA 0x80200000; status to PA 0x80300000',
    );
    assert.match(told({ answered: false }), /^the disk still works on a request: read of /);
    assert.match(told({ reads: false }), /: write of sector 46, 1024 bytes from PA 0x80200000; /);
    assert.match(
      told({ data: [{ address: 0x1000_0000n, length: 512 }], status: 0x9000_0000n }),
      /, 512 bytes to PA 0x10000000, which is UART; status to PA 0x90000000, which is where nothing answers$/,
    );
  });
});
