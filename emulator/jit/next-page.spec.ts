/** Code that runs over the end of its page, and instructions that lie on both sides of it. */
import assert from 'node:assert/strict';
import type { Machine } from '../machine';
import { setBreakpoints } from '../testing/breakpoints';
import { Assembler, BASE, R, encode, laidOut, times, toSupervisor } from '../testing/guests';
import { PageTables, RWX, entry } from '../testing/page-tables';
import { points, sameInTiers } from '../testing/tiers';

const { s0, s1, s2, s3, ra, t0, t1, t2, a0, a1 } = R;
const VA = 0x4000_0000;
const [FIRST, SECOND, OTHER, DATA, TABLES] = [1, 2, 3, 4, 5].map((page) => BASE + page * 0x1_0000) as [
  number,
  number,
  number,
  number,
  number,
];
const ROUNDS = 300;

const words = (...list: number[]): Uint8Array => new Uint8Array(Uint32Array.from(list).buffer);
const back = encode('jalr', { rs1: ra });
const add = (imm: number): number => encode('addi', { rd: a0, rs1: a0, imm });

/** Code with its last bytes at the end of a page, cut after so many bytes of the next. */
function across(code: Uint8Array, behind: number): { first: Uint8Array; rest: Uint8Array } {
  const first = new Uint8Array(4096);
  first.set(code.subarray(0, code.length - behind), 4096 - (code.length - behind));
  return { first, rest: code.subarray(code.length - behind) };
}

/**
 * Calls what lies `before` bytes before the end of the first page, many times; then maps the other page behind it and calls it
 * again, and so on. s2 points to data.
 */
function program(first: Uint8Array, second: Uint8Array, other: Uint8Array, before: number): Uint8Array {
  const tables = new PageTables(TABLES);
  const root = tables.table();
  tables
    .map(root, BASE, BASE, RWX, 1, 2)
    .map(root, VA, FIRST, RWX)
    .map(root, VA + 4096, SECOND, RWX);
  const a = new Assembler();
  toSupervisor(a, tables.satp(root)).li(s2, DATA);
  for (const [round, page] of [SECOND, OTHER, SECOND].entries()) {
    a.li(t0, tables.entryAt(root, BigInt(VA + 4096), 0))
      .li(t1, entry(page, RWX))
      .op('sd', { rs1: t0, rs2: t1 });
    a.op('sfence.vma').li(s1, VA + 4096 - before);
    times(a, s0, ROUNDS, `round${round}`, () => a.op('jalr', { rd: ra, rs1: s1 }));
  }
  a.label('halt').to('halt', 'jal');
  return laidOut(a, [FIRST, first], [SECOND, second], [OTHER, other], [TABLES, tables.bytes()]);
}

interface Options {
  /** Where it is called, in bytes before the end of the page: as far as it reaches, unless told. */
  entry?: number;
  meanwhile?: (machine: Machine) => void;
}

/** Two variants of the same code, of which the same bytes, so many, lie before the end of the page. */
function run(one: number[], two: number[], before: number, { entry, meanwhile }: Options = {}): Machine {
  const split = (code: Uint8Array) => across(code, code.length - before);
  const [a, b] = [split(words(...one)), split(words(...two))];
  assert.deepEqual(a.first, b.first);
  const kernel = program(a.first, a.rest, b.rest, entry ?? before);
  const events = new Map(meanwhile ? [[2000, meanwhile]] : []);
  return sameInTiers({ kernel, points: points(16_000), meanwhile: events });
}

describe('code that runs on into the next page', () => {
  it('goes on in the page that lies there now', () => {
    const machine = run([add(1), add(2), add(16), back], [add(1), add(2), add(32), back], 8);
    assert.equal(machine.harts[0]!.x(a0), BigInt(ROUNDS * (19 + 35 + 19)));
  });

  it('may end an instruction there: what it is depends on both pages', () => {
    const machine = run([add(1), add(16), back], [add(1), add(32), back], 6);
    assert.equal(machine.harts[0]!.x(a0), BigInt(ROUNDS * (17 + 33 + 17)));
  });

  it('may do so with loads and stores', () => {
    const store = (imm: number): number => encode('sd', { rs1: s2, rs2: a0, imm });
    const load = (imm: number): number => encode('ld', { rd: a1, rs1: s2, imm });
    run([add(1), store(64), back], [add(1), store(96), back], 6);
    const machine = run([add(1), load(64), back], [add(1), load(4096 - 2048 - 8), back], 6);
    assert.equal(machine.harts[0]!.x(a1), 0n);
  });

  it('may do so with branches, calls and jumps', () => {
    const branch = (imm: number): number => encode('bne', { rs1: t2, rs2: s3, imm });
    // A loop of three passes within the function, closed by the branch.
    const loop = (count: number): number[] => [
      encode('addi', { rd: t2, imm: 3 }),
      ...[add(count), encode('addi', { rd: t2, rs1: t2, imm: -1 }), branch(-8), back],
    ];
    assert.equal(run(loop(1), loop(1), 14).harts[0]!.x(a0), BigInt(ROUNDS * 9));
    const jump = (imm: number): number[] => [add(1), encode('jal', { imm }), add(64), add(32), back];
    run(jump(4), jump(8), 6);
  });

  it('may call from there, and comes back to the page that lies there now', () => {
    const code = (imm: number): number[] => [
      ...[add(64), back],
      ...[
        encode('addi', { rd: s3, rs1: ra }),
        encode('jal', { rd: ra, imm: -12 }),
        add(imm),
        encode('jalr', { rs1: s3 }),
      ],
    ];
    const machine = run(code(16), code(32), 14, { entry: 6 });
    assert.equal(machine.harts[0]!.x(a0), BigInt(ROUNDS * (80 + 96 + 80)));
  });

  it('may end in what is illegal, which traps', () => {
    run([add(1), encode('add', { rd: a0, rs1: a0, rs2: a0 }), back], [add(1), 0xfe_05_05_33 | 0, back], 6);
  });

  it('stops at a breakpoint there, and goes on without it', () => {
    let set = 0;
    const meanwhile = (machine: Machine): void => {
      set++;
      setBreakpoints(machine, [BigInt(VA + 4094)]);
      assert.equal(machine.run({ instructions: 1000 }).kind, 'breakpoint');
      assert.equal(machine.harts[0]!.pc, BigInt(VA + 4094));
      setBreakpoints(machine, []);
    };
    run([add(1), add(16), back], [add(1), add(32), back], 6, { meanwhile });
    assert.ok(set > 0);
  });

  it('sees what is stored into its end', () => {
    // The function writes the immediate of its own last instruction, in the next page: the number of the call.
    const code = [
      encode('addi', { rd: s3, rs1: s3, imm: 16 }),
      encode('sh', { rs1: s1, rs2: s3, imm: 14 }),
      ...[add(1), add(16), back],
    ];
    const { first, rest } = across(words(...code), 6);
    const machine = sameInTiers({ kernel: program(first, rest, rest, 14), points: points(16_000) });
    assert.ok(machine.harts[0]!.x(a0) > 0n);
  });
});
