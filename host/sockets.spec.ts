/** The user-mode network on sockets of Node: TCP both ways, and that nobody but this computer can reach what listens. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as net from 'node:net';
import { GATEWAY, GUEST } from '../emulator/network/addresses';
import type { Endpoint } from '../emulator/network/host-sockets';
import type { Segment } from '../emulator/network/tcp-segment';
import { UserNetwork } from '../emulator/network/user-network';
import {
  arpReply,
  bytesOf,
  packetIn,
  tcpFrame,
  tcpIn,
  textOfBytes,
  typeOf,
} from '../emulator/testing/network/guest-packets';
import { SOCKETS } from './sockets';

const [FIN, SYN, RST, ACK] = [1, 2, 4, 16];
const PORT = 80;

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    assert.ok(tries < 500, 'it did not come');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as net.AddressInfo;
      server.close(() => resolve(port));
    });
  });

/** A guest with one connection, which acknowledges whatever it is sent. */
class Guest {
  received = '';
  flags = 0;
  private sequence = 1000;
  private expected = 0;
  readonly network: UserNetwork;

  constructor(
    private readonly port: number,
    private peer: Endpoint,
    forwarded?: number,
  ) {
    const forwards =
      forwarded === undefined
        ? []
        : [{ protocol: 'tcp' as const, hostPort: forwarded, guest: { address: GUEST, port } }];
    this.network = new UserNetwork({ forwards, isRestricted: false }, SOCKETS, {
      deliver: (frame) => this.take(frame),
      problem: (text) => assert.fail(text),
    });
    this.network.transmit(arpReply());
  }

  send(flags: number, text = ''): void {
    const content = bytesOf(text);
    const numbers = { sequence: this.sequence, acknowledgement: this.expected };
    this.network.transmit(tcpFrame(this.port, this.peer, { flags, ...numbers, content }));
    this.sequence += content.length + ((flags & (SYN | FIN)) !== 0 ? 1 : 0);
  }

  private take(frame: Uint8Array): void {
    if (typeOf(frame) !== 0x0800) return;
    const segment: Segment = tcpIn(frame);
    this.flags |= segment.flags;
    if ((segment.flags & SYN) !== 0) {
      const { content } = packetIn(frame);
      this.peer = { address: GATEWAY, port: content[0]! * 256 + content[1]! };
      this.expected = segment.sequence + 1;
      this.send((segment.flags & ACK) === 0 ? SYN | ACK : ACK);
    } else if (segment.sequence === this.expected) {
      this.received += textOfBytes(segment.content);
      const ends = (segment.flags & FIN) !== 0;
      this.expected += segment.content.length + (ends ? 1 : 0);
      if (segment.content.length > 0 || ends) this.send(ACK);
    }
  }
}

/** The addresses on which somebody listens at a port, of IPv4 and IPv6, as the kernel writes them. */
function listeners(port: number): string[] {
  return ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) =>
    fs
      .readFileSync(file, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, local, , state]) => state === '0A' && parseInt(local?.split(':')[1] ?? '', 16) === port)
      .map(([, local]) => local!.split(':')[0]!),
  );
}

describe('the network on sockets of Node', () => {
  it('connects the guest to a server on this computer', async () => {
    const long = 'x'.repeat(200_000);
    const server = net.createServer((socket) => {
      socket.once('data', (bytes) => socket.end(`${bytes.toString()}${long}`));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const guest = new Guest(5000, { address: GATEWAY, port: (server.address() as net.AddressInfo).port });
    guest.send(SYN);
    await until(() => (guest.flags & SYN) !== 0);
    guest.send(ACK, 'echo this ');
    await until(() => (guest.flags & FIN) !== 0);
    assert.equal(guest.received, `echo this ${long}`);
    guest.send(FIN | ACK);
    guest.network.close();
    await new Promise((resolve) => server.close(resolve));
  });

  it('refuses the guest where nobody listens', async () => {
    const guest = new Guest(5000, { address: GATEWAY, port: await freePort() });
    guest.send(SYN);
    await until(() => (guest.flags & RST) !== 0);
    guest.network.close();
  });

  it('connects a program on this computer to the guest, and no other computer', async () => {
    const forwarded = await freePort();
    const guest = new Guest(PORT, { address: GATEWAY, port: 0 }, forwarded);
    const client = await new Promise<net.Socket>((resolve, reject) => {
      // It listens with the next turn.
      setTimeout(() => {
        const socket = net.connect(forwarded, '127.0.0.1', () => resolve(socket)).on('error', reject);
      }, 20);
    });
    if (process.platform === 'linux') assert.deepEqual(listeners(forwarded), ['0100007F']);
    let received = '';
    client.on('data', (bytes) => (received += bytes.toString()));
    client.write('GET / ');
    await until(() => guest.received === 'GET / ');
    guest.send(ACK, 'hello from the guest');
    await until(() => received === 'hello from the guest');
    const closed = new Promise((resolve) => client.on('close', resolve));
    guest.network.close();
    await closed;
    if (process.platform === 'linux') assert.deepEqual(listeners(forwarded), []);
  });
});
