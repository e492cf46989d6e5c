import assert from 'node:assert/strict';
import { PTE, pteOf, type PteProblem } from '../../emulator/isa/sv39';
import { TestMemory } from '../../emulator/testing/page-tables';
import { Mode, type Access } from '../../emulator/types';
import { AddressSpace } from '../memory/address-space';
import { accessText, problemText, translationOf } from './translation';

const { R, W, X, U } = PTE;
const RULES = { sum: false, mxr: false };

function setUp(mode = Mode.Supervisor, rules = RULES) {
  const memory = new TestMemory();
  const root = memory.page();
  const space = new AddressSpace('a space', { memory, apply: () => false }, () => ({ root, mode, ...rules }));
  const text = (flags: number, access: Access): string => {
    memory.map(root, 0x4000n, 0x80123000n, flags);
    return accessText(space.translate(0x4008n), access);
  };
  const at = (va: bigint, region?: string) =>
    translationOf(space.translate(va), { id: 'satp', label: 'a table' }, 'paging is off', region);
  return { memory, root, space, text, at };
}

describe('the words for a permission', () => {
  it('name the one bit that decides', () => {
    const kernel = setUp();
    assert.equal(kernel.text(R | W | U, 'load'), 'V R W are set; U=1, mode S, sstatus.SUM=0: this one bit decides');
    assert.equal(setUp(Mode.Supervisor, { ...RULES, sum: true }).text(R | W | U, 'load'), 'ok');
    assert.equal(
      setUp(Mode.Supervisor, { ...RULES, sum: true }).text(R | X | U, 'fetch'),
      'V R X are set; U=1: S-mode may not fetch from a U page, SUM does not help',
    );
    const user = setUp(Mode.User);
    assert.equal(user.text(R | U, 'load'), 'ok');
    assert.equal(user.text(R | U, 'store'), 'V R are set; W=0: this one bit decides');
    assert.equal(user.text(R | U, 'fetch'), 'V R are set; X=0: this one bit decides');
    assert.equal(user.text(R | W, 'load'), 'V R W are set; U=0, mode U: this one bit decides');
    assert.equal(user.text(R, 'store'), 'V R are set; U=0, mode U; and W=0');
    assert.match(user.text(X | U, 'load'), /R=0 \(X=1 would do with sstatus.MXR=1\)/);
  });

  it('say what is wrong with an entry', () => {
    const said = (problem: PteProblem, level = 0): string => problemText(problem, level);
    assert.equal(said('write-only'), 'W without R is reserved');
    assert.equal(said('misaligned-superpage', 1), 'misaligned superpage: the PPN is not a multiple of 512');
    assert.match(said('misaligned-superpage', 2), /multiple of 262144$/);
    assert.match(said('pointer-at-level-0'), /level 0 is the lowest/);
    assert.match(said('pointer-with-leaf-bits'), /reserved in a pointer/);
    assert.match(said('reserved-bits'), /54 to 63/);
  });
});

describe('the words for a walk', () => {
  it('are a summary, a verdict and a row for each step', () => {
    const { memory, root, at } = setUp(Mode.User);
    const leaf = memory.map(root, 0x4000n, 0x80123000n, R | U);
    const { summary, rows, steps, allowed, mode } = at(0x4008n, 'heap');
    assert.equal(summary, '→ PA 0x80123008, V R - - U - - - (heap)');
    assert.deepEqual(
      rows.map(({ name }) => name),
      ['verdict', 'level 2', 'level 1', 'level 0', 'PA'],
    );
    assert.equal(rows[0]!.text, 'load ok, store fails: W=0, fetch fails: X=0');
    const entry = pteOf(0x80123000n, R | U | PTE.V).toString(16);
    assert.equal(rows[3]!.text, `[4] PTE 0x${entry} at 0x${leaf.toString(16)}, V R - - U - - -: leaf (4 KiB page)`);
    assert.match(rows[1]!.text, new RegExp(`next table at 0x${(root + 4096n).toString(16)}$`));
    assert.deepEqual([steps.length, allowed, mode], [3, { load: true, store: false, fetch: false }, 'U']);
  });

  it('name the level and bit at which it ends', () => {
    const { memory, root, at } = setUp();
    memory.map(root, 0x4000n, 0x80123000n, R);
    assert.equal(at(0x5000n).summary, '→ no translation: level 0 index 5: V=0, nothing is mapped here');
    assert.equal(at(0x80000000n).rows.at(-1)!.text.slice(-30), '-: V=0: nothing is mapped here');
    memory.map(root, 0x1000n, 0x80001000n, W);
    assert.equal(at(0x1000n).verdict, 'level 0 index 1: W without R is reserved');
    assert.match(at(0x4000000000n).verdict, /^0x4000000000 is not an Sv39 address/);
    memory.writeU64(root, 1n);
    assert.equal(at(0x3ff000n).verdict, 'level 1 index 1: the table at PA 0x0 lies outside RAM');
    assert.match(at(0x3ff000n).rows.at(-1)!.text, /PTE \(not in RAM\) at 0x[\da-f]+: /);
    const lost = new AddressSpace('lost', { memory, apply: () => false }, () => ({
      root: 0x87fffn,
      mode: Mode.Supervisor,
      ...RULES,
    }));
    assert.equal(accessText(lost.translate(0n), 'load'), 'level 2 index 0: the root at PA 0x87fff lies outside RAM');
  });

  it('say that addresses are physical', () => {
    const { memory } = setUp();
    const bare = new AddressSpace('bare', { memory, apply: () => false }, () => ({
      root: undefined,
      mode: Mode.Supervisor,
      ...RULES,
    }));
    const { summary, rows } = translationOf(
      bare.translate(0x80000010n),
      { id: 'satp', label: '' },
      'it is off',
      undefined,
    );
    assert.equal(summary, '→ PA 0x80000010');
    assert.deepEqual(rows, [{ name: 'translation', text: 'not translated: it is off' }]);
  });
});
