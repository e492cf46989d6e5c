import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { PteRun } from '../../debug-adapter/protocol';
import { entryAt, entryLabel } from './entry-in-model';

const leaves: PteRun = {
  ...{ level: 0, index: 3, count: 4, va: '0x3000', pte: '0x20000c07', pteAddress: '0x87f66018' },
  ...{ pa: '0x80003000', flags: 7 },
};
const table: PteRun = {
  ...leaves,
  level: 1,
  index: 0,
  count: 1,
  va: '0x0',
  pteAddress: '0x87f65000',
  children: [leaves],
};

describe('an entry in what is known of a table', () => {
  it('is found by its address, within a run too', () => {
    assert.deepEqual(entryAt([table], 0x87f66028n), { level: 0, index: 5, va: 0x5000n });
    assert.deepEqual(entryAt([table], 0x87f65000n), { level: 1, index: 0, va: 0n });
  });

  it('is not found elsewhere', () => {
    for (const address of [0x87f66010n, 0x87f66038n, 0x87f6601cn, 0n])
      assert.equal(entryAt([table], address), undefined);
  });

  it('is called by its place and its address', () => {
    assert.equal(entryLabel(entryAt([table], 0x87f66028n)!, 'pid 3 sh'), 'entry 5 of level 0 of pid 3 sh, for 0x5000');
  });
});
