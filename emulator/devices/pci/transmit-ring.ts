/**
 * The ring of transmit descriptors of an 82540EM (the manual's section 3.3): legacy ones, and the extended kind, which leaves
 * checksums and segmentation to the card (offload.ts). A frame may lie in several, the last of which says that it is complete.
 */
import type { SavedState } from '../../history/saved-state';
import type { State } from '../../types';
import { Interrupt, Register, TCTL_EN } from './e1000-registers';
import { CONTEXT, segmentsOf, summed } from './offload';
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
  Segment = 1 << 26,
  Delay = 1 << 31,
}
/** Of an extended descriptor: one of data. Otherwise it says where checksums are, and is called a context. */
const DATA = 1 << 20;
/** Where the options of a data descriptor are in its fourth word. */
const OPTIONS_SHIFT = 8;
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
  /** For frames that are whole, and for those that are to be cut. */
  private contexts: Uint8Array[] = [new Uint8Array(CONTEXT), new Uint8Array(CONTEXT)];
  /** Of the frame's first descriptor: options, and which context. */
  private options = 0;
  private isCut = false;
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
    this.contexts = [new Uint8Array(CONTEXT), new Uint8Array(CONTEXT)];
    this.isCut = false;
  }

  save(): State {
    const { frame, length, left, contexts, options, isCut } = this;
    return { frame: frame.slice(0, length), left, contexts: [...contexts], options, isCut };
  }

  restore(saved: SavedState): void {
    const frame = saved.bytes('frame').subarray(0, LONGEST);
    this.frame.set(frame);
    this.length = frame.length;
    this.left = saved.index('left', LONGEST);
    this.contexts = saved.list('contexts', 2).map((context) => {
      if (context instanceof Uint8Array && context.length === CONTEXT) return context;
      throw new Error('saved state of e1000.contexts: expected two contexts');
    });
    this.options = saved.index('options', 256);
    this.isCut = saved.boolean('isCut');
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
    const isCut = isExtended && (command & Command.Segment) !== 0;
    if (isContext) {
      this.contexts[isCut ? 1 : 0] = bytes.slice(0, CONTEXT);
    } else if (this.length === 0) {
      this.options = isExtended ? (words.getUint32(12, true) >> OPTIONS_SHIFT) & 255 : 0;
      this.isCut = isCut;
    }
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
    if (this.length > 0) this.finish(this.frame.slice(0, this.length));
    this.length = 0;
    return length;
  }

  private finish(frame: Uint8Array): void {
    const { options } = this;
    const context = this.contexts[this.isCut ? 1 : 0]!;
    const frames = this.isCut ? segmentsOf(frame, context, options) : [frame];
    for (const one of frames) this.deliver(summed(one, context, options));
  }
}
