import { strict as assert } from 'node:assert';
import type { Files } from '../launch/files';
import { join, normalize, Sources } from './sources';

const having = (...paths: string[]): Files => ({
  read: () => Promise.reject(new Error('not asked for')),
  exists: (path) => Promise.resolve(paths.includes(path)),
  list: () => Promise.reject(new Error('not asked for')),
  openDisk: () => Promise.reject(new Error('not asked for')),
  sample: { kernel: '', disk: '' },
});

describe('source paths', () => {
  it('are normalized', () => {
    assert.equal(normalize('/a/./b/../c//d'), '/a/c/d');
    assert.equal(normalize('a/../../b'), '../b');
    assert.equal(normalize('C:\\lab\\kernel\\..\\user\\sh.c'), 'c:/lab/user/sh.c');
    assert.equal(join('/lab', '../x'), '/x');
    assert.equal(join('/lab', '/x'), '/x');
  });

  it('are found as they stand', async () => {
    const sources = await Sources.find(having('/lab/kernel/proc.c'), ['/lab/kernel/proc.c'], {}, ['/elsewhere']);
    assert.equal(sources.here('/lab/kernel/proc.c'), '/lab/kernel/proc.c');
  });

  it('are found by sourceMap before all else', async () => {
    const files = having('/home/me/lab/kernel/proc.c', '/build/kernel/proc.c');
    const sources = await Sources.find(files, ['/build/kernel/proc.c'], { '/build': '/home/me/lab' }, []);
    assert.equal(sources.here('/build/kernel/proc.c'), '/home/me/lab/kernel/proc.c');
    assert.equal(sources.recorded('/home/me/lab/kernel/proc.c'), '/build/kernel/proc.c');
  });

  it('are found by their longest suffix below a folder', async () => {
    const files = having('/lab/kernel/proc.c', '/lab/proc.c');
    const sources = await Sources.find(files, ['/other/machine/xv6/kernel/proc.c', 'kernel/../proc.c'], {}, ['/lab']);
    assert.equal(sources.here('/other/machine/xv6/kernel/proc.c'), '/lab/kernel/proc.c');
    assert.equal(sources.here('kernel/../proc.c'), '/lab/proc.c');
  });

  it('that are nowhere keep their own name', async () => {
    const sources = await Sources.find(having(), ['/gone/a.c'], {}, ['/lab']);
    assert.equal(sources.here('/gone/a.c'), undefined);
    assert.equal(sources.recorded('/lab/b.c'), '/lab/b.c');
  });

  it('are found in the lab that is open, though the one it was copied from is still there', async () => {
    const files = having('/labA/kernel/proc.c', '/labB/kernel/proc.c', '/labA/only.c', '/labB/only.c');
    const sources = await Sources.find(files, ['/labA/kernel/proc.c', '/labA/only.c'], {}, ['/labB']);
    assert.equal(sources.here('/labA/kernel/proc.c'), '/labB/kernel/proc.c');
    // A file name alone is not enough.
    assert.equal(sources.here('/labA/only.c'), '/labA/only.c');
    const own = await Sources.find(files, ['/labA/kernel/proc.c'], {}, ['/labB', '/labA']);
    assert.equal(own.here('/labA/kernel/proc.c'), '/labA/kernel/proc.c');
  });

  it('are not those of another lab', async () => {
    const recorded = ['/labA/kernel/proc.c', '/gone/kernel/vm.c'];
    const sources = await Sources.find(having('/labA/kernel/proc.c'), recorded, {}, ['/labB']);
    const held = (path: string) => sources.mayHold(path, recorded);
    assert.deepEqual(['/labA/kernel/proc.c', '/gone/kernel/vm.c', '/labB/kernel/vm.c', 'proc.c'].map(held), [
      true,
      true,
      true,
      true,
    ]);
    assert.deepEqual(['/other/kernel/proc.c', '/labB2/kernel/vm.c'].map(held), [false, false]);
  });
});
