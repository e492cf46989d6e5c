/**
 * The ring of transmit descriptors of an 82540EM (the manual's section 3.3): legacy ones, and data descriptors of the extended kind
 * without their offloads. A frame may lie in several, the last of which says that it is complete.
 */
import type { SavedState } from '../../history/saved-state';
import type { State } from '../../types';
import { Interrupt, Register, TCTL_EN } from './e1000-registers';
import { DESCRIPTOR_WORK, type RingHost } from './ring-host';

const DESCRIPTOR = 16;
/** Bytes of the longest frame. */
const LONGEST = 0x10000;

/** Bits of a descriptor's third word. */
const enum Command {
  EndOfPacket = 1 << 24,
  ReportStatus = 1 << 27,
  ReportPacketSent = 1 << 28,
  Extended = 1 << 29,
  Delay = 1 << 31,
}
/** Of an extended descriptor: one of data. Otherwise it describes offloads. */
const DATA = 1 << 20;
/** Bits of the fourth word. */
const DONE = 1;
const ERRORS = 0xe;

/** What has come of some descriptors: bits of ICR, whether there are no more, and whether one wants its interrupt delayed. */
export interface Sent {
  causes: number;
  isDone: boolean;
  isDelayed: boolean;
}

export class TransmitRing {
  private frame = new Uint8Array(LONGEST);
  private length = 0;
  /** Descriptors that may still be used: each of the ring once, even if the tail is none that can be reached. */
  private left = 0;

  constructor(
    private readonly host: RingHost,
    private readonly deliver: (frame: Uint8Array) => void,
  ) {}

  /** The driver has put descriptors in the ring. */
  start(): void {
    const size = this.host.register(Register.TDLEN) / DESCRIPTOR;
    this.left = this.host.register(Register.TDH) < size ? size : 1;
  }

  /** Sends what is in the ring, for about so much work at most; undefined if the transmitter is off. */
  send(most: number): Sent | undefined {
    const { host } = this;
    if ((host.register(Register.TCTL) & TCTL_EN) === 0) return undefined;
    const sent: Sent = { causes: 0, isDone: true, isDelayed: false };
    for (; this.left > 0 && host.register(Register.TDH) !== host.register(Register.TDT);) {
      if (most <= 0) return { ...sent, isDone: false };
      const head = host.register(Register.TDH);
      most -= DESCRIPTOR_WORK + this.descriptor(this.base + BigInt(DESCRIPTOR * head), sent);
      host.setRegister(Register.TDH, DESCRIPTOR * (head + 1) >= host.register(Register.TDLEN) ? 0 : head + 1);
      this.left--;
    }
    return sent;
  }

  reset(): void {
    this.length = this.left = 0;
  }

  save(): State {
    return { frame: this.frame.slice(0, this.length), left: this.left };
  }

  restore(saved: SavedState): void {
    const frame = saved.bytes('frame').subarray(0, LONGEST);
    this.frame.set(frame);
    this.length = frame.length;
    this.left = saved.index('left', LONGEST);
  }

  private get base(): bigint {
    const { host } = this;
    return (BigInt(host.register(Register.TDBAH)) << 32n) | BigInt((host.register(Register.TDBAL) & ~15) >>> 0);
  }

  /** Returns the bytes that it has. */
  private descriptor(address: bigint, sent: Sent): number {
    const bytes = this.host.load(address, DESCRIPTOR);
    const words = new DataView(bytes.buffer, bytes.byteOffset);
    const command = words.getUint32(8, true);
    const isOffload = (command & Command.Extended) !== 0 && (command & DATA) === 0;
    sent.isDelayed ||= (command & Command.Delay) !== 0;
    const length = isOffload ? 0 : this.add(words.getBigUint64(0, true), command);
    if ((command & (Command.ReportStatus | Command.ReportPacketSent)) === 0) return length;
    words.setUint32(12, (words.getUint32(12, true) | DONE) & ~ERRORS, true);
    this.host.store(address + 12n, bytes.subarray(12));
    sent.causes |= Interrupt.TXDW;
    return length;
  }

  private add(buffer: bigint, command: number): number {
    const length = Math.min(command & 0xffff, LONGEST - this.length);
    this.frame.set(this.host.load(buffer, length), this.length);
    this.length += length;
    if ((command & Command.EndOfPacket) === 0) return length;
    if (this.length > 0) this.deliver(this.frame.slice(0, this.length));
    this.length = 0;
    return length;
  }
}
