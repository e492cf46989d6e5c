/**
 * QEMU's "virt" board put together: harts, memory, devices, and virtual time.
 *
 * Time is the number of executed instructions. Harts take turns on one host thread, and every slice that a hart runs ends
 * no later than the next event, so that the same start and the same inputs give the same run, whoever watches and
 * however often `run` comes back.
 */
import { KernelError } from './boot/elf-image';
import { placePowerOn, type PowerOn, readPowerOn } from './boot/power-on';
import { MemoryAccess } from './cpu/access';
import { HartState } from './cpu/hart';
import { SystemInstructions } from './cpu/system-instructions';
import { Disk } from './devices/disk';
import { type VirtDevices, VIRTIO_SLOTS, createVirtDevices } from './devices/virt';
import { Execution } from './execution';
import { ExecutionEnvironment } from './execution-environment';
import { type Instant, POWER_ON } from './history/instant';
import { Position } from './history/position';
import { StateHash } from './history/state-hash';
import { copyOf, write } from './inputs';
import { CodeCache } from './jit/code-cache';
import { Executor } from './jit/executor';
import { MAX_HARTS, ROM_BASE } from './layout';
import { MachineState } from './machine-state';
import { DeviceMemory } from './mmu/device-memory';
import { GuestMemory } from './mmu/guest-memory';
import { Mmu } from './mmu/mmu';
import { Tlb } from './mmu/tlb';
import { Observers } from './observers';
import { LoopWalk } from './scheduler/loop-walk';
import { Meetings } from './scheduler/meeting';
import { Scheduler } from './scheduler/scheduler';
import { SpinWaitDetector } from './scheduler/spin-wait';
import { VirtualTime } from './scheduler/virtual-time';
import { Stops } from './stops';
import { StrictMmu } from './strict-tlb/strict-mmu';
import { StrictTlb } from './strict-tlb/strict-tlb';
import type {
  Checkpoint,
  FenceCount,
  InputHistory,
  LoggedInput,
  MachineApi,
  MachineInput,
  MachineOptions,
} from './types';
import type { Observer, RunLimit, Stop, Subscription } from './types';

export { KernelError };

/** The last two bytes of a page begin what has no record of its own there. */
function withLast(bits: Uint8Array): Uint8Array {
  bits[bits.length - 1]! |= 0x80;
  return bits;
}

export class Machine implements MachineApi {
  readonly memory: GuestMemory;
  readonly harts: readonly HartState[];
  readonly disk: Disk | undefined;

  private readonly devices: VirtDevices;
  private readonly mmu: Mmu;
  private readonly tlb: Tlb;
  private readonly strictTlb: StrictTlb | undefined;
  private readonly observers: Observers;
  private readonly code: CodeCache;
  private readonly atPowerOn: PowerOn;
  private readonly clock: VirtualTime;
  private readonly position: Position;
  private readonly state: MachineState;
  private readonly scheduler: Scheduler;
  private readonly loopWalk: LoopWalk;
  private readonly stops: Stops;
  private readonly execution: Execution;
  /** Inputs that came while a slice ran. */
  private readonly deferred: MachineInput[] = [];

  /** Throws KernelError if the kernel cannot be run, RangeError for impossible options. */
  constructor(readonly options: Readonly<MachineOptions>) {
    const { harts, memory } = options;
    if (!Number.isInteger(harts) || harts < 1 || harts > MAX_HARTS)
      throw new RangeError(`${harts} harts asked for; the machine has 1 to ${MAX_HARTS}`);
    if (!Number.isInteger(memory) || memory < 2 ** 20 || memory > 3 * 2 ** 30 || memory % 2 ** 20 !== 0)
      throw new RangeError(`${memory} bytes of memory asked for; the machine has 1 MiB to 3 GiB, in whole MiB`);
    const { diskSlot = 0 } = options;
    if (!Number.isInteger(diskSlot) || diskSlot < 0 || diskSlot >= VIRTIO_SLOTS)
      throw new RangeError(`slot ${diskSlot} asked for the disk; the board has slots 0 to ${VIRTIO_SLOTS - 1}`);
    this.atPowerOn = readPowerOn(options);
    this.memory = new GuestMemory(memory);
    const environment = new ExecutionEnvironment();
    this.harts = Array.from({ length: harts }, (_, id) => new HartState(id, this.memory, environment));
    this.clock = new VirtualTime(this.harts);
    this.position = new Position(this.clock);
    this.stops = new Stops(this.clock);
    this.tlb = new Tlb(this.memory, harts);
    this.strictTlb = options.tlb && new StrictTlb(this.memory, harts, options.tlb, () => environment.changer());
    this.mmu = this.strictTlb
      ? new StrictMmu(this.memory, this.tlb, this.harts, this.strictTlb, environment)
      : new Mmu(this.memory, this.tlb, this.harts);
    const tier = options.acceleration ?? 'mixed';
    this.code = new CodeCache(this.memory, this.mmu, this.tlb, this.harts, environment, tier);
    this.observers = new Observers(this.memory, this.tlb, this.harts, environment);
    this.memory.beforeStore = (host, length) => environment.storeToWatched(host, length);
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
        diskSlot: options.diskSlot,
        consoleOutput: options.consoleOutput,
        frameOutput: options.network && ((frame) => options.network?.frameOutput?.(frame)),
        rtcEpoch: options.rtcEpoch,
        finish: (finish) => (this.stops.wanted = finish),
        timeWritten: () => this.harts.forEach((hart) => this.clock.timerWritten(hart, environment.mtime())),
      },
    );
    const { devices } = this.devices;
    const access = new MemoryAccess(this.memory, this.mmu, devices, environment);
    const system = new SystemInstructions(access, environment);
    const executor = new Executor(this.memory, this.code, access, system, environment);
    const spinWaits = new SpinWaitDetector(this.harts, this.memory, this.mmu, executor);
    const meetings = new Meetings(this.memory, this.mmu);
    this.scheduler = new Scheduler(this.harts, options.seed ?? 0, spinWaits, meetings);
    this.state = new MachineState(this.clock, this.scheduler, devices, this.harts, this.strictTlb);
    this.loopWalk = new LoopWalk(this.harts, this.memory, this.mmu, executor, (hart) =>
      this.observers.execute(hart, this.clock.time, true),
    );
    const { memory: guest, mmu, code, clock, scheduler, loopWalk, observers, stops, position } = this;
    environment.connect({
      ...{ memory: guest, mmu, code, devices: this.devices, clock, scheduler, meetings, spinWaits, loopWalk },
      ...{ observers, stops },
    });
    this.execution = new Execution({
      ...{ harts: this.harts, memory: guest, mmu, executor, environment, clock, scheduler, loopWalk, position, stops },
      timed: devices.filter((device) => device.nextEvent !== undefined),
      enter: (input) => void this.enter(input),
      sliceEnded: () => {
        if (this.deferred.length > 0) this.deferred.splice(0).forEach((input) => this.apply(input));
      },
    });
    const { strictTlb } = this;
    if (strictTlb) this.observers.subscribe({ fence: (event) => strictTlb.fenced(event) });
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

  get time(): number {
    return this.clock.cycles;
  }

  get instant(): Instant {
    return this.position.instant;
  }
  get inputs(): InputHistory {
    return this.position.inputs;
  }

  run(limit: RunLimit): Stop {
    return this.execution.run(limit);
  }

  apply(input: MachineInput): boolean {
    if (input.kind !== 'idle') this.options.admit?.(input);
    if (this.clock.isRunning) {
      this.deferred.push(input);
      this.clock.cut();
      return true;
    }
    if (input.kind === 'idle') return this.execution.sleep(this.clock.timeOf(Math.floor(input.until)));
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

  get fenceCounts(): readonly FenceCount[] | undefined {
    return this.strictTlb?.counts.all;
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
      return { instant: this.instant, state: this.state.save(), memory, ...this.stops.save() };
    });
  }

  restore({ instant, state, memory, ...stopped }: Checkpoint): void {
    const disk = this.disk?.save();
    this.loopWalk.reset();
    try {
      this.memory.restore(memory, (host) => this.code.replaced(host));
      this.observers.reset();
      this.state.restore(state);
      this.mmu.memoryRestored();
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
    this.stops.restore(stopped);
    this.execution.idle = false;
  }

  private powerOn(): void {
    this.loopWalk.reset();
    this.memory.clear();
    this.deferred.length = 0;
    this.clock.reset();
    this.scheduler.reset();
    this.stops.restore();
    this.code.reset();
    for (const hart of this.harts) {
      hart.reset();
      hart.pc = BigInt(ROM_BASE);
    }
    this.observers.reset();
    this.mmu.reset();
    for (const hart of this.harts) this.mmu.selectSpace(hart);
    for (const device of this.devices.devices) device.reset();
    placePowerOn(this.memory, this.atPowerOn);
  }

  /** What an input does. */
  private enter(input: MachineInput): boolean {
    switch (input.kind) {
      case 'idle':
        break;
      case 'console':
        this.devices.uart.receive(input.bytes);
        break;
      case 'frame':
        this.devices.e1000?.receive(input.bytes);
        break;
      case 'reset':
        this.powerOn();
        break;
      default:
        this.loopWalk.end();
        this.scheduler.forgetLocks();
        if (!write(this.harts, this.memory, input)) return false;
        this.mmu.changedFromOutside();
        for (const hart of this.harts) this.observers.satpChanged(hart);
    }
    this.position.arrive();
    this.execution.idle = false;
    return true;
  }
}
