/**
 * Reads what a device has saved. If a checkpoint has a wrong type, throws an error that names the device and the field,
 * which a cast would not do.
 */
import { Mode, type State, type TrapEvent } from '../types';

type Fields = Record<string, State>;

const MODES: readonly Mode[] = [Mode.User, Mode.Supervisor, Mode.Machine];

const isWhole = (value: State | undefined): value is number => Number.isSafeInteger(value);
/** Signed or not, and the difference of two of these. */
const is64Bit = (value: State | undefined): value is bigint =>
  typeof value === 'bigint' && value < 1n << 64n && value > -1n << 64n;

export class SavedState {
  private readonly fields: Fields;

  /** Throws if `state` is not a record of fields. */
  constructor(
    private readonly owner: string,
    state: State | undefined,
  ) {
    if (typeof state !== 'object' || state === null || Array.isArray(state) || state instanceof Uint8Array)
      throw new Error(`saved state of ${owner}: expected a record of fields, found ${describe(state)}`);
    this.fields = state;
  }

  /** A whole number. */
  number(field: string): number {
    const value = this.fields[field];
    return isWhole(value) ? value : this.wrong(field, 'a number');
  }

  /** A tick of virtual time, which no run may ever reach, or Infinity for never. */
  tick(field: string): number {
    const value = this.fields[field];
    const isTick = value === Infinity || (typeof value === 'number' && Number.isInteger(value) && value >= 0);
    return isTick ? value : this.wrong(field, 'a tick');
  }

  /** A whole number that is not negative. */
  count(field: string): number {
    const value = this.number(field);
    return value >= 0 ? value : this.wrong(field, 'a count');
  }

  /** A count below a limit. */
  index(field: string, limit: number): number {
    const value = this.count(field);
    return value < limit ? value : this.wrong(field, `a number below ${limit}`);
  }

  oneOf<Known extends number>(field: string, known: readonly Known[]): Known {
    const value = this.number(field);
    return known.find((one) => one === value) ?? this.wrong(field, `one of ${known.join(', ')}`);
  }

  mode(field: string): Mode {
    return this.oneOf(field, MODES);
  }

  bigint(field: string): bigint {
    const value = this.fields[field];
    return is64Bit(value) ? value : this.wrong(field, 'a bigint');
  }

  boolean(field: string): boolean {
    const value = this.fields[field];
    return typeof value === 'boolean' ? value : this.wrong(field, 'a boolean');
  }

  /** A string, or undefined if null was saved. */
  text(field: string): string | undefined {
    const value = this.fields[field];
    if (value === null) return undefined;
    return typeof value === 'string' ? value : this.wrong(field, 'a string or null');
  }

  /** A copy. */
  bytes(field: string): Uint8Array {
    const value = this.fields[field];
    return value instanceof Uint8Array ? value.slice() : this.wrong(field, 'bytes');
  }

  /** A list, with `length` entries if that is given. */
  list(field: string, length?: number): State[] {
    const value = this.fields[field];
    if (!Array.isArray(value)) return this.wrong(field, 'a list');
    if (length !== undefined && value.length !== length)
      throw new Error(`saved state of ${this.owner}.${field}: expected ${length} entries, found ${value.length}`);
    return value;
  }

  /** Whole numbers, or Infinity. */
  numbers(field: string, length?: number): number[] {
    return this.list(field, length).map((value) =>
      value === Infinity || isWhole(value) ? value : this.wrong(field, 'a list of numbers'),
    );
  }

  bigints(field: string, length?: number): bigint[] {
    return this.list(field, length).map((value) => (is64Bit(value) ? value : this.wrong(field, 'a list of bigints')));
  }

  texts(field: string): string[] {
    return this.list(field).map((value) =>
      typeof value === 'string' ? value : this.wrong(field, 'a list of strings'),
    );
  }

  booleans(field: string, length?: number): boolean[] {
    return this.list(field, length).map((value) =>
      typeof value === 'boolean' ? value : this.wrong(field, 'a list of booleans'),
    );
  }

  /** One record for each entry of a list. */
  records(field: string, length?: number): SavedState[] {
    return this.list(field, length).map((entry, index) => new SavedState(`${this.owner}.${field}[${index}]`, entry));
  }

  record(field: string): SavedState {
    return new SavedState(`${this.owner}.${field}`, this.fields[field]);
  }

  /** The field as it is, for its owner to read. */
  raw(field: string): State {
    return this.fields[field] ?? null;
  }

  private wrong(field: string, expected: string): never {
    throw new Error(
      `saved state of ${this.owner}.${field}: expected ${expected}, found ${describe(this.fields[field])}`,
    );
  }
}

function describe(value: State | undefined): string {
  if (value === null) return 'null';
  if (value instanceof Uint8Array) return 'bytes';
  return Array.isArray(value) ? 'a list' : typeof value;
}

/** A trap as it is saved by those who keep traps. */
export const savedTrap = (event: TrapEvent): State => ({ ...event, source: event.source ?? null });

/** Throws an Error that names the field if it is not what `savedTrap` made. */
export function restoredTrap(saved: SavedState): TrapEvent {
  const source = saved.raw('source');
  return {
    hart: saved.count('hart'),
    interrupt: saved.boolean('interrupt'),
    cause: saved.count('cause'),
    tval: saved.bigint('tval'),
    epc: saved.bigint('epc'),
    from: saved.mode('from'),
    to: saved.mode('to'),
    ...(source !== null && { source: saved.count('source') }),
  };
}
