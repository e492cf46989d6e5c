/**
 * Watches the guest's console output for the first shell prompt and for a panic. Gathers the bytes, which the UART delivers
 * one by one, into pieces.
 */

const TICKS_PER_SECOND = 10_000_000;
/** A guest that prints "panic:" and then nothing for this long counts as dead. */
const QUIET_TICKS = TICKS_PER_SECOND;
/** Characters kept: enough to find a word that began in the piece before, and a prompt at the end. */
const TAIL = 64;

export class GuestOutput {
  private pieces: Uint8Array[] = [];
  private tail = '';
  private prompted = false;
  private panicAt: number | undefined;
  private readonly decoder = new TextDecoder('latin1');

  /** Bytes written since power on, and the most that there have been: a guest in its past writes again what it has written. */
  private written = 0;
  private known = 0;

  /** Told of each piece as the guest writes it. */
  listener: (bytes: Uint8Array) => void = () => undefined;

  /** For MachineOptions.consoleOutput. */
  readonly write = (bytes: Uint8Array): void => {
    const again = Math.max(this.known - this.written, 0);
    this.written += bytes.length;
    if (this.written <= this.known) return;
    this.known = this.written;
    const fresh = bytes.subarray(again);
    this.pieces.push(fresh);
    this.listener(fresh);
  };

  /** Where it is; to be given to `goTo`. */
  get position(): number {
    return this.written;
  }

  /** The guest has been put where it had written so much. */
  goTo(position: number): void {
    this.written = position;
  }

  /** From here on the guest may write something else than it did. */
  forgetLater(): void {
    this.known = this.written;
  }

  /** Whether a shell has shown its prompt. */
  get promptSeen(): boolean {
    return this.prompted;
  }

  /** Returns the output since the last call; `now` is the virtual time in ticks. */
  take(now: number): Uint8Array {
    const bytes = Buffer.concat(this.pieces);
    this.pieces = [];
    if (bytes.length === 0) return bytes;
    const text = this.tail + this.decoder.decode(bytes);
    this.prompted ||= text.includes('$ ');
    if (text.includes('panic: ', Math.max(0, this.tail.length - 'panic: '.length + 1))) this.panicAt = now;
    else if (this.panicAt !== undefined) this.panicAt = now - this.panicAt < QUIET_TICKS / 10 ? now : undefined;
    this.tail = text.slice(-TAIL);
    return bytes;
  }

  /**
   * True once the guest has printed "panic:" and gone silent: after the lines that follow at once (a backtrace), nothing
   * more for a second of virtual time, and no prompt of a shell that goes on.
   */
  panicked(now: number): boolean {
    return this.panicAt !== undefined && now - this.panicAt >= QUIET_TICKS && !this.tail.endsWith('$ ');
  }
}
