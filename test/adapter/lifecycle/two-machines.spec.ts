/** Two machines on one disk image: the second one that would write to it is refused, and says who has it. */
import { strict as assert } from 'node:assert';
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { haveQemu, QEMU } from '../../guests/qemu';
import { DISK, KERNEL, sessions } from '../support';

const ROOT = join(__dirname, '..', '..', '..');
const DEVICE = ['-device', 'virtio-blk-device,drive=x0,bus=virtio-mmio-bus.0'];
const BOARD = ['-machine', 'virt', '-bios', 'none', '-kernel', KERNEL, '-m', '128M', '-smp', '1', '-nographic'];

describe('two machines on one disk image', function () {
  this.timeout(60_000);
  const session = sessions();
  const machines: Emulator[] = [];
  beforeEach(() => copyFileSync(DISK, session().disk));
  afterEach(async () => {
    for (const machine of machines.splice(0)) await machine.kill();
  });

  /** xv6-emu or QEMU, with the session's image. */
  class Emulator {
    said = '';
    private readonly child: ChildProcessWithoutNullStreams;
    readonly ended: Promise<number | null>;

    constructor(program: readonly string[], drive = '') {
      const [command = '', ...words] = program;
      const options = ['-global', 'virtio-mmio.force-legacy=false'];
      const file = `file=${session().disk},if=none,format=raw,id=x0${drive}`;
      this.child = spawn(command, [...words, ...BOARD, ...options, '-drive', file, ...DEVICE], { cwd: ROOT });
      for (const stream of [this.child.stdout, this.child.stderr])
        stream.on('data', (data: Buffer) => (this.said += data.toString()));
      this.ended = new Promise((resolve) => this.child.on('close', resolve));
      machines.push(this);
    }

    async written(text: string): Promise<void> {
      for (const end = Date.now() + 20_000; !this.said.includes(text);) {
        assert.ok(Date.now() < end, this.said);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }

    type(line: string): void {
      this.child.stdin.write(`${line}\n`);
    }

    get name(): RegExp {
      return new RegExp(`\\(process ${this.child.pid}\\) has it locked`);
    }

    async kill(): Promise<void> {
      this.child.kill('SIGKILL');
      await this.ended;
    }
  }

  const ours = [process.execPath, '-r', 'tsx/cjs', 'cli/program.ts'];
  const boot = async (): Promise<void> => {
    await session().boot();
    await session().written('$ ');
  };
  const refusal = (): Promise<string> =>
    session()
      .launchRequest({ kernel: KERNEL, disk: session().disk, legacyVirtio: false } as never)
      .then(
        () => assert.fail('it was launched'),
        (error: Error) => error.message,
      );

  it('a session and a second xv6-emu', async () => {
    await boot();
    const second = new Emulator(ours);
    assert.equal(await second.ended, 2);
    assert.match(second.said, /fs\.img is in use: .*has it locked.*snapshot=on/);
    assert.ok(second.said.includes(`(process ${session().process.pid})`), second.said);
  });

  it('xv6-emu and a session, until the first is killed', async () => {
    const first = new Emulator(ours);
    await first.written('$ ');
    const message = await refusal();
    assert.match(message, first.name);
    assert.match(message, /set "snapshot" to true/);
    await first.kill();
    await boot();
  });

  it('two xv6-emu', async () => {
    const first = new Emulator(ours);
    await first.written('$ ');
    const second = new Emulator(ours);
    assert.equal(await second.ended, 2);
    assert.match(second.said, first.name);
  });

  it('a session, and one that has a snapshot, which writes to that alone', async () => {
    await boot();
    const before = readFileSync(session().disk);
    const other = new Emulator(ours, ',snapshot=on');
    await other.written('$ ');
    other.type('echo a-word-to-be-found > note');
    other.type('cat note');
    await other.written('$ a-word-to-be-found');
    assert.ok(before.equals(readFileSync(session().disk)));
  });

  for (const { title, first, second } of [
    { title: 'QEMU and xv6-emu', first: [QEMU], second: ours },
    { title: 'xv6-emu and QEMU', first: ours, second: [QEMU] },
  ]) {
    it(title, async function () {
      if (!haveQemu()) {
        console.log('      skipped: there is no qemu-system-riscv64');
        this.skip();
      }
      const holder = new Emulator(first);
      await holder.written('$ ');
      const other = new Emulator(second);
      assert.notEqual(await other.ended, 0);
      if (second === ours) assert.match(other.said, new RegExp(`${QEMU}.*${holder.name.source}`));
      else assert.match(other.said, /Failed to get "write" lock/);
    });
  }

  it('QEMU and a session, and the other way round', async function () {
    if (!haveQemu()) {
      console.log('      skipped: there is no qemu-system-riscv64');
      this.skip();
    }
    const first = new Emulator([QEMU]);
    await first.written('$ ');
    assert.match(await refusal(), first.name);
    await first.kill();
    await boot();
    const second = new Emulator([QEMU]);
    assert.notEqual(await second.ended, 0);
    assert.match(second.said, /Failed to get "write" lock/);
  });
});
