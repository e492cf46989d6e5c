/**
 * The sockets of Node for the user-mode network: what listens does so on 127.0.0.1, and a UDP socket that reaches beyond takes
 * datagrams from its one peer only.
 */
import type * as Dgram from 'node:dgram';
import type * as Dns from 'node:dns';
import { createRequire } from 'node:module';
import * as net from 'node:net';
import { addressOf, textOf } from '../emulator/network/addresses';
import type {
  Endpoint,
  HostSockets,
  Listener,
  TcpEvents,
  TcpSocket,
  UdpEvents,
  UdpSocket,
} from '../emulator/network/host-sockets';
import { reason } from './reason';

const LOOPBACK = '127.0.0.1';
/** Datagrams that wait for a socket to be opened. */
const MOST_WAITING = 64;

/** Only a guest that sends datagrams pays for loading what they need; Node's console has loaded `net` already. */
const load = createRequire(__filename);

export const SOCKETS: HostSockets = {
  get nameServer(): Endpoint | undefined {
    const { getServers } = load('node:dns') as typeof Dns;
    const address = getServers()
      .map(addressOf)
      .find((each) => each !== undefined);
    return address === undefined ? undefined : { address, port: 53 };
  },

  udp: (place, events) => new NodeUdpSocket(place, events),

  tcp(peer, events) {
    const socket = net.connect({ host: textOf(peer.address), port: peer.port, allowHalfOpen: true });
    return new NodeTcpSocket(socket, () => events);
  },

  listen(port, accept, failed): Listener {
    const server = net.createServer({ allowHalfOpen: true }, (socket) => {
      const from = { address: addressOf(LOOPBACK)!, port: socket.remotePort ?? 0 };
      const own: NodeTcpSocket = new NodeTcpSocket(socket, () => events);
      const events = accept(own, from);
    });
    server.on('error', (error) => failed(reason(error)));
    server.listen(port, LOOPBACK);
    return { close: () => void server.close() };
  },

  later(milliseconds, action) {
    if (milliseconds > 0) {
      const timer = setTimeout(action, milliseconds);
      return () => clearTimeout(timer);
    }
    const turn = setImmediate(action);
    return () => clearImmediate(turn);
  },
};

class NodeUdpSocket implements UdpSocket {
  private readonly socket = (load('node:dgram') as typeof Dgram).createSocket('udp4');
  /** Until it is open. */
  private waiting: (() => void)[] | undefined = [];
  private readonly isConnected: boolean;
  private isClosed = false;

  constructor(place: { port: number } | { peer: Endpoint }, events: UdpEvents) {
    const { socket } = this;
    this.isConnected = 'peer' in place;
    socket.on('error', (error) => {
      if (!this.isClosed) events.failed(reason(error));
    });
    socket.on('message', (bytes, from) => {
      const address = addressOf(from.address);
      if (address !== undefined && !this.isClosed) events.received(bytes, { address, port: from.port });
    });
    const opened = (error?: Error): void => {
      if (error !== undefined) {
        if (!this.isClosed) events.failed(reason(error));
        return;
      }
      const waiting = this.waiting ?? [];
      this.waiting = undefined;
      for (const send of waiting) send();
    };
    if ('peer' in place) socket.connect(place.peer.port, textOf(place.peer.address), opened);
    else socket.bind({ port: place.port, address: LOOPBACK, exclusive: true }, () => opened());
  }

  send(bytes: Uint8Array, to: Endpoint): void {
    const send = (): void => {
      if (this.isClosed) return;
      // Its error event tells what has failed.
      const done = (error: Error | null): void => void (error && this.socket.emit('error', error));
      if (this.isConnected) this.socket.send(bytes, done);
      else this.socket.send(bytes, to.port, textOf(to.address), done);
    };
    if (this.waiting === undefined) send();
    else if (this.waiting.length < MOST_WAITING) this.waiting.push(send);
  }

  close(): void {
    this.isClosed = true;
    try {
      this.socket.close();
    } catch {
      // It never was open.
    }
  }
}

class NodeTcpSocket implements TcpSocket {
  private isConnected = false;
  private isDestroyed = false;

  /** `events` is asked for only after this turn. */
  constructor(
    private readonly socket: net.Socket,
    events: () => TcpEvents,
  ) {
    const tell = (action: (events: TcpEvents) => void): void => {
      if (!this.isDestroyed) action(events());
    };
    this.isConnected = socket.readyState === 'open';
    socket.setNoDelay(true);
    socket.on('connect', () => {
      this.isConnected = true;
      tell((each) => each.connected());
    });
    socket.on('data', (bytes) => tell((each) => each.received(bytes)));
    socket.on('drain', () => tell((each) => each.drained()));
    socket.on('end', () => tell((each) => each.ended()));
    // What went wrong is nothing to the guest: it sees that the connection is over.
    socket.on('error', () => undefined);
    socket.on('close', () => tell((each) => each.closed(!this.isConnected)));
  }

  get pending(): number {
    return this.socket.writableLength;
  }

  write(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  end(): void {
    this.socket.end();
  }

  flow(isWanted: boolean): void {
    if (isWanted) this.socket.resume();
    else this.socket.pause();
  }

  destroy(): void {
    this.isDestroyed = true;
    this.socket.destroy();
  }
}
