/** What the user-mode network needs of the host: sockets, and to be called later. Nothing here listens but on 127.0.0.1. */

/** An IPv4 address as a number, and a port. */
export interface Endpoint {
  address: number;
  port: number;
}

export interface UdpSocket {
  send(bytes: Uint8Array, to: Endpoint): void;
  close(): void;
}

export interface UdpEvents {
  received(bytes: Uint8Array, from: Endpoint): void;
  /** It cannot be opened, or what was sent could not be delivered. */
  failed(reason: string): void;
}

export interface TcpSocket {
  /** Bytes that the host has not taken yet. */
  readonly pending: number;
  write(bytes: Uint8Array): void;
  /** Nothing more will be written. */
  end(): void;
  /** Whether bytes that arrive are to be handed out; those that are not stay with the host. */
  flow(isWanted: boolean): void;
  /** Ends it at once; no event comes any more. */
  destroy(): void;
}

export interface TcpEvents {
  connected(): void;
  received(bytes: Uint8Array): void;
  /** `pending` has become less. */
  drained(): void;
  /** The peer writes nothing more. */
  ended(): void;
  /** It is over; `refused`: it never was connected. */
  closed(refused: boolean): void;
}

export interface Listener {
  close(): void;
}

export interface HostSockets {
  /** The host's own name server, if it has one with an IPv4 address. */
  readonly nameServer: Endpoint | undefined;
  /** On 127.0.0.1, at a port or at any (0); or to one peer only, from wherever the host reaches that. */
  udp(place: { port: number } | { peer: Endpoint }, events: UdpEvents): UdpSocket;
  tcp(peer: Endpoint, events: TcpEvents): TcpSocket;
  /** On 127.0.0.1. `accept` is given each connection, and who made it. */
  listen(
    port: number,
    accept: (socket: TcpSocket, from: Endpoint) => TcpEvents,
    failed: (reason: string) => void,
  ): Listener;
  /** Calls `action` after so many milliseconds, 0: with the next turn of the host. Returns a function that calls it off. */
  later(milliseconds: number, action: () => void): () => void;
}
