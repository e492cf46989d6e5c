import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Files } from '../launch/files';
import { PTE } from '../../emulator/isa/sv39';
import { TestMemory } from '../../emulator/testing/page-tables';
import { fixtureBytes, splitFile } from '../testing/symbols/fixtures';
import { findPrograms, Program, Programs } from './programs';

const BUILT = join(__dirname, '..', '..', 'sample', 'prebuilt', 'user');
const file = (name: string): Uint8Array => readFileSync(join(BUILT, `_${name}`));
const { R, X, U } = PTE;

function setUp(...names: string[]) {
  const opened: string[] = [];
  const memory = new TestMemory();
  const owners = new Map<bigint, string>();
  const differing: string[] = [];
  const clock = { executed: 0 };
  const all = names.map((name) => new Program(`/lab/user/_${name}`, file(name), () => opened.push(name)));
  const programs = new Programs(all, {
    memory,
    executed: () => clock.executed,
    processName: (root) => owners.get(root),
    differs: ({ name }) => differing.push(name),
  });
  /** Makes an address space with a program's code. Returns its root, and the pages of the code. */
  const load = (name: string, as = name, pages = 16): { root: bigint; code: bigint[] } => {
    const root = memory.page();
    const [segment] = new Program(name, file(name), () => undefined).image!.binary.segments;
    const code: bigint[] = [];
    for (let at = 0; at < segment!.bytes.length && code.length < pages; at += 4096) {
      const page = memory.page();
      memory.write(page, segment!.bytes.subarray(at, at + 4096));
      memory.map(root, BigInt(at), page, R | X | U);
      code.push(page);
    }
    owners.set(root, as);
    return { root, code };
  };
  return { opened, memory, owners, differing, clock, programs, load };
}

describe('user programs', () => {
  it('are told by the name of the process, and only that one is opened', () => {
    const { programs, load, opened } = setUp('cat', 'echo', 'sh');
    assert.equal(programs.in(load('echo').root)?.name, 'echo');
    assert.deepEqual(opened, ['echo']);
  });

  it('are told by what is in memory where the name says something else, or nothing', () => {
    const { programs, load, differing } = setUp('cat', 'echo', 'sh');
    // A child of fork before its exec, and a kernel whose processes are not known.
    assert.equal(programs.in(load('sh', 'echo').root)?.name, 'sh');
    assert.equal(programs.in(load('cat', '').root)?.name, 'cat');
    assert.deepEqual(differing, []);
  });

  it('are told by a name that the kernel has cut off', () => {
    const long = 'averylongprogramname';
    const { memory, load } = setUp();
    const opened: string[] = [];
    const all = ['cat', long].map(
      (name) => new Program(`/lab/user/_${name}`, file(name === long ? 'wc' : name), () => opened.push(name)),
    );
    const { root } = load('wc');
    const programs = new Programs(all, {
      memory,
      executed: () => 0,
      processName: () => long.slice(0, 15),
      differs: () => assert.fail(),
    });
    assert.equal(programs.in(root)?.name, long);
    assert.deepEqual(opened, [long]);
  });

  it('follow exec, and a table whose page is used again', () => {
    const { programs, load, memory, owners, clock } = setUp('cat', 'echo', 'sh');
    const { root, code } = load('sh');
    assert.equal(programs.in(root)?.name, 'sh');
    const [echo] = new Program('echo', file('echo'), () => undefined).image!.binary.segments;
    memory.write(code[0]!, echo!.bytes);
    owners.set(root, 'echo');
    assert.equal(programs.in(root)?.name, 'sh', 'nothing has been executed in between');
    clock.executed++;
    assert.equal(programs.in(root)?.name, 'echo');
  });

  it('need not have all of their pages mapped, but one', () => {
    const { programs, load, memory } = setUp('usertests', 'sh');
    assert.equal(programs.in(load('usertests', '', 1).root)?.name, 'usertests');
    assert.equal(programs.in(memory.page()), undefined);
  });

  it('that were built anew since are told of once, and have no symbols', () => {
    const { programs, load, memory, clock, differing } = setUp('echo', 'sh');
    const { root, code } = load('sh');
    memory.write(code[0]! + 100n, new Uint8Array(4));
    assert.equal(programs.in(root), undefined);
    clock.executed++;
    assert.equal(programs.in(root), undefined);
    assert.deepEqual(differing, ['sh']);
  });

  it('that the run itself has changed were not built anew', () => {
    // The page of the code was freed, and is full of 0x01 but for kfree's link.
    const freed = setUp('echo', 'sh');
    const gone = freed.load('sh');
    freed.memory.write(gone.code[0]!, new Uint8Array(4096).fill(1));
    freed.memory.writeU64(gone.code[0]!, 0x80801000n);
    assert.equal(freed.programs.in(gone.root), undefined);
    assert.deepEqual(freed.differing, []);
    // It was right once, and has been written to since.
    const { programs, load, memory, clock, differing } = setUp('echo', 'sh');
    const { root, code } = load('sh');
    assert.equal(programs.in(root)?.name, 'sh');
    memory.write(code[0]! + 100n, new Uint8Array(4));
    clock.executed++;
    assert.equal(programs.in(root), undefined);
    assert.deepEqual(differing, []);
  });

  it('tell by a few bytes that a breakpoint is not meant', () => {
    const { programs, load } = setUp('cat', 'echo');
    const [cat, echo] = programs.all as [Program, Program];
    const { root } = load('echo');
    const main = echo.image!.binary.functionsNamed('main')[0]!.bodyStart;
    assert.equal(programs.hasBytes(echo, root, main), true);
    assert.equal(programs.hasBytes(cat, root, main), false);
    assert.equal(programs.hasBytes(echo, root, 0x100000n), false);
  });

  it('are found by the names that builds give them', async () => {
    const folders: Record<string, string[]> = {
      '/lab/user': ['sh.c', '_sh', '_cat', 'usys.o', 'initcode.out', '_sh.o', '_gone', 'sh.asm'],
      '/other/user': ['_ls'],
    };
    const files: Files = {
      read: (path) => (path.endsWith('_gone') ? Promise.reject(new Error('gone')) : Promise.resolve(file('sh'))),
      exists: () => Promise.reject(new Error('not asked for')),
      list: (folder) => Promise.resolve(folders[folder] ?? []),
      openDisk: () => Promise.reject(new Error('not asked for')),
      sample: { kernel: '', disk: '' },
    };
    const none = (): void => assert.fail('nothing needs it yet');
    const found = await findPrograms(files, ['/lab/kernel/user', '/lab/user', '/other/user'], none);
    assert.deepEqual(
      found.map(({ name, path }) => `${name} ${path}`),
      ['cat /lab/user/_cat', 'sh /lab/user/_sh', 'initcode /lab/user/initcode.out'],
    );
    assert.deepEqual(await findPrograms(files, ['/nowhere'], none), []);
  });

  for (const [where, path] of [
    ['beside the program', '/lab/user/values.dwo'],
    ['where it was built', '/program/values.dwo'],
    ['packed', '/lab/user/_values.dwp'],
  ] as const) {
    it(`have the split debug information that is ${where}`, async () => {
      const contents: Record<string, Uint8Array> = {
        '/lab/user/_values': fixtureBytes('values/split-5'),
        [path]: splitFile(path.endsWith('.dwp') ? 'split-5.dwp' : 'split-5.dwo'),
      };
      const files: Pick<Files, 'list' | 'exists' | 'read'> = {
        list: (folder) =>
          Promise.resolve(
            Object.keys(contents)
              .filter((name) => name.startsWith(`${folder}/`))
              .map((name) => name.slice(folder.length + 1)),
          ),
        exists: (name) => Promise.resolve(Object.hasOwn(contents, name)),
        read: (name) => Promise.resolve(contents[name]!),
      };
      const used: string[] = [];
      const damaged: string[] = [];
      const [program] = await findPrograms(
        files as Files,
        ['/lab/user'],
        ({ name }) => used.push(name),
        (what) => damaged.push(what),
      );
      assert.deepEqual(used, []);
      const { binary } = program!.image!;
      assert.deepEqual(used, ['values']);
      assert.deepEqual(
        binary.functionsNamed('sum')[0]?.parameters.map(({ name }) => name),
        ['n', 'm', 'a'],
      );
      assert.deepEqual(damaged, []);
    });
  }

  it('that cannot be read say why', () => {
    const torn = new Program('/lab/user/_sh', file('sh').subarray(0, 4000), () => assert.fail());
    assert.equal(torn.image, undefined);
    assert.match(torn.why!, /_sh is cut short/);
  });
});
