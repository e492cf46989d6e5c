/**
 * The entries of .debug_frame (DWARF 5, section 6.4.1) and .eh_frame (Linux Standard Base, chapter 10.6): the call frame
 * instructions for each range of code.
 */
import { hex } from '../../../emulator/isa/hex';
import { SymbolError } from '../api';
import { Reader } from '../container/reader';

/** A CIE. */
export interface CommonEntry {
  codeAlignment: bigint;
  dataAlignment: bigint;
  returnAddressColumn: number;
  addressEncoding: number;
  addressSize: number;
  signal: boolean;
  hasAugmentationData: boolean;
  instructions: Uint8Array;
}

/** An FDE: the instructions for the addresses from `low` to `high`. */
export interface FrameEntry {
  common: CommonEntry;
  low: bigint;
  high: bigint;
  instructions: Uint8Array;
}

export interface FrameSection {
  name: string;
  bytes: Uint8Array;
  address: bigint;
  isEhFrame: boolean;
}

const OMITTED = 0xff;
/** Letters; "zPLRS" are all that exist. */
const LONGEST_AUGMENTATION = 16;

/** Reads the entry at the reader and moves past it. Undefined for a CIE, which is read when an FDE refers to it. */
export function readFrameEntry(
  section: FrameSection,
  reader: Reader,
  commons: Map<number, CommonEntry>,
): FrameEntry | undefined {
  const { length, offsetSize } = reader.initialLength();
  const idOffset = reader.offset;
  const end = idOffset + length;
  const body = new Reader(section.bytes, section.name, reader.skip(length), end);
  if (length === 0) return undefined;
  const id = section.isEhFrame ? body.u32() : BigInt.asUintN(offsetSize * 8, body.unsigned(offsetSize));
  const isCommon = section.isEhFrame ? id === 0 : id === (offsetSize === 4 ? 0xffffffffn : 0xffffffffffffffffn);
  if (isCommon) return undefined;
  const commonOffset = section.isEhFrame ? idOffset - Number(id) : Number(id);
  let common = commons.get(commonOffset);
  if (common === undefined) commons.set(commonOffset, (common = readCommon(section, commonOffset)));
  const low = readPointer(body, common.addressEncoding, common.addressSize, section.address);
  const size = readPointer(body, common.addressEncoding & 0x0f, common.addressSize, 0n);
  if (common.hasAugmentationData) body.skip(body.uleb());
  return { common, low, high: low + size, instructions: body.take(end - body.offset) };
}

function readCommon(section: FrameSection, offset: number): CommonEntry {
  const outer = new Reader(section.bytes, section.name, offset);
  const { length, offsetSize } = outer.initialLength();
  const start = outer.skip(length);
  const reader = new Reader(section.bytes, section.name, start, start + length);
  reader.skip(section.isEhFrame ? 4 : offsetSize);
  const version = reader.u8();
  if (version !== 1 && version !== 3 && version !== 4)
    throw new SymbolError(`${section.name}: the CIE at ${hex(offset)} is of version ${version}; 1, 3 and 4 are read`);
  const augmentationOffset = reader.offset;
  if (reader.skipString() - augmentationOffset > LONGEST_AUGMENTATION)
    throw new SymbolError(`${section.name}: the CIE at ${hex(offset)} has an augmentation without end`);
  const augmentation = reader.stringAt(augmentationOffset);
  let addressSize = 8;
  if (version === 4) {
    addressSize = reader.u8();
    reader.skip(1);
  }
  const codeAlignment = reader.uleb64();
  const dataAlignment = reader.sleb64();
  const returnAddressColumn = version === 1 ? reader.u8() : reader.uleb();
  let addressEncoding = 0;
  let signal = false;
  const hasAugmentationData = augmentation.startsWith('z');
  if (hasAugmentationData) {
    const dataEnd = reader.uleb() + reader.offset;
    for (const letter of augmentation.slice(1)) {
      if (letter === 'R') addressEncoding = reader.u8();
      else if (letter === 'L') reader.u8();
      else if (letter === 'P') readPointer(reader, reader.u8(), addressSize, section.address);
      else if (letter === 'S') signal = true;
      else break;
    }
    reader.skip(dataEnd - reader.offset);
  } else if (augmentation !== '') {
    throw new SymbolError(`${section.name}: the CIE at ${hex(offset)} has the unknown augmentation "${augmentation}"`);
  }
  return {
    codeAlignment,
    dataAlignment,
    returnAddressColumn,
    addressEncoding,
    addressSize,
    signal,
    hasAugmentationData,
    instructions: reader.take(reader.end - reader.offset),
  };
}

/** Reads a pointer of .eh_frame. The low four bits of its encoding are the form, the next three what it is relative to. */
export function readPointer(reader: Reader, encoding: number, addressSize: number, sectionAddress: bigint): bigint {
  if (encoding === OMITTED) return 0n;
  const here = sectionAddress + BigInt(reader.offset);
  const value = readPointerValue(reader, encoding & 0x0f, addressSize);
  const relative = (encoding & 0x70) === 0x10 ? here : 0n;
  return BigInt.asUintN(64, value + relative);
}

function readPointerValue(reader: Reader, form: number, addressSize: number): bigint {
  switch (form) {
    case 0x00:
      return reader.unsigned(addressSize);
    case 0x01:
      return reader.uleb64();
    case 0x02:
      return BigInt(reader.u16());
    case 0x03:
      return BigInt(reader.u32());
    case 0x04:
      return reader.u64();
    case 0x09:
      return reader.sleb64();
    case 0x0a:
      return BigInt(reader.i16());
    case 0x0b:
      return BigInt(reader.i32());
    case 0x0c:
      return reader.i64();
    default:
      throw new SymbolError(`${reader.name}: unknown pointer encoding ${hex(form)} before ${hex(reader.offset)}`);
  }
}
