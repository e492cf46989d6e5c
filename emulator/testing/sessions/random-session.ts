/**
 * A session of a user at the console and at the debugger, by chance: it types, runs, steps, sets breakpoints, watches, writes
 * registers and memory, and goes back to where it was. Whatever is said of a run by its log alone is tried on such sessions.
 */
import { Csr } from '../../isa/csrs';
import type { Instant } from '../../history/instant';
import { Machine } from '../../machine';
import { type BlockImage, type Checkpoint, type MachineInput, type MachineOptions, Mode } from '../../types';
import type { Subscription } from '../../types';
import { setBreakpoints } from '../breakpoints';
import { busyGuest } from './busy-guest';
import type { Random } from '../random';
import { warmUp } from '../tiers';

export const GUEST = busyGuest();

/** Where the session was, how it stood there, and all that those who observe the machine had been told. */
export interface Point {
  instant: Instant;
  hash: string;
  told: number;
}

/** Listens to whatever belongs to the run, from now on, and never stops it. */
export class Witness {
  /** A hash of it. */
  told = 0;
  readonly leave: () => void;

  constructor(machine: Machine) {
    const hear = (kind: number) => (event: { hart?: number; shown?: true; cause?: number }) => {
      const { hart = 9, shown, cause = 0 } = event;
      if (!shown) this.told = (Math.imul(this.told, 31) + kind * 1000 + hart * 100 + cause) | 0;
      return false;
    };
    const listener = machine.subscribe({
      ...{ trap: hear(1), execute: hear(2), satpWrite: hear(3), fence: hear(4), device: hear(5) },
      ...{ trapReturn: hear(6), csrWrite: hear(7), data: hear(8) },
    });
    listener.setAddresses(GUEST.code.filter((_, index) => index % 3 === 0));
    listener.setWatches([{ address: GUEST.data[0]!, length: 8, access: 'write' }]);
    this.leave = () => listener.end();
  }
}

/** In tier `mixed` it translates early, so that short runs go to and fro between the tiers. */
export function machineOf(options: MachineOptions): Machine {
  const machine = new Machine(options);
  if (options.acceleration === 'mixed') warmUp(machine);
  return machine;
}

export const emptyDisk = (): BlockImage => ({ sectors: 64, readOnly: false, read: (_, into) => void into.fill(0) });

/** A checkpoint, and how many points lie before it. */
export interface Place {
  checkpoint: Checkpoint;
  points: number;
  told: number;
}

/** A user at the console and at the debugger, by chance. */
export class Session {
  points: Point[] = [];
  checkpoints: Place[] = [];
  private readonly watcher: Subscription;
  readonly witness: Witness;
  private listener: Subscription | undefined;

  constructor(
    private readonly random: Random,
    readonly machine: Machine,
    private readonly how = { goesBack: true },
  ) {
    this.watcher = machine.subscribe({ data: () => this.random.chance(50) });
    this.witness = new Witness(machine);
  }

  /** Does something; most often runs on. */
  act(): void {
    const { machine, random } = this;
    const hart = random.below(machine.harts.length);
    const action = random.below(104);
    if (action >= 103 && this.how.goesBack && this.checkpoints.length > 0) {
      this.goBack(random.pick(this.checkpoints));
    } else if (action >= 99) {
      this.checkpoints.push({ checkpoint: machine.save(), points: this.points.length, told: this.witness.told });
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
    this.points.push({ instant: machine.instant, hash: machine.stateHash(), told: this.witness.told });
  }

  /** Nobody looks at the machine any more. */
  leave(): void {
    setBreakpoints(this.machine, []);
    this.watcher.end();
    this.witness.leave();
    this.listener?.end();
  }

  /** Stands where it stood; what the session did from there is no part of it any more. */
  goBack({ checkpoint, points, told }: Place): void {
    this.machine.restore(checkpoint);
    this.witness.told = told;
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
      () => ({ kind: 'float', hart, register: random.below(32), value: random.word() }),
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
