/** QEMU's `virt` board with the machine stopped, whose devices a test reads and writes over the qtest protocol. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { FakeDisk } from './fake-board';
import type { Bus } from './virtio-driver';

export const SECTORS = 32;
const WIDTHS = { 1: 'b', 2: 'w', 4: 'l', 8: 'q' } as const;

/** The qtest protocol is described in QEMU's system/qtest.c. The disk has SECTORS sectors. */
export class QemuBus implements Bus {
  private readonly process: ChildProcess;
  private readonly waiting: ((line: string) => void)[] = [];
  private readonly folder = mkdtempSync(join(tmpdir(), 'virt-devices-'));
  private failure: Error | undefined;
  private readonly console = join(this.folder, 'console');

  /** `others`: more of QEMU's options; -S stops the board, as is needed unless its clock is to pass. */
  constructor(legacy: boolean, readOnly: boolean, others: readonly string[] = ['-S']) {
    const disk = join(this.folder, 'disk');
    writeFileSync(disk, new FakeDisk(SECTORS).content);
    const drive = `file=${disk},if=none,format=raw,id=x0${readOnly ? ',readonly=on' : ''}`;
    this.process = spawn('qemu-system-riscv64', [
      ...['-machine', 'virt', '-bios', 'none', '-m', '128M', '-smp', '2', '-nodefaults', '-display', 'none'],
      ...['-chardev', `file,id=console,path=${this.console}`, '-serial', 'chardev:console'],
      ...['-global', `virtio-mmio.force-legacy=${legacy}`, '-drive', drive],
      ...['-device', 'virtio-blk-device,drive=x0,bus=virtio-mmio-bus.0,serial=disk0'],
      ...['-qtest', 'stdio', '-qtest-log', 'none', ...others],
    ]);
    this.process.on('error', (error) => {
      this.failure = new Error(`cannot start qemu-system-riscv64 (Debian package qemu-system-misc): ${error.message}`);
      this.waiting.splice(0).forEach((resolve) => resolve(''));
    });
    createInterface({ input: this.process.stdout! }).on('line', (line) => this.waiting.shift()?.(line));
    this.process.stdin!.on('error', () => this.process.kill());
  }

  async load(address: number, size: 1 | 2 | 4 | 8): Promise<bigint> {
    return BigInt(await this.command(`read${WIDTHS[size]} 0x${address.toString(16)}`));
  }

  async store(address: number, size: 1 | 2 | 4 | 8, value: bigint): Promise<void> {
    await this.command(`write${WIDTHS[size]} 0x${address.toString(16)} 0x${value.toString(16)}`);
  }

  async read(address: number, length: number): Promise<Uint8Array> {
    const hex = await this.command(`read 0x${address.toString(16)} 0x${length.toString(16)}`);
    return Uint8Array.from(Buffer.from(hex.slice(2), 'hex'));
  }

  async write(address: number, bytes: Uint8Array): Promise<void> {
    const hex = Buffer.from(bytes).toString('hex');
    await this.command(`write 0x${address.toString(16)} 0x${bytes.length.toString(16)} 0x${hex}`);
  }

  /** QEMU's main loop carries requests out; this gives it time to run. */
  async settle(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 30));
  }

  consoleOutput(): Uint8Array {
    return readFileSync(this.console);
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.process.once('close', resolve));
    if (this.process.exitCode === null && !this.failure) {
      this.process.kill();
      await ended;
    }
    rmSync(this.folder, { recursive: true });
  }

  private async command(text: string): Promise<string> {
    const answer = await new Promise<string>((resolve) => {
      this.waiting.push(resolve);
      this.process.stdin!.write(`${text}\n`);
    });
    if (this.failure) throw this.failure;
    assert.match(answer, /^OK/, `${text}: ${answer}`);
    return answer.slice(3);
  }
}
