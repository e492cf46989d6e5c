import { strict as assert } from 'node:assert';
import { PTE, pteOf } from '../../../emulator/isa/sv39';
import type { Reference } from '../references';
import type { NamedLeaf } from './entries';
import { freedForeign, isForeign } from './freed-foreign';
import { freedMapped, isFreedMapped } from './freed-mapped';
import { freedRoot, hartsOn } from './freed-root';
import { freedTable, isFreedTable } from './freed-table';
import { freedTwice, isFreedTwice } from './freed-twice';
import { lostTold } from './lost';
import { referenceCountTold } from './reference-count';
import { usedFreedTold } from './used-freed';
import { isSharedUnwritable, writtenSharedTold } from './written-shared';

const PAGE = {
  page: 0x8765_4000n,
  by: 'kfree',
  caller: 'uvmunmap at vm.c:190 (pid 3)',
  allocated: 'kvmmake at vm.c:9',
};
const yes = (): boolean => true;
const no = (): boolean => false;
const reference = (kind: Reference['kind']): Reference => ({
  ...{ kind, root: 0x8700_0000n, level: kind === 'leaf' ? 0 : 1, va: 0x4000n, address: 0x8701_0020n },
  pte: pteOf(PAGE.page, PTE.V | PTE.R | PTE.U),
});

describe('the rules of the ledger', () => {
  it('freed twice: only a page that was freed, and is free, as a call may have counted down only', () => {
    assert.equal(isFreedTwice('freed', yes), true);
    assert.equal(isFreedTwice('freed', no), false);
    assert.equal(isFreedTwice('allocated', yes), false);
    assert.equal(isFreedTwice('unknown', yes), false);
    assert.deepEqual(freedTwice(PAGE, 'freeproc at proc.c:160 (pid 2)').text.split('\n'), [
      'The page at PA 0x87654000 is freed twice',
      'kfree is called for it by uvmunmap at vm.c:190 (pid 3), and it is on the list of free pages already',
      'it was freed first by freeproc at proc.c:160 (pid 2)',
      'it was allocated by kvmmake at vm.c:9',
    ]);
    assert.match(freedTwice({ ...PAGE, allocated: undefined }, undefined).text, /it was free before the ledger began$/);
  });

  it('freed what is not the allocator’s: not a page of its RAM, or not the beginning of one', () => {
    const range = { start: 0x80020, end: 0x88000 };
    const foreign = (address: bigint, size = 4096n): boolean => isForeign(address, size, range);
    assert.deepEqual(
      [0x1000_0000n, 0x8000_0000n, 0x8001_f000n, 0x8800_0000n, 0x8002_0800n, 0n].map((one) => foreign(one)),
      [true, true, true, true, true, true],
    );
    assert.deepEqual([foreign(0x8002_0000n), foreign(0x87ff_f000n)], [false, false]);
    assert.deepEqual([foreign(0x8020_0000n, 0x20_0000n), foreign(0x8030_0000n, 0x20_0000n)], [false, true]);
    const text = (content?: string): string => freedForeign({ ...PAGE, page: 0x1000_0000n }, 4096n, content).title;
    assert.equal(text('UART'), 'kfree(0x10000000): that is UART, no page of the allocator');
    assert.equal(text('RAM'), 'kfree(0x10000000): RAM, but not the beginning of a page of 4096 bytes');
    assert.equal(text(), 'kfree(0x10000000): neither RAM nor a device lies there');
  });

  it('root in satp freed: the harts that have it there, and no other', () => {
    assert.deepEqual(hartsOn(0x1000n, [0x1000n, undefined, 0x2000n, 0x1000n]), [0, 3]);
    assert.deepEqual(hartsOn(0x3000n, [0x1000n, undefined]), []);
    assert.match(
      freedRoot(PAGE, [0, 3], 'the table of pid 3 sh').text,
      /is freed while satp holds it\nit is the root of the table of pid 3 sh, by which hart 0 and hart 3 translate now\n/,
    );
  });

  it('freed while mapped: a leaf of a page that is free', () => {
    assert.equal(isFreedMapped(reference('leaf'), yes), true);
    assert.equal(isFreedMapped(reference('leaf'), no), false);
    assert.equal(isFreedMapped(reference('table'), yes), false);
    assert.equal(isFreedMapped(undefined, yes), false);
    const { title, text } = freedMapped(PAGE, reference('leaf'), 'the table of pid 1 init', 'left', 2);
    assert.equal(title, 'The page at PA 0x87654000 is freed and stays mapped');
    assert.match(
      text,
      /entry for 0x4000 in the table of pid 1 init, at PA 0x87010020, still maps it \(V R - - U - - -\) /,
    );
    assert.match(text, /when the process went back to user mode\nkfree was called .*\nthe same holds for 2 more of/s);
    assert.doesNotMatch(freedMapped(PAGE, reference('leaf'), 'it', 'panic').text, /the same holds/);
  });

  it('page-table page freed: an entry that leads to it, or a root in use', () => {
    assert.deepEqual(
      (['leaf', 'table', 'root'] as const).map((kind) => isFreedTable(reference(kind), yes)),
      [false, true, true],
    );
    assert.equal(isFreedTable(reference('table'), no), false);
    assert.equal(isFreedTable(undefined, yes), false);
    assert.match(
      freedTable(PAGE, reference('table'), 'the table of pid 1').text,
      /the level-1 entry for 0x4000, at PA 0x87010020, still leads to it/,
    );
    assert.match(
      freedTable(PAGE, reference('root'), 'the table of pid 1').text,
      /root of the table of pid 1, which is still/,
    );
  });

  const leaf = (vpn: number, table: string): NamedLeaf => ({
    ...{ page: 0x87654, vpn, level: 0, flags: PTE.V | PTE.R | PTE.U, address: 0x8701_0020n, table },
  });
  const leaves = [leaf(4, 'the table of pid 3 sh'), leaf(5, 'the table of pid 4 cat')];

  it('reference count wrong: too low, or too high, with who maps the page', () => {
    const wrong = {
      page: PAGE.page,
      name: 'references[77]',
      entries: 2,
      leaves,
      allocated: undefined,
      freed: undefined,
    };
    assert.deepEqual(
      referenceCountTold({ ...wrong, count: 1, right: 2, freed: 'uvmunmap at vm.c:190' }).text.split('\n'),
      [
        'The count of the page at PA 0x87654000 is 1, and 2 entries map it',
        'references[77] is 1, and 2 for other pages that as many entries map: it is freed while one of them still maps it',
        'the table of pid 3 sh has it at 0x4000 (V R - - U - - -)',
        'the table of pid 4 cat has it at 0x5000 (V R - - U - - -)',
        'the function that frees was called for it last by uvmunmap at vm.c:190',
        '$writes(references[77]) tells who has changed the count',
      ],
    );
    const high = referenceCountTold({ ...wrong, count: 2, right: 1, entries: 1, allocated: 'uvmalloc at vm.c:231' });
    assert.match(high.text, /and 1 entry maps it\n.*: it stays allocated when none of them maps it any more\n/);
    assert.match(high.text, /it was allocated by uvmalloc/);
    const many = referenceCountTold({
      ...wrong,
      count: 0,
      right: 5,
      entries: 5,
      leaves: [...leaves, ...leaves, ...leaves],
    });
    assert.match(many.text, /\nand 3 more\n/);
  });

  it('kernel writes a shared page: only where two have it, U is set, and W nowhere', () => {
    const both = PTE.V | PTE.R | PTE.U;
    assert.deepEqual(
      [isSharedUnwritable(2, both), isSharedUnwritable(1, both), isSharedUnwritable(2, both | PTE.W)],
      [true, false, false],
    );
    assert.equal(isSharedUnwritable(2, PTE.V | PTE.R | PTE.X), false, 'the trampoline');
    assert.match(
      writtenSharedTold(0x8765_4008n, 'memmove+8 at string.c:40 (pid 4)', leaves).text,
      /^The kernel writes to the page at PA 0x87654000, which 2 programs share and none may write\nmemmove\+8 at string\.c:40 \(pid 4\) stores at PA 0x87654008, /,
    );
  });

  it('free page used: by whom, and who has freed it', () => {
    const use = { page: PAGE.page, address: 0x8765_4010n, by: 'the program at 0x3a2 (pid 3)', freed: 'cow at cow.c:9' };
    assert.deepEqual(usedFreedTold({ ...use, access: 'read', allocated: PAGE.allocated }).text.split('\n'), [
      'The page at PA 0x87654000 is free, and is read',
      'the program at 0x3a2 (pid 3) reads at PA 0x87654010: what lies there is nobody’s any more',
      'it was freed by cow at cow.c:9',
      'it was allocated by kvmmake at vm.c:9',
    ]);
    assert.match(
      usedFreedTold({ ...use, access: 'write', allocated: undefined, freed: undefined }).text,
      /^The page .* is free, and is written\nthe program .* writes at PA .*: who gets the page next may find it changed$/,
    );
  });

  it('page lost: of a program or of a table, with its count where there is one', () => {
    const page = { page: PAGE.page, allocated: 'uvmalloc at vm.c:231 (pid 3)', freed: 'cow at cow.c:9', more: 2 };
    assert.deepEqual(
      lostTold({ ...page, isTable: false, count: { name: 'references[77]', value: 1 } }).text.split('\n'),
      [
        'The page at PA 0x87654000 is lost: no program has it any more, and it is not free',
        'the last entry of a user table that mapped it is gone',
        'it was allocated by uvmalloc at vm.c:231 (pid 3)',
        'the function that frees was called for it last by cow at cow.c:9, and did not free it',
        'its count, references[77], is 1: $writes(references[77]) tells who has changed it',
        '2 more pages are lost since then',
        '$leaks() tells of all pages that are lost, and who allocated them',
      ],
    );
    const table = lostTold({
      page: PAGE.page,
      isTable: true,
      allocated: undefined,
      freed: undefined,
      count: undefined,
      more: 1,
    });
    assert.match(
      table.text,
      /\nit was a page of a user table that is gone, or leads to it no more\n1 more page is lost/,
    );
    assert.doesNotMatch(table.text, /its count|allocated by|called for it/);
  });
});
