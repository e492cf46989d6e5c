/**
 * A machine for the specs of run control: its harts execute functions by address; at an address without one they only move
 * on by four bytes. It stops, counts and skips as the contract in emulator/types.ts says.
 */
import type { Hart, MachineApi, Mode, Observer, RunLimit, Stop, TrapEvent, Watch } from '../../emulator/types';
import { type Instant, Phase } from '../../emulator/history/instant';
import type { MachineEvents, Listeners, Subscription } from '../../emulator/types';
import type { HostClock } from '../../emulator/run-loop';

export class FakeHart implements Hart {
  pc = 0x1000n;
  mode: Mode = 1;
  waiting = false;
  spinning = false;
  retired = 0;
  get steps(): number {
    return this.retired;
  }
  readonly translating = false;
  readonly registers: bigint[] = Array.from({ length: 32 }, () => 0n);
  readonly csrs = new Map<number, bigint>();

  constructor(readonly id: number) {}

  x(register: number): bigint {
    return register === 0 ? 0n : this.registers[register]!;
  }
  setX(register: number, value: bigint): void {
    this.registers[register] = value;
  }
  f(): bigint {
    return 0n;
  }
  csr(address: number): bigint | undefined {
    return this.csrs.get(address);
  }
  setCsr(address: number, value: bigint): boolean {
    this.csrs.set(address, value);
    return true;
  }
}

export type Instruction = (hart: FakeHart) => void;

export class FakeMachine implements MachineApi {
  readonly harts: FakeHart[];
  readonly options = { harts: 1, memory: 1 << 20, kernel: new Uint8Array(), legacyVirtio: true };
  now = 0;
  time = 0;
  executed = 0;
  current = 0;
  private shares: { observer: Observer; addresses: Set<bigint>; watches: Watch[] }[] = [];
  /** The instruction at an address; without an entry it only moves on to the next. */
  readonly program = new Map<bigint, Instruction>();
  /** Traps to take, by hart, at its next instruction; the handler is at `vector`. */
  readonly pending = new Map<number, TrapEvent>();
  vector = 0x9000n;
  /** Until when waiting harts have nothing to do. */
  dueAt = Infinity;
  input = '';
  private passed = new Map<number, bigint>();
  private asked = new Set<TrapEvent>();
  readonly memory = {
    dramBase: 0n,
    dramSize: 1n << 20n,
    bytes: new Uint8Array(1 << 20),
    read(address: bigint, length: number): Uint8Array | undefined {
      const at = Number(address);
      return at + length <= this.bytes.length ? this.bytes.slice(at, at + length) : undefined;
    },
    readInto(address: bigint, bytes: Uint8Array): boolean {
      const found = this.read(address, bytes.length);
      if (found) bytes.set(found);
      return found !== undefined;
    },
    write(address: bigint, bytes: Uint8Array): boolean {
      this.bytes.set(bytes, Number(address));
      return true;
    },
    readU64(address: bigint): bigint | undefined {
      return new DataView(this.bytes.buffer).getBigUint64(Number(address), true);
    },
  };

  constructor(harts = 1) {
    this.harts = Array.from({ length: harts }, (_, id) => new FakeHart(id));
  }

  /** Which tables are followed makes no difference: specs tell of stores to them by `tell`. */
  subscribe(observer: Observer): Subscription {
    const share = { observer, addresses: new Set<bigint>(), watches: [] as Watch[] };
    this.shares.push(share);
    return {
      setAddresses: (addresses) => (share.addresses = new Set(addresses)),
      setWatches: (watches) => (share.watches = [...watches]),
      followTables: () => undefined,
      followedTables: () => [],
      end: () => (this.shares = this.shares.filter((other) => other !== share)),
    };
  }

  get watches(): Watch[] {
    return this.shares.flatMap(({ watches }) => watches);
  }

  /** Tells all who listen; true if one of them wants to stop. */
  tell<Name extends keyof MachineEvents>(name: Name, event: MachineEvents[Name]): boolean {
    return this.shares.filter(({ observer }) => (observer as Listeners)[name]?.(event)).length > 0;
  }

  run(limit: RunLimit): Stop {
    let stepped = 0;
    for (let left = limit.instructions; left > 0; left--) {
      if (this.harts.every((hart) => hart.waiting)) {
        if (this.now < this.dueAt) return { kind: 'idle', until: this.dueAt };
        for (const hart of this.harts) hart.waiting = false;
      }
      this.current = (this.current + 1) % this.harts.length;
      const hart = this.harts[this.current]!;
      if (hart.waiting) continue;
      if (this.passed.get(hart.id) !== hart.pc) {
        const event = { hart: hart.id, pc: hart.pc, time: this.time };
        const told = this.shares.filter(({ addresses }) => addresses.has(hart.pc));
        this.passed.set(hart.id, hart.pc);
        if (told.filter(({ observer }) => observer.execute?.(event)).length > 0)
          return { kind: 'breakpoint', ...event };
      }
      const trap = this.pending.get(hart.id);
      if (trap) {
        const event = { ...trap, epc: hart.pc };
        if (!this.asked.has(trap) && this.tell('trap', event)) {
          this.asked.add(trap);
          return { kind: 'trap', event };
        }
        this.pending.delete(hart.id);
        hart.csrs.set(0x141, hart.pc);
        hart.pc = this.vector;
      } else {
        const { pc } = hart;
        const instruction = this.program.get(pc);
        instruction?.(hart);
        if (hart.pc === pc && !hart.waiting) hart.pc += 4n;
        hart.retired++;
      }
      this.passed.delete(hart.id);
      this.executed++;
      if (limit.hart?.id === hart.id && ++stepped === limit.hart.instructions) return { kind: 'step', hart: hart.id };
    }
    return { kind: 'budget' };
  }

  idleUntil(tick: number): void {
    this.now = Math.max(this.now, tick);
  }
  consoleInput(bytes: Uint8Array): void {
    this.input += new TextDecoder().decode(bytes);
  }
  reset(): void {
    for (const hart of this.harts) hart.pc = 0x1000n;
  }
  readonly instant: Instant = { inputs: 0, time: 0, phase: Phase.arrived };
  readonly inputs = { count: 0, since: () => [], through: () => [] };
  apply(): boolean {
    throw new Error('no spec of run control writes through the machine');
  }
  replay(): void {
    throw new Error('no spec of run control replays');
  }
  save(): never {
    throw new Error('no spec of run control saves');
  }
  restore(): never {
    throw new Error('no spec of run control restores');
  }
  stateHash(): string {
    return '';
  }
}

/** Instructions that the machine executes in a millisecond of the fake clock. */
const SPEED = 10_000;

/** A clock and its timers, which a spec moves by hand. Executing takes time too. */
export class FakeClock implements HostClock {
  time = 0;
  private executed = 0;
  private turns: { at: number; action: () => void }[] = [];

  constructor(private readonly machine: FakeMachine) {}

  now(): number {
    this.time += (this.machine.executed - this.executed) / SPEED + 0.001;
    this.executed = this.machine.executed;
    return this.time;
  }
  soon(action: () => void): void {
    this.turns.push({ at: this.time, action });
  }
  later(milliseconds: number, action: () => void): () => void {
    const turn = { at: this.time + milliseconds, action };
    this.turns.push(turn);
    return () => {
      this.turns = this.turns.filter((other) => other !== turn);
    };
  }
  /** Runs the next timer and moves time to it. Returns false if there is none. */
  turn(): boolean {
    const next = this.turns.sort((a, b) => a.at - b.at).shift();
    if (!next) return false;
    this.time = Math.max(this.time, next.at);
    next.action();
    return true;
  }
}
