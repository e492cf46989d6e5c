// An esbuild plugin that puts the bytes of the emulator's interpreter into a bundle, in place of the code that generates them: to do
// that takes as long as a sixth of a start.
import { build } from 'esbuild';
import { resolve } from 'node:path';

/** Of emulator/jit/interpreter-bytes.ts: what it returns, and the files that this is made from. */
export async function interpreterBytes(file) {
  const options = { bundle: true, format: 'esm', target: 'node20', write: false, metafile: true, logLevel: 'warning' };
  const { outputFiles, metafile } = await build({ ...options, entryPoints: [file] });
  const code = Buffer.from(outputFiles[0].contents).toString('base64');
  const generator = await import(`data:text/javascript;base64,${code}`);
  return { bytes: generator.interpreterBytes(), files: Object.keys(metafile.inputs).map((input) => resolve(input)) };
}

export const interpreterPlugin = {
  name: 'interpreter',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]emulator[\\/]jit[\\/]interpreter-bytes\.ts$/ }, async ({ path }) => {
      const { bytes, files } = await interpreterBytes(path);
      const text = JSON.stringify(Buffer.from(bytes).toString('base64'));
      const contents = `const bytes = Buffer.from(${text}, 'base64'); export const interpreterBytes = () => bytes;`;
      return { contents, watchFiles: files };
    });
  },
};
