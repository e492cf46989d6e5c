/**
 * What a driver may leave to an 82540EM (the manual's section 3.3.6 and 3.5): to put checksums into a frame, and to cut one with more
 * than fits into segments. A context descriptor says where in the frame what is.
 */

/** Bytes of a context. */
export const CONTEXT = 16;
/** Bits of the options of a frame. */
const IP_CHECKSUM = 1;
const TRANSPORT_CHECKSUM = 2;
/** Bits of a context's command. */
const TCP = 1;
const IPV4 = 2;
/** Flags of TCP that only the last segment has: FIN and PSH. */
const OF_LAST = 9;
/** Segments of one frame: with the smallest that TCP has in use there are fewer. */
const MOST_SEGMENTS = 256;

/** Puts in the checksums that the options ask for. */
export function summed(frame: Uint8Array, context: Uint8Array, options: number): Uint8Array {
  if ((options & TRANSPORT_CHECKSUM) !== 0) putSum(frame, context.subarray(4));
  if ((options & IP_CHECKSUM) !== 0) putSum(frame, context);
  return frame;
}

/** The internet checksum (RFC 1071) of a part of a frame: its first byte, where the sum goes, and its last byte, 0 for the frame's. */
function putSum(frame: Uint8Array, [start = 0, place = 0, low = 0, high = 0]: Uint8Array): void {
  const last = low + high * 256;
  const end = last > 0 && last < frame.length ? last + 1 : frame.length;
  if (place >= end - 1) return;
  let sum = 0;
  for (let index = start; index < end; index++) sum += frame[index]! << ((index - start) % 2 === 0 ? 8 : 0);
  viewOf(frame).setUint16(place, ~folded(sum) & 0xffff || 0xffff);
}

/** The segments of a frame, each with the headers, which are made to fit it. A frame whose context makes no sense stays whole. */
export function* segmentsOf(frame: Uint8Array, context: Uint8Array, options: number): Generator<Uint8Array> {
  const view = viewOf(context);
  const [ip, transport, sum] = [context[0]!, context[4]!, context[5]!];
  const [command, header, largest] = [context[11]!, context[13]!, view.getUint16(14, true)];
  const content = frame.length - header;
  const isTcp = (command & TCP) !== 0;
  if (largest === 0 || content < 0 || header < Math.max(ip + 6, transport + (isTcp ? 14 : 6), sum + 2)) {
    yield frame;
    return;
  }
  let sent = 0;
  for (let index = 0; index < MOST_SEGMENTS && (index === 0 || sent < content); index++) {
    const segment = new Uint8Array(header + Math.min(largest, content - sent));
    segment.set(frame.subarray(0, header));
    segment.set(frame.subarray(header + sent, segment.length + sent), header);
    const words = viewOf(segment);
    const length = segment.length - transport;
    if ((command & IPV4) !== 0) {
      words.setUint16(ip + 2, segment.length - ip);
      words.setUint16(ip + 4, words.getUint16(ip + 4) + index);
    }
    if (isTcp) words.setUint32(transport + 4, words.getUint32(transport + 4) + sent);
    else words.setUint16(transport + 4, length);
    if (isTcp && content - sent > largest) segment[transport + 13]! &= ~OF_LAST;
    // The driver's sum of the pseudo header lacks the length.
    if ((options & TRANSPORT_CHECKSUM) !== 0) words.setUint16(sum, folded(words.getUint16(sum) + length));
    yield segment;
    sent += segment.length - header;
  }
}

function folded(sum: number): number {
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
