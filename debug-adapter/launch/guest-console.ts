/**
 * The guest's console: turns the UART's bytes into text. Until the editor's terminal attaches, text goes to the debug
 * console, and is also kept for the terminal.
 */
import { SavedState } from '../../emulator/history/saved-state';
import type { State } from '../../emulator/types';
import { KeptText } from '../survey/kept-text';

/** Characters kept for a terminal that attaches late. */
const KEPT = 256 * 1024;
/** Most bytes of a character in UTF-8 that is not complete. */
const LONGEST = 3;

export class GuestConsole {
  private decoder = new TextDecoder();
  /** The last bytes: the decoder holds those of a character that is not complete. */
  private last = new Uint8Array();
  private attached = false;
  private written = new KeptText(KEPT);
  private fresh = '';
  /** Bytes that the guest has written since power on. */
  private count = 0;
  /** What is written is known to the user already. */
  private isHeld = false;
  /** The text that was shown then. */
  private heldAt = '';

  /** `show` receives pieces of text, and whether a terminal is attached; `replace`, which text it shows instead of all before. */
  constructor(
    private readonly show: (text: string, attached: boolean) => void,
    private readonly replace: (text: string, attached: boolean) => void = () => undefined,
  ) {}

  /** Takes output of the guest, which may end inside a multi-byte character. */
  write(bytes: Uint8Array): void {
    this.count += bytes.length;
    this.last = Uint8Array.of(...this.last, ...bytes.slice(-LONGEST)).slice(-LONGEST);
    this.fresh += this.decoder.decode(bytes, { stream: true });
    if (this.fresh.length > KEPT) this.flush();
  }

  /** Shows the text since the last flush. */
  flush(): void {
    if (this.fresh === '') return;
    const text = this.fresh;
    this.fresh = '';
    this.written.add(text);
    if (!this.isHeld) this.show(text, this.attached);
  }

  /** From now on nothing is shown: the guest writes again what it has written. */
  hold(): void {
    this.flush();
    this.isHeld = true;
    this.heldAt = this.written.toString();
  }

  /** Shows the text as it is now, if it is another, and from now on what is added. */
  release(): void {
    if (!this.isHeld) return;
    this.flush();
    this.isHeld = false;
    const text = this.written.toString();
    if (text !== this.heldAt) this.replace(text, this.attached);
  }

  /** Shows text that another session has seen. A terminal that attaches, or has attached, has it already. */
  showEarlier(): void {
    const text = this.written.toString();
    if (!this.attached && text !== '') this.show(text, false);
  }

  /** What it has written last. */
  get text(): string {
    return this.written.toString() + this.fresh;
  }

  /** Bytes that the guest has written since power on. */
  get bytes(): number {
    return this.count;
  }

  /** Where a line with this text begins in the guest's output, in bytes from power on; the latest first. */
  linesSaying(text: string): number[] {
    const all = this.text;
    const found: number[] = [];
    for (let end = all.length; end > 0;) {
      const start = end > 1 ? all.lastIndexOf('\n', end - 2) + 1 : 0;
      const line = all.slice(start, end).trimEnd();
      if (line !== '' && line === text.trimEnd())
        found.push(this.count - new TextEncoder().encode(all.slice(start)).length - incompleteEnd(this.last).length);
      end = start;
    }
    return found;
  }

  /** A terminal shows the console from now on. Returns the text so far. */
  attach(): string {
    this.flush();
    this.attached = true;
    return this.written.toString();
  }

  save(): State {
    const incomplete = incompleteEnd(this.last);
    return { ...this.written.save(this.fresh), incomplete, bytes: this.count };
  }

  /**
   * The text at the moment of saving; a terminal stays attached. Text that has not been shown yet is shown first. Throws an
   * Error, and changes nothing, if it is not what `save` made.
   */
  restore(state: State): void {
    const saved = new SavedState('console', state);
    const incomplete = saved.bytes('incomplete').slice(-LONGEST);
    const count = saved.count('bytes');
    this.flush();
    this.written.restore(saved);
    this.decoder = new TextDecoder();
    this.last = new Uint8Array();
    this.write(incomplete);
    this.count = count;
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
