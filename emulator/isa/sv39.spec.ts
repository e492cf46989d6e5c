import assert from 'node:assert/strict';
import fc from 'fast-check';
import { TestMemory } from '../testing/page-tables';
import { Mode } from '../types';
import { accessMode, denials, flagText, isCanonical, PTE, pteProblem, satpFields, walk } from './sv39';

const { V, R, W, X, U } = PTE;

describe('the Sv39 walk', () => {
  const memory = new TestMemory();
  const root = memory.page();
  const leafAddress = memory.map(root, 0x4000n, 0x80123000n, R | W | U);
  memory.map(root, 0x40000000n, 0x80200000n, R | X, 1);
  const read = (pa: bigint) => memory.readU64(pa);

  it('tells each step down to a 4 KiB leaf', () => {
    const walked = walk(root, 0x4008n, read);
    assert.equal(walked.error, undefined);
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
    assert.equal(walked.leaf!.level, 0);
    assert.equal(walked.steps[1]!.table, root + 4096n);
  });

  it('ends at the level at which nothing is mapped', () => {
    const walked = walk(root, 0x5000n, read);
    assert.equal(walked.leaf, undefined);
    assert.equal(walked.error, 'not-valid');
    assert.deepEqual([walked.steps.at(-1)!.level, walked.steps.at(-1)!.index], [0, 5]);
    assert.equal(walk(root, 0x80000000n, read).steps.at(-1)!.level, 2);
  });

  it('adds the offset within a superpage', () => {
    const walked = walk(root, 0x40012345n, read);
    assert.equal(walked.leaf!.level, 1);
    assert.equal(walked.leaf!.pa, 0x80212345n);
  });

  it('refuses a VA whose upper bits do not follow bit 38', () => {
    const walked = walk(root, 0x4000000000n, read);
    assert.equal(walked.error, 'non-canonical');
    assert.equal(walked.steps.length, 0);
    assert.equal(isCanonical(0xffffffc000000000n), true);
    assert.equal(isCanonical(0x3fffffffffn), true);
  });

  it('says that the root, or a table, lies outside RAM', () => {
    const outside = walk(0x87fff000n >> 12n, 0n, read);
    assert.equal(outside.error, 'outside-memory');
    assert.deepEqual([outside.steps.length, outside.steps[0]!.table], [1, 0x87fffn]);
    const other = new TestMemory();
    const page = other.page();
    other.writeU64(page, 1n);
    const below = walk(page, 0x3ff000n, (pa) => other.readU64(pa));
    assert.deepEqual([below.error, below.steps[1]!.table, below.steps[1]!.pte], ['outside-memory', 0n, undefined]);
  });

  it('names what is wrong in an entry itself', () => {
    const pte = (ppn: bigint, flags: number) => (ppn << 10n) | BigInt(flags) | 1n;
    assert.equal(pteProblem(0, pte(1n, W)), 'write-only');
    assert.equal(pteProblem(1, pte(1n, R)), 'misaligned-superpage');
    assert.equal(pteProblem(2, pte(512n, R)), 'misaligned-superpage');
    assert.equal(pteProblem(0, pte(1n, 0)), 'pointer-at-level-0');
    assert.equal(pteProblem(1, pte(1n, U)), 'pointer-with-leaf-bits');
    assert.equal(pteProblem(0, (1n << 54n) | pte(1n, R)), 'reserved-bits');
    assert.equal(pteProblem(1, pte(512n, R | W)), undefined);
    assert.equal(pteProblem(0, pte(1n, W) & ~1n), undefined, 'an entry that is not valid has no form to keep');
    const broken = new TestMemory();
    const page = broken.page();
    broken.map(page, 0x1000n, 0x80001000n, W);
    const walked = walk(page, 0x1000n, (pa) => broken.readU64(pa));
    assert.deepEqual([walked.error, walked.steps.at(-1)!.index], ['write-only', 1]);
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
          assert.equal(walk(top, vaOf(pages.at(-1)!), (pa) => ram.readU64(pa)).error, 'not-valid');
        },
      ),
      { numRuns: 50 },
    );
  });

  it('spells flags and satp', () => {
    assert.equal(flagText(0xd7), 'V R W - U - A D');
    assert.equal(flagText(0x30b), 'V R - X - - - - RSW=3');
    assert.deepEqual(satpFields(0x8000000000087fffn), { mode: 8n, asid: 0n, root: 0x87fff000n });
  });
});

describe('the permissions of a leaf', () => {
  const S = { mode: Mode.Supervisor, sum: false, mxr: false };
  const USER = { ...S, mode: Mode.User };

  it('keep the kernel from user pages, but with SUM only from executing them', () => {
    assert.deepEqual(denials(V | R | W | U, 'load', S), ['for-users-only']);
    assert.deepEqual(denials(V | R | W | U, 'load', { ...S, sum: true }), []);
    assert.deepEqual(denials(V | R | X | U, 'fetch', { ...S, sum: true }), ['no-fetch-from-user-page']);
  });

  it('are by U, R, W and X, and name each rule that forbids', () => {
    assert.deepEqual(denials(V | R | U, 'load', USER), []);
    assert.deepEqual(denials(V | R | U, 'store', USER), ['not-writable']);
    assert.deepEqual(denials(V | R | U, 'fetch', USER), ['not-executable']);
    assert.deepEqual(denials(V | R, 'store', USER), ['not-for-users', 'not-writable']);
    assert.deepEqual(denials(V, 'store', { ...S, mode: Mode.Machine }), []);
  });

  it('are by MPRV those of another mode for loads and stores of M-mode only', () => {
    const mprvUser = 1n << 17n;
    assert.equal(accessMode(Mode.Machine, mprvUser, 'load').mode, Mode.User);
    assert.equal(accessMode(Mode.Machine, mprvUser | (1n << 11n), 'store').mode, Mode.Supervisor);
    assert.equal(accessMode(Mode.Machine, mprvUser, 'fetch').mode, Mode.Machine);
    assert.equal(accessMode(Mode.Machine, 0n, 'store').mode, Mode.Machine);
    assert.equal(accessMode(Mode.Supervisor, mprvUser, 'load').mode, Mode.Supervisor);
    assert.deepEqual(accessMode(Mode.Supervisor, (1n << 18n) | (1n << 19n), 'load'), { ...S, sum: true, mxr: true });
  });

  it('let MXR read what is only executable', () => {
    assert.deepEqual(denials(V | X | U, 'load', USER), ['only-executable']);
    assert.deepEqual(denials(V | X | U, 'load', { ...USER, mxr: true }), []);
  });
});
