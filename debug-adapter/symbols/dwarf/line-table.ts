/**
 * Line number programs, versions 2 to 5 (DWARF 5, section 6.2). Running one yields the rows of a table from addresses to
 * source lines, in sequences of ascending addresses.
 */
import { hex } from '../../../emulator/isa/hex';
import { SymbolError } from '../api';
import { readForm } from './die';
import { Form, Line } from './constants';
import { type Budget, Reader } from '../container/reader';
import type { DebugInfo } from './debug-info';
import type { Unit } from './unit';

export interface LineRow {
  address: bigint;
  /** Index into the table's files. */
  file: number;
  line: number;
  column: number;
  isStatement: boolean;
}

/** Rows that cover the addresses from `low` to `high` without gaps. */
export interface LineSequence {
  low: bigint;
  high: bigint;
  rows: LineRow[];
}

export interface LineTable {
  /** By the index that rows and DW_AT_decl_file use: from 1, or in version 5 from 0. */
  files: (string | undefined)[];
  sequences: LineSequence[];
}

interface Program {
  reader: Reader;
  minimumInstructionLength: number;
  defaultIsStatement: boolean;
  lineBase: number;
  lineRange: number;
  opcodeBase: number;
  operandCounts: number[];
}

/** A row's cost for the budget: units may share a table, and each reads it again if their directories differ. */
const WORDS_OF_ROW = 8;

/** `path` itself if it is absolute, else below `directory`; with / as separators and no `.` or `..` parts. */
export function joinPath(directory: string, path: string): string {
  const whole = path.startsWith('/') || directory === '' ? path : `${directory}/${path}`;
  const parts: string[] = [];
  for (const part of whole.split('/')) {
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return (whole.startsWith('/') ? '/' : '') + parts.join('/');
}

/** Reads the table at an offset in .debug_line, with file names joined to the unit's directory. */
export function readLineTable(info: DebugInfo, unit: Unit, offset: number): LineTable {
  const section = info.section('line');
  const outer = new Reader(section.bytes, section.name, offset);
  const { length, offsetSize } = outer.initialLength();
  const start = outer.skip(length);
  const reader = new Reader(section.bytes, section.name, start, start + length);
  const version = reader.u16();
  if (version < 2 || version > 5)
    throw new SymbolError(`${section.name}: the table at ${hex(offset)} is of version ${version}; 2 to 5 are read`);
  if (version === 5) reader.skip(2);
  const headerLength = reader.offsetOf(offsetSize);
  const programStart = reader.offset + headerLength;
  const minimumInstructionLength = reader.u8();
  if (version >= 4) reader.skip(1);
  const defaultIsStatement = reader.u8() !== 0;
  const lineBase = reader.i8();
  const lineRange = reader.u8();
  const opcodeBase = reader.u8();
  const operandCounts = Array.from({ length: Math.max(opcodeBase - 1, 0) }, () => reader.u8());
  const directory = unit.compilationDirectory;
  const files =
    version === 5 ? readFiles5(reader, info, unit, offsetSize, directory) : readFiles2(reader, info.budget, directory);
  if (programStart < reader.offset || programStart > reader.end)
    throw new SymbolError(`${section.name}: the header at ${hex(offset)} gives a wrong length, ${hex(headerLength)}`);
  if (lineRange === 0) throw new SymbolError(`${section.name}: the table at ${hex(offset)} has a line range of 0`);
  reader.offset = programStart;
  const program = {
    reader,
    minimumInstructionLength,
    defaultIsStatement,
    lineBase,
    lineRange,
    opcodeBase,
    operandCounts,
  };
  const machine = new LineMachine(program, info.budget);
  machine.run(files, directory);
  return { files, sequences: machine.sequences };
}

function readFiles2(reader: Reader, budget: Budget, directory: string): (string | undefined)[] {
  const directories = [directory];
  for (let name = reader.string(); name !== ''; name = reader.string()) {
    budget.spend(1 + directory.length + name.length);
    directories.push(joinPath(directory, name));
  }
  const files: (string | undefined)[] = [undefined];
  for (let name = reader.string(); name !== ''; name = reader.string()) {
    const parent = directories[reader.uleb()] ?? directory;
    budget.spend(1 + parent.length + name.length);
    files.push(joinPath(parent, name));
    reader.uleb();
    reader.uleb();
  }
  return files;
}

function readFiles5(reader: Reader, info: DebugInfo, unit: Unit, offsetSize: 4 | 8, directory: string): string[] {
  const directories: string[] = [];
  const join = (parent: string, path: string): string => {
    info.budget.spend(parent.length + path.length);
    return joinPath(parent, path);
  };
  for (const entry of readEntries5(reader, info, unit, offsetSize))
    directories.push(join(directories[0] ?? directory, entry.path));
  const files: string[] = [];
  for (const entry of readEntries5(reader, info, unit, offsetSize))
    files.push(join(directories[entry.directory] ?? directory, entry.path));
  return files;
}

function* readEntries5(
  reader: Reader,
  info: DebugInfo,
  unit: Unit,
  offsetSize: 4 | 8,
): Generator<{ path: string; directory: number }> {
  const format = Array.from({ length: reader.u8() }, () => ({ content: reader.uleb(), form: reader.uleb() }));
  const context = { version: 5, addressSize: unit.addressSize, offsetSize, offset: 0 };
  for (let left = reader.uleb(); left > 0; left--) {
    info.budget.spend(1 + format.length);
    const entry = { path: '', directory: 0 };
    for (const { content, form } of format) {
      const value = readForm(reader, { name: content, form, constant: 0 }, context);
      if (content === Line.contentPath && typeof value === 'number') {
        const inline = form === Form.string;
        entry.path = inline ? reader.stringAt(value) : (unit.string(form, value) ?? '');
      } else if (content === Line.contentDirectory && typeof value === 'number') {
        entry.directory = value;
      }
    }
    yield entry;
  }
}

/** The registers of the line number machine (DWARF 5, section 6.2.2) that rows record. */
class LineMachine {
  readonly sequences: LineSequence[] = [];
  private rows: LineRow[] = [];
  private row: LineRow;

  constructor(
    private readonly program: Program,
    private readonly budget: Budget,
  ) {
    this.row = this.initialRow();
  }

  run(files: (string | undefined)[], directory: string): void {
    const { reader, opcodeBase, lineBase, lineRange } = this.program;
    while (!reader.done) {
      const opcode = reader.u8();
      if (opcode >= opcodeBase) {
        const adjusted = opcode - opcodeBase;
        this.advance(Math.floor(adjusted / lineRange));
        this.row.line += lineBase + (adjusted % lineRange);
        this.emit();
      } else if (opcode === 0) {
        this.extended(files, directory);
      } else {
        this.standard(opcode);
      }
    }
  }

  private standard(opcode: number): void {
    const { reader, opcodeBase, lineRange, operandCounts } = this.program;
    switch (opcode) {
      case Line.copy:
        this.emit();
        break;
      case Line.advancePc:
        this.advance(reader.uleb());
        break;
      case Line.advanceLine:
        this.row.line += reader.sleb();
        break;
      case Line.setFile:
        this.row.file = reader.uleb();
        break;
      case Line.setColumn:
        this.row.column = reader.uleb();
        break;
      case Line.negateStatement:
        this.row.isStatement = !this.row.isStatement;
        break;
      case Line.setBasicBlock:
      case Line.setPrologueEnd:
      case Line.setEpilogueBegin:
        break;
      case Line.constAddPc:
        this.advance(Math.floor((255 - opcodeBase) / lineRange));
        break;
      case Line.fixedAdvancePc:
        this.row.address += BigInt(reader.u16());
        break;
      default:
        for (let left = operandCounts[opcode - 1] ?? 0; left > 0; left--) reader.uleb();
    }
  }

  private extended(files: (string | undefined)[], directory: string): void {
    const { reader } = this.program;
    const length = reader.uleb();
    const next = reader.offset + length;
    const opcode = length > 0 ? reader.u8() : undefined;
    switch (opcode) {
      case Line.endSequence:
        this.endSequence();
        break;
      case Line.setAddress:
        this.row.address = reader.unsigned(length - 1);
        break;
      case Line.defineFile: {
        const name = reader.string();
        this.budget.spend(1 + directory.length + name.length);
        files.push(joinPath(directory, name));
        break;
      }
    }
    reader.offset = Math.min(next, reader.end);
  }

  private advance(operations: number): void {
    this.row.address += BigInt(operations * this.program.minimumInstructionLength);
  }

  private emit(): void {
    this.budget.spend(WORDS_OF_ROW);
    const { address, file, line, column, isStatement } = this.row;
    this.rows.push({ address, file, line, column, isStatement });
  }

  private endSequence(): void {
    const { rows } = this;
    if (rows.some((row, index) => index > 0 && row.address < rows[index - 1]!.address))
      rows.sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
    const low = rows[0]?.address;
    const high = this.row.address;
    if (low !== undefined && rows.at(-1)!.address <= high && low < high) this.sequences.push({ low, high, rows });
    this.rows = [];
    this.row = this.initialRow();
  }

  private initialRow(): LineRow {
    return { address: 0n, file: 1, line: 1, column: 0, isStatement: this.program.defaultIsStatement };
  }
}
