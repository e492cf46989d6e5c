import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openBinary } from '../symbols/binary';
import { tableFunctions } from './table-functions';

describe('functions that are given a page table and an address', () => {
  const path = join(__dirname, '../../sample/prebuilt/kernel');
  const functions = tableFunctions(openBinary(path, readFileSync(path)));

  it('are found by the types of their parameters', () => {
    const of = (name: string): string[] | undefined => {
      const found = functions.find(({ info }) => info.name === name);
      return found && [found.table.name, found.va.name];
    };
    assert.deepEqual(of('walk'), ['pagetable', 'va']);
    assert.deepEqual(of('copyout'), ['pagetable', 'dstva']);
    // A table alone, or an address alone, is not walked.
    assert.equal(of('freewalk'), undefined);
    assert.equal(of('kalloc'), undefined);
  });

  it('read entries themselves if they call no other one', () => {
    assert.deepEqual(
      functions.filter(({ isWalker }) => isWalker).map(({ info }) => info.name),
      ['walk'],
    );
    assert.ok(functions.length > 8 && functions.every(({ returns }) => returns.length > 0));
  });
});
