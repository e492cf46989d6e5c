/** gdb beside a session: both debuggers have one machine, and each sees what the other one does to it. */
import { strict as assert } from 'node:assert';
import * as net from 'node:net';
import { PacketReader, packetOf } from '../../../gdb-stub/packets';
import { sessions } from '../support';

/** A client of gdb's protocol that acknowledges nothing. */
class Gdb {
  private readonly socket: net.Socket;
  private readonly reader = new PacketReader();
  private readonly received: string[] = [];
  private heard: (() => void) | undefined;
  isClosed = false;

  constructor(port: number) {
    this.socket = net.connect(port, '127.0.0.1');
    this.socket.on('data', (bytes) => {
      for (const one of this.reader.read(bytes)) if (one.kind === 'packet') this.received.push(one.text);
      this.heard?.();
    });
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => {
      this.isClosed = true;
      this.heard?.();
    });
  }

  send(packet: string): void {
    this.socket.write(packet === '\x03' ? packet : packetOf(packet));
  }

  /** The next packet; undefined if the connection is over. */
  async next(): Promise<string | undefined> {
    while (this.received.length === 0 && !this.isClosed) await new Promise<void>((go) => (this.heard = go));
    return this.received.shift();
  }

  ask(packet: string): Promise<string | undefined> {
    this.send(packet);
    return this.next();
  }

  /** That nothing has come unasked is seen once the next answer is in order. */
  get unread(): number {
    return this.received.length;
  }

  end(): void {
    this.socket.destroy();
  }
}

async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}

const word = (address: bigint): string => `m${address.toString(16)},8`;
const littleEndian = (text: string): bigint => Buffer.from(text, 'hex').readBigUInt64LE();

describe('gdb beside a session', function () {
  this.timeout(60_000);
  const session = sessions();
  let gdb: Gdb | undefined;
  afterEach(() => gdb?.end());

  async function booted(functions: string[] = []): Promise<number> {
    const gdbPort = await freePort();
    await session().boot({ harts: 3, gdbPort, functions });
    return gdbPort;
  }
  async function connected(port: number): Promise<Gdb> {
    gdb = new Gdb(port);
    const features = await gdb.ask('qSupported:swbreak+');
    assert.match(features!, /vContSupported\+/);
    assert.doesNotMatch(features!, /Reverse/);
    return gdb;
  }
  const address = async (expression: string, threadId = 1): Promise<bigint> => {
    const { stackFrames } = (await session().stackTraceRequest({ threadId })).body;
    const frameId = stackFrames[0]!.id;
    const { result } = (await session().evaluateRequest({ expression, frameId, context: 'watch' })).body;
    return BigInt(/0x[0-9a-f]+/.exec(result)![0]);
  };

  it('pauses the machine as it comes, runs it on, and both are told where it stops', async () => {
    const port = await booted();
    await session().written('$ ');
    const one = await connected(port);
    const { reason, description } = await session().stopped();
    assert.deepEqual([reason, description], ['pause', 'Paused by gdb']);
    const syscall = await address('&syscall');

    // A breakpoint of gdb's.
    assert.equal(await one.ask(`Z0,${syscall.toString(16)},4`), 'OK');
    const continued = session().waitForEvent('continued');
    one.send('vCont;c');
    await continued;
    await session().type('ls\n');
    const stop = await session().stopped();
    assert.equal(stop.description, 'Paused by gdb');
    const reply = /^T05thread:0?([123]);/.exec((await one.next())!)!;
    assert.equal(Number(reply[1]), stop.threadId);
    const frames = (await session().stackTraceRequest({ threadId: stop.threadId! })).body.stackFrames;
    assert.equal(frames[0]!.name, 'syscall');
    assert.equal(littleEndian((await one.ask('p20'))!), syscall);
    assert.equal(await one.ask(`z0,${syscall.toString(16)},4`), 'OK');

    // One of the session's, while gdb waits.
    await session().setFunctionBreakpointsRequest({ breakpoints: [{ name: 'sys_exit' }] });
    one.send('vCont;c');
    assert.equal((await session().stopped()).reason, 'function breakpoint');
    assert.match((await one.next())!, /^T05thread:/);
    await session().setFunctionBreakpointsRequest({ breakpoints: [] });

    // The session lets it run, of which gdb cannot be told; what gdb asks then is answered, and stops nothing.
    await session().continueRequest({ threadId: 1 });
    assert.match((await one.ask(word(syscall)))!, /^[0-9a-f]{16}$/);
    assert.equal(one.unread, 0);
    one.send('vCont;c');
    await session().pauseRequest({ threadId: 1 });
    assert.equal((await session().stopped()).reason, 'pause');
    assert.match((await one.next())!, /^T05thread:/);

    assert.equal(await one.ask('D'), 'OK');
    assert.equal(await one.next(), undefined);
    await session().continueRequest({ threadId: 1 });
  });

  it('steps, writes what the session then shows, and changes nothing in the past', async () => {
    const port = await booted(['sys_exec']);
    const { threadId } = await session().stopped();
    const one = await connected(port);
    const hart = Number(threadId);
    assert.equal(await one.ask(`Hg${hart}`), 'OK');
    const sp = littleEndian((await one.ask('p2'))!);
    const continued = session().waitForEvent('continued');
    one.send(`vCont;s:${hart};c`);
    await continued;
    assert.equal((await session().stopped()).threadId, hart);
    assert.match((await one.next())!, new RegExp(`^T05thread:0?${hart};`));
    const invalidated = session().waitForEvent('invalidated');
    assert.equal(await one.ask('Pa=efcdab8967452301'), 'OK');
    await invalidated;
    assert.equal(await address('$a0', hart), 0x0123456789abcdefn);
    assert.equal(await one.ask(`M${(sp - 8n).toString(16)},8:8877665544332211`), 'OK');
    assert.equal(await address(`*(void **)0x${(sp - 8n).toString(16)}`, hart), 0x1122334455667788n);

    await session().customRequest('stepBack', { threadId: hart });
    await session().stopped();
    assert.equal(await one.ask('Pa=0000000000000000'), 'E14');
    assert.equal(await one.ask('bs'), '');
  });

  it('may end the machine, and another client is refused meanwhile', async () => {
    const port = await booted();
    await session().written('$ ');
    const one = await connected(port);
    await session().stopped();
    const other = new Gdb(port);
    assert.equal(await other.next(), undefined);
    const terminated = session().waitForEvent('terminated');
    one.send('k');
    await terminated;
    assert.match(session().messages, /gdb has ended the machine/);
    while ((await one.next()) !== undefined);
  });

  it('has its words for a port that is none, or is taken', async () => {
    await assert.rejects(session().boot({ gdbPort: 70_000 }), /"gdbPort" .* is 70000; it must be a whole number/);
    const server = net.createServer();
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const { port } = server.address() as net.AddressInfo;
    await session().boot({ gdbPort: port });
    await session().written('$ ');
    assert.match(session().messages, new RegExp(`"gdbPort" .*: cannot listen on ${port} \\(address already in use`));
    server.close();
  });
});
