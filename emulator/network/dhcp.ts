/** DHCP (RFC 2131, 2132): the gateway leases 10.0.2.15 and the addresses after it, by MAC, and keeps no books. */
import { BROADCAST, GATEWAY, GUEST, NAME_SERVER, NETMASK } from './addresses';
import { viewOf } from './ethernet';
import type { Datagram } from './ipv4';

export const DHCP_SERVER_PORT = 67;
const CLIENT_PORT = 68;

const REQUEST = 1;
const REPLY = 2;
/** Bytes of the fields before the options, and the word with which those begin. */
const FIELDS = 236;
const COOKIE = 0x63825363;
const OPTIONS = FIELDS + 4;
/** Bytes of a reply, as QEMU's. */
const LENGTH = 548;
const LEASE = 86400;

const enum Option {
  Pad = 0,
  Netmask = 1,
  Router = 3,
  NameServer = 6,
  RequestedAddress = 50,
  LeaseTime = 51,
  MessageType = 53,
  Server = 54,
  End = 255,
}

const enum Message {
  Discover = 1,
  Offer = 2,
  Request = 3,
  Acknowledge = 5,
  Refuse = 6,
}

export interface Lease {
  datagram: Datagram;
  /** Who has which address now; undefined if none was given. */
  holder: { address: number; mac: Uint8Array } | undefined;
}

/** The answer to a client; undefined if it asks nothing that is answered. */
export function dhcpReply(content: Uint8Array): Lease | undefined {
  if (content.length < OPTIONS || content[0] !== REQUEST || content[1] !== 1 || content[2] !== 6) return undefined;
  const view = viewOf(content);
  if (view.getUint32(FIELDS) !== COOKIE) return undefined;
  const options = optionsIn(content);
  const message = options.get(Option.MessageType)?.[0];
  const mac = content.slice(28, 34);
  // The address that it has, or asks for; there is one client, so it has the first.
  const asked = options.get(Option.RequestedAddress);
  const wanted = asked?.length === 4 ? viewOf(asked).getUint32(0) : view.getUint32(12);
  if (message === Message.Discover) return reply(content, Message.Offer, mac);
  if (message !== Message.Request) return undefined;
  return reply(content, wanted === GUEST || wanted === 0 ? Message.Acknowledge : Message.Refuse, mac);
}

function reply(request: Uint8Array, message: Message, mac: Uint8Array): Lease {
  const bytes = new Uint8Array(LENGTH);
  const view = viewOf(bytes);
  bytes.set(request.subarray(0, FIELDS));
  bytes[0] = REPLY;
  bytes[3] = 0;
  // Neither the relay nor the names that it may have asked for.
  bytes.fill(0, 44, FIELDS);
  const isRefused = message === Message.Refuse;
  view.setUint32(16, isRefused ? 0 : GUEST);
  view.setUint32(20, GATEWAY);
  view.setUint32(FIELDS, COOKIE);
  const options: [Option, number[]][] = [
    [Option.MessageType, [message]],
    [Option.Server, bytesOf(GATEWAY)],
  ];
  if (!isRefused) {
    options.push([Option.Netmask, bytesOf(NETMASK)], [Option.Router, bytesOf(GATEWAY)]);
    options.push([Option.NameServer, bytesOf(NAME_SERVER)], [Option.LeaseTime, bytesOf(LEASE)]);
  }
  bytes.set([...options.flatMap(([option, value]) => [option, value.length, ...value]), Option.End], OPTIONS);
  return {
    datagram: {
      from: { address: GATEWAY, port: DHCP_SERVER_PORT },
      to: { address: BROADCAST, port: CLIENT_PORT },
      content: bytes,
    },
    holder: isRefused ? undefined : { address: GUEST, mac },
  };
}

function optionsIn(content: Uint8Array): Map<number, Uint8Array> {
  const options = new Map<number, Uint8Array>();
  for (let at = OPTIONS; at < content.length && content[at] !== Option.End;) {
    if (content[at] === Option.Pad) {
      at++;
      continue;
    }
    const end = at + 2 + (content[at + 1] ?? 0);
    if (end > content.length) break;
    options.set(content[at]!, content.subarray(at + 2, end));
    at = end;
  }
  return options;
}

const bytesOf = (word: number): number[] => [24, 16, 8, 0].map((shift) => (word >>> shift) & 255);
