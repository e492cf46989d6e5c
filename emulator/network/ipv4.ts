/**
 * IPv4 packets (RFC 791) and UDP datagrams (RFC 768) in them. Fragments that the guest sends are dropped; what is too long for one
 * frame goes to the guest in fragments.
 */
import type { Endpoint } from './host-sockets';
import { viewOf } from './ethernet';

export const enum Protocol {
  Icmp = 1,
  Tcp = 6,
  Udp = 17,
}

export interface Packet {
  protocol: number;
  source: number;
  destination: number;
  content: Uint8Array;
}

const HEADER = 20;
const TIME_TO_LIVE = 64;
const TIME_TO_LIVE_ICMP = 255;
/** Bytes of the longest packet of a frame. */
export const MTU = 1500;
const MORE_FRAGMENTS = 0x2000;
const FRAGMENT_BITS = 0x3fff;

/** The ones' complement of the ones' complement sum of 16-bit words (RFC 1071), from a sum to begin with. */
export function checksum(bytes: Uint8Array, sum = 0): number {
  for (let at = 0; at + 1 < bytes.length; at += 2) sum += bytes[at]! * 256 + bytes[at + 1]!;
  if (bytes.length % 2 === 1) sum += bytes[bytes.length - 1]! * 256;
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return ~sum & 0xffff;
}

/** The sum of the pseudo header that TCP and UDP put before theirs. */
export const pseudoHeader = (protocol: Protocol, source: number, destination: number, length: number): number =>
  (source >>> 16) + (source & 0xffff) + (destination >>> 16) + (destination & 0xffff) + protocol + length;

/** Undefined if it is damaged, a fragment, or another version. */
export function parsePacket(bytes: Uint8Array): Packet | undefined {
  if (bytes.length < HEADER || bytes[0]! >> 4 !== 4) return undefined;
  const view = viewOf(bytes);
  const header = (bytes[0]! & 15) * 4;
  const length = view.getUint16(2);
  if (header < HEADER || length < header || length > bytes.length) return undefined;
  if ((view.getUint16(6) & FRAGMENT_BITS) !== 0 || checksum(bytes.subarray(0, header)) !== 0) return undefined;
  return {
    protocol: bytes[9]!,
    source: view.getUint32(12),
    destination: view.getUint32(16),
    content: bytes.subarray(header, length),
  };
}

/** The packets that carry a content of up to 65515 bytes; `identification` tells its fragments from others. */
export function* packetsOf(packet: Packet, identification: number): Generator<Uint8Array> {
  const { content, protocol, source, destination } = packet;
  let at = 0;
  do {
    const part = content.subarray(at, at + MTU - HEADER);
    const bytes = new Uint8Array(HEADER + part.length);
    const view = viewOf(bytes);
    bytes[0] = 0x45;
    view.setUint16(2, bytes.length);
    view.setUint16(4, identification);
    view.setUint16(6, (at >> 3) | (at + part.length < content.length ? MORE_FRAGMENTS : 0));
    bytes[8] = protocol === Protocol.Icmp ? TIME_TO_LIVE_ICMP : TIME_TO_LIVE;
    bytes[9] = protocol;
    view.setUint32(12, source);
    view.setUint32(16, destination);
    view.setUint16(10, checksum(bytes.subarray(0, HEADER)));
    bytes.set(part, HEADER);
    yield bytes;
    at += part.length;
  } while (at < content.length);
}

export interface Datagram {
  from: Endpoint;
  to: Endpoint;
  content: Uint8Array;
}

const UDP_HEADER = 8;
/** Bytes of the longest content of a datagram. */
export const LONGEST_DATAGRAM = 65507;

/** Undefined if it is damaged. A checksum of 0 is none. */
export function parseDatagram({ source, destination, content }: Packet): Datagram | undefined {
  if (content.length < UDP_HEADER) return undefined;
  const view = viewOf(content);
  const length = view.getUint16(4);
  if (length < UDP_HEADER || length > content.length) return undefined;
  const datagram = content.subarray(0, length);
  const sum = pseudoHeader(Protocol.Udp, source, destination, length);
  if (view.getUint16(6) !== 0 && checksum(datagram, sum) !== 0) return undefined;
  return {
    from: { address: source, port: view.getUint16(0) },
    to: { address: destination, port: view.getUint16(2) },
    content: datagram.subarray(UDP_HEADER),
  };
}

export function datagramPacket({ from, to, content }: Datagram): Packet {
  const bytes = new Uint8Array(UDP_HEADER + content.length);
  const view = viewOf(bytes);
  view.setUint16(0, from.port);
  view.setUint16(2, to.port);
  view.setUint16(4, bytes.length);
  bytes.set(content, UDP_HEADER);
  view.setUint16(6, checksum(bytes, pseudoHeader(Protocol.Udp, from.address, to.address, bytes.length)) || 0xffff);
  return { protocol: Protocol.Udp, source: from.address, destination: to.address, content: bytes };
}
