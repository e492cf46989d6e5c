import assert from 'node:assert/strict';
import { PTE, pteOf } from '../../emulator/isa/sv39';
import { Csr } from '../../emulator/isa/csrs';
import { csrw, R, ret } from '../../emulator/testing/guests';
import { OTHER_PAGE, PAGE, SmallKernel, type KernelCode, type WriteCode } from '../testing/small-kernel';
import type { Happened } from './happened';
import { lookBack } from './look-back';
import { changeText, isSweep, searchFor } from './searches';
import type { Subject } from './sections';

describe('a write of a page-table entry in words', () => {
  const leaf = pteOf(0x8000_1000n, PTE.V | PTE.R);

  it('has the entry before and after it', () => {
    assert.match(changeText(0n, leaf), /^0 → 0x20000403 \(PA 0x80001000, V R/);
    assert.match(changeText(leaf, leaf), /, as it was$/);
  });

  it('has no flags of what fills a page, and has them of what only looks like it', () => {
    assert.equal(changeText(0n, 0x0101010101010101n), '0 → bytes of 0x01');
    assert.equal(changeText(0x0505050505050505n, 0n), 'bytes of 0x05 → 0');
    assert.match(changeText(0n, 0x0101010101010103n), /PA 0x4040404040000, V R/);
  });
});

describe('a store that fills a page', () => {
  const FRESH = 0x0505050505050505n;
  const FREED = 0x0101010101010101n;
  const ENTRY = 0x20040007n;
  /** A page whose words before and behind the fifth are these, in which that is stored. */
  const isOne = (below: bigint, before: bigint, after: bigint, above: bigint, index = 5): boolean => {
    const words = BigUint64Array.from({ length: 512 }, (_, at) => (at < index ? below : at > index ? above : after));
    const bytes = new Uint8Array(words.buffer);
    return isSweep({ read: () => bytes }, 0x8000_1000n + BigInt(8 * index), before, after);
  };

  it('has the same before it, and what was there behind it', () => {
    assert.equal(isOne(0n, FRESH, 0n, FRESH), true);
    assert.equal(isOne(FREED, ENTRY, FREED, 0n), true);
    assert.equal(isOne(FREED, ENTRY, FREED, ENTRY), true);
  });

  it('is not one of an entry alone, in a table that was never cleared or is nearly empty', () => {
    assert.equal(isOne(FRESH, FRESH, 0n, FRESH), false);
    assert.equal(isOne(0n, ENTRY, 0n, 0n), false);
    assert.equal(isOne(0n, 0n, 0n, 0n), false);
    assert.equal(isOne(0n, FRESH, 0n, 0n), false);
    assert.equal(isOne(0n, 0n, ENTRY, 0n), false);
    assert.equal(isOne(0n, 0n, FREED, 0n), false);
    // Of the first word it is not known.
    assert.equal(isOne(0n, FRESH, 0n, FRESH, 0), false);
  });
});

/** What is found of an object once the kernel has done this. */
async function found(subjectOf: (kernel: SmallKernel) => Subject, write: WriteCode): Promise<string[]> {
  const kernel = new SmallKernel((code, own) => (write(code, own), code.to('panic', 'jal')));
  kernel.untilPanic();
  const { guest, timeline, machine } = kernel;
  const words = { pathOf: (path: string) => path, duration: String };
  const search = searchFor(guest, words, subjectOf(kernel));
  let last: readonly Happened[] = [];
  await lookBack(timeline, machine.instant, [search], ([one]) => (last = one!.found));
  return last.map(({ kind, what }) => `${kind}: ${what}`);
}

describe('what has happened to an entry', () => {
  /** To the entry for 0x1000. */
  const done = (write: WriteCode): Promise<string[]> =>
    found((kernel) => ({ kind: 'entry', address: kernel.entryOf(0x1000n), pte: 0n }), write);
  const bytes = (code: KernelCode, kernel: SmallKernel, from: number, to: number): void => {
    for (let at = from; at < to; at++) code.li(R.t0, kernel.entryOf(0x1000n) + BigInt(at)).op('sb', { rs1: R.t0 });
  };
  const WHOLE = '0x200100df (PA 0x80040000, V R W X U - A D)';

  it('is a store of it, and none of what lies beside it or is read', async () => {
    const at = (by: bigint, name: string) =>
      done((code, kernel) => code.li(R.t0, kernel.entryOf(0x1000n) + by).op(name, { rs1: R.t0, rs2: R.zero, rd: 0 }));
    assert.deepEqual(await at(0n, 'sd'), [`write: ${WHOLE} → 0`]);
    assert.deepEqual(await at(8n, 'sd'), []);
    assert.deepEqual(await at(0n, 'ld'), []);
  });

  it('is no mark that the hart itself has set', async () => {
    const unmarked = (isUsed: boolean) =>
      done((code, kernel) => {
        // A program's page with no A, which the kernel reads by the program's table.
        kernel.tables.set(Number(kernel.entryOf(0x1000n)), 0x20010007n);
        if (isUsed) csrw(code.li(R.t1, kernel.tables.satp(kernel.user)), Csr.satp, R.t1).li(R.t0, 0x1000);
        if (isUsed) code.op('lb', { rs1: R.t0 });
      });
    assert.deepEqual(await unmarked(true), []);
    assert.deepEqual(await unmarked(false), []);
  });

  it('is one fill by one function in a row, and else two', async () => {
    assert.deepEqual(await done((code, kernel) => bytes(code, kernel, 0, 8)), [`fill: ${WHOLE} → 0`]);
    const by = await done((code, kernel) => {
      bytes(code, kernel, 0, 4);
      code.to('other', 'jal').function('other');
      bytes(code, kernel, 4, 8);
    });
    assert.deepEqual(by, [`fill: ${WHOLE} → 0`, 'fill: 0, as it was']);
    const again = await done((code, kernel) => {
      bytes(code, kernel, 0, 4);
      bytes(code, kernel, 0, 4);
    });
    assert.deepEqual(again, [`fill: ${WHOLE} → 0`, 'fill: 0, as it was'], 'from the beginning again');
  });
});

describe('what has happened to a page', () => {
  const SUBJECT = { kind: 'page', page: PAGE, isReused: false } as const;
  /** The kernel has called a function for the page, or another. */
  const called = (name: string, body: WriteCode, page = PAGE): Promise<string[]> =>
    found(
      () => SUBJECT,
      (code, kernel) => {
        code.li(R.sp, 0x80060000n).li(R.a0, page).to(name, 'jal', { rd: R.ra }).to('panic', 'jal').function(name);
        body(code, kernel);
        ret(code);
      },
    );
  const writes: WriteCode = (code) => code.op('sd', { rs1: R.a0 });
  const nothing: WriteCode = () => undefined;
  const mapped = (va: bigint, flags: bigint): Promise<string[]> =>
    found(
      () => SUBJECT,
      (code, kernel) =>
        code
          .li(R.t0, kernel.entryOf(va))
          .li(R.t1, (PAGE >> 2n) | flags)
          .op('sd', { rs1: R.t0, rs2: R.t1 }),
    );

  it('is that it was freed, if the call for it has written into it or come back', async () => {
    assert.deepEqual(await called('kfree', writes), ['freed: freed']);
    assert.deepEqual(await called('kfree', nothing), ['kept: given to the allocator, which left it as it was']);
    assert.deepEqual(await called('kfree', writes, OTHER_PAGE), [], 'another page');
    assert.deepEqual(await called('kfree', (code) => code.to('panic', 'jal')), [], 'it fails');
    assert.deepEqual(await called('kfree_later', writes), [], 'another function');
  });

  it('is that it was allocated, if that is what has been returned', async () => {
    assert.deepEqual(await called('kalloc', nothing), ['allocated: allocated']);
    assert.deepEqual(await called('kalloc', (code) => code.li(R.a0, 0)), [], 'there was none');
  });

  it('is that it was mapped, but not by the kernel at its own address', async () => {
    assert.deepEqual(await mapped(0x2000n, 0x17n), [
      'mapped: mapped at 0x2000, V R W - U - - -, in the table of pid 3 sh',
    ]);
    assert.deepEqual(await mapped(0x2000n, 0x16n), [], 'not valid');
    assert.deepEqual(await mapped(PAGE, 0x07n), []);
  });
});
