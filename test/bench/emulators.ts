/** The two programs to compare, and their command lines for the same machine. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { QEMU } from '../guests/qemu';
import type { Lab } from '../guests/lab';
import type { Command } from './processes';

export const ROOT = path.join(__dirname, '..', '..');
export const EMULATOR = path.join(ROOT, 'dist', 'xv6-emu.js');

/** By the first line of the file, as its users start it. */
export const HERE: Command = [EMULATOR];
/** Another build's dist/xv6-emu.js to compare with in QEMU's place: two commits side by side in one run. */
const AGAINST = process.env.BENCH_AGAINST;
export const THERE: Command = AGAINST === undefined ? [QEMU] : [path.resolve(AGAINST)];
/** The title of the other column. */
export const OTHER = AGAINST === undefined ? 'QEMU' : 'other build';
export const isQemu = (program: Command): boolean => program[0] === QEMU;

/** A guest without a kernel, with 64 MiB and one hart; its disk, if any, is a modern virtio device. */
export function bare(program: Command, kernel: string, disk?: string): Command {
  return [
    ...program,
    ...['-machine', 'virt', '-bios', 'none', '-m', '64M', '-nographic', '-kernel', kernel],
    ...(disk === undefined ? [] : ['-global', 'virtio-mmio.force-legacy=false', ...driveOptions(disk)]),
  ];
}

const driveOptions = (image: string): string[] => [
  ...['-drive', `file=${image},if=none,format=raw,id=x0`],
  ...['-device', 'virtio-blk-device,drive=x0,bus=virtio-mmio-bus.0'],
];

/** A lab as its Makefile's `make qemu` runs it. */
export function lab(program: Command, { kernel, memory, legacyVirtio }: Lab, image: string, harts: number): Command {
  return [
    ...program,
    // The kernels of 2019 and 2020 program no PMP, and run in QEMU only without one.
    ...(isQemu(program) && legacyVirtio ? ['-cpu', 'rv64,pmp=false'] : []),
    ...['-machine', 'virt', '-bios', 'none', '-kernel', kernel, '-m', `${memory / 2 ** 20}M`, '-smp', String(harts)],
    '-nographic',
    ...(legacyVirtio ? [] : ['-global', 'virtio-mmio.force-legacy=false']),
    ...driveOptions(image),
  ];
}

/** A copy of a disk image with the times of the original, so that it counts as unchanged. */
export function copyOf(image: string, to: string): string {
  fs.copyFileSync(image, to);
  const { atime, mtime } = fs.statSync(image);
  fs.utimesSync(to, atime, mtime);
  return to;
}
