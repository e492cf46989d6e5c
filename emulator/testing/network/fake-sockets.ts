/** For tests: a host for the user-mode network whose sockets and clock are in the spec's hands. */
import type {
  Endpoint,
  HostSockets,
  Listener,
  TcpEvents,
  TcpSocket,
  UdpEvents,
  UdpSocket,
} from '../../network/host-sockets';

export class FakeUdp implements UdpSocket {
  readonly sent: { text: string; to: Endpoint }[] = [];
  isClosed = false;

  constructor(
    readonly place: { port: number } | { peer: Endpoint },
    readonly events: UdpEvents,
  ) {}

  send(bytes: Uint8Array, to: Endpoint): void {
    this.sent.push({ text: new TextDecoder('latin1').decode(bytes), to });
  }

  close(): void {
    this.isClosed = true;
  }
}

export class FakeTcp implements TcpSocket {
  pending = 0;
  written = '';
  hasEnded = false;
  isDestroyed = false;
  isFlowing = true;

  constructor(
    readonly peer: Endpoint,
    readonly events: TcpEvents | undefined,
  ) {}

  write(bytes: Uint8Array): void {
    this.written += new TextDecoder('latin1').decode(bytes);
  }

  end(): void {
    this.hasEnded = true;
  }

  flow(isWanted: boolean): void {
    this.isFlowing = isWanted;
  }

  destroy(): void {
    this.isDestroyed = true;
  }
}

export class FakeSockets implements HostSockets {
  nameServer: Endpoint | undefined = { address: 0x7f000035, port: 53 };
  readonly udps: FakeUdp[] = [];
  readonly tcps: FakeTcp[] = [];
  readonly listening = new Map<number, (socket: TcpSocket, from: Endpoint) => TcpEvents>();
  private now = 0;
  private timers: { at: number; action: () => void }[] = [];

  udp(place: { port: number } | { peer: Endpoint }, events: UdpEvents): UdpSocket {
    this.udps.push(new FakeUdp(place, events));
    return this.udps.at(-1)!;
  }

  tcp(peer: Endpoint, events: TcpEvents): TcpSocket {
    this.tcps.push(new FakeTcp(peer, events));
    return this.tcps.at(-1)!;
  }

  listen(port: number, accept: (socket: TcpSocket, from: Endpoint) => TcpEvents): Listener {
    this.listening.set(port, accept);
    return { close: () => void this.listening.delete(port) };
  }

  later(milliseconds: number, action: () => void): () => void {
    const timer = { at: this.now + milliseconds, action };
    this.timers.push(timer);
    return () => void (this.timers = this.timers.filter((one) => one !== timer));
  }

  /** Timers that have been set and not called off. */
  get waiting(): number {
    return this.timers.length;
  }

  /** Lets time pass; 0: what is to be done in the next turn is done. */
  pass(milliseconds = 0): void {
    const end = this.now + milliseconds;
    for (;;) {
      const next = this.timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.now = Math.max(this.now, next.at);
      this.timers = this.timers.filter((one) => one !== next);
      next.action();
    }
    this.now = end;
  }
}
