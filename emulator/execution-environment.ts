/**
 * What the code that a hart executes asks of the machine around it: its count of cycles, traps, observers to be told, and
 * the end of the slice when something has happened that the schedule must see.
 */
import type { AccessHost } from './cpu/access';
import type { HartHost, HartState } from './cpu/hart';
import type { SystemHost } from './cpu/system-instructions';
import { handlerMode, interruptToTake, interruptible, takeTrap } from './cpu/traps';
import type { VirtDevices } from './devices/virt';
import { InterruptCause } from './isa/causes';
import type { CodeCache, CodeHost } from './jit/code-cache';
import type { ExecutorHost } from './jit/executor';
import { Cell, Status } from './layout';
import { type GuestMemory, PageFlag } from './mmu/guest-memory';
import type { Mmu } from './mmu/mmu';
import type { Observers, ObserversHost } from './observers';
import type { LoopWalk } from './scheduler/loop-walk';
import type { Meetings } from './scheduler/meeting';
import type { Scheduler } from './scheduler/scheduler';
import type { SpinWaitDetector } from './scheduler/spin-wait';
import type { VirtualTime } from './scheduler/virtual-time';
import type { Stops } from './stops';
import type { StrictMmuHost } from './strict-tlb/strict-mmu';
import { type CsrEvent, type DeviceEvent, type DifferenceEvent, type FenceEvent, type Heard } from './types';
import { Mode, type LostStoreEvent, type SatpEvent, type StaleTranslationEvent } from './types';
import type { TrapEvent, TrapReturnEvent } from './types';

/** Whose interrupts come through the PLIC, by their cause. */
const EXTERNAL: ReadonlyMap<number, Mode> = new Map([
  [InterruptCause.supervisorExternal, Mode.Supervisor],
  [InterruptCause.machineExternal, Mode.Machine],
]);

/** The parts of the machine on which it rests. */
export interface EnvironmentParts {
  memory: GuestMemory;
  mmu: Mmu;
  code: CodeCache;
  devices: VirtDevices;
  clock: VirtualTime;
  scheduler: Scheduler;
  meetings: Meetings;
  spinWaits: SpinWaitDetector;
  loopWalk: LoopWalk;
  observers: Observers;
  stops: Stops;
}

type Hosts = HartHost & CodeHost & AccessHost & SystemHost & ExecutorHost & ObserversHost & StrictMmuHost;

export class ExecutionEnvironment implements Hosts {
  private parts!: EnvironmentParts;

  /** To be called before anything else: the parts are made with this environment, and so come later. */
  connect(parts: EnvironmentParts): void {
    this.parts = parts;
  }

  cycles(): number {
    return this.parts.clock.cycles;
  }

  mtime(): bigint {
    return BigInt.asUintN(64, BigInt(this.parts.clock.ticks) + this.timeOffset);
  }

  /** What the guest has added to mtime. */
  get timeOffset(): bigint {
    return this.parts.devices.clint.timeOffset;
  }

  begun(hart: HartState): number {
    return this.parts.clock.begun(hart);
  }

  changed(hart: HartState, what: 'interrupts' | 'timer' | 'translation' | 'protection'): void {
    if (what === 'translation') this.parts.mmu.selectSpace(hart);
    else if (what === 'protection') this.parts.mmu.protectionChanged(hart);
    else if (what === 'timer') this.parts.clock.timerWritten(hart, this.mtime());
  }

  addressesChanged(any: boolean): void {
    this.parts.code.addressesChanged();
    this.parts.loopWalk.breakpointsChanged(any);
  }

  csrWritesChanged(observed: boolean): void {
    this.parts.code.csrWritesObserved(observed);
  }

  observedIn(hart: HartState, page: bigint): bigint[] {
    return this.parts.observers.addressesIn(hart, page);
  }

  executing(hart: HartState): Status {
    if (this.parts.meetings.isNext(hart, hart.meets - hart.remaining)) {
      this.meets(hart);
      return Status.exit;
    }
    return this.stopsFor(hart) ? Status.exit : Status.done;
  }

  /** Tells those who observe it that the hart executes the instruction at its pc, once; true if one of them wants to stop. */
  stopsFor(hart: HartState): boolean {
    const { stops, clock } = this.parts;
    if (!stops.announces(hart)) return false;
    // Within a slice the instruction is not counted yet.
    const time = clock.isRunning ? clock.cycles + 1 : clock.time;
    // Where a step has ended the machine does not stop again.
    if (!this.parts.observers.execute(hart, time) || stops.goesOn(hart, 0)) return false;
    stops.wanted = { kind: 'breakpoint', hart: hart.id, pc: hart.pc };
    return true;
  }

  differs(hart: HartState, what: DifferenceEvent['what']): void {
    if (this.heard.difference) this.parts.observers.tell('difference', { hart: hart.id, pc: hart.pc, what });
  }

  fillsOn(hart: HartState, physical: number): boolean {
    return this.parts.code.fillsOn(hart, physical);
  }

  raise(hart: HartState, cause: number, tval: bigint): Status {
    return this.trap(hart, false, cause, tval, 1);
  }

  settle(hart: HartState): Status {
    this.parts.mmu.selectSpace(hart);
    // An interrupt is taken between two slices, so that stopping for it changes nothing.
    if (interruptToTake(hart) !== undefined) this.parts.clock.cut();
    else if (this.parts.scheduler.endsWhenEnabled && interruptible(hart)) this.endQuantum();
    return this.parts.stops.wanted === undefined ? Status.reload : Status.exit;
  }

  get heard(): Heard {
    return this.parts.observers.heard;
  }

  returned(hart: HartState, event?: TrapReturnEvent): Status {
    if (event && this.parts.observers.tell('trapReturn', event))
      this.parts.stops.wanted = { kind: 'trapReturn', event };
    const status = this.settle(hart);
    if (this.parts.spinWaits.begins(hart)) this.endQuantum();
    return status;
  }

  wait(hart: HartState): Status {
    hart.waiting = (hart.pending & hart.low(Cell.mie)) === 0;
    if (!hart.waiting) return this.settle(hart);
    this.parts.clock.cut();
    return Status.exit;
  }

  csrWritten(event: CsrEvent): boolean {
    if (!this.parts.observers.tell('csrWrite', event)) return false;
    this.parts.stops.wanted = { kind: 'csrWrite', event };
    return true;
  }

  satpWritten(hart: HartState, event?: SatpEvent): Status {
    this.parts.observers.satpChanged(hart);
    if (event && this.parts.observers.tell('satpWrite', event)) this.parts.stops.wanted = { kind: 'satpWrite', event };
    return this.settle(hart);
  }

  fenced(hart: HartState, event?: FenceEvent): Status {
    if (event && this.parts.observers.tell('fence', event)) this.parts.stops.wanted = { kind: 'fence', event };
    return this.settle(hart);
  }

  deviceTouched(event?: DeviceEvent): Status {
    if (event && this.parts.observers.tell('device', event)) this.parts.stops.wanted ??= { kind: 'device', event };
    this.parts.clock.cut();
    return Status.done;
  }

  storeLost(event: LostStoreEvent): Status {
    if (!this.parts.observers.tell('lostStore', event)) return Status.done;
    this.parts.stops.wanted ??= { kind: 'lostStore', event };
    this.parts.clock.cut();
    return Status.done;
  }

  get isRunning(): boolean {
    return this.parts.clock.isRunning;
  }

  /** Who changes memory now: the instruction at hand, or without a hart a device of its own accord; and when. */
  changer(): { hart?: number; pc?: bigint; time: number } {
    const { hart, cycles: time } = this.parts.clock;
    return hart === undefined ? { time } : { hart: hart.id, pc: hart.pc, time };
  }

  staleUse(event: StaleTranslationEvent): void {
    if (!this.parts.observers.tell('staleTranslation', event)) return;
    this.parts.stops.wanted ??= { kind: 'staleTranslation', event };
    // What was fetched is still to be executed.
    this.parts.clock.cut(event.access === 'fetch' ? 1 : 0);
  }

  /** True if somebody wants to stop for what was touched of watched bytes: then the slice ends here. */
  watchedTouched(done = true): boolean {
    if (!done) {
      this.parts.clock.cut(1);
      return false;
    }
    // Another stop comes first; what was touched is told when the machine goes on.
    if (this.parts.stops.wanted !== undefined && this.parts.stops.wanted.kind !== 'device') return false;
    const stop = this.parts.observers.settleWatches();
    if (stop === undefined) return false;
    this.parts.stops.wanted = stop;
    this.parts.clock.cut();
    return true;
  }

  /** Takes an enabled pending interrupt: `done` if there is none. */
  takeInterrupt(hart: HartState): Status {
    const cause = interruptToTake(hart);
    return cause === undefined ? Status.done : this.trap(hart, true, cause, 0n, 0);
  }

  private trap(hart: HartState, interrupt: boolean, cause: number, tval: bigint, counted: 0 | 1): Status {
    hart.trapped += counted;
    const { stops } = this.parts;
    // It comes of that: the trap is told of when the machine goes on.
    const isStale = stops.wanted?.kind === 'staleTranslation' && !interrupt;
    const known = isStale || stops.goesOnToTrap(hart, interrupt, cause, counted);
    if (!known && this.parts.observers.heard.trap) {
      const to = handlerMode(hart, interrupt, cause);
      const event: TrapEvent = { hart: hart.id, interrupt, cause, tval, epc: hart.pc, from: hart.mode, to };
      const mode = interrupt ? EXTERNAL.get(cause) : undefined;
      if (mode !== undefined) event.source = this.parts.devices.plic.sourceFor(hart.id, mode);
      if (this.parts.observers.tell('trap', event)) stops.wanted = { kind: 'trap', event };
    }
    if (stops.wanted?.kind === 'trap' || isStale || stops.holdsTrap) {
      hart.remaining += counted;
      hart.trapped -= counted;
      if (isStale) stops.standsAt(hart);
      else stops.standsBefore(hart, { interrupt, cause });
      return Status.exit;
    }
    takeTrap(hart, interrupt, cause, tval);
    this.parts.mmu.selectSpace(hart);
    return Status.reload;
  }

  /** The quantum is over with the instruction at hand. */
  private endQuantum(): void {
    this.parts.scheduler.endQuantum();
    this.parts.clock.cut();
  }

  /** What becomes of the turn is the scheduler's to say, between two slices: there a run may be held, too. */
  meets(hart: HartState): void {
    this.parts.clock.shorten(0);
    hart.meets = 0;
  }

  contends(hart: HartState): void {
    const { clock, scheduler } = this.parts;
    if (scheduler.contended(hart.steps + clock.begun(hart))) clock.shorten(0);
  }

  storeToWatched(host: number, length: number): void {
    const flags = this.parts.memory.flags[this.parts.memory.pageOf(host)]!;
    if ((flags & PageFlag.code) !== 0) this.parts.code.stored(host, length);
    if ((flags & PageFlag.table) !== 0) this.parts.mmu.tableStored(host, length);
  }
}
