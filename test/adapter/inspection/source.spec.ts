import { strict as assert } from 'node:assert';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { kernelFromElsewhere, sessions, source } from '../support';

describe('source', function () {
  this.timeout(60_000);
  const session = sessions();

  it('that was not found is shown as its instructions, each at its line', async () => {
    const kernel = kernelFromElsewhere(session().folder);
    mkdirSync(join(session().folder, 'empty'));
    await session().boot({ kernel, cwd: join(session().folder, 'empty'), functions: ['mappages'] });
    await session().stopped();
    const [frame] = await session().stack();
    const { sourceReference, path, origin } = frame!.source!;
    assert.match(path!, /kernel\/vm\.c$/);
    assert.match(origin!, /not found/);
    const { content, mimeType } = (
      await session().sourceRequest({ source: frame!.source!, sourceReference: sourceReference! })
    ).body;
    assert.equal(mimeType, 'text/x-riscv-asm');
    const lines = content.split('\n');
    assert.match(lines[0]!, /vm\.c was not found here/);
    const pc = frame!.instructionPointerReference!.slice(2);
    assert.match(lines[frame!.line - 1]!, new RegExp(`^${pc}: addi sp, sp, -80; `));
    const all = content.match(/\b8000[0-9a-f]{4}: /g)!;
    assert.equal(new Set(all).size, all.length, 'each instruction once');
    // The same source keeps its reference.
    const again = (await session().stack()).find(({ source: one }) => one?.path === path);
    assert.equal(again?.source?.sourceReference, sourceReference);
  });

  it('that is here is read from its file, and an unknown one is refused', async () => {
    await session().boot({ functions: ['mappages'] });
    await session().stopped();
    const [frame] = await session().stack();
    assert.equal(frame!.source!.path, source('kernel/vm.c'));
    assert.equal(frame!.source!.sourceReference, undefined);
    await assert.rejects(
      session().sourceRequest({ source: frame!.source!, sourceReference: 0 }),
      /is read from its file/,
    );
    await assert.rejects(session().sourceRequest({ sourceReference: 99 }), /no source with reference 99/);
  });
});
