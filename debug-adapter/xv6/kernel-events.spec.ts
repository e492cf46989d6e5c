import assert from 'node:assert/strict';
import { Mode } from '../../emulator/types';
import { FakeHart } from '../testing/fake-machine';
import { openXv6 } from './kernel';
import { KernelEvents, type KernelEventKind } from './kernel-events';
import { guestKernel, PROC } from '../testing/xv6-kernel';

const TEXT = 0x80000600n;
const [A0, A1] = [10, 11];

/** Functions of 64 bytes each, in this order; allocproc returns in two places. */
function open(...functions: string[]) {
  const { program, proc } = guestKernel();
  const at = new Map<string, bigint>();
  functions.forEach((name, index) => {
    const low = TEXT + BigInt(64 * index);
    at.set(name, low);
    program.addFunction(name, low, low + 64n, undefined);
    for (let offset = 0n; offset < 64n; offset += 4n) program.poke(low + offset, 0x13n, 4);
    // c.ret between two halves of nops, and ret.
    program.poke(low + 8n, 0x8082n, 2);
    program.poke(low + 10n, 1n, 2);
    program.poke(low + 60n, 0x8067n, 4);
  });
  const events = new KernelEvents(openXv6(program, program.read), (_, address, length) =>
    program.read(address, length),
  );
  const hart = new FakeHart(1);
  const reached = (pc: bigint, a0 = 0n, a1 = 0n) => {
    hart.pc = pc;
    hart.setX(A0, a0);
    hart.setX(A1, a1);
    return events.at(hart);
  };
  const slot = (index: number): bigint => PROC + BigInt(index * proc.size);
  return { program, events, reached, hart, at: (name: string) => at.get(name)!, slot };
}

const only = (kind: KernelEventKind): ReadonlySet<KernelEventKind> => new Set([kind]);

describe("the kernel's own doings", () => {
  it('are seen at its functions, by the names of any year', () => {
    for (const [exec, exit] of [
      ['exec', 'exit'],
      ['kexec', 'kexit'],
    ] as const) {
      const { program, reached, at, slot } = open('swtch', 'allocproc', exec, exit, 'mappages');
      const sh = { pid: 3, name: 'sh' };
      program.poke(0x80001000n, '/bin/ls');
      assert.deepEqual(reached(at(exec), 0x80001000n), { kind: 'exec', hart: 1, by: sh, path: '/bin/ls' });
      assert.deepEqual(reached(at(exit), 0xffff_ffff_ffff_ffffn), { kind: 'exit', hart: 1, by: sh, status: -1 });
      const toInit = reached(at('swtch'), slot(2) + 40n, slot(0) + 40n);
      assert.deepEqual(toInit, { kind: 'switch', hart: 1, from: sh, to: { pid: 1, name: 'init' } });
      const toScheduler = reached(at('swtch'), slot(2) + 40n, 0x80018008n);
      assert.deepEqual(toScheduler, { kind: 'switch', hart: 1, from: sh, to: undefined });
      assert.deepEqual(reached(at('mappages'), 0x87f00000n), { kind: 'map', hart: 1, root: 0x87f00000n });
      assert.equal(reached(at('mappages') + 4n), undefined);
    }
  });

  it('see a process where it is returned, wherever that is', () => {
    const { events, reached, at, slot } = open('allocproc');
    const returns = [at('allocproc') + 8n, at('allocproc') + 60n];
    assert.deepEqual(events.addresses(only('create')), returns);
    assert.deepEqual(reached(returns[1]!, slot(0)), { kind: 'create', hart: 1, by: { pid: 3, name: 'sh' }, child: 1 });
    assert.equal(reached(returns[0]!, 0n), undefined, 'none was free');
  });

  it('are none of a user program at the same address', () => {
    const { reached, at, hart } = open('kexit');
    hart.mode = Mode.User;
    assert.equal(reached(at('kexit')), undefined);
  });

  it('say what is missing', () => {
    const { events } = open('kexec');
    assert.equal(events.missing('exec'), undefined);
    assert.equal(events.missing('panic'), undefined);
    assert.equal(events.missing('exit'), 'the kernel has no function kexit or exit');
    assert.equal(events.missing('switch'), 'the kernel has no function swtch');
    assert.deepEqual(events.addresses(only('switch')), []);
  });
});
