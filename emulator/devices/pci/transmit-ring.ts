/**
 * The ring of transmit descriptors of an 82540EM (the manual's section 3.3): legacy ones, and the extended kind, which has the card
 * put checksums into a frame, but not cut it into segments. A frame may lie in several, the last of which says that it is complete.
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
/** Of an extended descriptor: one of data. Otherwise it says where checksums are, and is called a context. */
const DATA = 1 << 20;
/** Bits of the options of a data descriptor: the checksums of IP, and of TCP or UDP, are to be put in. */
const OPTIONS_SHIFT = 8;
const IP_CHECKSUM = 1;
const TRANSPORT_CHECKSUM = 2;
/** Bytes of a context that are about checksums: first byte that counts, where the sum goes, and last byte, of each. */
const CONTEXT = 8;
const IP_CONTEXT = 0;
const TRANSPORT_CONTEXT = 4;
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
  private context = new Uint8Array(CONTEXT);
  /** Of the frame's first descriptor. */
  private options = 0;
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
    this.length = this.left = this.options = 0;
    this.context = new Uint8Array(CONTEXT);
  }

  save(): State {
    const { frame, length, left, context, options } = this;
    return { frame: frame.slice(0, length), left, context: context.slice(), options };
  }

  restore(saved: SavedState): void {
    const frame = saved.bytes('frame').subarray(0, LONGEST);
    this.frame.set(frame);
    this.length = frame.length;
    this.left = saved.index('left', LONGEST);
    this.context.set(saved.bytes('context').subarray(0, CONTEXT));
    this.options = saved.index('options', 256);
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
    const isExtended = (command & Command.Extended) !== 0;
    const isContext = isExtended && (command & DATA) === 0;
    sent.isDelayed ||= (command & Command.Delay) !== 0;
    if (isContext) this.context = bytes.slice(0, CONTEXT);
    else if (this.length === 0) this.options = isExtended ? (words.getUint32(12, true) >> OPTIONS_SHIFT) & 255 : 0;
    const length = isContext ? 0 : this.add(words.getBigUint64(0, true), command);
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
    if (this.length > 0) this.deliver(this.summed(this.frame.slice(0, this.length)));
    this.length = 0;
    return length;
  }

  /** Puts in the checksums that the driver has left to the card. */
  private summed(frame: Uint8Array): Uint8Array {
    if ((this.options & TRANSPORT_CHECKSUM) !== 0) this.putSum(frame, TRANSPORT_CONTEXT);
    if ((this.options & IP_CHECKSUM) !== 0) this.putSum(frame, IP_CONTEXT);
    return frame;
  }

  /** The internet checksum (RFC 1071) of a part of a frame; a last byte of 0 is the frame's last. */
  private putSum(frame: Uint8Array, at: number): void {
    const context = new DataView(this.context.buffer, this.context.byteOffset + at);
    const [start, place, last] = [context.getUint8(0), context.getUint8(1), context.getUint16(2, true)];
    const end = last > 0 && last < frame.length ? last + 1 : frame.length;
    if (place >= end - 1) return;
    let sum = 0;
    for (let index = start; index < end; index++) sum += frame[index]! << ((index - start) % 2 === 0 ? 8 : 0);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
    new DataView(frame.buffer, frame.byteOffset).setUint16(place, ~sum & 0xffff || 0xffff);
  }
}
