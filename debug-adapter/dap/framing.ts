/**
 * Content-Length framing of the Debug Adapter Protocol's base protocol: turns chunks of bytes into message texts, and back.
 */

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();
/** Longest message in bytes. No message of ours is nearly as long: a longer one must be garbage. */
const LONGEST = 64 * 1024 * 1024;
const LONGEST_HEADER = 4096;

/** The bytes of one message on the wire. */
export function frame(text: string): Uint8Array {
  const body = ENCODER.encode(text);
  const head = ENCODER.encode(`Content-Length: ${body.length}\r\n\r\n`);
  const bytes = new Uint8Array(head.length + body.length);
  bytes.set(head);
  bytes.set(body, head.length);
  return bytes;
}

/** Collects chunks and yields the texts of complete messages. */
export class Framing {
  private buffer = new Uint8Array(0);

  /** Throws an Error if the framing is wrong; the rest of the stream is then unreadable. */
  *push(chunk: Uint8Array): Generator<string> {
    const joined = new Uint8Array(this.buffer.length + chunk.length);
    joined.set(this.buffer);
    joined.set(chunk, this.buffer.length);
    this.buffer = joined;
    for (;;) {
      const end = this.endOfHeader();
      if (end === undefined) return;
      const header = DECODER.decode(this.buffer.subarray(0, end));
      const length = /(?:^|\r\n)content-length: *(\d+)/i.exec(header)?.[1];
      if (length === undefined)
        throw new Error(`the input is not the Debug Adapter Protocol: "${header.slice(0, 60)}"`);
      if (Number(length) > LONGEST)
        throw new Error(`a message of ${length} bytes is announced; at most ${LONGEST} are read`);
      const last = end + 4 + Number(length);
      if (this.buffer.length < last) return;
      const text = DECODER.decode(this.buffer.subarray(end + 4, last));
      this.buffer = this.buffer.slice(last);
      yield text;
    }
  }

  private endOfHeader(): number | undefined {
    const bytes = this.buffer;
    const limit = Math.min(bytes.length, LONGEST_HEADER);
    for (let i = 0; i + 3 < limit; i++)
      if (bytes[i] === 13 && bytes[i + 1] === 10 && bytes[i + 2] === 13 && bytes[i + 3] === 10) return i;
    if (bytes.length >= LONGEST_HEADER) throw new Error('the input is not the Debug Adapter Protocol: no header ends');
    return undefined;
  }
}
