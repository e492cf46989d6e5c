import assert from 'node:assert/strict';
import fc from 'fast-check';
import { encode } from '../testing/encode';
import { COMPRESSIBLE, expand } from './compressed';
import { INSTRUCTIONS, decode } from './decode';
import { disassemble } from './disassemble';

describe('the instruction table', () => {
  it('gives no word two meanings', () => {
    for (const a of INSTRUCTIONS) {
      for (const b of INSTRUCTIONS) {
        if (a === b) continue;
        const common = a.mask & b.mask;
        assert.notEqual(a.match & common, b.match & common, `${a.name} and ${b.name} overlap`);
      }
    }
  });

  it('decodes what it encodes', () => {
    const register = fc.integer({ min: 0, max: 31 });
    const immediates: Record<string, fc.Arbitrary<number>> = {
      none: fc.constant(0),
      I: fc.integer({ min: -2048, max: 2047 }),
      S: fc.integer({ min: -2048, max: 2047 }),
      B: fc.integer({ min: -2048, max: 2047 }).map((half) => half * 2),
      U: fc.integer({ min: -0x80000, max: 0x7ffff }).map((upper) => upper << 12),
      J: fc.integer({ min: -0x80000, max: 0x7ffff }).map((half) => half * 2),
      csr: fc.integer({ min: 0, max: 4095 }),
    };
    for (const entry of INSTRUCTIONS) {
      const shamt = fc.integer({ min: 0, max: entry.name.endsWith('w') ? 31 : 63 });
      const imm = entry.immediate === 'shamt' ? shamt : immediates[entry.immediate]!;
      fc.assert(
        fc.property(register, register, register, imm, (rd, rs1, rs2, immediate) => {
          const written = entry.immediate === 'U' ? immediate >> 12 : immediate;
          const decoded = decode(encode(entry.name, { rd, rs1, rs2, imm: written }) | 0);
          assert.deepEqual(decoded, {
            instruction: entry,
            length: 4,
            rd: entry.hasRd ? rd : 0,
            rs1: entry.hasRs1 ? rs1 : 0,
            rs2: entry.hasRs2 ? rs2 : 0,
            imm: immediate,
          });
        }),
        { numRuns: 20 },
      );
    }
  });

  it('knows every instruction that a compressed one stands for, and no other', () => {
    const seen = new Set<string>();
    for (let half = 0; half < 65536; half++) {
      const expansion = (half & 3) === 3 ? undefined : expand(half);
      if (expansion) seen.add(expansion.name);
    }
    assert.deepEqual([...seen].sort(), [...COMPRESSIBLE].sort());
  });

  it('takes all zeroes and all ones as illegal', () => {
    assert.equal(decode(0), undefined);
    assert.equal(decode(-1), undefined);
  });
});

describe('the disassembler', () => {
  const rows: [number, string][] = [
    [0x1141, 'addi sp, sp, -16'],
    [0xe422, 'sd s0, 8(sp)'],
    [0x8082, 'jalr zero, 0(ra)'],
    [0x00b78023, 'sb a1, 0(a5)'],
    [0x18079073, 'csrrw zero, satp, a5'],
    [0x30047073, 'csrrci zero, mstatus, 8'],
    [0x12000073, 'sfence.vma zero, zero'],
    [0x0cf4a7af, 'amoswap.w a5, a5, (s1)'],
    [0x000117b7, 'lui a5, 0x11'],
    [0xfee79de3, 'bne a5, a4, 0x80000ce0'],
    [0x00000000, '.2byte 0x0'],
    [0x0000007f, '.4byte 0x7f'],
  ];
  for (const [word, text] of rows) {
    it(`writes 0x${word.toString(16)} as ${text}`, () => {
      assert.equal(disassemble(word | 0, 0x80000ce6n).text, text);
    });
  }
});
