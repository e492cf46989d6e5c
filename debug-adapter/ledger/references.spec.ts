import { strict as assert } from 'node:assert';
import { PTE, pteOf } from '../../emulator/isa/sv39';
import { KeptReferences, referencesTo } from './references';

const ROOT = 0x8700_0000n;
const [MIDDLE, LOW] = [ROOT + 0x1000n, ROOT + 0x2000n];
const PAGE = 0x8765_4000n;

/** Memory with these words; the rest of its pages is 0. */
function memoryOf(words: Record<string, bigint>) {
  return {
    readInto: (address: bigint, bytes: Uint8Array): boolean => {
      bytes.fill(0);
      for (const [at, word] of Object.entries(words)) {
        if (BigInt(at) >= address && BigInt(at) < address + BigInt(bytes.length))
          new DataView(bytes.buffer).setBigUint64(Number(BigInt(at) - address), word, true);
      }
      return true;
    },
  };
}

const tree = (leaf: Record<string, bigint>) =>
  memoryOf({
    [String(ROOT)]: pteOf(MIDDLE, PTE.V),
    [String(MIDDLE + 8n)]: pteOf(LOW, PTE.V),
    ...leaf,
  });
const found = (leaf: Record<string, bigint>, page: bigint) =>
  referencesTo(tree(leaf), [ROOT], new Set([Number(page >> 12n)])).get(Number(page >> 12n));

describe('references to a page', () => {
  const user = PTE.V | PTE.R | PTE.U;

  it('are leaves, with the address and the entry', () => {
    const pte = pteOf(PAGE, user);
    assert.deepEqual(found({ [String(LOW + 16n)]: pte }, PAGE), {
      ...{ kind: 'leaf', root: ROOT, level: 0, va: 0x20_2000n, pte, address: LOW + 16n },
    });
    assert.equal(found({ [String(LOW + 16n)]: pteOf(PAGE, PTE.R | PTE.U) }, PAGE), undefined, 'V=0');
    assert.equal(found({ [String(LOW + 16n)]: pte }, PAGE + 4096n), undefined, 'another page');
    assert.equal(found({ [String(LOW + 16n)]: pte | (1n << 54n) }, PAGE), undefined, 'a reserved bit');
  });

  it('are superpages that it lies in', () => {
    const mega = pteOf(0x8760_0000n, user);
    assert.equal(found({ [String(MIDDLE + 16n)]: mega }, PAGE)?.level, 1);
    assert.equal(found({ [String(MIDDLE + 16n)]: mega }, 0x8780_0000n), undefined);
  });

  it('are tables and roots', () => {
    assert.deepEqual([found({}, LOW)?.kind, found({}, LOW)?.level, found({}, ROOT)?.kind], ['table', 1, 'root']);
  });

  it('are no mappings at its own address, as of the kernel’s RAM', () => {
    const own = memoryOf({ [String(ROOT + 16n)]: pteOf(0x8000_0000n, PTE.V | PTE.R | PTE.W) });
    assert.equal(referencesTo(own, [ROOT], new Set([0x80000])).size, 0);
    const elsewhere = memoryOf({ [String(ROOT + 8n)]: pteOf(0x8000_0000n, PTE.V | PTE.R | PTE.W) });
    assert.equal(referencesTo(elsewhere, [ROOT], new Set([0x80000])).size, 1);
  });

  it('are kept of a table until one of its pages is stored to', () => {
    const words: Record<string, bigint> = {
      [String(ROOT)]: pteOf(MIDDLE, PTE.V),
      [String(MIDDLE + 8n)]: pteOf(LOW, PTE.V),
      [String(LOW + 16n)]: pteOf(PAGE, user),
    };
    let watched: readonly bigint[] = [];
    const kept = new KeptReferences(memoryOf(words), ROOT, (tables) => (watched = tables));
    const pages = new Set([Number(PAGE >> 12n), Number(LOW >> 12n)]);
    assert.deepEqual(kept.to(pages), referencesTo(memoryOf(words), [ROOT], pages));
    assert.deepEqual(watched, [ROOT, MIDDLE, LOW]);
    words[String(LOW + 16n)] = 0n;
    assert.equal(kept.to(pages).size, 2, 'nobody has told of a store');
    kept.changed();
    assert.deepEqual(
      [...kept.to(pages).values()].map(({ kind }) => kind),
      ['table'],
    );
  });
});
