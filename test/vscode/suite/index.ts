/** Runs the tests of this folder in an extension host: VS Code calls `run` with `--extensionTestsPath`. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import Mocha from 'mocha';
import Reporter from '../../reporter';

export async function run(): Promise<void> {
  const mocha = new Mocha({ reporter: Reporter, color: false });
  for (const file of readdirSync(__dirname).filter((name) => name.endsWith('.test.js')))
    mocha.addFile(join(__dirname, file));
  const failures = await new Promise<number>((resolve) => void mocha.run(resolve));
  if (failures > 0) throw new Error(`${failures} failed`);
}
