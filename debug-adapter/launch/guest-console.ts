/**
 * The guest's console: bytes of the UART become text for whoever shows it. Until the editor's terminal attaches, text
 * goes to the debug console; what was written before is kept for the terminal.
 */

/** Characters kept for a terminal that attaches late. */
const KEPT = 256 * 1024;

export class GuestConsole {
  private readonly decoder = new TextDecoder();
  private attached = false;
  private written = '';
  private fresh = '';

  /** `show` receives text in portions, and whether a terminal is attached. */
  constructor(private readonly show: (text: string, attached: boolean) => void) {}

  /** What the guest writes; a multi-byte character may be cut anywhere. */
  write(bytes: Uint8Array): void {
    this.fresh += this.decoder.decode(bytes, { stream: true });
    if (this.fresh.length > KEPT) this.flush();
  }

  /** Hands out what has come since the last time. */
  flush(): void {
    if (this.fresh === '') return;
    const text = this.fresh;
    this.fresh = '';
    this.written = (this.written + text).slice(-KEPT);
    this.show(text, this.attached);
  }

  /** A terminal shows the console from now on; answers what was written so far. */
  attach(): string {
    this.flush();
    this.attached = true;
    return this.written;
  }
}
