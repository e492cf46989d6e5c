/** What of a file's debug information is damaged: it is left out, with a message, and the rest is kept. */
import { hex } from '../../emulator/isa/hex';
import { SymbolError } from './api';
import type { Unit } from './dwarf/unit';

/** Enough for one for each unit of a large program. */
const MOST_WARNINGS = 100;

export class Damage {
  readonly warnings: string[] = [];

  constructor(
    private readonly path: string,
    private readonly warned: (message: string) => void,
  ) {}

  /** Returns `fallback` if the unit is damaged, and ignores the unit from then on. */
  guard<T>(unit: Unit, fallback: T, make: () => T): T {
    return unit.broken ? fallback : orElse(fallback, make, (error) => this.breaks(unit, error));
  }

  /** Returns `fallback` if the description of one location or frame is damaged: others may be sound. */
  attempt<T>(fallback: T, make: () => T, consequence: string): T {
    return orElse(fallback, make, (error) => this.warn(`${error.message}; ${consequence}. Build it again.`));
  }

  breaks(unit: Unit, error: SymbolError): void {
    if (!unit.broken) {
      unit.broken = true;
      this.warn(`${error.message}; the unit at ${hex(unit.offset)} is left out. Build it again.`);
    }
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
