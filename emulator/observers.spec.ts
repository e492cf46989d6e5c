/** Several parties observe one machine: each hears of all that it asked for, in every tier, and none disturbs the run. */
import assert from 'node:assert/strict';
import { Csr } from './isa/csrs';
import { Machine } from './machine';
import { Assembler, BASE, R, call, csrr, csrw, laidOut, ret, times, toSupervisor } from './testing/guests';
import { TIERS, type Tier, warmUp } from './testing/tiers';
import { type DataEvent, type MachineEvents, Mode, type Observer, type Watch } from './types';

const { s0, s1, t0, t1, t2 } = R;
const DATA = BASE + 0x1_0000;
const PASSES = 400;
const SIE = 2;
/** Ticks from one timer interrupt to the next. */
const PERIOD = 40;

/**
 * In S-mode: takes a lock as kernels do, counts in a function, releases the lock and makes a call of the environment, whose
 * handler goes on after it; interrupted by the timer.
 */
function guest(): Assembler {
  const a = new Assembler();
  csrw(a.li(t0, 1n << 63n), Csr.menvcfg, t0);
  csrw(a.li(t0, 2), Csr.mcounteren, t0);
  toSupervisor(a, 0n);
  csrw(a.la(t0, 'trap'), Csr.stvec, t0);
  csrw(a.li(t0, PERIOD), Csr.stimecmp, t0);
  csrw(a.li(t0, 0x20), Csr.sie, t0);
  a.li(s1, DATA);
  times(a, s0, PASSES, 'pass', () => {
    a.label('disable').op('csrrci', { rd: t0, rs1: SIE, imm: Csr.sstatus });
    call(a, 'count');
    a.op('csrrsi', { rs1: SIE, imm: Csr.sstatus });
    csrw(a, Csr.sscratch, s0);
    a.op('ecall');
  });
  a.label('halt').to('halt', 'jal');
  ret(
    a
      .label('count')
      .op('ld', { rd: t1, rs1: s1 })
      .op('addi', { rd: t1, rs1: t1, imm: 1 })
      .op('sd', { rs1: s1, rs2: t1 }),
  );
  a.label('trap');
  csrr(a, t2, Csr.scause).to('interrupt', 'blt', { rs1: t2 });
  csrr(a, t2, Csr.sepc).op('addi', { rd: t2, rs1: t2, imm: 4 });
  csrw(a, Csr.sepc, t2).op('sret');
  csrr(a.label('interrupt'), t2, Csr.time).op('addi', { rd: t2, rs1: t2, imm: PERIOD });
  return csrw(a, Csr.stimecmp, t2).op('sret');
}

const PROGRAM = guest();
const KERNEL = laidOut(PROGRAM);
const INSTRUCTIONS = PASSES * 40;
const at = (name: string): bigint => BigInt(PROGRAM.addressOf(name));

function boot(acceleration: Tier = 'mixed', harts = 1): Machine {
  const options = { harts, memory: 2 ** 21, legacyVirtio: false, kernel: KERNEL, acceleration };
  const machine = new Machine(options);
  if (acceleration === 'mixed') warmUp(machine);
  return machine;
}

function runOut(machine: Machine, slice = Infinity): string {
  while (machine.executed < INSTRUCTIONS)
    machine.run({ instructions: Math.min(slice, INSTRUCTIONS - machine.executed) });
  return machine.stateHash();
}

const NAMES = ['execute', 'trap', 'trapReturn', 'csrWrite', 'data'] as const;

/** Writes down all events, and the time of each; stops at those of which `stops` says so. */
function recorder(
  machine: Machine,
  lines: string[],
  stops: (name: keyof MachineEvents) => boolean = () => false,
): Observer {
  const text = (value: unknown): string =>
    JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? part.toString(16) : part));
  return Object.fromEntries(
    NAMES.map((name) => [
      name,
      (event: MachineEvents[typeof name]) => {
        lines.push(`${machine.executed} ${name} ${text(event)}`);
        return stops(name);
      },
    ]),
  );
}

const watch = (access: Watch['access'], address = DATA): Watch => ({ address: BigInt(address), length: 8, access });

/** All events of a run, and the state at its end. */
function observed(
  tier: Tier,
  slice: number,
  stops?: (name: keyof MachineEvents) => boolean,
): { lines: string[]; hash: string } {
  const machine = boot(tier);
  const lines: string[] = [];
  const own = machine.subscribe(recorder(machine, lines, stops));
  own.setAddresses([at('count'), at('disable')]);
  own.setWatches([watch('write')]);
  return { lines, hash: runOut(machine, slice) };
}

describe('observers', function () {
  this.timeout(60_000);
  const unobserved = runOut(boot('interp'));

  it('hear of every event once, alike in every tier, and change nothing', () => {
    const first = observed('interp', Infinity);
    const count = (pattern: RegExp): number => first.lines.filter((line) => pattern.test(line)).length;
    assert.equal(count(/ execute /), 2 * PASSES);
    assert.equal(count(/ data /), PASSES);
    const interrupts = count(/ trap .*"interrupt":true/);
    assert.ok(interrupts > 10, `${interrupts} interrupts`);
    assert.equal(count(/ trap /), PASSES + interrupts);
    assert.equal(count(/ trapReturn /), PASSES + interrupts + 1);
    // Before the loop: ten in M-mode, three in S-mode; a pass writes sstatus twice, sscratch and sepc.
    assert.equal(count(/ csrWrite /), 10 + 3 + 4 * PASSES + interrupts);
    assert.equal(first.hash, unobserved);
    for (const tier of TIERS) {
      for (const slice of [Infinity, 997, 1]) {
        const other = observed(tier, slice);
        assert.deepEqual(other.lines, first.lines, `${tier} by ${slice}`);
        assert.equal(other.hash, unobserved);
      }
    }
  });

  it('hear the same when each of the events stops the machine', () => {
    const first = observed('interp', Infinity);
    for (const tier of TIERS) {
      const other = observed(tier, Infinity, () => true);
      assert.deepEqual(other.lines, first.lines, tier);
      assert.equal(other.hash, unobserved);
    }
  });

  it('may come and go at any time', () => {
    for (const tier of TIERS) {
      const machine = boot(tier);
      const lines: string[] = [];
      for (let part = 1; part <= 8; part++) {
        const own = part % 2 === 0 ? machine.subscribe(recorder(machine, lines)) : undefined;
        own?.setAddresses([at('count')]);
        own?.setWatches([watch('readWrite')]);
        while (machine.executed < (INSTRUCTIONS * part) / 8) machine.run({ instructions: 100 });
        const heard = lines.length;
        if (own) assert.ok(heard > 0);
        own?.end();
        lines.length = 0;
      }
      runOut(machine);
      assert.deepEqual(lines, []);
      assert.equal(machine.stateHash(), unobserved);
    }
  });

  it('may come and go from within a listener', () => {
    const machine = boot('jit');
    let rounds = 0;
    let heard = 0;
    const listen = (): boolean => {
      rounds++;
      own.end();
      own = machine.subscribe({ execute: listen, csrWrite: () => ++heard < 0 });
      own.setAddresses([at('count')]);
      return false;
    };
    let own = machine.subscribe({ execute: listen });
    own.setAddresses([at('count')]);
    assert.equal(runOut(machine), unobserved);
    assert.equal(rounds, PASSES);
    assert.ok(heard > 3 * PASSES);
  });

  it('share addresses and bytes without taking anything from each other', () => {
    const machine = boot();
    const heard = [0, 0, 0];
    const shared = watch('write');
    const owners = heard.map((_, index) => {
      const own = machine.subscribe({
        execute: () => ++heard[index]! < 0,
        data: (event) => {
          assert.equal(event.watch, shared);
          return ++heard[index]! < 0;
        },
      });
      own.setAddresses([at('count')]);
      own.setWatches([shared]);
      return own;
    });
    machine.run({ instructions: INSTRUCTIONS / 4 });
    assert.deepEqual(heard, [heard[0], heard[0], heard[0]]);
    assert.ok(heard[0]! > PASSES / 4);
    const before = heard[0];
    owners[0]!.end();
    owners[0]!.setAddresses([at('count')]);
    owners[0]!.setWatches([shared]);
    owners[1]!.setAddresses([]);
    owners[1]!.setWatches([]);
    runOut(machine);
    assert.deepEqual(heard, [before, before, 2 * PASSES]);
  });

  it('stop the machine once for what several of them want', () => {
    const machine = boot();
    const heard = { execute: [0, 0, 0], trap: [0, 0, 0] };
    const stops = { execute: 0, trap: 0 };
    for (const index of [0, 1, 2]) {
      const own = machine.subscribe({
        execute: () => ++heard.execute[index]! > 0 && index < 2,
        trap: () => ++heard.trap[index]! > 0 && index > 0,
      });
      own.setAddresses([at('count')]);
    }
    for (let i = 0; i < 60; i++) {
      const { kind } = machine.run({ instructions: 1000 });
      stops[kind === 'breakpoint' ? 'execute' : 'trap']++;
      for (const name of ['execute', 'trap'] as const)
        assert.deepEqual(heard[name], [stops[name], stops[name], stops[name]]);
    }
    assert.ok(stops.execute > 20 && stops.trap > 20);
  });

  it('are told of an execution at which a step has ended, and may stop there, once', () => {
    const machine = boot();
    const told: bigint[] = [];
    const own = machine.subscribe({ execute: ({ pc }) => told.push(pc) > 0 });
    own.setAddresses([at('disable'), at('disable') + 4n]);
    machine.run({ instructions: 1000 });
    assert.deepEqual(told, [at('disable')]);
    const step = { instructions: 1, hart: { id: 0, instructions: 1 } };
    assert.equal(machine.run(step).kind, 'step');
    assert.deepEqual(told, [at('disable')]);
    assert.equal(machine.run(step).kind, 'breakpoint');
    assert.deepEqual(told, [at('disable'), at('disable') + 4n]);
    assert.equal(machine.run(step).kind, 'step');
    assert.deepEqual(told, [at('disable'), at('disable') + 4n]);
  });

  it('hear of watched bytes even if others were no memory', () => {
    const machine = boot();
    const events: DataEvent[] = [];
    const own = machine.subscribe({ data: (event) => events.push(event) < 0 });
    const kept = watch('read');
    own.setWatches([kept]);
    const wrong = watch('write', 0x10);
    assert.throws(() => own.setWatches([watch('write'), wrong]), RangeError);
    machine.run({ instructions: INSTRUCTIONS / 2 });
    assert.ok(events.length > 0);
    assert.ok(events.every((event) => event.watch === kept));
    own.setWatches([]);
    events.length = 0;
    assert.ok(machine.memory.watches.none);
    runOut(machine);
    assert.deepEqual(events, []);
  });

  it('live on after a reset and in a state that is restored', () => {
    const machine = boot();
    const lines: string[] = [];
    const own = machine.subscribe(recorder(machine, lines));
    own.setAddresses([at('count')]);
    own.setWatches([watch('write')]);
    machine.run({ instructions: INSTRUCTIONS / 2 });
    const saved = machine.save();
    const half = lines.length;
    runOut(machine);
    const all = [...lines];
    lines.length = 0;
    machine.reset();
    runOut(machine);
    assert.deepEqual(lines, all);
    lines.length = 0;
    machine.restore(saved);
    assert.equal(runOut(machine), unobserved);
    assert.deepEqual(lines, all.slice(half));
  });

  it('see the mode and the place to which a trap returns', () => {
    const machine = boot();
    const returns: MachineEvents['trapReturn'][] = [];
    machine.subscribe({ trapReturn: (event) => returns.push(event) > 0 });
    const stop = machine.run({ instructions: 1000 });
    assert.deepEqual(stop, { kind: 'trapReturn', event: returns[0] });
    const { pc, ...rest } = returns[0]!;
    assert.deepEqual(rest, { hart: 0, from: Mode.Machine, to: Mode.Supervisor, target: at('supervisor') });
    assert.equal(pc, at('supervisor') - 4n);
    assert.equal(machine.harts[0]!.pc, at('supervisor'));
  });

  it('see what a CSR was and is, also where nothing is changed', () => {
    const machine = boot();
    const writes: MachineEvents['csrWrite'][] = [];
    machine.subscribe({ csrWrite: (event) => writes.push(event) > 0 && event.csr === Csr.sscratch });
    const stop = machine.run({ instructions: 1000 });
    const last = { hart: 0, csr: Csr.sscratch, before: 0n, after: BigInt(PASSES) };
    assert.deepEqual({ ...writes.at(-1), pc: undefined }, { ...last, pc: undefined });
    assert.deepEqual(stop, { kind: 'csrWrite', event: writes.at(-1) });
    assert.equal(machine.harts[0]!.pc, writes.at(-1)!.pc + 4n);
    const mstatus = writes.filter(({ csr }) => csr === Csr.mstatus);
    assert.deepEqual(
      mstatus.map(({ before, after }) => [before & 0x1800n, after & 0x1800n]),
      [
        [0n, 0n],
        [0n, 0x800n],
      ],
    );
  });

  it('hear of no execution after another has taken that from them, in the same instruction', () => {
    const code = new Assembler().op('addi').label('here').op('addi').label('halt').to('halt', 'jal');
    const machine = new Machine({ harts: 1, memory: 2 ** 20, legacyVirtio: false, kernel: laidOut(code) });
    const told: string[] = [];
    const first = machine.subscribe({
      execute: () => {
        told.push('first');
        second.setAddresses([]);
        return false;
      },
    });
    const second = machine.subscribe({ execute: () => told.push('second') > 0 });
    const here = [BigInt(code.addressOf('here'))];
    first.setAddresses(here);
    second.setAddresses(here);
    assert.deepEqual([machine.run({ instructions: 10 }).kind, told], ['budget', ['first']]);
  });
});
