import assert from 'node:assert/strict';
import fc from 'fast-check';
import { TestMemory } from '../testing/table-memory';
import { flagText, isCanonical, pteProblem, satpFields, walk } from './walk';

const R = 2;
const W = 4;
const X = 8;
const U = 16;

describe('the Sv39 walk', () => {
  const memory = new TestMemory();
  const root = memory.page();
  const leafAddress = memory.map(root, 0x4000n, 0x80123000n, R | W | U);
  memory.map(root, 0x40000000n, 0x80200000n, R | X, 1);
  const read = (pa: bigint) => memory.readU64(pa);

  it('tells each step down to a 4 KiB leaf', () => {
    const walked = walk(root, 0x4008n, read);
    assert.equal(walked.failure, undefined);
    assert.equal(walked.leaf!.pa, 0x80123008n);
    assert.deepEqual(
      walked.steps.map(({ level, index }) => [level, index]),
      [
        [2, 0],
        [1, 0],
        [0, 4],
      ],
    );
    assert.equal(walked.steps[2]!.pteAddress, leafAddress);
    assert.equal(walked.steps[2]!.meaning, 'leaf (4 KiB page)');
    assert.equal(walked.steps[0]!.meaning, `next table at 0x${(root + 4096n).toString(16)}`);
  });

  it('names the level and bit at which nothing is mapped', () => {
    const walked = walk(root, 0x5000n, read);
    assert.equal(walked.leaf, undefined);
    assert.deepEqual(walked.failure, {
      kind: 'not-valid',
      level: 0,
      index: 5,
      bit: 'V=0',
      text: 'level 0 index 5: V=0, nothing is mapped here',
    });
    assert.equal(walk(root, 0x80000000n, read).failure!.text, 'level 2 index 2: V=0, nothing is mapped here');
  });

  it('adds the offset within a superpage', () => {
    const walked = walk(root, 0x40012345n, read);
    assert.equal(walked.leaf!.level, 1);
    assert.equal(walked.leaf!.pa, 0x80212345n);
    assert.equal(walked.steps.at(-1)!.meaning, 'leaf (2 MiB superpage)');
  });

  it('refuses a VA whose upper bits do not follow bit 38', () => {
    const walked = walk(root, 0x4000000000n, read);
    assert.equal(walked.failure!.kind, 'non-canonical');
    assert.equal(walked.steps.length, 0);
    assert.equal(isCanonical(0xffffffc000000000n), true);
    assert.equal(isCanonical(0x3fffffffffn), true);
  });

  it('says that the root, or a table, lies outside RAM', () => {
    const outside = walk(0x87fff000n >> 12n, 0n, read);
    assert.equal(outside.failure!.kind, 'outside-memory');
    assert.equal(outside.failure!.text, 'level 2 index 0: the root at PA 0x87fff lies outside RAM');
    const other = new TestMemory();
    const page = other.page();
    other.writeU64(page, 1n);
    assert.match(
      walk(page, 0x3ff000n, (pa) => other.readU64(pa)).failure!.text,
      /level 1 index 1: the table at PA 0x0/,
    );
  });

  it('names what is wrong in an entry itself', () => {
    const pte = (ppn: bigint, flags: number) => (ppn << 10n) | BigInt(flags) | 1n;
    assert.match(pteProblem(0, pte(1n, W))!, /W without R/);
    assert.match(pteProblem(1, pte(1n, R))!, /misaligned superpage: the PPN is not a multiple of 512/);
    assert.match(pteProblem(2, pte(512n, R))!, /multiple of 262144/);
    assert.match(pteProblem(0, pte(1n, 0))!, /level 0 is the lowest/);
    assert.match(pteProblem(1, pte(1n, U))!, /reserved in a pointer/);
    assert.match(pteProblem(0, (1n << 54n) | pte(1n, R))!, /54 to 63/);
    assert.equal(pteProblem(1, pte(512n, R | W)), undefined);
    assert.equal(pteProblem(0, pte(1n, W) & ~1n), undefined, 'an entry that is not valid has no form to keep');
    const broken = new TestMemory();
    const page = broken.page();
    broken.map(page, 0x1000n, 0x80001000n, W);
    const walked = walk(page, 0x1000n, (pa) => broken.readU64(pa));
    assert.equal(walked.failure!.text, 'level 0 index 1: W without R is reserved');
  });

  it('finds every page that was mapped, and no other', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 0, max: 2 ** 27 - 1 }), { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 0, max: 4095 }),
        (pages, offset) => {
          const ram = new TestMemory(0x200000, 0x80000000n);
          const top = ram.page();
          const vaOf = (vpn: number) => BigInt.asUintN(64, BigInt.asIntN(39, BigInt(vpn) << 12n));
          const mapped = pages.slice(0, -1);
          mapped.forEach((vpn, i) => ram.map(top, vaOf(vpn), 0x90000000n + BigInt(i) * 4096n, R));
          mapped.forEach((vpn, i) => {
            const walked = walk(top, vaOf(vpn) + BigInt(offset), (pa) => ram.readU64(pa));
            assert.equal(walked.leaf?.pa, 0x90000000n + BigInt(i) * 4096n + BigInt(offset));
          });
          assert.equal(walk(top, vaOf(pages.at(-1)!), (pa) => ram.readU64(pa)).failure?.kind, 'not-valid');
        },
      ),
      { numRuns: 50 },
    );
  });

  it('spells flags and satp', () => {
    assert.equal(flagText(0xd7), 'V R W - U - A D');
    assert.equal(flagText(0x30b), 'V R - X - - - - RSW=3');
    assert.deepEqual(satpFields(0x8000000000087fffn), { mode: 8, asid: 0, root: 0x87fff000n });
  });
});
