/**
 * Macros, if the compiler has recorded them (gcc -g3): .debug_macro of DWARF 5, section 6.3, and of GNU's version 4 before
 * it; .debug_macinfo of DWARF 2 to 4. Keeps the definitions at the end of each unit.
 */
import { hex } from '../../../emulator/isa/hex';
import { SymbolError, type Macro } from '../api';
import { At, Form } from './constants';
import type { Reader } from '../container/reader';
import type { Unit } from './unit';

/** DW_MACRO_*; the first four are also DW_MACINFO_*. */
const Op = {
  end: 0,
  define: 1,
  undefine: 2,
  startFile: 3,
  endFile: 4,
  defineStrp: 5,
  undefineStrp: 6,
  import: 7,
  defineSup: 8,
  undefineSup: 9,
  importSup: 10,
  defineStrx: 11,
  undefineStrx: 12,
} as const;
const VENDOR_EXTENSION = 0xff;

const LONG_OFFSETS = 1;
const HAS_LINE_OFFSET = 2;
const HAS_OPERANDS = 4;

/** Deepest nesting of included headers. */
const DEEPEST = 64;

/** The macros of a unit by name; none if it has not recorded any. Throws SymbolError if the record is damaged. */
export function readMacros(unit: Unit): Map<string, Macro> {
  const macros = new Map<string, Macro>();
  const { root, info } = unit;
  const offset = root.number(At.macros) ?? root.number(At.gnuMacros);
  if (offset !== undefined) readUnit(unit, offset, macros, 0);
  const old = root.number(At.macroInfo);
  if (old !== undefined) readMacinfo(info.reader('macinfo', old), unit, macros);
  return macros;
}

function readUnit(unit: Unit, offset: number, macros: Map<string, Macro>, depth: number): void {
  const reader = unit.info.reader('macro', offset);
  if (depth > DEEPEST) throw new SymbolError(`${reader.name}: units at ${hex(offset)} import each other without end`);
  const version = reader.u16();
  const flags = reader.u8();
  if ((version !== 4 && version !== 5) || (flags & HAS_OPERANDS) !== 0)
    throw new SymbolError(`${reader.name}: the macros at ${hex(offset)} are of an unknown version, ${version}`);
  const offsetSize = (flags & LONG_OFFSETS) !== 0 ? 8 : 4;
  if ((flags & HAS_LINE_OFFSET) !== 0) reader.offsetOf(offsetSize);
  readEntries(reader, unit, macros, (op) => {
    switch (op) {
      case Op.import:
        readUnit(unit, reader.offsetOf(offsetSize), macros, depth + 1);
        return true;
      case Op.importSup:
        reader.offsetOf(offsetSize);
        return true;
      case Op.defineStrp:
      case Op.undefineStrp:
        reader.uleb();
        note(macros, op === Op.defineStrp, unit.info.stringAt('str', reader.offsetOf(offsetSize)));
        return true;
      case Op.defineStrx:
      case Op.undefineStrx:
        reader.uleb();
        note(macros, op === Op.defineStrx, unit.string(Form.strx, reader.uleb()));
        return true;
      case Op.defineSup:
      case Op.undefineSup:
        reader.uleb();
        reader.offsetOf(offsetSize);
        return true;
      default:
        return false;
    }
  });
}

function readMacinfo(reader: Reader, unit: Unit, macros: Map<string, Macro>): void {
  readEntries(reader, unit, macros, (op) => {
    if (op !== VENDOR_EXTENSION) return false;
    reader.uleb();
    reader.string();
    return true;
  });
}

/** Reads entries up to the last: those that both sections have, and others with `others`. */
function readEntries(
  reader: Reader,
  { info }: Unit,
  macros: Map<string, Macro>,
  others: (op: number) => boolean,
): void {
  for (;;) {
    info.budget.spend(1);
    const op = reader.u8();
    switch (op) {
      case Op.end:
        return;
      case Op.startFile:
        reader.uleb();
        reader.uleb();
        break;
      case Op.endFile:
        break;
      case Op.define:
      case Op.undefine:
        reader.uleb();
        note(macros, op === Op.define, reader.string());
        break;
      default:
        if (!others(op)) throw new SymbolError(`${reader.name}: unknown entry ${op} at ${hex(reader.offset - 1)}`);
    }
  }
}

const DEFINITION = /^([A-Za-z_$][\w$]*)(?:\(([^)]*)\))? ?([^]*)$/;

/** Records a macro, which the standard writes as `NAME body` or `NAME(a,b) body`. */
function note(macros: Map<string, Macro>, defined: boolean, text: string | undefined): void {
  const found = text === undefined ? undefined : DEFINITION.exec(text);
  if (!found) return;
  const [, name, parameters, body] = found;
  if (!defined) {
    macros.delete(name!);
  } else {
    macros.set(name!, {
      name: name!,
      ...(parameters === undefined
        ? {}
        : { parameters: parameters.split(',').flatMap((one) => (one.trim() === '' ? [] : [one.trim()])) }),
      body: body!.trim(),
    });
  }
}
