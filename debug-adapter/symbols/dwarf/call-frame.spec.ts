import assert from 'node:assert/strict';
import { CallFrames, type FrameRules } from './call-frame';
import { Cfa } from './constants';
import { Bytes } from '../../../emulator/testing/bytes';

const START = 0x80000000n;

function frames(name: string, contents: Bytes, warnings: string[] = []): CallFrames {
  const bytes = contents.toArray();
  const section = { name, address: 0x1000n, size: BigInt(bytes.length), bytes, executable: false, allocated: true };
  return new CallFrames([section], (message) => warnings.push(message));
}

/** A .debug_frame with code alignment 2, data alignment -8, and the CFA at sp + 0. */
function debugFrame(instructions: number[], version = 4): Bytes {
  const common = new Bytes().u32(0xffffffff).u8(version, 0);
  common.u8(...(version === 4 ? [8, 0] : []), 2, 0x78, 1, Cfa.defCfa, 2, 0);
  const entry = new Bytes().u32(0).u64(START).u64(64n);
  return common.withLength().add(entry.u8(...instructions).withLength());
}

function rules(instructions: number[], address = START + 63n): FrameRules {
  const found = frames('.debug_frame', debugFrame(instructions)).rulesAt(address);
  assert.ok(found);
  return found;
}

describe('Call frame instructions', () => {
  it('hold from an address on', () => {
    const instructions = [Cfa.advanceLoc | 1, Cfa.defCfaOffset, 16, Cfa.advanceLoc1, 2, Cfa.offset | 8, 2];
    instructions.push(Cfa.advanceLoc2, 1, 0, Cfa.defCfa, 8, 0, Cfa.advanceLoc4, 1, 0, 0, 0, Cfa.restore | 8);
    const at = (offset: bigint): unknown => {
      const { cfa, registers } = rules(instructions, START + offset);
      return [cfa, registers.get(8)];
    };
    const saved = { kind: 'offset', offset: -16n };
    assert.deepEqual(at(0n), [{ register: 2, offset: 0n }, undefined]);
    assert.deepEqual(at(1n), [{ register: 2, offset: 0n }, undefined]);
    assert.deepEqual(at(2n), [{ register: 2, offset: 16n }, undefined]);
    assert.deepEqual(at(6n), [{ register: 2, offset: 16n }, saved]);
    assert.deepEqual(at(8n), [{ register: 8, offset: 0n }, saved]);
    assert.deepEqual(at(10n), [{ register: 8, offset: 0n }, undefined]);
    assert.equal(frames('.debug_frame', debugFrame([])).rulesAt(START - 1n), undefined);
    assert.equal(frames('.debug_frame', debugFrame([])).rulesAt(START + 64n), undefined);
  });

  it('give every kind of rule', () => {
    const rule = (...instructions: number[]): unknown => rules(instructions).registers.get(9);
    assert.deepEqual(rule(Cfa.offsetExtended, 9, 3), { kind: 'offset', offset: -24n });
    assert.deepEqual(rule(Cfa.offsetExtendedSf, 9, 0x7f), { kind: 'offset', offset: 8n });
    assert.deepEqual(rule(Cfa.gnuNegativeOffsetExtended, 9, 1), { kind: 'offset', offset: 8n });
    assert.deepEqual(rule(Cfa.valOffset, 9, 1), { kind: 'value-offset', offset: -8n });
    assert.deepEqual(rule(Cfa.valOffsetSf, 9, 0x7f), { kind: 'value-offset', offset: 8n });
    assert.deepEqual(rule(Cfa.undefined, 9), { kind: 'undefined' });
    assert.deepEqual(rule(Cfa.sameValue, 9), { kind: 'same' });
    assert.deepEqual(rule(Cfa.register, 9, 18), { kind: 'register', register: 18 });
    assert.deepEqual(rule(Cfa.expression, 9, 1, 0x30), { kind: 'expression', expression: Uint8Array.of(0x30) });
    assert.deepEqual(rule(Cfa.valExpression, 9, 1, 0x31), {
      kind: 'value-expression',
      expression: Uint8Array.of(0x31),
    });
    assert.deepEqual(rule(Cfa.offset | 9, 1, Cfa.restoreExtended, 9), undefined);
    assert.deepEqual(rule(Cfa.nop, Cfa.gnuArgsSize, 8), undefined);
  });

  it('give the frame address in every way', () => {
    assert.deepEqual(rules([Cfa.defCfaSf, 8, 0x7e]).cfa, { register: 8, offset: 16n });
    assert.deepEqual(rules([Cfa.defCfaOffset, 32, Cfa.defCfaRegister, 8]).cfa, { register: 8, offset: 32n });
    assert.deepEqual(rules([Cfa.defCfaOffsetSf, 0x7e]).cfa, { register: 2, offset: 16n });
    assert.deepEqual(rules([Cfa.defCfaExpression, 1, 0x30]).cfa, { expression: Uint8Array.of(0x30) });
  });

  it('remember and restore', () => {
    const instructions = [Cfa.defCfaOffset, 16, Cfa.offset | 1, 1, Cfa.rememberState, Cfa.defCfaOffset, 0];
    instructions.push(Cfa.restore | 1, Cfa.restoreState);
    const { cfa, registers } = rules(instructions);
    assert.deepEqual(cfa, { register: 2, offset: 16n });
    assert.deepEqual(registers.get(1), { kind: 'offset', offset: -8n });
    assert.throws(() => rules([Cfa.restoreState]), /was not remembered/);
    assert.throws(() => rules(new Array<number>(100).fill(Cfa.rememberState)), /more than 64/);
  });

  it('are refused where they are unknown', () => {
    assert.throws(() => rules([0x3f, 1]), /unknown instruction 0x3f/);
  });
});

describe('Call frame sections', () => {
  it('are read in versions 1 to 4', () => {
    for (const version of [1, 3, 4]) {
      const found = frames('.debug_frame', debugFrame([Cfa.defCfaOffset, 8], version)).rulesAt(START);
      assert.deepEqual(found?.cfa, { register: 2, offset: 8n });
      assert.equal(found?.returnAddressColumn, 1);
    }
  });

  it('may be .eh_frame, with addresses relative to themselves', () => {
    const common = new Bytes().u32(0).u8(1).text('zRS').u8(2, 0x78, 1, 1, 0x1b, Cfa.defCfa, 2, 0);
    const contents = common.withLength();
    const address = 0x1000 + contents.length + 8;
    const entry = new Bytes().u32(contents.length + 4).u32((0x2000 - address) >>> 0);
    contents.add(entry.u32(16).u8(0, Cfa.defCfaOffset, 24).withLength()).u32(0);
    const found = frames('.eh_frame', contents);
    assert.equal(found.rulesAt(0x1fffn), undefined);
    assert.deepEqual(found.rulesAt(0x2000n)?.cfa, { register: 2, offset: 24n });
    assert.equal(found.rulesAt(0x200fn)?.signal, true);
    assert.equal(found.rulesAt(0x2010n), undefined);
  });

  it('keep what was sound before damage', () => {
    const warnings: string[] = [];
    const contents = debugFrame([Cfa.defCfaOffset, 8]).u32(0x1000);
    const found = frames('.debug_frame', contents, warnings).rulesAt(START);
    assert.deepEqual(found?.cfa, { register: 2, offset: 8n });
    assert.match(warnings.join(), /found by the frame pointer/);
  });
});
