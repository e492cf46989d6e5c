import { Mstatus } from '../../../emulator/isa/csr-bits';
import { Csr } from '../../../emulator/isa/csrs';
import { X } from '../../../emulator/isa/registers';
import { strict as assert } from 'node:assert';
import { Mode } from '../../../emulator/types';
import { TestProgram } from '../../testing/program';
import { MappedProgram } from '../../code/mapped-program';
import { runTo, oneInstruction, threadOn, untilUser, type StepContext, type StepCondition } from './step-plan';
import { FakeHart } from '../../testing/fake-machine';

const SPP = BigInt(Mstatus.spp);
const SRET = 0x3ffffff100n;

/** Two harts, which run the processes that the spec assigns. */
function setUp() {
  const harts = [new FakeHart(0), new FakeHart(1)] as const;
  const runs = new Map<number, string>();
  const context: StepContext = {
    image: new MappedProgram(new TestProgram()),
    harts,
    imageAt: () => undefined,
    read: () => () => undefined,
    below: () => undefined,
    processKey: (hart) => runs.get(hart.id),
    trapReturns: [SRET],
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
  return { context, harts, stand };
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
    const trap = { hart: 0, interrupt: true, cause: 7, tval: 0n, epc: SRET, from: 1, to: 3 } as const;
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

describe('a thread of execution in a user program', () => {
  const ecall = { hart: 0, interrupt: false, cause: 8, tval: 0n, epc: 0x100n, from: 0, to: 1 } as const;

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
