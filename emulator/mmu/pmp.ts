/**
 * Physical memory protection (RISC-V privileged specification 1.12, section 3.7): sixteen entries. The grain
 * is a page (G = 10, so NA4 cannot be chosen), which the specification leaves to us and which suits the TLB.
 * While no entry is active everything is allowed, as on a hart without PMP: the kernels of 2019 and 2020 rely on it.
 */
import { Cell } from '../layout';
import { Mode } from '../types';
import type { TranslatingHart } from './translating-hart';

/** Rights as the bits of pmpcfg have them. */
export const enum Right {
  read = 1,
  write = 2,
  execute = 4,
  all = 7,
}

interface Entry {
  /** First byte, and the one after the last. */
  low: number;
  high: number;
  rights: number;
  locked: boolean;
}

/** The active entries of a hart in order of priority. Addresses beyond 2^53 are cut to it: nothing lives there. */
export function activeEntries(hart: TranslatingHart): Entry[] {
  const entries: Entry[] = [];
  let previous = 0n;
  for (let i = 0; i < 16; i++) {
    const cfg = Number((hart.cell(i < 8 ? Cell.pmpcfg0 : Cell.pmpcfg2) >> BigInt((i % 8) * 8)) & 0xffn);
    const address = hart.cell(Cell.pmpaddr0 + i);
    const range = rangeOf((cfg >> 3) & 3, address, previous);
    previous = address;
    if (range === undefined) continue;
    entries.push({ low: clamp(range[0]), high: clamp(range[1]), rights: cfg & Right.all, locked: (cfg & 0x80) !== 0 });
  }
  return entries;
}

/** Bits of pmpaddr below the grain. */
const GRAIN = 0x3ffn;

/** The bytes that an entry covers by its address-matching mode A: 0 off, 1 TOR, 3 NAPOT. */
function rangeOf(mode: number, address: bigint, previous: bigint): [bigint, bigint] | undefined {
  switch (mode) {
    case 0:
      return undefined;
    case 1:
      return [(previous & ~GRAIN) << 2n, (address & ~GRAIN) << 2n];
    default: {
      // The number of trailing ones gives the size; those below the grain are always ones.
      const ones = address | (GRAIN >> 1n);
      const size = ((ones ^ (ones + 1n)) + 1n) << 2n;
      const base = (ones & (ones + 1n)) << 2n;
      return [base, base + size];
    }
  }
}

const clamp = (address: bigint): number =>
  address > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(address);

/** Rights on `bytes` bytes at `address`; those of the lowest-numbered entry that matches any of them, none if it matches only a part. */
export function rightsAt(entries: readonly Entry[], address: number, bytes: number, mode: Mode): number {
  if (entries.length === 0) return Right.all;
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i]!;
    if (entry.high <= address || entry.low >= address + bytes || entry.high <= entry.low) continue;
    if (entry.low > address || entry.high < address + bytes) return 0;
    return mode === Mode.Machine && !entry.locked ? Right.all : entry.rights;
  }
  return mode === Mode.Machine ? Right.all : 0;
}

export type { Entry as PmpEntry };
