import assert from 'node:assert/strict';
import fc from 'fast-check';
import { encode } from '../../testing/encode';
import { COMPRESSIBLE, expand } from './compressed';
import { INSTRUCTIONS, decode } from './decode';
import { disassemble } from './disassemble';
import { type Kind, SystemOperation } from './instruction';
import { type Code, i64 } from '../../wasm/assembler';

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
          const floats = { fd: rd, fs1: rs1, fs2: rs2, fs3: rd ^ 31, rm: rs1 & 7 };
          const decoded = decode(encode(entry.name, { rd, rs1, rs2, imm: written, ...floats }) | 0);
          assert.deepEqual(decoded, {
            instruction: entry,
            length: 4,
            rd: entry.hasRd ? rd : 0,
            rs1: entry.hasRs1 ? rs1 : 0,
            rs2: entry.hasRs2 ? rs2 : 0,
            imm: immediate,
            ...(entry.hasFloats && {
              floats: {
                fd: entry.hasFd ? rd : 0,
                fs1: entry.hasFs1 ? rs1 : 0,
                fs2: entry.hasFs2 ? rs2 : 0,
                fs3: entry.hasFs3 ? rd ^ 31 : 0,
                rm: entry.float?.rounds ? rs1 & 7 : (entry.match >> 12) & 7,
              },
            }),
          });
        }),
        { numRuns: 20 },
      );
    }
  });

  it('says of each instruction what kind it is, as its meaning has it', () => {
    for (const { name, meaning, ...said } of INSTRUCTIONS) {
      const found: Partial<Kind> & { writes?: Code; floats?: string; leaves?: true } = {};
      const note = (kind: Partial<Kind>) => (Object.assign(found, kind), []);
      const terms: Record<'rs1' | 'rs2' | 'imm' | 'pc' | 'link', Code> = {
        rs1: [1],
        rs2: [2],
        imm: [3],
        pc: [4],
        link: [5],
      };
      meaning({
        ...terms,
        write: (writes) => note({ writes } as object),
        load: (bytes, signed) => note({ access: { kind: 'load', bytes, signed } }),
        store: (bytes) => note({ access: { kind: 'store', bytes, signed: false } }),
        atomic: (bytes, _, update) => {
          const swaps = !String(update([-1], [2])).includes('-1');
          return note({ access: { kind: 'amo', bytes, signed: true, ...(swaps && { swaps }) } });
        },
        loadReserved: (bytes) => note({ access: { kind: 'lr', bytes, signed: true } }),
        storeConditional: (bytes) => note({ access: { kind: 'sc', bytes, signed: false } }),
        order: () => [],
        branch: (condition) => note({ control: 'branch', writes: condition } as object),
        jump: () => note({ control: 'jump' }),
        jumpTo: () => note({ control: 'indirect' }),
        fs1: [6],
        fs2: [7],
        writeFloat: () => [],
        usesFloats: (floats) => note({ floats } as object),
        float: (floats) => note({ floats, leaves: true } as object),
        mulhu: () => [],
        system: (system) => note({ system }),
      });
      assert.equal(said.system, found.system, name);
      const access = found.access && { ...found.access, ...(found.floats !== undefined && { float: true }) };
      if (found.system === undefined) assert.deepEqual(said.access, access, name);
      assert.equal(said.hasFloats, said.system === SystemOperation.float || found.floats !== undefined, name);
      assert.equal(said.float?.leaves === true, found.system === SystemOperation.float || found.leaves === true, name);
      if (found.floats !== undefined) assert.equal(found.floats, said.hasFd ? 'writes' : 'reads', name);
      if (said.control !== 'trap') assert.equal(said.control, found.control ?? 'none', name);
      assert.equal(said.csr !== undefined, said.immediate === 'csr', name);
      if (said.condition) assert.deepEqual(found.writes, i64[said.condition](terms.rs1, terms.rs2), name);
      if (said.sum) assert.deepEqual(found.writes, said.sum.map((term) => terms[term]).reduce(i64.add));
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
    [0x08f4a7af, 'amoswap.w a5, a5, (s1)'],
    [0x0cf4a7af, 'amoswap.w.aq a5, a5, (s1)'],
    [0x0af4a7af, 'amoswap.w.rl a5, a5, (s1)'],
    [0x0ef4b7af, 'amoswap.d.aqrl a5, a5, (s1)'],
    [0x1604b7af, 'lr.d.aqrl a5, (s1)'],
    [0x1af4a7af, 'sc.w.rl a5, a5, (s1)'],
    [0x0330000f, 'fence rw,rw'],
    [0x0310000f, 'fence rw,w'],
    [0x0ff0000f, 'fence iorw,iorw'],
    [0x0100000f, 'fence w,unknown'],
    [0x8330000f, 'fence.tso'],
    [0x0000100f, 'fence.i'],
    [0x000117b7, 'lui a5, 0x11'],
    [0xfee79de3, 'bne a5, a4, 0x80000ce0'],
    [0x0808c4bb, 'zext.h s1, a7'],
    [0x20b54533, 'sh2add a0, a0, a1'],
    [0x00000000, '.2byte 0x0'],
    [0x0000007f, '.4byte 0x7f'],
  ];
  for (const [word, text] of rows) {
    it(`writes 0x${word.toString(16)} as ${text}`, () => {
      assert.equal(disassemble(word | 0, 0x80000ce6n).text, text);
    });
  }
});
