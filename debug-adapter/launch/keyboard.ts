/**
 * Sends key strokes to the guest. Typed keys go at once; a paste goes line by line, each when the guest is idle after the one
 * before: xv6 keeps only 128 characters that no program has read, and drops the rest.
 */

/** Ticks of mtime after which the next line goes even if the guest is busy: some kernels never wait. */
const PATIENCE = 3_000_000;
/** Milliseconds that the guest must be idle; a wait for the disk is shorter. */
const IDLE_TIME = 5;
/** Characters sent at once: no key and no word is longer. */
const AT_ONCE = 32;
/** Characters of a line sent at once: a longer part would not fit into the guest's buffer. */
const LONGEST_PART = 96;

export class Keyboard {
  private readonly encoder = new TextEncoder();
  private lines: string[] = [];
  private sentAt = -Infinity;

  /** `send` passes bytes to the UART; `now` is the guest's time in ticks. */
  constructor(
    private readonly send: (bytes: Uint8Array) => void,
    private readonly now: () => number,
  ) {}

  /** `waits`: not before the next `feed`. */
  type(text: string, waits = false): void {
    if (!waits && this.lines.length === 0 && text.length <= AT_ONCE) {
      this.send(this.encoder.encode(text));
      return;
    }
    const parts = text.match(new RegExp(`[^\\r\\n]{0,${LONGEST_PART}}[\\r\\n]|[^\\r\\n]{1,${LONGEST_PART}}`, 'gu'));
    this.lines.push(...(parts ?? []));
  }

  /** Sends the next line if it is time for it; `rest` is for how many milliseconds the guest has nothing to do. */
  feed(rest: number): boolean {
    const line = this.lines[0];
    if (line === undefined || (rest < IDLE_TIME && this.now() - this.sentAt < PATIENCE)) return false;
    this.lines.shift();
    this.sentAt = this.now();
    this.send(this.encoder.encode(line));
    return true;
  }
}
