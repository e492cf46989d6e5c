/**
 * Recognizes where a kernel has come to an end of its own: a hart goes round for ever in a loop that it cannot leave, as after
 * a panic, however that is worded and in whatever language; or all harts wait for one another, or for a lock that nobody will
 * release. What is judged is the loop (endless-loop.ts), over a while of virtual time, with what the console said last. Kernels
 * also wait in loops that nobody should take for an end: the idle loop, a lock, a poll of the UART, a hart that was parked at the
 * start.
 */
import { type KernelSymbol, kernelSymbols } from '../boot/elf-image';
import { type EndlessLoop, endlessLoop } from './endless-loop';
import { Csr } from '../isa/csrs';
import { causeName } from '../isa/causes';
import { hex } from '../isa/hex';
import { X } from '../isa/registers';
import { InterruptStorms, type InterruptStorm } from './trap-loops';
import { type Hart, type MachineApi, Mode } from '../types';

export interface DeadEnd {
  /**
   * 'panic': with a sign of one, a word on the console or what the debugger knows of the code. 'stopped': a hart can do
   * nothing more, and nothing says why. 'deadlock': each hart waits for what only the others could write. 'storm': an interrupt
   * comes again as soon as its handler returns. 'lock': a hart waits, with interrupts disabled, for what nobody writes who could.
   */
  kind: 'panic' | 'stopped' | 'deadlock' | 'storm' | 'lock';
  /** The harts that it is about, and where they are. */
  harts: readonly DeadHart[];
  /** The last line on the console that says something; empty if there is none. */
  message: string;
}

export interface DeadHart {
  hart: number;
  pc: bigint;
  /** Absent in a storm. */
  loop?: EndlessLoop;
  storm?: InterruptStorm;
}

const SECOND = 10_000_000;
/** Harts are looked at so often, in ticks of virtual time. */
const LOOK = SECOND / 10;
/** For how long a hart must be in a loop that it cannot leave, or that only an interrupt lets it leave. */
const [CERTAIN, INTERRUPTIBLE] = [0.3 * SECOND, 1 * SECOND];
/** The same for harts that wait for others, and where M-mode may still interrupt. */
const WAITING = 1 * SECOND;
/** For how long nothing must happen at all, if nothing hints at an end. */
const HOPELESS = 10 * SECOND;
/** A loop in which no hart was seen for so long was left. */
const LEFT = 0.5 * SECOND;
/** Most looks at which the code of a hart is not followed that stays in one place and was in no such loop there. */
const LONGEST_PAUSE = 128;
/** A loop that interrupts let a hart leave, mostly the idle one, is followed at one of so many looks, all such at the same. */
const IDLE_LOOK = 4;
/** See DeadEnds.pauses. */
const NO_PAUSE = { left: 0, length: 0, idle: false };

/** Bytes between two places of a loop, and between two of its stack pointers. */
const NEAR = 1024n;

/** Characters of the console that are kept. */
const KEPT = 2048;
/** Lines at its end in which a panic may be announced; a backtrace may follow. */
const LAST_LINES = 12;
const PANIC = /panic|\bfatal\b|\boops\b|\bassert\w*:? .*fail|\babort(ed|ing)\b|\bsystem halted\b/i;
/** Whether a line on the console announces a panic. */
export const isPanicLine = (line: string): boolean => PANIC.test(line);
/** A line of a backtrace: addresses and nothing else. */
const ADDRESSES = /^[\s\d#:[\]()]*(0x)?[0-9a-f]{6,}[\s)\]]*$/i;
/** What kernels in C and Rust call the function that ends them, mangled or not, and the variable that says that it did. */
const PANIC_FUNCTION = /panic|begin_unwind/i;
const PANIC_FLAG = /panick(ed|ing)\b/i;
const PROMPT = /[$#>%] ?$/;
// Colours, and what else a terminal takes for itself.
const ESCAPES = /\x1b\[[\d;]*[A-Za-z]|\r/g;

/** Where a hart was at a look. */
interface Place {
  pc: bigint;
  sp: bigint;
}

/** A loop that a hart was seen in, from look to look. */
interface Sighting extends DeadHart {
  loop: EndlessLoop;
  since: number;
  seen: number;
  reported: boolean;
}

const near = (a: bigint, b: bigint): boolean => (a > b ? a - b : b - a) < NEAR;

/** Interrupts that are enabled lead the hart to M-mode whatever the mode below has disabled. */
const isInterruptedByMachine = (hart: Hart): boolean =>
  hart.mode !== Mode.Machine && ((hart.csr(Csr.mie) ?? 0n) & ~(hart.csr(Csr.mideleg) ?? 0n)) !== 0n;

function panicSymbols(kernel: Uint8Array): { code: KernelSymbol[]; flags: KernelSymbol[] } {
  const symbols = kernelSymbols(kernel);
  return {
    code: symbols.filter(({ name, kind }) => kind === 'function' && PANIC_FUNCTION.test(name)),
    flags: symbols.filter(({ name, kind }) => kind === 'object' && PANIC_FLAG.test(name)),
  };
}

export class DeadEnds {
  /** Where the harts were at the last look. */
  private places: readonly Place[] = [];
  /** By hart: looks until its code is followed again, how many there are from one time to the next, and whether it was idle. */
  private readonly pauses: { left: number; length: number; idle: boolean }[];
  private readonly sightings = new Map<string, Sighting>();
  private lookedAt = -Infinity;
  private looks = 0;
  private text = '';
  private writtenAt = 0;
  /** Harts that have written anything. */
  private readonly writers = new Set<number>();

  /** The kernel's functions and variables with such names. Found when they are first asked for: a start need not wait for it. */
  private symbols: { code: readonly KernelSymbol[]; flags: readonly KernelSymbol[] } | undefined;
  private readonly storms: InterruptStorms;

  /** `mayNotLoop`: whether what the hart does now is known not to be its idle loop, such as a process's system call. */
  constructor(
    private readonly machine: Pick<MachineApi, 'harts' | 'memory' | 'now' | 'current' | 'options' | 'subscribe'>,
    private readonly mayNotLoop: (hart: Hart) => boolean = () => false,
  ) {
    this.pauses = machine.harts.map(() => ({ ...NO_PAUSE }));
    this.storms = new InterruptStorms(machine);
  }

  /** The guest has just written this to its console. */
  wrote(bytes: Uint8Array): void {
    this.text = (this.text + String.fromCharCode(...bytes)).slice(-KEPT);
    this.writtenAt = this.machine.now;
    this.writers.add(this.machine.current);
  }

  /** Counts nothing more until the next look: the machine does again what it has done. */
  suspend(): void {
    this.storms.suspend();
  }

  /** The machine is another, or stands elsewhere in its history. */
  clear(): void {
    this.sightings.clear();
    for (const pause of this.pauses) Object.assign(pause, NO_PAUSE);
    this.storms.clear();
    this.lookedAt = -Infinity;
    this.text = '';
    this.writers.clear();
  }

  /**
   * Looks at the harts, between two runs of the machine; `silent`: all of them wait, and nothing will wake them;
   * `unattended`: nobody will type anything. Returns what is new.
   */
  look(silent: boolean, unattended = false): DeadEnd | undefined {
    const { now, harts } = this.machine;
    // A machine may be put back to an earlier moment.
    if (now < this.lookedAt) this.clear();
    // In a storm little virtual time passes for much of the host's, so that is looked for each time.
    const storm = this.storms.look();
    if (storm) return { kind: 'storm', harts: [{ hart: storm.hart, pc: storm.epc, storm }], message: this.message };
    if (!silent && now < this.lookedAt + LOOK) return undefined;
    this.lookedAt = now;
    this.looks++;
    const here = this.see(now, silent);
    const lasts = ({ since }: Sighting, ticks: number): boolean => silent || now - since >= ticks;
    const isQuiet = silent || now - this.writtenAt >= SECOND;
    const isAtRest = isQuiet && !PROMPT.test(this.text);
    for (const sighting of here) {
      if (sighting === undefined || sighting.reported) continue;
      const { loop } = sighting;
      if (loop.awaited.size > 0) {
        if (lasts(sighting, WAITING) && this.isForgotten(sighting, here)) return this.report('lock', [sighting]);
        continue;
      }
      const hart = harts[sighting.hart]!;
      const isCertain = loop.masked && lasts(sighting, isInterruptedByMachine(hart) ? WAITING : CERTAIN);
      const isLikely = lasts(sighting, INTERRUPTIBLE) && isAtRest;
      // A hart that never wrote was parked; one that sleeps with interrupts enabled is idle, whatever was said before.
      const isSuspect = this.writers.has(hart.id) && (loop.masked || !loop.sleeps);
      if (this.isPanic(loop) || (isSuspect && this.announcesPanic)) {
        if (isCertain || isLikely) return this.report('panic', [sighting]);
      } else if (isSuspect && isAtRest && hart.csr(Csr.mie) !== 0n) {
        const isHopeless = unattended && this.nothingElse(here, sighting) && lasts(sighting, HOPELESS);
        if (isCertain || (isLikely && this.mayNotLoop(hart)) || isHopeless) return this.report('stopped', [sighting]);
      }
    }
    const all = here.filter((sighting) => sighting !== undefined);
    const isOver = all.length === here.length && all.every((one) => one.loop.masked && lasts(one, WAITING));
    return isOver && !all.every(({ reported }) => reported) ? this.standstill(all) : undefined;
  }

  /** All harts are at an end. If all of them sleep, the machine itself shows it. */
  private standstill(all: readonly Sighting[]): DeadEnd | undefined {
    const waiting = all.filter(({ loop }) => loop.awaited.size > 0);
    const ended = all.filter(({ loop, hart }) => loop.awaited.size === 0 && this.writers.has(hart));
    if (ended.length > 0 && this.announcesPanic) return this.report('panic', ended, all);
    if (all.every(({ loop }) => loop.sleeps)) return undefined;
    if (ended.length > 0) return this.report('stopped', ended, all);
    return waiting.length > 1 ? this.report('deadlock', waiting, all) : this.report('stopped', all);
  }

  /** The loop is in a function that panics, or a variable says that the kernel has. */
  private isPanic({ low, high }: EndlessLoop): boolean {
    const isIn = ({ address, size }: KernelSymbol): boolean =>
      (low >= address && low < address + size) || (high >= address && high < address + size);
    const isSet = ({ address, size }: KernelSymbol): boolean =>
      this.machine.memory.read(address, Math.min(Number(size), 8))?.some((byte) => byte !== 0) === true;
    const { code, flags } = (this.symbols ??= panicSymbols(this.machine.options.kernel));
    return code.some(isIn) || flags.some(isSet);
  }

  /**
   * What a hart waits for in vain while the others are idle: they would have written it before they went to wait themselves. A
   * hart that never wrote to the console was parked.
   */
  private isForgotten({ hart, loop }: Sighting, here: readonly (Sighting | undefined)[]): boolean {
    const others = this.machine.harts.filter(({ id }) => id !== hart);
    const isIdle = ({ id, waiting, spinning }: Hart): boolean =>
      (waiting || spinning) && here[id]?.loop.masked !== true;
    return loop.masked && this.writers.has(hart) && others.length > 0 && others.every(isIdle);
  }

  /** No other hart does anything but wait, and nothing has been written since. */
  private nothingElse(here: readonly (Sighting | undefined)[], { since }: Sighting): boolean {
    const waits = ({ id, waiting, spinning }: Hart): boolean => waiting || spinning || here[id] !== undefined;
    return this.writtenAt <= since && this.machine.harts.every(waits);
  }

  /** By hart: the loop that it is in; undefined where it is in none that can be told. */
  private see(now: number, silent: boolean): (Sighting | undefined)[] {
    const before = this.places;
    this.places = this.machine.harts.map((hart) => ({ pc: hart.pc, sp: hart.x(X.sp) }));
    const here = this.machine.harts.map((): Sighting | undefined => undefined);
    const follow = (wrote: boolean): void => {
      for (const { id } of this.machine.harts)
        if (this.writers.has(id) === wrote) here[id] = this.sightingOf(id, before, now, silent);
    };
    follow(true);
    // Harts that never wrote matter only where all others have come to an end.
    if ([...this.writers].every((id) => here[id] !== undefined)) follow(false);
    for (const [key, { seen }] of this.sightings) if (now - seen > LEFT) this.sightings.delete(key);
    return here;
  }

  private sightingOf(id: number, before: readonly Place[], now: number, silent: boolean): Sighting | undefined {
    const [hart, at] = [this.machine.harts[id]!, this.places[id]!];
    const stays = silent || before.some(({ pc, sp }) => near(pc, at.pc) && near(sp, at.sp));
    const loop = this.loopOf(hart, stays, silent);
    if (loop === undefined) {
      this.hasLeft(hart);
      return undefined;
    }
    const { low, high, sp, awaited, masked } = loop;
    // Where interrupts are enabled a process may go round in the loop, be given up, and be resumed on another hart.
    const key = [masked ? hart.id : 'any', low, high, sp, ...[...awaited].flat()].join();
    const { since = now, reported = false } = this.sightings.get(key) ?? {};
    const sighting: Sighting = { hart: hart.id, pc: hart.pc, loop, since, seen: now, reported };
    this.sightings.set(key, sighting);
    return sighting;
  }

  /**
   * The loop that a hart is in. To follow code costs time: that is done only where a hart already was at the last look, and
   * the more seldom the longer this one works there.
   */
  private loopOf(hart: Hart, stays: boolean, silent: boolean): EndlessLoop | undefined {
    const pause = this.pauses[hart.id]!;
    if (!stays) Object.assign(pause, NO_PAUSE);
    if (!stays || (!silent && (pause.left-- > 0 || (pause.idle && this.looks % IDLE_LOOK !== 0)))) return undefined;
    const loop = endlessLoop(hart, this.machine.memory);
    pause.left = pause.length = loop === undefined ? Math.min(pause.length * 2 || 1, LONGEST_PAUSE) : 0;
    pause.idle = loop?.masked === false;
    return loop;
  }

  /** The hart is elsewhere than in the loops that only M-mode could let it leave; in M-mode it may be for a moment. */
  private hasLeft(hart: Hart): void {
    if (hart.mode === Mode.Machine) return;
    for (const [key, sighting] of this.sightings)
      if (sighting.hart === hart.id && sighting.loop.masked) this.sightings.delete(key);
  }

  private report(kind: DeadEnd['kind'], about: readonly Sighting[], known = about): DeadEnd {
    for (const sighting of known) sighting.reported = true;
    const harts = about.map(({ hart, pc, loop }) => ({ hart, pc, loop }));
    return { kind, harts, message: this.message };
  }

  private get lines(): string[] {
    const lines = this.text.replace(ESCAPES, '').split('\n');
    return lines.map((line) => line.trim()).filter((line) => line !== '' && !ADDRESSES.test(line));
  }

  private get announcesPanic(): boolean {
    return this.lines.slice(-LAST_LINES).some(isPanicLine);
  }

  private get message(): string {
    const { lines } = this;
    return lines.slice(-LAST_LINES).findLast(isPanicLine) ?? lines.at(-1) ?? '';
  }
}

/** What has come to an end, and why nothing goes on. `placeOf` names an address of code, if it can. */
export function describeDeadEnd(
  { kind, harts, message }: DeadEnd,
  placeOf: (hart: number, pc: bigint) => string | undefined = () => undefined,
  dataAt: (address: bigint) => string = hex,
): string {
  const where = ({ hart, pc }: DeadHart): string => {
    const place = placeOf(hart, pc);
    return `hart ${hart} at ${hex(pc)}${place === undefined ? '' : ` (${place})`}`;
  };
  if (kind === 'deadlock') {
    const each = harts.map((one) => `${where(one)} for ${[...one.loop!.awaited.keys()].map(dataAt).join(', ')}`);
    return `the harts wait for one another, with interrupts disabled: ${each.join('; ')}`;
  }
  if (kind === 'lock') {
    const each = harts.map((one) => {
      const awaited = [...one.loop!.awaited].map(([address, value]) => `${dataAt(address)} to change from ${value}`);
      return `${where(one)} waits, with interrupts disabled, for ${awaited.join(' and ')}`;
    });
    return `${each.join('; ')}: nobody does that, as all other harts are idle`;
  }
  const rounds = harts.map((one) => {
    const { loop, storm } = one;
    if (storm)
      return `${where(one)} gets no further: the ${causeName(true, storm.cause)} comes again as soon as its handler at ${hex(storm.vector)} returns, which has not ended its cause, or not for long`;
    const { masked, awaited } = loop!;
    const waits =
      awaited.size === 0 ? '' : `, and waits for ${[...awaited.keys()].map(hex).join(', ')}, which nobody writes`;
    return `${where(one)} goes round in a loop without end${masked ? ', with interrupts disabled' : ''}${waits}`;
  });
  return `${rounds.join('; ')}${message === '' ? '' : `; the console says "${message}"`}`;
}
