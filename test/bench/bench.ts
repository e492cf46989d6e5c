/**
 * npm run bench: this machine beside QEMU on the same computer, by turns; medians, and their ratio. Speed is counted in the
 * instructions that the guest executes, which are the same in both. With XV6_DIR, a real xv6 boots too.
 */
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { Machine } from '../../emulator/machine';
import { labAt } from '../guests/lab';
import { QEMU, haveQemu } from '../guests/qemu';
import { KERNELS, NOTHING } from './kernels';

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);
const ROOT = path.join(__dirname, '..', '..');
const EMULATOR = path.join(ROOT, 'dist', 'xv6-emu.js');
const MIB = 1 << 20;
const LIMIT = 120_000;

type Command = readonly [program: string, ...args: string[]];

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1];

/** Milliseconds until the command has written `text`, or until it has ended if there is no text. */
function time([program, ...args]: Command, text?: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const timer = setTimeout(() => child.kill('SIGKILL'), LIMIT);
    let output = '';
    let reached: number | undefined;
    child.stdout.on('data', (piece: Buffer) => {
      output = (output + piece.toString('latin1')).slice(-1000);
      if (reached !== undefined || text === undefined || !output.includes(text)) return;
      reached = performance.now() - began;
      child.kill('SIGKILL');
    });
    child.on('error', reject);
    child.on('close', () => {
      clearTimeout(timer);
      if (text === undefined) resolve(performance.now() - began);
      else if (reached === undefined) reject(new Error(`${program} did not show "${text}" in ${LIMIT} ms`));
      else resolve(reached);
    });
  });
}

/** Both by turns, so that whatever else the computer does hits both. */
async function byTurns(
  here: () => Promise<number>,
  qemu: (() => Promise<number>) | undefined,
): Promise<[number, number]> {
  const times: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    times[0].push(await here());
    if (qemu) times[1].push(await qemu());
  }
  return [median(times[0]), qemu ? median(times[1]) : NaN];
}

const shown = (value: number, digits: number): string => (Number.isNaN(value) ? 'no QEMU' : value.toFixed(digits));
const row = (...cells: string[]): void => console.log(`| ${cells.join(' | ')} |`);

async function kernels(folder: string, withQemu: boolean): Promise<void> {
  const qemuCommand = (name: string, kernel: Uint8Array): Command => {
    const file = path.join(folder, name.replaceAll(' ', '-'));
    fs.writeFileSync(file, kernel);
    return [QEMU, '-machine', 'virt', '-bios', 'none', '-m', '64M', '-display', 'none', '-kernel', file];
  };
  const empty = withQemu ? median(await repeated(() => time(qemuCommand('nothing', NOTHING)))) : 0;
  row('kernel', 'million instructions', 'MIPS here', 'MIPS in QEMU', 'here / QEMU');
  row('---', '---:', '---:', '---:', '---:');
  for (const [name, kernel] of Object.entries(KERNELS)) {
    let executed = 0;
    const here = (): Promise<number> => {
      const machine = new Machine({ harts: 1, memory: 64 * MIB, kernel, legacyVirtio: true });
      const began = performance.now();
      while (machine.run({ instructions: 1_000_000 }).kind === 'budget');
      executed = machine.executed;
      return Promise.resolve(performance.now() - began);
    };
    const command = qemuCommand(name, kernel);
    const [ours, theirs] = await byTurns(here, withQemu ? async () => (await time(command)) - empty : undefined);
    const mips = [executed / 1000 / ours, executed / 1000 / theirs];
    row(name, (executed / 1e6).toFixed(0), shown(mips[0], 0), shown(mips[1], 0), shown(mips[0] / mips[1], 2));
  }
}

async function repeated(measure: () => Promise<number>): Promise<number[]> {
  const values: number[] = [];
  for (let round = 0; round < ROUNDS; round++) values.push(await measure());
  return values;
}

async function boots(folder: string, withQemu: boolean): Promise<void> {
  const sample = path.join(ROOT, 'sample', 'prebuilt');
  const labs = [
    {
      name: 'sample kernel',
      kernel: path.join(sample, 'kernel'),
      image: path.join(sample, 'fs.img'),
      memory: 128 * MIB,
      legacyVirtio: false,
    },
    ...(process.env.XV6_DIR === undefined ? [] : [labAt(process.env.XV6_DIR)]),
  ];
  console.log();
  row('process start to prompt', 'harts', 'seconds here', 'seconds in QEMU', 'here / QEMU');
  row('---', '---:', '---:', '---:', '---:');
  for (const { name, kernel, image, memory, legacyVirtio } of labs) {
    const copy = path.join(folder, 'fs.img');
    const legacy = legacyVirtio ? [] : ['-global', 'virtio-mmio.force-legacy=false'];
    for (const harts of ['1', '3']) {
      const args = [
        ...[
          '-machine',
          'virt',
          '-bios',
          'none',
          '-kernel',
          kernel,
          '-m',
          `${memory / MIB}M`,
          '-smp',
          harts,
          '-nographic',
        ],
        ...[...legacy, '-drive', `file=${copy},if=none,format=raw,id=x0`],
        ...['-device', 'virtio-blk-device,drive=x0,bus=virtio-mmio-bus.0'],
      ];
      const boot = (...command: Command): Promise<number> => {
        fs.copyFileSync(image, copy);
        return time([...command, ...args], '$ ');
      };
      // The kernels of 2019 and 2020 program no PMP, and run in QEMU only without one.
      const cpu = legacyVirtio ? ['-cpu', 'rv64,pmp=false'] : [];
      const [ours, theirs] = await byTurns(
        () => boot(process.execPath, EMULATOR),
        withQemu ? () => boot(QEMU, ...cpu) : undefined,
      );
      row(name, harts, shown(ours / 1000, 2), shown(theirs / 1000, 2), shown(ours / theirs, 2));
    }
  }
}

async function main(): Promise<void> {
  if (!fs.existsSync(EMULATOR)) throw new Error(`${EMULATOR} is missing: npm run build`);
  const withQemu = haveQemu();
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bench-'));
  try {
    console.log(
      `${os.cpus()[0].model}, ${os.cpus().length} processors, Node ${process.version}, medians of ${ROUNDS}\n`,
    );
    await kernels(folder, withQemu);
    await boots(folder, withQemu);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
