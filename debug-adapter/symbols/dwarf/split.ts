/**
 * Split debug information (DWARF 5, sections 3.1.2, 3.1.3, 7.3.2 and 7.3.5, and GNU's form of it for version 4): a program's own
 * units are skeletons, whose entries are in .dwo files or in one .dwp file that packs them.
 */
import { hex } from '../../../emulator/isa/hex';
import { SymbolError } from '../api';
import { readSplitSections, type Section } from '../container/elf';
import { Reader } from '../container/reader';
import { At, UnitType } from './constants';
import { DebugInfo } from './debug-info';
import type { Unit } from './unit';

/** A file with the entries of a unit, as the compiler named it. */
export interface SplitFile {
  name: string;
  /** What a relative name is relative to. */
  directory: string;
  /** The source that was compiled. */
  source: string;
}

const MOST_ROWS = 1 << 16;
const MOST_COLUMNS = 8;
/** The sections of the columns of a package's index: of version 5, and of GNU's version 2. */
const COLUMNS5 = ['', 'info', '', 'abbrev', 'line', 'loclists', 'str_offsets', 'macro', 'rnglists'];
const COLUMNS2 = ['', 'info', 'types', 'abbrev', 'line', 'loc', 'str_offsets', 'macinfo', 'macro'];

export class SplitDwarf {
  private readonly skeletons = new Map<bigint, { unit: Unit; file: SplitFile; isFound: boolean }>();
  private readonly found: Unit[] = [];

  constructor(
    main: DebugInfo,
    private readonly warn: (message: string) => void,
    private readonly sizeOfFunction: (address: bigint) => bigint | undefined,
  ) {
    // Entries in another file have their addresses here; without any, no unit need be read.
    if (main.section('addr').bytes.length === 0) return;
    for (const unit of main.units) {
      const id = splitId(unit);
      const file = id === undefined ? undefined : splitFile(unit);
      if (id !== undefined && file !== undefined) this.skeletons.set(id, { unit, file, isFound: false });
    }
  }

  /** The files whose units have not been found. */
  get wanted(): SplitFile[] {
    return [...this.skeletons.values()].filter(({ isFound }) => !isFound).map(({ file }) => file);
  }

  /** The units that have been found, and those of types that they refer to. */
  get units(): readonly Unit[] {
    return this.found;
  }

  /**
   * Takes over what belongs to this program from a .dwo or .dwp file, or notes that there is none. Throws SymbolError if the file
   * is damaged.
   */
  attach(path: string, bytes: Uint8Array | undefined): void {
    if (bytes === undefined) return;
    const { sections, warnings } = readSplitSections(path, bytes);
    warnings.forEach(this.warn);
    const own = sections
      .filter(({ name }) => name.endsWith('.dwo'))
      .map((section) => ({ ...section, name: section.name.slice(0, -'.dwo'.length) }));
    const index = sections.find(({ name }) => name === '.debug_cu_index');
    for (const group of index === undefined ? [own] : [...this.packed(index, own)])
      this.take(new DebugInfo(group, this.warn, this.sizeOfFunction));
  }

  /** Says what is missing. */
  report(): void {
    for (const { name, source } of this.wanted) {
      this.warn(
        `The debug information of ${source} is in ${name}, ` +
          'which is not there or belongs to another build: keep .dwo files where the build puts them, or a .dwp file beside the program.',
      );
    }
  }

  private take(info: DebugInfo): void {
    for (const unit of info.units) {
      const id = splitId(unit);
      const skeleton = id === undefined ? undefined : this.skeletons.get(id);
      if (skeleton !== undefined && !skeleton.isFound) {
        unit.skeleton = skeleton.unit;
        skeleton.isFound = true;
        this.found.push(unit);
      } else if (unit.header.signature !== undefined) {
        this.found.push(unit);
      }
    }
  }

  /** The parts of a package that belong to the skeletons: each as if it were a .dwo file. */
  private *packed(index: Section, sections: readonly Section[]): Generator<Section[]> {
    const reader = new Reader(index.bytes, index.name);
    const version = reader.u32() & 0xffff;
    const names = version === 5 ? COLUMNS5 : COLUMNS2;
    const [columns, rows, slots] = [reader.u32(), reader.u32(), reader.u32()];
    if ((version !== 2 && version !== 5) || columns > MOST_COLUMNS || rows > MOST_ROWS || slots > 4 * MOST_ROWS)
      throw new SymbolError(`${index.name} of version ${version} is not understood`);
    const ids = Array.from({ length: slots }, () => reader.u64());
    const rowOf = Array.from({ length: slots }, () => reader.u32());
    const kinds = Array.from({ length: columns }, () => names[reader.u32()] ?? '');
    const table = reader.offset;
    const cell = (part: number, row: number, column: number): number =>
      new Reader(index.bytes, index.name, table + 4 * ((part * rows + row) * columns + column)).u32();
    for (let slot = 0; slot < slots; slot++) {
      const row = rowOf[slot]! - 1;
      if (row < 0 || row >= rows || !this.skeletons.has(ids[slot]!)) continue;
      yield sections.map((section) => {
        const column = kinds.indexOf(section.name.slice('.debug_'.length));
        if (column < 0) return section;
        const reader = new Reader(section.bytes, section.name, cell(0, row, column));
        return { ...section, bytes: reader.take(cell(1, row, column)) };
      });
    }
  }
}

function splitId(unit: Unit): bigint | undefined {
  const { dwoId, unitType } = unit.header;
  if (dwoId !== undefined) return dwoId;
  // Of an ordinary unit, the root need not be read.
  if (unit.version === 5 || unitType === UnitType.type) return undefined;
  try {
    return unit.root.constant(At.gnuDwoId);
  } catch (error) {
    if (error instanceof SymbolError) return undefined;
    throw error;
  }
}

function splitFile({ root, compilationDirectory, offset }: Unit): SplitFile | undefined {
  const name = root.string(At.dwoName) ?? root.string(At.gnuDwoName);
  const source = root.string(At.name) ?? `the unit at ${hex(offset)}`;
  return name === undefined ? undefined : { name, directory: compilationDirectory, source };
}
