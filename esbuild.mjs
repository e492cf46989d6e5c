// Bundles the extension, the debug adapter, the emulator's command line and the webviews into dist/, with the licence notices of
// the packages that are bundled with them.
//   node esbuild.mjs [--production] [--watch]
import { chmod, readdir, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { context } from 'esbuild';
import { codiconPlugin } from './scripts/codicon-plugin.mjs';
import { interpreterPlugin } from './scripts/interpreter-plugin.mjs';
import { COMMON, programsPlugin } from './scripts/programs-plugin.mjs';
import { thirdPartyNotices } from './scripts/notices.mjs';
import { Stop } from './scripts/run.mjs';

const production = process.argv.includes('--production');
const watch = process.argv.includes('--watch');

const common = {
  bundle: true,
  metafile: true,
  minify: production,
  sourcemap: production ? false : 'linked',
  logLevel: 'warning',
  tsconfig: 'tsconfig.json',
};
const node = { ...common, platform: 'node', format: 'cjs', target: 'node20' };
// What is started anew for each run is small: Node reads all of it first.
const program = {
  ...node,
  format: 'esm',
  splitting: true,
  chunkNames: COMMON,
  write: false,
  minify: true,
  sourcemap: production ? false : 'inline',
};
const programs = ['dist/xv6-debug-adapter.js', 'dist/xv6-emu.js'];

const webviews = (await readdir('webviews', { withFileTypes: true }))
  .filter((entry) => entry.isDirectory() && existsSync(`webviews/${entry.name}/main.ts`))
  .map(({ name }) => ({ in: `webviews/${name}/main.ts`, out: name }));

const bundles = [
  { ...node, entryPoints: ['extension/extension.ts'], outfile: 'dist/extension.js', external: ['vscode'] },
  {
    ...program,
    entryPoints: { 'xv6-debug-adapter': 'debug-adapter/stdio.ts', 'xv6-emulator': 'cli/program.ts' },
    outdir: 'dist',
    plugins: [interpreterPlugin, programsPlugin((path) => programs.some((program) => path.endsWith(program)))],
  },
  { ...program, entryPoints: ['cli/xv6-emu.ts'], outdir: 'dist', plugins: [programsPlugin(() => true)] },
  {
    ...common,
    entryPoints: webviews,
    outdir: 'dist/webviews',
    platform: 'browser',
    format: 'iife',
    target: 'chrome120',
    loader: { '.ttf': 'file' },
    plugins: [codiconPlugin('webviews')],
    assetNames: '[name]',
  },
];

// Package only what this build makes.
if (production) await rm('dist', { recursive: true, force: true });
const contexts = await Promise.all(bundles.map((bundle) => context(bundle)));
if (watch) {
  await Promise.all(contexts.map((bundle) => bundle.watch()));
  console.log('[watch] built');
} else {
  try {
    const built = await Promise.all(contexts.map((bundle) => bundle.rebuild()));
    await Promise.all(programs.map((file) => chmod(file, 0o755)));
    const metafiles = built.map(({ metafile }) => metafile);
    await writeFile('dist/ThirdPartyNotices.txt', await thirdPartyNotices(metafiles, process.cwd()));
  } catch (error) {
    // Its own errors esbuild has printed.
    if (!('errors' in error)) console.error(error instanceof Stop ? error.message : error);
    process.exitCode = 1;
  } finally {
    await Promise.all(contexts.map((bundle) => bundle.dispose()));
  }
}
