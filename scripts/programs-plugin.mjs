// An esbuild plugin that puts what several programs have in common into one file beside them: esbuild does so for ES modules only,
// and these are written as CommonJS, which Node starts sooner. A first line says what a file holds, see host/compiled-code.ts.
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { transform, version } from 'esbuild';

/** The name of the common file, without .js. */
export const COMMON = 'xv6-machine';

/**
 * Node starts four threads that compile; with 0 it starts as many as there are other processors. Where there are two processors,
 * four threads would keep the guest from one of them.
 */
export const SHEBANG = '#!/usr/bin/env -S node --v8-pool-size=0';

/**
 * An ES module in which a whole module of Node's is what `require` returns. esbuild would copy each of its members, and anew for each
 * file that imports it, which takes a fortieth of a start. All else stays in its place, for the source map's sake.
 */
export const withRequire = (text) =>
  text.replace(/\bimport *\* *as ([\w$]+) from *("node:[\w/]+");/g, (all, name, module) =>
    `var ${name}=require(${module});`.padEnd(all.length),
  );

/** `executable` says of a file's path whether it is started by itself. */
export const programsPlugin = (executable) => ({
  name: 'programs',
  setup({ initialOptions, onEnd }) {
    const sourcemap = initialOptions.sourcemap ? 'external' : false;
    const options = { format: 'cjs', platform: 'node', target: 'node20', minify: true, sourcemap };
    onEnd(async ({ outputFiles = [] }) => {
      for (const { path, text: module } of outputFiles) {
        const name = basename(path);
        const text = withRequire(module);
        const banner = executable(path)
          ? SHEBANG
          : `// ${createHash('sha256')
              .update(`${version} ${JSON.stringify(options)} ${text}`)
              .digest('hex')}`;
        const { code, map } = await transform(text, { ...options, banner, sourcefile: name });
        await mkdir(dirname(path), { recursive: true });
        await writeFile(path, map ? `${code}//# sourceMappingURL=${name}.map\n` : code);
        if (map) await writeFile(`${path}.map`, map);
      }
    });
  },
});
