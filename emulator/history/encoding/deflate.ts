/** Bytes compressed as zlib does (RFC 1950), by the streams that Node and browsers have in common (Compression Streams, W3C). */

/** A byte of compressed data stands for at most so many: deflate codes 258 bytes in two bits (RFC 1951, 3.2.5). */
const MOST_PER_BYTE = 1032;

export async function deflate(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream('deflate'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Exactly so many bytes. Throws an Error if the data stands for others, before more memory is taken than they need. */
export async function inflate(data: Uint8Array<ArrayBuffer>, length: number): Promise<Uint8Array> {
  if (length > data.length * MOST_PER_BYTE) throw new Error(`${data.length} bytes cannot stand for ${length}`);
  const bytes = new Uint8Array(length);
  const reader = new Blob([data]).stream().pipeThrough(new DecompressionStream('deflate')).getReader();
  let filled = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (filled + value.length > length) {
      await reader.cancel();
      throw new Error(`the data stands for more than ${length} bytes`);
    }
    bytes.set(value, filled);
    filled += value.length;
  }
  if (filled < length) throw new Error(`the data stands for ${filled} bytes instead of ${length}`);
  return bytes;
}
