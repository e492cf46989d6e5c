import assert from 'node:assert/strict';
import { Csr } from '../isa/csrs';
import { Machine } from '../machine';
import { elf } from '../testing/elf';
import { encode } from '../testing/encode';
import { type Item, assembleProgram, branchTo, jumpTo, label, loadConstant } from '../testing/program';
import type { Subscription, TableStoreEvent } from '../types';

const DRAM = 0x8000_0000n;
const [ROOT, MIDDLE, LAST, OTHER] = [0x20000n, 0x21000n, 0x22000n, 0x23000n].map((offset) => DRAM + offset) as [
  bigint,
  bigint,
  bigint,
  bigint,
];
const [S0, S1, S2, S3] = [8, 9, 18, 19];
const pointer = (to: bigint) => (to >> 2n) | 1n;

/** A program that stores words one after the other. */
const storing = (...stores: [at: bigint, value: bigint, instruction?: string][]): Item[] => [
  ...stores.flatMap(([at, value, instruction = 'sd']) => [
    ...loadConstant(S0, at),
    ...loadConstant(S1, value),
    encode(instruction, { rs1: S0, rs2: S1, imm: 0 }),
  ]),
  label('halt'),
  jumpTo('halt'),
];

function run(
  program: Item[],
  prepare: (own: Subscription, machine: Machine) => void,
  instructions = 500,
): TableStoreEvent[] {
  const machine = new Machine({
    ...{ harts: 1, memory: 2 ** 21, legacyVirtio: false, kernel: elf(assembleProgram(program)) },
  });
  const events: TableStoreEvent[] = [];
  prepare(machine.subscribe({ tableStore: (event) => events.push(event) < 0 }), machine);
  machine.run({ instructions });
  return events;
}
const poke = (machine: Machine, at: bigint, value: bigint) =>
  machine.memory.write(at, new Uint8Array(new BigUint64Array([value]).buffer));
const brief = (events: TableStoreEvent[]) =>
  events.map(({ level, index, maps, before, after }) => [level, index, maps, before, after]);

describe('watched page tables', function () {
  it('tell stores to pages that no hart has walked, and follow the tree as it grows', () => {
    const leaf = (DRAM >> 2n) | 0xfn;
    const events = run(
      storing(
        [LAST + 8n, leaf],
        [ROOT, pointer(MIDDLE)],
        [MIDDLE + 8n, pointer(LAST)],
        [LAST + 24n, leaf],
        [DRAM + 0x10000n, leaf],
      ),
      (own) => own.followTables([ROOT]),
    );
    assert.deepEqual(brief(events), [
      [2, 0, 0n, 0n, pointer(MIDDLE)],
      [1, 1, 0x200000n, 0n, pointer(LAST)],
      [0, 3, 0x203000n, 0n, leaf],
    ]);
    assert.deepEqual(
      events.map(({ by, hart, address, va, root }) => [by, hart, address, va, root]),
      [ROOT, MIDDLE + 8n, LAST + 24n].map((at) => ['instruction', 0, at, at, ROOT]),
    );
  });

  it('tell of the last level what concerns a page, where one is asked for', () => {
    const [wanted, other] = [DRAM + 0x40_0123_4000n, DRAM].map((page) => (page >> 2n) | 0xfn) as [bigint, bigint];
    const tree = (own: Subscription, machine: Machine) => {
      poke(machine, ROOT, pointer(MIDDLE));
      poke(machine, MIDDLE, pointer(LAST));
      own.followTables([ROOT], DRAM + 0x40_0123_4000n);
    };
    const events = run(
      storing(
        ...([
          [LAST, other],
          [LAST + 8n, wanted],
          [LAST + 8n, wanted & ~4n],
          [LAST + 8n, other],
          [LAST + 8n, 0n],
          [MIDDLE + 8n, other],
          [LAST + 16n, wanted | (1n << 60n)],
          [LAST + 24n, wanted],
        ] as [bigint, bigint][]),
      ),
      tree,
    );
    assert.deepEqual(brief(events), [
      [0, 1, 0x1000n, 0n, wanted],
      [0, 1, 0x1000n, wanted, wanted & ~4n],
      [0, 1, 0x1000n, wanted & ~4n, other],
      [1, 1, 0x200000n, 0n, other],
      // The page has been given up by then: it was filled with what is no entry.
    ]);
  });

  it('let go of tables that are unlinked, cleared by bytes or filled with what is no entry', () => {
    const tree = (own: Subscription, machine: Machine) => {
      poke(machine, ROOT, pointer(MIDDLE));
      poke(machine, ROOT + 511n * 8n, pointer(OTHER));
      poke(machine, MIDDLE, pointer(LAST));
      own.followTables([ROOT]);
    };
    const events = run(
      storing(
        [OTHER, 1n, 'sb'],
        [OTHER + 8n, 7n],
        [LAST, 0x0101_0101_0101_0101n],
        [LAST + 8n, 7n],
        [ROOT, 0n],
        [MIDDLE + 8n, 7n],
      ),
      tree,
    );
    assert.deepEqual(brief(events), [[2, 0, 0n, pointer(MIDDLE), 0n]]);
  });

  it('take in the table that satp comes to name, and end when told to', () => {
    const program = (): Item[] => [
      ...loadConstant(S2, (8n << 60n) | (ROOT >> 12n)),
      encode('csrrw', { rs1: S2, imm: Csr.satp }),
      ...storing([ROOT + 16n, 0xcfn]),
    ];
    assert.equal(run(program(), (own) => own.followTables([])).length, 1);
    const ended = (own: Subscription) => {
      own.followTables([ROOT]);
      own.followTables(undefined);
    };
    assert.deepEqual(run(program(), ended), []);
  });

  it('stop after the store, in hot loops too', () => {
    for (const acceleration of ['interp', 'mixed', 'jit'] as const) {
      const program = assembleProgram([
        ...loadConstant(S0, ROOT + 8n),
        encode('lui', { rd: S2, imm: 0x1 }),
        label('loop'),
        encode('addi', { rd: S3, rs1: S3, imm: 1 }),
        encode('sd', { rs1: S0, rs2: 0 }),
        branchTo('bne', S3, S2, 'loop'),
        label('halt'),
        jumpTo('halt'),
      ]);
      const machine = new Machine({
        harts: 1,
        memory: 2 ** 21,
        legacyVirtio: false,
        kernel: elf(program),
        acceleration,
      });
      const own = machine.subscribe({ tableStore: () => true });
      machine.run({ instructions: 1000 });
      own.followTables([ROOT]);
      const count = machine.harts[0]!.x(S3);
      for (let stops = 1n; stops <= 100n; stops++) {
        const stop = machine.run({ instructions: 1000 });
        assert.ok(stop.kind === 'tableStore' && stop.event.pc! + 4n === machine.harts[0]!.pc);
        assert.equal(machine.harts[0]!.x(S3), count + stops);
      }
    }
  });

  it('know the tables that are in force in a state that is taken back', () => {
    const program = [
      ...loadConstant(S2, (8n << 60n) | (ROOT >> 12n)),
      encode('csrrw', { rs1: S2, imm: Csr.satp }),
      ...storing([ROOT, pointer(MIDDLE)]),
    ];
    const options = { harts: 1, memory: 2 ** 21, legacyVirtio: false, kernel: elf(assembleProgram(program)) };
    const before = new Machine(options);
    while (before.harts[0]!.csr(Csr.satp) === 0n) before.run({ instructions: 1 });
    const machine = new Machine(options);
    const events: TableStoreEvent[] = [];
    machine.subscribe({ tableStore: (event) => events.push(event) < 0 }).followTables([]);
    machine.restore(before.save());
    machine.run({ instructions: 500 });
    assert.deepEqual(brief(events), [[2, 0, 0n, 0n, pointer(MIDDLE)]]);
  });
});
