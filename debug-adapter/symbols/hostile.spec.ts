/** Hostile files: each has a few kilobytes that could cost hours, gigabytes or the whole stack. */
import assert from 'node:assert/strict';
import type { Binary } from './api';
import { openBinary } from './binary';
import { At, Form, Op, Tag } from './dwarf/constants';
import { Bytes } from '../../emulator/testing/bytes';
import { elf } from '../../emulator/testing/elf';
import { abbreviation } from '../testing/symbols/abbreviation';
import { frameAt, memoryOf } from '../testing/symbols/fixtures';

const LOW = 0x80000000n;
const code = new Bytes().u8(...new Array<number>(64).fill(0));
const nothing = memoryOf({});

/** A program with a function `f` that has a frame base and a parameter `a`; with `more` in its body, and other sections. */
function program(
  frameBase: number[],
  place: number[],
  more = new Bytes(),
  others: Record<string, Bytes> = {},
): Uint8Array {
  const abbreviations = new Bytes()
    .add(abbreviation(1, Tag.compileUnit, true, []))
    .add(
      abbreviation(2, Tag.subprogram, true, [
        [At.name, Form.string],
        [At.lowPc, Form.addr],
        [At.highPc, Form.data1],
        [At.frameBase, Form.exprloc],
      ]),
    )
    .add(
      abbreviation(3, Tag.formalParameter, false, [
        [At.name, Form.string],
        [At.location, place.length > 0 ? Form.exprloc : Form.secOffset],
      ]),
    )
    .add(abbreviation(4, Tag.arrayType, true, []))
    .add(abbreviation(5, Tag.subrangeType, false, [[At.count, Form.data1]]))
    .add(
      abbreviation(6, Tag.typedef, false, [
        [At.name, Form.string],
        [At.type, Form.ref4],
      ]),
    )
    .add(abbreviation(7, Tag.baseType, false, [[At.byteSize, Form.sdata]]))
    .u8(0);
  const unit = new Bytes().u16(4).u32(0).u8(8).u8(1);
  unit
    .u8(2)
    .text('f')
    .u64(LOW)
    .u8(32)
    .u8(frameBase.length, ...frameBase)
    .u8(3)
    .text('a');
  if (place.length > 0) unit.u8(place.length, ...place);
  else unit.u32(0);
  unit.u8(0).add(more).u8(0);
  return elf(code.toArray(), {
    sections: { '.debug_abbrev': abbreviations, '.debug_info': unit.withLength(), ...others },
  });
}

/** The location of `a`. */
function place(bytes: Uint8Array, pc = LOW, returnAddress = false): string {
  const binary = openBinary('hostile', bytes);
  const [scope] = binary.scopesAt(LOW);
  const location = binary.locate(scope!.variables[0]!, { ...frameAt(pc), returnAddress }, nothing);
  return location.kind === 'register' ? `x${location.register}` : location.kind;
}

function targetOf(binary: Binary, name: string): string | undefined {
  const type = binary.typeNamed(name);
  return type?.kind === 'typedef' ? type.target.kind : undefined;
}

describe('Hostile files', () => {
  it('with a frame base that rests on itself have no places in frames', () => {
    assert.equal(place(program([Op.fbreg, 0], [Op.fbreg, 8])), 'optimized-out');
  });

  it('with values at entry that rest on values at entry end', () => {
    const nested = [Op.entryValue, 2, Op.entryValue, 0];
    assert.equal(place(program([Op.reg0 + 2], [...nested, ...nested, Op.stackValue])), 'optimized-out');
  });

  it('with arrays of many dimensions, or sizes below zero, lose that type, and say so', () => {
    const dimensions = new Bytes().u8(4);
    for (let count = 0; count < 20_000; count++) dimensions.u8(5, 1);
    // The typedef refers to the array, which is the first entry after the function.
    const arrayAt = 4 + 7 + 1 + 1 + 2 + 8 + 1 + 2 + 1 + 2 + 2 + 1;
    const more = dimensions.u8(0).u8(6).text('t').u32(arrayAt);
    const binary = openBinary('hostile', program([Op.reg0 + 2], [Op.reg0 + 2], more));
    assert.equal(targetOf(binary, 't'), 'struct');
    assert.match(
      binary.warnings.join(),
      /^hostile: \.debug_info: the array at 0x\w+ has 20000 dimensions; .* left out, and all others are kept/,
    );
    const negative = new Bytes().u8(7, 0x7f).u8(6).text('t').u32(arrayAt);
    const other = openBinary('hostile', program([Op.reg0 + 2], [Op.reg0 + 2], negative));
    assert.equal(targetOf(other, 't'), 'struct');
    assert.match(other.warnings.join(), /the type at 0x\w+ has a size of -1 bytes/);
  });

  it('with names that share their bytes are refused before they fill the memory', () => {
    const symbols = new Bytes();
    const names = new Bytes();
    for (let index = 0; index < 20_000; index++) {
      symbols.u32(index).u8(0x12, 0).u16(1).u64(LOW).u64(4n);
      names.u8(0x61);
    }
    const bytes = elf(code.toArray(), { sections: { '.symtab': symbols, '.strtab': names.u8(0) } });
    const view = new DataView(bytes.buffer);
    const header = Number(view.getBigUint64(40, true)) + 2 * 64;
    // Make it a symbol table, with the string table after it.
    view.setUint32(header + 4, 2, true);
    view.setUint32(header + 40, 3, true);
    assert.throws(() => openBinary('hostile', bytes), /hostile is damaged: its table of names asks for more work/);
  });
});

describe('Location lists', () => {
  it('may tell of the first instruction of a function alone', () => {
    const list = new Bytes()
      .u64(LOW)
      .u64(LOW)
      .u16(1)
      .u8(Op.reg0 + 12);
    list
      .u64(LOW)
      .u64(LOW + 8n)
      .u16(1)
      .u8(Op.reg0 + 10)
      .u64(0n)
      .u64(0n);
    const bytes = program([Op.reg0 + 2], [], undefined, { '.debug_loc': list });
    assert.equal(place(bytes), 'x12');
    assert.equal(place(bytes, LOW + 2n), 'x10');
    assert.equal(place(bytes, LOW + 1n, true), 'x10', 'for a caller it is not the first instruction');
  });
});
