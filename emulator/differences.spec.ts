import assert from 'node:assert/strict';
import { tellDifferences } from './differences';
import { Csr } from './isa/csrs';
import { Machine } from './machine';
import { elf } from './testing/elf';
import { encode } from './testing/encode';
import { type Item, assembleProgram, jumpTo, label, loadConstant } from './testing/program';
import type { DifferenceEvent, MachineOptions } from './types';

const T0 = 5;
const csr = (name: string, imm: number, rs1 = T0): number => encode(name, { rs1, imm });
const HALT: Item[] = [label('halt'), jumpTo('halt')];
const MPP_S = 0x800n;
const MPP = 0x1800n;

/** Clears MPP, sets it to a mode, and executes a return from a trap to the halt at the program's end. */
function leave(mode: bigint, by = 'mret'): Item[] {
  const bits = loadConstant(T0, MPP);
  const wanted = loadConstant(T0, mode);
  const target = loadConstant(T0, 0x8000_0ff0n);
  return [
    ...[...bits, csr('csrrc', Csr.mstatus), ...wanted, csr('csrrs', Csr.mstatus)],
    ...[...target, csr('csrrw', Csr.mepc), csr('csrrw', Csr.sepc), encode(by)],
  ];
}
const set = (register: number, value: bigint): Item[] => [...loadConstant(T0, value), csr('csrrw', register)];

function differences(program: readonly Item[], options: Partial<MachineOptions> = {}): DifferenceEvent[] {
  const kernel = elf(assembleProgram([...program, ...HALT]));
  const machine = new Machine({ harts: 1, memory: 2 ** 21, legacyVirtio: false, kernel, ...options });
  const events: DifferenceEvent[] = [];
  machine.subscribe({ difference: (event) => (events.push(event), false) });
  machine.run({ instructions: 2000 });
  return events;
}
const kinds = (program: readonly Item[]): string[] => differences(program).map(({ what }) => what);

describe('what QEMU takes in another way', () => {
  it('is to leave M-mode with no PMP entry on, to S and to U, by mret and by sret', () => {
    for (const program of [leave(MPP_S), leave(0n), leave(MPP_S, 'sret'), leave(MPP, 'sret')])
      assert.deepEqual(kinds(program), ['pmp-off']);
    const at = 0x8000_0000n + BigInt(4 * (leave(0n).length - 1));
    assert.deepEqual(differences(leave(0n)), [{ hart: 0, pc: at, what: 'pmp-off' }]);
  });

  it('is so too where an entry has rights but is off, or only an address', () => {
    assert.deepEqual(kinds([...set(Csr.pmpaddr0, -1n), ...set(Csr.pmpcfg0, 7n), ...leave(MPP_S)]), ['pmp-off']);
    assert.deepEqual(kinds([...set(Csr.pmpaddr0, -1n), ...leave(MPP_S)]), ['pmp-off']);
  });

  it('is not to return to M-mode, nor to leave it with an entry on, whichever it is and whatever it covers', () => {
    assert.deepEqual(kinds(leave(MPP)), []);
    for (const configuration of [0xfn, 0x1fn, 0x0f00n, 0x18n, 0x1en, 0x1f00_0000_0000_0000n]) {
      assert.deepEqual(
        kinds([...set(Csr.pmpcfg0, configuration), ...leave(MPP_S)]),
        [],
        `0x${configuration.toString(16)}`,
      );
    }
    assert.deepEqual(kinds([...set(Csr.pmpcfg0 + 2, 0x0fn), ...leave(MPP_S)]), []);
  });

  it('is NA4, which the grain excludes', () => {
    assert.deepEqual(kinds(set(Csr.pmpcfg0, 0x17n)), ['pmp-grain']);
  });

  it('is told in words, once a subject', () => {
    const kernel = elf(assembleProgram([...set(Csr.mtvec, 0x8000_0ff0n), ...leave(MPP_S), ...HALT]));
    const machine = new Machine({ harts: 2, memory: 2 ** 21, legacyVirtio: false, kernel });
    const told: string[] = [];
    tellDifferences(
      machine,
      (text) => told.push(text),
      () => 'start+4 at start.c:9',
    );
    machine.run({ instructions: 20_000 });
    assert.equal(told.length, 1);
    assert.match(
      told[0]!,
      /^hart \d leaves M-mode at 0x8000\w{4} \(start\+4 at start\.c:9\) with no PMP entry on\. .*QEMU 6/,
    );
    assert.doesNotMatch(told[0]!, /\n/);
  });
});
