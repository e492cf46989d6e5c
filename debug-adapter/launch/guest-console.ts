/**
 * The guest's console: turns the UART's bytes into text. Until the editor's terminal attaches, text goes to the debug
 * console, and is also kept for the terminal.
 */
import { SavedState } from '../../emulator/history/saved-state';
import type { State } from '../../emulator/types';

/** Characters kept for a terminal that attaches late. */
const KEPT = 256 * 1024;
/** Most bytes of a character in UTF-8 that is not complete. */
const LONGEST = 3;

export class GuestConsole {
  private decoder = new TextDecoder();
  /** The last bytes: the decoder holds those of a character that is not complete. */
  private last = new Uint8Array();
  private attached = false;
  private written = '';
  private fresh = '';

  /** `show` receives pieces of text, and whether a terminal is attached. */
  constructor(private readonly show: (text: string, attached: boolean) => void) {}

  /** Takes output of the guest, which may end inside a multi-byte character. */
  write(bytes: Uint8Array): void {
    this.last = Uint8Array.of(...this.last, ...bytes.slice(-LONGEST)).slice(-LONGEST);
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

  save(): State {
    return { text: (this.written + this.fresh).slice(-KEPT), incomplete: incompleteEnd(this.last) };
  }

  /**
   * The text at the moment of saving; a terminal stays attached. Text that has not been shown yet is shown first. Throws an
   * Error, and changes nothing, if it is not what `save` made.
   */
  restore(state: State): void {
    const saved = new SavedState('console', state);
    const [text, incomplete] = [saved.text('text') ?? '', saved.bytes('incomplete')];
    this.flush();
    this.written = text.slice(-KEPT);
    this.decoder = new TextDecoder();
    this.last = new Uint8Array();
    this.write(incomplete.slice(-LONGEST));
  }
}

/** The bytes of a character that has begun but is not complete. */
function incompleteEnd(bytes: Uint8Array): Uint8Array {
  for (let length = 1; length <= bytes.length; length++) {
    const byte = bytes[bytes.length - length]!;
    const continues = (byte & 0xc0) === 0x80;
    if (continues) continue;
    const size = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return size > length ? bytes.slice(-length) : new Uint8Array();
  }
  return new Uint8Array();
}
