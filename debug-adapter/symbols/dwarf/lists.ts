/**
 * Range lists and location lists: .debug_ranges and .debug_loc of DWARF 2 to 4 (version 4, sections 2.17.3 and 2.6.2), and
 * .debug_rnglists and .debug_loclists of DWARF 5 (sections 2.17.3 and 2.6.2, 7.25 to 7.29).
 */
import { hex } from '../../../emulator/isa/hex';
import { SymbolError } from '../api';
import type { AddressRange } from './die';
import { At, GnuLle, Lle, Rle } from './constants';
import { type Reader } from '../container/reader';
import type { Unit } from './unit';

export interface LocationListEntry extends AddressRange {
  expression: Uint8Array;
}

/** A range's cost for the budget: many entries may refer to one list, and each gets a copy. */
const WORDS_OF_RANGE = 4;

export function readRangeList(unit: Unit, offset: number): AddressRange[] {
  if (unit.version < 5) {
    const ranges: AddressRange[] = [];
    const { skeleton = unit } = unit;
    const base = unit.skeleton?.root.number(At.gnuRangesBase) ?? 0;
    readPairs(unit, skeleton.info.reader('ranges', base + offset), (low, high) => {
      unit.info.budget.spend(WORDS_OF_RANGE);
      ranges.push({ low, high });
    });
    return ranges;
  }
  return readRnglist(unit, unit.info.reader('rnglists', offset));
}

/** The default location has the whole address space as its range, and comes last. */
export function readLocationList(unit: Unit, offset: number): LocationListEntry[] {
  if (unit.version < 5) {
    const reader = unit.info.reader('loc', offset);
    if (unit.skeleton !== undefined) return readGnuLoclist(unit, reader);
    const entries: LocationListEntry[] = [];
    readPairs(unit, reader, (low, high) => entries.push({ low, high, expression: reader.take(reader.u16()) }));
    return entries;
  }
  return readLoclist(unit, unit.info.reader('loclists', offset));
}

/** A location list in a .dwo file of version 4: GNU's form, which became that of version 5. */
function readGnuLoclist(unit: Unit, reader: Reader): LocationListEntry[] {
  const entries: LocationListEntry[] = [];
  for (;;) {
    const kind = reader.u8();
    if (kind === GnuLle.endOfList) return entries;
    if (kind !== GnuLle.startEnd && kind !== GnuLle.startLength)
      throw new SymbolError(`${reader.name}: unknown entry ${hex(kind)} before ${hex(reader.offset)}`);
    const low = unit.addressAt(reader.uleb());
    const high = kind === GnuLle.startEnd ? unit.addressAt(reader.uleb()) : low + BigInt(reader.u32());
    entries.push({ low, high, expression: reader.take(reader.u16()) });
  }
}

/** Reads pairs of addresses up to (0, 0), relative to a base that a pair (-1, base) changes. */
function readPairs(unit: Unit, reader: Reader, take: (low: bigint, high: bigint) => void): void {
  const { addressSize } = unit;
  const newBase = addressSize === 8 ? 0xffffffffffffffffn : 0xffffffffn;
  let base = unit.baseAddress;
  for (;;) {
    const low = reader.unsigned(addressSize);
    const high = reader.unsigned(addressSize);
    if (low === newBase) {
      unit.info.budget.spend(1);
      base = high;
    } else if (low === 0n && high === 0n) {
      return;
    } else {
      take(low + base, high + base);
    }
  }
}

function readRnglist(unit: Unit, reader: Reader): AddressRange[] {
  const address = (): bigint => reader.unsigned(unit.addressSize);
  const indexed = (): bigint => unit.addressAt(reader.uleb());
  const ranges: AddressRange[] = [];
  let base = unit.baseAddress;
  for (;;) {
    unit.info.budget.spend(WORDS_OF_RANGE);
    const kind = reader.u8();
    let low: bigint;
    switch (kind) {
      case Rle.endOfList:
        return ranges;
      case Rle.baseAddressx:
        base = indexed();
        break;
      case Rle.baseAddress:
        base = address();
        break;
      case Rle.startxEndx:
        ranges.push({ low: indexed(), high: indexed() });
        break;
      case Rle.startxLength:
        low = indexed();
        ranges.push({ low, high: low + reader.uleb64() });
        break;
      case Rle.offsetPair:
        ranges.push({ low: base + reader.uleb64(), high: base + reader.uleb64() });
        break;
      case Rle.startEnd:
        ranges.push({ low: address(), high: address() });
        break;
      case Rle.startLength:
        low = address();
        ranges.push({ low, high: low + reader.uleb64() });
        break;
      default:
        throw new SymbolError(`${reader.name}: unknown entry ${hex(kind)} before ${hex(reader.offset)}`);
    }
  }
}

function readLoclist(unit: Unit, reader: Reader): LocationListEntry[] {
  const address = (): bigint => reader.unsigned(unit.addressSize);
  const indexed = (): bigint => unit.addressAt(reader.uleb());
  const expression = (): Uint8Array => reader.take(reader.uleb());
  const entries: LocationListEntry[] = [];
  let fallback: LocationListEntry | undefined;
  let base = unit.baseAddress;
  for (;;) {
    const kind = reader.u8();
    let low: bigint;
    switch (kind) {
      case Lle.endOfList:
        return fallback === undefined ? entries : [...entries, fallback];
      case Lle.baseAddressx:
        base = indexed();
        break;
      case Lle.baseAddress:
        base = address();
        break;
      case Lle.startxEndx:
        entries.push({ low: indexed(), high: indexed(), expression: expression() });
        break;
      case Lle.startxLength:
        low = indexed();
        entries.push({ low, high: low + reader.uleb64(), expression: expression() });
        break;
      case Lle.offsetPair:
        entries.push({ low: base + reader.uleb64(), high: base + reader.uleb64(), expression: expression() });
        break;
      case Lle.defaultLocation:
        fallback = { low: 0n, high: 1n << 64n, expression: expression() };
        break;
      case Lle.startEnd:
        entries.push({ low: address(), high: address(), expression: expression() });
        break;
      case Lle.startLength:
        low = address();
        entries.push({ low, high: low + reader.uleb64(), expression: expression() });
        break;
      case Lle.gnuViewPair:
        reader.uleb();
        reader.uleb();
        break;
      default:
        throw new SymbolError(`${reader.name}: unknown entry ${hex(kind)} before ${hex(reader.offset)}`);
    }
  }
}
