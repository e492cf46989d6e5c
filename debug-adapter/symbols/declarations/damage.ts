/**
 * What of a file's debug information is damaged or not understood: it is left out, entry by entry, with a message, and the
 * rest is kept.
 */
import { hex } from '../../../emulator/isa/hex';
import { SymbolError } from '../api';
import type { Die } from '../dwarf/die';

/** Enough for one for each unit of a large program. */
const MOST_WARNINGS = 100;

export class Damage {
  readonly warnings: string[] = [];

  constructor(
    private readonly path: string,
    private readonly warned: (message: string) => void,
  ) {}

  /** Returns `fallback` if an entry, or what it refers to, is damaged or not understood: all others are kept. */
  guard<T>(die: Die, fallback: T, make: () => T): T {
    return orElse(fallback, make, (error) => {
      this.warn(`${error.message}; the entry at ${hex(die.offset)} is left out, and all others are kept.`);
    });
  }

  /** Returns `fallback` if something is damaged, with `consequence` in the message. */
  attempt<T>(fallback: T, make: () => T, consequence: string): T {
    return orElse(fallback, make, (error) => this.warn(`${error.message}; ${consequence}.`));
  }

  warn(message: string): void {
    const warning = `${this.path}: ${message}`;
    if (this.warnings.length < MOST_WARNINGS && !this.warnings.includes(warning)) {
      this.warnings.push(warning);
      this.warned(warning);
    }
  }
}

function orElse<T>(fallback: T, make: () => T, report: (error: SymbolError) => void): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof SymbolError)) throw error;
    report(error);
    return fallback;
  }
}
