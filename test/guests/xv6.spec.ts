/**
 * A real xv6, built elsewhere: XV6_DIR is its folder, with kernel/kernel and fs.img. Its Makefile defines the machine. With
 * XV6_USERTESTS=1 its usertests run too, which takes minutes.
 */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { Guest } from './guest';
import { type Lab, labAt } from './lab';

const FOLDER = process.env.XV6_DIR;
const USERTESTS = process.env.XV6_USERTESTS === '1';

const boot = ({ kernel, image, memory, legacyVirtio }: Lab, harts: number): Guest =>
  new Guest({ harts, memory, kernel: fs.readFileSync(kernel), disk: fs.readFileSync(image), legacyVirtio });

describe('a real xv6', function () {
  this.timeout(30 * 60_000);

  if (FOLDER === undefined) {
    it('boots (skipped: XV6_DIR names no built tree)', function () {
      this.skip();
    });
    return;
  }
  const lab = labAt(FOLDER);
  for (const harts of [1, 3]) {
    it(`${lab.name} boots with ${harts} harts and runs commands`, () => {
      const guest = boot(lab, harts);
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
    it(`${lab.name} passes its usertests with ${harts} harts`, () => {
      const guest = boot(lab, harts);
      guest.expect('$ ');
      guest.send(`usertests ${lab.quick}`);
      guest.expect('ALL TESTS PASSED', 1e12);
    });
  }
});
