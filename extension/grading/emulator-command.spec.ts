import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { makeFlags } from './emulator-command';

/** What a recipe's shell gets of $(QEMU). */
function words(flags: string): string[] {
  const makefile = 'QEMU = qemu\nall:\n\t@for word in $(QEMU); do :; done; printf "%s\\n" $(QEMU)\n';
  const printed = execFileSync('make', ['-s', '--no-print-directory', '-f', '-', 'all'], {
    input: makefile,
    env: { ...process.env, MAKEFLAGS: flags },
  });
  return printed.toString().trimEnd().split('\n');
}

describe('the emulator in QEMU’s place', () => {
  it('reaches a recipe word by word, whatever its path has in it', () => {
    const command = ['/usr/bin/node', "/home/a b/it's $HOME/xv6-emu.js", '--record', '/tmp/back\\slash/x.xv6run'];
    assert.deepEqual(words(makeFlags(command)), command);
  });

  it('comes beside what MAKEFLAGS has already', () => {
    assert.deepEqual(words(makeFlags(['/opt/xv6-emu'], 'k')), ['/opt/xv6-emu']);
    assert.deepEqual(words(makeFlags(['/opt/xv6-emu'], 's -- CPUS=1')), ['/opt/xv6-emu']);
  });
});
