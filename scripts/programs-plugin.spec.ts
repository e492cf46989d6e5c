import assert from 'node:assert/strict';
import { transform } from 'esbuild';
import { withRequire } from './programs-plugin.mjs';

const SOURCE = `import * as fs from 'node:fs';
import * as path from 'node:path';
import { cpus } from 'node:os';
export const text = [fs.sep, path.sep, cpus, 'import * as x from y'];`;

describe('the modules of a program', () => {
  for (const minify of [true, false]) {
    it(`of Node are what require returns, and all else stays in its place: ${minify ? 'minified' : 'as written'}`, async () => {
      const { code } = await transform(SOURCE, { format: 'esm', loader: 'ts', minify });
      const changed = withRequire(code);
      assert.equal(changed.match(/var [\w$]+=require\("node:(fs|path)"\);/g)?.length, 2, changed);
      assert.ok(!/import *\* *as [\w$]+ from *"/.test(changed));
      assert.equal(changed.length, code.length);
      for (const kept of ['node:os', 'import * as x from y'])
        assert.equal(changed.indexOf(kept), code.indexOf(kept), kept);
      const { code: program } = await transform(changed, { format: 'cjs' });
      assert.ok(!/__toESM\(require/.test(program), program);
    });
  }
});
