import assert from 'node:assert/strict';
import { type HostClock, RunLoop, type RunLoopClient, isSilent } from './run-loop';
import type { RunLimit, Stop } from './types';

/** Instructions in a millisecond of the host: mostly, of a guest in its hot loops, and of two that rewrite their code. */
const SPEED = 100_000;
const FAST = 1_000_000;
const SLOW = 8_000;
const SLOWEST = 50;
const TICKS_PER_MILLISECOND = 10_000;

/** A host whose time passes as the machine executes, and by `turn`. */
class FakeHost implements HostClock {
  time = 0;
  private turns: { at: number; action: () => void }[] = [];

  now = (): number => this.time;
  soon(action: () => void): void {
    this.turns.push({ at: this.time, action });
  }
  later(milliseconds: number, action: () => void): () => void {
    const turn = { at: this.time + milliseconds, action };
    this.turns.push(turn);
    return () => (this.turns = this.turns.filter((other) => other !== turn));
  }
  /** Runs what is due next; false if there is nothing. */
  turn(): boolean {
    const next = this.turns.sort((a, b) => a.at - b.at).shift();
    if (next === undefined) return false;
    this.time = Math.max(this.time, next.at);
    next.action();
    return true;
  }
  get pending(): number {
    return this.turns.length;
  }
}

function setUp(client: Partial<RunLoopClient> = {}, paced = true) {
  const host = new FakeHost();
  const machine = {
    now: 0,
    speed: SPEED,
    /** Computes until this tick, and then waits for the next of `events`. */
    events: [] as number[],
    budgets: [] as number[],
    limits: [] as RunLimit[],
    run(limit: RunLimit): Stop {
      machine.limits.push(limit);
      const [until] = machine.events;
      if (until !== undefined && until > machine.now) return { kind: 'idle', until };
      if (until !== undefined) machine.events.shift();
      machine.budgets.push(limit.instructions);
      host.time += limit.instructions / machine.speed;
      return { kind: 'budget' };
    },
    idleUntil(tick: number): void {
      machine.now = Math.max(machine.now, tick);
    },
  };
  const errors: unknown[] = [];
  const rests: number[] = [];
  const loop: RunLoop = new RunLoop(
    machine,
    host,
    {
      ran: () => undefined,
      betweenSlices: (rest) => rests.push(rest),
      failed: (error) => {
        errors.push(error);
        loop.stop();
      },
      ...client,
    },
    paced,
  );
  return { host, machine, loop, errors, rests };
}

describe('the run loop', () => {
  it('comes back to the host every few milliseconds, however fast the machine is', () => {
    const { host, loop } = setUp();
    loop.start();
    for (let i = 0; i < 50; i++) {
      const before = host.time;
      host.turn();
      assert.ok(host.time - before < 8, `a slice of ${host.time - before} ms`);
    }
    assert.ok(host.time > 100, 'and wastes little');
  });

  it('comes back soon also when a fast guest slows down from one instruction to the next', () => {
    const { host, machine, loop } = setUp();
    loop.start();
    for (let i = 0; i < 50; i++) {
      machine.speed = i % 10 === 9 ? SLOW : FAST;
      const before = host.time;
      host.turn();
      assert.ok(host.time - before < 60, `a slice of ${host.time - before} ms`);
    }
  });

  it('runs longer at a time for a client that does not have to respond', () => {
    for (const [largestBudget, expected] of [
      [undefined, 400_000],
      [1_600_000, 1_600_000],
    ] as const) {
      const { host, machine, loop } = setUp(largestBudget === undefined ? {} : { largestBudget });
      machine.speed = 100 * FAST;
      loop.start();
      for (let i = 0; i < 5; i++) host.turn();
      assert.equal(Math.max(...machine.budgets), expected);
    }
  });

  it('comes back soon where the guest is very slow, from the start and once it has become so', () => {
    for (const warmUp of [[], [FAST, FAST, SLOWEST]]) {
      const { host, machine, loop } = setUp();
      loop.start();
      for (machine.speed of warmUp) host.turn();
      machine.speed = SLOWEST;
      for (let i = 0; i < 10; i++) {
        const start = host.time;
        host.turn();
        assert.ok(host.time - start < 50, `a slice of ${host.time - start} ms`);
      }
    }
  });

  it('runs a fixed number of instructions at a time where it is not paced', () => {
    const { host, machine, loop } = setUp({}, false);
    loop.start();
    for (let i = 0; i < 10; i++) host.turn();
    assert.deepEqual([...new Set(machine.budgets)], [1_000_000]);
  });

  it('lets time pass at once where it is not paced', () => {
    const { host, machine, loop, rests } = setUp({}, false);
    machine.events = [50_000_000, 100_000_000];
    loop.start();
    while (machine.events.length > 0) host.turn();
    assert.equal(machine.now, 100_000_000);
    assert.ok(rests.every((rest) => rest === 0));
    assert.ok(host.time < 50, `${host.time} ms`);
  });

  it('lets time pass with the wall clock where it is paced', () => {
    const { host, machine, loop } = setUp();
    machine.events = [2000 * TICKS_PER_MILLISECOND];
    loop.start();
    let turns = 0;
    while (machine.events.length > 0 && host.turn()) turns++;
    assert.ok(Math.abs(host.time - 2000) < 100, `${host.time} ms`);
    assert.ok(turns < 8, `${turns} turns: the host rests meanwhile`);
  });

  it('does not wait for what is due within a millisecond', () => {
    const { host, machine, loop } = setUp();
    machine.events = [100, 200, 300];
    loop.start();
    host.turn();
    assert.deepEqual(machine.events, []);
  });

  it('sleeps where nothing will wake the guest, and looks at once when something has come in', () => {
    const { host, machine, loop, rests } = setUp();
    machine.events = [Infinity];
    loop.start();
    host.turn();
    host.turn();
    assert.deepEqual(rests, [1, 1000]);
    const { time } = host;
    machine.events = [];
    loop.wake();
    host.turn();
    assert.ok(host.time - time < 8);
    assert.equal(host.pending, 1, 'the wait was called off');
  });

  it('does not run on once it is stopped, from wherever', () => {
    for (const when of ['ran', 'betweenSlices'] as const) {
      const { host, machine, loop } = setUp({ [when]: () => loop.stop() });
      loop.start();
      host.turn();
      assert.deepEqual([loop.running, host.pending, machine.limits.length > 0], [false, 0, true]);
    }
    const { host, loop } = setUp();
    loop.start();
    loop.stop();
    loop.start();
    host.turn();
    host.turn();
    assert.equal(host.pending, 1, 'what was stopped does not come again');
  });

  it('passes on what to step, and what was thrown', () => {
    const hart = { id: 2, instructions: 1 };
    const { host, machine, loop, errors } = setUp({
      limit: () => ({ hart }),
      ran: () => {
        throw new Error('no');
      },
    });
    loop.start();
    host.turn();
    assert.deepEqual(machine.limits[0]!.hart, hart);
    assert.equal((errors[0] as Error).message, 'no');
    assert.equal(loop.running, false);
  });

  it('tells a guest that sleeps for ever', () => {
    assert.ok(isSilent({ kind: 'idle', until: Infinity }));
    assert.ok(!isSilent({ kind: 'idle', until: 5 }));
    assert.ok(!isSilent({ kind: 'budget' }));
  });
});
