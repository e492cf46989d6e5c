/** `State` as text and back: JSON, with tagged strings for bigints, bytes and numbers that JSON lacks. */
import type { State } from '../../types';

/** "i" a bigint, "b" bytes in hexadecimal, "n" a number, "s" a string. */
export const stateToText = (state: State): string =>
  JSON.stringify(state, function (this: Record<string, State>, key) {
    // As it was before toJSON, which the bytes of Node's Buffer have.
    const value = this[key]!;
    if (typeof value === 'bigint') return `i${value}`;
    if (typeof value === 'string') return `s${value}`;
    if (value instanceof Uint8Array)
      return `b${Array.from(value, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
    if (typeof value === 'number' && !Number.isFinite(value)) return `n${value}`;
    return value;
  });

/** Throws a SyntaxError or an Error if the text is invalid. */
export const stateFromText = (text: string): State =>
  JSON.parse(text, (_, value: State) => (typeof value === 'string' ? untagged(value) : value)) as State;

function untagged(text: string): State {
  const rest = text.slice(1);
  switch (text[0]) {
    case 's':
      return rest;
    case 'i':
      return BigInt(rest);
    case 'n':
      return Number(rest);
    case 'b':
      return Uint8Array.from({ length: rest.length / 2 }, (_, i) => parseInt(rest.slice(2 * i, 2 * i + 2), 16));
    default:
      throw new Error(`"${text.slice(0, 20)}" is no saved value`);
  }
}
