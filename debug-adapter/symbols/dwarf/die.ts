/**
 * Debugging information entries: DIEs, their abbreviations and attributes (DWARF 5, sections 2.2, 7.5.2 to 7.5.5). An
 * entry's attributes, its children and its strings are each read when they are first needed.
 */
import { hex } from '../../../emulator/isa/hex';
import { SymbolError } from '../api';
import { At, Form, Tag } from './constants';
import { type Reader } from '../container/reader';
import type { Unit } from './unit';

export interface AttributeSpec {
  name: number;
  form: number;
  /** The value itself, for DW_FORM_implicit_const. */
  constant: number;
}

export interface Abbreviation {
  tag: number;
  hasChildren: boolean;
  attributes: AttributeSpec[];
  /** One of its attributes is of DW_FORM_indirect. */
  hasIndirect: boolean;
}

/**
 * Depends on the form: a number for numbers and flags; a bigint for addresses and 8-byte data; bytes for blocks; the offset
 * or index of a string; a reference's offset in the unit's section.
 */
export type AttributeValue = number | bigint | Uint8Array;

/** What the size of a value depends on, and the offset that references are relative to. */
export interface FormContext {
  version: number;
  addressSize: number;
  offsetSize: 4 | 8;
  offset: number;
}

/** Addresses from `low` up to, not including, `high`. */
export interface AddressRange {
  low: bigint;
  high: bigint;
}

/** DW_AT_abstract_origin and DW_AT_specification lead from entry to entry; a longer chain must be a cycle. */
const LONGEST_ORIGIN_CHAIN = 16;

export class Die {
  /** The namespaces and types around it, as `kernel::memory`; set by whoever walks down from the unit's own entry. */
  scope: string | undefined;
  private childList: readonly Die[] | undefined;
  private afterChildren = 0;
  private rangeList: readonly AddressRange[] | undefined;

  /** `next` is the offset after the attributes; `depth` counts from the unit's own entry or a referenced one. */
  constructor(
    readonly unit: Unit,
    readonly offset: number,
    private readonly abbreviation: Abbreviation,
    private readonly attributes: readonly AttributeSpec[],
    private readonly values: readonly AttributeValue[],
    readonly next: number,
    private readonly depth: number,
  ) {}

  get tag(): number {
    return this.abbreviation.tag;
  }

  get children(): readonly Die[] {
    if (this.childList === undefined) this.readChildren();
    return this.childList!;
  }

  /** The offset after this entry and all entries below it. */
  get end(): number {
    if (!this.abbreviation.hasChildren) return this.next;
    const sibling = this.value(At.sibling);
    if (typeof sibling === 'number' && sibling > this.next && sibling <= this.unit.end) return sibling;
    this.readChildren();
    return this.afterChildren;
  }

  has(name: number): boolean {
    return this.value(name) !== undefined;
  }

  value(name: number): AttributeValue | undefined {
    const { attributes } = this;
    for (let index = 0; index < attributes.length; index++)
      if (attributes[index]!.name === name) return this.values[index];
    return undefined;
  }

  form(name: number): number | undefined {
    return this.attributes.find((attribute) => attribute.name === name)?.form;
  }

  /** A constant, flag or offset; undefined if it is absent, a block or above 2^53. */
  number(name: number): number | undefined {
    const value = this.value(name);
    const result = typeof value === 'bigint' ? Number(value) : value;
    return typeof result === 'number' && Number.isSafeInteger(result) ? result : undefined;
  }

  /** An integer of any form, with the sign as recorded. */
  constant(name: number): bigint | undefined {
    const value = this.value(name);
    return value === undefined || value instanceof Uint8Array ? undefined : BigInt(value);
  }

  flag(name: number): boolean {
    return this.value(name) === 1;
  }

  block(name: number): Uint8Array | undefined {
    const value = this.value(name);
    return value instanceof Uint8Array ? value : undefined;
  }

  string(name: number): string | undefined {
    const value = this.value(name);
    return typeof value === 'number' ? this.unit.string(this.form(name)!, value) : undefined;
  }

  address(name: number): bigint | undefined {
    const value = this.value(name);
    if (typeof value === 'bigint') return value;
    return typeof value === 'number' && isAddressIndex(this.form(name)!) ? this.unit.addressAt(value) : undefined;
  }

  reference(name: number): Die | undefined {
    const value = this.value(name);
    return value === undefined || value instanceof Uint8Array ? undefined : this.unit.refer(this.form(name)!, value);
  }

  /** This entry, then the abstract instance or declaration that it completes, and so on. */
  *origins(): Generator<Die> {
    let die: Die | undefined = this as Die;
    for (let steps = 0; die !== undefined; steps++) {
      if (steps > LONGEST_ORIGIN_CHAIN)
        throw new SymbolError(`${this.unit.section.name}: the origin of the entry at ${hex(this.offset)} has no end`);
      yield die;
      die = die.reference(At.abstractOrigin) ?? die.reference(At.specification);
    }
  }

  /** The entry that has the attribute: this one or one of its origins. */
  withAttribute(name: number): Die | undefined {
    for (const die of this.origins()) if (die.has(name)) return die;
    return undefined;
  }

  get name(): string | undefined {
    return this.withAttribute(At.name)?.string(At.name);
  }

  /** Its name with those of the namespaces and types around it. */
  get qualifiedName(): string | undefined {
    const { name } = this;
    if (name === undefined) return undefined;
    // What is defined in another place than it is declared has the declaration's.
    let around: string | undefined;
    for (const { scope } of this.origins()) around = scope ?? around;
    return around === undefined ? name : `${around}::${name}`;
  }

  /** The name by which the linker knows it, if that is another. */
  get linkageName(): string | undefined {
    for (const name of [At.linkageName, At.mipsLinkageName]) {
      const found = this.withAttribute(name)?.string(name);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Where it was declared, if that is recorded. */
  get declaredAt(): { file: string | undefined; line: number | undefined } {
    const fileDie = this.withAttribute(At.declarationFile);
    const file = fileDie?.number(At.declarationFile);
    return {
      file: file === undefined ? undefined : fileDie!.unit.fileName(file),
      line: this.withAttribute(At.declarationLine)?.number(At.declarationLine),
    };
  }

  /** The addresses of its code: DW_AT_ranges, or low and high pc, without empty ranges. */
  get ranges(): readonly AddressRange[] {
    this.rangeList ??= this.readRanges().filter((range) => range.low < range.high);
    return this.rangeList;
  }

  contains(address: bigint): boolean {
    return this.ranges.some((range) => range.low <= address && address < range.high);
  }

  private readRanges(): readonly AddressRange[] {
    const list = this.number(At.ranges);
    if (list !== undefined) return this.unit.rangesAt(this.form(At.ranges)!, list);
    const low = this.address(At.lowPc);
    const highValue = this.value(At.highPc);
    if (low === undefined || highValue === undefined || highValue instanceof Uint8Array) return [];
    const absolute = isAddress(this.form(At.highPc)!);
    const high = absolute ? this.address(At.highPc)! : low + BigInt(highValue);
    // A .dwo file has no relocations, so where the linker may shorten code, the assembler leaves its length at 0.
    const isLost = high === low && this.tag === Tag.subprogram;
    return [{ low, high: isLost ? low + (this.unit.info.sizeOfFunction?.(low) ?? 0n) : high }];
  }

  private readChildren(): void {
    if (this.childList !== undefined) return;
    const children: Die[] = [];
    let offset = this.next;
    // Where the rest cannot be read, there are no more entries in the unit: what is known stays.
    this.childList = children;
    this.afterChildren = this.unit.end;
    if (!this.abbreviation.hasChildren) {
      this.afterChildren = offset;
      return;
    }
    try {
      for (;;) {
        const child = this.unit.read(offset, this.depth + 1);
        if (child === undefined) break;
        children.push(child);
        offset = child.end;
      }
      this.afterChildren = offset + 1;
    } catch (error) {
      if (!(error instanceof SymbolError)) throw error;
      this.unit.info.warn(`${error.message}; the entries from there on are left out.`);
    }
  }
}

function isAddress(form: number): boolean {
  return form === Form.addr || isAddressIndex(form);
}

function isAddressIndex(form: number): boolean {
  return form === Form.addrx || form === Form.gnuAddrIndex || (form >= Form.addrx1 && form <= Form.addrx4);
}

/** Reads one attribute's value. */
export function readForm(reader: Reader, attribute: AttributeSpec, unit: FormContext): AttributeValue {
  const { form } = attribute;
  switch (form) {
    case Form.addr:
      return reader.unsigned(unit.addressSize);
    case Form.data1:
    case Form.flag:
    case Form.strx1:
    case Form.addrx1:
      return reader.u8();
    case Form.data2:
    case Form.strx2:
    case Form.addrx2:
      return reader.u16();
    case Form.strx3:
    case Form.addrx3:
      return reader.u24();
    case Form.data4:
    case Form.strx4:
    case Form.addrx4:
    case Form.refSup4:
      return reader.u32();
    case Form.data8:
    case Form.refSig8:
    case Form.refSup8:
      return reader.u64();
    case Form.data16:
      return reader.take(16);
    case Form.sdata:
      return small(reader.sleb64());
    case Form.udata:
      return small(reader.uleb64());
    case Form.strx:
    case Form.addrx:
    case Form.gnuStrIndex:
    case Form.gnuAddrIndex:
    case Form.loclistx:
    case Form.rnglistx:
      return reader.uleb();
    case Form.string: {
      const start = reader.offset;
      reader.skipString();
      return start;
    }
    case Form.strp:
    case Form.lineStrp:
    case Form.secOffset:
    case Form.strpSup:
    case Form.gnuRefAlt:
    case Form.gnuStrpAlt:
      return reader.offsetOf(unit.offsetSize);
    case Form.refAddr:
      return reader.offsetOf(unit.version === 2 ? unit.addressSize : unit.offsetSize);
    case Form.ref1:
      return unit.offset + reader.u8();
    case Form.ref2:
      return unit.offset + reader.u16();
    case Form.ref4:
      return unit.offset + reader.u32();
    case Form.ref8:
      return unit.offset + reader.offsetOf(8);
    case Form.refUdata:
      return unit.offset + reader.uleb();
    case Form.block1:
      return reader.take(reader.u8());
    case Form.block2:
      return reader.take(reader.u16());
    case Form.block4:
      return reader.take(reader.u32());
    case Form.block:
    case Form.exprloc:
      return reader.take(reader.uleb());
    case Form.flagPresent:
      return 1;
    case Form.implicitConst:
      return attribute.constant;
    default:
      throw new SymbolError(`${reader.name}: unknown attribute form ${hex(form)} before ${hex(reader.offset)}`);
  }
}

function small(value: bigint): number | bigint {
  const result = Number(value);
  return Number.isSafeInteger(result) ? result : value;
}
