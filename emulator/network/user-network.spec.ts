import assert from 'node:assert/strict';
import { FakeSockets, type FakeUdp } from '../testing/network/fake-sockets';
import {
  arpReply,
  arpRequest,
  bytesOf,
  GUEST_MAC,
  ipv4Frame,
  packetIn,
  typeOf,
  udpFrame,
  udpIn,
} from '../testing/network/guest-packets';
import { BROADCAST, GATEWAY, GUEST, LOOPBACK, NAME_SERVER } from './addresses';
import { EtherType, macOf, parseArp, viewOf } from './ethernet';
import { ForwardError, parseForward } from './forward';
import { checksum, datagramPacket, Protocol } from './ipv4';
import { UserNetwork } from './user-network';

const OUTER = 0x08080808;
const FORWARD = parseForward('udp::25999-:2000');

/** A network whose guest the spec is; the gateway knows its MAC, unless it is to ask for it. */
class Lan {
  readonly sockets = new FakeSockets();
  readonly problems: string[] = [];
  frames: Uint8Array[] = [];
  readonly network: UserNetwork;

  constructor(settings: { isRestricted?: boolean; isKnown?: boolean } = {}) {
    this.network = new UserNetwork(
      { forwards: [FORWARD], isRestricted: settings.isRestricted ?? false },
      this.sockets,
      { deliver: (frame) => void this.frames.push(frame), problem: (text) => void this.problems.push(text) },
    );
    if (settings.isKnown !== false) this.send(arpReply());
  }

  /** Sends frames, and returns what comes of them at once. */
  send(...frames: Uint8Array[]): Uint8Array[] {
    for (const frame of frames) this.network.transmit(frame);
    this.sockets.pass();
    return this.frames.splice(0);
  }

  udp(index: number): FakeUdp {
    return this.sockets.udps[index]!;
  }
}

describe('the user-mode network', () => {
  it('does nothing before the host has its turn', () => {
    const lan = new Lan();
    lan.network.transmit(arpRequest(GATEWAY));
    assert.deepEqual(lan.frames, []);
    lan.sockets.pass();
    assert.equal(lan.frames.length, 1);
  });

  it('answers ARP for the gateway and the name server, and for nobody else', () => {
    const lan = new Lan();
    for (const address of [GATEWAY, NAME_SERVER]) {
      const [reply] = lan.send(arpRequest(address));
      assert.deepEqual(reply!.slice(0, 12), Uint8Array.of(...GUEST_MAC, ...macOf(address)));
      const { operation, sender, target } = parseArp(reply!.subarray(14))!;
      assert.deepEqual([operation, sender, target], [2, address, GUEST]);
    }
    assert.deepEqual(lan.send(arpRequest(GATEWAY + 7)), []);
  });

  it('asks for the MAC of the guest before the first packet, and then sends that', () => {
    const lan = new Lan({ isKnown: false });
    lan.udp(0).events.received(bytesOf('hello'), { address: LOOPBACK, port: 4000 });
    const [request] = lan.frames.splice(0);
    assert.deepEqual([...request!.subarray(0, 6)], new Array(6).fill(0xff));
    const { operation, sender, target } = parseArp(request!.subarray(14))!;
    assert.deepEqual([operation, sender, target], [1, GATEWAY, GUEST]);
    const [frame] = lan.send(arpReply());
    assert.deepEqual(udpIn(frame!), {
      ...{ from: { address: GATEWAY, port: 4000 }, to: { address: GUEST, port: 2000 }, text: 'hello' },
    });
  });

  it('answers an echo request to the gateway', () => {
    const lan = new Lan();
    const content = Uint8Array.of(8, 0, 0, 0, 0x12, 0x34, 0, 1, ...bytesOf('ping'));
    viewOf(content).setUint16(2, checksum(content));
    const [reply] = lan.send(ipv4Frame({ protocol: Protocol.Icmp, source: GUEST, destination: GATEWAY, content }));
    const packet = packetIn(reply!);
    assert.deepEqual([packet.source, packet.destination], [GATEWAY, GUEST]);
    assert.deepEqual([packet.content[0], checksum(packet.content)], [0, 0]);
    assert.deepEqual(packet.content.slice(4), content.slice(4));
    assert.deepEqual(lan.send(ipv4Frame({ protocol: Protocol.Icmp, source: GUEST, destination: OUTER, content })), []);
  });

  it('leads the gateway to the loopback, and back', () => {
    const lan = new Lan();
    lan.send(udpFrame(5000, { address: GATEWAY, port: 25099 }, 'a message'));
    const socket = lan.udp(1);
    assert.deepEqual(socket.place, { port: 0 });
    assert.deepEqual(socket.sent, [{ text: 'a message', to: { address: LOOPBACK, port: 25099 } }]);
    socket.events.received(bytesOf('an answer'), { address: LOOPBACK, port: 25099 });
    assert.deepEqual(udpIn(lan.frames[0]!), {
      from: { address: GATEWAY, port: 25099 },
      to: { address: GUEST, port: 5000 },
      text: 'an answer',
    });
    lan.send(udpFrame(5000, { address: GATEWAY, port: 25100 }, 'another'));
    assert.equal(lan.sockets.udps.length, 2);
  });

  it('sends by the forwarded port what comes from the port of the guest that it leads to', () => {
    const lan = new Lan();
    assert.deepEqual(lan.udp(0).place, { port: 25999 });
    lan.send(udpFrame(2000, { address: GATEWAY, port: 4000 }, 'back'));
    assert.deepEqual(lan.udp(0).sent, [{ text: 'back', to: { address: LOOPBACK, port: 4000 } }]);
  });

  it('reaches others by a socket for that peer alone', () => {
    const lan = new Lan();
    lan.send(udpFrame(2000, { address: OUTER, port: 123 }, 'time?'));
    lan.send(udpFrame(2000, { address: OUTER, port: 124 }, 'time?'));
    const places = lan.sockets.udps.slice(1).map(({ place }) => place);
    assert.deepEqual(places, [{ peer: { address: OUTER, port: 123 } }, { peer: { address: OUTER, port: 124 } }]);
    lan.udp(1).events.received(bytesOf('noon'), { address: OUTER, port: 123 });
    assert.equal(udpIn(lan.frames[0]!).from.address, OUTER);
  });

  it('asks the host of the name server, and answers the question of the labs itself', () => {
    const lan = new Lan();
    const query = (name: string): string =>
      `\x1a\xac\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00${name
        .split('.')
        .map((part) => String.fromCharCode(part.length) + part)
        .join('')}\x00\x00\x01\x00\x01`;
    for (const address of [OUTER, NAME_SERVER]) {
      const [reply] = lan.send(udpFrame(10000, { address, port: 53 }, query('pdos.csail.mit.edu')));
      const { from, text } = udpIn(reply!);
      assert.equal(from.address, address);
      const answer = '\xc0\x0c\x00\x01\x00\x01\x00\x00\x07\x08\x00\x04\x80\x34\x81\x7e';
      const asked = query('pdos.csail.mit.edu');
      assert.equal(text, `\x1a\xac\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00${asked.slice(12)}${answer}`);
    }
    assert.equal(lan.sockets.udps.length, 1);
    lan.send(udpFrame(10000, { address: NAME_SERVER, port: 53 }, query('example.com')));
    assert.deepEqual(lan.udp(1).sent[0]!.to, lan.sockets.nameServer);
    lan.send(udpFrame(10000, { address: NAME_SERVER, port: 54 }, 'nobody is there'));
    assert.equal(lan.sockets.udps.length, 2);
  });

  it('tells the guest that nobody is at a port', () => {
    const lan = new Lan();
    lan.send(udpFrame(5000, { address: GATEWAY, port: 1 }, 'anybody?'));
    lan.udp(1).events.failed('refused');
    const { protocol, content, destination } = packetIn(lan.frames[0]!);
    assert.deepEqual([protocol, destination, content[0], content[1]], [Protocol.Icmp, GUEST, 3, 3]);
    assert.equal(checksum(content), 0);
    assert.equal(viewOf(content).getUint32(8 + 16), GATEWAY);
    assert.equal(viewOf(content).getUint16(8 + 20), 5000);
  });

  it('leases the guest its address', () => {
    const lan = new Lan({ isKnown: false });
    const ask = (message: number, ...options: number[]): Uint8Array => {
      const content = new Uint8Array(300);
      content.set([1, 1, 6, 0, 1, 2, 3, 4]);
      content.set(GUEST_MAC, 28);
      content.set([0x63, 0x82, 0x53, 0x63, 53, 1, message, ...options, 255], 236);
      const from = { address: 0, port: 68 };
      return ipv4Frame(datagramPacket({ from, to: { address: BROADCAST, port: 67 }, content }));
    };
    for (const [request, reply] of [
      [ask(1), 2],
      [ask(3, 50, 4, 10, 0, 2, 15), 5],
      [ask(3, 50, 4, 192, 168, 0, 1), 6],
    ] as const) {
      const [frame] = lan.send(request);
      const content = bytesOf(udpIn(frame!).text);
      assert.deepEqual([...content.slice(4, 8)], [1, 2, 3, 4]);
      assert.deepEqual([...content.slice(16, 20)], reply === 6 ? [0, 0, 0, 0] : [10, 0, 2, 15]);
      assert.deepEqual([...content.slice(240, 243)], [53, 1, reply]);
    }
    lan.udp(0).events.received(bytesOf('at once'), { address: LOOPBACK, port: 4000 });
    assert.equal(typeOf(lan.frames[0]!), EtherType.Ipv4);
  });

  it('sends a long datagram in fragments', () => {
    const lan = new Lan();
    lan.udp(0).events.received(new Uint8Array(4000).fill(65), { address: LOOPBACK, port: 4000 });
    assert.deepEqual(
      lan.frames.map((frame) => [frame.length, viewOf(frame).getUint16(20)]),
      [
        [1514, 0x2000],
        [1514, 0x2000 | 185],
        [14 + 20 + 4008 - 2960, 370],
      ],
    );
  });

  it('reaches nobody if it is restricted', () => {
    const lan = new Lan({ isRestricted: true });
    lan.send(udpFrame(5000, { address: GATEWAY, port: 25099 }, 'a message'));
    assert.equal(lan.sockets.udps.length, 1);
    assert.equal(lan.send(arpRequest(GATEWAY)).length, 1);
  });

  it('has 128 sockets at most, and keeps forwarded ports', () => {
    const lan = new Lan();
    for (let port = 1; port <= 1000; port++) lan.send(udpFrame(port, { address: GATEWAY, port: 9 }, 'x'));
    assert.equal(lan.sockets.udps.filter(({ isClosed }) => !isClosed).length, 128);
    assert.equal(lan.udp(0).isClosed, false);
    lan.network.forget();
    assert.equal(lan.sockets.udps.filter(({ isClosed }) => !isClosed).length, 1);
    lan.network.close();
    assert.equal(lan.udp(0).isClosed, true);
  });

  it('says which port is not forwarded', () => {
    const lan = new Lan();
    lan.udp(0).events.failed('address already in use, EADDRINUSE');
    assert.deepEqual(lan.problems, [
      'UDP port 25999 of 127.0.0.1 is not forwarded: address already in use, EADDRINUSE',
    ]);
  });
});

describe('parseForward', () => {
  it('reads what QEMU reads', () => {
    assert.deepEqual(FORWARD, { protocol: 'udp', hostPort: 25999, guest: { address: GUEST, port: 2000 } });
    assert.deepEqual(parseForward('tcp:127.0.0.1:8080-10.0.2.20:80'), {
      ...{ protocol: 'tcp', hostPort: 8080, guest: { address: 0x0a000214, port: 80 } },
    });
    assert.equal(parseForward(':localhost:1-:1').protocol, 'tcp');
  });

  it('refuses what it cannot do, and ports that others could reach', () => {
    for (const text of ['', 'udp::1', 'sctp::1-:1', 'udp::70000-:1', 'udp::1-:0', 'tcp::1-300.0.0.1:1'])
      assert.throws(() => parseForward(text), ForwardError, text);
    assert.throws(() => parseForward('udp:0.0.0.0:25999-:2000'), /listens on 0\.0\.0\.0/);
  });
});
