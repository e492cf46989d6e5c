/** Who started the emulator, and what becomes of it when that program ends: `npm run build` makes the program that is tested. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const ROOT = path.join(__dirname, '..');
const PROGRAM = path.join(ROOT, 'dist', 'xv6-emu.js');

/** The command line of a process, by its words; undefined if there is no such process, or only what is left of one. */
function words(pid: number): string[] | undefined {
  try {
    const line = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return line === '' ? undefined : line.split('\0');
  } catch {
    return undefined;
  }
}

/** All processes that a process has started, and those that these have. */
function descendants(pid: number): number[] {
  const text = fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  const children = text === '' ? [] : text.split(' ').map(Number);
  return children.flatMap((child) => [child, ...descendants(child)]);
}

const isEmulator = (pid: number): boolean => words(pid)?.some((word) => /xv6-emu/.test(word)) === true;

describe('the parent of xv6-emu', function () {
  this.timeout(60_000);
  let folder: string;
  let emulator: number | undefined;

  before(function () {
    if (process.platform !== 'linux') {
      console.log('      skipped: only Linux has /proc');
      this.skip();
    }
    assert.ok(fs.existsSync(PROGRAM), `${PROGRAM} is missing: npm run build`);
  });
  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'xv6-parent-'));
    // As in xv6's Makefiles.
    fs.writeFileSync(path.join(folder, 'Makefile'), 'QEMU = qemu\nqemu:\n\t$(QEMU) -machine virt -nographic\n');
    emulator = undefined;
  });
  afterEach(() => {
    if (emulator !== undefined && isEmulator(emulator)) process.kill(emulator, 'SIGKILL');
    fs.rmSync(folder, { recursive: true });
  });

  /** Waits for the prompt of the built-in kernel. Returns the emulator's process, the last of those that were started. */
  async function booted(child: ChildProcess): Promise<number> {
    let output = '';
    child.stdout!.on('data', (piece: Buffer) => (output += piece.toString()));
    while (!output.endsWith('$ ')) {
      assert.equal(child.exitCode, null, `it ended: ${output}`);
      await delay(20);
    }
    return (emulator = descendants(child.pid!).at(-1)!);
  }
  async function ended(pid: number): Promise<void> {
    for (const deadline = Date.now() + 20_000; words(pid) !== undefined; await delay(20))
      assert.ok(Date.now() < deadline, `${words(pid)?.join(' ')} still runs`);
  }

  it('is make as the README advises it, and a signal to the child of make is one to the emulator', async () => {
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      const make = spawn('make', ['qemu', `QEMU=${PROGRAM}`], { cwd: folder });
      const pid = await booted(make);
      assert.deepEqual(descendants(make.pid!), [pid], 'there is nothing between make and the emulator');
      assert.ok(isEmulator(pid));
      process.kill(pid, signal);
      await ended(pid);
      if (make.exitCode === null) await new Promise((resolve) => make.once('exit', resolve));
      assert.equal(make.exitCode, 2);
    }
  });

  it('may go on as another program', async () => {
    const script = `"${PROGRAM}" -machine virt -nographic <&3 & read line; exec sleep 1000`;
    const shell = spawn('sh', ['-c', script], { stdio: ['pipe', 'pipe', 'inherit', 'pipe'] });
    const pid = await booted(shell);
    shell.stdin!.write('\n');
    await delay(1500);
    assert.ok(isEmulator(pid), 'the emulator is still there');
    shell.kill('SIGKILL');
    await ended(pid);
  });

  for (const [name, qemu] of [
    ['make', PROGRAM],
    ['npx', 'npx xv6-emu'],
  ] as const) {
    it(`may be killed, and the emulator ends: ${name}`, async () => {
      const make = spawn('make', ['qemu', `QEMU=${qemu}`, '-f', path.join(folder, 'Makefile')], { cwd: ROOT });
      const pid = await booted(make);
      const [child] = descendants(make.pid!);
      process.kill(name === 'npx' ? child! : make.pid!, 'SIGKILL');
      await ended(pid);
    });
  }
});
