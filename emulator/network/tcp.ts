/** TCP between the guest and the host: the connections, by both their ends, and the forwarded ports. */
import { GATEWAY } from './addresses';
import type { Forward } from './forward';
import type { Endpoint, HostSockets, Listener } from './host-sockets';
import type { Packet } from './ipv4';
import { hostSide } from './peers';
import { TcpConnection } from './tcp-connection';
import { Flag, parseSegment, type Segment, segmentPacket } from './tcp-segment';

/** Connections at a time; more are refused. */
const MOST_CONNECTIONS = 64;
/** Between the first sequence numbers of two connections. */
const INITIAL_STEP = 64000;

export interface TcpHost {
  sockets: HostSockets;
  /** A packet for the guest. */
  deliver(packet: Packet): void;
  /** Something for the user to know. */
  problem(text: string): void;
}

export class TcpRelay {
  private readonly connections = new Map<string, TcpConnection>();
  private readonly listeners: Listener[];
  private initial = 1;

  constructor(
    private readonly host: TcpHost,
    forwards: readonly Forward[],
  ) {
    this.listeners = forwards.map(({ hostPort, guest }) =>
      host.sockets.listen(
        hostPort,
        (socket, from) => {
          // Whoever is on the host is the gateway for the guest.
          const connection = this.connect({ address: GATEWAY, port: from.port }, guest);
          if (connection === undefined) socket.destroy();
          else connection.acceptHost(socket);
          return connection ?? IGNORED;
        },
        (reason) => host.problem(`TCP port ${hostPort} of 127.0.0.1 is not forwarded: ${reason}`),
      ),
    );
  }

  /** A packet from the guest to somebody else. */
  received(packet: Packet): void {
    const parsed = parseSegment(packet);
    if (parsed === undefined) return;
    const { from, to, segment } = parsed;
    const connection = this.connections.get(key(to, from));
    if (connection !== undefined) {
      connection.segment(segment);
      return;
    }
    if ((segment.flags & Flag.Reset) !== 0) return;
    const peer = hostSide(to, this.host.sockets.nameServer);
    const isOpening = (segment.flags & (Flag.Syn | Flag.Ack)) === Flag.Syn;
    const opened = isOpening && peer !== undefined ? this.connect(to, from) : undefined;
    if (opened === undefined) this.refuse(from, to, segment);
    else opened.acceptGuest(segment, (events) => this.host.sockets.tcp(peer!, events));
  }

  /** Ends all connections; the forwarded ports stay. */
  forget(): void {
    for (const connection of [...this.connections.values()]) connection.reset();
  }

  close(): void {
    this.forget();
    for (const listener of this.listeners) listener.close();
  }

  /** A new connection of somebody with the guest; undefined if there are too many. */
  private connect(peer: Endpoint, guest: Endpoint): TcpConnection | undefined {
    const name = key(peer, guest);
    if (this.connections.size >= MOST_CONNECTIONS || this.connections.has(name)) return undefined;
    const connection = new TcpConnection(
      {
        send: (segment) => this.host.deliver(segmentPacket(peer, guest, segment)),
        later: (milliseconds, action) => this.host.sockets.later(milliseconds, action),
        over: () => void this.connections.delete(name),
      },
      (this.initial += INITIAL_STEP),
    );
    this.connections.set(name, connection);
    return connection;
  }

  /** There is no such connection (RFC 9293, section 3.10.7.1). */
  private refuse(from: Endpoint, to: Endpoint, { flags, sequence, acknowledgement, content }: Segment): void {
    const isAcknowledging = (flags & Flag.Ack) !== 0;
    const length = content.length + ((flags & Flag.Syn) !== 0 ? 1 : 0) + ((flags & Flag.Fin) !== 0 ? 1 : 0);
    const reset: Segment = {
      flags: isAcknowledging ? Flag.Reset : Flag.Reset | Flag.Ack,
      sequence: isAcknowledging ? acknowledgement : 0,
      acknowledgement: isAcknowledging ? 0 : (sequence + length) >>> 0,
      ...{ window: 0, largest: undefined, content: new Uint8Array() },
    };
    this.host.deliver(segmentPacket(to, from, reset));
  }
}

const IGNORED = {
  connected: () => undefined,
  received: () => undefined,
  drained: () => undefined,
  ended: () => undefined,
  closed: () => undefined,
};

const key = (peer: Endpoint, guest: Endpoint): string => `${peer.address}:${peer.port} ${guest.address}:${guest.port}`;
