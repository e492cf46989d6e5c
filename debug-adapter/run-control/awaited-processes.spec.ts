import { strict as assert } from 'node:assert';
import type { Hart } from '../../emulator/types';
import { AwaitedProcesses, type ContextSwitches } from './awaited-processes';
import type { StopPolicy } from './stop-policy';
import { RUN_ON, type StopReport } from './stops';

const RESUMES = 0x80002000n;
const sh = { pid: 2, slot: 1, name: 'sh' };

function made(other?: StopReport): { awaited: AwaitedProcesses; at: (pc: bigint) => StopReport | undefined } {
  const judge: StopPolicy = {
    addresses: () => new Set([0x80000010n]),
    appliesTo: () => false,
    decideAt: () => ({ ...RUN_ON, report: other }),
    decide: () => RUN_ON,
  };
  const around: ContextSwitches = { resumptions: () => [RESUMES], processOn: () => sh };
  const awaited = new AwaitedProcesses(judge, around);
  const at = (pc: bigint): StopReport | undefined => {
    const hart = { id: 1, pc } as Hart;
    const { report, record } = awaited.decideAt(hart);
    assert.deepEqual(awaited.decideAt(hart).report, report, 'deciding changes nothing');
    record();
    return report;
  };
  return { awaited, at };
}

describe('processes that are waited for', () => {
  it('cost nothing while there are none', () => {
    const { awaited, at } = made();
    assert.deepEqual([...awaited.addresses()], [0x80000010n]);
    assert.equal(awaited.appliesTo({} as Hart, RESUMES), false);
    assert.equal(at(RESUMES), undefined);
  });

  it('stop the hart that runs them, once', () => {
    const { awaited, at } = made();
    awaited.set(sh, true);
    assert.deepEqual([...awaited.addresses()], [0x80000010n, RESUMES]);
    assert.equal(awaited.appliesTo({} as Hart, RESUMES), true);
    assert.equal(at(0x80000010n), undefined);
    assert.equal(at(RESUMES)?.description, 'pid 2 sh runs');
    assert.equal(awaited.awaits(sh), false);
    assert.equal(at(RESUMES), undefined);
  });

  it('are told apart by slot and pid', () => {
    const { awaited, at } = made();
    awaited.set({ pid: 3, slot: 1 }, true);
    awaited.set({ pid: 2, slot: 2 }, true);
    assert.equal(at(RESUMES), undefined);
    assert.equal(awaited.awaits({ pid: 3, slot: 1 }), true);
  });

  it('leave other stops as they are', () => {
    const other: StopReport = { hart: 1, reason: 'breakpoint', hitBreakpointIds: [7] };
    const { awaited, at } = made(other);
    awaited.set(sh, true);
    assert.equal(at(RESUMES), other);
    assert.equal(awaited.awaits(sh), false);
  });

  it('are waited for no more when told so', () => {
    const { awaited, at } = made();
    awaited.set(sh, true);
    awaited.set(sh, false);
    assert.equal(at(RESUMES), undefined);
  });
});
