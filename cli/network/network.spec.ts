/** The program with a guest on its network: the host's sockets, captured frames, and the recording that needs no network. */
import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import * as dgram from 'node:dgram';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { GUEST_PORT, networkGuest } from '../../emulator/testing/network/network-guest';

const ROOT = path.join(__dirname, '../..');

const start = (args: readonly string[]): ChildProcessWithoutNullStreams =>
  spawn(process.execPath, ['-r', 'tsx/cjs', 'cli/program.ts', ...args], { cwd: ROOT });

function finish(
  child: ChildProcessWithoutNullStreams,
): Promise<{ status: number | null; output: string; errors: string }> {
  let [output, errors] = ['', ''];
  child.stdout.on('data', (piece: Buffer) => (output += piece.toString()));
  child.stderr.on('data', (piece: Buffer) => (errors += piece.toString()));
  return new Promise((resolve) => child.on('close', (status) => resolve({ status, output, errors })));
}

/** A port of 127.0.0.1 that is free now. */
async function freePort(): Promise<number> {
  const socket = await bound();
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return port;
}

async function bound(): Promise<dgram.Socket> {
  const socket = dgram.createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return socket;
}

describe('xv6-emu with a network', function () {
  this.timeout(60_000);
  let folder: string;
  let server: dgram.Socket;
  const file = (name: string): string => path.join(folder, name);

  beforeEach(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'xv6-emu-'));
    server = await bound();
    fs.writeFileSync(file('kernel'), networkGuest(server.address().port));
  });
  afterEach(() => {
    server.close();
    fs.rmSync(folder, { recursive: true });
  });

  it('talks to the host both ways, captures that, and needs no network to do it again', async () => {
    const forwarded = await freePort();
    const hellos: number[] = [];
    let listening: string[] = [];
    server.on('message', (text, from) => {
      assert.equal(text.toString(), 'hello');
      hellos.push(from.port);
      if (hellos.length === 1) {
        listening = listeners(forwarded);
        server.send('from the server; ', from.port, '127.0.0.1');
        // Whoever comes to the forwarded port is answered from there.
      } else if (hellos.length === 2) {
        server.send('by the forwarded port; ', forwarded, '127.0.0.1');
      } else {
        server.send('bye.', forwarded, '127.0.0.1');
      }
    });
    const network = [
      ...['-netdev', `user,id=n,hostfwd=udp::${forwarded}-:${GUEST_PORT}`, '-device', 'e1000,netdev=n,bus=pcie.0'],
      ...['-object', `filter-dump,netdev=n,file=${file('pcap')}`],
    ];
    const run = await finish(start(['-kernel', file('kernel'), ...network, '--record', file('run')]));
    assert.deepEqual(run, { status: 0, output: 'from the server; by the forwarded port; bye.', errors: '' });
    assert.deepEqual([...new Set(hellos)], [forwarded]);
    if (process.platform === 'linux') assert.deepEqual(listening, ['0100007F']);

    const captured = fs.readFileSync(file('pcap'));
    assert.deepEqual([captured.readUInt32LE(0), captured.readUInt32LE(20)], [0xa1b2c3d4, 1]);
    assert.ok(captured.includes('by the forwarded port'));
    const shown = spawnSync('tcpdump', ['-nr', file('pcap'), 'udp'], { encoding: 'utf8' });
    if (shown.error) console.log('      not compared: tcpdump is not on the PATH (Debian package tcpdump)');
    else assert.match(shown.stdout, /IP 10\.0\.2\.15\.2000 > 10\.0\.2\.2\.\d+: UDP, length 5/);

    server.close();
    server = await bound();
    const again = await finish(start(['--replay', file('run')]));
    assert.equal(again.status, 0);
    assert.equal(again.output, run.output);
    assert.match(again.errors, /state [0-9a-f]{16}/);
  });

  it('leaves no socket behind that would keep it from ending', async () => {
    const network = ['-netdev', `user,id=n,hostfwd=udp::${await freePort()}-:1`, '-device', 'e1000,netdev=n'];
    const missing = await finish(start(['-kernel', file('none'), ...network]));
    assert.equal(missing.status, 2);
    const capture = ['-object', `filter-dump,netdev=n,file=${folder}`];
    const { status, errors } = await finish(start(['-kernel', file('kernel'), ...network, ...capture]));
    assert.deepEqual([status, errors.includes('cannot be written')], [2, true]);
  });

  it('says that a port is in use, and goes on', async () => {
    const taken = await bound();
    const { port } = taken.address();
    server.on('message', (_, from) => server.send('bye.', from.port, '127.0.0.1'));
    const network = ['-netdev', `user,id=n,hostfwd=udp::${port}-:2001`, '-device', 'e1000,netdev=n'];
    const { output, errors } = await finish(start(['-kernel', file('kernel'), ...network]));
    taken.close();
    assert.equal(output, 'bye.');
    assert.match(errors, /UDP port \d+ of 127\.0\.0\.1 is not forwarded: .*in use/);
  });
});

/** The addresses on which somebody has this UDP port, as the kernel writes them. */
function listeners(port: number): string[] {
  if (process.platform !== 'linux') return [];
  const lines = fs.readFileSync('/proc/net/udp', 'utf8').split('\n').slice(1);
  const places = lines.map((line) => line.trim().split(/\s+/)[1]?.split(':') ?? []);
  return places.flatMap(([address, hex]) => (parseInt(hex ?? '', 16) === port ? [address!] : []));
}
