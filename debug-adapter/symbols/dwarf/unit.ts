/**
 * A unit of .debug_info or .debug_types (DWARF 5, sections 3.1 and 7.5.1): its header, its entries, and the data in other
 * sections that its entries refer to.
 */
import { hex } from '../../../emulator/isa/hex';
import { SymbolError } from '../api';
import type { DebugInfo } from './debug-info';
import { type AddressRange, type AttributeValue, Die, readForm } from './die';
import { At, Form, LANGUAGES_OF_C, Tag, UnitType } from './constants';
import { type LineTable, joinPath } from './line-table';
import { readRangeList } from './lists';
import { Reader } from '../container/reader';

export interface DebugSection {
  name: string;
  bytes: Uint8Array;
}

export interface UnitHeader {
  section: DebugSection;
  /** Offsets of the header, and of the byte after the unit. */
  offset: number;
  end: number;
  version: number;
  unitType: number;
  offsetSize: 4 | 8;
  addressSize: number;
  abbreviationsOffset: number;
  rootOffset: number;
  signature: bigint | undefined;
  /** Of a unit that is split, and of its skeleton: the number by which they find each other. */
  dwoId: bigint | undefined;
  /** Of a type unit's type, relative to the unit's header. */
  typeOffset: number;
}

/** Entries nest like blocks in C; deeper nesting is damage. */
const DEEPEST_ENTRY = 200;
/** An entry's cost for the budget, besides its attributes. */
const WORDS_OF_ENTRY = 24;

export class Unit {
  /** Of a unit in a .dwo file: the unit in the program that has its addresses, its ranges and its lines. */
  skeleton: Unit | undefined;
  private readonly dies = new Map<number, Die>();
  /** One reader for all entries, since they are many. */
  private reader: Reader | undefined;
  private rootDie: Die | undefined;
  private lines: LineTable | undefined;
  private locationLists: boolean | undefined;

  constructor(
    readonly info: DebugInfo,
    readonly header: UnitHeader,
  ) {}

  get section(): DebugSection {
    return this.header.section;
  }
  get offset(): number {
    return this.header.offset;
  }
  get end(): number {
    return this.header.end;
  }
  get version(): number {
    return this.header.version;
  }
  get addressSize(): number {
    return this.header.addressSize;
  }
  get offsetSize(): 4 | 8 {
    return this.header.offsetSize;
  }

  get isCode(): boolean {
    const { tag } = this.root;
    return tag === Tag.compileUnit || tag === Tag.partialUnit || tag === Tag.skeletonUnit;
  }

  get root(): Die {
    if (this.rootDie === undefined) {
      const root = this.read(this.header.rootOffset, 0);
      if (root === undefined) throw new SymbolError(`${this.section.name}: the unit at ${hex(this.offset)} is empty`);
      this.rootDie = root;
    }
    return this.rootDie;
  }

  /** Whether it is of C or of assembly. */
  get isC(): boolean {
    const language = this.root.number(At.language);
    return language === undefined || LANGUAGES_OF_C.includes(language);
  }

  get compilationDirectory(): string {
    return (this.skeleton ?? this).root.string(At.compilationDirectory) ?? '';
  }

  /** Its source as given to the compiler, joined to the directory. */
  get path(): string {
    return joinPath(this.compilationDirectory, this.root.string(At.name) ?? '');
  }

  /**
   * Whether variables have location lists, as in optimized code: their locations are then valid in a function's prologue
   * too.
   */
  get hasLocationLists(): boolean {
    this.locationLists ??= [...this.info.abbreviations(this.header.abbreviationsOffset).values()].some(
      ({ tag, attributes }) =>
        (tag === Tag.variable || tag === Tag.formalParameter) &&
        attributes.some(({ name, form }) => name === At.location && isListOffset(form)),
    );
    return this.locationLists;
  }

  /** Its line table; undefined if it has none. */
  get lineTable(): LineTable | undefined {
    if (this.skeleton !== undefined) return this.skeleton.lineTable;
    const offset = this.root.number(At.statementList);
    if (offset !== undefined && this.lines === undefined) this.lines = this.info.lineTable(this, offset);
    return this.lines;
  }

  fileName(index: number): string | undefined {
    return this.lineTable?.files[index];
  }

  /** The entry at an offset of the section. */
  dieAt(offset: number): Die {
    const die = offset >= this.header.rootOffset && offset < this.end ? this.read(offset, 1) : undefined;
    if (die === undefined)
      throw new SymbolError(`${this.section.name}: no entry at ${hex(offset)} of the unit at ${hex(this.offset)}`);
    return die;
  }

  /** The entry at an offset; undefined if a list of siblings ends there. */
  read(offset: number, depth: number): Die | undefined {
    const known = this.dies.get(offset);
    if (known !== undefined) return known;
    if (offset >= this.end) return undefined;
    if (depth > DEEPEST_ENTRY)
      throw new SymbolError(`${this.section.name}: entries nest more than ${DEEPEST_ENTRY} deep at ${hex(offset)}`);
    const reader = (this.reader ??= new Reader(this.section.bytes, this.section.name, offset, this.end));
    reader.offset = offset;
    const code = reader.uleb();
    if (code === 0) return undefined;
    const abbreviation = this.info.abbreviations(this.header.abbreviationsOffset).get(code);
    if (abbreviation === undefined)
      throw new SymbolError(`${this.section.name}: unknown abbreviation ${code} at ${hex(offset)}`);
    let { attributes } = abbreviation;
    this.info.budget.spend(WORDS_OF_ENTRY + attributes.length);
    if (attributes.some((attribute) => attribute.form === Form.indirect))
      attributes = attributes.map((attribute) => ({ ...attribute }));
    const values: AttributeValue[] = [];
    for (const attribute of attributes) {
      for (; attribute.form === Form.indirect;) attribute.form = reader.uleb();
      values.push(readForm(reader, attribute, this));
    }
    const die = new Die(this, offset, abbreviation, attributes, values, reader.offset, depth);
    this.dies.set(offset, die);
    return die;
  }

  /** The entry that a reference leads to; undefined if it is in another file. */
  refer(form: number, value: number | bigint): Die | undefined {
    if (form === Form.refSig8) {
      const unit = this.info.typeUnit(BigInt(value));
      return unit?.dieAt(unit.offset + unit.header.typeOffset);
    }
    if (form === Form.refAddr) return this.info.unitAt(Number(value))?.dieAt(Number(value));
    const inUnit = form >= Form.ref1 && form <= Form.refUdata;
    return inUnit ? this.dieAt(Number(value)) : undefined;
  }

  string(form: number, value: number): string | undefined {
    switch (form) {
      case Form.string:
        return this.info.stringAt(this.section.name === '.debug_types' ? 'types' : 'info', value);
      case Form.strp:
        return this.info.stringAt('str', value);
      case Form.lineStrp:
        return this.info.stringAt('line_str', value);
      case Form.strx:
      case Form.strx1:
      case Form.strx2:
      case Form.strx3:
      case Form.strx4:
      case Form.gnuStrIndex: {
        const header = this.version < 5 ? 0 : this.offsetSize === 4 ? 8 : 16;
        const base = this.root.number(At.strOffsetsBase) ?? header;
        const offsets = this.info.reader('str_offsets', base + value * this.offsetSize);
        return this.info.stringAt('str', offsets.offsetOf(this.offsetSize));
      }
      default:
        return undefined;
    }
  }

  /** An entry of .debug_addr. */
  addressAt(index: number): bigint {
    const { root, info } = this.skeleton ?? this;
    const base = root.number(At.addrBase) ?? root.number(At.gnuAddrBase) ?? (this.version < 5 ? 0 : 8);
    return info.reader('addr', base + index * this.addressSize).unsigned(this.addressSize);
  }

  rangesAt(form: number, value: number): AddressRange[] {
    const isIndex = form === Form.rnglistx;
    return readRangeList(this, isIndex ? this.listOffset('rnglists', At.rnglistsBase, value) : value);
  }

  /** The address that ranges and location lists are relative to. */
  get baseAddress(): bigint {
    return (this.skeleton ?? this).root.address(At.lowPc) ?? 0n;
  }

  /** The offset of the list with an index, for DW_FORM_rnglistx and DW_FORM_loclistx. */
  listOffset(section: 'rnglists' | 'loclists', baseAttribute: number, index: number): number {
    const base = this.root.number(baseAttribute) ?? (this.offsetSize === 4 ? 12 : 20);
    return base + this.info.reader(section, base + index * this.offsetSize).offsetOf(this.offsetSize);
  }
}

/** Up to DWARF 3, an offset into a section has the form of a constant. */
function isListOffset(form: number): boolean {
  return form === Form.secOffset || form === Form.loclistx || form === Form.data4 || form === Form.data8;
}

/** Reads the header at the reader. */
export function readUnitHeader(reader: Reader, section: DebugSection, isTypes: boolean): UnitHeader {
  const offset = reader.offset;
  const { length, offsetSize } = reader.initialLength();
  const end = reader.offset + length;
  if (end > reader.end)
    throw new SymbolError(`${section.name}: the unit at ${hex(offset)} would end at ${hex(end)}, behind the section`);
  const version = reader.u16();
  if (version < 2 || version > 5) {
    throw new SymbolError(
      `${section.name}: the unit at ${hex(offset)} is of DWARF version ${version}; 2 to 5 are read`,
    );
  }
  let unitType: number = isTypes ? UnitType.type : UnitType.compile;
  let addressSize;
  let abbreviationsOffset;
  if (version === 5) {
    unitType = reader.u8();
    addressSize = reader.u8();
    abbreviationsOffset = reader.offsetOf(offsetSize);
  } else {
    abbreviationsOffset = reader.offsetOf(offsetSize);
    addressSize = reader.u8();
  }
  const isSplit = unitType === UnitType.skeleton || unitType === UnitType.splitCompile;
  const dwoId = isSplit ? reader.u64() : undefined;
  const isType = unitType === UnitType.type || unitType === UnitType.splitType;
  const signature = isType ? reader.u64() : undefined;
  const typeOffset = isType ? reader.offsetOf(offsetSize) : 0;
  if (addressSize !== 8 && addressSize !== 4)
    throw new SymbolError(`${section.name}: the unit at ${hex(offset)} has addresses of ${addressSize} bytes`);
  const rootOffset = reader.offset;
  return {
    section,
    offset,
    end,
    version,
    unitType,
    offsetSize,
    addressSize,
    abbreviationsOffset,
    rootOffset,
    signature,
    dwoId,
    typeOffset,
  };
}
