/**
 * Whatever a guest sends and the host's sockets do, the network neither throws nor works without end, and what it sends is well
 * formed. FUZZ_RUNS sets how many exchanges there are.
 */
import assert from 'node:assert/strict';
import { FakeSockets } from '../testing/network/fake-sockets';
import {
  arpReply,
  arpRequest,
  bytesOf,
  GUEST_MAC,
  ipv4Frame,
  tcpFrame,
  typeOf,
  udpFrame,
} from '../testing/network/guest-packets';
import { Random } from '../testing/random';
import { BROADCAST, GATEWAY, NAME_SERVER } from './addresses';
import { ETHERNET_HEADER, EtherType, parseArp } from './ethernet';
import { parseForward } from './forward';
import { datagramPacket, parsePacket } from './ipv4';
import { UserNetwork } from './user-network';

const RUNS = Number(process.env.FUZZ_RUNS ?? 3000);
/** Inputs of one network. */
const SESSION = 60;
/** Frames that may come of one input: a datagram of 64 KiB is 45, and a window of small segments is more. */
const MOST_FRAMES = 2000;

const randomBytes = (random: Random, most: number): Uint8Array =>
  Uint8Array.from({ length: random.below(most + 1) }, () => random.below(256));

function dhcp(random: Random): Uint8Array {
  const content = new Uint8Array(random.pick([240, 300, 548]));
  content.set([1, 1, 6, 0]);
  content.set(GUEST_MAC, 28);
  content.set(
    [0x63, 0x82, 0x53, 0x63, 53, 1, random.below(9), ...randomBytes(random, 40)].slice(0, content.length - 236),
    236,
  );
  const to = { address: BROADCAST, port: 67 };
  return ipv4Frame(datagramPacket({ from: { address: 0, port: 68 }, to, content }));
}

function dns(random: Random): Uint8Array {
  const name = random.pick(['pdos.csail.mit.edu', 'a', '', 'x'.repeat(200)]).split('.');
  const labels = name.map((label) => String.fromCharCode(random.chance(90) ? label.length : random.below(256)) + label);
  const header = random.chance(90) ? '\x01\x02\x01\0\0\x01\0\0\0\0\0\0' : '\x01\x02\x81\0\0\x09';
  const end = random.pick(['\0\0\x01\0\x01', '\0\0', '', '\0\0\x1c\0\x01']);
  return udpFrame(9, { address: random.pick([NAME_SERVER, 0x08080808]), port: 53 }, header + labels.join('') + end);
}

const segment = (random: Random): Uint8Array =>
  tcpFrame(
    random.pick([1, 2, 80]),
    { address: GATEWAY, port: random.pick([80, 4000]) },
    {
      flags: random.pick([2, 16, 18, 17, 4, 24, random.below(64)]),
      sequence: random.pick([0, 1, 2, 0xffffffff, random.below(2 ** 32)]),
      acknowledgement: random.pick([0, 64002, 128002, 192002, random.below(2 ** 32)]),
      window: random.pick([0, 1, 1000, 65535]),
      largest: random.pick([undefined, 0, 1, 536, 65535]),
      content: randomBytes(random, random.pick([0, 10, 1400])),
    },
  );

/** A frame that is like one of a guest, and then spoilt now and then. */
function anyFrame(random: Random): Uint8Array {
  const frame = random.pick([
    ...[() => arpReply(), () => arpRequest(GATEWAY + random.below(4)), () => segment(random), () => segment(random)],
    ...[() => dhcp(random), () => dns(random), () => randomBytes(random, 100)],
    () => udpFrame(random.below(4), { address: GATEWAY, port: random.below(4) }, 'x'.repeat(random.below(1400))),
  ])();
  if (random.chance(30) && frame.length > 0)
    for (let times = random.between(1, 4); times > 0; times--) frame[random.below(frame.length)] = random.below(256);

  return random.chance(10) ? frame.subarray(0, random.below(frame.length + 1)) : frame;
}

function checkFrame(frame: Uint8Array): void {
  assert.ok(frame.length >= ETHERNET_HEADER && frame.length <= 1514, `${frame.length} bytes`);
  const content = frame.subarray(ETHERNET_HEADER);
  if (typeOf(frame) === EtherType.Arp) {
    assert.ok(parseArp(content));
  } else {
    assert.equal(typeOf(frame), EtherType.Ipv4);
    const isFragment = (content[6]! & 0x3f) !== 0 || content[7] !== 0;
    assert.ok(isFragment || parsePacket(content));
  }
}

function play(random: Random): void {
  const sockets = new FakeSockets();
  let frames = 0;
  const network = new UserNetwork(
    { forwards: [parseForward('udp::25999-:2000'), parseForward('tcp::8080-:80')], isRestricted: random.chance(5) },
    sockets,
    {
      deliver: (frame) => {
        frames++;
        checkFrame(frame);
      },
      problem: () => undefined,
    },
  );
  for (let step = 0; step < SESSION; step++) {
    const udp = random.pick([undefined, ...sockets.udps]);
    const tcp = random.pick([undefined, ...sockets.tcps]);
    random.pick([
      ...[() => network.transmit(anyFrame(random)), () => network.transmit(anyFrame(random))],
      () =>
        udp?.events.received(randomBytes(random, random.pick([0, 20, 3000])), {
          address: 0x7f000001,
          port: random.below(65536),
        }),
      () => udp?.events.failed('refused'),
      () => tcp?.events?.connected(),
      () => tcp?.events?.received(bytesOf('y'.repeat(random.below(70_000)))),
      () => tcp?.events?.ended(),
      () => tcp?.events?.drained(),
      () => tcp?.events?.closed(random.chance(50)),
      () => void (tcp && (tcp.pending = random.pick([0, 65535, 10 ** 7]))),
      () => sockets.pass(random.pick([500, 5000, 300_000])),
      () => (random.chance(5) ? network.forget() : undefined),
    ])();
    sockets.pass();
    assert.ok(frames <= MOST_FRAMES, `${frames} frames`);
    frames = 0;
  }
  network.close();
  assert.ok(sockets.udps.every(({ isClosed }) => isClosed));
}

describe('the user-mode network, whatever a guest and the host do', function () {
  this.timeout(20_000 + RUNS * 20);

  it('neither throws nor works without end', () => {
    for (let seed = 1; seed <= RUNS / SESSION; seed++) {
      try {
        play(new Random(seed));
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
    }
  });
});
