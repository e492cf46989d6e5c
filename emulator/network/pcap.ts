/** Captured frames in the file format of libpcap (draft-ietf-opsawg-pcap), which Wireshark and tcpdump read; times in microseconds. */

const MAGIC = 0xa1b2c3d4;
const MAJOR = 2;
const MINOR = 4;
const LINK_ETHERNET = 1;
const HEADER = 24;
const RECORD_HEADER = 16;

/** What such a file begins with; `longest`: bytes that are kept of a frame. */
export function pcapHeader(longest: number): Uint8Array {
  const bytes = new Uint8Array(HEADER);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint16(4, MAJOR, true);
  view.setUint16(6, MINOR, true);
  view.setUint32(16, longest, true);
  view.setUint32(20, LINK_ETHERNET, true);
  return bytes;
}

/** A frame, and when it was seen, in microseconds since 1970. */
export function pcapRecord(frame: Uint8Array, microseconds: number, longest: number): Uint8Array {
  const kept = frame.subarray(0, longest);
  const bytes = new Uint8Array(RECORD_HEADER + kept.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, Math.floor(microseconds / 1e6), true);
  view.setUint32(4, Math.floor(microseconds % 1e6), true);
  view.setUint32(8, kept.length, true);
  view.setUint32(12, frame.length, true);
  bytes.set(kept, RECORD_HEADER);
  return bytes;
}
