import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DRAM } from '../layout';
import { loopIdiomAt } from './loop-idioms';
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

/** In slices of one every instruction is executed by itself. */
const BY_ITSELF = 1;

/** The loop in slices of many passes ends as it does instruction by instruction. */
function agree(loop: Loop, branch = 'bne', instructions = 12_000): void {
  const slow = run(program(loop, branch), BY_ITSELF, instructions);
  for (const slice of [100_000, 999]) assert.deepEqual(run(program(loop, branch), slice, instructions), slow);
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
          agree({ body, from: 0n, to, end: to + BigInt(bytes * passes) });
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
          agree({ body, from, to, end: to + BigInt(bytes * n) });
        },
      ),
      { numRuns: 15 },
    );
  });

  /** Compilers' loops with an index, by their names: as GCC writes them for -Og and -Os, and in between. */
  const [A0, A1, A3, A4, A5] = [10, 11, 13, 14, 15];
  const add = (name: string, rd: number, rs1: number, rs2: number) => encode(name, { rd, rs1, rs2 });
  const narrow = (rd: number, rs1: number, imm: number) => encode('addiw', { rd, rs1, imm });
  const INDEXED: Record<string, { body: number[]; compared: [number, number] }> = {
    fill: {
      body: [add('add', A4, S1, A5), encode('sb', { rs1: A4, rs2: S3 }), narrow(A5, A5, 1), narrow(A4, A5, 0)],
      compared: [A4, S2],
    },
    copy: {
      body: [
        ...[add('add', A4, S0, A5), encode('lbu', { rd: A3, rs1: A4 }), add('add', A4, S1, A5), addi(A5, 1)],
        ...[encode('sb', { rs1: A4, rs2: A3 }), narrow(A4, A5, 0)],
      ],
      compared: [A4, S2],
    },
    'copy by what is left': {
      body: [
        ...[encode('lbu', { rd: A3, rs1: S0 }), encode('sb', { rs1: S1, rs2: A3 }), addi(S1, 1), addi(S0, 1)],
        ...[add('add', A0, 0, A1), narrow(A1, A0, -1)],
      ],
      compared: [A0, 0],
    },
    'fill by words': {
      body: [
        ...[add('addw', A4, A5, S4), add('add', A3, S1, A5), encode('sw', { rs1: A3, rs2: S3, imm: 8 })],
        ...[addi(A5, 4), add('add', A0, A5, A5)],
      ],
      compared: [A0, S2],
    },
  };

  /** All registers and the data after a loop from the given values of registers. */
  function loopFrom(
    body: number[],
    branch: string,
    [a, b]: [number, number],
    values: [number, bigint][],
    slice: number,
  ) {
    const items = [
      ...values.flatMap(([register, value]) => loadConstant(register, value)),
      label('loop'),
      ...body,
      branchTo(branch, a, b, 'loop'),
      ...[label('halt'), jumpTo('halt')],
    ];
    const kernel = elf(assembleProgram(items));
    const machine = new Machine({ harts: 1, memory: 2 ** 21, legacyVirtio: false, kernel });
    machine.memory.write(
      DATA,
      Uint8Array.from({ length: 0x3000 }, (_, i) => (i * 7) & 0xff),
    );
    while (machine.executed < 9000) machine.run({ instructions: Math.min(slice, 9000 - machine.executed) });
    const registers = Array.from({ length: 32 }, (_, x) => machine.harts[0]!.x(x));
    return { registers, data: machine.memory.read(DATA - 0x1000n, 0x4000) };
  }

  function agreeFrom(body: number[], branch: string, compared: [number, number], values: [number, bigint][]): void {
    const slow = loopFrom(body, branch, compared, values, BY_ITSELF);
    for (const slice of [100_000, 499]) {
      const fast = loopFrom(body, branch, compared, values, slice);
      assert.deepEqual(fast.registers, slow.registers);
      assert.deepEqual(fast.data, slow.data);
    }
  }

  /** Whether the loop of this body, closed by that branch, is one that is done at once. */
  function isAtOnce(body: number[], branch: string, [a, b]: [number, number]): boolean {
    const view = new DataView(new ArrayBuffer(4096));
    const close = encode(branch, { rs1: a, rs2: b, imm: -4 * body.length });
    [...body, close].forEach((word, i) => view.setUint32(i * 4, word, true));
    return loopIdiomAt(view, body.length * 4) !== undefined;
  }

  /** An index, or what it is compared with: few, near where 32 bits end, and with bits that 32-bit sums drop. */
  const index = fc.oneof(
    fc.bigInt({ min: -3n, max: 2000n }),
    fc.bigInt({ min: 2n ** 31n - 900n, max: 2n ** 31n + 3n }),
    fc.bigInt({ min: -(2n ** 31n) - 3n, max: -(2n ** 31n) + 900n }),
    fc.bigInt({ min: 2n ** 40n, max: 2n ** 40n + 900n }),
  );

  for (const [name, { body, compared }] of Object.entries(INDEXED)) {
    it(`${name} with an index as the instructions do, wherever it begins and ends`, () => {
      fc.assert(
        fc.property(fc.constantFrom('bne', 'bltu', 'blt'), index, index, index, (branch, from, to, left) => {
          // The data lies where the index is 0 to 2000 bytes away.
          const base = from > 4000n || from < -4000n ? DATA - from : DATA;
          agreeFrom(body, branch, compared, [
            ...([
              [S0, base + 0x1000n],
              [S1, base],
              [S2, to],
              [S3, 0x55n],
            ] as [number, bigint][]),
            ...([
              [S4, left],
              [A1, left],
              [A5, from],
              [A0, 0n],
            ] as [number, bigint][]),
          ]);
        }),
        { numRuns: 25 },
      );
    });

    it(`${name} with an index is done at once`, () => {
      assert.ok(isAtOnce(body, 'bltu', compared));
    });
  }

  it('compare without a sign as the instructions do, where what the loop counts to changes its sign', () => {
    const body = [encode('sb', { rs1: S1, rs2: S3 }), addi(S1, 1), addi(A5, 1)];
    agreeFrom(
      body,
      'bltu',
      [S4, A5],
      [
        [S1, DATA],
        [S3, 7n],
        [S4, -2000n],
        [A5, -700n],
      ],
    );
  });

  it('find an address that is the sum of two which are beyond exact numbers', () => {
    const store = [add('add', A4, S0, S4), encode('sb', { rs1: A4, rs2: S3 })];
    const body = [...store, addi(S1, 1), addi(S4, 1), add('add', A4, S1, 0)];
    const far = 2n ** 53n - 1n;
    agreeFrom(
      body,
      'bne',
      [S1, S2],
      [
        [S0, DATA + far + 2n],
        [S4, -far],
        [S1, 0n],
        [S2, 900n],
        [S3, 7n],
      ],
    );
  });

  it('know what a register has taken over from the pass before', () => {
    const body = [add('add', A3, A4, 0), encode('sb', { rs1: S1, rs2: S3 }), addi(S1, 1), add('add', A4, S1, A5)];
    agreeFrom(
      body,
      'bne',
      [S1, S2],
      [
        [S1, DATA],
        [S2, DATA + 900n],
        [S3, 7n],
        [A4, 1n],
        [A5, 5n],
      ],
    );
  });

  it('do whatever sums the loop computes as the instructions do', function () {
    this.timeout(60_000);
    const register = fc.constantFrom(S0, S1, A3, A4, A5);
    const small = fc.integer({ min: -2, max: 2 });
    const sum = fc.oneof(
      fc.tuple(register, register, small).map(([rd, rs1, imm]) => encode('addi', { rd, rs1, imm })),
      fc.tuple(register, register, small).map(([rd, rs1, imm]) => narrow(rd, rs1, imm)),
      fc
        .tuple(fc.constantFrom('add', 'addw'), register, register, fc.constantFrom(S2, A5, A4, 0))
        .map(([name, rd, rs1, rs2]) => add(name, rd, rs1, rs2)),
      fc.tuple(register, register).map(([rd, rs1]) => encode('lbu', { rd, rs1 })),
    );
    const stored = fc.tuple(register, fc.constantFrom(S3, A3, A4)).map(([rs1, rs2]) => encode('sb', { rs1, rs2 }));
    const step = register.map((x) => addi(x, 1));
    const loop = fc
      .tuple(
        fc.tuple(fc.array(sum, { maxLength: 3 }), stored, step, fc.array(sum, { maxLength: 2 })),
        fc.constantFrom('bne', 'bltu', 'blt'),
        fc.tuple(register, fc.constantFrom(S2, S3, 0)),
      )
      .map(([[before, store, by, after], branch, compared]) => {
        return { body: [...before, store, by, ...after], branch, compared };
      });
    // Of such loops, some three in a hundred are done at once: half of those tried are.
    const atOnce = loop.filter(({ body, branch, compared }) => isAtOnce(body, branch, compared));
    fc.assert(
      fc.property(
        fc.oneof(loop, atOnce),
        fc.array(fc.bigInt({ min: 0n, max: 0x1800n }), { minLength: 6, maxLength: 6 }),
        ({ body, branch, compared }, values) => {
          agreeFrom(body, branch, compared, [
            ...[S0, S1, A3, A4].map((x, i): [number, bigint] => [x, DATA + values[i]!]),
            ...([
              [A5, values[4]! % 100n],
              [S2, DATA + values[5]! + 0x800n],
              [S3, 7n],
            ] as [number, bigint][]),
          ]);
        },
      ),
      { numRuns: 120 },
    );
  });

  it('copy downwards', () => {
    const body = [addi(S0, -1), addi(S1, -1), encode('lbu', { rd: S3, rs1: S0 }), encode('sb', { rs1: S1, rs2: S3 })];
    const to = DATA + 9000n;
    agree({ body, from: DATA + 5000n, to, end: DATA + 4000n }, 'bne', 30_000);
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
