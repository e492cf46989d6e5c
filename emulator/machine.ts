/**
 * QEMU's "virt" board put together: harts, memory, devices, and virtual time.
 *
 * Time is the number of executed instructions. Harts take turns on one host thread, and every slice that a hart runs ends
 * no later than the next event, so that the same start and the same inputs give the same run, whoever watches and
 * however often `run` comes back.
 */
import { InterruptCause } from './isa/causes';
import { MemoryAccess } from './cpu/access';
import { VirtualTime } from './scheduler/virtual-time';
import { CodeCache } from './jit/code-cache';
import { Executor } from './jit/executor';
import { SystemInstructions } from './cpu/system-instructions';
import { HartState } from './cpu/hart';
import { Cell, DRAM_BASE, MAX_HARTS, ROM_BASE, Status } from './layout';
import { SpinWaitDetector } from './scheduler/spin-wait';
import { handlerMode, interruptToTake, interruptible, takeTrap } from './cpu/traps';
import { Disk } from './devices/disk';
import { type VirtDevices, createVirtDevices, placeFirmware } from './devices/virt';
import { KernelError, type LoadedKernel, placeKernel, readKernel } from './elf-image';
import { type Instant, POWER_ON, Phase } from './history/instant';
import { NO_SUCH_RUN, Position } from './history/position';
import { copyOf, write } from './inputs';
import { MachineState } from './machine-state';
import { StateHash } from './history/state-hash';
import { DeviceMemory } from './mmu/device-memory';
import { GuestMemory, PageFlag } from './mmu/guest-memory';
import { AccessType, Mmu } from './mmu/mmu';
import { Tlb } from './mmu/tlb';
import { LoopWalk } from './scheduler/loop-walk';
import { Observers } from './observers';
import { Scheduler } from './scheduler/scheduler';
import type {
  AccessSize,
  Checkpoint,
  CsrEvent,
  Device,
  DeviceEvent,
  InputHistory,
  LoggedInput,
  MachineApi,
  MachineInput,
} from './types';
import type {
  MachineOptions,
  Observer,
  RunLimit,
  Stop,
  StoppedAt,
  Subscription,
  TrapEvent,
  TrapReturnEvent,
} from './types';
import { Mode } from './types';

export { KernelError };

/** The last two bytes of a page begin what has no record of its own there. */
function withLast(bits: Uint8Array): Uint8Array {
  bits[bits.length - 1]! |= 0x80;
  return bits;
}

/** Whose interrupts come through the PLIC, by their cause. */
const EXTERNAL: ReadonlyMap<number, Mode> = new Map([
  [InterruptCause.supervisorExternal, Mode.Supervisor],
  [InterruptCause.machineExternal, Mode.Machine],
]);

export class Machine implements MachineApi {
  readonly memory: GuestMemory;
  readonly harts: readonly HartState[];
  readonly disk: Disk | undefined;

  private readonly devices: VirtDevices;
  private readonly timed: readonly Device[];
  private readonly mmu: Mmu;
  private readonly tlb: Tlb;
  private readonly observers: Observers;
  private readonly code: CodeCache;
  private readonly kernel: LoadedKernel;
  private readonly executor: Executor;

  private readonly clock: VirtualTime;
  private readonly position: Position;
  private readonly state: MachineState;
  private readonly spinWaits: SpinWaitDetector;
  private readonly scheduler: Scheduler;
  private readonly loopWalk: LoopWalk;
  private stop: Stop | undefined;
  /** The turn ends with this slice. */
  private quantumOver = false;
  /** Inputs that came while a slice ran. */
  private readonly deferred: MachineInput[] = [];
  /** All harts wait, and nothing has come in since. */
  private idle = false;
  /** The next trap is not taken. */
  private holdsTrap = false;
  /** Where the machine last stopped for a hart: the hart goes on from there without stopping for the same again. */
  private resume: StoppedAt | undefined;

  /** By hart: the last execution that observers were told of, by its address and the hart's count of steps. */
  private readonly announced: { pc: bigint; steps: number }[] = [];

  /** Throws KernelError if the kernel cannot be run, RangeError for impossible options. */
  constructor(readonly options: Readonly<MachineOptions>) {
    const { harts, memory } = options;
    if (!Number.isInteger(harts) || harts < 1 || harts > MAX_HARTS)
      throw new RangeError(`${harts} harts asked for; the machine has 1 to ${MAX_HARTS}`);
    if (!Number.isInteger(memory) || memory < 2 ** 20 || memory > 3 * 2 ** 30 || memory % 2 ** 20 !== 0)
      throw new RangeError(`${memory} bytes of memory asked for; the machine has 1 MiB to 3 GiB, in whole MiB`);
    this.kernel = readKernel(options.kernel, BigInt(DRAM_BASE), memory);
    this.memory = new GuestMemory(memory);
    this.harts = Array.from({ length: harts }, (_, id) => new HartState(id, this.memory, this));
    this.clock = new VirtualTime(this.harts);
    this.position = new Position(this.clock);
    const tlb = (this.tlb = new Tlb(this.memory, harts));
    this.mmu = new Mmu(this.memory, tlb, this.harts);
    this.code = new CodeCache(this.memory, this.mmu, tlb, this.harts, this, options.acceleration ?? 'mixed');
    this.observers = new Observers(this.memory, tlb, this.harts, this);
    this.memory.beforeStore = (host, length) => this.storeToWatched(host, length);
    this.disk = options.disk && new Disk(options.disk);
    this.devices = createVirtDevices(
      {
        harts,
        memory: new DeviceMemory(this.memory),
        now: () => this.clock.ticks,
        setHartLine: (hart, line, level) => this.harts[hart]!.setLine(line, level),
      },
      {
        legacyVirtio: options.legacyVirtio,
        disk: this.disk,
        consoleOutput: options.consoleOutput,
        rtcEpoch: options.rtcEpoch,
        finish: (finish) => (this.stop = finish),
        timeWritten: () => this.harts.forEach((hart) => this.clock.timerWritten(hart, this.mtime())),
      },
    );
    this.timed = this.devices.devices.filter((device) => device.nextEvent !== undefined);
    const access = new MemoryAccess(this.memory, this.mmu, this.devices.devices, this);
    this.executor = new Executor(this.memory, this.code, access, new SystemInstructions(access, this), this);
    this.spinWaits = new SpinWaitDetector(this.harts, this.memory, this.mmu, this.executor);
    this.scheduler = new Scheduler(this.harts, options.seed ?? 0, this.spinWaits);
    this.state = new MachineState(this.clock, this.scheduler, this.devices.devices, this.harts);
    this.loopWalk = new LoopWalk(this.harts, this.memory, this.mmu, this.executor, (hart) =>
      this.observers.execute(hart, true),
    );
    this.powerOn();
  }

  get executed(): number {
    return this.clock.executed;
  }
  get now(): number {
    return this.clock.ticks;
  }
  get current(): number {
    return this.scheduler.hart;
  }

  get instant(): Instant {
    return this.position.instant;
  }
  get inputs(): InputHistory {
    return this.position.inputs;
  }

  run(limit: RunLimit): Stop {
    const { to } = limit;
    if (to !== undefined) this.position.checkAhead(to);
    this.stop = undefined;
    const shown = this.loopWalk.resume(limit);
    if (shown !== undefined) return shown;
    this.scheduler.refused.length = 0;
    this.idle = false;
    let left = limit.instructions;
    let hartLeft = limit.hart?.instructions ?? Infinity;
    while (left > 0) {
      const hart = this.choose(limit);
      if (hart === undefined) continue;
      if (!(hart instanceof HartState)) return hart;
      const own = hart.id === limit.hart?.id;
      const slice = Math.min(
        left,
        this.scheduler.left,
        this.nextEvent(to) - this.clock.time,
        own ? hartLeft : Infinity,
      );
      const used = this.runSlice(hart, slice);
      left -= used;
      if (own) hartLeft -= used;
      if (this.stop !== undefined) return this.stopped(hart);
      if (hartLeft <= 0) {
        this.stop = { kind: 'step', hart: hart.id };
        return this.stopped(hart);
      }
    }
    return { kind: 'budget' };
  }

  apply(input: MachineInput): boolean {
    if (this.clock.isRunning) {
      this.deferred.push(input);
      this.clock.cut();
      return true;
    }
    if (input.kind === 'idle') return this.sleep(this.clock.timeOf(Math.floor(input.until)), undefined);
    const { time, phase } = this.position.instant;
    if (!this.enter(input)) return false;
    this.position.inputs.record({ time, phase, input: copyOf(input) });
    return true;
  }

  replay(inputs: readonly LoggedInput[]): void {
    this.position.inputs.replaceFuture(inputs);
  }

  subscribe(observer: Observer): Subscription {
    return this.observers.subscribe(observer);
  }

  consoleInput(bytes: Uint8Array): void {
    this.apply({ kind: 'console', bytes });
  }

  idleUntil(tick: number): void {
    this.apply({ kind: 'idle', until: tick });
  }

  reset(): void {
    this.apply({ kind: 'reset' });
  }

  stateHash(): string {
    return this.loopWalk.outside(() => {
      const hash = new StateHash();
      hash.state(this.state.save());
      for (const page of this.memory.pages()) hash.words(page);
      return hash.hex;
    });
  }

  /** The guest has asked what time of day it is. */
  get clockConsulted(): boolean {
    return this.devices.rtc.consulted;
  }

  /**
   * Which instructions may have been executed: by the physical address of their page, a bit for every two bytes, lowest
   * first. Those that straddle two pages count by their first half, and are always among them.
   */
  reached(): Map<number, Uint8Array> {
    const pages = [...this.code.reached()];
    return new Map(pages.map(([page, bits]) => [this.memory.physicalOf(this.memory.hostOfPage(page)), withLast(bits)]));
  }

  save(): Checkpoint {
    return this.loopWalk.outside(() => {
      const memory = this.memory.save();
      this.tlb.flushWrites(this.harts);
      return { instant: this.instant, state: this.state.save(), memory, stoppedAt: this.resume };
    });
  }

  restore({ instant, state, memory, stoppedAt }: Checkpoint): void {
    const disk = this.disk?.save();
    this.announced.length = 0;
    this.loopWalk.reset();
    try {
      this.memory.restore(memory, (host) => this.code.replaced(host));
      this.observers.reset();
      this.mmu.memoryRestored();
      this.state.restore(state);
    } catch (error) {
      this.powerOn();
      if (disk !== undefined) this.disk?.restore(disk);
      this.position.moveTo(POWER_ON);
      throw error;
    }
    for (const hart of this.harts) {
      this.mmu.protectionChanged(hart);
      this.mmu.selectSpace(hart);
      this.observers.satpChanged(hart);
    }
    this.position.moveTo(instant);
    this.resume = stoppedAt;
    this.stop = undefined;
    this.idle = false;
  }

  private powerOn(): void {
    this.loopWalk.reset();
    this.memory.clear();
    this.deferred.length = 0;
    this.clock.reset();
    this.scheduler.reset();
    this.resume = undefined;
    this.announced.length = 0;
    this.code.reset();
    for (const hart of this.harts) {
      hart.reset();
      hart.pc = BigInt(ROM_BASE);
    }
    this.observers.reset();
    this.mmu.reset();
    for (const hart of this.harts) this.mmu.selectSpace(hart);
    for (const device of this.devices.devices) device.reset();
    placeFirmware(this.memory, this.harts.length, this.kernel.entry);
    placeKernel(this.memory, this.kernel);
  }

  /** The hart to run; a stop, if it comes first; undefined if an input has come in, or idle time has passed. */
  private choose(limit: RunLimit): HartState | Stop | undefined {
    const { to } = limit;
    if (this.position.isHeld(Phase.arrived, to)) return this.hold(to);
    this.deliver();
    const hart = this.scheduler.next();
    this.position.reach(Phase.chosen);
    if (this.memory.watches.pending && this.watchedTouched())
      return this.stopped(hart ?? this.harts[this.scheduler.hart]!);
    if (this.position.isHeld(Phase.chosen, to)) return this.hold(to);
    if (this.scheduler.refused.length > 0) {
      const shown = this.loopWalk.refused(this.scheduler.refused.splice(0), limit, this.clock.time);
      if (shown !== undefined) return shown;
    }
    if (hart === undefined) {
      this.idle = true;
      if (to !== undefined && this.sleep(Infinity, to)) return undefined;
      return { kind: 'idle', until: this.clock.tickAfter(this.nextEvent(to)) };
    }
    if (this.takeInterrupt(hart) === Status.exit) return this.stopped(hart);
    return this.position.next(to)?.time === this.clock.time ? this.begin(hart, to) : hart;
  }

  /** An input comes in again, or the run has come to where it is to end. */
  private hold(to: Instant | undefined): Stop | undefined {
    const { inputs } = this.position;
    if (this.position.endsBeforeInput(to)) {
      const hart = this.harts[this.scheduler.hart]!;
      const cause = interruptToTake(hart);
      if (to.phase === Phase.fetched) this.standsAt(hart, undefined);
      else if (to.phase === Phase.chosen && cause !== undefined) this.standsAt(hart, { interrupt: true, cause });
      return { kind: 'budget' };
    }
    const { input } = inputs.next!;
    inputs.advance();
    this.enter(input);
    return undefined;
  }

  /** Begins an instruction, as far as the place between two instructions at which the run is held. */
  private begin(hart: HartState, to: Instant | undefined): Stop | undefined {
    const { phase } = this.position.next(to)!;
    if (phase === Phase.attempted) {
      this.holdsTrap = true;
      const used = this.runSlice(hart, 1);
      this.holdsTrap = false;
      if (this.stop !== undefined) return this.stopped(hart);
      if (used > 0) throw new Error(NO_SUCH_RUN);
    } else {
      const pc = hart.pc;
      this.mmu.translate(
        hart,
        Number(BigInt.asIntN(32, pc)),
        Number(BigInt.asIntN(32, pc >> 32n)),
        AccessType.fetch,
        2,
      );
    }
    this.position.reach(phase);
    return this.hold(to);
  }

  /** Runs a hart for so many instructions at most; those that it has executed. */
  private runSlice(hart: HartState, slice: number): number {
    hart.untilEnabled = this.scheduler.untilEnabled;
    this.clock.begin(hart, slice);
    this.executor.run(hart);
    const used = this.clock.end();
    if (used > 0) this.position.arrive();
    if (this.stop?.kind === 'breakpoint') this.position.reach(Phase.fetched);
    else if (this.stop?.kind === 'trap') this.position.reach(Phase.attempted);
    this.scheduler.left -= used;
    if (this.quantumOver) this.scheduler.yieldQuantum();
    this.quantumOver = false;
    for (const input of this.deferred.splice(0)) this.apply(input);
    return used;
  }

  /** While all harts wait: lets time pass, up to what comes next. False if nothing passed. */
  private sleep(until: number, to: Instant | undefined): boolean {
    const end = Math.min(until, this.nextEvent(to));
    if (!this.idle || end === Infinity || end <= this.clock.time) return false;
    this.clock.sleepUntil(end);
    this.position.arrive();
    return true;
  }

  /** What an input does. */
  private enter(input: MachineInput): boolean {
    switch (input.kind) {
      case 'idle':
        break;
      case 'console':
        this.devices.uart.receive(input.bytes);
        break;
      case 'reset':
        this.powerOn();
        break;
      default:
        this.loopWalk.end();
        if (!write(this.harts, this.memory, input)) return false;
        for (const hart of this.harts) {
          this.mmu.selectSpace(hart);
          this.observers.satpChanged(hart);
        }
    }
    this.position.arrive();
    this.idle = false;
    return true;
  }

  /** Hands out what is due: devices' events, supervisor timers. */
  private deliver(): void {
    const now = this.clock.ticks;
    for (const device of this.timed) {
      if (device.nextEvent!() > now) continue;
      this.memory.watches.device = device.name;
      device.advance!(now);
    }
    this.clock.raiseTimers();
    for (const hart of this.harts) if (hart.waiting && (hart.pending & hart.low(Cell.mie)) !== 0) hart.waiting = false;
  }

  /** Time in instructions of the next event. */
  private nextEvent(to: Instant | undefined): number {
    let tick = this.clock.nextTimer;
    for (const device of this.timed) tick = Math.min(tick, device.nextEvent!());
    return Math.min(this.clock.timeOf(tick), this.position.next(to)?.time ?? Infinity);
  }

  private stopped(hart: HartState): Stop {
    const stop = this.stop!;
    if (stop.kind === 'breakpoint') this.loopWalk.metBreakpoint(hart, this.clock.time);
    // After the others the hart stands before an instruction that has not been asked for.
    const before = stop.kind === 'breakpoint' || stop.kind === 'trap' || stop.kind === 'step';
    this.resume = undefined;
    if (before) this.standsAt(hart, stop.kind === 'trap' ? stop.event : undefined);
    return stop;
  }

  private standsAt(hart: HartState, trap: StoppedAt['trap']): void {
    this.resume = { hart: hart.id, pc: hart.pc, steps: hart.steps, trap };
  }

  /** The hart is to take up where the machine last stopped. `counted`: the instruction at hand is in the count already. */
  private resumes(hart: HartState, counted: number): boolean {
    const steps = hart.steps + this.clock.begun(hart) - counted;
    return this.resume?.hart === hart.id && this.resume.steps === steps && this.resume.pc === hart.pc;
  }

  // What the harts and the generated code's imports ask of the machine.

  cycles(): number {
    return this.clock.cycles;
  }

  mtime(): bigint {
    return BigInt.asUintN(64, BigInt(this.clock.ticks) + this.devices.clint.timeOffset);
  }

  begun(hart: HartState): number {
    return this.clock.begun(hart);
  }

  changed(hart: HartState, what: 'interrupts' | 'timer' | 'translation' | 'protection'): void {
    if (what === 'translation') this.mmu.selectSpace(hart);
    else if (what === 'protection') this.mmu.protectionChanged(hart);
    else if (what === 'timer') this.clock.timerWritten(hart, this.mtime());
  }

  addressesChanged(any: boolean): void {
    this.code.addressesChanged();
    this.loopWalk.breakpointsChanged(any);
  }

  csrWritesChanged(observed: boolean): void {
    this.code.csrWritesObserved(observed);
  }

  observedIn(hart: HartState, page: bigint): bigint[] {
    return this.observers.addressesIn(hart, page);
  }

  executing(hart: HartState): Status {
    const { pc } = hart;
    const steps = hart.steps + this.clock.begun(hart);
    const last = this.announced[hart.id];
    if (last?.pc === pc && last.steps === steps) return Status.done;
    this.announced[hart.id] = { pc, steps };
    // Where a step has ended the machine does not stop again.
    if (!this.observers.execute(hart) || this.resumes(hart, 0)) return Status.done;
    this.stop = { kind: 'breakpoint', hart: hart.id, pc };
    return Status.exit;
  }

  raise(hart: HartState, cause: number, tval: bigint): Status {
    return this.trap(hart, false, cause, tval, 1);
  }

  settle(hart: HartState): Status {
    this.mmu.selectSpace(hart);
    // An interrupt is taken between two slices, so that stopping for it changes nothing.
    if (interruptToTake(hart) !== undefined) this.clock.cut();
    else if (this.scheduler.untilEnabled && interruptible(hart)) this.yields();
    return this.stop === undefined ? Status.reload : Status.exit;
  }

  get trapReturnsObserved(): boolean {
    return this.observers.hears('trapReturn');
  }

  returned(hart: HartState, event?: TrapReturnEvent): Status {
    if (event && this.observers.tell('trapReturn', event)) this.stop = { kind: 'trapReturn', event };
    const status = this.settle(hart);
    if (this.spinWaits.begins(hart)) this.yields();
    return status;
  }

  wait(hart: HartState): Status {
    hart.waiting = (hart.pending & hart.low(Cell.mie)) === 0;
    if (!hart.waiting) return this.settle(hart);
    this.clock.cut();
    return Status.exit;
  }

  get csrWritesObserved(): boolean {
    return this.observers.csrWrites;
  }

  csrWritten(event: CsrEvent): boolean {
    if (!this.observers.tell('csrWrite', event)) return false;
    this.stop = { kind: 'csrWrite', event };
    return true;
  }

  satpWritten(hart: HartState, pc: bigint, before: bigint, after: bigint): Status {
    const event = { hart: hart.id, pc, before, after };
    this.observers.satpChanged(hart);
    if (this.observers.tell('satpWrite', event)) this.stop = { kind: 'satpWrite', event };
    return this.settle(hart);
  }

  fenced(hart: HartState, pc: bigint, address: bigint | undefined, asid: bigint | undefined): Status {
    const event = { hart: hart.id, pc, address, asid };
    if (this.observers.tell('fence', event)) this.stop = { kind: 'fence', event };
    return this.settle(hart);
  }

  deviceTouched(
    hart: HartState,
    device: Device,
    access: DeviceEvent['access'],
    offset: number,
    size: AccessSize,
    value: bigint,
  ): Status {
    if (this.observers.hears('device')) {
      const event: DeviceEvent = { hart: hart.id, pc: hart.pc, device: device.name, offset, size, access, value };
      if (this.observers.tell('device', event)) this.stop ??= { kind: 'device', event };
    }
    this.clock.cut();
    return Status.done;
  }

  /** True if somebody wants to stop for what was touched of watched bytes: then the slice ends here. */
  watchedTouched(done = true): boolean {
    if (!done) {
      this.clock.cut(1);
      return false;
    }
    // Another stop comes first; what was touched is told when the machine goes on.
    if (this.stop !== undefined && this.stop.kind !== 'device') return false;
    const stop = this.observers.settleWatches();
    if (stop === undefined) return false;
    this.stop = stop;
    this.clock.cut();
    return true;
  }

  /** Takes an enabled pending interrupt: `done` if there is none. */
  private takeInterrupt(hart: HartState): Status {
    const cause = interruptToTake(hart);
    return cause === undefined ? Status.done : this.trap(hart, true, cause, 0n, 0);
  }

  private trap(hart: HartState, interrupt: boolean, cause: number, tval: bigint, counted: 0 | 1): Status {
    hart.trapped += counted;
    const asked = this.resume?.trap;
    const known = asked?.interrupt === interrupt && asked.cause === cause && this.resumes(hart, counted);
    if (!known && this.observers.hears('trap')) {
      const to = handlerMode(hart, interrupt, cause);
      const event: TrapEvent = { hart: hart.id, interrupt, cause, tval, epc: hart.pc, from: hart.mode, to };
      const mode = interrupt ? EXTERNAL.get(cause) : undefined;
      if (mode !== undefined) event.source = this.devices.plic.sourceFor(hart.id, mode);
      if (this.observers.tell('trap', event)) this.stop = { kind: 'trap', event };
    }
    if (this.stop?.kind === 'trap' || this.holdsTrap) {
      hart.remaining += counted;
      hart.trapped -= counted;
      if (this.holdsTrap) this.standsAt(hart, { interrupt, cause });
      return Status.exit;
    }
    takeTrap(hart, interrupt, cause, tval);
    this.mmu.selectSpace(hart);
    return Status.reload;
  }

  yields(): void {
    this.quantumOver = true;
    this.clock.cut();
  }

  private storeToWatched(host: number, length: number): void {
    const flags = this.memory.flags[this.memory.pageOf(host)]!;
    if ((flags & PageFlag.code) !== 0) this.code.stored(host, length);
    if ((flags & PageFlag.table) !== 0) this.mmu.tableStored(host, length);
  }
}
