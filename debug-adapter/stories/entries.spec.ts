import assert from 'node:assert/strict';
import { PTE, pteOf, ptePhysical } from '../../emulator/isa/sv39';
import { entryMeaning, entryName, EntryPlaces, mayBeRoot } from './entries';

const { V, R, W } = PTE;

/** Pages of memory, by their addresses: entries by their index. */
function memory(pages: Record<number, Record<number, bigint>>): {
  read(address: bigint, length: number): Uint8Array | undefined;
} {
  return {
    read(address, length) {
      const entries = pages[Number(address)];
      if (entries === undefined) return undefined;
      const bytes = new Uint8Array(length);
      for (const [index, entry] of Object.entries(entries))
        new DataView(bytes.buffer).setBigUint64(Number(index) * 8, entry, true);
      return bytes;
    },
  };
}

describe('the places of page-table entries', () => {
  const table = { root: 0x8000_1000n, label: 'the table of pid 3 sh', id: 'pid:3' };
  const pages = memory({
    0x8000_1000: { 0: pteOf(0x8000_2000n, V), 255: pteOf(0x8000_4000n, V), 511: pteOf(0x8000_1000n, V) },
    0x8000_2000: { 1: pteOf(0x8000_3000n, V) },
    0x8000_3000: { 4: pteOf(0x8010_0000n, V | R | W) },
    // 0x8000_4000 is no memory.
  });

  it('have a table, a level and an address that they are for', () => {
    const places = new EntryPlaces(pages, [table]);
    assert.deepEqual(places.at(0x8000_3020n), { address: 0x8000_3020n, table, level: 0, index: 4, va: 0x204000n });
    assert.equal(places.at(0x8000_2008n)!.va, 0x200000n);
    assert.equal(
      entryName(places.at(0x8000_3020n)!),
      'the entry for 0x204000 in the table of pid 3 sh (level 0, index 4)',
    );
    // Sv39 addresses of the upper half have all upper bits set.
    assert.equal(places.at(0x8000_1800n)!.va, 0xffffffc000000000n);
  });

  it('are none in a page that is data, nor where a table leads out of memory', () => {
    const places = new EntryPlaces(pages, [table]);
    assert.equal(places.at(0x8010_0000n), undefined);
    assert.equal(places.at(0x8000_4000n), undefined);
    const low = memory({
      0x8000_1000: { 0: pteOf(0x8000_2000n, V) },
      0x8000_2000: { 1: pteOf(0x8000_3000n, V) },
      0x8000_3000: { 4: pteOf(0x8010_0000n, V) },
      0x8010_0000: {},
    });
    assert.equal(new EntryPlaces(low, [table]).at(0x8010_0000n), undefined, 'below the lowest level there is none');
  });

  it('are those of the first table that has the page', () => {
    const other = { root: 0x8000_2000n, label: 'another', id: 'table:0x80002000' };
    assert.equal(new EntryPlaces(pages, [other, table]).at(0x8000_2008n)!.table, other);
    assert.equal(new EntryPlaces(pages, [table, other]).at(0x8000_2008n)!.table, table);
  });

  it('are found by what they hold', () => {
    const found = new EntryPlaces(pages, [table]).entries(
      (pte, level) => level === 0 && ptePhysical(pte) === 0x8010_0000n,
    );
    assert.deepEqual(
      found.map(({ address, va }) => [address, va]),
      [[0x8000_3020n, 0x204000n]],
    );
  });

  it('are not told of a lower page of a table, which would be taken for its root', () => {
    const small = pteOf(0x8010_1000n, V | R | W);
    const table = memory({
      0x8000_1000: { 0: pteOf(0x8000_2000n, V) },
      0x8000_2000: { 1: pteOf(0x8000_3000n, V), 2: pteOf(0x8020_0000n, V | R) },
      0x8000_3000: { 4: small },
    });
    assert.equal(mayBeRoot(table, 0x8000_1000n), true);
    assert.equal(mayBeRoot(table, 0x8000_2000n), false);
    assert.equal(mayBeRoot(table, 0x8000_3000n), false);
  });

  it('say what an entry does', () => {
    const leaf = pteOf(0x8010_0000n, V | R | W);
    assert.match(entryMeaning(leaf, 0), /^maps PA 0x80100000 \(V R W/);
    assert.match(entryMeaning(pteOf(0x8010_0000n, V), 1), /^leads to the next table, at 0x80100000$/);
    // At level 0 there is no next table.
    assert.match(
      entryMeaning(pteOf(0x8010_0000n, V), 0),
      /^is 0x20040001, which is not valid: .* level 0 is the lowest$/,
    );
    // A walk ends at these, though V is set (the privileged specification, 4.3.1 and 4.3.2).
    for (const [value, level, why] of [
      [pteOf(0x8010_0000n, V | W), 0, /^is 0x20040005, which is not valid: W without R is reserved$/],
      [leaf | (1n << 54n), 0, /not valid: bits 54 to 63 are reserved/],
      [leaf, 1, /not valid: misaligned superpage/],
      [pteOf(0x8010_0000n, V | 0x80), 1, /not valid: U, A and D are reserved/],
    ] as const)
      assert.match(entryMeaning(value, level), why);
    assert.match(entryMeaning(pteOf(0x8020_0000n, V | R), 1), /^maps PA 0x80200000/);
    assert.equal(entryMeaning(0n, 0), 'is 0: nothing is mapped there');
    assert.equal(entryMeaning(0x20n, 0), 'is 0x20, with V=0: not valid');
    assert.equal(entryMeaning(0x20040000n, 0), 'is 0x20040000, with V=0: not valid', 'no flag, and not 0');
  });
});
