/**
 * gdb's remote protocol (gdb-stub/) on a port of this computer, for the machine that is debugged here. Whichever of the two debuggers lets the
 * machine run or stops it, both have it so; but gdb can be told of a stop only while it waits for one.
 */
import type { HostSockets, Listener, TcpEvents, TcpSocket } from '../../../emulator/network/host-sockets';
import type { RunLimit, Stop } from '../../../emulator/types';
import { GdbSession } from '../../../gdb-stub/session';
import type { Target } from '../../../gdb-stub/target';

/** Bytes that may wait for gdb to read them before it is listened to no longer. */
const MOST_UNREAD = 1 << 20;
const NOTHING: TcpEvents = {
  connected: () => undefined,
  received: () => undefined,
  drained: () => undefined,
  ended: () => undefined,
  closed: () => undefined,
};

/** What gdb is told by the program around it. */
export interface GdbHost {
  readonly target: Target;
  /** The machine is on its way through its past, and nobody may look at it. */
  readonly travelling: boolean;
  /** Has whatever looks through the past unasked give way. */
  quiet(): Promise<void>;
  problem(text: string): void;
  failed(error: unknown): void;
}

export class GdbPort {
  private listener: Listener | undefined;
  /** Of the one client that is served. */
  private client: { session: GdbSession; socket: TcpSocket } | undefined;
  /** Those who wait for the machine to arrive. */
  private readonly arrivals: (() => void)[] = [];
  private last: Promise<void> = Promise.resolve();
  private isClosed = false;

  constructor(
    private readonly port: number,
    private readonly sockets: HostSockets,
    private readonly host: GdbHost,
  ) {}

  /** Takes clients from now on, one at a time. */
  listen(): void {
    this.listener = this.sockets.listen(
      this.port,
      (socket) => this.accept(socket),
      (reason) =>
        this.host.problem(`"gdbPort" in the launch configuration: cannot listen on ${this.port} (${reason}).`),
    );
  }

  /** For the machine's next run. */
  limit(): Pick<RunLimit, 'hart'> {
    return this.client?.session.limit() ?? {};
  }
  /** The machine has come back from a run. */
  ran(stop: Stop): void {
    this.client?.session.ran(stop);
  }
  /** The machine stands. */
  stood(hart: number): void {
    this.client?.session.stood(hart);
  }
  /** The machine has come to the end of its way through the past. */
  arrived(): void {
    this.arrivals.splice(0).forEach((go) => go());
  }
  /** The machine has ended. */
  exited(status: number): void {
    this.client?.session.exited(status);
  }

  close(): void {
    this.isClosed = true;
    this.arrived();
    this.listener?.close();
    this.client?.session.end();
  }

  private accept(socket: TcpSocket): TcpEvents {
    if (this.isClosed || this.client !== undefined) {
      socket.destroy();
      return NOTHING;
    }
    let isGone = false;
    let session: GdbSession | undefined;
    const channel = { send: (bytes: Uint8Array) => socket.write(bytes), close: () => socket.end() };
    const leave = (): void => {
      isGone = true;
      session?.end();
      if (this.client?.socket === socket) this.client = undefined;
    };
    this.whereItStands(() => {
      if (isGone || this.client !== undefined) return socket.destroy();
      session = new GdbSession(this.host.target, channel);
      this.client = { session, socket };
    });
    return {
      ...NOTHING,
      received: (bytes) => {
        socket.flow(false);
        this.whereItStands(() => {
          session?.receive(bytes);
          if (socket.pending <= MOST_UNREAD) socket.flow(true);
        });
      },
      drained: () => socket.flow(true),
      ended: () => this.whereItStands(() => (leave(), socket.end())),
      closed: () => this.whereItStands(leave),
    };
  }

  /** Does something once the machine is not in the past on somebody's behalf; what is done so keeps its order. */
  private whereItStands(action: () => void): void {
    this.last = this.last
      .then(async () => {
        if (!this.isClosed) await this.host.quiet();
        while (this.host.travelling && !this.isClosed) await new Promise<void>((go) => this.arrivals.push(go));
        action();
      })
      .catch((error: unknown) => this.host.failed(error));
  }
}
