import assert from 'node:assert/strict';
import { FakeSockets, FakeTcp } from '../testing/network/fake-sockets';
import { arpReply, bytesOf, tcpFrame, tcpIn, textOfBytes } from '../testing/network/guest-packets';
import { Random } from '../testing/random';
import { GATEWAY, LOOPBACK } from './addresses';
import { parseForward } from './forward';
import type { Segment } from './tcp-segment';
import { UserNetwork } from './user-network';

const [FIN, SYN, RST, ACK] = [1, 2, 4, 16];
const SERVER = { address: GATEWAY, port: 80 };
const CLIENT_PORT = 5000;

class Lan {
  readonly sockets = new FakeSockets();
  frames: Uint8Array[] = [];
  readonly network = new UserNetwork({ forwards: [parseForward('tcp::8080-:80')], isRestricted: false }, this.sockets, {
    deliver: (frame) => void this.frames.push(frame),
    problem: (text) => assert.fail(text),
  });

  constructor() {
    this.network.transmit(arpReply());
    this.sockets.pass();
  }

  send(segment: Partial<Segment>, port = CLIENT_PORT, to = SERVER): Segment[] {
    this.network.transmit(tcpFrame(port, to, segment));
    this.sockets.pass();
    return this.take();
  }

  take(): Segment[] {
    return this.frames.splice(0).map(tcpIn);
  }

  /** A connection that the guest has made: its next sequence number is 1001. */
  connect(window = 65535): { socket: FakeTcp; next: number } {
    this.send({ flags: SYN, sequence: 1000, window, largest: 1000 });
    const socket = this.sockets.tcps.at(-1)!;
    socket.events!.connected();
    const [answer] = this.take();
    assert.deepEqual([answer!.flags, answer!.acknowledgement], [SYN | ACK, 1001]);
    const next = answer!.sequence + 1;
    this.send({ flags: ACK, sequence: 1001, acknowledgement: next, window });
    return { socket, next };
  }
}

describe('TCP of the user-mode network', () => {
  it('connects the guest to the loopback when the host is connected', () => {
    const lan = new Lan();
    assert.deepEqual(lan.send({ flags: SYN, sequence: 1000 }), []);
    assert.deepEqual(lan.sockets.tcps[0]!.peer, { address: LOOPBACK, port: 80 });
    lan.sockets.tcps[0]!.events!.connected();
    assert.equal(lan.take()[0]!.largest, 1460);
  });

  it('refuses what the host refuses, and segments of no connection', () => {
    const lan = new Lan();
    lan.send({ flags: SYN, sequence: 1000 });
    lan.sockets.tcps[0]!.events!.closed(true);
    const [refused] = lan.take();
    assert.deepEqual([refused!.flags, refused!.acknowledgement], [RST | ACK, 1001]);
    assert.deepEqual(
      lan.send({ flags: ACK, sequence: 5, acknowledgement: 77 }).map(({ flags, sequence }) => [flags, sequence]),
      [[RST, 77]],
    );
    assert.deepEqual(lan.send({ flags: RST, sequence: 5 }), []);
    const nobody = lan.send({ flags: SYN, sequence: 9 }, CLIENT_PORT, { address: GATEWAY + 5, port: 80 });
    assert.deepEqual(
      nobody.map(({ flags }) => flags),
      [RST | ACK],
    );
    assert.equal(lan.sockets.tcps.length, 1);
  });

  it('carries bytes both ways, in segments no longer than the guest takes', () => {
    const lan = new Lan();
    const { socket, next } = lan.connect();
    const [acknowledged] = lan.send({ flags: ACK, sequence: 1001, acknowledgement: next, content: bytesOf('GET /') });
    assert.equal(socket.written, 'GET /');
    assert.equal(acknowledged!.acknowledgement, 1006);
    socket.events!.received(new Uint8Array(2500).fill(66));
    assert.deepEqual(
      lan.take().map(({ sequence, content }) => [sequence - next, content.length]),
      [
        [0, 1000],
        [1000, 1000],
        [2000, 500],
      ],
    );
  });

  it('takes each byte once, in order, and asks for what is missing', () => {
    const lan = new Lan();
    const { socket, next } = lan.connect();
    const send = (sequence: number, text: string): number =>
      lan.send({ flags: ACK, sequence, acknowledgement: next, content: bytesOf(text) })[0]!.acknowledgement;
    assert.equal(send(1004, 'later'), 1001);
    assert.equal(send(1001, 'now'), 1004);
    assert.equal(send(1001, 'now, later'), 1011);
    assert.equal(send(1001, 'now'), 1011);
    assert.equal(socket.written, 'now, later');
  });

  it('sends again what is not acknowledged, and gives up at last', () => {
    const lan = new Lan();
    const { socket, next } = lan.connect();
    socket.events!.received(bytesOf('lost'));
    lan.take();
    lan.sockets.pass(500);
    assert.deepEqual(
      lan.take().map(({ sequence, content }) => [sequence, textOfBytes(content)]),
      [[next, 'lost']],
    );
    lan.sockets.pass(600_000);
    assert.equal(lan.take().at(-1)!.flags & RST, RST);
    assert.equal(socket.isDestroyed, true);
    assert.equal(lan.sockets.waiting, 0);
  });

  it('keeps to the window of the guest, tries a closed one, and holds the host back', () => {
    const lan = new Lan();
    const { socket, next } = lan.connect(10);
    socket.events!.received(bytesOf('0123456789abc'));
    assert.deepEqual(
      lan.take().map(({ content }) => textOfBytes(content)),
      ['0123456789'],
    );
    assert.deepEqual(lan.send({ flags: ACK, sequence: 1001, acknowledgement: next + 10, window: 0 }), []);
    lan.sockets.pass(500);
    assert.deepEqual(
      lan.take().map(({ content }) => textOfBytes(content)),
      ['a'],
    );
    socket.events!.received(new Uint8Array(65536));
    assert.equal(socket.isFlowing, false);
  });

  it('takes no more from the guest than the host does', () => {
    const lan = new Lan();
    const { socket, next } = lan.connect();
    socket.pending = 65530;
    const [full] = lan.send({ flags: ACK, sequence: 1001, acknowledgement: next, content: bytesOf('too much') });
    assert.equal(socket.written, 'too m');
    assert.equal(full!.acknowledgement, 1006);
    socket.pending = 0;
    socket.events!.drained();
    assert.equal(lan.take()[0]!.window, 65535);
  });

  for (const first of ['guest', 'host']) {
    it(`ends when both have, the ${first} first`, () => {
      const lan = new Lan();
      const { socket, next } = lan.connect();
      const guest = (acknowledgement: number): void => {
        lan.send({ flags: FIN | ACK, sequence: 1001, acknowledgement });
        assert.equal(socket.hasEnded, true);
      };
      if (first === 'guest') guest(next);
      socket.events!.ended();
      assert.equal(lan.take().at(-1)!.flags & FIN, FIN);
      if (first === 'host') guest(next);
      lan.send({ flags: ACK, sequence: 1002, acknowledgement: next + 1 });
      socket.events!.closed(false);
      assert.equal(lan.sockets.waiting, 0);
      assert.equal(lan.send({ flags: ACK, sequence: 1002, acknowledgement: next + 1 })[0]!.flags, RST);
    });
  }

  it('ends at once if either is reset', () => {
    const lan = new Lan();
    const one = lan.connect();
    lan.send({ flags: RST, sequence: 1001 });
    assert.equal(one.socket.isDestroyed, true);
    const two = lan.connect();
    two.socket.events!.closed(false);
    assert.equal(lan.take()[0]!.flags & RST, RST);
  });

  it('connects whoever comes to a forwarded port', () => {
    const lan = new Lan();
    const socket = new FakeTcp({ address: LOOPBACK, port: 4000 }, undefined);
    const events = lan.sockets.listening.get(8080)!(socket, { address: LOOPBACK, port: 4000 });
    const [opening] = lan.take();
    assert.equal(opening!.flags, SYN);
    const client = { address: GATEWAY, port: 4000 };
    const answer = { sequence: 7000, acknowledgement: opening!.sequence + 1 };
    assert.equal(lan.send({ flags: SYN | ACK, ...answer }, 80, client)[0]!.acknowledgement, 7001);
    events.received(bytesOf('GET /'));
    assert.equal(textOfBytes(lan.take()[0]!.content), 'GET /');
    lan.network.close();
    assert.equal(lan.sockets.listening.size, 0);
    assert.equal(socket.isDestroyed, true);
  });

  it('has 64 connections at most', () => {
    const lan = new Lan();
    for (let port = 1; port <= 100; port++) lan.send({ flags: SYN, sequence: 1 }, port);
    assert.equal(lan.sockets.tcps.length, 64);
    lan.network.forget();
    assert.equal(
      lan.sockets.tcps.every(({ isDestroyed }) => isDestroyed),
      true,
    );
  });

  it('loses nothing to a cable that does', () => {
    const random = new Random(5);
    const lan = new Lan();
    const { socket, next } = lan.connect(3000);
    const text = Array.from({ length: 20_000 }, () => String.fromCharCode(random.between(32, 126))).join('');
    socket.events!.received(bytesOf(text));
    let received = '';
    for (let turn = 0; received.length < text.length; turn++) {
      assert.ok(turn < 2000, 'it goes on');
      let isAnswered = false;
      for (const { sequence, content } of lan.take()) {
        if (random.chance(20)) continue;
        if (sequence === next + received.length) received += textOfBytes(content);
        isAnswered = true;
      }
      if (isAnswered) {
        lan.network.transmit(
          tcpFrame(CLIENT_PORT, SERVER, {
            ...{ flags: ACK, sequence: 1001, acknowledgement: next + received.length, window: 3000 },
          }),
        );
      }
      lan.sockets.pass(isAnswered ? 0 : 1000);
    }
    assert.equal(received, text);
  });
});
