/** TCP segments (RFC 9293, section 3.1), with the one option that is in use: the largest segment. */
import { viewOf } from './ethernet';
import type { Endpoint } from './host-sockets';
import { checksum, type Packet, Protocol, pseudoHeader } from './ipv4';

export const enum Flag {
  Fin = 1,
  Syn = 2,
  Reset = 4,
  Push = 8,
  Ack = 16,
}

export interface Segment {
  flags: number;
  sequence: number;
  acknowledgement: number;
  window: number;
  /** The longest content that the sender takes; undefined if it does not say so. */
  largest: number | undefined;
  content: Uint8Array;
}

const HEADER = 20;
const OPTION_END = 0;
const OPTION_NONE = 1;
const OPTION_LARGEST = 2;

/** Undefined if it is damaged. */
export function parseSegment({
  source,
  destination,
  content,
}: Packet): { from: Endpoint; to: Endpoint; segment: Segment } | undefined {
  if (content.length < HEADER) return undefined;
  const view = viewOf(content);
  const header = (content[12]! >> 4) * 4;
  if (header < HEADER || header > content.length) return undefined;
  if (checksum(content, pseudoHeader(Protocol.Tcp, source, destination, content.length)) !== 0) return undefined;
  return {
    from: { address: source, port: view.getUint16(0) },
    to: { address: destination, port: view.getUint16(2) },
    segment: {
      flags: content[13]!,
      sequence: view.getUint32(4),
      acknowledgement: view.getUint32(8),
      window: view.getUint16(14),
      largest: largestIn(content.subarray(HEADER, header)),
      content: content.subarray(header),
    },
  };
}

export function segmentPacket(from: Endpoint, to: Endpoint, segment: Segment): Packet {
  const { flags, sequence, acknowledgement, window, largest, content } = segment;
  const header = HEADER + (largest === undefined ? 0 : 4);
  const bytes = new Uint8Array(header + content.length);
  const view = viewOf(bytes);
  view.setUint16(0, from.port);
  view.setUint16(2, to.port);
  view.setUint32(4, sequence);
  view.setUint32(8, acknowledgement);
  bytes[12] = (header / 4) << 4;
  bytes[13] = flags;
  view.setUint16(14, window);
  if (largest !== undefined) view.setUint32(HEADER, (OPTION_LARGEST << 24) | (4 << 16) | largest);
  bytes.set(content, header);
  view.setUint16(16, checksum(bytes, pseudoHeader(Protocol.Tcp, from.address, to.address, bytes.length)));
  return { protocol: Protocol.Tcp, source: from.address, destination: to.address, content: bytes };
}

function largestIn(options: Uint8Array): number | undefined {
  for (let at = 0; at < options.length && options[at] !== OPTION_END;) {
    const length = options[at] === OPTION_NONE ? 1 : (options[at + 1] ?? 0);
    if (options[at] === OPTION_LARGEST && length === 4 && at + 4 <= options.length)
      return viewOf(options).getUint16(at + 2);
    if (length < 1 || (length < 2 && options[at] !== OPTION_NONE)) return undefined;
    at += length;
  }
  return undefined;
}
