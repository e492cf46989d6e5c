import { strict as assert } from 'node:assert';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { sessions, source } from '../support';

describe('loadedSources', function () {
  this.timeout(60_000);
  const session = sessions();

  it('lists the sources of the kernel and of the user programs', async () => {
    await session().boot({ stopOnEntry: true });
    await session().stopped();
    const { body } = (await session().customRequest('loadedSources')) as DebugProtocol.LoadedSourcesResponse;
    for (const file of ['kernel/trap.c', 'kernel/trampoline.S', 'user/sh.c']) {
      assert.ok(
        body.sources.some(({ path }) => path === source(file)),
        file,
      );
    }
  });
});
