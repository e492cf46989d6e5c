/**
 * UDP between the guest and the host. Each port of the guest has a socket on the loopback, by which it reaches the host as 10.0.2.2,
 * and one for each peer beyond. A forwarded port is the socket of the guest's port: what the guest sends from there leaves by it.
 */
import { GATEWAY, isLoopback } from './addresses';
import { DNS_PORT, knownAnswer } from './dns';
import type { Forward } from './forward';
import type { Endpoint, HostSockets, UdpSocket } from './host-sockets';
import { type Datagram, LONGEST_DATAGRAM } from './ipv4';
import { hostSide } from './peers';

/** Sockets at a time; the one that was used least lately goes first. */
const MOST_SOCKETS = 128;

export interface UdpHost {
  sockets: HostSockets;
  /** A datagram for the guest. */
  deliver(datagram: Datagram): void;
  /** One of the guest's could not be delivered. */
  undelivered(datagram: Datagram): void;
  /** Something for the user to know. */
  problem(text: string): void;
}

interface Open {
  socket: UdpSocket;
  isForward: boolean;
  /** What the guest sent last by it. */
  last?: Datagram;
}

export class UdpRelay {
  /** By the guest's port and the peer; the longest unused first. */
  private readonly open = new Map<string, Open>();

  constructor(
    private readonly host: UdpHost,
    forwards: readonly Forward[],
  ) {
    for (const { hostPort, guest } of forwards) this.openLoopback(guest, hostPort, true);
  }

  /** A datagram from the guest to somebody else. */
  send(datagram: Datagram): void {
    const { to, from, content } = datagram;
    const answer = to.port === DNS_PORT ? knownAnswer(content) : undefined;
    if (answer !== undefined) {
      this.host.deliver({ from: to, to: from, content: answer });
      return;
    }
    const peer = hostSide(to, this.host.sockets.nameServer);
    if (peer === undefined) {
      this.host.undelivered(datagram);
      return;
    }
    const open = isLoopback(peer.address) ? this.loopback(from) : this.outward(from, to, peer);
    open.last = datagram;
    open.socket.send(content, peer);
  }

  /** Closes all but the forwarded ports. */
  forget(): void {
    for (const [key, { socket, isForward }] of this.open) {
      if (isForward) continue;
      socket.close();
      this.open.delete(key);
    }
  }

  close(): void {
    for (const { socket } of this.open.values()) socket.close();
    this.open.clear();
  }

  private loopback(from: Endpoint): Open {
    return this.used(loopbackKey(from)) ?? this.openLoopback(from, 0, false);
  }

  private openLoopback(guest: Endpoint, port: number, isForward: boolean): Open {
    return this.add(loopbackKey(guest), isForward, (failed) =>
      this.host.sockets.udp(
        { port },
        {
          // Whoever is on the host is the gateway for the guest.
          received: (content, { port }) => this.received({ address: GATEWAY, port }, guest, content),
          failed: (reason) => {
            if (isForward) this.host.problem(`UDP port ${port} of 127.0.0.1 is not forwarded: ${reason}`);
            failed();
          },
        },
      ),
    );
  }

  /** `to`: who it is for the guest. */
  private outward(from: Endpoint, to: Endpoint, peer: Endpoint): Open {
    const key = `${endpointKey(from)} ${endpointKey(to)}`;
    const received = (content: Uint8Array): void => this.received(to, from, content);
    return (
      this.used(key) ??
      this.add(key, false, (failed) => this.host.sockets.udp({ peer }, { received, failed: () => failed() }))
    );
  }

  private received(from: Endpoint, to: Endpoint, content: Uint8Array): void {
    if (content.length <= LONGEST_DATAGRAM) this.host.deliver({ from, to, content });
  }

  /** The open one, which is now the one that was used last. */
  private used(key: string): Open | undefined {
    const open = this.open.get(key);
    if (open === undefined) return undefined;
    this.open.delete(key);
    this.open.set(key, open);
    return open;
  }

  private add(key: string, isForward: boolean, create: (failed: () => void) => UdpSocket): Open {
    if (this.open.size >= MOST_SOCKETS) {
      const oldest = [...this.open].find(([, one]) => !one.isForward);
      oldest?.[1].socket.close();
      if (oldest) this.open.delete(oldest[0]);
    }
    const socket = create(() => {
      if (open.last !== undefined) this.host.undelivered(open.last);
    });
    const open: Open = { socket, isForward };
    this.open.set(key, open);
    return open;
  }
}

const endpointKey = ({ address, port }: Endpoint): string => `${address}:${port}`;
const loopbackKey = (guest: Endpoint): string => `${endpointKey(guest)} loopback`;
