/**
 * What lies behind a stop, by the history of the run. A panic: what decided it, in which entry of which page table or in which
 * variable that stands, and who wrote it; and the exception that the kernel was handling, if it was. A trap: what its address was
 * made of, who wrote the entry that decides. Nothing here goes by the words of a panic or by names of functions: it follows what
 * the hart did.
 */
import { compareInstants, type Instant } from '../../emulator/history/instant';
import type { Timeline } from '../../emulator/history/timeline';
import { Cause } from '../../emulator/isa/causes';
import { hex } from '../../emulator/isa/hex';
import { isJump } from '../../emulator/isa/instructions/calls';
import { X } from '../../emulator/isa/registers';
import { isEnvironmentCall } from '../../emulator/isa/trap-kinds';
import { instructionAt } from '../../emulator/isa/instructions/instruction-at';
import { PAGE_SIZE, pageOf } from '../../emulator/isa/sv39';
import { Mode, type TrapEvent } from '../../emulator/types';
import { kernelLine, kernelPlace } from '../code/place-names';
import { fromBytes } from '../expressions/value';
import { globalName } from '../xv6/channel';
import { processIdOn } from '../xv6/cpus';
import { pageFilling } from '../xv6/names';
import { explainTrap } from '../page-tables/explain';
import { trapContext } from '../page-tables/tables';
import { sceneOf, type AskedGuest, type Occurrence } from '../questions/occurrence';
import { Writers, type Writing } from '../questions/writers';
import type { Range } from '../questions/spots';
import { executed, trapTaken } from '../run-control/past/questions';
import type { StopReport } from '../run-control/stops';
import type { Frame } from '../stack/frame';
import { returnBefore, loadOf, returns, sourcesOfRegister, type Loaded } from './cause';
import { isNobodys } from './evidence/bearings';
import { decisionIn, type Call } from './evidence/decisions';
import { firstOfLoop, trapOnStack } from './evidence/exceptions';
import { handlerStore } from './evidence/handler-stores';
import { locksCounted, type CountedLock } from './evidence/held-locks';
import { copiedFrom, instructionParts, lastWriteLine } from './evidence/last-write';
import { functionRunning, innermostFunctions, type KernelFunction } from './evidence/kernel-functions';
import { behindResult, entryIn, variablesTold, type ReadVariable } from './evidence/run-reading';
import { oddLeaf } from './evidence/odd-leaves';
import { entryMeaning, entryName, EntryPlaces, type Entry } from './entries';
import { knownTables } from './known-tables';
import { lookAtRecent, type Executed } from './recent';
import { leafPage } from './sections';
import { pageContent } from './words';

/** Calls from which a variable was written, or a lock taken: often by a function that is there for all. */
const CALLERS = 2;

/** A sentence, and what happened then, if it is about something that happened. */
export interface BackstoryLine {
  readonly text: string;
  /**
   * Why a function went where it went, and who wrote the variable that it went by; the exception behind it; of what its address was
   * made, or in which page it lay; who wrote that variable or the instruction, filled what lay there, or overwrote it; from where the
   * hart came; what the exception's handler then did.
   */
  readonly about:
    | 'decision'
    | 'decider'
    | 'exception'
    | 'origin'
    | 'variable'
    | 'loaded'
    | 'code'
    | 'filled'
    | 'overwritten'
    | 'jump'
    | 'handler';
  readonly seen?: Occurrence;
}

/** A page that matters by itself. */
export interface KeyPage {
  readonly page: bigint;
  /** Whether it is another's now than whose it had been: both owners are asked for. */
  readonly isReused: boolean;
}

/** Where a JALR goes, which clears the lowest bit (the unprivileged specification, 2.5). */
const targetOf = ({ left, decoded }: Executed): bigint => BigInt.asUintN(64, left + BigInt(decoded.imm)) & ~1n;

export class Backstory {
  /** As far as it is told. */
  readonly lines: BackstoryLine[] = [];
  /** The entries that matter, the one that decides first. */
  readonly entries: Entry[] = [];
  /** The pages that matter beside those that the entries map. */
  readonly pages: KeyPage[] = [];
  private readonly writers: Writers;
  /** Where the address lay, if all of it was loaded. */
  private loaded: Loaded | undefined;
  /** The variable that decided, or of which the address was made. */
  private variable: ReadVariable | undefined;

  /** The machine stands at the stop. `frames`: the stack of the hart that stopped, innermost first. */
  constructor(
    private readonly guest: AskedGuest,
    private readonly timeline: Timeline,
    private readonly hart: number,
    private readonly frames: readonly Frame[],
    private places: EntryPlaces,
  ) {
    this.writers = new Writers(guest, timeline);
  }

  /** Tells it. The machine stands anywhere afterwards. Throws Cancelled if it is cancelled; what was told until then stays. */
  async tell(report: StopReport): Promise<void> {
    const { instant } = this.guest.machine;
    const { cause } = report;
    if (cause?.kind === 'trap') {
      await this.tellTrap(cause.event, instant);
      const store = cause.unresolved && (await handlerStore(this.guest, this.timeline, cause.event, instant));
      if (store) this.say('handler', store.text, store.seen);
      return;
    }
    if (cause?.kind === 'trap-loop')
      return this.tellTrap(cause.first, await firstOfLoop(this.guest, this.timeline, cause.first, instant));
    if (cause?.kind === 'dead-end' || (cause?.kind === 'kernel' && cause.event.kind === 'panic'))
      await this.tellPanic(instant);
    if (cause?.kind === 'dead-end' || cause?.kind === 'kernel') await this.tellException(instant);
  }

  private async tellPanic(now: Instant): Promise<void> {
    const [ending, caller] = innermostFunctions(this.guest, this.frames);
    if (ending === undefined || caller === undefined) return;
    const call = await this.callOf(ending, now);
    if (call === undefined) return;
    await lookAtRecent(this.guest, this.timeline, this.hart, call, (run, isLast) =>
      this.tellDecision(run, { caller, called: ending }, isLast),
    );
    await this.tellVariable('decider', call);
  }

  private async tellException(now: Instant): Promise<void> {
    const { machine, harts, xv6 } = this.guest;
    const isIt = trapOnStack(this.frames, (hart) => processIdOn(xv6, harts[hart]!)?.pid);
    if (isIt === undefined) return;
    const found = await this.timeline.findLast(now, trapTaken(machine, isIt));
    if (found === undefined || found.value.interrupt || isEnvironmentCall(found.value)) return;
    await this.timeline.goTo(found.instant);
    const { title } = this.explained(found.value);
    this.say(
      'exception',
      `The kernel was handling this: ${title}.`,
      this.scene(found.value.hart, found.value.epc, title),
    );
    await this.tellTrap(found.value, found.instant);
  }

  /** The instant at which the hart began a function last. */
  private async callOf({ low }: KernelFunction, now: Instant): Promise<Instant | undefined> {
    const { machine } = this.guest;
    await this.timeline.goTo(now);
    if (machine.harts[this.hart]!.pc === low) return now;
    const begun = executed(machine, [low], (hart) => (hart.id === this.hart ? true : undefined));
    return (await this.timeline.findLast(now, begun))?.instant;
  }

  /** Why a function went where it then called another one. False if that may lie farther back. */
  private tellDecision(run: readonly Executed[], calls: Call, isLast: boolean): boolean {
    if (run.length === 0 || !isJump(run.at(-1)!.decoded)) return true;
    const decision = decisionIn(this.guest, this.places, this.guest.harts[this.hart]!, run, calls, isLast);
    if (decision === undefined) return false;
    if (decision.entry !== undefined) return this.tellEntry('decision', decision.text, decision.entry);
    this.say('decision', decision.text);
    this.variable = decision.variable;
    return true;
  }

  private tellEntry(
    about: BackstoryLine['about'],
    opening: string,
    { entry, value }: { entry: Entry; value: bigint },
  ): true {
    const page = leafPage(value);
    const content = page === undefined ? 'RAM' : pageContent(this.guest, page);
    const what = content === 'RAM' ? '' : `: ${content ?? 'neither RAM nor a device'}`;
    this.say(about, `${opening}${entryName(entry)}, which ${entryMeaning(value, entry.level)}${what}.`);
    this.entries.push(entry);
    return true;
  }

  /** Who wrote the variable last, if it is still what it was when it was read; or who took the locks that it counts. */
  private async tellVariable(about: 'decider' | 'variable', before: Instant): Promise<void> {
    if (this.variable === undefined) return;
    const { name, range, value } = this.variable;
    this.variable = undefined;
    await this.timeline.goTo(before);
    const now = this.guest.machine.memory.read(range.address, range.length);
    if (now === undefined || fromBytes(now) !== value) return;
    const locks = locksCounted(this.guest, this.hart, range.address, value);
    if (locks.length > 0) return this.tellLocks(locks, before);
    const writing = await this.writers.last({ kind: 'memory', parts: [range] }, before);
    if (writing === undefined) this.say(about, `Nothing has written ${name} since the past of this run begins.`);
    else this.sayLastWrite(about, writing, name, { callers: CALLERS });
  }

  /** Who took each of them, the one first that was taken first. */
  private async tellLocks(locks: readonly CountedLock[], before: Instant): Promise<void> {
    const lines: ReturnType<typeof lastWriteLine>[] = [];
    for (const { what, parts } of locks) {
      const writing = await this.writers.last({ kind: 'memory', parts }, before);
      if (writing !== undefined)
        lines.push(lastWriteLine(this.guest, what, writing, { how: 'taken', callers: CALLERS }));
    }
    lines.sort((one, other) => compareInstants(one.seen.instant, other.seen.instant));
    for (const { text, seen } of lines) this.say('decider', text, seen);
  }

  /** `notByProgram`: it is told only if the kernel has written it, or the debugger. Returns the write, at which the machine then stands. */
  private async tellLastWrite(
    about: 'code' | 'filled' | 'overwritten',
    parts: readonly Range[],
    before: Instant,
    notByProgram = false,
  ): Promise<Writing | undefined> {
    const writing = await this.writers.last({ kind: 'memory', parts }, before);
    const isKernels = writing?.by === 'instruction' && this.guest.harts[writing.hart]!.mode !== Mode.User;
    if (writing === undefined || (notByProgram && !isKernels && writing.by !== 'debugger')) return undefined;
    this.sayLastWrite(about, writing, about === 'code' ? 'The instruction' : undefined);
    return writing;
  }

  private sayLastWrite(about: BackstoryLine['about'], writing: Writing, what = 'What lay there', words = {}): void {
    const { text, seen } = lastWriteLine(this.guest, what, writing, words);
    this.say(about, text, seen);
  }

  private async tellTrap(event: TrapEvent, at: Instant): Promise<void> {
    await this.timeline.goTo(at);
    const { guest } = this;
    const hart = guest.harts[event.hart]!;
    this.places = new EntryPlaces(guest.machine.memory, [...knownTables(guest, event.hart), ...this.places.tables]);
    const { walked } = this.explained(event);
    const space = guest.space(hart).as(event.from as Mode);
    const code = space.physical(event.epc);
    if (event.cause === Cause.illegalInstruction && code !== undefined) {
      await this.tellLastWrite('code', instructionParts(space, event.epc), at);
      this.pages.push({ page: pageOf(code), isReused: false });
      return;
    }
    const decoded = instructionAt(space.read, event.epc);
    const register = decoded?.instruction.access ? decoded.rs1 : undefined;
    const a0 = hart.x(X.a0);
    const last = walked?.steps.at(-1);
    if (event.epc === event.tval) {
      await lookAtRecent(this.guest, this.timeline, event.hart, at, (run, isLast) => this.tellJump(run, event, isLast));
    } else if (register !== undefined) {
      await lookAtRecent(this.guest, this.timeline, event.hart, at, (run, isLast) =>
        this.tellAddress(run, register, { ...event, a0 }, isLast),
      );
      await this.tellVariable('variable', at);
    }
    if (this.loaded !== undefined && (event.epc !== event.tval || pageFilling(event.tval) !== undefined))
      await this.tellWhatLay(this.loaded, event, at);
    const odd = event.from === Mode.User && walked?.error === 'not-valid' ? oddLeaf(guest, walked.root) : undefined;
    const oddEntry = odd && this.places.at(odd.address);
    if (oddEntry) this.tellEntry('origin', 'Odd is ', { entry: oddEntry, value: odd.value });
    // Before the page that the address was loaded from: without its table the hart finds nothing at any address.
    if (walked !== undefined && isNobodys(guest, walked.root))
      this.pages.unshift({ page: walked.root, isReused: true });
    // What is no entry at all does not lie in a table any more.
    if (walked?.error !== undefined && last?.pte !== undefined && last.pte !== 0n)
      this.pages.push({ page: pageOf(last.pteAddress), isReused: false });
    const entry = last && this.places.at(last.pteAddress);
    // A null pointer is none of the page table's doing.
    const isNull = event.from === Mode.Supervisor && event.tval < PAGE_SIZE && walked?.leaf === undefined;
    if (entry === undefined || isNull) return;
    this.entries.push(entry);
  }

  /** How the hart came to where it cannot fetch. False if that may lie farther back. */
  private tellJump(run: readonly Executed[], event: TrapEvent, isLast: boolean): boolean {
    const jump = run.at(-1);
    // The handler of what happened right behind a jump is not reached by that.
    if (jump?.decoded.instruction.control !== 'indirect' || targetOf(jump) !== event.tval) return true;
    const source = loadOf(run, run.length - 1, jump.decoded.rs1);
    if (source === undefined && !isLast) return false;
    if (source !== undefined && (source.value & ~1n) === event.tval) this.tellLoaded(source);
    if (event.from !== Mode.User) this.say('jump', `The jump there is at ${kernelLine(this.guest, jump.pc)}.`);
    return true;
  }

  /** What the address of an access was made of. False if that may lie farther back. `a0`: what a0 holds. */
  private tellAddress(
    run: readonly Executed[],
    register: number,
    event: TrapEvent & { a0: bigint },
    isLast: boolean,
  ): boolean {
    const sources = sourcesOfRegister(run, run.length, register);
    const entry = entryIn(this.places, sources);
    if (entry !== undefined) return this.tellEntry('origin', 'The address was made of ', entry);
    const [source, ...others] = sources;
    // Of a sum nothing is said: which part of it was wrong is not known.
    if (source === undefined || source.kind === 'unknown' || others.length > 0) return isLast;
    if (source.kind === 'memory') {
      const isWhole = source.bytes === 8 && source.value === event.tval;
      const isKernels = (isLast || isWhole) && event.from !== Mode.User;
      const told = isKernels ? variablesTold(this.guest, sources, run) : undefined;
      this.variable = told?.variable;
      if (told !== undefined) this.say('origin', `The address was made of a variable: ${told.text}.`);
      else if (isWhole) this.tellLoaded(source);
      else return isLast;
      return true;
    }
    if (event.from === Mode.User) return isLast;
    const { pc, decoded } = run[source.index]!;
    const by = functionRunning(this.guest, pc);
    if (by === undefined || decoded.instruction.name !== 'addi') return isLast;
    const here = functionRunning(this.guest, event.epc);
    const end = by.low === here?.low ? undefined : returnBefore(run, run.length, by);
    const isReturned = end !== undefined && end > source.index && returns(run, end, decoded.imm, event.a0);
    if (!isReturned) {
      this.say('origin', `The address was made of ${decoded.imm}, a constant at ${kernelLine(this.guest, pc)}.`);
      return true;
    }
    this.say(
      'origin',
      `The address was made of ${decoded.imm}, which ${by.name} had returned (${kernelLine(this.guest, pc)}).`,
    );
    const behind = behindResult(this.places, run, run.length, by);
    return behind === undefined || this.tellEntry('origin', `The last entry that ${by.name} had read is `, behind);
  }

  /** The whole address lay in memory, in a page that has a past, too. */
  private tellLoaded(source: Loaded): void {
    const { physical, value } = source;
    this.say('loaded', `The address was loaded from PA ${hex(physical)}, where ${hex(value)} was.`);
    this.pages.push({ page: pageOf(physical), isReused: pageFilling(value) !== undefined });
    this.loaded = source;
  }

  /**
   * Who has put there what became an address: the kernel, into a program's memory; whoever filled the page. Of a variable of the
   * kernel's, from where its value had been read: a list of free pages is led astray by what is written into a page on it.
   */
  private async tellWhatLay({ physical, bytes, value }: Loaded, { from }: TrapEvent, at: Instant): Promise<void> {
    const range = { address: physical, length: bytes };
    const isJunk = pageFilling(value) !== undefined;
    const variable = from === Mode.User ? undefined : globalName(this.guest.xv6, physical);
    if (variable === undefined) {
      // What a program finds in its registers as it goes on has come from there, and is its own.
      const isFrame = pageContent(this.guest, physical)?.startsWith('the trap frame') === true;
      if (!isJunk && (from !== Mode.User || isFrame)) return;
      const written = await this.tellLastWrite(isJunk ? 'filled' : 'overwritten', [range], at, !isJunk);
      const { instant } = this.guest.machine;
      const copy = isJunk ? await copiedFrom(this.guest, this.timeline, written, physical) : undefined;
      if (copy === undefined) return;
      await this.timeline.goTo(instant);
      const there = this.guest.machine.memory.read(copy.physical, bytes);
      // The page from which it was copied had been filled with it, while somebody still had it. What was written last may be a byte.
      if (there !== undefined && fromBytes(there) === value) {
        const from = `where ${hex(value)} had been copied from PA ${hex(copy.physical)}`;
        this.retellLoaded(`PA ${hex(physical)}, ${from}`);
        this.pages.unshift({ page: pageOf(copy.physical), isReused: true });
      }
      return;
    }
    const about = isJunk ? 'filled' : 'overwritten';
    const writing = await this.writers.last({ kind: 'memory', parts: [range] }, at);
    const { instant } = this.guest.machine;
    if (writing?.by === 'debugger') return this.sayLastWrite(about, writing);
    const source = await copiedFrom(this.guest, this.timeline, writing, physical);
    if (source?.value !== value) return;
    this.retellLoaded(`${variable}, and that had been read from PA ${hex(source.physical)}`);
    this.pages.unshift({ page: pageOf(source.physical), isReused: true });
    await this.tellLastWrite(about, [{ address: source.physical, length: source.bytes }], instant);
  }

  private retellLoaded(from: string): void {
    const told = this.lines.findIndex(({ about }) => about === 'loaded');
    this.lines[told] = { about: 'loaded', text: `The address was loaded from ${from}.` };
  }

  private explained(event: TrapEvent): ReturnType<typeof explainTrap> {
    const context = trapContext(this.guest, this.guest.harts[event.hart]!);
    return explainTrap(event, { ...context, nameOf: (address) => kernelPlace(this.guest, address) });
  }

  private scene(hart: number, pc: bigint | undefined, what: string): Occurrence {
    const one = this.guest.harts[hart]!;
    return { ...sceneOf(this.guest, one, pc ?? one.pc), what, parts: [] };
  }

  private say(about: BackstoryLine['about'], text: string, seen?: Occurrence): void {
    this.lines.push({ about, text, ...(seen && { seen }) });
  }
}
