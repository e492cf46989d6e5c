import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { findLab, inspectLab } from './lab';
import { LabError } from './lab-makefile';

const COMPILE = 'riscv64-unknown-elf-gcc -O -mcmodel=medany -c -o kernel/start.o kernel/start.c';
const MACHINE =
  'qemu-system-riscv64 -machine virt -bios none -kernel kernel/kernel -m 128M -smp 3 -nographic ' +
  '-drive file=fs.img,if=none,format=raw,id=x0 -device virtio-blk-device,drive=x0,bus=virtio-mmio-bus.0';

describe('a lab folder', () => {
  const path0 = process.env['PATH'];
  let folder: string;
  let bin: string;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'xv6-lab-'));
    bin = path.join(folder, 'bin');
    await mkdir(bin);
    process.env['PATH'] = bin;
  });
  afterEach(async () => {
    process.env['PATH'] = path0;
    await rm(folder, { recursive: true });
  });

  /** A program on the PATH that prints these lines; `make` prints what a lab's `make -n qemu` would. */
  async function program(name: string, out = '', errors = '', status = 0): Promise<void> {
    const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}\n'`;
    const file = path.join(bin, name);
    await writeFile(file, `#!/bin/sh\nprintf %s ${quoted(out)}\nprintf %s ${quoted(errors)} >&2\nexit ${status}\n`);
    await chmod(file, 0o755);
  }
  const lab = (at: string) => writeFile(path.join(at, 'Makefile'), 'K=kernel\n$K/kernel: $(OBJS)\n');
  const refusal = (words: RegExp) =>
    assert.rejects(inspectLab(folder), (error) => error instanceof LabError && words.test(error.message));

  it('is found where it is opened, or one folder below', async () => {
    const below = path.join(folder, 'xv6-labs');
    await mkdir(below);
    assert.equal(await findLab(folder), undefined);
    await lab(below);
    assert.equal(await findLab(folder), below);
    await lab(folder);
    assert.equal(await findLab(folder), folder);
    assert.equal(await findLab(path.join(folder, 'nowhere')), undefined);
  });

  it('is not looked for in what is no regular file', async () => {
    process.env['PATH'] = path0;
    assert.equal(spawnSync('mkfifo', [path.join(folder, 'Makefile')]).status, 0);
    assert.equal(await findLab(folder), undefined);
  });

  it('whose make does not end is given up, with all that it started', async () => {
    const note = path.join(folder, 'pid');
    const file = path.join(bin, 'make');
    await writeFile(file, `#!/bin/sh\n/bin/sleep 1000 &\necho $! > ${note}\nwait\n`);
    await chmod(file, 0o755);
    await assert.rejects(inspectLab(folder, true, 300), /did not end within 0.3 s/);
    const pid = Number(await readFile(note, 'utf8'));
    const isRunning = (): boolean => {
      try {
        // A process that has ended may still be waiting to be reaped.
        return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
      } catch {
        return false;
      }
    };
    for (const end = Date.now() + 20_000; isRunning() && Date.now() < end;)
      await new Promise((soon) => setTimeout(soon, 10));
    assert.ok(!isRunning(), 'the sleep that it started');
  });

  /** Timers and pipes that keep this process from ending. */
  const held = (): string[] => process.getActiveResourcesInfo().filter((kind) => /Timeout|Pipe|Process/.test(kind));
  async function nothingMoreIsHeldThan(before: number): Promise<void> {
    for (const end = Date.now() + 20_000; held().length > before && Date.now() < end;)
      await new Promise((soon) => setImmediate(soon));
    assert.ok(held().length <= before, held().join());
  }

  it('whose make prints without end is given up, and nothing is waited for any more', async () => {
    const print = `/usr/bin/head -c ${17 << 20} /dev/zero`;
    await writeFile(
      path.join(bin, 'make'),
      `#!/bin/sh\nexec /usr/bin/setsid /bin/sh -c '${print}; exec /bin/sleep 5'\n`,
    );
    await chmod(path.join(bin, 'make'), 0o755);
    const before = held().length;
    await refusal(/printed more than 16 MiB/);
    await nothingMoreIsHeldThan(before);
  });

  it('whose make has started what cannot be ended is given up all the same', async () => {
    const note = path.join(folder, 'pid');
    await writeFile(path.join(bin, 'make'), `#!/bin/sh\n/usr/bin/setsid /bin/sleep 1000 &\necho $! > ${note}\n`);
    await chmod(path.join(bin, 'make'), 0o755);
    const before = held().length;
    try {
      await assert.rejects(inspectLab(folder, true, 300), /did not end within 0.3 s/);
      await nothingMoreIsHeldThan(before);
    } finally {
      process.kill(Number(await readFile(note, 'utf8')), 'SIGKILL');
    }
  });

  it('is not guessed at when there are several below', async () => {
    for (const name of ['a', 'b']) {
      await mkdir(path.join(folder, name));
      await lab(path.join(folder, name));
    }
    assert.equal(await findLab(folder), undefined);
  });

  it('is built by make, kernel and disk image', async () => {
    await program('make', `${COMPILE}\n${MACHINE}`);
    await program('riscv64-unknown-elf-gcc');
    const { build, machine: read, notes } = await inspectLab(folder);
    assert.equal(build, 'make kernel/kernel fs.img');
    assert.equal(read.harts, 3);
    assert.deepEqual(notes, []);
  });

  it('gets a new disk image for each run where make qemu makes one', async () => {
    await program('riscv64-unknown-elf-gcc');
    await program('make', `mv -f fs.img fs.img.bk\n${COMPILE}\n${MACHINE}`);
    const { build } = await inspectLab(folder);
    assert.equal(build, 'test ! -e fs.img || mv -f fs.img fs.img.bk; make kernel/kernel fs.img');
    await program('make', `${COMPILE}\nrm -f kernel/old.o\n${MACHINE}\nrm -f fs.img`);
    assert.equal((await inspectLab(folder)).build, 'make kernel/kernel fs.img');
  });

  it('without a compiler names the package to install', async () => {
    await program('make', `${COMPILE}\n${MACHINE}`);
    await refusal(/riscv64-unknown-elf-gcc was not found.*(gcc-riscv64-unknown-elf|riscv64-elf-gcc)/);
  });

  it("without a toolchain sees that the host's gcc is no substitute", async () => {
    await program(
      'make',
      `gcc -O -mcmodel=medany -c -o k.o k.c\n${MACHINE}`,
      "*** Error: Couldn't find a riscv64 version of GCC/binutils.",
    );
    await program('gcc');
    await refusal(/no RISC-V compiler.*install/i);
  });

  it('is built by whatever compiler its Makefile names, but for the one of this machine', async () => {
    for (const name of ['rv64-gcc', 'my-cross-gcc-13']) {
      await program('make', `${COMPILE.replace('riscv64-unknown-elf-gcc', name)}\n${MACHINE}`);
      await program(name);
      assert.equal((await inspectLab(folder)).build, 'make kernel/kernel fs.img', name);
    }
    const gcc = path.join(bin, 'gcc');
    await program('gcc');
    await program('make', `${COMPILE.replace('riscv64-unknown-elf-gcc', gcc)}\n${MACHINE}`);
    assert.equal((await inspectLab(folder)).build, 'make kernel/kernel fs.img', gcc);
    for (const name of ['gcc', 'cc', 'gcc-13']) {
      await program('make', `${COMPILE.replace('riscv64-unknown-elf-gcc', name)}\n${MACHINE}`);
      await refusal(/no RISC-V compiler.*install/i);
    }
  });

  it('without a toolchain says so even where make prints no machine', async () => {
    await program('make', '', "*** Error: Couldn't find a riscv64 version of GCC/binutils.", 2);
    await refusal(/no RISC-V compiler.*install/i);
  });

  it("needs no compiler when nothing is left to compile, but mkfs's when that is", async () => {
    await program('make', MACHINE);
    assert.equal((await inspectLab(folder)).build, 'make kernel/kernel fs.img');
    await program('make', `gcc -I. -o mkfs/mkfs mkfs/mkfs.c\n${MACHINE}`);
    await refusal(/disk image with gcc/);
  });

  it('takes its prebuilt kernel when there is no compiler, and says so', async () => {
    await program('make', `${COMPILE}\n${MACHINE}`);
    await mkdir(path.join(folder, 'prebuilt'));
    await writeFile(path.join(folder, 'prebuilt', 'kernel'), '');
    const { build, machine: read, notes } = await inspectLab(folder);
    assert.equal(build, undefined);
    assert.equal(read.kernel, 'prebuilt/kernel');
    assert.equal(read.disk, 'prebuilt/fs.img');
    assert.match(notes[0]!, /prebuilt kernel.*was not found/);
  });

  it('without make says so', async () => {
    await refusal(/make was not found.*install/i);
  });

  it('passes on what make complained of', async () => {
    await program('make', '', 'Makefile:3: *** missing separator.  Stop.', 2);
    await refusal(/missing separator/);
  });
});
