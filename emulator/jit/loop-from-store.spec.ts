/** Loop idioms that are made from their first instruction, a store, as in the pages that a kernel frees. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Machine } from '../machine';
import { elf } from '../testing/elf';
import { encode } from '../testing/encode';
import { assembleProgram, branchTo, jumpTo, label, loadConstant } from '../testing/program';

const [S0, S1, A0, S2, S3, S4] = [8, 9, 10, 18, 19, 20];
const DATA = 0x8002_0000n;
const STORES = { 1: 'sb', 2: 'sh', 4: 'sw', 8: 'sd' } as const;
/** Instructions of a run, and of slices in which every instruction is executed by itself. */
const RUN = 14_000;
const BY_ITSELF = 1;

describe('loop idioms that begin with their store', () => {
  it('fill page after page as the instructions do', () => {
    const pages = 6;
    const width = fc.constantFrom(1, 2, 4, 8) as fc.Arbitrary<1 | 2 | 4 | 8>;
    // Where each fill begins and how long it is: within a page, across several, up to and from the ends of pages.
    const start = fc.oneof(fc.constantFrom(0, 4088), fc.integer({ min: 0, max: 4095 }));
    const size = fc.oneof(fc.constantFrom(1, 2, 512), fc.integer({ min: 1, max: 700 }));
    fc.assert(
      fc.property(width, start, size, fc.boolean(), (bytes, at, passes, twice) => {
        const filled = (slice: number) => {
          const items = [
            ...loadConstant(S0, DATA + BigInt(at - (at % bytes))),
            ...loadConstant(S3, 0x0101_0101_0101_0101n),
            encode('addi', { rd: S4, imm: pages }),
            label('page'),
            encode('addi', { rd: S4, rs1: S4, imm: -1 }),
            encode('add', { rd: S1, rs1: S0 }),
            ...loadConstant(S2, BigInt(bytes * passes)),
            encode('add', { rd: S2, rs1: S2, rs2: S1 }),
            label('loop'),
            encode(STORES[bytes], { rs1: S1, rs2: S3 }),
            encode('addi', { rd: S1, rs1: S1, imm: bytes }),
            branchTo('bne', S1, S2, 'loop'),
            // As the free list's pointer.
            encode('sd', { rs1: S0, rs2: S1 }),
            ...loadConstant(A0, twice ? 0n : 4096n),
            encode('add', { rd: S0, rs1: S0, rs2: A0 }),
            branchTo('bne', S4, 0, 'page'),
            label('halt'),
            jumpTo('halt'),
          ];
          const options = { harts: 1, memory: 2 ** 21, legacyVirtio: false };
          const machine = new Machine({ ...options, kernel: elf(assembleProgram(items)) });
          const traces: unknown[] = [];
          while (machine.executed < RUN) {
            machine.run({ instructions: Math.min(slice, RUN - machine.executed) });
            if (machine.executed % (RUN / 2) === 0) traces.push(machine.stateHash());
          }
          return traces;
        };
        const slow = filled(BY_ITSELF);
        for (const slice of [RUN / 2, 500]) assert.deepEqual(filled(slice), slow);
      }),
      { numRuns: 25 },
    );
  });
});
