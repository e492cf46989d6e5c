import { strict as assert } from 'node:assert';
import type { TrapEvent } from '../../emulator/types';
import { Runner } from './runner';
import { TestProgram } from '../testing/program';
import { MappedProgram } from '../code/mapped-program';
import type { StepContext, StepPlan } from './stepping/step-plan';
import { reachAddress, stepInstruction } from './stepping/stepping';
import { RUN_ON, type Ended, type StopReport } from './stops';
import { FakeClock, FakeMachine } from '../testing/fake-machine';

function setUp(machine = new FakeMachine()) {
  const clock = new FakeClock(machine);
  const wanted = new Set<bigint>();
  const stops: StopReport[] = [];
  const ends: Ended[] = [];
  let resets = 0;
  const runner = new Runner(
    machine,
    {
      addresses: () => wanted,
      appliesTo: () => true,
      decideAt: (hart) => ({
        ...RUN_ON,
        report: wanted.has(hart.pc) ? { hart: hart.id, reason: 'breakpoint' } : undefined,
      }),
      decide: (stop) => ({
        ...RUN_ON,
        report: stop.kind === 'trap' ? { hart: stop.event.hart, reason: 'exception' } : undefined,
      }),
    },
    clock,
    {
      failed: String,
      stopped: (report) => stops.push(report),
      logged: () => undefined,
      ended: (how) => ends.push(how),
      reset: () => resets++,
      betweenSlices: () => undefined,
    },
  );
  const ground: StepContext = {
    image: new MappedProgram(new TestProgram()),
    harts: machine.harts,
    imageAt: () => undefined,
    read: () => (address, length) => machine.memory.read(address, length),
    below: () => undefined,
    processKey: () => undefined,
    trapReturns: [],
    switchReturns: [],
    end: () => undefined,
    lastTrap: () => undefined,
    systemCall: () => undefined,
    isSystemCall: () => false,
    stepIntoKernel: true,
  };
  /** Runs timers until the machine stops, at most so many. */
  const settle = (most = 1000): void => {
    for (let turns = 0; runner.running && turns < most; turns++) if (!clock.turn()) break;
  };
  return { resets: () => resets, machine, clock, wanted, stops, ends, runner, ground, settle };
}

const timer: TrapEvent = { hart: 0, interrupt: true, cause: 5, tval: 0n, epc: 0n, from: 1, to: 1 };

describe('run control', () => {
  it('stops at a breakpoint, and goes on from it', () => {
    const { machine, wanted, stops, runner, settle } = setUp();
    machine.program.set(0x1010n, (hart) => (hart.pc = 0x1000n));
    wanted.add(0x1008n);
    runner.start();
    settle();
    assert.deepEqual(stops, [{ hart: 0, reason: 'breakpoint' }]);
    assert.equal(machine.harts[0]!.pc, 0x1008n);
    const before = machine.harts[0]!.retired;
    runner.start();
    settle();
    assert.equal(stops.length, 2);
    assert.equal(machine.harts[0]!.retired, before + 5);
  });

  it('answers a pause between slices of an endless loop', () => {
    const { machine, stops, runner, clock } = setUp();
    machine.program.set(0x1004n, (hart) => (hart.pc = 0x1000n));
    runner.start();
    for (let turn = 0; turn < 5; turn++) assert.ok(clock.turn());
    runner.pause({ hart: 0, reason: 'pause' });
    assert.deepEqual(stops, [{ hart: 0, reason: 'pause' }]);
    const { executed } = machine;
    while (clock.turn());
    assert.equal(machine.executed, executed);
  });

  it('lets a waiting guest sleep by the wall clock', () => {
    const { machine, clock, runner } = setUp();
    machine.program.set(0x1000n, (hart) => {
      hart.waiting = true;
      machine.dueAt = machine.now + 1_000_000;
    });
    machine.program.set(0x1004n, (hart) => (hart.pc = 0x1000n));
    runner.start();
    let turns = 0;
    while (clock.time < 1000 && clock.turn()) turns++;
    // An interrupt every 100 ms of virtual time: ten of them in a second, and hardly more timers than that.
    assert.ok(Math.abs(machine.now - 10_000_000) < 200_000, `${machine.now} ticks in a second`);
    assert.ok(turns < 40, `${turns} turns`);
  });

  it('sleeps for ever where only input can wake the guest, and wakes for it', () => {
    const { machine, clock, runner } = setUp();
    machine.program.set(0x1000n, (hart) => (hart.waiting = true));
    runner.start();
    for (let turn = 0; turn < 5; turn++) clock.turn();
    const { time } = clock;
    assert.ok(time > 2000, 'looks only now and then');
    machine.harts[0]!.waiting = false;
    machine.harts[0]!.pc = 0x2000n;
    runner.wake();
    clock.turn();
    assert.ok(machine.harts[0]!.retired > 1);
    assert.ok(clock.time < time + 100);
  });

  it('stops at what is observed before a trap is taken, and takes it when it goes on', () => {
    const { machine, stops, runner, settle } = setUp();
    let watch = true;
    machine.subscribe({ trap: () => watch });
    machine.pending.set(0, timer);
    runner.start();
    settle();
    assert.equal(stops[0]?.reason, 'exception');
    assert.equal(machine.harts[0]!.pc, 0x1000n);
    watch = false;
    runner.start(reachAddress(0x9000n));
    settle();
    assert.equal(machine.harts[0]!.pc, 0x9000n);
  });

  it('runs an interrupt through in a step', () => {
    const { machine, stops, runner, ground, settle } = setUp();
    machine.program.set(0x9008n, (hart) => (hart.pc = hart.csr(0x141)!));
    machine.pending.set(0, timer);
    runner.start(stepInstruction(ground, 0, false));
    settle();
    assert.deepEqual(stops, [{ hart: 0, reason: 'step' }]);
    assert.equal(machine.harts[0]!.pc, 0x1004n);
    assert.equal(machine.harts[0]!.retired, 4);
  });

  it('lets time pass after a whole pass of a hart that spins, up to what the hart then executes', () => {
    const { machine, runner, settle } = setUp();
    const hart = machine.harts[0]!;
    hart.spinning = true;
    machine.program.set(0x1004n, ({ id }) => (machine.harts[id]!.pc = 0x1000n));
    const executes: unknown[] = [];
    const run = machine.run.bind(machine);
    machine.run = (limit) => {
      assert.equal(limit.hart?.instructions, 1);
      executes.push(limit.hart.executes === true);
      return run(limit);
    };
    function* forSix(): StepPlan {
      for (let i = 0; i < 6; i++) yield { kind: 'instruction', hart: 0 };
      return 0;
    }
    runner.start(forSix());
    settle();
    assert.deepEqual(executes, [false, false, false, true, false, false]);
  });

  it('steps over a call by its return address, through recursion', () => {
    const { machine, stops, runner, ground, settle } = setUp();
    const hart = machine.harts[0]!;
    hart.setX(2, 0x8000n);
    // jal ra, 0x2000 at 0x1000; the function calls itself once, with a smaller stack.
    machine.memory.bytes.set([0xef, 0x00, 0x10, 0x00], 0x1000);
    const returns: bigint[] = [];
    const call = (): void => {
      returns.push(hart.pc + 4n);
      hart.setX(1, hart.pc + 4n);
      hart.setX(2, hart.x(2) - 16n);
      hart.pc = 0x2000n;
    };
    machine.program.set(0x1000n, call);
    machine.program.set(0x2000n, () => {
      if (hart.x(2) > 0x7fe0n) hart.pc = 0x1000n;
    });
    machine.program.set(0x2008n, () => {
      hart.setX(2, hart.x(2) + 16n);
      hart.pc = returns.pop()!;
    });
    machine.program.set(0x1004n, () => {
      if (hart.x(2) < 0x8000n) hart.pc = 0x2008n;
    });
    runner.start(stepInstruction(ground, 0, true));
    settle();
    assert.deepEqual(stops, [{ hart: 0, reason: 'step' }]);
    assert.equal(hart.pc, 0x1004n);
    assert.equal(hart.x(2), 0x8000n);
  });

  it('a breakpoint on the way ends a step', () => {
    const { machine, wanted, stops, runner, settle } = setUp(new FakeMachine(2));
    machine.harts[1]!.pc = 0x5000n;
    wanted.add(0x5008n);
    runner.start(reachAddress(0x1100n));
    settle();
    assert.deepEqual(stops, [{ hart: 1, reason: 'breakpoint' }]);
  });

  it('boots again where the guest resets the machine, and tells', () => {
    const { machine, wanted, stops, resets, runner, settle } = setUp();
    const run = machine.run.bind(machine);
    machine.run = () => {
      machine.run = run;
      return { kind: 'reset' };
    };
    wanted.add(0x1008n);
    runner.start();
    settle();
    assert.equal(resets(), 1);
    assert.deepEqual(stops, [{ hart: 0, reason: 'breakpoint' }]);
  });

  it('survives a machine that throws', () => {
    const { machine, stops, runner, settle } = setUp();
    machine.program.set(0x1004n, () => {
      throw new Error('a defect');
    });
    runner.start();
    settle();
    assert.match(stops[0]?.text ?? '', /a defect/);
    assert.equal(runner.running, false);
  });
});
