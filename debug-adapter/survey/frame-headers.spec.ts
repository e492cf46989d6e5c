import assert from 'node:assert/strict';
import { GATEWAY, GUEST } from '../../emulator/network/addresses';
import { Protocol } from '../../emulator/network/ipv4';
import { arpRequest, bytesOf, ipv4Frame, tcpFrame, udpFrame } from '../../emulator/testing/network/guest-packets';
import { Random } from '../../emulator/testing/random';
import { frameHeaders } from './frame-headers';

const to = { address: GATEWAY, port: 80 };
const shown = (frame: Uint8Array): string[] => frameHeaders(frame).map(({ name, value }) => `${name}: ${value}`);

describe('frameHeaders', () => {
  it('says what is in each header, from the outermost inwards', () => {
    const [ethernet, arp] = shown(arpRequest(GATEWAY));
    assert.equal(ethernet, 'Ethernet: 52:54:00:12:34:56 → ff:ff:ff:ff:ff:ff, type 0x0806 (ARP)');
    assert.equal(arp, 'ARP: request, sender 52:54:00:12:34:56 10.0.2.15, target 00:00:00:00:00:00 10.0.2.2');
    const [, ip, udp, content, ...more] = shown(udpFrame(2000, to, 'xv6'));
    assert.match(
      ip!,
      /^IPv4: 10\.0\.2\.15 → 10\.0\.2\.2, protocol 17 \(UDP\), length 31, TTL 64, .*, checksum 0x[0-9a-f]{4}$/,
    );
    assert.match(udp!, /^UDP: port 2000 → 80, length 11, checksum 0x[0-9a-f]{4}$/);
    assert.deepEqual([content, more], ['3 bytes: 78 76 36  xv6', []]);
    const segment = shown(tcpFrame(5000, to, { flags: 18, content: bytesOf('abc') }));
    assert.match(
      segment[2]!,
      /^TCP: port 5000 → 80, SYN ACK, sequence \d+, acknowledgement \d+, window \d+, checksum 0x[0-9a-f]{4}$/,
    );
    const icmp = {
      protocol: Protocol.Icmp,
      source: GUEST,
      destination: GATEWAY,
      content: Uint8Array.of(8, 0, 0xf7, 0xff, 0, 0, 0, 0),
    };
    assert.equal(shown(ipv4Frame(icmp))[2], 'ICMP: type 8 (echo request), code 0, checksum 0xf7ff');
    const question = [
      0x12,
      0x34,
      1,
      0,
      0,
      1,
      0,
      0,
      0,
      0,
      0,
      0,
      3,
      ...Buffer.from('foo'),
      2,
      ...Buffer.from('de'),
      0,
      0,
      1,
      0,
      1,
    ];
    assert.equal(
      shown(udpFrame(2000, { address: GATEWAY, port: 53 }, String.fromCharCode(...question)))[3],
      'DNS: query, id 0x1234, of foo.de',
    );
  });

  it('says what is damaged, and what it must be', () => {
    const frame = udpFrame(2000, to, 'xv6');
    frame[frame.length - 1]! ^= 1;
    assert.match(shown(frame)[2]!, /checksum 0x[0-9a-f]{4}, which must be 0x[0-9a-f]{4}$/);
    frame[14 + 3] = 60;
    assert.match(shown(frame)[1]!, /length 60, of which 31 are there, .*which must be/);
  });

  it('comes to an end with anything', () => {
    const random = new Random(5);
    for (const whole of [
      udpFrame(2000, { address: GATEWAY, port: 53 }, 'x'.repeat(40)),
      tcpFrame(1, to, {}),
      arpRequest(GUEST),
    ]) {
      for (let length = 0; length <= whole.length; length++) frameHeaders(whole.subarray(0, length));
      for (let round = 0; round < 2000; round++) {
        const frame = Uint8Array.from(whole);
        for (let i = 0; i < 4; i++) frame[random.below(frame.length)] = random.below(256);
        assert.ok(frameHeaders(frame).length <= 5);
      }
    }
  });
});
