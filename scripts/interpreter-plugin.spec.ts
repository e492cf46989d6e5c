/** What a built program runs is what the sources make. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { build } from 'esbuild';
import { generateInterpreter } from '../emulator/jit/interpreter';
import { interpreterPlugin } from './interpreter-plugin.mjs';
import { root } from './run.mjs';

describe('the interpreter in a bundle', () => {
  it('is the one that the sources generate, without the generator', async () => {
    const { outputFiles } = await build({
      entryPoints: [join(root, 'emulator/jit/interpreter-bytes.ts')],
      ...{ bundle: true, write: false, format: 'esm', platform: 'node', plugins: [interpreterPlugin] },
    });
    const { text } = outputFiles[0]!;
    const { interpreterBytes } = (await import(`data:text/javascript,${encodeURIComponent(text)}`)) as {
      interpreterBytes(): Uint8Array;
    };
    assert.deepEqual(new Uint8Array(interpreterBytes()), generateInterpreter());
    assert.doesNotMatch(text, /generateInterpreter/);
  });
});
