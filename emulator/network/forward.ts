/** A port of the host that leads to one of the guest, in QEMU's words: `udp::25999-:2000`. */
import { addressOf, GUEST, isLoopback } from './addresses';
import type { Endpoint } from './host-sockets';

export interface Forward {
  protocol: 'tcp' | 'udp';
  /** On 127.0.0.1. */
  hostPort: number;
  guest: Endpoint;
}

/** What is wrong with a forwarded port, in words for the user. */
export class ForwardError extends Error {}

/** `[tcp|udp]:[host address]:port-[guest address]:port`. Throws ForwardError if it is not like that. */
export function parseForward(text: string): Forward {
  const match = /^(tcp|udp|):([^:]*):(\d{1,5})-([^:]*):(\d{1,5})$/.exec(text);
  const [, protocol = '', host = '', hostPort = '', guest = '', guestPort = ''] = match ?? [];
  const address = guest === '' ? GUEST : addressOf(guest);
  if (match === null || address === undefined || Number(hostPort) > 65535 || !isPort(Number(guestPort)))
    throw new ForwardError(`hostfwd=${text} is no forwarded port: write udp::25999-:2000 or tcp::8080-:80`);
  const own = addressOf(host);
  if (host !== '' && host !== 'localhost' && (own === undefined || !isLoopback(own)))
    throw new ForwardError(`hostfwd=${text} listens on ${host}: ports are only forwarded from 127.0.0.1; leave it out`);
  return {
    protocol: protocol === 'udp' ? 'udp' : 'tcp',
    hostPort: Number(hostPort),
    guest: { address, port: Number(guestPort) },
  };
}

const isPort = (port: number): boolean => port >= 1 && port <= 65535;
