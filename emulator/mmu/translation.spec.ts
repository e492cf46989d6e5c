/** The harts' walk against the one in isa/sv39.ts, which was written apart from it: on random tables they must agree. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Csr } from '../isa/csrs';
import { denials, pteFlags, walk } from '../isa/sv39';
import { Machine } from '../machine';
import { elf } from '../testing/elf';
import { encode } from '../testing/encode';
import { assembleProgram, jumpTo, label } from '../testing/program';
import { Mode } from '../types';
import { AccessType } from './mmu';

const DRAM = 0x8000_0000n;
const ROOT = DRAM + 0x10000n;
const TABLES = 4;
const [S0, S1] = [8, 9];
const ACCESSES = { load: encode('lw', { rd: S1, rs1: S0 }), store: encode('sw', { rs1: S0, rs2: 0 }) } as const;

/** An entry of a table: often a pointer to one of the tables or a leaf in memory, sometimes anything at all. */
const entry: fc.Arbitrary<bigint> = fc.oneof(
  fc.integer({ min: 0, max: TABLES - 1 }).map((table) => ((ROOT + BigInt(table) * 4096n) >> 2n) | 1n),
  fc
    .tuple(fc.integer({ min: 0, max: 0x1ff }), fc.integer({ min: 0, max: 0x3ff }))
    .map(([page, flags]) => ((DRAM + BigInt(page) * 4096n) >> 2n) | BigInt(flags)),
  fc.constant((DRAM >> 2n) | 0xdfn),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
);
/** Where the registers of PCIe devices are. */
const ECAM = { start: 0x3000_0000n, end: 0x4000_0000n };
/** Only a few indices are used, so that walks go deep. */
const INDICES = [0, 1, 255, 511];
const tables = fc.array(entry, { minLength: TABLES * INDICES.length, maxLength: TABLES * INDICES.length });
const index = fc.constantFrom(...INDICES);
const address = fc
  .tuple(index, index, index, fc.integer({ min: 0, max: 1023 }))
  .map(([a, b, c, word]) =>
    BigInt.asUintN(
      64,
      BigInt.asIntN(39, (BigInt(a) << 30n) | (BigInt(b) << 21n) | (BigInt(c) << 12n) | BigInt(word * 4)),
    ),
  );

describe('address translation', () => {
  it('agrees with the pure walk on random tables, modes and accesses', function () {
    this.timeout(60_000);
    const program = elf(assembleProgram([label('halt'), jumpTo('halt')]));
    const machine = new Machine({ harts: 1, memory: 2 ** 21, legacyVirtio: false, kernel: program });
    const hart = 0;
    const csr = (address: number, value: bigint) => machine.apply({ kind: 'csr', hart, csr: address, value });
    const kind = fc.constantFrom('load', 'store', 'fetch') as fc.Arbitrary<'load' | 'store' | 'fetch'>;
    fc.assert(
      fc.property(
        ...[tables, address, kind],
        ...[fc.constantFrom(Mode.User, Mode.Supervisor), fc.boolean(), fc.boolean()],
        (entries, va, access, mode, sum, mxr) => {
          entries.forEach((pte, i) => {
            const at = ROOT + BigInt(Math.floor(i / INDICES.length) * 4096 + INDICES[i % INDICES.length]! * 8);
            const bytes = new Uint8Array(new BigUint64Array([pte]).buffer);
            machine.memory.write(at, bytes);
          });
          const mstatus = (sum ? 1n << 18n : 0n) | (mxr ? 1n << 19n : 0n);
          const found = walk(ROOT, va, (pa) => machine.memory.readU64(pa));
          const { leaf } = found;
          const allowed = leaf !== undefined && denials(pteFlags(leaf.pte), access, { mode, sum, mxr }).length === 0;
          const inMemory = leaf !== undefined && machine.memory.read(leaf.pa, 4) !== undefined;
          // PCIe answers for devices that are not there, too: all ones.
          fc.pre(leaf === undefined || leaf.pa < ECAM.start || leaf.pa >= ECAM.end);
          const outsideTable = found.error === 'outside-memory';

          // Data accesses are made by M-mode code that borrows the mode (MPRV); a fetch is made by jumping there.
          // One instruction in between, so that the machine does not take this for going on after the last stop.
          machine.apply({ kind: 'mode', hart, mode: Mode.Machine });
          machine.apply({ kind: 'pc', hart, value: DRAM });
          machine.run({ instructions: 1 });
          csr(Csr.satp, (8n << 60n) | (ROOT >> 12n));
          csr(Csr.mtvec, DRAM);
          machine.apply({ kind: 'register', hart, register: S0, value: va });
          machine.memory.write(DRAM + 0x1000n, assembleProgram([access === 'fetch' ? 0 : ACCESSES[access]]));
          machine.apply({ kind: 'pc', hart, value: access === 'fetch' ? va : DRAM + 0x1000n });
          if (access === 'fetch') machine.apply({ kind: 'mode', hart, mode });
          csr(Csr.mstatus, mstatus | (access === 'fetch' ? 0n : 1n << 17n) | (BigInt(mode) << 11n));
          let cause: number | undefined;
          machine.subscribe({ trap: (event) => ((cause = event.cause), true) });
          machine.run({ instructions: 1 });

          const pageFault = { load: 13, store: 15, fetch: 12 }[access];
          const accessFault = { load: 5, store: 7, fetch: 1 }[access];
          if (outsideTable) assert.equal(cause, accessFault);
          else if (!allowed) assert.equal(cause, pageFault);
          else if (!inMemory) assert.equal(cause, accessFault);
          else assert.ok(cause !== pageFault && cause !== accessFault, `took ${cause}`);
          if (cause !== undefined || access === 'store') return;
          // The TLB holds it now, and says the same to the rest of the machine.
          const kind = access === 'load' ? AccessType.load : AccessType.fetch;
          const host = machine['mmu'].hostAt(machine.harts[hart]!, va, kind, 2);
          assert.equal(machine.memory.physicalOf(host), Number(leaf!.pa));
        },
      ),
      { numRuns: 3000 },
    );
  });
});
