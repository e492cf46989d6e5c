/**
 * A real xv6, built outside: XV6_DIR is its folder, with kernel/kernel and fs.img. Its Makefile says what machine it wants.
 * With XV6_USERTESTS=1 its usertests run too, which takes minutes.
 */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { Guest } from './guest';

const FOLDER = process.env.XV6_DIR;
const USERTESTS = process.env.XV6_USERTESTS === '1';

function boot(folder: string, harts: number): Guest {
  const makefile = fs.readFileSync(path.join(folder, 'Makefile'), 'utf8');
  const [, size, unit] = /-m (\d+)([MG])/.exec(makefile) ?? ['', '128', 'M'];
  return new Guest({
    harts,
    memory: Number(size) * (unit === 'G' ? 2 ** 30 : 2 ** 20),
    kernel: fs.readFileSync(path.join(folder, 'kernel', 'kernel')),
    disk: fs.readFileSync(path.join(folder, 'fs.img')),
    legacyVirtio: !makefile.includes('force-legacy=false'),
  });
}

describe('a real xv6', function () {
  this.timeout(20 * 60_000);

  if (FOLDER === undefined) {
    it('boots (skipped: XV6_DIR names no built tree)', function () {
      this.skip();
    });
    return;
  }
  for (const harts of [1, 3]) {
    it(`${path.basename(FOLDER)} boots with ${harts} harts and runs commands`, () => {
      const guest = boot(FOLDER, harts);
      guest.expect('$ ');
      guest.send('ls');
      guest.expect('usertests');
      guest.expect('$ ');
      guest.send('echo some words | wc');
      guest.expect('1 2 11');
      guest.expect('$ ');
      guest.send('grep zombie README');
      guest.expect('$ ');
      assert.doesNotMatch(guest.console, /panic|exec .* failed/);
    });
  }
  for (const harts of USERTESTS ? [1, 3] : []) {
    it(`${path.basename(FOLDER)} passes its usertests with ${harts} harts`, () => {
      const source = path.join(FOLDER, 'user', 'usertests.c');
      const quick = fs.existsSync(source) && fs.readFileSync(source, 'utf8').includes('"-q"');
      const guest = boot(FOLDER, harts);
      guest.expect('$ ');
      guest.send(quick ? 'usertests -q' : 'usertests');
      guest.expect('ALL TESTS PASSED', 1e12);
    });
  }
});
