/** A guest with a network under the debugger: it talks to the host, and what it does again in the past is not sent again. */
import { strict as assert } from 'node:assert';
import * as dgram from 'node:dgram';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeRun } from '../../../emulator/history/recorded-run';
import { GUEST_PORT, networkGuest } from '../../../emulator/testing/network/network-guest';
import { sessions, TestSession } from '../support';

async function bound(): Promise<dgram.Socket> {
  const socket = dgram.createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return socket;
}

describe('a network', function () {
  this.timeout(60_000);
  const session = sessions();
  let server: dgram.Socket;
  let hellos: number;

  beforeEach(async () => {
    server = await bound();
    hellos = 0;
    server.on('message', (_, from) => {
      hellos++;
      if (hellos <= 10) server.send(`<${hellos}>`, from.port, '127.0.0.1');
    });
  });
  afterEach(() => server.close());

  async function boot(current: TestSession, forwarded: number): Promise<void> {
    const kernel = join(current.folder, 'network-guest');
    writeFileSync(kernel, networkGuest(server.address().port));
    await current.boot({ kernel, network: [`udp::${forwarded}-:${GUEST_PORT}`] });
  }

  it('is there for the guest, and not in the past', async () => {
    const free = await bound();
    const { port } = free.address();
    await new Promise<void>((resolve) => free.close(() => resolve()));
    await boot(session(), port);
    await session().written('<10>');
    while (hellos < 11) await new Promise((resolve) => setTimeout(resolve, 10));
    await session().pauseRequest({ threadId: 1 });
    await session().stopped();
    await session().customRequest('reverseContinue', { threadId: 1 });
    await session().stopped();
    const from = session().console.length;
    await session().continueRequest({ threadId: 1 });
    await session().written('<10>', from);
    await session().pauseRequest({ threadId: 1 });
    await session().stopped();
    assert.equal(hellos, 11);

    // A machine that stands still takes nothing.
    server.send('later', port, '127.0.0.1');
    await new Promise((resolve) => setTimeout(resolve, 50));
    const { base64 } = await session().ask('xv6.record', {});
    const { inputs } = await decodeRun(Uint8Array.from(Buffer.from(base64, 'base64')));
    const frames = inputs.filter(({ input }) => input.kind === 'frame').length;
    assert.ok(frames >= 10);
    await session().continueRequest({ threadId: 1 });
    await session().written('later', from);
    const all = Array.from({ length: 10 }, (_, index) => `<${index + 1}>`).join('');
    assert.equal(session().console, `${all}${all}later`);
  });

  it('is in the timeline, packet by packet', async () => {
    const free = await bound();
    const { port } = free.address();
    await new Promise<void>((resolve) => free.close(() => resolve()));
    await boot(session(), port);
    await session().written('<10>');
    while (hellos < 11) await new Promise((resolve) => setTimeout(resolve, 10));
    await session().pauseRequest({ threadId: 1 });
    await session().stopped();
    let model = await session().ask('xv6.timeline', { columns: 100_000 });
    while (model.reading) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      model = await session().ask('xv6.timeline', { columns: 100_000 });
    }
    const packets = model.marks.filter(({ lane }) => lane === 'packets');
    const count = (kind: string): number =>
      packets.flatMap(({ kinds }) => kinds).reduce((sum, [name, number]) => sum + (name === kind ? number : 0), 0);
    // Twice the guest says who it is.
    assert.equal(count('packet sent'), hellos + 2);
    assert.equal(count('packet received'), 10);
    const texts = packets.map(({ text }) => text);
    const peer = `10.0.2.2:${server.address().port}`;
    assert.ok(texts.includes('packet sent: ARP: 10.0.2.15 is at 52:54:00:12:34:56'), texts.join('\n'));
    assert.ok(texts.includes(`packet received: UDP ${peer} → 10.0.2.15:2000, 3 bytes`), texts.join('\n'));
    const { title, rows } = await session().ask('xv6.query', { query: '$packets()' });
    assert.equal(title, `${hellos + 12} packets; the latest last`);
    const arrived = rows.filter(({ what }) => what.startsWith('received: UDP'));
    assert.deepEqual(
      arrived.map(({ parts }) => /<\d+>/.exec(parts[3]!.value)![0]),
      Array.from({ length: 10 }, (_, index) => `<${index + 1}>`),
    );
    assert.deepEqual(
      arrived[0]!.parts.map(({ name }) => name),
      ['Ethernet', 'IPv4', 'UDP', '3 bytes'],
    );
    assert.equal(rows.filter(({ what, hart }) => what.startsWith('sent: ') && hart === 0).length, hellos + 2);
    // A greeting goes out after each that has come.
    assert.match(rows[rows.indexOf(arrived[0]!) + 1]!.what, /^sent: UDP/);
    const { count: saved, base64 } = await session().ask('xv6.packets', {});
    const captured = Buffer.from(base64, 'base64');
    assert.deepEqual([saved, captured.readUInt32LE(0)], [rows.length, 0xa1b2c3d4]);
    // The first is the guest's ARP.
    assert.deepEqual([captured.readUInt32LE(24 + 12), captured.readUInt16BE(24 + 16 + 12)], [42, 0x0806]);
    assert.ok(Math.abs(captured.readUInt32LE(24) - Date.now() / 1000) < 60);
    // Whoever has the recording asks the same.
    const file = join(session().folder, 'run.xv6run');
    writeFileSync(file, Buffer.from((await session().ask('xv6.record', {})).base64, 'base64'));
    const reader = await TestSession.open();
    try {
      const initialized = reader.waitForEvent('initialized');
      await reader.launchRequest({ recording: file } as object);
      await initialized;
      await reader.configurationDoneRequest();
      await reader.stopped();
      assert.deepEqual(
        (await reader.ask('xv6.query', { query: '$packets()' })).rows.map(({ what }) => what),
        rows.map(({ what }) => what),
      );
    } finally {
      await reader.stop();
    }
    await assert.rejects(session().ask('xv6.query', { query: '$packets(1)' }), /too much in \$packets/);
    const received = packets.find(({ text }) => text.startsWith('packet received'))!;
    await session().ask('xv6.goTo', { instant: received.instant });
    const { description } = await session().stopped();
    assert.match(description!, /before the present/);
  });

  it('says which port is not forwarded, and what is no port', async () => {
    await boot(session(), server.address().port);
    while (!session().messages.includes('is not forwarded')) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.match(session().messages, /UDP port \d+ of 127\.0\.0\.1 is not forwarded: address already in use/);
  });

  it('is refused if it is not stated as QEMU does', async () => {
    const launch = (network: unknown): Promise<unknown> =>
      session().boot({ network } as Parameters<TestSession['boot']>[0]);
    await assert.rejects(launch('udp::1-:2'), /"network" in the launch configuration .*must be a list/);
    await assert.rejects(launch(['udp:0.0.0.0:1-:2']), /only forwarded from 127\.0\.0\.1/);
  });
});
