/**
 * The guest's console: turns the UART's bytes into text. Until the editor's terminal attaches, text goes to the debug
 * console, and is also kept for the terminal.
 */

/** Characters kept for a terminal that attaches late. */
const KEPT = 256 * 1024;

export class GuestConsole {
  private readonly decoder = new TextDecoder();
  private attached = false;
  private written = '';
  private fresh = '';

  /** `show` receives pieces of text, and whether a terminal is attached. */
  constructor(private readonly show: (text: string, attached: boolean) => void) {}

  /** Takes output of the guest, which may end inside a multi-byte character. */
  write(bytes: Uint8Array): void {
    this.fresh += this.decoder.decode(bytes, { stream: true });
    if (this.fresh.length > KEPT) this.flush();
  }

  /** Shows the text since the last flush. */
  flush(): void {
    if (this.fresh === '') return;
    const text = this.fresh;
    this.fresh = '';
    this.written = (this.written + text).slice(-KEPT);
    this.show(text, this.attached);
  }

  /** A terminal shows the console from now on. Returns the text so far. */
  attach(): string {
    this.flush();
    this.attached = true;
    return this.written;
  }
}
