import assert from 'node:assert/strict';
import { map } from './file-index.mjs';

describe('docs/architecture.md', () => {
  it('lists every source file, with what it is for', async () => {
    const { now, wanted } = await map();
    assert.equal(now, wanted, 'node scripts/file-index.mjs writes it anew');
    assert.doesNotMatch(wanted, /^- `[^`]+`:\s*$/m, 'each file says in its first comment what it is for');
  });
});
