import assert from 'node:assert/strict';
import { waitsForChild } from './silence-watch';

describe('a process that sleeps until a child exits', () => {
  const one = { pid: 2, address: 0x80010000n, channel: 0x80010000n };

  it('sleeps on itself, and has a child', () => {
    assert.equal(waitsForChild(one, [{ parentPid: 1 }, { parentPid: 2 }]), true);
    assert.equal(waitsForChild(one, [{ parentPid: 1 }, {}]), false, 'it waits for something else');
    assert.equal(waitsForChild({ ...one, channel: 0x80011000n }, [{ parentPid: 2 }]), false);
  });
});
