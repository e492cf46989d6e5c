/**
 * Programs whose DWARF is well-formed in detail and nonsense as a whole: entries that refer to each other in circles, types
 * that contain themselves, functions without end, expressions that jump, lists that never end, impossible counts. Flipped bits
 * rarely produce these.
 */
import { At, Cfa, Form, Line, Lle, Op, Rle, Tag } from '../../symbols/dwarf/constants';
import { Bytes } from '../../../emulator/testing/bytes';
import { elf } from '../../../emulator/testing/elf';
import type { Random } from '../../../emulator/testing/random';

const CODE = 0x80000000n;
const CODE_SIZE = 64;
const ABBREVIATIONS = 12;

const TAGS = Object.values(Tag);
const ATTRIBUTES = Object.values(At);
/** The tags of most entries of a program. */
const COMMON = [
  Tag.variable,
  Tag.formalParameter,
  Tag.lexicalBlock,
  Tag.inlinedSubroutine,
  Tag.structureType,
  Tag.typedef,
];
const OPERATIONS = Object.values(Op);
const CALL_FRAME = Object.values(Cfa);
const REFERENCES: readonly number[] = [At.type, At.abstractOrigin, At.specification, At.signature, At.callOrigin];
const EXPRESSIONS: readonly number[] = [At.location, At.frameBase, At.callValue, At.callTarget, At.dataMemberLocation];
const REFERENCE_FORMS = [Form.ref4, Form.ref4, Form.refUdata, Form.refAddr, Form.ref8];
const FORMS = Object.values(Form);

/** A file of about a kilobyte, with DWARF 4 or 5. */
export function randomProgram(random: Random): Uint8Array {
  const version = random.pick([4, 5]);
  const shapes = Array.from({ length: ABBREVIATIONS }, () => randomShape(random));
  // The first is a unit's own entry, and the second a function's, so that there is something to query.
  shapes[0] = {
    tag: Tag.compileUnit,
    children: true,
    attributes: [
      [At.lowPc, Form.addr],
      [At.statementList, Form.secOffset],
      [At.macros, Form.secOffset],
    ],
  };
  shapes[1] = {
    tag: Tag.subprogram,
    children: true,
    attributes: [
      [At.name, Form.string],
      [At.lowPc, Form.addr],
      [At.highPc, Form.data4],
      [At.frameBase, Form.exprloc],
      ...shapes[1]!.attributes,
    ],
  };
  const abbrev = new Bytes();
  shapes.forEach(({ tag, children, attributes: list }, index) => {
    abbrev
      .uleb(index + 1)
      .uleb(tag)
      .u8(children ? 1 : 0);
    list.forEach(([name, form]) =>
      abbrev
        .uleb(name!)
        .uleb(form!)
        .add(new Bytes().u8(...(form === Form.implicitConst ? [random.below(128)] : []))),
    );
    abbrev.u8(0, 0);
  });
  abbrev.u8(0);
  const body = new Bytes().u16(version);
  if (version === 5) body.u8(1, 8).u32(0);
  else body.u32(0).u8(8);
  const entries = 8 + random.below(40);
  const offsets: number[] = [];
  for (let entry = 0; entry < entries; entry++) {
    const index = entry < 2 ? entry : random.below(8) === 0 ? 1 : random.below(ABBREVIATIONS);
    // Relative to the unit's length, which comes before the body.
    offsets.push(body.length + 4);
    body.uleb(index + 1);
    shapes[index]!.attributes.forEach(([name, form]) => addValue(body, random, name!, form!, offsets));
    if (random.below(4) === 0) body.u8(0);
  }
  const text = new Bytes();
  while (text.length < CODE_SIZE) {
    // Returns, calls, and changes of the stack pointer.
    text.u32(random.pick([0x00008067, 0xff010113, 0x00113423, 0x000080e7, 0x01010413]));
  }
  return elf(text.toArray(), {
    sections: {
      '.debug_info': body.u8(...new Array<number>(random.below(8)).fill(0)).withLength(),
      '.debug_abbrev': abbrev,
      '.debug_line': randomLines(random, version),
      '.debug_str': new Bytes().text('node').text('ANSWER').text('m(a) a'),
      '.debug_line_str': new Bytes().text('main.c').text('/'),
      '.debug_rnglists': randomList(random, Object.values(Rle), false),
      '.debug_loclists': randomList(random, Object.values(Lle), true),
      '.debug_ranges': randomBytes(random, 64),
      '.debug_loc': randomBytes(random, 64),
      '.debug_addr': randomBytes(random, 32),
      '.debug_str_offsets': randomBytes(random, 32),
      '.debug_macro': randomMacros(random, version),
      '.debug_macinfo': randomBytes(random, 16),
      '.debug_frame': randomFrames(random),
    },
  });
}

interface Shape {
  tag: number;
  children: boolean;
  attributes: number[][];
}

function randomShape(random: Random): Shape {
  const attributeCount = random.below(8);
  const list = Array.from({ length: attributeCount }, () => {
    const name = random.below(3) === 0 ? random.pick(REFERENCES) : random.pick(ATTRIBUTES);
    const sensible = REFERENCES.includes(name)
      ? random.pick(REFERENCE_FORMS)
      : EXPRESSIONS.includes(name)
        ? random.pick([Form.exprloc, Form.exprloc, Form.secOffset, Form.loclistx])
        : random.pick([Form.data1, Form.udata, Form.sdata, Form.string, Form.strp, Form.secOffset, Form.flagPresent]);
    return [name, random.below(100) === 0 ? random.pick(FORMS) : sensible];
  });
  const tag = random.below(2) === 0 ? random.pick(TAGS) : random.pick(COMMON);
  const named = [At.name, Form.string];
  return { tag, children: random.below(2) === 0, attributes: random.below(4) === 0 ? list : [named, ...list] };
}

function addValue(bytes: Bytes, random: Random, name: number, form: number, offsets: readonly number[]): void {
  // Most references lead to an entry that exists, sometimes to itself.
  const entry =
    random.below(100) === 0 ? random.below(300) : random.below(4) === 0 ? offsets.at(-1)! : random.pick(offsets);
  switch (form) {
    case Form.string:
      bytes.text(random.pick(['node', 'f', '', 'ANSWER', 'int']));
      break;
    case Form.addr:
      bytes.u64(random.below(8) === 0 ? randomNumber(random) : CODE + BigInt(random.below(CODE_SIZE)));
      break;
    case Form.exprloc:
    case Form.block:
    case Form.block1: {
      const expression = randomExpression(random);
      bytes.uleb(expression.length).add(expression);
      break;
    }
    case Form.ref4:
    case Form.refAddr:
      bytes.u32(entry);
      break;
    case Form.refUdata:
      bytes.uleb(entry);
      break;
    case Form.ref8:
      bytes.u64(BigInt(entry));
      break;
    case Form.strp:
    case Form.lineStrp:
    case Form.secOffset:
      bytes.u32(name === At.statementList || name === At.macros ? 0 : random.below(12));
      break;
    case Form.refSig8:
    case Form.data8:
      bytes.u64(random.below(60) === 0 ? randomNumber(random) : BigInt(random.below(300)));
      break;
    case Form.data4:
      bytes.u32(random.below(16) === 0 ? 0xffffffff : random.below(CODE_SIZE));
      break;
    case Form.udata:
    case Form.sdata:
    case Form.loclistx:
    case Form.rnglistx:
      addLeb(bytes, random);
      break;
    case Form.flagPresent:
    case Form.implicitConst:
      break;
    default:
      bytes.u8(random.below(256));
  }
}

function addLeb(bytes: Bytes, random: Random): void {
  if (random.below(60) === 0) bytes.u8(...new Array<number>(random.below(10)).fill(0xff), random.below(128));
  else bytes.uleb(random.below(300));
}

/** Numbers near the limits of their formats. */
function randomNumber(random: Random): bigint {
  const power = 1n << BigInt(random.pick([7, 8, 15, 16, 31, 32, 53, 62, 63]));
  return BigInt.asUintN(64, random.pick([power, power - 1n, -power, ~0n, 0n]));
}

function randomExpression(random: Random): Bytes {
  const bytes = new Bytes();
  for (let left = random.below(12); left > 0; left--) {
    const op = random.pick([
      ...OPERATIONS,
      Op.skip,
      Op.bra,
      Op.entryValue,
      Op.fbreg,
      Op.piece,
      Op.lit0 + random.below(32),
      Op.breg0 + random.below(32),
    ]);
    bytes.u8(op);
    if (op === Op.skip || op === Op.bra) {
      bytes.u16((random.below(12) - 8) & 0xffff);
    } else if (op === Op.entryValue || op === Op.gnuEntryValue) {
      const size = random.below(3);
      bytes.uleb(size).u8(...Array.from({ length: size }, () => random.pick([Op.reg0 + 10, Op.entryValue, 1])));
    } else if (op >= Op.const1u && op <= Op.consts) {
      bytes.u8(...Array.from({ length: 1 << Math.min(3, (op - Op.const1u) >> 1) }, () => random.below(256)));
    } else if (random.below(2) === 0) {
      addLeb(bytes, random);
    }
  }
  return bytes;
}

function randomBytes(random: Random, length: number): Bytes {
  return new Bytes().u8(
    ...Array.from({ length: random.below(length + 1) }, () => random.pick([0, 0, 1, 0xff, 0x80, random.below(256)])),
  );
}

function randomList(random: Random, kinds: readonly number[], hasExpressions: boolean): Bytes {
  const bytes = new Bytes().u16(5).u8(8, 0).u32(random.below(4));
  for (let left = random.below(12); left > 0; left--) {
    bytes.u8(random.pick(kinds));
    if (random.below(2) === 0) {
      bytes.u64(CODE + BigInt(random.below(CODE_SIZE))).u64(CODE + BigInt(random.below(CODE_SIZE)));
    } else {
      addLeb(bytes, random);
      addLeb(bytes, random);
    }
    if (hasExpressions) {
      const expression = randomExpression(random);
      bytes.uleb(expression.length).add(expression);
    }
  }
  return bytes.u8(...(random.below(4) === 0 ? [] : [0])).withLength();
}

function randomLines(random: Random, version: number): Bytes {
  const header = new Bytes()
    .u8(random.pick([1, 2, 255]), 1, 1)
    .u8(0xfb, random.below(20) === 0 ? random.pick([1, 0, 255]) : 14);
  header.u8(random.below(20) === 0 ? random.pick([10, 1, 0]) : 13).u8(0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1);
  if (version === 5) {
    const isSound = random.below(20) > 0;
    const count = (): Bytes => (isSound ? header.u8(1) : header.uleb(Number(randomNumber(random) >> 12n)));
    header.u8(1, Line.contentPath, isSound ? Form.string : random.pick(FORMS));
    count()
      .text('/')
      .u8(isSound ? 2 : random.below(256), Line.contentPath, Form.string, Line.contentDirectory, Form.udata);
    count().text('main.c').uleb(random.below(3));
  } else {
    header.text('include').u8(0).text('main.c').u8(random.below(3), 0, 0).u8(0);
  }
  const program = new Bytes().u8(0, 9, Line.setAddress).u64(random.below(20) === 0 ? randomNumber(random) : CODE);
  for (let left = random.below(40); left > 0; left--) {
    const opcode = random.below(3) === 0 ? random.below(256) : 1 + random.below(12);
    program.u8(opcode);
    if (opcode >= Line.advancePc && opcode <= Line.setColumn) addLeb(program, random);
  }
  program.u8(0, 1, Line.endSequence);
  const unit = new Bytes().u16(version);
  if (version === 5) unit.u8(8, 0);
  return unit
    .u32(random.below(8) === 0 ? random.below(200) : header.length)
    .add(header)
    .add(program)
    .withLength();
}

function randomMacros(random: Random, version: number): Bytes {
  const bytes = new Bytes().u16(version).u8(random.pick([0, 0, 2, 1, 4]));
  for (let left = random.below(10); left > 0; left--) {
    const op = 1 + random.below(12);
    bytes.u8(op);
    if (op <= 2) {
      bytes.uleb(1).text(random.pick(['X 1', 'X(a) a', '(', 'X X']));
    } else if (op === 7) {
      // Often this header itself.
      bytes.u32(random.pick([0, 0, 3, 9]));
    } else if (op !== 4) {
      bytes.uleb(1).u32(random.below(12));
    }
  }
  return bytes.u8(...(random.below(4) === 0 ? [] : [0]));
}

function randomFrames(random: Random): Bytes {
  const instructions = (): Bytes => {
    const bytes = new Bytes();
    for (let left = random.below(16); left > 0; left--) {
      bytes.u8(random.below(3) === 0 ? random.below(256) : random.pick(CALL_FRAME));
      if (random.below(2) === 0) addLeb(bytes, random);
    }
    return bytes;
  };
  const common = new Bytes()
    .u32(0xffffffff)
    .u8(random.pick([1, 3, 3, 3, 4]))
    .u8(...(random.below(8) === 0 ? [0x7a, 0x52, 0] : [0]));
  common.uleb(1).u8(0x78, 1, 0x0c, 2, 0).add(instructions());
  const entry = new Bytes().u32(0).u64(CODE).u64(BigInt(CODE_SIZE)).add(instructions());
  return common.withLength().add(entry.withLength());
}
