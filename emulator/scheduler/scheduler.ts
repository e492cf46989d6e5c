/**
 * Which hart runs. The harts share one host thread and take turns, and yet they progress side by side: each has a clock, the
 * instructions that it has executed, and the one whose clock is behind runs next. It may run ahead of the others by a whole
 * quantum as long as nobody can tell, and harts can tell where they meet: at atomic instructions and fences. There a hart
 * that is ahead of another one ends its turn. So a lock is contended as it would be had each hart a processor of its own: a
 * turn may end between acquire and release, and a hart that finds a lock taken spins for as long as it is held.
 *
 * The order depends on nothing but the states of the harts and a seed.
 */
import type { HartState } from '../cpu/hart';
import { interruptible } from '../cpu/traps';
import type { Meetings } from './meeting';
import { type SpinWaitDetector, UNTIL_ENABLED } from './spin-wait';
import type { SavedState } from '../history/saved-state';
import { TRANSFER } from '../layout';
import type { State } from '../types';

/** Instructions of a hart's quantum, after which it is asked whether it spins, and at most how many more. */
const QUANTUM = 40_000;
const QUANTUM_VARIATION = 4096;
/** So many times as many while a hart boots, with interrupts disabled, and all others wait for it. */
const QUANTA_ALONE = 4;
/** Instructions by which a hart may be ahead of another one where they may meet, and at most how many more. */
const LEAD = 1500;
const LEAD_VARIATION = 1024;
/**
 * So many times as many while no hart finds a lock taken, one time more for each turn: as long as harts meet by swaps and fences
 * alone, since by other atomics they may find one another without finding anything taken.
 */
const MOST_CALM = 4;
/** By another atomic it is so many turns more until the lead grows. */
const RESTLESS = -16;
/** The same while a hart counts how often it finds a lock taken. */
const FINE_LEAD = 40;
const FINE_VARIATION = 64;
/** Most instructions by which it then goes on. */
const TAIL = 64;
/** Instructions by which a hart is late, at most, in each of its turns: two that do the same do not keep step. */
const JITTER = 1024;
/** Most instructions of a quantum, or by which one is extended, that ends as soon as interrupts are enabled. */
const EXTENSION = 1000;
/** A lead when there is nobody to be met. */
const UNLIMITED = Number.MAX_SAFE_INTEGER;
/** State of the generator of random numbers without a seed. */
const UNSEEDED = 0x2545f491;

/** What a hart does about a lock that is taken. */
const enum Contention {
  none,
  /** It has found one in its last turn, and does more than to wait for it. */
  found,
  /** It goes on trying for this turn. */
  tries,
}

/** What the schedule knows of a hart. */
interface Plan {
  /** Instructions left of its quantum, and those that it has executed or spun for. */
  quantum: number;
  clock: number;
  /** Its quantum ends as soon as interrupts are enabled. */
  untilEnabled: boolean;
  /** Its quantum may be extended at its end until interrupts are enabled. */
  extensible: boolean;
  /** Its last quantum was extended in vain: interrupts stayed disabled, and have not been seen enabled since, as in a boot. */
  masked: boolean;
  /** It is in a loop that is known to change nothing, and nobody meets it there. */
  idle: boolean;
  contention: Contention;
  /** Instructions after which it is asked again whether it still waits for a lock: twice as many each time. */
  patience: number;
}

export class Scheduler {
  /** The hart whose turn it is; it keeps it while all wait. */
  hart = 0;
  /** Harts that were found to spin when the last turn was given, or none was. */
  readonly refused: HartState[] = [];
  private plans: Plan[] = [];
  /** Instructions for which the hart may still run where harts may meet; less than 0 once it is ahead. */
  private lead = UNLIMITED;
  /** Instructions that are left of the turn once it was found to be ahead. */
  private tail = UNLIMITED;
  private turnOver = false;
  /** The hart has found a lock taken, and is still to be asked whether it only waits for it. */
  private foundTaken = false;
  /** Turns since a hart found a lock taken, at most MOST_CALM; less than 0 after one met others by an intricate atomic. */
  private calm = 0;
  /** State of the generator by which quanta and leads vary; it is never 0. */
  private random = UNSEEDED;

  constructor(
    private readonly harts: readonly HartState[],
    private readonly seed: number,
    private readonly spinWaits: SpinWaitDetector,
    private readonly meetings: Meetings,
  ) {}

  reset(): void {
    this.hart = 0;
    this.lead = UNLIMITED;
    this.tail = UNLIMITED;
    this.turnOver = true;
    this.foundTaken = false;
    this.calm = 0;
    this.spinWaits.reset();
    this.meetings.reset();
    this.random = this.seed === 0 ? UNSEEDED : this.seed;
    this.plans = this.harts.map(() => ({
      quantum: this.varied(QUANTUM, QUANTUM_VARIATION),
      clock: 0,
      untilEnabled: false,
      extensible: true,
      masked: false,
      idle: false,
      contention: Contention.none,
      patience: LEAD,
    }));
  }

  /** Instructions left of the turn. */
  get left(): number {
    return Math.min(this.plan.quantum, this.tail);
  }

  /** The quantum ends as soon as interrupts are enabled. */
  get endsWhenEnabled(): boolean {
    return this.plan.untilEnabled;
  }

  /** Of a slice of so many instructions: where fewer than these are left, the hart is ahead of those that it may meet. */
  meets(slice: number): number {
    return this.tail === UNLIMITED ? Math.max(0, slice - this.lead) : 0;
  }

  /** As `meets`, for a lock that is taken. */
  contends(slice: number): number {
    return this.harts.length === 1 || this.plan.contention === Contention.tries ? 0 : slice + 1;
  }

  /** By the instruction at hand the hart, which has begun so many, has found a lock taken: whether its turn ends. */
  contended(steps: number): boolean {
    if (!this.spinWaits.triesAgain(this.harts[this.hart]!, steps)) return false;
    this.turnOver = true;
    this.foundTaken = true;
    return true;
  }

  /** The turn and the whole quantum are over. */
  endQuantum(): void {
    this.turnOver = true;
    this.plan.quantum = 0;
  }

  /** The hart to run: the one whose turn it is, else the one that is furthest behind; undefined if all wait or spin. */
  next(): HartState | undefined {
    const holder = this.harts[this.hart]!;
    if (!this.turnOver && !holder.waiting) {
      // The slice may have ended just here.
      if (this.tail === UNLIMITED && this.left > 0 && this.meetings.isNext(holder, -this.lead)) this.met();
      if (this.left > 0) return holder;
    }
    if (this.foundTaken) this.waitForLock(holder);
    if (this.extend(holder)) return holder;
    this.refused.length = 0;
    for (;;) {
      const next = this.furthestBehind();
      if (next === undefined) return undefined;
      if (this.plans[next.id]!.quantum > 0 || this.grant(next)) {
        this.begin(next);
        return next;
      }
      this.refused.push(next);
    }
  }

  /** The hart no longer waits: it has done so until now, and has its turn. */
  woke(hart: HartState): void {
    const own = this.plans[hart.id]!;
    own.clock = Math.max(own.clock, this.plan.clock);
    this.turnOver = true;
  }

  /** A debugger writes something: what harts wait for is to be found out anew. */
  forgetLocks(): void {
    this.spinWaits.forgetLocks();
  }

  /** The hart has run for so many instructions. */
  ran(instructions: number): void {
    const { plan } = this;
    plan.quantum -= instructions;
    plan.clock += instructions;
    if (this.tail !== UNLIMITED) this.tail -= instructions;
    else if (this.lead !== UNLIMITED) this.lead -= instructions;
  }

  save(): State {
    const { hart, lead, tail, turnOver, foundTaken, calm, random } = this;
    const plans = this.plans.map((plan) => ({ ...plan }));
    return {
      hart,
      lead,
      tail,
      turnOver,
      foundTaken,
      calm,
      random,
      plans,
      spinWaits: this.spinWaits.save(),
      meetings: this.meetings.save(),
    };
  }

  /** Restores what `save` returned. Throws an Error if it is anything else. */
  restore(saved: SavedState): void {
    const hart = saved.number('hart');
    if (this.harts[hart] === undefined) throw new Error(`saved state of the scheduler: there is no hart ${hart}`);
    this.hart = hart;
    this.lead = saved.number('lead');
    this.tail = saved.number('tail');
    this.turnOver = saved.boolean('turnOver');
    this.foundTaken = saved.boolean('foundTaken');
    this.calm = saved.number('calm');
    this.random = saved.number('random');
    this.plans = saved.records('plans', this.harts.length).map((plan) => ({
      quantum: plan.number('quantum'),
      clock: plan.number('clock'),
      untilEnabled: plan.boolean('untilEnabled'),
      extensible: plan.boolean('extensible'),
      masked: plan.boolean('masked'),
      idle: plan.boolean('idle'),
      contention: plan.oneOf('contention', [Contention.none, Contention.found, Contention.tries]),
      patience: plan.number('patience'),
    }));
    this.spinWaits.restore(saved.records('spinWaits', this.harts.length));
    this.meetings.restore(saved.record('meetings'));
  }

  /** Of the hart whose turn it is. */
  private get plan(): Plan {
    return this.plans[this.hart]!;
  }

  /** Whether the hart, which is ahead by so many instructions, would still wait for the word that its next one needs. */
  private waitsForWord(hart: HartState, ahead: number): boolean {
    return this.meetings.isElsewhere(hart) && ahead < TRANSFER;
  }

  /**
   * The hart may meet others by its next instruction, and it is ahead: says for how many instructions its turn goes on. One that
   * goes round its processes takes their locks one after the other: its turn ends where it holds none, which keeps it out of the
   * way of the others.
   */
  private met(): void {
    const { plan } = this;
    const hart = this.harts[this.hart]!;
    this.tail = 0;
    if (this.meetings.isIntricate(hart)) this.calm = RESTLESS;
    if (plan.contention !== Contention.tries && !interruptible(hart) && this.spinWaits.looksForWork(hart)) {
      hart.untilEnabled = plan.untilEnabled = true;
      this.tail = EXTENSION;
    } else if (plan.contention === Contention.none && this.waitsForWord(hart, -this.lead)) {
      this.tail = this.varied(1, TAIL);
    }
  }

  /** Grants a hart a quantum, unless it spins. */
  private grant(hart: HartState): boolean {
    const granted = this.spinWaits.quantum(hart);
    const plan = this.plans[hart.id]!;
    plan.masked = (plan.masked || plan.untilEnabled) && !interruptible(hart);
    hart.spinning = granted === 0;
    plan.idle = granted !== undefined && this.spinWaits.isIdle(hart);
    if (granted !== 0) plan.patience = LEAD;
    plan.untilEnabled = granted === UNTIL_ENABLED;
    plan.extensible = granted === undefined && !plan.masked;
    const quanta = plan.masked && this.isAlone(hart) ? QUANTA_ALONE : 1;
    plan.quantum =
      granted === UNTIL_ENABLED ? EXTENSION : (granted ?? this.varied(QUANTUM * quanta, QUANTUM_VARIATION));
    return granted !== 0;
  }

  /** All others waited, or were found to spin, when they were last asked. */
  private isAlone(hart: HartState): boolean {
    return this.harts.every((other) => other === hart || other.waiting || other.spinning);
  }

  /**
   * The quantum of a hart that holds locks is extended until interrupts are enabled, if there is one that goes round its
   * processes: that one is asked when it finds the locks as they mostly are.
   */
  private extend(holder: HartState): boolean {
    const { plan } = this;
    if (this.turnOver || this.tail <= 0 || holder.waiting || !plan.extensible || interruptible(holder)) return false;
    if (!this.harts.some((hart) => hart !== holder && this.plans[hart.id]!.idle && !hart.waiting)) return false;
    plan.extensible = false;
    plan.untilEnabled = true;
    plan.quantum = EXTENSION;
    return true;
  }

  /**
   * The hart has found a lock taken, by one that runs ahead of it or has been stopped: it waits until that one has run. If it
   * does nothing else, it is not run until the lock is free.
   */
  private waitForLock(hart: HartState): void {
    const { plan } = this;
    this.foundTaken = false;
    this.calm = 0;
    plan.contention = this.spinWaits.waitsForLock(hart) ? Contention.none : Contention.found;
    if (plan.contention === Contention.none) plan.quantum = 0;
    for (const other of this.harts) {
      const { clock, idle } = this.plans[other.id]!;
      if (!other.waiting && !idle) plan.clock = Math.max(plan.clock, clock);
    }
  }

  /** Of the harts that could run, and have not just been refused, the one with the least clock; the next in turn if equal. */
  private furthestBehind(): HartState | undefined {
    const { harts, plans } = this;
    let least: HartState | undefined;
    let clock = Infinity;
    for (let i = 1, id = this.hart; i <= harts.length; i++) {
      id = id + 1 === harts.length ? 0 : id + 1;
      const hart = harts[id]!;
      const plan = plans[id]!;
      if (hart.waiting || plan.clock >= clock || this.refused.includes(hart)) continue;
      least = hart;
      clock = plan.clock;
    }
    return least;
  }

  /** A turn begins. Those who wait or spin meanwhile do so until now. */
  private begin(hart: HartState): void {
    const own = this.plans[hart.id]!;
    own.clock += this.varied(0, JITTER);
    const now = own.clock;
    own.contention = own.contention === Contention.found ? Contention.tries : Contention.none;
    let others = Infinity;
    let fine = own.contention !== Contention.none;
    for (const other of this.harts) {
      if (other === hart) continue;
      const plan = this.plans[other.id]!;
      if (this.refused.includes(other)) {
        plan.clock = Math.max(plan.clock, now + (plan.idle ? Math.max(QUANTUM, own.quantum) : plan.patience));
        plan.patience = Math.min(plan.patience * 2, QUANTUM);
      } else if (other.waiting) {
        plan.clock = Math.max(plan.clock, now);
      }
      if (plan.contention !== Contention.none) fine = true;
      if (!other.waiting && !plan.idle) others = Math.min(others, plan.clock);
    }
    this.calm = Math.min(this.calm + 1, MOST_CALM);
    const times = Math.max(1, this.calm);
    const ahead = fine ? this.varied(FINE_LEAD, FINE_VARIATION) : this.varied(LEAD * times, LEAD_VARIATION * times);
    this.lead =
      others === Infinity || (own.idle && own.contention === Contention.none) ? UNLIMITED : others - now + ahead;
    // Others may now write what this hart had reserved.
    if (hart.id !== this.hart) this.harts[this.hart]!.reservation = 0;
    this.hart = hart.id;
    this.tail = UNLIMITED;
    this.turnOver = false;
  }

  /** A number, or a little more (xorshift32). */
  private varied(least: number, variation: number): number {
    this.random ^= this.random << 13;
    this.random ^= this.random >>> 17;
    this.random ^= this.random << 5;
    return least + ((this.random >>> 0) % variation);
  }
}
