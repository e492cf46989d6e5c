/**
 * Machine words made of fields, as data: CSRs and page-table entries. What their bits are called, and what they mean.
 */
import { hex } from './hex';

export interface Field {
  name: string;
  /** Lowest bit, and width in bits. */
  lsb: number;
  width: number;
  /** The meaning of the field's value, if it is not just a number: 'dirty', 'Sv39'. */
  meaning?: (value: bigint) => string;
  description: string;
}

export interface Fields {
  readonly fields: readonly Field[];
  /** A description of the whole value, if that says more than its fields. */
  readonly describe?: (value: bigint) => string;
}

/** Extracts a field from a word. */
export const fieldOf = (value: bigint, { lsb, width }: Pick<Field, 'lsb' | 'width'>): bigint =>
  (value >> BigInt(lsb)) & ((1n << BigInt(width)) - 1n);

/** A field by name, in any case. */
export function fieldNamed({ fields }: Fields, name: string): Field | undefined {
  const wanted = name.toUpperCase();
  return fields.find((entry) => entry.name.toUpperCase() === wanted);
}

/** A field's value in words: "dirty", "1". */
export const describeField = (entry: Field, value: bigint): string =>
  entry.meaning ? entry.meaning(value) : value < 10n ? String(value) : hex(value);

/** A word with its fields spelt out: "0x200000120 (SPIE, SPP=S, UXL=64 bits)". */
export function describeWord({ fields, describe }: Fields, value: bigint): string {
  value = BigInt.asUintN(64, value);
  if (describe) return describe(value);
  if (fields.length === 0) return hex(value);
  const words = fields.flatMap((entry) => {
    const bits = fieldOf(value, entry);
    // The previous mode matters even if it is 0; other fields only if they are set.
    if (bits === 0n && !entry.name.endsWith('PP')) return [];
    return [entry.width === 1 && !entry.meaning ? entry.name : `${entry.name}=${describeField(entry, bits)}`];
  });
  return `${hex(value)} (${words.join(', ') || 'no bit set'})`;
}
