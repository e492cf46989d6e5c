/** gdb's port: who reaches it, what waits for it, and how it ends. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { Assembler } from '../emulator/testing/assembler';
import { elf } from '../emulator/testing/elf';
import { R } from '../emulator/testing/encode';
import { packetOf } from '../gdb-stub/packets';

const ROOT = path.join(__dirname, '..');
const UART = 0x1000_0000;
const FINISHER = 0x10_0000;
const POWER_OFF = 0x5555;

/** A port that is free now. */
async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  return port;
}

describe("gdb's server of xv6-emu", function () {
  this.timeout(60_000);
  const started: ChildProcess[] = [];
  let folder: string;
  let kernel: string;
  let printing: string;

  before(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'xv6-gdb-'));
    kernel = path.join(folder, 'kernel');
    const a = new Assembler();
    a.label('print').li(R.t0, UART).li(R.t1, 'x'.charCodeAt(0)).op('sb', { rs1: R.t0, rs2: R.t1 });
    a.label('off').li(R.t0, FINISHER).li(R.t1, POWER_OFF).op('sw', { rs1: R.t0, rs2: R.t1 });
    a.label('end').to('end', 'jal');
    printing = a.addressOf('off').toString(16);
    fs.writeFileSync(kernel, elf(a.image()));
  });
  after(() => fs.rmSync(folder, { recursive: true, force: true }));
  afterEach(() => started.splice(0).forEach((child) => child.kill('SIGKILL')));

  const start = (...args: string[]): ChildProcess & { output: string; errors: string } => {
    const command = ['-r', 'tsx/cjs', 'cli/program.ts', '-kernel', kernel, '-bios', 'none', ...args];
    const child = Object.assign(spawn(process.execPath, command, { cwd: ROOT }), { output: '', errors: '' });
    child.stdout.on('data', (piece: Buffer) => void (child.output += piece.toString()));
    child.stderr.on('data', (piece: Buffer) => void (child.errors += piece.toString()));
    started.push(child);
    return child;
  };

  /** Tries until somebody listens. */
  async function connect(port: number, host = '127.0.0.1'): Promise<net.Socket> {
    for (;;) {
      const socket = net.connect(port, host).on('error', () => undefined);
      try {
        await once(socket, 'connect');
        return socket;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }

  /** Waits for what the stub sends. */
  async function received(socket: net.Socket, text: string): Promise<void> {
    let all = '';
    for await (const piece of socket) {
      all += String(piece);
      if (all.includes(text)) return;
    }
    assert.fail(`the connection ended with ${all}`);
  }

  it('has the machine wait, stops it at a breakpoint, and tells of its end', async () => {
    const port = await freePort();
    const child = start('-S', '-gdb', `tcp::${port}`);
    const socket = await connect(port);
    socket.write(packetOf(`Z1,${printing},1`));
    assert.equal(child.output, '');
    socket.write(packetOf('c'));
    let all = '';
    socket.on('data', (piece) => {
      all += piece.toString();
      if (/T05thread:01;#..$/.test(all)) socket.write(packetOf('c'));
    });
    const [status] = (await once(child, 'close')) as [number];
    assert.match(all, /^\+\$OK#9a\+\$T05thread:01;#[0-9a-f]{2}\+\$W00#b7$/);
    assert.equal(child.output, 'x');
    assert.equal(status, 0);
  });

  it('is for this computer only, and for one client after the other', async () => {
    const port = await freePort();
    const child = start('-S', '-gdb', `tcp:localhost:${port}`);
    const first = await connect(port);
    if (process.platform === 'linux') {
      const other = net.connect(port, '127.0.0.2');
      const [error] = (await once(other, 'error')) as [NodeJS.ErrnoException];
      assert.equal(error.code, 'ECONNREFUSED');
    }
    const second = await connect(port);
    second.write('$?#3f');
    const refused = await connect(port);
    await new Promise((resolve) => refused.resume().on('close', resolve));
    first.write('$qAttached#8f');
    await received(first, '$1#31');
    first.destroy();
    await received(second, '$T05thread:01;#');
    child.kill('SIGTERM');
    await once(child, 'close');
    // The port is free at once.
    const server = net.createServer().listen(port, '127.0.0.1');
    await once(server, 'listening');
    server.close();
  });

  for (const [how, status, ends] of [
    ['is free', 0, false],
    ['is locked by another', 250, true],
  ] as const) {
    it(`has clients that come before the disk ${how}`, async () => {
      const bin = fs.mkdtempSync(path.join(folder, 'bin-'));
      // Takes its time in Perl's place, which locks the disk.
      fs.writeFileSync(path.join(bin, 'perl'), `#!/bin/sh\nsleep 1\nexit ${status}\n`, { mode: 0o755 });
      const image = path.join(bin, 'fs.img');
      fs.writeFileSync(image, Buffer.alloc(1024));
      const port = await freePort();
      const { PATH } = process.env;
      process.env.PATH = `${bin}:${PATH}`;
      const drive = ['-drive', `file=${image},if=none,format=raw,id=x0`, '-device', 'virtio-blk-device,drive=x0'];
      const child = start('-S', '-gdb', `tcp::${port}`, ...drive);
      process.env.PATH = PATH;
      const socket = await connect(port);
      socket.write('$qAttached#8f');
      const gone = new Promise((resolve) => socket.on('close', resolve));
      if (!ends) {
        await received(socket, '$1#31');
        child.kill('SIGTERM');
      }
      socket.resume();
      assert.deepEqual((await once(child, 'close'))[0], ends ? 2 : 143);
      if (ends) assert.match(child.errors, /fs.img is in use/);
      await gone;
    });
  }

  it('is refused where it cannot be', async () => {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as net.AddressInfo;
    const child = start('-gdb', `tcp::${port}`);
    assert.deepEqual(await once(child, 'close'), [2, null]);
    assert.match(child.errors, /cannot listen \(address already in use/);
    server.close();
    const waiting = start('-S');
    assert.deepEqual(await once(waiting, 'close'), [2, null]);
    assert.match(waiting.errors, /nothing can let it run/);
  });
});
