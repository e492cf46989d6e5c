import assert from 'node:assert/strict';
import { Phase, type Instant } from '../../emulator/history/instant';
import type { LoggedInput, MachineInput } from '../../emulator/types';
import { lastPut, writes } from './debugger-writes';
import type { Spot } from './spots';

const WORD: Spot = { kind: 'memory', parts: [{ address: 0x8000_1000n, length: 8 }] };
const REGISTER: Spot = { kind: 'register', hart: 1, register: 10, offset: 0, bytes: 8 };
const CSR: Spot = { kind: 'csr', hart: 1, csr: 0x100, name: 'sstatus' };

const memory = (address: bigint, length: number): MachineInput => ({
  ...{ kind: 'memory', address, bytes: new Uint8Array(length) },
});

function put(spot: Spot, before: number, ...inputs: MachineInput[]): { by: string; index: number } | undefined {
  const log = inputs.map((input, index): LoggedInput => ({ input, time: 100 * index, phase: Phase.fetched }));
  const machine = { inputs: { count: log.length, since: () => log, through: (count: number) => log.slice(0, count) } };
  const at: Instant = { inputs: before, time: 1000, phase: Phase.arrived };
  const found = lastPut(
    machine,
    at,
    writes(spot, (csr) => csr === 0x300),
  );
  return found && { by: found.by, index: found.instant.inputs };
}

describe('what a debugger has written', () => {
  it('is what overlaps, of the same hart, and not what the guest gets otherwise', () => {
    const rows: [Spot, MachineInput, boolean][] = [
      [WORD, memory(0x8000_1007n, 1), true],
      [WORD, memory(0x8000_0ff9n, 8), true],
      [WORD, memory(0x8000_1008n, 8), false],
      [WORD, memory(0x8000_0ff8n, 8), false],
      [WORD, { kind: 'console', bytes: new Uint8Array(8) }, false],
      [WORD, { kind: 'frame', bytes: new Uint8Array(8) }, false],
      [REGISTER, { kind: 'register', hart: 1, register: 10, value: 0n }, true],
      [REGISTER, { kind: 'register', hart: 0, register: 10, value: 0n }, false],
      [REGISTER, { kind: 'register', hart: 1, register: 11, value: 0n }, false],
      [REGISTER, { kind: 'float', hart: 1, register: 10, value: 0n }, false],
      [CSR, { kind: 'csr', hart: 1, csr: 0x100, value: 0n }, true],
      [CSR, { kind: 'csr', hart: 1, csr: 0x300, value: 0n }, true],
      [CSR, { kind: 'csr', hart: 1, csr: 0x141, value: 0n }, false],
      [CSR, { kind: 'csr', hart: 0, csr: 0x100, value: 0n }, false],
    ];
    for (const [spot, input, isPut] of rows) {
      assert.deepEqual(
        put(spot, 1, input),
        isPut ? { by: 'debugger', index: 0 } : undefined,
        JSON.stringify(input.kind),
      );
    }
  });

  it('is the last before the instant, and gone after a reset', () => {
    const word = memory(0x8000_1000n, 8);
    assert.deepEqual(put(WORD, 2, word, word, word), { by: 'debugger', index: 1 });
    assert.deepEqual(put(WORD, 2, word, { kind: 'reset' }), { by: 'reset', index: 1 });
    assert.equal(put(WORD, 0, word), undefined);
  });
});
