/**
 * gdb on the emulator's stub and on QEMU's, with the same commands: each must print the same. Then back again in the past, to the
 * same registers and memory. XV6_DIR names another tree besides the sample, built.
 *
 * Intended differences: what threads do besides running, in `info threads`; and what docs/gdb.md lists.
 */
import { strict as assert } from 'node:assert';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isInstalled } from '../../debug-adapter/testing/symbols/gdb';
import { symbolAddress } from './elf-symbols';
import { labAt } from './lab';
import { QEMU } from './qemu';

const ROOT = join(__dirname, '..', '..');
const SAMPLE = join(ROOT, 'sample', 'prebuilt');
const SECONDS = 60;

interface Tree {
  name: string;
  kernel: string;
  image: string;
  /** A program that runs from the boot on. */
  shell: string;
  legacyVirtio: boolean;
}

const sample: Tree = {
  name: 'the sample',
  kernel: join(SAMPLE, 'kernel'),
  image: join(SAMPLE, 'fs.img'),
  shell: join(SAMPLE, 'user', '_sh'),
  legacyVirtio: false,
};

/** Not what the last interrupt has left behind, as that came when the clock on the wall said so. */
const CSRS = ['mstatus', 'satp', 'stvec', 'mtvec', 'mscratch', 'mie', 'sie', 'mhartid', 'pmpcfg0', 'menvcfg'];
const KERNEL_CSRS = ['sstatus', 'sepc', 'scause', 'stval', 'sscratch', 'mtval'];
const STATE = ['info registers', 'bt', 'x/5i $pc', ...['priv', ...CSRS].map((name) => `output/x $${name}`)];
const KERNEL_STATE = [...STATE, 'x/16gx $sp', ...KERNEL_CSRS.map((name) => `output/x $${name}`)];

/** Kernel functions on the way to the first program, in this order; a kernel may lack some. */
const FUNCTIONS = ['kinit', 'kvminit', 'kvmmake', 'procinit', 'plicinit', 'binit', 'virtio_disk_init', 'userinit'];

const onKernel = (functions: readonly string[], shell: string): string[] => [
  ...['info threads', 'x/6i $pc', 'p/x $priv', 'x/4gx 0x80000000', 'x/gx 0x90000000', 'x/gx 0', 'info registers'],
  'monitor xp /4gx 0x80000000',
  'monitor xp /3wd 0x80000002',
  'monitor xp /5bx 0x80000007',
  ...functions.flatMap((name) => [`tbreak ${name}`, 'continue', ...KERNEL_STATE, 'stepi', 'stepi', 'nexti', 'p/x $pc']),
  // Registers and memory are written, and put back.
  ...[
    'p/x $s1',
    'set $s1 = 0x1234567890abcdef',
    'p/x $s1',
    'set $s1 = 0',
    'set $saved = $mscratch',
    'set $mscratch = 77',
    'p $mscratch',
    'set $mscratch = $saved',
  ],
  ...['p/x *(long *)($sp - 64)', 'set var *(long *)($sp - 64) = 0x1122334455667788', 'x/8bx $sp - 64'],
  ...['set var *(char *)($sp - 60) = 0x99', 'x/gx $sp - 64', 'set var *(long *)0 = 1'],
  // Bytes in two pages.
  ...['set var *(long *)0x87fffffc = 5', 'set {char[8]}0x87000ffc = "abcdefg"', 'x/s 0x87000ffc'],
  // What is watched is a global variable that every allocation writes and reads.
  ...['watch kmem.freelist', 'continue', 'bt 1', 'p/x $pc', 'p kmem.freelist', 'continue', 'p/x $pc', 'delete'],
  ...['rwatch kmem.freelist', 'continue', 'p/x $pc', 'bt 1', 'delete'],
  ...['awatch kmem.freelist', 'continue', 'p/x $pc', 'continue', 'p/x $pc', 'delete'],
  ...['hbreak kalloc', 'continue', 'info registers', 'finish', 'p/x $a0', 'delete'],
  ...['break walk', 'ignore $bpnum 5', 'continue', 'bt', 'info args', 'info locals', 'up', 'down', 'delete'],
  // Steps over and into functions.
  ...['tbreak syscall', 'continue', 'bt', 'step', 'next', 'step', 'next', 'info locals', 'p/x $pc', 'p/x $satp'],
  // User code, by its addresses only: the program that is started first.
  ...[
    `file ${shell}`,
    'tbreak *main',
    'continue',
    ...STATE,
    'stepi',
    'stepi',
    'next',
    'next',
    'p/x $pc',
    'info registers',
  ],
  ...['watch -l *(long *)($sp - 40)', 'continue', 'p/x $pc', 'bt', 'delete', 'info registers'],
  ...['p/x $satp', 'p/x $sp', 'x/32gx $sp'],
];

/** Forwards and, from the end, backwards over the same places. */
const STOPS = 8;
const SNAPSHOT = ['info registers', 'output/x $satp', 'output/x $mstatus', 'x/64gx $sp', 'x/32gx &kmem', 'x/64gx proc'];

describe('gdb', function () {
  this.timeout(4 * SECONDS * 1000);
  let folder: string;
  const started: ChildProcess[] = [];

  before(function () {
    if (!isInstalled('gdb-multiarch') || !isInstalled(QEMU)) {
      console.log('      skipped: gdb-multiarch or qemu-system-riscv64 is not installed');
      this.skip();
    }
    folder = mkdtempSync(join(tmpdir(), 'gdb-remote-'));
  });
  after(() => folder && rmSync(folder, { recursive: true, force: true }));
  afterEach(() => started.splice(0).forEach((child) => child.kill('SIGKILL')));

  /** What gdb prints for each command on a machine that has not begun to run. */
  async function ask(
    program: readonly string[],
    tree: Tree,
    harts: number,
    commands: readonly string[],
  ): Promise<string[]> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const machine = ['-machine', 'virt', '-bios', 'none', '-kernel', tree.kernel, '-m', '128M', '-smp', `${harts}`];
    const drive = ['-drive', `file=${tree.image},if=none,format=raw,id=x0,snapshot=on`];
    const device = ['-device', 'virtio-blk-device,drive=x0,bus=virtio-mmio-bus.0', '-nographic'];
    const virtio = tree.legacyVirtio ? [] : ['-global', 'virtio-mmio.force-legacy=false'];
    const stub = ['-S', '-gdb', `tcp:127.0.0.1:${port}`];
    const [command, ...first] = program;
    const options = [...first, ...machine, ...virtio, ...drive, ...device, ...stub];
    started.push(spawn(command!, options, { stdio: ['pipe', 'ignore', 'ignore'], cwd: ROOT }));
    const answer = join(folder, `${port}.json`);
    const settings = ['pagination off', 'confirm off', 'breakpoint pending off', 'width 0', 'tcp connect-timeout 20'];
    const gdb = spawn(
      'gdb-multiarch',
      [
        ...['-nx', '-batch', ...settings.flatMap((setting) => ['-ex', `set ${setting}`]), '-ex', `file ${tree.kernel}`],
        ...['-ex', `target remote 127.0.0.1:${port}`, '-x', join(__dirname, 'gdb-commands.py')],
      ],
      {
        // Elsewhere gdb would find the sources, and show them.
        cwd: '/',
        env: { ...process.env, XV6_DEBUG_COMMANDS: JSON.stringify(commands), XV6_DEBUG_OUT: answer },
        stdio: 'ignore',
        timeout: SECONDS * 1000,
      },
    );
    await once(gdb, 'close');
    return (JSON.parse(readFileSync(answer, 'utf8')) as string[]).map(normalized);
  }

  const ours = [process.execPath, '-r', 'tsx/cjs', join(ROOT, 'cli', 'program.ts')];

  async function compare(tree: Tree, harts: number, commands: readonly string[]): Promise<void> {
    const theirs = await ask([QEMU], tree, harts, commands);
    const own = await ask(ours, tree, harts, commands);
    assert.equal(own.length, commands.length);
    const answers = (outputs: readonly string[]): string[] => commands.map((one, i) => `${i} ${one}\n${outputs[i]}`);
    assert.deepEqual(answers(own), answers(theirs));
  }

  function suite(tree: Tree): void {
    it(`answers on ${tree.name} as with QEMU`, async () => {
      const functions = FUNCTIONS.filter((name) => hasSymbol(tree.kernel, name));
      const commands = onKernel(functions, tree.shell);
      assert.ok(commands.length > 200);
      await compare(tree, 1, commands);
    });

    it(`sees the harts of ${tree.name} as with QEMU`, async () => {
      const threads = ['1', '2', '3'].flatMap((id) => [`thread ${id}`, 'info registers', 'x/3i $pc', 'p $mhartid']);
      // What the others do meanwhile is their own affair.
      const steps = Array.from({ length: 5 }, () => ['stepi', 'p/x $pc', 'info registers']).flat();
      await compare(tree, 3, ['info threads', 'thread apply all p $mhartid', ...threads, 'thread 2', ...steps]);
    });

    it(`goes back on ${tree.name} to the same registers and memory`, async () => {
      const forwards = Array.from({ length: STOPS }, () => ['continue', ...SNAPSHOT]).flat();
      const backwards = Array.from({ length: STOPS - 1 }, () => ['reverse-continue', ...SNAPSHOT]).flat();
      const steps = Array.from({ length: STOPS }, () => 'stepi');
      const back = steps.map(() => 'reverse-stepi');
      const commands = [
        ...['break kalloc', 'ignore $bpnum 20', ...forwards, ...backwards, ...SNAPSHOT],
        ...[
          ...steps,
          ...back,
          ...SNAPSHOT,
          'reverse-finish',
          'reverse-next',
          'next',
          'delete',
          'reverse-continue',
          'p/x $pc',
        ],
      ];
      const outputs = await ask(ours, tree, 1, commands);
      const each = SNAPSHOT.length + 1;
      const states = Array.from({ length: 2 * STOPS - 1 }, (_, i) =>
        outputs.slice(2 + i * each + 1, 2 + (i + 1) * each),
      );
      for (let i = 1; i < STOPS; i++) assert.deepEqual(states[STOPS - 1 + i], states[STOPS - 1 - i]);
      assert.equal(new Set(states.slice(0, STOPS).map((state) => state.join())).size, STOPS);
      const stepped = 2 + (2 * STOPS - 1) * each + SNAPSHOT.length + 2 * STOPS;
      assert.deepEqual(outputs.slice(stepped, stepped + SNAPSHOT.length), states[0]);
      assert.match(outputs.at(-1)!, / = 0x1000\n/);
    });
  }

  suite(sample);

  const folderOfTree = process.env.XV6_DIR;
  if (folderOfTree !== undefined) {
    const lab = labAt(folderOfTree);
    suite({ ...lab, shell: join(folderOfTree, 'user', '_sh') });
  }
});

function hasSymbol(file: string, name: string): boolean {
  try {
    symbolAddress(readFileSync(file), name);
    return true;
  } catch {
    return false;
  }
}

/** QEMU ends lines as terminals do, and says of threads only that they run. */
const normalized = (output: string): string =>
  output
    .replaceAll('\r', '')
    .replace(/(CPU#\d) \[[^\]]*\] */g, '$1 ')
    .replace(/^ {2}Id .*$/m, '');
