import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { buildSync } from 'esbuild';

const HASH = '0123456789abcdef';

describe('what V8 has compiled', () => {
  let folder: string;
  let launcher: string;
  before(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'compiled-'));
    launcher = path.join(folder, 'launcher.js');
    const code = `import { runCompiled } from './compiled-code';
      runCompiled(${JSON.stringify(path.join(folder, 'program.js'))}, require);`;
    buildSync({
      stdin: { contents: code, resolveDir: __dirname, loader: 'ts' },
      ...{ bundle: true, platform: 'node', format: 'cjs', outfile: launcher },
    });
  });
  after(() => fs.rmSync(folder, { recursive: true }));
  beforeEach(() => {
    fs.rmSync(path.join(folder, 'cache'), { recursive: true, force: true });
    write('program.js', HASH, `console.log(require('./common.js').answer(), require('path').basename(__filename));`);
    write('common.js', HASH, 'exports.answer = () => 6 * 7;');
  });

  const write = (name: string, hash: string, code: string): void =>
    fs.writeFileSync(path.join(folder, name), `// ${hash}\n${code}\n`);
  const kept = (): string[] => {
    const at = path.join(folder, 'cache', 'xv6-debug', 'code');
    return fs.existsSync(at) ? fs.readdirSync(at).map((name) => path.join(at, name)) : [];
  };
  const run = (env: NodeJS.ProcessEnv = { XDG_CACHE_HOME: path.join(folder, 'cache') }, uid?: number): string => {
    const { stdout, stderr } = spawnSync(process.execPath, [launcher], { encoding: 'utf8', env, uid });
    assert.equal(stderr, '');
    return stdout;
  };
  const states = (): number[] => kept().map((file) => fs.statSync(file).ino);

  it('is kept by the first run, for the program and for what it requires, and used by the next', () => {
    assert.equal(run(), '42 program.js\n');
    assert.equal(kept().length, 2);
    for (const file of kept()) assert.equal(fs.statSync(file).mode & 0o077, 0);
    const before = states();
    assert.equal(run(), '42 program.js\n');
    assert.deepEqual(states(), before);
  });

  it('is made anew by the first run that takes longer', () => {
    write('program.js', HASH, 'if (process.env.LONG) setTimeout(() => undefined, 1200);');
    run();
    const before = kept();
    const environment = { XDG_CACHE_HOME: path.join(folder, 'cache') };
    run({ ...environment, LONG: '1' });
    assert.equal(kept().length, before.length + 1);
    const whole = states();
    run({ ...environment, LONG: '1' });
    run();
    assert.deepEqual(states(), whole);
  });

  it('is not used for a file that holds something else, if it is as long', () => {
    run();
    write('common.js', 'fedcba9876543210', 'exports.answer = () => 6 * 8;');
    assert.equal(run(), '48 program.js\n');
    assert.equal(kept().length, 3);
  });

  it('is made anew if V8 rejects it', () => {
    run();
    for (const file of kept()) fs.writeFileSync(file, 'nonsense');
    assert.equal(run(), '42 program.js\n');
    for (const file of kept()) assert.ok(fs.statSync(file).size > 100);
  });

  it('is neither read from a folder to which others may write, nor kept there', () => {
    run();
    const code = path.dirname(kept()[0]!);
    for (const file of kept()) fs.writeFileSync(file, 'nonsense');
    fs.chmodSync(code, 0o777);
    assert.equal(run(), '42 program.js\n');
    for (const file of kept()) assert.equal(fs.readFileSync(file, 'utf8'), 'nonsense');
  });

  it('is not kept for a file that does not say what it holds, nor where there is no room for it', () => {
    fs.writeFileSync(path.join(folder, 'program.js'), `console.log('alone');`);
    assert.equal(run(), 'alone\n');
    assert.equal(kept().length, 0);
    write('program.js', HASH, `console.log('alone');`);
    fs.writeFileSync(path.join(folder, 'cache'), '');
    assert.equal(run(), 'alone\n');
    fs.rmSync(path.join(folder, 'cache'));
  });

  it('is not kept for a user without a home', function () {
    if (process.getuid?.() !== 0) {
      console.log('      skipped: only root can be another user');
      this.skip();
    }
    fs.chmodSync(folder, 0o755);
    assert.equal(run({}, 54_321), '42 program.js\n');
  });

  it('is kept of the latest eight files', () => {
    for (let i = 0; i < 10; i++) {
      write('program.js', `${HASH}${i}`, `console.log(${i});`);
      assert.equal(run(), `${i}\n`);
    }
    assert.equal(kept().length, 8);
  });
});
