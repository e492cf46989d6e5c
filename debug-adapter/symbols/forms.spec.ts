/** Forms of attributes that GCC writes never, or only for split debug information; and circular descriptions. */
import assert from 'node:assert/strict';
import type { Type } from './api';
import { openBinary } from './binary';
import { At, Form, Lle, Op, Rle, Tag } from './dwarf/constants';
import { Bytes } from '../../emulator/testing/bytes';
import { elf } from '../../emulator/testing/elf';
import { abbreviation } from '../testing/symbols/abbreviation';
import { frameAt, memoryOf, spell } from '../testing/symbols/fixtures';

const nothing = memoryOf({});
const code = new Bytes().u8(...new Array<number>(64).fill(0));
const unitHeader5 = (): Bytes => new Bytes().u16(5).u8(1, 8).u32(0);

describe('Forms by index', () => {
  const abbreviations = new Bytes()
    .add(
      abbreviation(1, Tag.compileUnit, true, [
        [At.name, Form.strx1],
        [At.strOffsetsBase, Form.secOffset],
        [At.addrBase, Form.secOffset],
        [At.rnglistsBase, Form.secOffset],
        [At.loclistsBase, Form.secOffset],
        [At.lowPc, Form.addrx],
      ]),
    )
    .add(
      abbreviation(2, Tag.subprogram, true, [
        [At.name, Form.strx2],
        [At.ranges, Form.rnglistx],
        [At.declarationLine, Form.implicitConst, 17],
      ]),
    )
    .add(
      abbreviation(3, Tag.formalParameter, false, [
        [At.name, Form.strx4],
        [At.type, Form.ref4],
        [At.location, Form.loclistx],
      ]),
    )
    .add(
      abbreviation(4, Tag.baseType, false, [
        [At.name, Form.strx],
        [At.byteSize, Form.indirect],
        [At.encoding, Form.data1],
      ]),
    )
    .add(
      abbreviation(5, Tag.variable, false, [
        [At.name, Form.strx3],
        [At.type, Form.refAddr],
        [At.location, Form.exprloc],
      ]),
    )
    .u8(0);
  const names = ['unit.c', 'start', 'argument', 'int', 'shared'];
  const strings = new Bytes();
  const offsets = new Bytes().u16(5).u16(0);
  for (const name of names) {
    offsets.u32(strings.length);
    strings.text(name);
  }
  const addresses = new Bytes().u16(5).u8(8, 0).u64(0x80000000n).u64(0x80000010n).u64(0x80000020n);
  const ranges = new Bytes().u16(5).u8(8, 0).u32(1).u32(4);
  ranges.u8(Rle.offsetPair).uleb(0).uleb(8).u8(Rle.startxEndx).uleb(1).uleb(2);
  ranges.u8(Rle.startxLength).uleb(2).uleb(4).u8(Rle.baseAddressx).uleb(2).u8(Rle.offsetPair).uleb(8).uleb(12);
  ranges.u8(Rle.startEnd).u64(0x80000030n).u64(0x80000032n).u8(Rle.startLength).u64(0x80000034n).uleb(2);
  ranges.u8(Rle.baseAddress).u64(0x80000038n).u8(Rle.offsetPair).uleb(0).uleb(2).u8(Rle.endOfList);
  const places = new Bytes().u16(5).u8(8, 0).u32(1).u32(4);
  const register = (number: number): Bytes => new Bytes().uleb(1).u8(Op.reg0 + number);
  places.u8(Lle.defaultLocation).add(register(5)).u8(Lle.gnuViewPair, 0, 0);
  places.u8(Lle.offsetPair).uleb(0).uleb(4).add(register(10));
  places.u8(Lle.startxEndx).uleb(1).uleb(2).add(register(11));
  places.u8(Lle.startxLength).uleb(2).uleb(2).add(register(12));
  places.u8(Lle.startEnd).u64(0x80000030n).u64(0x80000032n).add(register(13));
  places.u8(Lle.startLength).u64(0x80000034n).uleb(2).add(register(14));
  places.u8(Lle.baseAddressx).uleb(2).u8(Lle.offsetPair).uleb(8).uleb(10).add(register(15));
  places.u8(Lle.baseAddress).u64(0x80000038n).u8(Lle.offsetPair).uleb(0).uleb(2).add(register(16)).u8(Lle.endOfList);

  const info = unitHeader5().u8(1, 0).u32(8).u32(8).u32(12).u32(12).uleb(0);
  const subprogram = new Bytes().u8(2).u16(1).uleb(0);
  const typeOffset = 4 + info.length + subprogram.length + 1 + 4 + 4 + 1 + 1;
  info.add(subprogram).u8(3).u32(2).u32(typeOffset).uleb(0).u8(0);
  info.u8(4).uleb(3).uleb(Form.data2).u16(4).u8(5);
  info.u8(5, 4, 0, 0).u32(typeOffset).uleb(2).u8(Op.addrx, 2).u8(0);
  const binary = openBinary(
    'made',
    elf(code.toArray(), {
      sections: {
        '.debug_info': info.withLength(),
        '.debug_abbrev': abbreviations,
        '.debug_str': strings,
        '.debug_str_offsets': offsets.withLength(),
        '.debug_addr': addresses.withLength(),
        '.debug_rnglists': ranges.withLength(),
        '.debug_loclists': places.withLength(),
      },
    }),
  );

  it('are read: strings, addresses, ranges', () => {
    assert.deepEqual(binary.warnings, []);
    const start = binary.functionsNamed('start')[0]!;
    assert.equal(start.line, 17);
    assert.equal(start.low, 0x80000000n);
    assert.equal(start.high, 0x80000008n);
    const inside = [0x0n, 0x7n, 0x10n, 0x1fn, 0x20n, 0x23n, 0x28n, 0x2bn, 0x30n, 0x31n, 0x34n, 0x38n, 0x39n];
    for (const offset of inside)
      assert.equal(binary.functionAt(0x80000000n + offset)?.name, 'start', offset.toString(16));
    for (const offset of [0x8n, 0xfn, 0x24n, 0x27n, 0x2cn, 0x32n, 0x36n, 0x3an])
      assert.equal(binary.functionAt(0x80000000n + offset), undefined, offset.toString(16));
    const shared = binary.global('shared')!;
    assert.equal(spell(shared.type), 'int');
    assert.deepEqual(binary.locate(shared, frameAt(0n), nothing), { kind: 'memory', address: 0x80000020n });
  });

  it('are read: location lists with every kind of entry', () => {
    const [argument] = binary.functionsNamed('start')[0]!.parameters;
    assert.equal(argument?.name, 'argument');
    const registers = [0x0n, 0x10n, 0x20n, 0x30n, 0x34n, 0x28n, 0x38n, 0x2n, 0x6n].map((offset) => {
      const location = binary.locate(argument!, frameAt(0x80000000n + offset), nothing);
      return location.kind === 'register' ? location.register : location.kind;
    });
    assert.deepEqual(registers, [10, 11, 12, 13, 14, 15, 16, 10, 5]);
  });
});

describe('Constant values', () => {
  it('are values, bytes or text', () => {
    const abbreviations = new Bytes()
      .add(abbreviation(1, Tag.compileUnit, true, []))
      .add(
        abbreviation(2, Tag.variable, false, [
          [At.name, Form.string],
          [At.constValue, Form.sdata],
        ]),
      )
      .add(
        abbreviation(3, Tag.variable, false, [
          [At.name, Form.string],
          [At.constValue, Form.data16],
        ]),
      )
      .add(
        abbreviation(4, Tag.variable, false, [
          [At.name, Form.string],
          [At.constValue, Form.string],
        ]),
      )
      .u8(0);
    const wide = Array.from({ length: 16 }, (_, index) => index);
    const info = unitHeader5().u8(1);
    info.u8(2).text('minus').u8(0x7f);
    info.u8(3).text('wide');
    info.u8(...wide);
    info.u8(4).text('text').text('hi').u8(0);
    const sections = { '.debug_info': info.withLength(), '.debug_abbrev': abbreviations };
    const binary = openBinary('made', elf(code.toArray(), { sections }));
    const locate = (name: string): unknown => binary.locate(binary.global(name)!, frameAt(0n), nothing);
    assert.deepEqual(locate('minus'), { kind: 'value', value: 0xffffffffffffffffn });
    assert.deepEqual(locate('wide'), { kind: 'bytes', bytes: Uint8Array.from(wide) });
    assert.deepEqual(locate('text'), { kind: 'bytes', bytes: Uint8Array.of(0x68, 0x69, 0) });
  });
});

describe('Descriptions in circles', () => {
  const abbreviations = new Bytes()
    .add(abbreviation(1, Tag.compileUnit, true, []))
    .add(
      abbreviation(2, Tag.typedef, false, [
        [At.name, Form.string],
        [At.type, Form.ref1],
      ]),
    )
    .add(
      abbreviation(3, Tag.structureType, true, [
        [At.name, Form.string],
        [At.byteSize, Form.data1],
      ]),
    )
    .add(
      abbreviation(4, Tag.member, false, [
        [At.name, Form.string],
        [At.type, Form.ref1],
      ]),
    )
    .add(abbreviation(5, Tag.variable, false, [[At.specification, Form.ref1]]))
    .add(abbreviation(6, Tag.lexicalBlock, true, []))
    .u8(0);

  function open(entries: Bytes): ReturnType<typeof openBinary> {
    const info = unitHeader5().u8(1).add(entries).u8(0);
    const sections = { '.debug_info': info.withLength(), '.debug_abbrev': abbreviations };
    return openBinary('made', elf(code.toArray(), { sections }));
  }

  const isIncomplete = (type: Type | undefined): boolean => type?.kind === 'struct' && !type.complete;

  it('end in an incomplete type, with a warning', () => {
    // Entries begin at offset 13 of the unit.
    const typedefs = open(new Bytes().u8(2).text('loop').u8(13));
    assert.equal(isIncomplete(typedefs.typeNamed('loop')), true);
    assert.match(typedefs.warnings.join(), /contains itself/);
    const record = open(new Bytes().u8(3).text('self').u8(8, 4).text('me').u8(13, 0));
    assert.equal(isIncomplete(record.typeNamed('struct self')), true);
    assert.match(record.warnings.join(), /contains itself/);
  });

  it('of origins are given up', () => {
    const binary = open(new Bytes().u8(5, 13));
    assert.deepEqual(binary.globals, []);
    assert.match(binary.warnings.join(), /has no end/);
  });

  it('or without end in depth are given up', () => {
    const binary = open(new Bytes().u8(...new Array<number>(5000).fill(6)));
    assert.deepEqual(binary.functions, []);
    assert.match(binary.warnings.join(), /nest more than 200 deep/);
  });

  it('or that ask for more than their size explains are given up', () => {
    const attributes = Array.from({ length: 400 }, () => [At.external, Form.flagPresent]);
    const greedy = new Bytes()
      .add(abbreviation(1, Tag.compileUnit, true, []))
      .add(abbreviation(2, Tag.variable, false, attributes));
    const info = unitHeader5()
      .u8(1)
      .u8(...new Array<number>(20_000).fill(2))
      .u8(0);
    const sections = { '.debug_info': info.withLength(), '.debug_abbrev': greedy.u8(0) };
    const binary = openBinary('made', elf(code.toArray(), { sections }));
    assert.ok(binary.globals.length < 1000, 'those before the limit are kept');
    assert.match(binary.warnings.join(), /asks for more work than its size explains/);
  });
});
