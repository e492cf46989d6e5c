import { strict as assert } from 'node:assert';
import { inspect } from 'node:util';
import { TrapLoops } from '../../emulator/dead-ends/trap-loops';
import { Mode, type State, type TrapEvent } from '../../emulator/types';
import { Programs } from '../code/programs';
import { GuestConsole } from '../launch/guest-console';
import { TrapLog } from '../stack/trap-log';
import { FakeClock, FakeMachine } from '../testing/fake-machine';
import { AwaitedProcesses } from './awaited-processes';
import { Breakpoints } from './breakpoints';
import { Catchpoints } from './catchpoints';
import { DataBreakpoints } from './data-breakpoints';
import { RunState, type Learner } from './run-state';
import { Runner } from './runner';
import { BreakpointPolicy } from './stop-policy';

const TRAP: TrapEvent = {
  hart: 1,
  interrupt: false,
  cause: 13,
  tval: 8n,
  epc: 16n,
  from: Mode.User,
  to: Mode.Supervisor,
};
const WRONG = 'a condition that fails';

/** One of each, and each has learned something. */
function setUp() {
  const machine = new FakeMachine();
  const evaluator = { condition: () => true, logText: (message: string) => message };
  const breakpoints = new Breakpoints();
  const data = new DataBreakpoints(evaluator, () => undefined);
  const catchpoints = new Catchpoints(() => {
    throw new Error(WRONG);
  });
  const context = { ...evaluator, programOn: () => undefined, hasBytes: () => false };
  const policy = new BreakpointPolicy(breakpoints, catchpoints, data, context);
  const sh = { pid: 2, slot: 1, name: 'sh' };
  const awaited = new AwaitedProcesses(policy, { resumptions: () => [0x2000n], processOn: () => sh });
  const listener = { failed: String, stopped: () => undefined, logged: () => undefined, ended: () => undefined };
  const runner = new Runner(machine, awaited, new FakeClock(machine), {
    ...{ ...listener, reset: () => undefined, betweenSlices: () => undefined },
  });
  const shown: string[] = [];
  const console = new GuestConsole((text) => shown.push(text));
  const traps = new TrapLog();
  const loops = new TrapLoops();
  const memory = machine.memory;
  const programs = new Programs([], {
    ...{ memory, executed: () => machine.executed, processName: () => undefined, differs: () => undefined },
  });

  const [first] = breakpoints.setInstructions([{ kind: 'instruction', address: 4n }]);
  Object.assign(first!, { hits: 3, reported: true });
  Object.assign(data.set([{ dataId: 'word', accessType: 'write' }])[0]!, { hits: 5 });
  catchpoints.set([{ filter: 'satp-write', condition: 'wrong' }]);
  catchpoints.decide({ kind: 'satpWrite', event: { hart: 0, pc: 0n, before: 0n, after: 1n } }).record();
  awaited.set(sh, true);
  machine.harts[0]!.pc = 0x2000n;
  awaited.decideAt(machine.harts[0]!).record();
  runner.seen(0);
  console.write(Uint8Array.of(0x61, 0xe2, 0x82));
  traps.taken({ ...TRAP, source: 7 }, 0x3fe0n, () => 0x3000n);
  loops.follow(TRAP, 16n, 5);
  programs.in(0x4000n);
  return { breakpoints, data, catchpoints, awaited, runner, console, traps, loops, programs, shown, sh };
}

type Parts = ReturnType<typeof setUp>;
const NAMES = [
  ...(['breakpoints', 'data', 'catchpoints', 'awaited', 'runner', 'console', 'traps', 'loops', 'programs'] as const),
];
const learner = (parts: Parts, name: (typeof NAMES)[number]): Learner => parts[name];

/** Fields that need not be there; see also `SavedState.text`. */
const OPTIONAL = new Set(['source']);

/** The state with one of its fields replaced, for each of its fields. */
function* damaged(state: State): Generator<State> {
  if (typeof state !== 'object' || state === null || state instanceof Uint8Array) {
    yield { damaged: true };
  } else if (Array.isArray(state)) {
    yield 'damaged';
    for (const [index, entry] of state.entries()) for (const bad of damaged(entry)) yield state.with(index, bad);
  } else {
    yield [];
    for (const [name, field] of Object.entries(state)) {
      for (const bad of damaged(field)) yield { ...state, [name]: bad };
      const without = Object.entries(state).filter(([other]) => other !== name);
      if (!OPTIONAL.has(name)) yield Object.fromEntries(without);
    }
  }
}

describe('what a run has taught the debugger', () => {
  for (const name of NAMES) {
    it(`is saved and restored: ${name}`, () => {
      const parts = setUp();
      const saved = learner(parts, name).save();
      const fresh = setUp();
      Object.assign(fresh.breakpoints.setInstructions([{ kind: 'instruction', address: 4n }])[0]!, { hits: 9 });
      fresh.data.set([{ dataId: 'word', accessType: 'write' }])[0]!.hits = 7;
      fresh.catchpoints.set([{ filter: 'satp-write', condition: 'wrong' }]);
      fresh.awaited.restore({ met: [] });
      fresh.console.write(new TextEncoder().encode(' more'));
      fresh.traps.clear();
      fresh.loops.clear();
      fresh.programs.in(0x5000n);
      learner(fresh, name).restore(saved);
      assert.deepEqual(learner(fresh, name).save(), saved);
    });

    it(`is refused by the name of the field where it is damaged, and nothing changes: ${name}`, () => {
      const parts = setUp();
      const part = learner(parts, name);
      const before = part.save();
      let cases = 0;
      for (const bad of damaged(before)) {
        assert.throws(() => part.restore(bad), /saved state of [a-z ]+(\.\w+|: expected a record)/, inspect(bad));
        assert.deepEqual(part.save(), before);
        cases++;
      }
      assert.ok(cases > 1);
    });
  }

  it('is restored as a whole or not at all', () => {
    const { breakpoints, traps, programs } = setUp();
    const run = new RunState({ breakpoints, guest: new RunState({ traps, programs }) });
    const saved = run.save() as { breakpoints: State; guest: { traps: State; programs: State } };
    const empty = { hits: [] };
    assert.throws(
      () => run.restore({ breakpoints: empty, guest: { traps: { spaces: [] }, programs: 3 } }),
      /programs: expected a record of fields, found number/,
    );
    assert.deepEqual(run.save(), saved);
    run.restore({ ...saved, breakpoints: empty });
    assert.equal(breakpoints.setInstructions([{ kind: 'instruction', address: 4n }])[0]!.hits, 0);
  });

  it('counts nothing of breakpoints that are set later, and forgets those that are gone', () => {
    const { breakpoints } = setUp();
    const saved = breakpoints.save();
    const [later] = breakpoints.setInstructions([{ kind: 'instruction', address: 8n }]);
    later!.hits = 2;
    breakpoints.restore(saved);
    assert.deepEqual([later!.hits, later!.reported], [0, false]);
  });

  it('awaits a process again that has come since, but none that the user waits for no more', () => {
    const { awaited, sh } = setUp();
    const other = { pid: 3, slot: 2 };
    awaited.set(other, true);
    assert.equal(awaited.awaits(sh), false);
    awaited.set(sh, true);
    const saved = awaited.save();
    awaited.decideAt({ id: 0, pc: 0x2000n } as never).record();
    assert.equal(awaited.awaits(sh), false);
    awaited.set(other, false);
    awaited.restore(saved);
    assert.deepEqual([awaited.awaits(sh), awaited.awaits(other)], [true, false]);
    assert.ok(awaited.addresses().has(0x2000n));
  });

  it('completes a character of the console that had come in part', () => {
    const { console, shown } = setUp();
    const saved = console.save();
    console.write(new TextEncoder().encode(' and more'));
    console.restore(saved);
    assert.deepEqual(shown, ['a\ufffd and more'], 'what was written is shown before');
    console.write(Uint8Array.of(0xac));
    assert.equal(console.attach(), 'a€');
  });
});
