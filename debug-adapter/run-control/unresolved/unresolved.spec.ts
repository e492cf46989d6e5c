import { strict as assert } from 'node:assert';
import { Cause } from '../../../emulator/isa/causes';
import { Phase } from '../../../emulator/history/instant';
import { PTE, pteOf } from '../../../emulator/isa/sv39';
import { Mode, type TrapEvent } from '../../../emulator/types';
import { FakeMachine } from '../../testing/fake-machine';
import { type Finding, type RunningProcess, Unresolved } from './unresolved';

const ROOT = 0x8700_0000n;
const INIT: RunningProcess = { pid: 1, name: 'init', pagetable: 0x8600_0000n };
const PROGRAM: RunningProcess = { pid: 3, name: 'ls', parentName: 'sh', parentPid: 2, size: 0x4000n, pagetable: ROOT };

const fault = (fields: Partial<TrapEvent> = {}): TrapEvent => ({
  ...{ hart: 0, interrupt: false, cause: Cause.storePageFault, tval: 0x2008n, epc: 0x100n },
  ...{ from: Mode.User, to: Mode.Supervisor },
  ...fields,
});

const NOTHING = { error: 'not-valid' } as const;
const leafOf = (pte: bigint) => ({ pte, pa: 0x8010_0000n, level: 0 });

/** A guest in which one process runs, whose entries are all missing, or `pte`. */
function setUp(process: RunningProcess | undefined = PROGRAM) {
  const machine = new FakeMachine();
  const [hart] = machine.harts;
  const guest = { table: ROOT as bigint | undefined, process, pte: 0n };
  const unresolved = new Unresolved();
  unresolved.bind(
    {
      tableOn: () => guest.table,
      processOn: () => guest.process,
      walk: (root, va) => ({ va, root, steps: [], ...(guest.pte ? { leaf: leafOf(guest.pte) } : NOTHING) }),
    },
    machine,
  );
  const carryOut = (find: () => Finding): string | undefined => {
    const { cause } = find();
    const again = find();
    assert.deepEqual(again.cause, cause, 'finding alone changes nothing');
    again.record();
    return cause?.unresolved?.outcome;
  };
  return {
    ...{ machine, hart: hart!, guest, unresolved },
    /** The trap at a time; what is to be told there. */
    trap: (event: TrapEvent, time: number): string | undefined => {
      machine.time = time;
      Object.assign(machine.instant, { time, phase: Phase.attempted });
      return unresolved.trapped(event) ? carryOut(() => unresolved.atTrap(event)) : undefined;
    },
    returns: (target: bigint, to = Mode.User) =>
      machine.tell('trapReturn', { hart: 0, pc: 0n, from: Mode.Supervisor, to, target }),
    exits: (status: number) => carryOut(() => unresolved.atKernel({ kind: 'exit', hart: 0, by: undefined, status })),
    panics: () => carryOut(() => unresolved.atKernel({ kind: 'panic', hart: 0, message: 'walk' })),
  };
}

describe('an exception', () => {
  it('is not resolved if its process is ended by the handler', () => {
    const run = setUp();
    assert.equal(run.trap(fault(), 10), undefined);
    assert.equal(run.exits(-1), 'not resolved: its handler ended pid 3 ls with status -1');
    assert.equal(run.exits(-1), undefined, 'told once');
    assert.match(run.trap(fault(), 10) ?? '', /not resolved/, 'known, for who comes by again');
    assert.equal(run.trap(fault(), 20), undefined);
  });

  it('is resolved once the process is back and gets on, whatever ends it then', () => {
    const run = setUp();
    run.trap(fault(), 10);
    run.returns(0x100n);
    run.hart.retired += 5;
    run.trap(fault({ cause: Cause.userEcall, epc: 0x120n }), 20);
    assert.equal(run.exits(1), undefined);
  });

  it('is in vain if it is raised again and again, with nothing in between but interrupts', () => {
    const run = setUp();
    const told: (string | undefined)[] = [];
    for (let time = 1; time <= 10; time++) {
      told.push(run.trap(fault(), time));
      run.returns(0x100n);
      if (time % 3 !== 0) continue;
      run.trap(fault({ interrupt: true, cause: 5 }), time);
      run.returns(0x100n);
    }
    assert.deepEqual(
      told.map((outcome) => outcome !== undefined),
      [...Array<boolean>(7).fill(false), true, false, false],
    );
    assert.match(told[7]!, /raised 8 times in a row/);
  });

  it('in vain says which bit of the page forbids it by now, and nothing where there is no page or it may', () => {
    const { V, R, W, U } = PTE;
    for (const [pte, said] of [
      [pteOf(0x8010_0000n, V | R | U), /in between; by now a page is mapped there, V R - - U - - -: W=0 forbids it$/],
      [pteOf(0x8010_0000n, V | R), /; by now a page is mapped there, V R - - - - - -: U=0, W=0 forbids it$/],
      [pteOf(0x8010_0000n, V | R | W | U), /in between$/],
      [0n, /in between$/],
    ] as const) {
      const run = setUp();
      run.guest.pte = pte;
      let told: string | undefined;
      for (let time = 10; time < 18; time++) {
        told = run.trap(fault(), time);
        run.returns(0x100n);
      }
      assert.match(told ?? '', said);
    }
  });

  it('is not in vain if the program gets on in between, as after each fork with copy-on-write', () => {
    const run = setUp();
    for (let time = 1; time <= 20; time++) {
      assert.equal(run.trap(fault(), time), undefined);
      run.returns(0x100n);
      run.hart.retired++;
    }
  });

  it('is not resolved if its handler panics; the kernel has its own, too', () => {
    const user = setUp();
    user.trap(fault(), 10);
    assert.equal(user.panics(), 'not resolved: its handler came to a panic: walk');
    const kernel = setUp(undefined);
    const own = { from: Mode.Supervisor, epc: 0x8000_0000n };
    kernel.trap(fault(own), 10);
    kernel.trap(fault({ ...own, epc: 0x8000_0100n }), 20);
    assert.match(kernel.panics() ?? '', /panic: walk/);
    kernel.trap(fault(own), 30);
    kernel.returns(0x8000_0004n, Mode.Supervisor);
    assert.equal(kernel.panics(), undefined, 'the handler went on after the instruction');
  });

  it('is not told again where the user was stopped at it', () => {
    const run = setUp();
    run.trap(fault(), 10);
    run.unresolved.shown(fault());
    assert.equal(run.exits(-1), undefined);
  });

  it('of a forked child is told if its parent then complains', () => {
    for (const status of [0, 1]) {
      const run = setUp({ ...PROGRAM, pid: 5, name: 'sh', tval: 0 } as RunningProcess);
      run.trap(fault({ tval: 0x8000_0000n }), 10);
      assert.equal(run.exits(-1), undefined);
      run.guest.process = { ...INIT, pid: 2, name: 'sh' };
      const told = run.exits(status);
      if (status === 0) assert.equal(told, undefined);
      else assert.match(told ?? '', /ended pid 5 sh with status -1; its parent, pid 2 sh, then exited with status 1/);
    }
  });

  it('is kept with the state of the run, but what is known of it is not forgotten', () => {
    const run = setUp();
    run.trap(fault(), 10);
    const saved = run.unresolved.save();
    run.exits(-1);
    run.unresolved.restore(saved);
    assert.deepEqual(run.unresolved.save(), saved);
    assert.equal(run.exits(-1), undefined);
    run.unresolved.forgetAfter({ inputs: 0, time: 5, phase: Phase.arrived });
    run.unresolved.restore(saved);
    assert.match(run.exits(-1) ?? '', /ended pid 3/, 'in another future it may come otherwise');
  });
});
