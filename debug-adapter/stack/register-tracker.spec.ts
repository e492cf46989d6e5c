import { strict as assert } from 'node:assert';
import { RegisterTracker, type RegisterState } from './register-tracker';
import { Csr } from '../../emulator/isa/csrs';
import { encode, R } from '../../emulator/testing/encode';
import type { ReadMemory } from '../symbols/api';

const CODE = 0x1000n;

/** Code and data of a test. */
function memory(words: readonly number[], data: Record<string, bigint> = {}): ReadMemory {
  return (address, length) => {
    const bytes = new Uint8Array(length);
    const view = new DataView(bytes.buffer);
    const held = data[`0x${address.toString(16)}`];
    if (held !== undefined && length === 8) {
      view.setBigUint64(0, held, true);
      return bytes;
    }
    const at = Number(address - CODE);
    const word = at >= 0 ? words[at >> 2] : undefined;
    if (word === undefined || length > 4) return undefined;
    if (length === 4) view.setUint32(0, word, true);
    else view.setUint16(0, word >>> (8 * (at & 2)), true);
    return bytes;
  };
}

const end = (words: readonly number[]): bigint => CODE + BigInt(4 * words.length);
const { ra: RA, sp: SP, t0: T0, t1: T1, s0: S0, a0: A0, a1: A1 } = R;
const addi = (rd: number, rs1: number, imm: number): number => encode('addi', { rd, rs1, imm });
const slli = (rd: number, rs1: number, imm: number): number => encode('slli', { rd, rs1, imm });
const lui = (rd: number, imm: number): number => encode('lui', { rd, imm });
const sd = (rs2: number, rs1: number, imm: number): number => encode('sd', { rs2, rs1, imm });
const ld = (rd: number, rs1: number, imm: number): number => encode('ld', { rd, rs1, imm });
const csrrw = (rd: number, csr: number, rs1: number): number => encode('csrrw', { rd, rs1, imm: csr });
const csrr = (rd: number, csr: number): number => encode('csrrs', { rd, imm: csr });
const xor = (rd: number, rs1: number, rs2: number): number => encode('xor', { rd, rs1, rs2 });
const jal = (rd: number): number => encode('jal', { rd });
const beq = encode('beq');

/** A state in which only some registers are known. */
const now = (x: Record<number, bigint>, read: ReadMemory, csrs: Record<number, bigint> = {}): RegisterState => ({
  x: Array.from({ length: 32 }, (_, register) => (register === 0 ? 0n : x[register])),
  csr: (address) => csrs[address],
  read,
});

function line(words: readonly number[], data?: Record<string, bigint>): { line: RegisterTracker; read: ReadMemory } {
  const read = memory(words, data);
  const found = RegisterTracker.between(CODE, end(words), read);
  assert.ok(found);
  return { line: found, read };
}

describe('a straight line of code', () => {
  it('keeps what it does not touch', () => {
    const { line: code, read } = line([addi(T0, T1, 4)]);
    assert.deepEqual(code.before(S0, now({ [S0]: 7n }, read)), { value: 7n, register: S0 });
  });

  it('computes back what was added, and gives up what it cannot', () => {
    const { line: code, read } = line([addi(SP, SP, -256), xor(T0, T0, T1)]);
    assert.equal(code.before(SP, now({ [SP]: 0x900n }, read)).value, 0xa00n);
    assert.equal(code.before(T0, now({ [T0]: 1n, [T1]: 2n }, read)).value, undefined);
    assert.equal(code.keepsStack, true);
  });

  it('finds registers where a vector has saved them on the stack', () => {
    const { line: code, read } = line([addi(SP, SP, -16), sd(RA, SP, 0), sd(T0, SP, 8), addi(T0, 0, 1)], {
      '0x7f8': 55n,
    });
    assert.deepEqual(code.before(T0, now({ [SP]: 0x7f0n, [T0]: 1n }, read)), { value: 55n, savedAt: 0x7f8n });
  });

  it('follows the swap with sscratch, and a save area that it points to', () => {
    // The start of uservec in xv6 of 2019 to 2021: csrrw a0, sscratch, a0; sd a1, 120(a0).
    const words = [csrrw(A0, Csr.sscratch, A0), sd(A1, A0, 120), addi(A1, 0, 0)];
    const { line: code, read } = line(words, { '0x5078': 11n });
    const state = now({ [A0]: 0x5000n, [A1]: 0n }, read, { [Csr.sscratch]: 10n });
    assert.equal(code.before(A0, state).value, 10n);
    assert.deepEqual(code.before(A1, state), { value: 11n, savedAt: 0x5078n });
  });

  it('follows an address that is built of constants', () => {
    // In later ones: csrw sscratch, a0; li a0, TRAPFRAME; sd t0, 72(a0); csrr t0, sscratch; sd t0, 112(a0).
    const words = [
      csrrw(0, Csr.sscratch, A0),
      lui(A0, 0x1),
      addi(A0, A0, -1),
      slli(A0, A0, 13),
      sd(T0, A0, 72),
      csrr(T0, Csr.sscratch),
      sd(T0, A0, 112),
    ];
    const at = (0xfffn << 13n) + 72n;
    const { line: code, read } = line(words, { [`0x${at.toString(16)}`]: 5n });
    const state = now({ [A0]: 0n, [T0]: 10n }, read, { [Csr.sscratch]: 10n });
    assert.equal(code.before(A0, state).value, 10n);
    assert.deepEqual(code.before(T0, state), { value: 5n, savedAt: at });
  });

  it('takes back what has been restored already', () => {
    const words = [sd(RA, SP, 0), addi(RA, 0, 3), ld(RA, SP, 0)];
    const { line: code, read } = line(words);
    assert.deepEqual(code.before(RA, now({ [RA]: 99n, [SP]: 0x700n }, read)), { value: 99n, register: RA });
  });

  it('believes that a call keeps what calls keep, and nothing else', () => {
    const words = [sd(T0, SP, 0), jal(RA)];
    const { line: code, read } = line(words, { '0x700': 5n });
    const state = now({ [SP]: 0x700n, [S0]: 8n, [T0]: 6n, [A0]: 9n }, read);
    assert.equal(code.before(S0, state).value, 8n);
    assert.equal(code.before(T0, state).value, 5n);
    assert.equal(code.before(A0, state).value, undefined);
  });

  it('says what a context switch will load, and where from', () => {
    const words = [ld(RA, A1, 0), ld(SP, A1, 8), ld(S0, A1, 16)];
    const data = { '0x600': 0x80001234n, '0x608': 0x3fffff0n, '0x610': 0x77n };
    const { line: code, read } = line(words, data);
    assert.equal(code.keepsStack, false);
    const state = now({ [A1]: 0x600n, [SP]: 1n, [S0]: 2n }, read);
    assert.deepEqual(code.after(RA, state), { value: 0x80001234n, savedAt: 0x600n });
    assert.deepEqual(code.after(SP, state), { value: 0x3fffff0n, savedAt: 0x608n });
    assert.deepEqual(code.after(S0, state), { value: 0x77n, savedAt: 0x610n });
    assert.deepEqual(code.after(A1, state), { value: 0x600n });
  });

  it('is none where it jumps, branches, ends in the midst of an instruction or cannot be read', () => {
    for (const words of [[jal(0)], [beq], [encode('mret')], [0xffffffff]])
      assert.equal(RegisterTracker.between(CODE, end(words), memory(words)), undefined);
    const words = [addi(T0, T0, 1)];
    assert.equal(RegisterTracker.between(CODE, CODE + 2n, memory(words)), undefined);
    assert.equal(RegisterTracker.between(CODE, CODE + 8n, memory(words)), undefined);
  });
});
