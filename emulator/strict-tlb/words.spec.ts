/** What is said of a stale use: each statement where it is true, and not where it is not. */
import assert from 'node:assert/strict';
import type { StaleTranslationEvent } from '../types';
import { describeStale } from './words';

const [RW, RO] = [0xc7n, 0xc3n];
const pte = (pa: bigint, flags: bigint): bigint => (pa >> 2n) | flags;
const LEAF = 0x8700_0008n;
const used = { pte: pte(0x8600_0000n, RW), address: LEAF, level: 0, physical: 0x8600_0010n };
const EVENT: StaleTranslationEvent = {
  ...{ hart: 1, pc: 0x8000_0000n, va: 0x4010n, access: 'load', asid: 0, root: 0x8780_0000n, used },
  now: { ...used, pte: pte(0x8500_0000n, RW), physical: 0x8500_0010n },
  change: { by: 'store', hart: 0, pc: 0x8000_1000n, time: 1000 },
};
const NAMES = { place: (_: number, pc: bigint) => `pc${pc.toString(16)}`, table: () => 'the table of pid 3 sh' };
const told = (event: Partial<StaleTranslationEvent>, time = 1001): string[] =>
  describeStale({ ...EVENT, ...event }, { ...NAMES, time });

describe('the words for a stale translation', () => {
  it('name the access, what the TLB has, what the tables say, and the store', () => {
    assert.deepEqual(told({}), [
      'Stale translation: hart 1 loads from 0x4010 → PA 0x86000010 (V R W - - - A D), by its TLB',
      'The page tables now say: PA 0x85000010 (V R W - - - A D)',
      'That entry was changed by hart 0 in pc80001000, 1 instruction before, with no sfence.vma on hart 1 after it that removes it',
    ]);
  });

  it('say how long ago', () => {
    for (const [time, text] of [
      [1099, '99 instructions'],
      [1100, '1.0 µs'],
      [301_000, '3.0 ms'],
      [250_001_000, '2.5 s'],
    ] as const)
      assert.ok(told({}, time)[2]!.includes(`, ${text} before, `), text);
  });

  it('name a page fault where one side leads to one', () => {
    const stored = told({
      access: 'store',
      used: { pte: pte(0x8600_0000n, RO), address: LEAF, level: 0 },
      now: { pte: 0n, address: LEAF, level: 0 },
    });
    assert.match(stored[0]!, /^Stale translation: hart 1 stores to 0x4010 → a store page fault \(V R - - - - A D\)/);
    assert.equal(stored[1], 'The page tables now say: a store page fault (V=0, entry 0x0)');
    const nowhere = describeStale({ ...EVENT, now: undefined }, { ...NAMES, time: 1 });
    assert.equal(nowhere[1], 'The page tables now say: nothing that is memory');
  });

  it('say that only A or D differs where the page is the same, and only there', () => {
    const same = told({ now: { ...used, pte: used.pte & ~0x40n } });
    assert.match(same[2]!, /^The page is the same, but the walk would have set A or D/);
    assert.ok(!told({}).some((line) => line.startsWith('The page is the same')));
    // No page on either side, and not the same fault.
    const faults = told({
      access: 'store',
      used: { pte: pte(0x8600_0000n, RO), address: LEAF, level: 0 },
      now: { pte: 0n, address: LEAF, level: 0 },
    });
    assert.ok(!faults.some((line) => line.startsWith('The page is the same')));
  });

  it('name the entry that led there where it is another one, and a device that wrote it', () => {
    assert.match(
      told({ now: { ...EVENT.now!, address: LEAF + 8n } })[2]!,
      /^An entry that led there, in the table of pid 3 sh, was/,
    );
    assert.match(told({ change: { by: 'store', time: 1 } })[2]!, /was changed by a device \(DMA\), 10\.0 µs before/);
  });

  it('name the table that was left, and the ASID, where satp was written', () => {
    assert.equal(
      told({ change: { ...EVENT.change!, by: 'satp' } })[2],
      "The TLB's entry is of the table of pid 3 sh, which satp named until hart 0 wrote it in pc80001000, 1 instruction before, " +
        'with no sfence.vma after it that removes it; both tables have ASID 0',
    );
  });

  it('tell a fence in vain by what was wrong with it', () => {
    const fence = { hart: 1, pc: 0x8000_2000n, time: 1000 };
    assert.deepEqual(told({})[3], undefined);
    assert.equal(
      told({ fence: { ...fence, address: 0x5000n, because: 'address' } })[3],
      'Hart 1 executed the sfence.vma in pc80002000, but for the address 0x5000, which does not remove it',
    );
    assert.equal(
      told({ fence: { ...fence, asid: 3n, because: 'asid' } })[3],
      'Hart 1 executed the sfence.vma in pc80002000, but for ASID 3, which does not remove it',
    );
    assert.equal(
      told({ fence: { ...fence, hart: 0, because: 'hart' } })[3],
      'Hart 0 executed the sfence.vma in pc80002000: that fences hart 0 alone, and nothing for hart 1',
    );
  });

  it('name the card that was played', () => {
    assert.match(told({ used: { ...used, pte: 0n }, card: 'invalid' }).at(-1)!, /^The card "invalid"/);
    assert.match(told({ card: 'non-leaf' }).at(-1)!, /^The card "non-leaf"/);
    const [title, card] = told({ used: { ...used, pte: used.pte & ~0x80n }, access: 'store', card: 'fault' });
    assert.equal(title, 'Hart 1 stores to 0x4010 and raises a page fault: D=0 in the entry (V R W - - - A -)');
    assert.match(card!, /^The card "fault": the hart sets neither A nor D/);
    const [fault] = told({ used: { ...used, pte: used.pte & ~0xc0n }, card: 'fault' });
    assert.match(fault!, /page fault: A=0 in the entry/);
    assert.ok(!told({}).some((line) => line.includes('card')));
    assert.ok(!told({ card: 'invalid' }).some((line) => line.includes('card')), 'the entry is valid');
  });
});
