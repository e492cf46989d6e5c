/**
 * The headers of an Ethernet frame, field by field: ARP (RFC 826), IPv4 (RFC 791), ICMP (RFC 792), UDP (RFC 768), TCP (RFC 9293), the
 * question of DNS (RFC 1035). Unlike frame-words.ts, it also shows what is damaged, and how.
 */
import { textOf } from '../../emulator/network/addresses';
import { ETHERNET_HEADER, EtherType, viewOf } from '../../emulator/network/ethernet';
import { Protocol, checksum, pseudoHeader } from '../../emulator/network/ipv4';
import { tcpFlags } from './frame-words';

/** A header, and its fields in words. */
export interface Header {
  readonly name: string;
  readonly value: string;
}

const TYPES: Readonly<Record<number, string>> = {
  [EtherType.Arp]: ' (ARP)',
  [EtherType.Ipv4]: ' (IPv4)',
  0x86dd: ' (IPv6)',
};
const PROTOCOLS: Readonly<Record<number, string>> = {
  [Protocol.Icmp]: ' (ICMP)',
  [Protocol.Tcp]: ' (TCP)',
  [Protocol.Udp]: ' (UDP)',
};
const ARP = 28;
const IPV4 = 20;
const ICMP = 8;
const UDP = 8;
const TCP = 20;
const DNS = 12;
const DNS_PORT = 53;
/** Bytes of the content that are shown. */
const SHOWN = 64;

/** From the outermost inwards, with the content last. A header that is cut short is content. */
export function frameHeaders(frame: Uint8Array): Header[] {
  if (frame.length < ETHERNET_HEADER) return contentOf(frame);
  const type = viewOf(frame).getUint16(12);
  const ends = `${mac(frame.subarray(6, 12))} → ${mac(frame.subarray(0, 6))}`;
  const inner = frame.subarray(ETHERNET_HEADER);
  const decode = type === EtherType.Arp ? arp : type === EtherType.Ipv4 ? ipv4 : contentOf;
  return [{ name: 'Ethernet', value: `${ends}, type ${hex(type, 4)}${TYPES[type] ?? ''}` }, ...decode(inner)];
}

function arp(bytes: Uint8Array): Header[] {
  if (bytes.length < ARP) return contentOf(bytes);
  const view = viewOf(bytes);
  const end = (at: number): string => `${mac(bytes.subarray(at, at + 6))} ${textOf(view.getUint32(at + 6))}`;
  const operation = { 1: 'request', 2: 'reply' }[view.getUint16(6)] ?? `operation ${view.getUint16(6)}`;
  return [{ name: 'ARP', value: `${operation}, sender ${end(8)}, target ${end(18)}` }];
}

function ipv4(bytes: Uint8Array): Header[] {
  const header = ((bytes[0] ?? 0) & 15) * 4;
  if (header < IPV4 || bytes.length < header || bytes[0]! >> 4 !== 4) return contentOf(bytes);
  const view = viewOf(bytes);
  const [length, fragment, protocol] = [view.getUint16(2), view.getUint16(6), bytes[9]!];
  const [source, destination] = [view.getUint32(12), view.getUint32(16)];
  const words = [
    `${textOf(source)} → ${textOf(destination)}`,
    `protocol ${protocol}${PROTOCOLS[protocol] ?? ''}`,
    lengthWords(length, bytes.length, header),
    `TTL ${bytes[8]}`,
    `identification ${hex(view.getUint16(4), 4)}`,
    ...((fragment & 0x3fff) === 0 ? [] : [`fragment at ${(fragment & 0x1fff) * 8}`]),
    checksumWords(bytes.subarray(0, header), 10),
  ];
  const inner = bytes.subarray(header, Math.max(header, length));
  const sum = pseudoHeader(protocol, source, destination, inner.length);
  const decode = (fragment & 0x3fff) === 0 ? INNER[protocol] : undefined;
  return [{ name: 'IPv4', value: words.join(', ') }, ...(decode?.(inner, sum) ?? contentOf(inner))];
}

type Decode = (bytes: Uint8Array, pseudo: number) => Header[];

const INNER: Readonly<Record<number, Decode>> = {
  [Protocol.Icmp]: (bytes) => {
    if (bytes.length < ICMP) return contentOf(bytes);
    const kind = { 0: ' (echo reply)', 3: ' (unreachable)', 8: ' (echo request)' }[bytes[0]!] ?? '';
    const value = `type ${bytes[0]}${kind}, code ${bytes[1]}, ${checksumWords(bytes, 2)}`;
    return [{ name: 'ICMP', value }, ...contentOf(bytes.subarray(ICMP))];
  },
  [Protocol.Udp]: (bytes, pseudo) => {
    if (bytes.length < UDP) return contentOf(bytes);
    const view = viewOf(bytes);
    const [from, to, length] = [view.getUint16(0), view.getUint16(2), view.getUint16(4)];
    const sum = view.getUint16(6) === 0 ? 'no checksum' : checksumWords(bytes, 6, pseudo);
    const value = `port ${from} → ${to}, ${lengthWords(length, bytes.length, UDP)}, ${sum}`;
    const content = bytes.subarray(UDP);
    return [
      { name: 'UDP', value },
      ...(from === DNS_PORT || to === DNS_PORT ? dns(content) : []),
      ...contentOf(content),
    ];
  },
  [Protocol.Tcp]: (bytes, pseudo) => {
    const header = ((bytes[12] ?? 0) >> 4) * 4;
    if (header < TCP || bytes.length < header) return contentOf(bytes);
    const view = viewOf(bytes);
    const words = [
      `port ${view.getUint16(0)} → ${view.getUint16(2)}`,
      tcpFlags(bytes[13]!),
      `sequence ${view.getUint32(4)}`,
      `acknowledgement ${view.getUint32(8)}`,
      `window ${view.getUint16(14)}`,
      checksumWords(bytes, 16, pseudo),
    ];
    return [{ name: 'TCP', value: words.join(', ') }, ...contentOf(bytes.subarray(header))];
  },
};

function dns(bytes: Uint8Array): Header[] {
  if (bytes.length < DNS) return [];
  const view = viewOf(bytes);
  const labels: string[] = [];
  let at = DNS;
  for (let length = bytes[at] ?? 0; length > 0 && length < 64; length = bytes[at] ?? 0) {
    labels.push(ascii(bytes.subarray(at + 1, at + 1 + length)));
    at += 1 + length;
  }
  const kind = (view.getUint16(2) & 0x8000) === 0 ? 'query' : `response, ${view.getUint16(6)} answers`;
  return [{ name: 'DNS', value: `${kind}, id ${hex(view.getUint16(0), 4)}, of ${labels.join('.')}` }];
}

function contentOf(bytes: Uint8Array): Header[] {
  if (bytes.length === 0) return [];
  const shown = bytes.subarray(0, SHOWN);
  const more = bytes.length > SHOWN ? ' …' : '';
  const digits = [...shown].map((byte) => hex(byte, 2).slice(2)).join(' ');
  return [{ name: `${bytes.length} bytes`, value: `${digits}${more}  ${ascii(shown)}${more}` }];
}

const lengthWords = (stated: number, there: number, header: number): string =>
  `length ${stated}${stated > there ? `, of which ${there} are there` : stated < header ? ', less than its header' : ''}`;

/** Whether a checksum, whose place is `at`, is that of the bytes around it. */
function checksumWords(bytes: Uint8Array, at: number, pseudo = 0): string {
  const found = viewOf(bytes).getUint16(at);
  const own = Uint8Array.from(bytes);
  own.fill(0, at, at + 2);
  const right = checksum(own, pseudo);
  // 0 and 0xffff are the same sum; UDP sends the second, as the first says that there is none.
  return found === right || (found === 0xffff && right === 0)
    ? `checksum ${hex(found, 4)}`
    : `checksum ${hex(found, 4)}, which must be ${hex(right, 4)}`;
}

const hex = (value: number, digits: number): string => `0x${value.toString(16).padStart(digits, '0')}`;
const mac = (bytes: Uint8Array): string => [...bytes].map((byte) => hex(byte, 2).slice(2)).join(':');
const ascii = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
