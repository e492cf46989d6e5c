/** For tests: the guest's side of the user-mode network, as frames. */
import { GATEWAY, GUEST } from '../../network/addresses';
import {
  ArpOperation,
  arpPacket,
  BROADCAST_MAC,
  ethernetFrame,
  EtherType,
  macOf,
  viewOf,
} from '../../network/ethernet';
import type { Endpoint } from '../../network/host-sockets';
import { datagramPacket, type Packet, packetsOf, parseDatagram, parsePacket } from '../../network/ipv4';
import { parseSegment, type Segment, segmentPacket } from '../../network/tcp-segment';

export const GUEST_MAC = Uint8Array.of(0x52, 0x54, 0, 0x12, 0x34, 0x56);

export const ipv4Frame = (packet: Packet): Uint8Array =>
  ethernetFrame(macOf(GATEWAY), GUEST_MAC, EtherType.Ipv4, packetsOf(packet, 1).next().value as Uint8Array);

export const udpFrame = (port: number, to: Endpoint, text: string): Uint8Array =>
  ipv4Frame(datagramPacket({ from: { address: GUEST, port }, to, content: bytesOf(text) }));

export const tcpFrame = (port: number, to: Endpoint, segment: Partial<Segment>): Uint8Array =>
  ipv4Frame(
    segmentPacket({ address: GUEST, port }, to, {
      ...{ flags: 0, sequence: 0, acknowledgement: 0, window: 65535, largest: undefined, content: new Uint8Array() },
      ...segment,
    }),
  );

/** The guest tells the gateway who it is, as an answer or of itself. */
export const arpReply = (): Uint8Array =>
  ethernetFrame(
    macOf(GATEWAY),
    GUEST_MAC,
    EtherType.Arp,
    arpPacket({ operation: ArpOperation.Reply, senderMac: GUEST_MAC, sender: GUEST, target: GATEWAY }, macOf(GATEWAY)),
  );

export const arpRequest = (target: number): Uint8Array =>
  ethernetFrame(
    BROADCAST_MAC,
    GUEST_MAC,
    EtherType.Arp,
    arpPacket({ operation: ArpOperation.Request, senderMac: GUEST_MAC, sender: GUEST, target }, new Uint8Array(6)),
  );

export const typeOf = (frame: Uint8Array): number => viewOf(frame).getUint16(12);

export function packetIn(frame: Uint8Array): Packet {
  const packet = typeOf(frame) === EtherType.Ipv4 ? parsePacket(frame.subarray(14)) : undefined;
  if (packet === undefined) throw new Error('the frame has no IPv4 packet');
  return packet;
}

/** A datagram as its ports and its content. */
export function udpIn(frame: Uint8Array): { from: Endpoint; to: Endpoint; text: string } {
  const { from, to, content } = parseDatagram(packetIn(frame))!;
  return { from, to, text: textOfBytes(content) };
}

export const tcpIn = (frame: Uint8Array): Segment => parseSegment(packetIn(frame))!.segment;

export const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
export const textOfBytes = (bytes: Uint8Array): string => new TextDecoder('latin1').decode(bytes);
