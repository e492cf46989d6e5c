/** The ring of receive descriptors of an 82540EM, and the filter of addresses before it (the manual's sections 3.2 and 13.5). */
import { Interrupt, Register } from './e1000-registers';
import type { RingHost } from './ring-host';

const DESCRIPTOR = 16;
/** Bytes of the shortest frame, to which shorter ones are padded, and of its checksum. */
const SHORTEST = 60;
const CHECKSUM = 4;
/** Of the longest frames without RCTL.LPE, and with it. */
const LONGEST = 1522;
const LONGEST_JUMBO = 16384;
/** Descriptors without a buffer are passed over, but not without end. */
const MOST_DESCRIPTORS = 1024;

/** Bits of RCTL. */
const enum Control {
  Enable = 1 << 1,
  UnicastPromiscuous = 1 << 3,
  MulticastPromiscuous = 1 << 4,
  LongPackets = 1 << 5,
  AcceptBroadcast = 1 << 15,
  SizeExtension = 1 << 25,
  StripChecksum = 1 << 26,
}
const VALID_ADDRESS = 1 << 31;
const ADDRESSES = 16;
/** By how much the last two bytes of a group's address are shifted, by RCTL.MO. */
const GROUP_SHIFTS = [4, 3, 2, 0];

/** Bits of a descriptor's status. */
const DONE = 1 << 0;
const END_OF_PACKET = 1 << 1;
const NO_CHECKSUMS = 1 << 2;

/** What has come of a frame: bits of ICR, and how many descriptors were used. */
export interface Received {
  causes: number;
  descriptors: number;
}

export class ReceiveRing {
  constructor(private readonly host: RingHost) {}

  /** The receiver is on, and has at least one descriptor. */
  get isReady(): boolean {
    return (this.control & Control.Enable) !== 0 && this.room > 0;
  }

  /** Writes a frame to the buffers of the next descriptors, unless it is not for this station. */
  put(frame: Uint8Array): Received {
    const { host } = this;
    const length = Math.max(frame.length, SHORTEST);
    const isLong = length > LONGEST_JUMBO || (length > LONGEST && (this.control & Control.LongPackets) === 0);
    if (isLong || !this.accepts(frame)) return { causes: 0, descriptors: 0 };
    const padded = new Uint8Array(length + ((this.control & Control.StripChecksum) !== 0 ? 0 : CHECKSUM));
    padded.set(frame);
    if (padded.length > this.room * this.bufferSize) return { causes: Interrupt.RXO, descriptors: 0 };
    let descriptors = 0;
    const start = host.register(Register.RDH);
    for (let at = 0; at < padded.length;) {
      at += this.fill(padded, at);
      descriptors++;
      const head = host.register(Register.RDH);
      const next = DESCRIPTOR * (head + 1) >= host.register(Register.RDLEN) ? 0 : head + 1;
      host.setRegister(Register.RDH, next);
      if (next === start || start >= this.size || descriptors === MOST_DESCRIPTORS)
        return { causes: Interrupt.RXO, descriptors };
    }
    // It runs low where a half, a quarter or an eighth of it is left.
    const low = host.register(Register.RDLEN) >> (((this.control >> 8) & 3) + 1);
    const isLow = DESCRIPTOR * this.room <= low;
    return { causes: Interrupt.RXT0 | (isLow ? Interrupt.RXDMT0 : 0), descriptors };
  }

  private get control(): number {
    return this.host.register(Register.RCTL);
  }

  private get size(): number {
    return this.host.register(Register.RDLEN) / DESCRIPTOR;
  }

  /** Descriptors that the card may use. */
  private get room(): number {
    const [head, tail] = [this.host.register(Register.RDH), this.host.register(Register.RDT)];
    return head <= tail ? tail - head : Math.max(this.size - head + tail, 0);
  }

  private get bufferSize(): number {
    const size = 2048 >> ((this.control >> 16) & 3);
    return (this.control & Control.SizeExtension) !== 0 && size < 2048 ? size * 16 : size;
  }

  /** Writes the part of a frame from `at` on to the next descriptor; returns its length, 0 if the descriptor has no buffer. */
  private fill(frame: Uint8Array, at: number): number {
    const { host } = this;
    const base = (BigInt(host.register(Register.RDBAH)) << 32n) | BigInt((host.register(Register.RDBAL) & ~15) >>> 0);
    const address = base + BigInt(DESCRIPTOR * host.register(Register.RDH));
    const bytes = host.load(address, DESCRIPTOR);
    const words = new DataView(bytes.buffer, bytes.byteOffset);
    const buffer = words.getBigUint64(0, true);
    const part = buffer === 0n ? 0 : Math.min(frame.length - at, this.bufferSize);
    let status = words.getUint8(12) | DONE;
    if (part > 0) {
      host.store(buffer, frame.subarray(at, at + part));
      words.setUint16(8, part, true);
      const isLast = at + part === frame.length;
      status = isLast ? status | END_OF_PACKET | NO_CHECKSUMS : status & ~END_OF_PACKET;
    }
    words.setUint8(12, status);
    words.setUint16(14, 0, true);
    host.store(address, bytes);
    return part;
  }

  private accepts(frame: Uint8Array): boolean {
    const isBroadcast = frame.subarray(0, 6).every((byte) => byte === 0xff);
    const isGroup = (frame[0]! & 1) !== 0;
    if (!isGroup && (this.control & Control.UnicastPromiscuous) !== 0) return true;
    if (isGroup && (this.control & Control.MulticastPromiscuous) !== 0) return true;
    if (isBroadcast && (this.control & Control.AcceptBroadcast) !== 0) return true;
    return this.isStation(frame) || this.isInTable(frame);
  }

  private isStation(frame: Uint8Array): boolean {
    if (frame.length < 6) return false;
    const view = new DataView(frame.buffer, frame.byteOffset);
    for (let index = 0; index < ADDRESSES; index++) {
      const [low, high] = [Register.RA + 8 * index, Register.RA + 8 * index + 4].map((at) => this.host.register(at));
      if ((high! & VALID_ADDRESS) === 0) continue;
      if (low === view.getUint32(0, true) && (high! & 0xffff) === view.getUint16(4, true)) return true;
    }
    return false;
  }

  private isInTable(frame: Uint8Array): boolean {
    const shift = GROUP_SHIFTS[(this.control >> 12) & 3]!;
    const hash = ((((frame[5] ?? 0) << 8) | (frame[4] ?? 0)) >> shift) & 0xfff;
    return (this.host.register(Register.MTA + 4 * (hash >> 5)) & (1 << (hash & 31))) !== 0;
  }
}
