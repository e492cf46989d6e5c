/**
 * An interactive session is done again by its log alone: whatever was typed, slept through and written by a debugger, and
 * wherever it stopped, another machine comes by the same states at the same instants, in any tier and any slices, from power
 * on and from a checkpoint. REPLAY_POINTS sets how many instants are compared.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { imageOf } from '../testing/disk-image';
import { Csr } from '../isa/csrs';
import { Machine } from '../machine';
import { busyGuest } from '../testing/busy-guest';
import { setBreakpoints } from '../testing/breakpoints';
import { Random } from '../testing/random';
import { TIERS, warmUp } from '../testing/tiers';
import {
  type BlockImage,
  type Checkpoint,
  type LoggedInput,
  type MachineInput,
  type MachineOptions,
  Mode,
  type Subscription,
} from '../types';
import type { Instant } from './instant';

const POINTS = Number(process.env.REPLAY_POINTS ?? 1000);
/** Instants compared of one session. */
const SESSION = 40;

const GUEST = busyGuest();

/** Where the session was, and how it stood there. */
interface Point {
  instant: Instant;
  hash: string;
}

function machineOf(options: MachineOptions): Machine {
  const machine = new Machine(options);
  if (options.acceleration === 'mixed') warmUp(machine);
  return machine;
}

const emptyDisk = (): BlockImage => ({ sectors: 64, readOnly: false, read: (_, into) => void into.fill(0) });

/** A user at the console and at the debugger, by chance. */
class Session {
  points: Point[] = [];
  /** Checkpoints, with the number of points that lie before. */
  checkpoints: { checkpoint: Checkpoint; points: number }[] = [];
  private readonly watcher: Subscription;
  private listener: Subscription | undefined;

  constructor(
    private readonly random: Random,
    readonly machine: Machine,
  ) {
    this.watcher = machine.subscribe({ data: () => this.random.chance(50) });
  }

  /** Does something; most often runs on. */
  act(): void {
    const { machine, random } = this;
    const hart = random.below(machine.harts.length);
    const action = random.below(104);
    if (action >= 103 && this.checkpoints.length > 0) {
      this.goBack(random.pick(this.checkpoints));
    } else if (action >= 99) {
      this.checkpoints.push({ checkpoint: machine.save(), points: this.points.length });
    } else if (action < 40) {
      this.run(random.pick([1, 2, 10, 300, 5000]));
    } else if (action < 50) {
      machine.run({ instructions: 2000, hart: { id: hart, instructions: random.between(1, 3) } });
    } else if (action < 58) {
      setBreakpoints(
        machine,
        GUEST.code.filter(() => random.chance(25)),
      );
    } else if (action < 62) {
      setBreakpoints(machine, []);
    } else if (action < 70) {
      this.observe();
    } else if (action < 72) {
      this.watcher.setWatches([]);
    } else if (action < 74) {
      this.watcher.setWatches([{ address: random.pick([...GUEST.data, ...GUEST.leaves]), length: 8, access: 'write' }]);
    } else if (action < 84) {
      machine.consoleInput(Uint8Array.from({ length: random.between(1, 3) }, () => random.between(65, 90)));
    } else {
      machine.apply(this.write(hart));
    }
    this.points.push({ instant: machine.instant, hash: machine.stateHash() });
  }

  /** Nobody looks at the machine any more. */
  leave(): void {
    setBreakpoints(this.machine, []);
    this.watcher.end();
    this.listener?.end();
  }

  /** Stands where it stood; what the session did from there is no part of it any more. */
  goBack({ checkpoint, points }: { checkpoint: Checkpoint; points: number }): void {
    this.machine.restore(checkpoint);
    this.machine.replay([]);
    this.points = this.points.slice(0, points);
    this.checkpoints = this.checkpoints.filter((other) => other.points <= points);
  }

  /** Runs on to a stop. What the wall clock lets pass of idle time is left to chance. */
  private run(instructions: number): void {
    const { machine, random } = this;
    const stop = machine.run({ instructions: random.between(1, instructions) });
    if (stop.kind !== 'idle' || stop.until === Infinity) return;
    const until = random.chance(50) ? stop.until : random.between(machine.now, stop.until);
    machine.idleUntil(until);
  }

  private observe(): void {
    const { machine, random } = this;
    this.listener?.end();
    const stops = (percent: number) => () => random.chance(percent);
    if (random.chance(30)) return;
    this.listener = machine.subscribe({
      trap: stops(random.pick([0, 20, 100])),
      ...(random.chance(50) && { trapReturn: stops(30), csrWrite: stops(30), execute: stops(0) }),
      satpWrite: stops(30),
      fence: stops(30),
      device: stops(10),
    });
    this.listener.setAddresses(GUEST.code.filter(() => random.chance(25)));
  }

  private write(hart: number): MachineInput {
    const { random } = this;
    const here = this.machine.harts[hart]!;
    return random.pick<() => MachineInput>([
      () => ({ kind: 'pc', hart, value: random.pick([...GUEST.code, here.pc, here.pc + 4n]) }),
      () => ({ kind: 'register', hart, register: random.between(5, 9), value: random.word() }),
      () => ({ kind: 'csr', hart, csr: Csr.satp, value: random.pick(GUEST.satps) }),
      () => ({ kind: 'csr', hart, csr: Csr.stimecmp, value: BigInt(this.machine.now + random.between(-50, 500)) }),
      () => ({ kind: 'csr', hart, csr: Csr.sstatus, value: random.pick([0n, 2n, 0x102n]) }),
      () => ({ kind: 'csr', hart, csr: random.pick([Csr.sip, Csr.sie]), value: random.pick([0x222n, 2n, 0n]) }),
      () => ({ kind: 'mode', hart, mode: random.pick([Mode.Supervisor, Mode.Supervisor, Mode.Machine, Mode.User]) }),
      () => ({ kind: 'memory', address: random.pick(GUEST.data), bytes: Uint8Array.of(random.below(256)) }),
      () => this.leafCleared(random.pick(GUEST.leaves)),
      () => (random.chance(20) ? { kind: 'reset' } : { kind: 'console', bytes: Uint8Array.of(42) }),
    ])();
  }

  /** A and D are to be set again. */
  private leafCleared(address: bigint): MachineInput {
    const flags = this.machine.memory.read(address, 1)![0]!;
    return { kind: 'memory', address, bytes: Uint8Array.of(flags & 0x3f) };
  }
}

/** Runs to the points in turn, in slices by chance, and compares. */
function compare(machine: Machine, points: readonly Point[], random: Random): void {
  const slice = random.pick([Infinity, Infinity, 3, 100, 1000]);
  points.forEach(({ instant, hash }, index) => {
    let stop;
    do stop = machine.run({ instructions: slice === Infinity ? Infinity : random.between(1, slice), to: instant });
    while (!same(machine.instant, instant) && stop.kind === 'budget');
    assert.deepEqual(machine.instant, instant, `point ${index}`);
    assert.equal(machine.stateHash(), hash, `point ${index} at ${JSON.stringify(instant)}`);
  });
}

const same = (a: Instant, b: Instant): boolean => a.inputs === b.inputs && a.time === b.time && a.phase === b.phase;

const describeLog = (log: readonly LoggedInput[]): string =>
  JSON.stringify(log, (_, value: unknown) => (typeof value === 'bigint' ? `0x${value.toString(16)}` : value));

describe('a session', function () {
  this.timeout(POINTS * 100);

  const perRun = POINTS / SESSION / 2;
  for (const harts of [1, 3]) {
    it(`with ${harts} harts is done again by its log, from power on and from a checkpoint`, () => {
      for (let seed = 1; seed <= perRun; seed++) {
        const random = new Random(seed * 2 + harts);
        const options = { harts, memory: 2 ** 20, legacyVirtio: false, kernel: GUEST.kernel, seed: random.below(3) };
        const newMachine = (): Machine =>
          machineOf({ ...options, disk: emptyDisk(), acceleration: random.pick(TIERS) });
        const session = new Session(random, newMachine());
        session.machine.run({ instructions: random.between(1, 20_000) });
        while (session.points.length < SESSION) session.act();
        const log = session.machine.inputs.since(0);
        try {
          const again = newMachine();
          again.replay(log);
          compare(again, session.points, random);
          // Inputs come in of themselves, wherever the run is to end.
          const farther = newMachine();
          farther.replay(log);
          compare(farther, session.points.slice(-1), random);
          if (session.checkpoints.length === 0) continue;
          const { checkpoint, points } = random.pick(session.checkpoints);
          const later = newMachine();
          later.restore(checkpoint);
          later.replay(log.slice(checkpoint.instant.inputs));
          compare(later, session.points.slice(points), random);
          // The very machine of the session goes back, to and fro.
          session.leave();
          for (const place of [session.checkpoints[0]!, random.pick(session.checkpoints)]) {
            session.machine.restore(place.checkpoint);
            compare(session.machine, session.points.slice(place.points), random);
          }
        } catch (error) {
          throw new Error(`seed ${seed}, log ${describeLog(log)}`, { cause: error });
        }
      }
    });
  }
});

describe('the sample kernel', function () {
  this.timeout(60_000);

  for (const harts of [1, 3]) {
    it(`with ${harts} harts does again what was typed, from power on and from its prompt`, () => {
      const prebuilt = join(__dirname, '../../sample/prebuilt');
      const disk = imageOf(new Uint8Array(readFileSync(join(prebuilt, 'fs.img'))));
      const kernel = new Uint8Array(readFileSync(join(prebuilt, 'kernel')));
      const options = { harts, memory: 128 * 2 ** 20, legacyVirtio: false, kernel, disk };
      const machine = new Machine(options);
      const points: Point[] = [];
      const run = (instructions: number): void => {
        for (const end = machine.executed + instructions; machine.executed < end;) {
          const stop = machine.run({ instructions: Math.min(333_333, end - machine.executed) });
          if (stop.kind === 'idle') machine.idleUntil(Math.min(stop.until, machine.now + 12_345));
        }
        points.push({ instant: machine.instant, hash: machine.stateHash() });
      };
      run(8_000_000);
      const checkpoint = machine.save();
      for (const line of ['ls\n', 'echo hello > file; cat file\n']) {
        machine.consoleInput(new TextEncoder().encode(line));
        run(3_000_000);
      }
      machine.restore(checkpoint);
      compare(machine, points.slice(1), new Random(1));
      const again = new Machine(options);
      again.replay(machine.inputs.since(0));
      compare(again, points, new Random(2));
    });
  }
});
