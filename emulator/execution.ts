/**
 * Runs the machine: slice after slice, each of one hart and no longer than to the next event, up to a stop, the end of what
 * was asked for, or an instant; between two slices, in the order of Phase, devices do what is due, the schedule is made, inputs of a
 * replay come in, and interrupts are taken.
 */
import { HartState } from './cpu/hart';
import type { ExecutionEnvironment } from './execution-environment';
import { type Instant, Phase } from './history/instant';
import { NO_SUCH_RUN, type Position } from './history/position';
import type { Executor } from './jit/executor';
import { Cell, Status } from './layout';
import type { GuestMemory } from './mmu/guest-memory';
import { AccessType, type Mmu } from './mmu/mmu';
import type { LoopWalk } from './scheduler/loop-walk';
import type { Scheduler } from './scheduler/scheduler';
import type { VirtualTime } from './scheduler/virtual-time';
import type { Stops } from './stops';
import type { Device } from './device';
import type { MachineInput, RunLimit, Stop } from './types';

/** The parts of the machine that take part in running it. */
export interface ExecutionParts {
  readonly harts: readonly HartState[];
  readonly memory: GuestMemory;
  readonly mmu: Mmu;
  readonly executor: Executor;
  readonly environment: ExecutionEnvironment;
  readonly clock: VirtualTime;
  readonly scheduler: Scheduler;
  readonly loopWalk: LoopWalk;
  readonly position: Position;
  readonly stops: Stops;
  /** Devices that act of their own accord. */
  readonly timed: readonly Device[];
  /** An input comes in. */
  enter(input: MachineInput): void;
  /** A slice has ended, and whatever had to wait for that may be done. */
  sliceEnded(): void;
}

export class Execution {
  /** All harts wait, and nothing has come in since. */
  idle = false;

  constructor(private readonly parts: ExecutionParts) {}

  /** See MachineApi.run. */
  run(limit: RunLimit): Stop {
    const { position, stops, loopWalk, scheduler, clock } = this.parts;
    const { to } = limit;
    if (to !== undefined) position.checkAhead(to);
    stops.wanted = undefined;
    const shown = loopWalk.resume(limit);
    if (shown !== undefined) return shown;
    scheduler.refused.length = 0;
    this.idle = false;
    let left = limit.instructions;
    let hartLeft = limit.hart?.instructions ?? Infinity;
    let event = -Infinity;
    while (left > 0) {
      const isQuiet = clock.time < event && !clock.isCut;
      const hart = isQuiet ? this.chosen(limit) : this.choose(limit);
      if (hart === undefined) {
        event = -Infinity;
        continue;
      }
      if (!(hart instanceof HartState)) return hart;
      const own = hart.id === limit.hart?.id;
      if (!isQuiet) event = this.nextEvent(to);
      const used = this.runSlice(hart, Math.min(left, scheduler.left, event - clock.time, own ? hartLeft : Infinity));
      left -= used;
      if (own) hartLeft -= used;
      if (stops.wanted === undefined && hartLeft <= 0) stops.wanted = { kind: 'step', hart: hart.id };
      if (stops.wanted !== undefined) return this.stopped(hart);
    }
    return { kind: 'budget' };
  }

  /** While all harts wait: lets time pass, up to what comes next. False if nothing passed. */
  sleep(until: number, to?: Instant): boolean {
    const { clock, position } = this.parts;
    const end = Math.min(until, this.nextEvent(to));
    if (!this.idle || end === Infinity || end <= clock.time) return false;
    clock.sleepUntil(end);
    position.arrive();
    return true;
  }

  /** The hart to run; a stop, if it comes first; undefined if an input has come in, or idle time has passed. */
  private choose(limit: RunLimit): HartState | Stop | undefined {
    if (this.parts.position.isHeld(Phase.arrived, limit.to)) return this.hold(limit.to);
    this.deliver();
    return this.chosen(limit);
  }

  /** As `choose`, where nothing is due. */
  private chosen(limit: RunLimit): HartState | Stop | undefined {
    const { position, scheduler, memory, environment, loopWalk, clock } = this.parts;
    const { to } = limit;
    const hart = scheduler.next();
    position.reach(Phase.chosen);
    if (memory.watches.pending && environment.watchedTouched()) return this.stopped(hart ?? this.holder);
    if (position.isHeld(Phase.chosen, to)) return this.hold(to);
    if (scheduler.refused.length > 0 && to === undefined) {
      const shown = loopWalk.refused(scheduler.refused.splice(0), limit, clock.time);
      if (shown !== undefined) return shown;
    }
    if (hart === undefined) {
      this.idle = true;
      if (to !== undefined && this.sleep(Infinity, to)) return undefined;
      return { kind: 'idle', until: clock.tickAfter(this.nextEvent(to)) };
    }
    const isHeldHere = position.next(to)?.time === clock.time;
    if (isHeldHere && position.next(to)!.phase === Phase.interrupted) return this.beginInterrupt(hart, to);
    if (environment.takeInterrupt(hart) === Status.exit) {
      position.reach(Phase.interrupted);
      return this.stopped(hart);
    }
    return isHeldHere ? this.begin(hart, to) : hart;
  }

  /** The hart whose quantum it is. */
  private get holder(): HartState {
    return this.parts.harts[this.parts.scheduler.hart]!;
  }

  /** An input comes in again, or the run has come to where it is to end. */
  private hold(to: Instant | undefined): Stop | undefined {
    const { position, stops } = this.parts;
    if (!position.endsBeforeInput(to)) {
      const { input } = position.inputs.next!;
      position.inputs.advance();
      this.parts.enter(input);
      return undefined;
    }
    if (to.phase === Phase.fetched) stops.standsAt(this.holder);
    return { kind: 'budget' };
  }

  /** As `begin`, where the run is held before an interrupt is taken. */
  private beginInterrupt(hart: HartState, to: Instant | undefined): Stop | undefined {
    const { position, stops, environment } = this.parts;
    stops.holdsTrap = true;
    const status = environment.takeInterrupt(hart);
    stops.holdsTrap = false;
    if (status !== Status.exit) throw new Error(NO_SUCH_RUN);
    position.reach(Phase.interrupted);
    return stops.wanted === undefined ? this.hold(to) : this.stopped(hart);
  }

  /**
   * Begins an instruction, as far as the place between two instructions at which the run is held. Those who observe what is
   * there are told before, as ever; if one of them wants to stop for it, that comes first.
   */
  private begin(hart: HartState, to: Instant | undefined): Stop | undefined {
    const { position, stops, environment } = this.parts;
    const { phase } = position.next(to)!;
    if (phase === Phase.attempted) {
      stops.holdsTrap = true;
      const used = this.runSlice(hart, 1);
      stops.holdsTrap = false;
      if (stops.wanted !== undefined) return this.stopped(hart);
      if (used > 0) throw new Error(NO_SUCH_RUN);
    } else {
      const [low, high] = [Number(BigInt.asIntN(32, hart.pc)), Number(BigInt.asIntN(32, hart.pc >> 32n))];
      this.parts.mmu.translate(hart, low, high, AccessType.fetch, 2);
      position.reach(phase);
      if (environment.stopsFor(hart)) return this.stopped(hart);
    }
    position.reach(phase);
    return this.hold(to);
  }

  /** Runs a hart for so many instructions at most; returns how many it has executed. */
  private runSlice(hart: HartState, slice: number): number {
    const { scheduler, clock, environment, executor, position, stops } = this.parts;
    hart.untilEnabled = scheduler.endsWhenEnabled;
    hart.meets = scheduler.meets(slice);
    hart.contends = scheduler.contends(slice);
    clock.begin(hart, slice, environment.timeOffset);
    executor.run(hart);
    const used = clock.end();
    if (used > 0) position.arrive();
    if (stops.wanted?.kind === 'breakpoint') position.reach(Phase.fetched);
    else if (stops.wanted?.kind === 'trap' || stops.isBeforeTrap(hart)) position.reach(Phase.attempted);
    scheduler.ran(used);
    this.parts.sliceEnded();
    return used;
  }

  /** Hands out what is due: devices' events, supervisor timers. */
  private deliver(): void {
    const { clock, timed, memory, harts, scheduler } = this.parts;
    const now = clock.ticks;
    for (const device of timed) {
      if (device.nextEvent!() > now) continue;
      memory.watches.device = device.name;
      device.advance!(now);
    }
    clock.raiseTimers();
    for (const hart of harts) {
      if (!hart.waiting || (hart.pending & hart.low(Cell.mie)) === 0) continue;
      hart.waiting = false;
      scheduler.woke(hart);
    }
  }

  /** Time in instructions of the next event. */
  private nextEvent(to: Instant | undefined): number {
    const { clock, timed, position } = this.parts;
    let tick = clock.nextTimer;
    for (const device of timed) tick = Math.min(tick, device.nextEvent!());
    return Math.min(clock.timeOf(tick), position.next(to)?.time ?? Infinity);
  }

  private stopped(hart: HartState): Stop {
    const { stops, loopWalk, clock } = this.parts;
    const stop = stops.stopped(hart);
    if (stop.kind === 'breakpoint') loopWalk.metBreakpoint(hart, clock.time);
    return stop;
  }
}
