/** Ethernet frames without their checksum (IEEE 802.3, DIX format), and ARP (RFC 826) in them. */

export const enum EtherType {
  Ipv4 = 0x0800,
  Arp = 0x0806,
}

export const ETHERNET_HEADER = 14;
export const BROADCAST_MAC = new Uint8Array(6).fill(0xff);

/** The MAC of an address of the network's own: 52:55 and the address. */
export function macOf(address: number): Uint8Array {
  const mac = Uint8Array.of(0x52, 0x55, 0, 0, 0, 0);
  viewOf(mac).setUint32(2, address);
  return mac;
}

export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

export function ethernetFrame(to: Uint8Array, from: Uint8Array, type: EtherType, content: Uint8Array): Uint8Array {
  const frame = new Uint8Array(ETHERNET_HEADER + content.length);
  frame.set(to);
  frame.set(from, 6);
  viewOf(frame).setUint16(12, type);
  frame.set(content, ETHERNET_HEADER);
  return frame;
}

export const enum ArpOperation {
  Request = 1,
  Reply = 2,
}

export interface Arp {
  operation: number;
  senderMac: Uint8Array;
  sender: number;
  target: number;
}

const ARP_LENGTH = 28;
/** Hardware type Ethernet, protocol type IPv4, and the lengths of their addresses. */
const ARP_KIND = [0x0001, EtherType.Ipv4, 0x0604] as const;

/** Undefined if it is not one for IPv4 over Ethernet. */
export function parseArp(bytes: Uint8Array): Arp | undefined {
  if (bytes.length < ARP_LENGTH) return undefined;
  const view = viewOf(bytes);
  if (ARP_KIND.some((word, index) => view.getUint16(2 * index) !== word)) return undefined;
  return {
    operation: view.getUint16(6),
    senderMac: bytes.slice(8, 14),
    sender: view.getUint32(14),
    target: view.getUint32(24),
  };
}

export function arpPacket(arp: Arp, targetMac: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(ARP_LENGTH);
  const view = viewOf(bytes);
  ARP_KIND.forEach((word, index) => view.setUint16(2 * index, word));
  view.setUint16(6, arp.operation);
  bytes.set(arp.senderMac, 8);
  view.setUint32(14, arp.sender);
  bytes.set(targetMac, 18);
  view.setUint32(24, arp.target);
  return bytes;
}
