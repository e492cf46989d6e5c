import { strict as assert } from 'node:assert';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { KERNEL, SAMPLE, sessions } from '../support';

describe('modules', function () {
  this.timeout(60_000);
  const session = sessions();

  const modules = async (): Promise<DebugProtocol.Module[]> =>
    (await session().customRequest('modules', {})).body.modules as DebugProtocol.Module[];

  it('are the kernel and every user program, told of as they come and are read', async () => {
    const events: string[] = [];
    session().on('module', ({ body }: DebugProtocol.ModuleEvent) => events.push(`${body.reason} ${body.module.name}`));
    await session().boot();
    await session().written('$ ');
    assert.deepEqual(events.slice(0, 3), ['new kernel', 'new cat', 'new echo']);
    assert.ok(!events.includes('changed kill'), 'nothing has needed the program kill');

    const all = await modules();
    assert.deepEqual(
      all.map(({ name }) => name),
      'kernel cat echo forktest init kill labtests ls mkdir pagefault rm sh usertests wc'.split(' '),
    );
    const [kernel, cat] = all;
    assert.deepEqual(kernel, {
      id: 'kernel',
      name: 'kernel',
      path: KERNEL,
      symbolStatus: 'Symbols loaded.',
      symbolFilePath: KERNEL,
      addressRange: kernel!.addressRange,
    });
    assert.match(kernel!.addressRange!, /^0x80000000-0x800[0-9a-f]{5}$/);
    assert.equal(cat!.path, join(SAMPLE, 'prebuilt', 'user', '_cat'));
    assert.equal(cat!.symbolStatus, 'Symbols loaded.');
    assert.match(cat!.addressRange!, /^0x0-0x1[0-9a-f]{3}$/);
    assert.ok(events.includes('changed kill'));

    const { body } = (await session().customRequest('modules', {
      startModule: 1,
      moduleCount: 2,
    })) as DebugProtocol.ModulesResponse;
    assert.deepEqual(
      body.modules.map(({ name }) => name),
      ['cat', 'echo'],
    );
    assert.equal(body.totalModules, 14);
  });

  it('say what is wrong with one that cannot be read', async () => {
    const { folder } = session();
    mkdirSync(join(folder, 'kernel'));
    mkdirSync(join(folder, 'user'));
    const kernel = join(folder, 'kernel', 'kernel');
    copyFileSync(KERNEL, kernel);
    writeFileSync(join(folder, 'user', '_torn'), readFileSync(KERNEL).subarray(0, 1000));
    writeFileSync(join(folder, 'user', '_text'), 'no program');
    writeFileSync(join(folder, 'user', 'sh.c'), '// not a program either');
    await session().boot({ kernel });
    const [, text, torn, ...others] = await modules();
    assert.deepEqual(others, []);
    assert.match(text!.symbolStatus!, /_text is not an ELF file/);
    assert.match(torn!.symbolStatus!, /_torn is cut short/);
    assert.equal(torn!.addressRange, undefined);
  });
});
