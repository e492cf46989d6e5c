import assert from 'node:assert/strict';
import { GATEWAY, GUEST } from '../../emulator/network/addresses';
import { Protocol } from '../../emulator/network/ipv4';
import {
  arpReply,
  arpRequest,
  bytesOf,
  ipv4Frame,
  tcpFrame,
  udpFrame,
} from '../../emulator/testing/network/guest-packets';
import { frameWords } from './frame-words';

describe('frameWords', () => {
  it('says what a frame carries', () => {
    const to = { address: GATEWAY, port: 80 };
    const icmp = { protocol: Protocol.Icmp, source: GUEST, destination: GATEWAY, content: Uint8Array.of(8, 0, 0, 0) };
    assert.deepEqual(
      [
        ...[arpRequest(GATEWAY), arpReply(), udpFrame(2000, to, 'x'), ipv4Frame(icmp)],
        ...[tcpFrame(5000, to, { flags: 18, content: bytesOf('abc') }), ipv4Frame({ ...icmp, protocol: 2 })],
      ].map(frameWords),
      [
        'ARP: who has 10.0.2.2? tell 10.0.2.15',
        'ARP: 10.0.2.15 is at 52:54:00:12:34:56',
        'UDP 10.0.2.15:2000 → 10.0.2.2:80, 1 byte',
        'ICMP 10.0.2.15 → 10.0.2.2, echo request',
        'TCP 10.0.2.15:5000 → 10.0.2.2:80, SYN ACK, 3 bytes',
        'IPv4 10.0.2.15 → 10.0.2.2, protocol 2',
      ],
    );
  });

  it('says what it can of what is damaged or of another kind', () => {
    const frame = udpFrame(2000, { address: GATEWAY, port: 80 }, 'x');
    frame[frame.length - 1]! ^= 1;
    assert.equal(frameWords(frame), 'type 0x0800, 43 bytes');
    assert.equal(frameWords(frame.subarray(0, 13)), '13 bytes, too few for a frame');
    for (let length = 0; length <= frame.length; length++) assert.ok(frameWords(frame.subarray(0, length)).length > 0);
    frame.set([0x86, 0xdd], 12);
    assert.equal(frameWords(frame), 'type 0x86dd, 43 bytes');
  });
});
