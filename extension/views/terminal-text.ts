/**
 * From what a guest writes to its UART to what a terminal needs: a line feed alone also returns the carriage, as a tty
 * with ONLCR does (termios(3)). Keeps the last part of the text, so that a console opened late can show it.
 */

/** Characters kept for a terminal that is opened, or opened again, in mid-session. */
const KEPT = 1 << 18;

export class TerminalText {
  private kept = '';
  private afterReturn = false;

  /** The text for the terminal; also remembered. */
  append(text: string): string {
    const converted = text.replace(/\n/g, (_feed, at: number) => {
      const returned = at > 0 ? text[at - 1] === '\r' : this.afterReturn;
      return returned ? '\n' : '\r\n';
    });
    if (text !== '') this.afterReturn = text.endsWith('\r');
    this.kept = (this.kept + converted).slice(-KEPT);
    return converted;
  }

  /** The terminal is empty from now on. */
  clear(): void {
    this.kept = '';
    this.afterReturn = false;
  }

  /** Everything that is kept, as the terminal had it. */
  get history(): string {
    return this.kept;
  }
}
