/** Which pages words lead to, and the words in those: every word that may be an address into RAM counts as one. */
import type { PhysicalMemory } from '../../emulator/types';

export class Reach {
  /** Those that something leads to, beside those that were scanned on demand. */
  readonly pages = new Set<number>();
  private readonly scanned = new Set<number>();
  private readonly found: number[] = [];

  /** `isWanted`: whether a page that a word leads to is followed. */
  constructor(
    private readonly memory: Pick<PhysicalMemory, 'read'>,
    private readonly isWanted: (page: number) => boolean,
  ) {}

  /** A word, as a register has it. */
  word(word: bigint): void {
    this.note(Number(word >> 12n));
  }

  /** All words of a page. */
  scan(page: number): void {
    if (this.scanned.has(page)) return;
    this.scanned.add(page);
    const bytes = this.memory.read(BigInt(page) << 12n, 4096);
    if (!bytes) return;
    const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at < 4096; at += 8) {
      const high = words.getUint32(at + 4, true);
      // Page numbers beyond 2^52 are no RAM's.
      if (high < 2 ** 20) this.note(high * 2 ** 20 + (words.getUint32(at, true) >>> 12));
    }
  }

  /** Follows what was found, and what is found on the way; `met` is told of each page first. */
  follow(met: (page: number) => void): void {
    for (let page = this.found.pop(); page !== undefined; page = this.found.pop()) {
      met(page);
      this.scan(page);
    }
  }

  private note(page: number): void {
    if (this.pages.has(page) || !this.isWanted(page)) return;
    this.pages.add(page);
    this.found.push(page);
  }
}
