/** gdb's remote protocol on a TCP port of this computer, and of no other: QEMU's -gdb and -s. */
import * as net from 'node:net';
import type { RunLimit, Stop } from '../emulator/types';
import { GdbSession } from '../gdb-stub/session';
import type { Target } from '../gdb-stub/target';
import { reason } from '../host/reason';
import { UsageError } from './command-line/option-values';
import type { RunDebugger } from './run';

/** As many as QEMU's socket holds back. */
const MOST_WAITING = 1;

export class GdbServer implements RunDebugger {
  /** Of the client that is served: there is one at a time. */
  private session: GdbSession | undefined;
  /** Clients that come after it, or before there is anything to debug. */
  private readonly waiting: net.Socket[] = [];
  private target: Target | undefined;

  private constructor(private readonly server: net.Server) {
    server.on('connection', (socket) => {
      // What is wrong with the connection ends it.
      socket.on('error', () => undefined);
      if (this.waiting.length === MOST_WAITING) {
        socket.destroy();
        return;
      }
      this.waiting.push(socket);
      this.serveNext();
    });
  }

  /** Takes the port. Throws UsageError if it is not to be had. */
  static async listen(port: number): Promise<GdbServer> {
    const server = net.createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(new UsageError(`-gdb tcp::${port}: cannot listen (${reason(error)})`)));
      server.listen(port, '127.0.0.1', resolve);
    });
    return new GdbServer(server);
  }

  /** Serves clients from now on, one after the other. */
  serve(target: Target): void {
    this.target = target;
    this.serveNext();
  }

  limit(): Pick<RunLimit, 'hart'> {
    return this.session?.limit() ?? {};
  }

  ran(stop: Stop): boolean {
    return this.session?.ran(stop) ?? false;
  }

  get travelling(): boolean {
    return this.session?.control.travelling ?? false;
  }

  get debugging(): boolean {
    return this.session?.isDebugger ?? false;
  }

  exited(status: number): void {
    this.session?.exited(status);
  }

  close(): void {
    this.server.close();
    this.waiting.splice(0).forEach((socket) => socket.destroy());
    this.session?.end();
  }

  private open(socket: net.Socket, target: Target): void {
    socket.setNoDelay(true);
    const channel = {
      send: (bytes: Uint8Array) => {
        // A client that does not read what it is sent is not listened to.
        if (!socket.write(bytes)) socket.pause();
      },
      close: () => void socket.end(),
    };
    const session = new GdbSession(target, channel);
    this.session = session;
    socket.on('drain', () => socket.resume());
    socket.on('data', (bytes) => session.receive(bytes));
    socket.on('close', () => {
      session.end();
      this.session = undefined;
      this.serveNext();
    });
  }

  private serveNext(): void {
    if (this.target === undefined || this.session !== undefined) return;
    const next = this.waiting.splice(0).find(({ destroyed }) => !destroyed);
    if (next !== undefined) this.open(next, this.target);
  }
}
