import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DRAM } from '../layout';
import { Machine } from '../machine';
import { setBreakpoints } from '../testing/breakpoints';
import { elf } from '../testing/elf';
import { encode } from '../testing/encode';
import { type Item, assembleProgram, branchTo, jumpTo, label, loadConstant } from '../testing/program';

const [S0, S1, S2, S3, S4] = [8, 9, 18, 19, 20];
const DATA = 0x8000_0000n + 0x10000n;

interface Loop {
  /** Words of the loop's body, without its branch. */
  body: number[];
  from: bigint;
  to: bigint;
  end: bigint;
}

/** s1 is stored to or copied to, s0 copied from or compared, s2 the end, s3 the value. */
function program(loop: Loop, branch: string): Item[] {
  return [
    ...loadConstant(S0, loop.from),
    ...loadConstant(S1, loop.to),
    ...loadConstant(S2, loop.end),
    ...loadConstant(S3, 0x1122_3344_5566_7788n),
    label('loop'),
    ...loop.body,
    branchTo(branch, S1, S2, 'loop'),
    encode('addi', { rd: S4, imm: 1 }),
    label('halt'),
    jumpTo('halt'),
  ];
}

function run(items: Item[], slice: number, instructions: number) {
  const kernel = elf(assembleProgram(items));
  const machine = new Machine({ harts: 1, memory: 2 ** 21, legacyVirtio: false, kernel });
  const pattern = Uint8Array.from({ length: 0x8000 }, (_, i) => (i * 7 + (i >> 8)) & 0xff);
  machine.memory.write(DATA, pattern);
  while (machine.executed < instructions)
    machine.run({ instructions: Math.min(slice, instructions - machine.executed) });
  return {
    registers: [S0, S1, S2, S3, S4].map((x) => machine.harts[0]!.x(x)),
    data: machine.memory.read(DATA, 0x9000),
  };
}

/** The same loop closed by a branch that is never taken for a loop idiom: blt and bgt stand for bne where the end is hit. */
function agree(loop: Loop, forward: boolean, instructions = 60_000): void {
  const slow = run(program(loop, forward ? 'bltu' : 'bgeu'), 10_000, instructions);
  for (const slice of [100_000, 999]) assert.deepEqual(run(program(loop, 'bne'), slice, instructions), slow);
}

describe('loop idioms', () => {
  const addi = (register: number, imm: number) => encode('addi', { rd: register, rs1: register, imm });
  const stores = { 1: 'sb', 2: 'sh', 4: 'sw', 8: 'sd' } as const;
  const loads = { 1: ['lbu', 'lb'], 2: ['lhu', 'lh'], 4: ['lwu', 'lw'], 8: ['ld', 'ld'] } as const;
  const width = fc.constantFrom(1, 2, 4, 8) as fc.Arbitrary<1 | 2 | 4 | 8>;

  it('fill as the instructions do', () => {
    fc.assert(
      fc.property(
        width,
        fc.integer({ min: 0, max: 5000 }),
        fc.integer({ min: 130, max: 1500 }),
        (bytes, at, passes) => {
          const to = DATA + BigInt(at);
          const body = [encode(stores[bytes], { rs1: S1, rs2: S3 }), addi(S1, bytes)];
          agree({ body, from: 0n, to, end: to + BigInt(bytes * passes) }, true);
        },
      ),
      { numRuns: 15 },
    );
  });

  it('copy as the instructions do, where the ranges overlap too', () => {
    const distance = fc.integer({ min: -300, max: 300 });
    fc.assert(
      fc.property(
        width,
        distance,
        fc.integer({ min: 130, max: 1500 }),
        fc.integer({ min: 0, max: 1 }),
        (bytes, by, n, sign) => {
          const from = DATA + 1000n;
          const to = from + BigInt(by);
          const body = [
            addi(S0, bytes),
            addi(S1, bytes),
            encode(loads[bytes][sign]!, { rd: S3, rs1: S0, imm: -bytes }),
            encode(stores[bytes], { rs1: S1, rs2: S3, imm: -bytes }),
          ];
          agree({ body, from, to, end: to + BigInt(bytes * n) }, true);
        },
      ),
      { numRuns: 15 },
    );
  });

  it('copy downwards', () => {
    const body = [addi(S0, -1), addi(S1, -1), encode('lbu', { rd: S3, rs1: S0 }), encode('sb', { rs1: S1, rs2: S3 })];
    const to = DATA + 9000n;
    // bgeu leaves the loop one below the end, so it is given the byte above as its end.
    const slow = run(program({ body, from: DATA + 5000n, to, end: DATA + 4001n }, 'bgeu'), 10_000, 60_000);
    const fast = run(program({ body, from: DATA + 5000n, to, end: DATA + 4000n }, 'bne'), 10_000, 60_000);
    assert.deepEqual(fast.data, slow.data);
  });

  for (const [name, bytes] of Object.entries({ sh: 2, sw: 4, sd: 8 })) {
    it(`fill memory by ${name}, and commit none of it if the bytes are alike`, () => {
      const committed = (value: bigint): number => {
        const unmade = DATA + 0x10000n;
        const kernel = elf(
          assembleProgram([
            ...loadConstant(S1, unmade),
            ...loadConstant(S2, unmade + 0x8000n),
            ...loadConstant(S3, value),
            label('loop'),
            encode(name as 'sh', { rs1: S1, rs2: S3 }),
            addi(S1, bytes),
            branchTo('bne', S1, S2, 'loop'),
            label('halt'),
            jumpTo('halt'),
          ]),
        );
        const machine = new Machine({ harts: 1, memory: 2 ** 21, legacyVirtio: false, kernel });
        machine.run({ instructions: 200_000 });
        // The host's memory for a page that is not committed is untouched.
        const made = Array.from({ length: 8 }, (_, page) => machine.memory.u8[DRAM + 0x20000 + page * 4096] !== 0);
        const wanted = Buffer.alloc(8);
        wanted.writeBigUInt64LE(value);
        const data = machine.memory.read(unmade, 0x8000)!;
        for (let i = 0; i < data.length; i += bytes)
          assert.deepEqual([...data.subarray(i, i + bytes)], [...wanted.subarray(0, bytes)], String(i));
        return made.filter(Boolean).length;
      };
      assert.equal(committed(0x0101_0101_0101_0101n), 0);
      assert.equal(committed(0x0105_0105_0105_0105n), 8);
    });
  }

  it('stop where a breakpoint lies within', () => {
    const body = [encode('sb', { rs1: S1, rs2: S3 }), addi(S1, 1)];
    const items = program({ body, from: 0n, to: DATA, end: DATA + 4096n }, 'bne');
    const machine = new Machine({
      harts: 1,
      memory: 2 ** 21,
      legacyVirtio: false,
      kernel: elf(assembleProgram(items)),
    });
    const store = 0x8000_0000n + BigInt(items.findIndex((item) => item === body[0]) - 1) * 4n;
    machine.run({ instructions: 1000 });
    setBreakpoints(machine, [store]);
    const before = machine.harts[0]!.x(S1);
    assert.equal(machine.run({ instructions: 100 }).kind, 'breakpoint');
    assert.equal(machine.run({ instructions: 100 }).kind, 'breakpoint');
    assert.ok(machine.harts[0]!.x(S1) - before <= 2n);
  });
});
