/**
 * Finds harts that spin: they wait in a loop for a process to become runnable, for a lock, for a flag. Kernels that do not
 * execute wfi spend most of their time so. A spinning hart gets no quantum, as in wfi, while it is known that
 *
 *   - its last quantum was whole passes of the loop: it began and ended with the same registers, interrupts enabled, and
 *     with the same contents of all words that a pass touches;
 *   - it has executed nothing since, those words still hold the same, and no interrupt is to be taken.
 *
 * Another quantum would change nothing then. Speculation finds the first pass of a loop, but a hart is refused a quantum only
 * for one that it really executed. All of this follows from the state of the machine alone, so it is the same in every tier
 * and however a run is cut into slices, and it is saved with the machine.
 */
import { Cell, HartOffset } from '../layout';
import { X } from '../isa/registers';
import type { SavedState } from '../history/saved-state';
import type { GuestMemory } from '../mmu/guest-memory';
import { AccessType, type Mmu } from '../mmu/mmu';
import { Mode, type State } from '../types';
import type { Executor } from '../jit/executor';
import type { HartState } from '../cpu/hart';
import { interruptToTake, interruptible } from '../cpu/traps';
import { LockLoops } from './lock-loops';
import { Speculation } from './speculation';
import { WaitLoop } from './wait-loop';

/** Instructions of the longest speculation, which must see three passes of a loop, and that of a kernel without optimization. */
const LONGEST_SPECULATION = 131_072;
/** Instructions of a short loop, which is looked for more often. */
const SHORT_LOOP = 48;
/** A quantum is as many passes as have at least so many instructions. */
const SHORTEST_QUANTUM = 1024;
/** Quanta in the same place until a short loop that changes nothing is worth remembering. */
const SHORT_THRESHOLD = 2;
/** Quanta in the same place until a long speculation, which costs as much as hundreds; twice as many after one that failed. */
const THRESHOLD = 128;
const LARGEST_THRESHOLD = 65_536;
/** Quanta until it is tried again, if it met a lock that another hart held; twice as many each time. */
const RETRY = 8;
const LARGEST_RETRY = 128;
/** Largest threshold for a hart of which a loop is known that it has left, or that it goes round in another way now. */
const LARGEST_AGAIN = 2048;
/** Bytes of stack that a loop and the functions that it calls may take. */
const NEAR_STACK = 256;
/** A quantum that ends as soon as interrupts are enabled. */
export const UNTIL_ENABLED = -1;
/** What a hart is asked is asked at one of so many quanta in the same place, if it is in no hurry. */
const LOOK_OFTEN = 4;
const LOOK_SELDOM = 256;
/** After so many quanta in a row in which a loop was not whole passes, the hart has PAUSE full quanta. */
const MOST_MISSES = 32;
const PAUSE = 32;

/** A lock that a hart has found taken. */
interface AwaitedLock {
  /** Host address of the word of 64 bits that it is in, and what its halves held. */
  word: number;
  low: number;
  high: number;
  /** The hart's count of instructions. */
  steps: number;
}

/** A hart and what is known of it. */
interface HartHistory {
  /** The loop in which it looks for work, and the short one in which it last waited for another hart. */
  loop: WaitLoop | undefined;
  short: WaitLoop | undefined;
  /** Quanta in a row that began in the same mode and near the same stack pointer, and how many make a long speculation due. */
  quiet: number;
  threshold: number;
  retry: number;
  /** It was last found to spin. */
  spins: boolean;
  mode: Mode;
  sp: number;
  /** It waits for a lock in its short loop. */
  forLock: boolean;
  /** The lock for which it does nothing but wait, as far as is known. */
  lock: AwaitedLock | undefined;
  /** pc and count of instructions at which it last found a lock taken, and the instructions since the time before if it was there, too. */
  triedAt: number;
  triedSteps: number;
  pass: number;
  /** pc at which it last found a lock taken, and did more than to wait for it. */
  countsAt: number;
}

export class SpinWaitDetector {
  private history: HartHistory[] = [];
  private readonly lockLoops: LockLoops;

  constructor(
    private readonly harts: readonly HartState[],
    private readonly memory: GuestMemory,
    private readonly mmu: Mmu,
    private readonly core: Executor,
  ) {
    this.lockLoops = new LockLoops(memory, mmu);
    this.reset();
  }

  reset(): void {
    this.history = this.harts.map(() => ({
      loop: undefined,
      short: undefined,
      quiet: 0,
      threshold: THRESHOLD,
      retry: RETRY,
      spins: false,
      mode: Mode.Machine,
      sp: 0,
      forLock: false,
      lock: undefined,
      triedAt: 0,
      triedSteps: 0,
      pass: 0,
      countsAt: 0,
    }));
  }

  /** Instructions of the quantum that a hart is to have, or UNTIL_ENABLED; 0 if it spins, undefined if a full one is due. */
  quantum(hart: HartState): number | undefined {
    const own = this.history[hart.id]!;
    if (this.stillWaits(hart, own.lock)) {
      own.forLock = true;
      return 0;
    }
    own.lock = undefined;
    for (let loop = own.short ?? own.loop; loop !== undefined; loop = loop === own.short ? own.loop : undefined) {
      const known = this.quantumInLoop(hart, loop);
      if (known === undefined) continue;
      own.forLock = loop.forLock;
      return known;
    }
    own.forLock = false;
    const sp = hart.signed(X.sp);
    own.quiet = own.mode === hart.mode && near(sp, own.sp) ? own.quiet + 1 : 0;
    own.mode = hart.mode;
    own.sp = sp;
    if (interruptToTake(hart) !== undefined) return undefined;
    const others = this.harts.some((other) => other !== hart && !other.waiting && !other.spinning);
    // Ever more seldom while it stays in the same place: mostly it works there.
    const isDue = own.quiet % LOOK_SELDOM === 2 || (others && isPowerOfTwo(own.quiet + 2));
    if (own.spins || isDue) own.spins = this.spins(hart);
    if (own.spins) {
      if (own.quiet < SHORT_THRESHOLD) return undefined;
      own.short = this.find(hart, SHORT_LOOP, true).loop;
      own.forLock = own.short?.forLock === true;
      return own.short?.quantum;
    }
    if (own.quiet < own.threshold) return undefined;
    if (!interruptible(hart)) {
      // One that looks for work enables interrupts soon; one that boots may not for a long time.
      const look = own.quiet < own.threshold + LOOK_SELDOM ? LOOK_OFTEN : LOOK_SELDOM;
      return own.quiet % look === 0 ? UNTIL_ENABLED : undefined;
    }
    const { loop, blocked } = this.find(hart, LONGEST_SPECULATION, false);
    own.quiet = blocked ? own.quiet - own.retry : 0;
    own.retry = blocked ? Math.min(own.retry * 2, LARGEST_RETRY) : RETRY;
    if (loop !== undefined) {
      own.threshold = own.loop === undefined ? THRESHOLD : Math.min(own.threshold * 2, LARGEST_AGAIN);
      own.loop = loop;
    } else if (!blocked) {
      own.threshold = Math.min(own.threshold * 2, LARGEST_THRESHOLD);
    }
    return loop?.quantum;
  }

  /** The hart, which has begun so many instructions, has found a lock taken: whether it has just tried to take that one before. */
  triesAgain(hart: HartState, steps: number): boolean {
    const own = this.history[hart.id]!;
    const pc = pcOf(hart);
    own.pass = pc === own.triedAt ? steps - own.triedSteps : 0;
    own.triedAt = pc;
    own.triedSteps = steps;
    return own.pass > 0 && own.pass <= SHORT_LOOP;
  }

  /** For a hart that has just tried again to take a lock: whether it changes nothing while it waits for it. */
  waitsForLock(hart: HartState): boolean {
    const own = this.history[hart.id]!;
    if (pcOf(hart) === own.countsAt || interruptToTake(hart) !== undefined) return false;
    const plain = this.lockLoops.around(hart);
    if (plain?.instructions === own.pass) {
      own.lock = this.lockAt(hart, hart.x(plain.lock));
      if (own.lock !== undefined) return true;
    }
    const { loop } = this.find(hart, SHORT_LOOP, true);
    if (loop?.forLock !== true) {
      own.countsAt = pcOf(hart);
      return false;
    }
    own.short = loop;
    loop.idle = true;
    return true;
  }

  /** See Scheduler.forgetLocks. */
  forgetLocks(): void {
    for (const own of this.history) own.lock = undefined;
  }

  private lockAt(hart: HartState, address: bigint): AwaitedLock | undefined {
    const host = this.mmu.hostAt(hart, address, AccessType.load, 1);
    if (host === 0) return undefined;
    const word = (host & ~7) >>> 0;
    const { i32 } = this.memory;
    return { word, low: i32[word / 4]!, high: i32[word / 4 + 1]!, steps: hart.steps };
  }

  private stillWaits(hart: HartState, lock: AwaitedLock | undefined): boolean {
    const { i32 } = this.memory;
    if (lock === undefined || hart.steps !== lock.steps) return false;
    if (i32[lock.word / 4] !== lock.low || i32[lock.word / 4 + 1] !== lock.high) return false;
    return interruptToTake(hart) === undefined;
  }

  /** Whether the hart is in the function in which it is known to look for work. */
  looksForWork(hart: HartState): boolean {
    const { loop } = this.history[hart.id]!;
    return loop !== undefined && hart.mode === loop.mode && near(loop.sp, hart.signed(X.sp));
  }

  /** Whether nobody meets the hart in the loop for which it was last given a quantum: it looks for work there, or waits. */
  isIdle(hart: HartState): boolean {
    return !this.history[hart.id]!.forLock || this.looksForWork(hart);
  }

  /** Whether a known loop begins at the hart's pc: then its next quantum should begin there, too. */
  begins(hart: HartState): boolean {
    const loop = this.history[hart.id]!.loop;
    return loop !== undefined && hart.hasPc(loop.registers);
  }

  save(): State {
    return this.history.map(({ loop, short, lock, ...rest }) => ({
      ...rest,
      lock: lock === undefined ? null : { ...lock, word: this.memory.physicalOf(lock.word) },
      loop: loop === undefined ? null : loop.save(),
      short: short === undefined ? null : short.save(),
    }));
  }

  /** Restores what `save` returned. Throws an Error if it is anything else. */
  restore(saved: readonly SavedState[]): void {
    this.history = saved.map((own) => ({
      loop: own.raw('loop') === null ? undefined : WaitLoop.restore(this.memory, own.record('loop')),
      short: own.raw('short') === null ? undefined : WaitLoop.restore(this.memory, own.record('short')),
      forLock: own.boolean('forLock'),
      lock: own.raw('lock') === null ? undefined : this.restoreLock(own.record('lock')),
      triedAt: own.number('triedAt'),
      triedSteps: own.number('triedSteps'),
      pass: own.number('pass'),
      countsAt: own.number('countsAt'),
      quiet: own.number('quiet'),
      threshold: own.number('threshold'),
      retry: own.number('retry'),
      spins: own.boolean('spins'),
      mode: own.number('mode'),
      sp: own.number('sp'),
    }));
  }

  /** Like `quantum`, for a hart that is in its loop; undefined if it is elsewhere, or the loop has missed too often. */
  private quantumInLoop(hart: HartState, loop: WaitLoop): number | undefined {
    if (hart.mode !== loop.mode || !loop.hasSatpOf(hart)) return undefined;
    if (hart.low(Cell.mstatus) === loop.mstatus && hart.hasRegisters(loop.registers)) {
      const ran = hart.steps - loop.steps;
      const same = hart.lines === loop.lines && loop.holds();
      if (loop.forLock && !same) return undefined;
      loop.idle = same && (ran === 0 ? loop.idle : ran === loop.quantum);
      if (loop.idle) {
        loop.misses = 0;
        loop.steps = hart.steps;
        if (interruptToTake(hart) === undefined) return 0;
      }
    } else if (loop.pure || !near(loop.sp, hart.signed(X.sp))) {
      return undefined;
    }
    if (!loop.idle && ++loop.misses > MOST_MISSES) {
      if (loop.misses === MOST_MISSES + PAUSE) loop.misses = 0;
      return undefined;
    }
    if (!loop.pure && !interruptible(hart)) return UNTIL_ENABLED;
    loop.beginAt(hart);
    return loop.quantum;
  }

  /** The hart is current meanwhile, so that each step is quicker. */
  private beginLookingAhead(hart: HartState): Speculation {
    hart.makeCurrent();
    return new Speculation(hart, this.memory, this.mmu, this.core);
  }

  /** Whether the hart goes through a short loop that changes nothing. */
  private spins(hart: HartState): boolean {
    const speculation = this.beginLookingAhead(hart);
    let spins = false;
    for (let i = 0; i < SHORT_LOOP && !spins && speculation.step() && !speculation.changed; i++)
      spins = speculation.isAtStart;
    endLookingAhead(hart, speculation);
    return spins;
  }

  /**
   * Looks for a loop that begins here and of which each pass leaves everything as it was; with `forLock` also one that waits
   * for a lock. `blocked`: it met a lock that another hart holds.
   */
  private find(hart: HartState, longest: number, forLock: boolean): { loop: WaitLoop | undefined; blocked: boolean } {
    const speculation = this.beginLookingAhead(hart);
    const { touched } = speculation;
    let pass = 0;
    let from = 0;
    let returns = 0;
    let due = 1;
    const mayWait = (): boolean => !speculation.fills && (forLock || !speculation.lockContended);
    for (let i = 1; i <= longest && pass === 0 && mayWait() && speculation.step(); i++) {
      if (!speculation.isAtStart) continue;
      if (speculation.memoryIsUnchanged) pass = i - from;
      // Without optimization registers are the same at every process that the loop looks at: a pass may return often.
      if (++returns < due) continue;
      due *= 2;
      speculation.beginPass();
      from = i;
    }
    endLookingAhead(hart, speculation);
    const { lockContended, changed } = speculation;
    if (pass === 0) return { loop: undefined, blocked: lockContended };
    const quantum = lockContended ? pass : pass * Math.ceil(SHORTEST_QUANTUM / pass);
    const loop = new WaitLoop(this.memory, [...touched.keys()], quantum, !changed, lockContended);
    loop.beginAt(hart);
    return { loop, blocked: lockContended };
  }

  private restoreLock(saved: SavedState): AwaitedLock {
    const word = this.memory.hostOf(saved.number('word'));
    if (word === 0 || word % 8 !== 0) throw new Error('saved state of a wait for a lock: it names what is no memory');
    return { word, low: saved.number('low'), high: saved.number('high'), steps: saved.number('steps') };
  }
}

function endLookingAhead(hart: HartState, speculation: Speculation): void {
  speculation.rollBack();
  hart.makeParked();
}

/** Two stack pointers are of the same function, or of it and of what it calls. */
const near = (a: number, b: number): boolean => Math.abs(a - b) < NEAR_STACK;

const isPowerOfTwo = (n: number): boolean => n > 2 && (n & (n - 1)) === 0;

/** pc as a signed number, which is exact for an address. */
const pcOf = (hart: HartState): number => hart.half(HartOffset.pc + 4) * 2 ** 32 + (hart.half(HartOffset.pc) >>> 0);
