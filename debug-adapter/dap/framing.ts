/**
 * Content-Length framing of the Debug Adapter Protocol's base protocol: turns chunks of bytes into message texts, and back.
 */

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();
/** Longest message in bytes. No message of ours is nearly as long: a longer one must be garbage. */
const LONGEST = 64 * 1024 * 1024;
const LONGEST_HEADER = 4096;
const END_OF_HEADER = '\r\n\r\n';

/** The bytes of one message on the wire. */
export function frame(text: string): Uint8Array {
  const body = ENCODER.encode(text);
  const head = ENCODER.encode(`Content-Length: ${body.length}${END_OF_HEADER}`);
  const bytes = new Uint8Array(head.length + body.length);
  bytes.set(head);
  bytes.set(body, head.length);
  return bytes;
}

/** Collects chunks and yields the texts of complete messages, in time that grows with their length and no faster. */
export class Framing {
  /** The part of a header that has arrived. */
  private header = '';
  /** The body that is being collected, once its header is complete, and how much of it is there. */
  private body: Uint8Array | undefined;
  private filled = 0;

  /** Throws an Error if the framing is wrong; the rest of the stream is then unreadable. */
  *push(chunk: Uint8Array): Generator<string> {
    let rest = chunk;
    while (rest.length > 0 || this.body?.length === 0) {
      rest = this.body === undefined ? this.readHeader(rest) : this.readBody(this.body, rest);
      if (this.body === undefined || this.filled < this.body.length) continue;
      const text = DECODER.decode(this.body);
      this.body = undefined;
      yield text;
    }
  }

  /** Takes what belongs to the header. Returns the rest. */
  private readHeader(bytes: Uint8Array): Uint8Array {
    const before = this.header.length;
    // Latin-1 keeps a byte a character.
    for (const byte of bytes.subarray(0, LONGEST_HEADER - before)) this.header += String.fromCharCode(byte);
    const end = this.header.indexOf(END_OF_HEADER, Math.max(0, before - END_OF_HEADER.length));
    if (end < 0) {
      if (this.header.length >= LONGEST_HEADER)
        throw new Error('the input is not the Debug Adapter Protocol: no header ends');
      return bytes.subarray(this.header.length - before);
    }
    this.body = new Uint8Array(announced(this.header.slice(0, end)));
    this.filled = 0;
    this.header = '';
    return bytes.subarray(end + END_OF_HEADER.length - before);
  }

  private readBody(body: Uint8Array, bytes: Uint8Array): Uint8Array {
    const part = bytes.subarray(0, body.length - this.filled);
    body.set(part, this.filled);
    this.filled += part.length;
    return bytes.subarray(part.length);
  }
}

/** The length of the body that a header announces. */
function announced(header: string): number {
  const length = /(?:^|\r\n)content-length: *(\d+)/i.exec(header)?.[1];
  if (length === undefined) throw new Error(`the input is not the Debug Adapter Protocol: "${header.slice(0, 60)}"`);
  if (Number(length) > LONGEST)
    throw new Error(`a message of ${length} bytes is announced; at most ${LONGEST} are read`);
  return Number(length);
}
