/** Pages that the kernel has lost, as the debug console asks for them. */
import { strict as assert } from 'node:assert';
import type { QueryAnswer } from '../../../debug-adapter/protocol';
import { kernelWithBug, KERNEL, sessions } from '../support';

describe('leaks', function () {
  this.timeout(120_000);
  const session = sessions();

  async function lostBy(kernel: string): Promise<QueryAnswer> {
    await session().boot({ kernel });
    await session().written('$ ');
    const from = await session().type('ls');
    await session().written('\n$ ', from);
    await session().pauseRequest({ threadId: 1 });
    await session().stopped();
    return session().ask('xv6.query', { query: '$leaks()' });
  }

  it('are told by the lines that allocated them last, each page once', async () => {
    const { title, rows } = await lostBy(kernelWithBug(10));
    const pages = rows.map(({ parts }) => parts[0]!.value);
    assert.match(
      title,
      new RegExp(`^${rows.length} allocations of .*; ${rows.length} pages of RAM are neither free nor`),
    );
    assert.equal(new Set(pages).size, pages.length);
    assert.ok(rows.length > 4);
    for (const { what, place } of rows) {
      assert.match(
        what,
        /^0x8\w+ allocated: newtable at vm\.c:\d+ < walk at vm\.c:\d+ < (mappages .* < kpt_make|kpt_mirror) /,
      );
      assert.match(place!, /^newtable at vm\.c:\d+$/);
    }
  });

  it('are none in a kernel that frees what it allocates', async () => {
    const { title, rows } = await lostBy(KERNEL);
    assert.deepEqual(rows, []);
    assert.equal(title, 'No allocations of pages that are lost now; 0 pages of RAM are neither free nor used');
  });
});
