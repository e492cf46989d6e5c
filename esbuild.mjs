// Bundles the extension, the debug adapter, the emulator's command line and the webviews into dist/.
//   node esbuild.mjs [--production] [--watch]
import { chmod, readdir, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { context } from 'esbuild';

const production = process.argv.includes('--production');
const watch = process.argv.includes('--watch');

const common = {
  bundle: true,
  minify: production,
  sourcemap: production ? false : 'linked',
  logLevel: 'warning',
  tsconfig: 'tsconfig.json',
};
const node = { ...common, platform: 'node', format: 'cjs', target: 'node20' };
const program = { ...node, banner: { js: '#!/usr/bin/env node' } };
const programs = ['dist/xv6-debug-adapter.js', 'dist/xv6-emu.js'];

const webviews = (await readdir('webviews', { withFileTypes: true }))
  .filter((entry) => entry.isDirectory() && existsSync(`webviews/${entry.name}/main.ts`))
  .map(({ name }) => ({ in: `webviews/${name}/main.ts`, out: name }));

const bundles = [
  { ...node, entryPoints: ['extension/extension.ts'], outfile: 'dist/extension.js', external: ['vscode'] },
  { ...program, entryPoints: ['debug-adapter/stdio.ts'], outfile: programs[0] },
  { ...program, entryPoints: ['cli/xv6-emu.ts'], outfile: programs[1] },
  {
    ...common,
    entryPoints: webviews,
    outdir: 'dist/webviews',
    platform: 'browser',
    format: 'iife',
    target: 'chrome120',
    loader: { '.ttf': 'file' },
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
    await Promise.all(contexts.map((bundle) => bundle.rebuild()));
    await Promise.all(programs.map((file) => chmod(file, 0o755)));
  } catch {
    // esbuild has printed the error.
    process.exitCode = 1;
  } finally {
    await Promise.all(contexts.map((bundle) => bundle.dispose()));
  }
}
