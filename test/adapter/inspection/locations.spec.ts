import { strict as assert } from 'node:assert';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { lineOf, named, oneSession, source } from '../support';

describe('locations', function () {
  this.timeout(60_000);
  const session = oneSession(async (one) => {
    await one.boot({ functions: ['mappages'] });
    await one.stopped();
  });
  async function place(locationReference: number | undefined): Promise<[string | undefined, number]> {
    assert.ok(locationReference);
    const { body } = (await session().customRequest('locations', {
      locationReference,
    })) as DebugProtocol.LocationsResponse;
    return [body!.source.path, body!.line];
  }

  it('say where a variable is declared', async () => {
    const perm = named(await session().scope('Arguments'), 'perm');
    assert.deepEqual(await place(perm.declarationLocationReference), [
      source('kernel/vm.c'),
      lineOf('kernel/vm.c', /^int mappages\(/),
    ]);
    const table = named(await session().scope('Globals of vm.c'), 'kernel_pagetable');
    assert.deepEqual(await place(table.declarationLocationReference), [
      source('kernel/vm.c'),
      lineOf('kernel/vm.c', /^pagetable_t kernel_pagetable;/),
    ]);
  });

  it('say where a function is to which a pointer leads', async () => {
    const { body } = await session().evaluateRequest({ expression: 'syscall.c::syscalls[16]', context: 'watch' });
    assert.deepEqual(await place(body.valueLocationReference), [
      source('kernel/sysfile.c'),
      lineOf('kernel/sysfile.c', /^uint64 sys_write\(/),
    ]);
    const none = await session().evaluateRequest({ expression: 'proc[0].pid', context: 'watch' });
    assert.equal(none.body.valueLocationReference, undefined);
  });

  it('refuses unknown ones', async () => {
    await assert.rejects(
      session().customRequest('locations', { locationReference: 9999 }),
      /no location reference 9999/,
    );
  });
});
