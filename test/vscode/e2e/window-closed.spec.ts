/** Closing the window while the machine runs: the disk image is complete and has what the guest wrote. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { root } from '../../../scripts/run.mjs';
import { LabWindow, PREBUILT } from './window';

describe('a window closed in mid-run', function () {
  this.timeout(300_000);
  const lab = new LabWindow(PREBUILT).use();

  it('leaves the disk image whole, with what the guest wrote', async () => {
    const { workbench } = lab;
    const image = join(lab.folder, 'prebuilt', 'fs.img');
    const { size } = await stat(image);
    await workbench.start();
    await workbench.prompt();
    await workbench.terminalLine('echo kept words > note');
    await workbench.terminalLine('cat note');
    await workbench.terminalShows(/kept words\n\$$/);
    await workbench.close();

    while (!(await readFile(image)).includes('kept words')) await delay(100);
    assert.equal((await stat(image)).size, size);

    const script = join(lab.folder, 'script');
    await writeFile(script, 'expect $\nsend cat note\\n\nexpect kept words\n');
    const drive = ['-drive', `file=${image},if=none,format=raw,id=x0`];
    const device = ['-device', 'virtio-blk-device,drive=x0,bus=virtio-mmio-bus.0'];
    const machine = ['-machine', 'virt', '-bios', 'none', '-m', '128M', '-smp', '3', '-nographic'];
    const modern = ['-global', 'virtio-mmio.force-legacy=false'];
    const kernel = ['-kernel', join(lab.folder, 'prebuilt', 'kernel')];
    const options = ['--script', script, '--timeout', '60'];
    const program = join(root, 'dist', 'xv6-emu.js');
    await promisify(execFile)(process.execPath, [
      program,
      ...machine,
      ...kernel,
      ...modern,
      ...drive,
      ...device,
      ...options,
    ]);
  });
});
