/**
 * QEMU's "virt" board put together: harts, memory, devices, and virtual time.
 *
 * Time is the number of executed instructions. Harts take turns on one host thread, and every slice that a hart runs ends
 * no later than the next event, so that the same start and the same inputs give the same run, whoever watches and
 * however often `run` comes back.
 */
import { MemoryAccess } from './cpu/access';
import { VirtualTime } from './scheduler/virtual-time';
import { CodeCache } from './jit/code-cache';
import { Executor } from './jit/executor';
import { SystemInstructions } from './cpu/system-instructions';
import { HartState } from './cpu/hart';
import { DRAM_BASE, MAX_HARTS, PAGE, ROM_BASE, Status } from './layout';
import { SpinWaitDetector } from './scheduler/spin-wait';
import { Cell } from './cpu/csr-bits';
import { handlerMode, interruptToTake, interruptible, takeTrap } from './cpu/traps';
import { SavedState } from './history/saved-state';
import { Disk } from './devices/disk';
import { type VirtDevices, createVirtDevices, placeFirmware } from './devices/virt';
import { KernelError, type LoadedKernel, placeKernel, readKernel } from './elf-image';
import { type InputEvent, InputLog } from './history/input-log';
import { EncodedPages, encodePages } from './history/page-codec';
import { StateHash } from './history/state-hash';
import { DeviceMemory } from './mmu/device-memory';
import { GuestMemory, PageFlag } from './mmu/guest-memory';
import { Mmu } from './mmu/mmu';
import { Tlb } from './mmu/tlb';
import { Watching } from './mmu/watching';
import { Scheduler } from './scheduler/scheduler';
import type { AccessSize, Device, DeviceEvent, Hart, MachineApi, MachineOptions, Observer } from './types';
import { Mode, type RunLimit, type State, type Stop, type TrapEvent, type Watch } from './types';

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
  observer: Observer = {};
  inputs: InputLog;

  private readonly devices: VirtDevices;
  private readonly timed: readonly Device[];
  private readonly mmu: Mmu;
  private readonly watching: Watching;
  private readonly code: CodeCache;
  private readonly kernel: LoadedKernel;
  private readonly executor: Executor;

  private readonly clock: VirtualTime;
  private readonly spinWaits: SpinWaitDetector;
  private readonly scheduler: Scheduler;
  private stop: Stop | undefined;
  /** The turn ends with this slice. */
  private quantumOver = false;
  /** Input that came while a slice ran. */
  private readonly typed: Uint8Array[] = [];
  /** Where the machine last stopped for a hart: the hart goes on from there without stopping for the same again. */
  private resume: { hart: number; pc: bigint; steps: number; trap: TrapEvent | undefined } | undefined;

  /** Throws KernelError if the kernel cannot be run, RangeError for impossible options. */
  constructor(readonly options: Readonly<MachineOptions & { inputs?: readonly InputEvent[] }>) {
    const { harts, memory } = options;
    if (!Number.isInteger(harts) || harts < 1 || harts > MAX_HARTS) {
      throw new RangeError(`${harts} harts asked for; the machine has 1 to ${MAX_HARTS}`);
    }
    if (!Number.isInteger(memory) || memory < 2 ** 20 || memory > 3 * 2 ** 30 || memory % 2 ** 20 !== 0) {
      throw new RangeError(`${memory} bytes of memory asked for; the machine has 1 MiB to 3 GiB, in whole MiB`);
    }
    this.kernel = readKernel(options.kernel, BigInt(DRAM_BASE), memory);
    this.memory = new GuestMemory(memory);
    this.inputs = new InputLog(options.inputs);
    this.harts = Array.from({ length: harts }, (_, id) => new HartState(id, this.memory, this));
    this.clock = new VirtualTime(this.harts);
    const tlb = new Tlb(this.memory, harts);
    this.watching = new Watching(this.memory, tlb, this.harts);
    this.mmu = new Mmu(this.memory, tlb, this.harts);
    this.code = new CodeCache(this.memory, this.mmu, tlb, this.harts, this, options.acceleration ?? 'mixed');
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

  run(limit: RunLimit): Stop {
    this.stop = undefined;
    // A debugger may have changed modes since.
    for (const hart of this.harts) this.mmu.selectSpace(hart);
    let left = limit.instructions;
    let hartLeft = limit.hart?.instructions ?? Infinity;
    while (left > 0) {
      this.deliver();
      const hart = this.scheduler.next();
      if (this.memory.watches.pending && this.watchedTouched())
        return this.stopped(hart ?? this.harts[this.scheduler.hart]!);
      if (hart === undefined) return { kind: 'idle', until: this.clock.tickAfter(this.nextEvent()) };
      if (this.takeInterrupt(hart) === Status.exit) return this.stopped(hart);
      const own = hart.id === limit.hart?.id;
      const slice = Math.min(left, this.scheduler.left, this.nextEvent() - this.clock.time, own ? hartLeft : Infinity);
      hart.untilEnabled = this.scheduler.untilEnabled;
      this.clock.begin(hart, slice);
      this.executor.run(hart);
      const used = this.clock.end();
      for (const bytes of this.typed.splice(0)) this.consoleInput(bytes);
      this.scheduler.left -= used;
      if (this.quantumOver) this.scheduler.yieldQuantum();
      this.quantumOver = false;
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

  idleUntil(tick: number): void {
    const to = Math.min(this.clock.timeOf(Math.floor(tick)), this.nextEvent());
    if (to < Infinity) this.clock.sleepUntil(to);
  }

  setBreakpoints(addresses: Iterable<bigint>, concerns?: (hart: Hart, address: bigint) => boolean): void {
    this.code.setBreakpoints(addresses, concerns);
  }

  setWatches(watches: Iterable<Watch>): void {
    this.watching.setWords(watches);
  }

  watchTables(roots: Iterable<bigint> | undefined): void {
    this.watching.setTables(roots);
  }

  consoleInput(bytes: Uint8Array): void {
    if (this.clock.isRunning) {
      // From within a slice (an answer to output): it comes at the end of the instruction at hand.
      this.typed.push(bytes.slice());
      this.clock.cut();
      return;
    }
    this.inputs.record({ time: this.clock.time, console: bytes.slice() });
    this.devices.uart.receive(bytes);
  }

  reset(): void {
    this.inputs = new InputLog();
    this.powerOn();
  }

  stateHash(): string {
    const hash = new StateHash();
    const { time, executed } = this.clock;
    hash.state({ time, executed, scheduler: this.scheduler.save() });
    hash.state(this.harts.map((hart) => hart.save()));
    hash.state(this.devices.devices.map((device) => device.save()));
    for (const page of this.memory.pages()) hash.words(page);
    return hash.hex;
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

  /** The machine between two runs: `state`, which is small, and its memory. */
  save(): { state: State; memory: Uint8Array } {
    const state = {
      ...{ ...this.clock.save(), scheduler: this.scheduler.save() },
      harts: this.harts.map((hart) => hart.save()),
      devices: this.devices.devices.map((device) => device.save()),
    };
    return { state, memory: encodePages(this.memory.pages()) };
  }

  /**
   * Takes back what a machine of the same options has saved. Throws an Error, and stands at power on with the disk as it
   * was, if it is no such state.
   */
  restore({ state, memory }: { state: State; memory: Uint8Array }): void {
    const pages = new EncodedPages(memory, Number(this.memory.dramSize) / PAGE);
    if (this.clock.time > 0) this.powerOn();
    const disk = this.disk?.save();
    try {
      const saved = new SavedState('machine', state);
      this.memory.restoreFrom(pages);
      this.clock.restore(saved);
      this.scheduler.restore(saved.record('scheduler'));
      saved
        .list('devices', this.devices.devices.length)
        .forEach((device, i) => this.devices.devices[i]!.restore(device));
      // After the devices, which may drive the harts' lines.
      saved.list('harts', this.harts.length).forEach((hart, id) => this.harts[id]!.restore(hart));
      for (const hart of this.harts) {
        this.mmu.protectionChanged(hart);
        this.watching.satpChanged(hart);
      }
    } catch (error) {
      this.reset();
      if (disk !== undefined) this.disk?.restore(disk);
      throw error;
    }
  }

  private powerOn(): void {
    this.memory.clear();
    this.typed.length = 0;
    this.clock.reset();
    this.scheduler.reset();
    this.resume = undefined;
    this.code.clear();
    for (const hart of this.harts) {
      hart.reset();
      hart.pc = BigInt(ROM_BASE);
    }
    this.watching.reset();
    this.mmu.reset();
    for (const hart of this.harts) this.mmu.selectSpace(hart);
    for (const device of this.devices.devices) device.reset();
    placeFirmware(this.memory, this.harts.length, this.kernel.entry);
    placeKernel(this.memory, this.kernel);
  }

  /** Hands out what is due: inputs of a replay, devices' events, supervisor timers. */
  private deliver(): void {
    for (const event of this.inputs.take(this.clock.time)) this.consoleInput(event.console);
    const now = this.clock.ticks;
    for (const device of this.timed) {
      if (device.nextEvent!() > now) continue;
      this.memory.watches.device = device.name;
      device.advance!(now);
    }
    this.clock.raiseTimers();
    for (const hart of this.harts) {
      if (hart.waiting && (hart.pending & hart.low(Cell.mie)) !== 0) hart.waiting = false;
    }
  }

  /** Time in instructions of the next event. */
  private nextEvent(): number {
    let tick = this.clock.nextTimer;
    for (const device of this.timed) tick = Math.min(tick, device.nextEvent!());
    return Math.min(this.clock.timeOf(tick), this.inputs.nextTime);
  }

  private stopped(hart: HartState): Stop {
    const stop = this.stop!;
    // After the others the hart stands before an instruction that has not been asked for.
    const before = stop.kind === 'breakpoint' || stop.kind === 'trap' || stop.kind === 'step';
    const trap = stop.kind === 'trap' ? stop.event : undefined;
    this.resume = before ? { hart: hart.id, pc: hart.pc, steps: hart.steps, trap } : undefined;
    return stop;
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

  goesOnFrom(hart: HartState): boolean {
    return this.resumes(hart, 0);
  }

  breakpoint(hart: HartState): Status {
    this.stop = { kind: 'breakpoint', hart: hart.id, pc: hart.pc };
    return Status.exit;
  }

  raise(hart: HartState, cause: number, tval: bigint): Status {
    return this.trap(hart, false, cause, tval, 1);
  }

  settle(hart: HartState): Status {
    this.mmu.selectSpace(hart);
    if (this.stop !== undefined) return Status.exit;
    const status = this.takeInterrupt(hart);
    if (this.scheduler.untilEnabled && interruptible(hart)) this.yields();
    return status === Status.done ? Status.reload : status;
  }

  returned(hart: HartState): Status {
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

  satpWritten(hart: HartState, pc: bigint, before: bigint, after: bigint): Status {
    const event = { hart: hart.id, pc, before, after };
    this.watching.satpChanged(hart);
    if (this.observer.satpWrite?.(event)) this.stop = { kind: 'satpWrite', event };
    return this.settle(hart);
  }

  fenced(hart: HartState, pc: bigint, address: bigint | undefined, asid: bigint | undefined): Status {
    const event = { hart: hart.id, pc, address, asid };
    if (this.observer.fence?.(event)) this.stop = { kind: 'fence', event };
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
    if (this.observer.device) {
      const event = { hart: hart.id, pc: hart.pc, device: device.name, offset, size, access, value };
      if (this.observer.device(event)) this.stop ??= { kind: 'device', event };
    }
    this.clock.cut();
    return Status.done;
  }

  /** True if the observer wants to stop for what was touched of watched bytes: then the slice ends here. */
  watchedTouched(): boolean {
    // Another stop comes first; what was touched is told when the machine goes on.
    if (this.stop !== undefined && this.stop.kind !== 'device') return false;
    const stop = this.watching.settle(this.observer);
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
    if (this.observer.trap && !known) {
      const to = handlerMode(hart, interrupt, cause);
      const event: TrapEvent = { hart: hart.id, interrupt, cause, tval, epc: hart.pc, from: hart.mode, to };
      if (interrupt && (cause === 9 || cause === 11))
        event.source = this.devices.plic.sourceFor(hart.id, cause === 9 ? Mode.Supervisor : Mode.Machine);
      if (this.observer.trap(event)) {
        this.stop = { kind: 'trap', event };
        hart.remaining += counted;
        hart.trapped -= counted;
        return Status.exit;
      }
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
