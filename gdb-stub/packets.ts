/**
 * Packets of gdb's remote protocol ("Overview" and "Packet Acknowledgment" in appendix E of gdb's manual): `$data#checksum`, with
 * `+` and `-` and the interrupt character between them. Text is a string with one character a byte.
 */

/** Bytes of the longest packet that is taken, and of the longest answer, without what frames them. */
export const PACKET_SIZE = 0x4000;

export type Received =
  | { kind: 'packet'; text: string }
  /** A packet whose checksum is wrong. */
  | { kind: 'damaged' }
  /** A packet of more than PACKET_SIZE bytes. */
  | { kind: 'oversized' }
  | { kind: 'interrupt' }
  | { kind: 'ack' }
  | { kind: 'nack' };

const INTERRUPT = 0x03;
const START = '$'.charCodeAt(0);
const END = '#'.charCodeAt(0);
const ESCAPE = '}'.charCodeAt(0);
const ESCAPED = 0x20;

/** Takes packets out of the bytes that a client sends, in whatever pieces they come. What is between packets is passed over. */
export class PacketReader {
  /** Undefined between packets. */
  private text: number[] | undefined;
  private length = 0;
  private sum = 0;
  private isEscaped = false;
  /** What has come of the checksum; undefined before it. */
  private checksum: string | undefined;

  *read(bytes: Uint8Array): Generator<Received> {
    for (const byte of bytes) {
      const received = this.take(byte);
      if (received !== undefined) yield received;
    }
  }

  private take(byte: number): Received | undefined {
    // No packet has this character in it, so one that was cut short does not spoil the next.
    if (byte === START) {
      this.text = [];
      this.length = this.sum = 0;
      this.isEscaped = false;
      this.checksum = undefined;
      return undefined;
    }
    if (this.text === undefined) {
      if (byte === INTERRUPT) return { kind: 'interrupt' };
      const character = String.fromCharCode(byte);
      return character === '+' ? { kind: 'ack' } : character === '-' ? { kind: 'nack' } : undefined;
    }
    if (this.checksum !== undefined) return this.check(byte);
    if (byte === END) this.checksum = '';
    else this.add(byte);
    return undefined;
  }

  private add(byte: number): void {
    this.sum = (this.sum + byte) & 0xff;
    if (!this.isEscaped && byte === ESCAPE) {
      this.isEscaped = true;
      return;
    }
    if (++this.length <= PACKET_SIZE) this.text!.push(this.isEscaped ? byte ^ ESCAPED : byte);
    this.isEscaped = false;
  }

  private check(byte: number): Received | undefined {
    this.checksum += String.fromCharCode(byte);
    if (this.checksum!.length < 2) return undefined;
    const [text, isOversized] = [this.text!, this.length > PACKET_SIZE];
    this.text = undefined;
    if (!/^[0-9a-fA-F]{2}$/.test(this.checksum!) || parseInt(this.checksum!, 16) !== this.sum)
      return { kind: 'damaged' };
    return isOversized ? { kind: 'oversized' } : { kind: 'packet', text: textOf(Uint8Array.from(text)) };
  }
}

/** The bytes that send a packet. */
export function packetOf(text: string): Uint8Array {
  const escaped = text.replace(/[#$}*]/g, (one) => `}${String.fromCharCode(one.charCodeAt(0) ^ ESCAPED)}`);
  const bytes = new Uint8Array(escaped.length + 4);
  bytes[0] = START;
  let sum = 0;
  for (let i = 0; i < escaped.length; i++) {
    bytes[i + 1] = escaped.charCodeAt(i);
    sum = (sum + bytes[i + 1]!) & 0xff;
  }
  bytes.set(bytesOf(`#${twoDigits(sum)}`), escaped.length + 1);
  return bytes;
}

/** Bytes as a string with one character each. */
export function textOf(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

/** The other way; of a character above 255 the low byte. */
export const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (one) => one.charCodeAt(0));

export const twoDigits = (byte: number): string => byte.toString(16).padStart(2, '0');

export const hexOf = (bytes: Uint8Array): string => Array.from(bytes, twoDigits).join('');

/** Undefined if it is not pairs of hexadecimal digits. */
export function unhex(text: string): Uint8Array | undefined {
  if (!/^([0-9a-fA-F]{2})*$/.test(text)) return undefined;
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => parseInt(text.slice(2 * i, 2 * i + 2), 16));
}

/** A number in hexadecimal digits, of at most 64 bits; undefined if it is none. */
export const parseHex = (text: string | undefined): bigint | undefined =>
  text !== undefined && /^[0-9a-fA-F]{1,16}$/.test(text) ? BigInt(`0x${text}`) : undefined;
