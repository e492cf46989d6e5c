import { Mstatus } from '../../../emulator/isa/csr-bits';
import { Csr } from '../../../emulator/isa/csrs';
import { X } from '../../../emulator/isa/registers';
import { strict as assert } from 'node:assert';
import { Mode } from '../../../emulator/types';
import { TestProgram } from '../../testing/program';
import { MappedProgram } from '../../code/mapped-program';
import { CannotArrive, whileItLives } from './ended';
import {
  runTo,
  oneInstruction,
  threadOn,
  untilUser,
  type ProgramTrap,
  type StepContext,
  type StepCondition,
} from './step-plan';
import { FakeHart } from '../../testing/fake-machine';

const SPP = BigInt(Mstatus.spp);
const SRET = 0x3ffffff100n;
const SWITCHED = 0x80002000n;

/** Two harts, which run the processes that the spec assigns. */
function setUp() {
  const harts = [new FakeHart(0), new FakeHart(1)] as const;
  const runs = new Map<number, string>();
  const ended = new Set<string>();
  const last: { trap?: ProgramTrap } = {};
  const context: StepContext = {
    image: new MappedProgram(new TestProgram()),
    harts,
    imageAt: () => undefined,
    read: () => () => undefined,
    below: () => undefined,
    processKey: (hart) => runs.get(hart.id),
    trapReturns: [SRET],
    switchReturns: [SWITCHED],
    end: (process) => (ended.has(process) ? 'it has exited' : undefined),
    lastTrap: () => last.trap,
    systemCall: () => undefined,
    isSystemCall: () => false,
    stepIntoKernel: true,
  };
  const stand = (id: 0 | 1, process: string | undefined, mode: Mode, pc: bigint, sp: bigint, satp = 1n): FakeHart => {
    const hart = harts[id];
    if (process === undefined) runs.delete(id);
    else runs.set(id, process);
    hart.mode = mode;
    hart.pc = pc;
    hart.setX(X.sp, sp);
    hart.csrs.set(Csr.satp, satp);
    hart.csrs.set(Csr.sstatus, mode === Mode.Supervisor && pc === SRET ? 0n : SPP);
    return hart;
  };
  return { context, harts, stand, ended, last };
}

type Reach = Extract<StepCondition, { kind: 'reach' }>;

function reach(want: unknown): Reach {
  assert.equal((want as StepCondition).kind, 'reach');
  return want as Reach;
}

const AT = 0x80001000n;
const STACK = 0x3fffffd000n;

describe('a thread of execution in the kernel', () => {
  it('is waited for by its stack and its process, on any hart', () => {
    const { context, harts, stand } = setUp();
    stand(0, 'a', Mode.Supervisor, 0x80000000n, STACK);
    const plan = runTo(context, threadOn(context, harts[0]), AT);
    const want = reach(plan.next().value);
    assert.ok(want.addresses.includes(AT));
    assert.equal(want.accept(stand(1, 'a', Mode.Supervisor, AT, STACK - 16n)), false, 'a deeper call');
    assert.equal(want.accept(stand(1, 'b', Mode.Supervisor, AT, STACK)), false, 'the next process in the slot');
    assert.equal(want.accept(stand(1, 'a', Mode.User, AT, STACK)), false, 'the same address in a program');
    assert.equal(want.accept(stand(1, 'a', Mode.Supervisor, AT, STACK)), true);
    assert.deepEqual(plan.next({ hart: 1 }), { done: true, value: { hart: 1, left: false } });
  });

  it('has left once its process has returned to user mode', () => {
    const { context, harts, stand } = setUp();
    stand(0, 'a', Mode.Supervisor, 0x80000000n, STACK);
    const plan = runTo(context, threadOn(context, harts[0]), AT);
    const want = reach(plan.next().value);
    assert.equal(want.accept(stand(1, 'b', Mode.Supervisor, SRET, 0x3000n)), false, 'another process returns');
    const kernels = stand(1, 'a', Mode.Supervisor, SRET, STACK);
    kernels.csrs.set(Csr.sstatus, SPP);
    assert.equal(want.accept(kernels), false, 'to the kernel itself, from a nested trap');
    assert.equal(want.accept(stand(1, 'a', Mode.Supervisor, SRET, 0x3000n)), true);
    assert.deepEqual(plan.next({ hart: 1 }).value, { kind: 'instruction', hart: 1 });
    assert.deepEqual(plan.next({ hart: 1 }), { done: true, value: { hart: 1, left: true } });
  });

  it('waits on where an interrupt came in place of the sret', () => {
    const { context, stand } = setUp();
    stand(0, 'a', Mode.Supervisor, SRET, 0x3000n);
    const plan = untilUser(context, 0);
    assert.deepEqual(plan.next().value, { kind: 'instruction', hart: 0 });
    const trap = { hart: 0, interrupt: true, cause: 7, tval: 0n, epc: SRET, from: 1, to: 3, sp: 0x3000n } as const;
    stand(0, 'a', Mode.Machine, 0x80000100n, 0x3000n);
    assert.ok(reach(plan.next({ hart: 0, trap }).value).addresses.includes(SRET));
    stand(1, 'a', Mode.Supervisor, SRET, 0x3000n);
    assert.deepEqual(plan.next({ hart: 1 }).value, { kind: 'instruction', hart: 1 });
    assert.deepEqual(plan.next({ hart: 1 }), { done: true, value: 1 });
  });

  it('is known by its stack alone where the kernel does not say which process runs', () => {
    const { context, harts, stand } = setUp();
    stand(0, undefined, Mode.Supervisor, 0x80000000n, STACK);
    const want = reach(runTo(context, threadOn(context, harts[0]), AT).next().value);
    assert.deepEqual(want.addresses, [AT]);
    assert.equal(want.accept(stand(1, undefined, Mode.Supervisor, AT, STACK)), true);
  });
});

describe('a hart that spins', () => {
  it('goes on after an interrupt where its loop begins, not where it was shown in it', () => {
    const { context, stand } = setUp();
    stand(0, undefined, Mode.Supervisor, AT + 0x20n, STACK);
    const plan = oneInstruction(context, 0, true);
    plan.next();
    const sp = STACK - 32n;
    const trap = { hart: 0, interrupt: true, cause: 5, tval: 0n, epc: AT, from: 1, to: 1, sp } as const;
    stand(0, undefined, Mode.Supervisor, 0x80000600n, sp - 256n);
    const want = reach(plan.next({ hart: 0, trap }).value);
    assert.equal(want.accept(stand(0, undefined, Mode.Supervisor, AT, sp)), true);
  });
});

describe('a thread of execution in a user program', () => {
  const ecall = { hart: 0, interrupt: false, cause: 8, tval: 0n, epc: 0x100n, from: 0, to: 1, sp: 0x3000n } as const;

  it('goes on behind its ecall, in its own address space', () => {
    const { context, stand } = setUp();
    stand(0, 'a', Mode.User, 0x100n, 0x3000n, 5n);
    const plan = oneInstruction(context, 0, true);
    assert.deepEqual(plan.next().value, { kind: 'instruction', hart: 0 });
    stand(0, 'a', Mode.Supervisor, 0x3ffffff000n, 0x3000n, 5n);
    const want = reach(plan.next({ hart: 0, trap: ecall }).value);
    assert.ok(want.addresses.includes(0x104n));
    const other = stand(1, 'b', Mode.User, 0x104n, 0x3000n, 6n);
    assert.equal(want.accept(other), false, 'the same address and stack in another program');
    assert.equal(want.concerns!(other), false);
    assert.equal(
      want.accept(stand(1, 'a', Mode.Supervisor, SRET, 0x3000n, 5n)),
      false,
      'a signal handler may come first',
    );
    assert.equal(want.accept(stand(1, 'a', Mode.User, 0x104n, 0x3000n, 5n)), true);
    assert.deepEqual(plan.next({ hart: 1 }), { done: true, value: { hart: 1, left: false } });
  });

  it('becomes another program by exec', () => {
    const { context, stand } = setUp();
    stand(0, 'a', Mode.User, 0x100n, 0x3000n, 5n);
    const plan = oneInstruction(context, 0, true);
    plan.next();
    stand(0, 'a', Mode.Supervisor, 0x3ffffff000n, 0x3000n, 5n);
    const want = reach(plan.next({ hart: 0, trap: ecall }).value);
    assert.equal(want.accept(stand(1, 'a', Mode.Supervisor, SRET, 0x4000n, 9n)), true);
    assert.deepEqual(plan.next({ hart: 1 }).value, { kind: 'instruction', hart: 1 });
    assert.deepEqual(plan.next({ hart: 1 }), { done: true, value: { hart: 1, left: true } });
  });

  it('enters the kernel where an exception is not to be run through', () => {
    const { context, stand } = setUp();
    stand(0, 'a', Mode.User, 0x100n, 0x3000n, 5n);
    const plan = oneInstruction(context, 0, false);
    plan.next();
    assert.deepEqual(plan.next({ hart: 0, trap: ecall }), { done: true, value: { hart: 0, left: false } });
  });
});

describe('a program that its kernel diverts', () => {
  const ecall = { hart: 0, interrupt: false, cause: 8, tval: 0n, epc: 0x100n, from: 0, to: 1, sp: 0x3000n } as const;
  const INTERRUPTED = 0x224n;

  /** A step over the ecall at 0x100, which has been taken. */
  function stepping() {
    const setup = setUp();
    const { context, stand, last } = setup;
    stand(0, 'a', Mode.User, 0x100n, 0x3000n, 5n);
    const plan = oneInstruction(context, 0, true);
    plan.next();
    stand(0, 'a', Mode.Supervisor, 0x3ffffff000n, 0x3000n, 5n);
    last.trap = { epc: ecall.epc, sp: 0x3000n };
    const want = reach(plan.next({ hart: 0, trap: ecall }).value);
    /** The hart is at the sret that brings its program to `pc`. */
    const returnTo = (pc: bigint, sp: bigint) => {
      const hart = stand(0, 'a', Mode.Supervisor, SRET, sp, 5n);
      hart.csrs.set(Csr.sepc, pc);
      return hart;
    };
    /** It has executed it. */
    const execute = (pc: bigint, sp: bigint) => {
      assert.equal(want.accept(returnTo(pc, sp)), true);
      assert.deepEqual(plan.next({ hart: 0 }).value, { kind: 'instruction', hart: 0 });
      stand(0, 'a', Mode.User, pc, sp, 5n);
      return plan.next({ hart: 0 });
    };
    return { ...setup, plan, want, returnTo, execute };
  }

  it('goes on elsewhere for good once a system call has put another trap frame in the place of its own', () => {
    const { execute } = stepping();
    assert.deepEqual(execute(INTERRUPTED, 0x3040n), { done: true, value: { hart: 0, left: true } });
  });

  it('comes back from a handler that is called first, and then arrives', () => {
    const { context, last, execute } = stepping();
    const program = new TestProgram(0n);
    program.addFunction('handler', 0x400n, 0x440n, undefined);
    context.imageAt = () => new MappedProgram(program);
    // Interrupted on its way, deeper in a call.
    last.trap = { epc: INTERRUPTED, sp: 0x2f00n };
    assert.equal(execute(0x400n, 0x2f00n).done, false, 'the handler is called');
    last.trap = { epc: 0x420n, sp: 0x2ee0n };
    assert.equal(execute(INTERRUPTED, 0x2f00n).done, false, 'what it interrupted goes on');
    last.trap = { epc: 0x104n, sp: 0x3000n };
    assert.equal(execute(0x400n, 0x3000n).done, false, 'it is called where the step will arrive');
    last.trap = { epc: 0x420n, sp: 0x2fe0n };
    assert.deepEqual(execute(0x104n, 0x3000n), { done: true, value: { hart: 0, left: false } });
  });

  it('is not diverted by a trap that it goes on from', () => {
    const { last, want, returnTo } = stepping();
    assert.equal(want.accept(returnTo(0x104n, 0x3000n)), false, 'after the ecall');
    last.trap = { epc: INTERRUPTED, sp: 0x2f00n };
    assert.equal(want.accept(returnTo(INTERRUPTED, 0x2f00n)), false, 'an interrupt, deeper in a call');
    assert.equal(want.accept(returnTo(INTERRUPTED, 0x2f10n)), true);
  });
});

describe('a step of a process that ends', () => {
  it('is over where its hart has switched away for the last time, and says why', () => {
    const { context, harts, stand, ended } = setUp();
    const hart = stand(0, 'a', Mode.Supervisor, 0x80000000n, STACK);
    const waiting = runTo(context, threadOn(context, harts[0]), AT);
    const plan = whileItLives(
      context,
      'a',
      (function* () {
        return (yield* waiting).hart;
      })(),
    );
    const want = reach(plan.next().value);
    assert.ok(want.addresses.includes(SWITCHED));
    const scheduler = stand(0, undefined, Mode.Supervisor, SWITCHED, 0x80010000n);
    assert.equal(want.accept(scheduler), false, 'it sleeps');
    ended.add('a');
    assert.equal(want.accept(scheduler), true);
    assert.equal(want.concerns!(scheduler), true);
    assert.throws(
      () => plan.next({ hart: hart.id }),
      (error) => error instanceof CannotArrive && error.hart === 0 && /it has exited/.test(error.message),
    );
  });
});
