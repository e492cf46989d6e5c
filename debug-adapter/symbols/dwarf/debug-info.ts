/**
 * All units of a file, and the sections and tables that they share. One file may have units of versions 2 to 5, since
 * assemblers and compilers write different ones. The constructor reads only the units' headers.
 */
import { SymbolError } from '../api';
import type { Abbreviation, AttributeSpec } from './die';
import { Form } from './constants';
import type { Section } from '../container/elf';
import { type LineTable, readLineTable } from './line-table';
import { Budget, Reader } from '../container/reader';
import { type DebugSection, Unit, readUnitHeader } from './unit';

export type SectionName =
  | 'info'
  | 'types'
  | 'abbrev'
  | 'line'
  | 'str'
  | 'line_str'
  | 'ranges'
  | 'rnglists'
  | 'loc'
  | 'loclists'
  | 'addr'
  | 'str_offsets'
  | 'macro'
  | 'macinfo'
  | 'frame';

/** All of a file's units, and what they share. */
export class DebugInfo {
  readonly units: readonly Unit[];
  /** Limits the objects made from the file, roughly in words of memory; a sound file needs a few for each byte. */
  readonly budget: Budget;
  private readonly sections = new Map<string, DebugSection>();
  private readonly abbreviationTables = new Map<number, Map<number, Abbreviation>>();
  private readonly lineTables = new Map<string, LineTable>();
  private readonly strings = new Map<SectionName, Map<number, string>>();
  private readonly typeUnits = new Map<bigint, Unit>();

  constructor(
    sections: readonly Section[],
    readonly warn: (message: string) => void,
    /** Of split debug information: the size of the function at an address by the program's symbols, if it has one. */
    readonly sizeOfFunction?: (address: bigint) => bigint | undefined,
  ) {
    let size = 0;
    for (const section of sections) {
      if (section.name.startsWith('.debug_') && section.bytes.length > 0) {
        this.sections.set(section.name.slice('.debug_'.length), section);
        size += section.bytes.length;
      }
    }
    this.budget = new Budget(10_000 + 16 * size, 'the debug information');
    this.units = [...this.readUnits('info'), ...this.readUnits('types')];
    for (const unit of this.units)
      if (unit.header.signature !== undefined) this.typeUnits.set(unit.header.signature, unit);
  }

  /** A section by its name after `.debug_`; an empty one if the file has none. */
  section(name: SectionName): DebugSection {
    return this.sections.get(name) ?? { name: `.debug_${name}`, bytes: new Uint8Array() };
  }

  reader(name: SectionName, offset = 0): Reader {
    const section = this.section(name);
    return new Reader(section.bytes, section.name, offset);
  }

  stringAt(name: SectionName, offset: number): string {
    let known = this.strings.get(name);
    if (known === undefined) this.strings.set(name, (known = new Map<number, string>()));
    let text = known.get(offset);
    if (text === undefined) {
      const reader = this.reader(name, offset);
      // Strings may share bytes too.
      this.budget.spend(1 + (reader.skipString() - offset));
      known.set(offset, (text = reader.stringAt(offset)));
    }
    return text;
  }

  unitAt(offset: number): Unit | undefined {
    return this.units.find((unit) => unit.section.name === '.debug_info' && unit.offset < offset && offset < unit.end);
  }

  typeUnit(signature: bigint): Unit | undefined {
    return this.typeUnits.get(signature);
  }

  abbreviations(offset: number): Map<number, Abbreviation> {
    let table = this.abbreviationTables.get(offset);
    if (table === undefined) {
      table = readAbbreviations(this.reader('abbrev', offset), this.budget);
      this.abbreviationTables.set(offset, table);
    }
    return table;
  }

  /** Units of one source may share a table; it is read once for each directory of the units. */
  lineTable(unit: Unit, offset: number): LineTable {
    const key = `${offset}:${unit.addressSize}:${unit.compilationDirectory}`;
    let table = this.lineTables.get(key);
    if (table === undefined) this.lineTables.set(key, (table = readLineTable(this, unit, offset)));
    return table;
  }

  private *readUnits(name: 'info' | 'types'): Generator<Unit> {
    const reader = this.reader(name);
    try {
      while (!reader.done) {
        const unit = new Unit(this, readUnitHeader(reader, this.section(name), name === 'types'));
        reader.offset = unit.end;
        yield unit;
      }
    } catch (error) {
      if (!(error instanceof SymbolError)) throw error;
      this.warn(`${error.message}; the units from there on are left out.`);
    }
  }
}

function readAbbreviations(reader: Reader, budget: Budget): Map<number, Abbreviation> {
  const table = new Map<number, Abbreviation>();
  for (;;) {
    const code = reader.uleb();
    if (code === 0) return table;
    const tag = reader.uleb();
    const hasChildren = reader.u8() !== 0;
    const attributes: AttributeSpec[] = [];
    for (;;) {
      const name = reader.uleb();
      const form = reader.uleb();
      const constant = form === Form.implicitConst ? reader.sleb() : 0;
      if (name === 0 && form === 0) break;
      attributes.push({ name, form, constant });
    }
    budget.spend(8 * (1 + attributes.length));
    const hasIndirect = attributes.some(({ form }) => form === Form.indirect);
    table.set(code, { tag, hasChildren, attributes, hasIndirect });
  }
}
