/** What an Ethernet frame carries, in words: ARP (RFC 826), and what is in IPv4 (RFC 791, 768, 792, 9293). */
import { textOf } from '../../emulator/network/addresses';
import { ArpOperation, ETHERNET_HEADER, EtherType, parseArp, viewOf } from '../../emulator/network/ethernet';
import { type Packet, parseDatagram, parsePacket, Protocol } from '../../emulator/network/ipv4';
import { Flag, parseSegment } from '../../emulator/network/tcp-segment';

const FLAGS: readonly (readonly [number, string])[] = [
  ...([
    [Flag.Syn, 'SYN'],
    [Flag.Fin, 'FIN'],
    [Flag.Reset, 'RST'],
    [Flag.Push, 'PSH'],
    [Flag.Ack, 'ACK'],
  ] as const),
];
const ECHO: Readonly<Record<number, string>> = { 0: 'echo reply', 3: 'unreachable', 8: 'echo request' };

/** One line. Of a frame that is damaged or of another kind, its type and its length. */
export function frameWords(frame: Uint8Array): string {
  if (frame.length < ETHERNET_HEADER) return `${bytesIn(frame)}, too few for a frame`;
  const type = viewOf(frame).getUint16(12);
  const content = frame.subarray(ETHERNET_HEADER);
  const words = type === EtherType.Arp ? arpWords(content) : type === EtherType.Ipv4 ? packetWords(content) : undefined;
  return words ?? `type 0x${type.toString(16).padStart(4, '0')}, ${bytesIn(frame)}`;
}

function arpWords(content: Uint8Array): string | undefined {
  const arp = parseArp(content);
  if (arp === undefined) return undefined;
  const mac = [...arp.senderMac].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
  return arp.operation === ArpOperation.Request
    ? `ARP: who has ${textOf(arp.target)}? tell ${textOf(arp.sender)}`
    : `ARP: ${textOf(arp.sender)} is at ${mac}`;
}

function packetWords(content: Uint8Array): string | undefined {
  const packet = parsePacket(content);
  if (packet === undefined) return undefined;
  const ends = `${textOf(packet.source)} → ${textOf(packet.destination)}`;
  switch (packet.protocol) {
    case Protocol.Udp:
      return datagramWords(packet);
    case Protocol.Tcp:
      return segmentWords(packet);
    case Protocol.Icmp:
      return `ICMP ${ends}, ${ECHO[packet.content[0] ?? -1] ?? `type ${packet.content[0]}`}`;
    default:
      return `IPv4 ${ends}, protocol ${packet.protocol}`;
  }
}

function datagramWords(packet: Packet): string | undefined {
  const datagram = parseDatagram(packet);
  if (datagram === undefined) return undefined;
  const { from, to, content } = datagram;
  return `UDP ${textOf(from.address)}:${from.port} → ${textOf(to.address)}:${to.port}, ${bytesIn(content)}`;
}

function segmentWords(packet: Packet): string | undefined {
  const parsed = parseSegment(packet);
  if (parsed === undefined) return undefined;
  const { from, to, segment } = parsed;
  const flags = tcpFlags(segment.flags);
  const ends = `${textOf(from.address)}:${from.port} → ${textOf(to.address)}:${to.port}`;
  return `TCP ${ends}, ${flags}, ${bytesIn(segment.content)}`;
}

/** The flags of a TCP segment by their names. */
export const tcpFlags = (flags: number): string =>
  FLAGS.flatMap(([flag, name]) => ((flags & flag) !== 0 ? [name] : [])).join(' ');

const bytesIn = ({ length }: Uint8Array): string => (length === 1 ? '1 byte' : `${length} bytes`);
