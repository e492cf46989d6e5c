/**
 * A client of gdb's remote protocol: bytes come in and go out, and the machine is run and looked at between them. Clients that never
 * acknowledge, as the graders of the labs, are served as QEMU does (gdbstub.c): whatever they send next counts as `+`, and while
 * the machine runs whatever they ask stops it first.
 */
import type { Hart, RunLimit, Stop } from '../emulator/types';
import { answer } from './commands';
import { PacketReader, type Received, packetOf, twoDigits } from './packets';
import { type Action, RunControl, Signal, type StopReply } from './run-control';
import type { Target } from './target';
import { threadId } from './thread-ids';

/** Where a session's bytes go to. */
export interface Channel {
  send(bytes: Uint8Array): void;
  /** The session is over. */
  close(): void;
}

/** Packets that may wait while a journey through the past is under way. */
const MOST_WAITING = 64;

export class GdbSession {
  /** The hart of which packets ask, and that of the packets `c` and `s`; undefined for all. */
  general = 0;
  forRuns: number | undefined;
  isMultiprocess = false;
  isPhysical = false;
  /** Threads are listed from here on. */
  listed = 0;
  isDebugger = false;
  readonly control: RunControl;
  private readonly reader = new PacketReader();
  private acknowledges = true;
  private last: Uint8Array | undefined;
  private lastStop: StopReply = { hart: 0, signal: Signal.trap, detail: '' };
  private readonly waiting: string[] = [];
  private isOver = false;

  /** The machine stands while a client comes, as with QEMU. */
  constructor(
    readonly target: Target,
    private readonly channel: Channel,
  ) {
    target.halt(target.machine.current);
    this.control = new RunControl(
      target,
      (reply) => this.stopped(reply),
      (error) => this.print(`${error instanceof Error ? error.message : String(error)}\n`),
    );
  }

  receive(bytes: Uint8Array): void {
    for (const received of this.reader.read(bytes)) {
      if (this.isOver) return;
      this.take(received);
    }
  }

  /** See RunControl. */
  limit(): Pick<RunLimit, 'hart'> {
    return this.control.limit();
  }
  ran(stop: Stop): boolean {
    return this.control.ran(stop);
  }
  stood(hart: number): void {
    this.control.stood(hart);
  }

  /** The program ends with this status. */
  exited(status: number): void {
    this.send(`W${twoDigits(status & 0xff)}`);
    this.end();
  }

  /** Nothing more is watched for this client. The machine stays as it is. */
  end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.control.interrupt();
    this.control.end();
    this.channel.close();
  }

  /** The client goes, and the machine runs on without its breakpoints. */
  detach(reply: string): undefined {
    this.send(reply);
    this.end();
    this.target.release();
  }

  /** The hart of which packets ask. */
  get hart(): Hart {
    return this.target.machine.harts[this.general]!;
  }

  resume(actions: readonly Action[]): undefined {
    this.control.resume(actions);
  }

  /** False if there is no way back. */
  goBack(way: 'step' | 'continue'): boolean {
    return this.control.goBack(way, this.general);
  }

  /** It is a debugger, as gdb is: it has asked what the stub can do. From here on there may be a way back. */
  introduce(isMultiprocess: boolean): void {
    this.isDebugger = true;
    this.isMultiprocess = isMultiprocess;
    this.control.beginPast();
  }

  /** What the user is to read. */
  print(text: string): void {
    const bytes = new TextEncoder().encode(text);
    const most = 1024;
    for (let at = 0; at < bytes.length; at += most)
      this.send(`O${Array.from(bytes.subarray(at, at + most), twoDigits).join('')}`);
  }

  withoutAcknowledgement(): void {
    this.acknowledges = false;
  }

  /** Why the machine stands. */
  get stopReply(): string {
    const { signal, hart, detail } = this.lastStop;
    return `T${twoDigits(signal)}thread:${threadId(hart, this.isMultiprocess)};${detail}`;
  }

  private take(received: Received): void {
    if (received.kind === 'interrupt') {
      this.control.interrupt();
    } else if (received.kind === 'nack') {
      if (this.last !== undefined && this.acknowledges) this.channel.send(this.last);
    } else if (received.kind === 'damaged') {
      if (this.acknowledges) this.acknowledge('-');
    } else if (received.kind !== 'ack') {
      if (this.acknowledges) this.acknowledge('+');
      this.request(received.kind === 'packet' ? received.text : undefined);
    }
  }

  private request(text: string | undefined): void {
    if (text === undefined) {
      this.send('E22');
    } else if (this.control.busy) {
      this.control.interrupt();
      if (!this.control.busy) this.execute(text);
      else if (this.waiting.length < MOST_WAITING) this.waiting.push(text);
      else this.end();
    } else {
      this.execute(text);
    }
  }

  private execute(text: string): void {
    const reply = answer(this, text);
    if (reply !== undefined && !this.isOver) this.send(reply);
  }

  private stopped(reply: StopReply): void {
    this.lastStop = reply;
    // gdb asks of the hart that has stopped.
    this.general = reply.hart;
    if (!this.isOver) this.send(this.stopReply);
    while (!this.isOver && !this.control.busy && this.waiting.length > 0) this.execute(this.waiting.shift()!);
  }

  private send(text: string): void {
    this.last = packetOf(text);
    this.channel.send(this.last);
  }

  private acknowledge(sign: '+' | '-'): void {
    this.channel.send(Uint8Array.of(sign.charCodeAt(0)));
  }
}
