/**
 * One TCP connection of the guest's (RFC 9293), whose other end is a socket of the host. What the host has written waits here until
 * the guest has acknowledged it, and is sent again if it does not; what the guest sends out of order it has to send again.
 */
import type { TcpEvents, TcpSocket } from './host-sockets';
import { Flag, type Segment } from './tcp-segment';

/** Bytes of the longest content of a segment, both ways; and what a peer takes at least. */
const LARGEST = 1460;
const SMALLEST = 64;
const WINDOW = 65535;
/** Bytes that wait for the guest, beyond which the host is held back. */
const ENOUGH = 65536;
/** Milliseconds until a segment is sent again for the first time, each time twice as long; and how often. */
const PATIENCE = 500;
const MOST_TRIES = 8;

export interface ConnectionHost {
  /** A segment for the guest. */
  send(segment: Segment): void;
  later(milliseconds: number, action: () => void): () => void;
  /** There is nothing left to be done. */
  over(): void;
}

/** Sequence numbers are modulo 2^32. */
const plus = (sequence: number, count: number): number => (sequence + count) >>> 0;
const distance = (from: number, to: number): number => (to - from) >>> 0;

export class TcpConnection implements TcpEvents {
  private socket: TcpSocket | undefined;
  /** The host is connected, so that the guest may know. */
  private isConnected = false;
  /** The oldest that the guest has not acknowledged, the next to be sent, and what comes after the farthest that was sent. */
  private unacknowledged: number;
  private next: number;
  private farthest: number;
  /** In this order: a SYN, what the host has written, a FIN. What the guest has acknowledged is gone. */
  private hasSyn = true;
  private data = new Uint8Array();
  private hasFin = false;
  private hostHasEnded = false;
  /** What the guest takes. */
  private window = 0;
  private largest = LARGEST;
  /** What the guest sends next; undefined before its first segment. */
  private expected: number | undefined;
  private guestHasEnded = false;
  private tries = 0;
  private callOff: (() => void) | undefined;
  private isOver = false;

  /** `initial`: our first sequence number. */
  constructor(
    private readonly host: ConnectionHost,
    initial: number,
  ) {
    this.unacknowledged = this.next = this.farthest = initial >>> 0;
  }

  /** The guest wants a connection, with this segment; `connect` begins to make it. */
  acceptGuest({ sequence, window, largest }: Segment, connect: (events: TcpEvents) => TcpSocket): void {
    this.expected = plus(sequence, 1);
    this.learn(window, largest);
    this.socket = connect(this);
  }

  /** Somebody on the host wants a connection to the guest. */
  acceptHost(socket: TcpSocket): void {
    this.socket = socket;
    this.connected();
  }

  connected(): void {
    this.isConnected = true;
    this.transmit();
  }

  received(bytes: Uint8Array): void {
    if (this.isOver) return;
    const data = new Uint8Array(this.data.length + bytes.length);
    data.set(this.data);
    data.set(bytes, this.data.length);
    this.data = data;
    if (data.length >= ENOUGH) this.socket?.flow(false);
    this.transmit();
  }

  drained(): void {
    if (this.isOpen) this.acknowledge();
  }

  ended(): void {
    if (this.isOver || this.hostHasEnded) return;
    this.hostHasEnded = this.hasFin = true;
    this.transmit();
  }

  closed(refused: boolean): void {
    if (refused || !this.hostHasEnded || !this.guestHasEnded) this.reset();
  }

  /** A segment from the guest. */
  segment(segment: Segment): void {
    const { flags, sequence, acknowledgement } = segment;
    if ((flags & Flag.Reset) !== 0) {
      if (this.expected === undefined || sequence === this.expected) this.end();
      return;
    }
    if (!this.isConnected || (flags & Flag.Ack) === 0) return;
    const gained = distance(this.unacknowledged, acknowledgement);
    if (gained > distance(this.unacknowledged, this.farthest)) {
      // It acknowledges what was never sent, or what it has before.
      if (this.isOpen) this.acknowledge();
      return;
    }
    if (this.expected === undefined) {
      // The answer to a connection from the host.
      if ((flags & Flag.Syn) === 0 || gained === 0) return;
      this.expected = plus(sequence, 1);
      this.learn(segment.window, segment.largest);
      this.gain(gained);
      this.acknowledge();
    } else {
      this.window = segment.window;
      if (this.window === 0) this.tries = 0;
      this.gain(gained);
      this.take(segment);
    }
    if (this.guestHasEnded && this.hostHasEnded && !this.hasFin) this.finish();
    else this.transmit();
  }

  /** Ends it at once, for both. */
  reset(): void {
    if (this.isOver) return;
    this.send(Flag.Reset);
    this.end();
  }

  private get isOpen(): boolean {
    return !this.hasSyn && this.expected !== undefined && !this.isOver;
  }

  /** Bytes that are taken from the guest now. */
  private get room(): number {
    return Math.min(Math.max(WINDOW - (this.socket?.pending ?? 0), 0), WINDOW);
  }

  private learn(window: number, largest = LARGEST): void {
    this.window = window;
    this.largest = Math.min(Math.max(largest, SMALLEST), LARGEST);
  }

  /** The guest has acknowledged so many more. */
  private gain(count: number): void {
    if (count === 0) return;
    this.tries = 0;
    this.quiet();
    this.unacknowledged = plus(this.unacknowledged, count);
    if (distance(this.next, this.unacknowledged) <= distance(this.next, this.farthest)) this.next = this.unacknowledged;
    let left = count;
    if (this.hasSyn) left--;
    this.hasSyn = false;
    const bytes = Math.min(left, this.data.length);
    if (bytes > 0) {
      this.data = this.data.slice(bytes);
      if (this.data.length < ENOUGH) this.socket?.flow(true);
    }
    if (left > bytes) this.hasFin = false;
  }

  /** Takes what is next of a segment; of what was there before, or comes too early, the guest is told what is expected. */
  private take({ sequence, content, flags }: Segment): void {
    const known = distance(sequence, this.expected!);
    const isLast = (flags & Flag.Fin) !== 0;
    if (content.length === 0 && !isLast && (flags & Flag.Syn) === 0) return;
    if (known <= content.length && !this.guestHasEnded && (flags & Flag.Syn) === 0) {
      const bytes = content.slice(known, known + this.room);
      this.expected = plus(this.expected!, bytes.length);
      if (bytes.length > 0) this.socket?.write(bytes);
      if (isLast && known + bytes.length === content.length) {
        this.expected = plus(this.expected, 1);
        this.guestHasEnded = true;
        this.socket?.end();
      }
    }
    this.acknowledge();
  }

  /** Sends what may be sent now. */
  private transmit(): void {
    if (this.isOver || !this.isConnected) return;
    if (this.hasSyn) {
      if (this.next === this.unacknowledged) this.send(Flag.Syn, undefined, LARGEST);
    } else {
      for (let sent = this.sent; sent < this.data.length && sent < this.window; sent = this.sent) {
        const end = Math.min(sent + this.largest, this.window);
        this.send(Flag.Push, this.data.slice(sent, end));
      }
      if (this.hasFin && this.sent === this.data.length) this.send(Flag.Fin);
    }
    const waits = this.hasSyn || this.hasFin || this.data.length > 0;
    if (waits) this.callOff ??= this.host.later(PATIENCE * 2 ** this.tries, () => this.late());
  }

  /** Bytes of `data`, and the FIN, that are on their way. */
  private get sent(): number {
    return distance(this.unacknowledged, this.next);
  }

  /** The guest has acknowledged nothing for long. A window that is closed is tried with a byte. */
  private late(): void {
    this.callOff = undefined;
    if (++this.tries > MOST_TRIES) {
      this.reset();
      return;
    }
    this.next = this.unacknowledged;
    this.window = Math.max(this.window, 1);
    this.transmit();
  }

  private acknowledge(): void {
    this.send(0);
  }

  private send(flags: number, content: Uint8Array = new Uint8Array(), largest?: number): void {
    this.host.send({
      flags: flags | (this.expected === undefined ? 0 : Flag.Ack),
      sequence: this.next,
      acknowledgement: this.expected ?? 0,
      window: this.room,
      largest,
      content,
    });
    this.next = plus(this.next, content.length + ((flags & (Flag.Syn | Flag.Fin)) !== 0 ? 1 : 0));
    if (distance(this.unacknowledged, this.next) > distance(this.unacknowledged, this.farthest))
      this.farthest = this.next;
  }

  private quiet(): void {
    this.callOff?.();
    this.callOff = undefined;
  }

  /** The guest has ended it. */
  private end(): void {
    if (!this.isOver) this.socket?.destroy();
    this.finish();
  }

  private finish(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.quiet();
    this.host.over();
  }
}
