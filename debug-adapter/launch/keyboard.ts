/**
 * Key strokes on their way to the guest. What a person types goes at once; a paste goes line by line, each when the guest
 * has come to rest after the one before: xv6 keeps no more than 128 characters that no program has read, and drops the rest.
 */

/** Ticks of mtime after which the next line goes though the guest is still busy: some kernels never wait. */
const PATIENCE = 3_000_000;
/** Milliseconds that the guest must have nothing to do; a wait for the disk is shorter. */
const REST = 5;
/** Characters that go at once: no key and no word is longer. */
const AT_ONCE = 32;
/** A line longer than this would not fit the guest's buffer as a whole. */
const LONGEST_PART = 96;

export class Keyboard {
  private readonly encoder = new TextEncoder();
  private lines: string[] = [];
  private sentAt = -Infinity;

  /** `send` hands bytes to the UART, `now` is the guest's time in ticks. */
  constructor(
    private readonly send: (bytes: Uint8Array) => void,
    private readonly now: () => number,
  ) {}

  type(text: string): void {
    if (this.lines.length === 0 && text.length <= AT_ONCE) {
      this.send(this.encoder.encode(text));
      return;
    }
    const parts = text.match(new RegExp(`[^\\r\\n]{0,${LONGEST_PART}}[\\r\\n]|[^\\r\\n]{1,${LONGEST_PART}}`, 'gu'));
    this.lines.push(...(parts ?? []));
  }

  /** Sends the next line if it is time for it; `rest` is for how many milliseconds the guest has nothing to do. */
  feed(rest: number): boolean {
    const line = this.lines[0];
    if (line === undefined || (rest < REST && this.now() - this.sentAt < PATIENCE)) return false;
    this.lines.shift();
    this.sentAt = this.now();
    this.send(this.encoder.encode(line));
    return true;
  }
}
