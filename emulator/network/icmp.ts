/** ICMP (RFC 792): the echo that the gateway answers, and the message that nobody could be reached. */
import { viewOf } from './ethernet';
import { checksum, type Packet, Protocol } from './ipv4';

const ECHO_REPLY = 0;
const UNREACHABLE = 3;
const PORT_UNREACHABLE = 3;
const ECHO_REQUEST = 8;
const HEADER = 8;
/** Bytes of what could not be delivered that are sent back: a UDP header. */
const QUOTED = 8;

/** The answer to an echo request; undefined if it is none. */
export function echoReply({ source, destination, content }: Packet): Packet | undefined {
  if (content.length < HEADER || content[0] !== ECHO_REQUEST || checksum(content) !== 0) return undefined;
  const reply = content.slice();
  reply[0] = ECHO_REPLY;
  return { protocol: Protocol.Icmp, source: destination, destination: source, content: sealed(reply) };
}

/** Tells the sender that there is nobody at the port; `header` are the first 20 bytes of a packet as it had sent. */
export function unreachable(undelivered: Packet, header: Uint8Array, from: number): Packet {
  const content = new Uint8Array(HEADER + header.length + QUOTED);
  content[0] = UNREACHABLE;
  content[1] = PORT_UNREACHABLE;
  content.set(header, HEADER);
  content.set(undelivered.content.subarray(0, QUOTED), HEADER + header.length);
  return { protocol: Protocol.Icmp, source: from, destination: undelivered.source, content: sealed(content) };
}

function sealed(content: Uint8Array): Uint8Array {
  viewOf(content).setUint16(2, 0);
  viewOf(content).setUint16(2, checksum(content));
  return content;
}
