/** Holds the limit that docs/architecture.md sets for folders. The lines of a file are the linter's (max-lines). */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const MOST_FILES = 16;
const ROOMS = ['emulator', 'debug-adapter', 'extension', 'webviews', 'cli', 'host', 'test', 'scripts', 'lint'];

describe('the folders of the source', () => {
  for (const room of ROOMS) {
    it(`have at most ${MOST_FILES} files in ${room}, beside their specs`, async () => {
      const names = await readdir(join(__dirname, '..', room), { recursive: true });
      const sources = names.filter((name) => /(?<!\.spec)\.(ts|mjs)$/.test(name));
      assert.ok(sources.length > 0);
      const filesIn = new Map<string, number>();
      for (const folder of sources.map(dirname)) filesIn.set(folder, (filesIn.get(folder) ?? 0) + 1);
      assert.deepEqual(
        [...filesIn].filter(([, files]) => files > MOST_FILES),
        [],
      );
    });
  }
});
