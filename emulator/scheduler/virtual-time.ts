/**
 * Virtual time: it is counted in instructions, those that were executed and those that were slept through, and a tick of the
 * 10 MHz clock is ten. A hart runs for a slice, in which time goes on with the hart's own count.
 */
import { CLOCK, Cell, ClockOffset, INSTRUCTIONS_PER_TICK } from '../layout';
import type { HartState } from '../cpu/hart';
import { stceOf } from '../cpu/csr';
import { Interrupt } from '../isa/csr-bits';
import type { SavedState } from '../history/saved-state';

export class VirtualTime {
  /** Instructions of the slices that have ended. */
  private done = 0;
  /** Time at the end of the last slice, in instructions: those executed and those slept through. */
  private passed = 0;
  /** The slice that runs: its hart, and its length. */
  private running: HartState | undefined;
  private slice = 0;
  /** Something has happened in the last slice that the schedule must see. */
  isCut = false;
  /** Tick at which each hart's supervisor timer falls due (Sstc). */
  private readonly timers: number[];

  constructor(private readonly harts: readonly HartState[]) {
    this.timers = harts.map(() => Infinity);
  }

  reset(): void {
    this.done = 0;
    this.passed = 0;
    this.timers.fill(Infinity);
  }

  /** Instructions executed since power on. */
  get executed(): number {
    return this.done + (this.running === undefined ? 0 : this.begun(this.running));
  }

  /** Between two slices: time in instructions. */
  get time(): number {
    return this.passed;
  }

  /** Time in instructions: within one, those before it. */
  get cycles(): number {
    return this.running === undefined ? this.passed : this.passed + this.begun(this.running) - 1;
  }

  get ticks(): number {
    return Math.floor(this.cycles / INSTRUCTIONS_PER_TICK);
  }

  /** The hart that runs. */
  get hart(): HartState | undefined {
    return this.running;
  }

  /** A hart runs, and it is within its slice. */
  get isRunning(): boolean {
    return this.running !== undefined;
  }

  /** Instructions that the hart has begun in the slice that runs, the one at hand included. */
  begun(hart: HartState): number {
    return this.running === hart ? this.slice - hart.remaining : 0;
  }

  /** A slice of so many instructions begins; the guest has added `timeOffset` to its clock. */
  begin(hart: HartState, slice: number, timeOffset: bigint): void {
    this.slice = slice;
    hart.remaining = slice;
    this.running = hart;
    this.isCut = false;
    hart.memory.u64[(CLOCK + ClockOffset.timeOffset) / 8] = timeOffset;
    this.tellEnd(hart);
  }

  /** Lets the slice end with the instruction at hand, or so many after it: something happened that the schedule must see. */
  cut(after = 0): void {
    this.isCut = true;
    this.shorten(after);
  }

  /** Lets the slice end so many instructions after the one at hand. */
  shorten(after: number): void {
    if (this.running === undefined || this.running.remaining <= after) return;
    const less = this.running.remaining - after;
    this.slice -= less;
    this.running.remaining = after;
    this.running.meets = Math.max(0, this.running.meets - less);
    this.tellEnd(this.running);
  }

  /** Tells generated code when the slice ends. */
  private tellEnd({ memory }: HartState): void {
    const end = this.passed + this.slice - 1;
    memory.i32[(CLOCK + ClockOffset.end) / 4] = end;
    memory.i32[(CLOCK + ClockOffset.end) / 4 + 1] = Math.floor(end / 2 ** 32);
  }

  /** The slice has ended: the instructions that it took. */
  end(): number {
    const hart = this.running!;
    const used = this.begun(hart);
    this.running = undefined;
    hart.steps += used;
    this.done += used;
    this.passed += used;
    return used;
  }

  /** All harts wait until a time in instructions. */
  sleepUntil(time: number): void {
    this.passed = Math.max(this.passed, time);
  }

  /** Time in instructions at which a tick begins. */
  timeOf(tick: number): number {
    return Math.ceil(tick * INSTRUCTIONS_PER_TICK);
  }

  /** The first tick that begins at a time or after it. */
  tickAfter(time: number): number {
    return Math.ceil(time / INSTRUCTIONS_PER_TICK);
  }

  /** Tick of the next timer that falls due. */
  get nextTimer(): number {
    let tick = Infinity;
    for (const hart of this.harts)
      if ((hart.lines & Interrupt.stip) === 0) tick = Math.min(tick, this.timers[hart.id]!);
    return tick;
  }

  /** Raises the interrupts of the timers that are due. */
  raiseTimers(): void {
    const now = this.ticks;
    for (const hart of this.harts) if (this.timers[hart.id]! <= now) hart.raise(Interrupt.stip, true);
  }

  /** A hart's stimecmp, the guest's clock `mtime` or menvcfg.STCE was written. */
  timerWritten(hart: HartState, mtime: bigint): void {
    const left = hart.cell(Cell.stimecmp) - mtime;
    const never = !stceOf(hart) || left > BigInt(Number.MAX_SAFE_INTEGER);
    this.timers[hart.id] = never ? Infinity : this.ticks + Math.max(0, Number(left));
    hart.raise(Interrupt.stip, this.timers[hart.id]! <= this.ticks);
    this.cut();
  }

  save(): { done: number; time: number; timers: number[] } {
    return { done: this.done, time: this.passed, timers: [...this.timers] };
  }

  /** Throws an Error if it is not what `save` gave. */
  restore(saved: SavedState): void {
    this.done = saved.number('done');
    this.passed = saved.number('time');
    saved.numbers('timers', this.harts.length).forEach((due, hart) => (this.timers[hart] = due));
  }
}
