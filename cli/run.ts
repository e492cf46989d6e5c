/**
 * Runs a machine with a console until something ends it: the script, the guest, a time limit, or the person at the terminal.
 *
 * While every hart waits, a run with a console lets virtual time pass with the clock on the wall; one that is driven by
 * a script goes on at once to what is due next, and feeds its input at the same instants in every run.
 */
import { DeadEnds, describeDeadEnd } from '../emulator/dead-ends/dead-ends';
import { Timeline } from '../emulator/history/timeline';
import { Csr } from '../emulator/isa/csrs';
import { RunLoop, isSilent } from '../emulator/run-loop';
import { TrapLoops, trapVector } from '../emulator/dead-ends/trap-loops';
import type { Hart, MachineApi, MachineInput, RunLimit, State, Stop, Subscription } from '../emulator/types';
import type { Target } from '../gdb-stub/target';
import { CLOCK } from '../host/clock';
import type { GuestOutput } from './guest-output';
import type { ScriptRun } from './script';

/** Instructions of a run. Nobody but the person at the keyboard waits for its end. */
const LARGEST_BUDGET = 4_000_000;

/** Bytes of the checkpoints from which a debugger goes back. */
const PAST_MEMORY = 256 * 2 ** 20;

/** Of Node's timers, in milliseconds. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

/** Frames that wait; more are lost. */
const MOST_FRAMES = 256;

export interface Ending {
  /** Exit status of the process. */
  status: number;
  /** For standard error; empty if there is nothing to say. */
  message: string;
}

/** One who stops the run and lets it go on: gdb's server. */
export interface RunDebugger {
  /** For the next run of the machine. */
  limit(): Pick<RunLimit, 'hart'>;
  /** The machine has come back from a run. True if it is to stand. */
  ran(stop: Stop): boolean;
  /** The machine is on its way through its past, and nothing may come in. */
  readonly travelling: boolean;
  /** Someone debugs: a guest that has died is there to be looked at. */
  readonly debugging: boolean;
  /** The run has ended. */
  exited(status: number): void;
}

export interface RunSettings {
  script?: { run: ScriptRun; name: string };
  /** Wall-clock milliseconds from now. */
  timeout?: number;
  noReboot: boolean;
  /** The run begins only when a debugger says so. */
  halted?: boolean;
  /** What comes from there keeps to the clock on the wall, and may wake a guest at any time. */
  network?: { forget(): void };
  /** A person watches: a guest that has panicked stays on the screen. */
  interactive: boolean;
  /** Receives what the guest writes. */
  show(bytes: Uint8Array): void;
  /** Receives notes to the person at the terminal. */
  note(text: string): void;
}

/** The state behind one `run`; its methods are for the terminal and for signals. */
export class ConsoleRun implements Target {
  private readonly loop: RunLoop;
  private ending: Ending | undefined;
  private inputEnded = false;
  private endNoted = false;
  private readonly started = CLOCK.now();
  /** By hart: the instructions that it had retired when the machine last came back. */
  private readonly retired: number[];
  private readonly trapLoops = new TrapLoops();
  private readonly deadEnds: DeadEnds;
  private watching: Subscription | undefined;
  private debugger: RunDebugger | undefined;
  private timeline: Timeline | undefined;
  /** What was typed while nothing may come in. */
  private readonly typed: Uint8Array[] = [];
  /** What came from the network while the machine stood still. */
  private readonly frames: Uint8Array[] = [];
  private settled: (() => void) | undefined;
  private failed: ((error: unknown) => void) | undefined;
  /** Milliseconds since the process began, at the first prompt. */
  promptAt: number | undefined;
  /** Milliseconds that `run` took. */
  wall = 0;

  constructor(
    readonly machine: MachineApi,
    private readonly output: GuestOutput,
    private readonly settings: RunSettings,
  ) {
    this.retired = machine.harts.map(() => 0);
    this.deadEnds = new DeadEnds(machine);
    output.listener = (bytes) => this.deadEnds.wrote(bytes);
    const client = {
      // A grade script, which has it wait, reads along, and wants to see pieces as they are written.
      ...(settings.halted !== true && { largestBudget: LARGEST_BUDGET }),
      limit: () => this.debugger?.limit() ?? {},
      betweenSlices: (_rest: number, ran: number) => this.timeline?.ran(ran),
      ran: (stop: Stop) => this.ran(stop),
      failed: (error: unknown) => {
        this.loop.stop();
        this.failed?.(error);
      },
    };
    const isPaced = settings.script === undefined || settings.network !== undefined;
    this.loop = new RunLoop(machine, CLOCK, client, isPaced);
  }

  /** gdb's server looks at the run from now on. */
  attach(debug: RunDebugger): void {
    this.debugger = debug;
  }

  input(bytes: Uint8Array): void {
    this.typed.push(bytes);
    if (this.debugger?.travelling !== true) this.type();
  }

  /** The machine stands in its past, or is on its way there: whatever it does, it has done before. */
  get inPast(): boolean {
    return this.debugger?.travelling === true || this.timeline?.isPast === true;
  }

  /** A frame for the guest has come from the network, of which there is none in the past. It waits while the machine stands still. */
  receive(frame: Uint8Array): void {
    if (this.inPast || this.frames.length >= MOST_FRAMES) return;
    this.frames.push(frame);
    if (this.running) this.takeFrames();
  }

  /** Nothing more will be typed. */
  inputEnd(): void {
    this.inputEnded = true;
    this.loop.wake();
  }

  end(ending: Ending): void {
    this.ending ??= ending;
    this.loop.stop();
    this.debugger?.exited(this.ending.status);
    this.settled?.();
  }

  /** The person leaves: also from a guest that has panicked, which is then the result. */
  leave(): void {
    this.end({ status: this.endNoted ? 3 : 0, message: '' });
  }

  async run(): Promise<Ending> {
    // What a saved boot has shown stands there at once.
    this.drain();
    const callOff = CLOCK.later(Math.min(this.settings.timeout ?? Infinity, LONGEST_TIMEOUT), () => {
      if (this.running) this.loop.wake();
      else if (this.isLate) this.end(this.timedOut(''));
    });
    try {
      await new Promise<void>((resolve, reject) => {
        this.settled = resolve;
        this.failed = reject;
        if (this.ending !== undefined) resolve();
        else if (this.settings.halted !== true) this.loop.start();
      });
    } finally {
      callOff();
    }
    this.wall = CLOCK.now() - this.started;
    return this.ending!;
  }

  get running(): boolean {
    return this.loop.running;
  }
  resume(): void {
    if (this.ending !== undefined) return;
    this.type();
    this.takeFrames();
    this.loop.start();
  }
  halt(): void {
    this.loop.stop();
  }
  release(): void {
    this.resume();
  }
  quit(): void {
    this.end({ status: 0, message: '' });
  }

  apply(input: MachineInput): boolean {
    if (this.timeline?.isPast === true) {
      this.timeline.branch();
      this.settings.network?.forget();
      this.output.forgetLater();
    }
    return this.machine.apply(input);
  }

  past(): Timeline {
    const { output } = this;
    const companion = {
      save: () => output.position,
      restore: (position: State) => output.goTo(position as number),
      passed: () => undefined,
    };
    return (this.timeline ??= new Timeline(this.machine, companion, CLOCK, PAST_MEMORY));
  }

  private takeFrames(): void {
    const frames = this.frames.splice(0);
    if (this.inPast || frames.length === 0) return;
    for (const bytes of frames) this.machine.apply({ kind: 'frame', bytes });
    this.loop.wake();
  }

  private type(): void {
    for (const bytes of this.typed.splice(0)) this.apply({ kind: 'console', bytes });
    this.loop.wake();
  }

  private ran(stop: Stop): void {
    this.drain();
    if (this.debugger?.ran(stop) === true) return;
    const ending = this.verdict(stop);
    if (ending !== undefined) this.end(ending);
  }

  /** Hands out what the guest has written, and types what the script has to say to it. */
  private drain(): void {
    const bytes = this.output.take(this.machine.now);
    const script = this.settings.script?.run;
    if (bytes.length > 0) this.settings.show(bytes);
    if (this.output.promptSeen) this.promptAt ??= CLOCK.now();
    if (!script) return;
    script.output(bytes);
    const typed = script.advance();
    if (typed.length > 0) this.machine.consoleInput(typed);
  }

  /** Whether this is the end. */
  private verdict(stop: Stop): Ending | undefined {
    const { script, interactive } = this.settings;
    if (script?.run.done) return { status: 0, message: '' };
    const waiting = script?.run.waitingFor;
    const missed = script && waiting ? `; ${script.name}:${waiting.line} was still waiting for "${waiting.text}"` : '';
    if (stop.kind === 'poweroff') {
      if (script) return { status: 3, message: `the guest powered off${missed}` };
      return { status: stop.code, message: '' };
    }
    if (stop.kind === 'reset') {
      if (this.settings.noReboot) return { status: script ? 3 : 0, message: `the guest reset the machine${missed}` };
      this.machine.reset();
      this.retired.fill(0);
      this.trapLoops.clear();
      this.deadEnds.clear();
    }
    if (this.isLate) return this.timedOut(missed);
    if (this.debugger?.debugging === true) return undefined;
    const dead = this.deadHart();
    if (dead) return { status: 3, message: `the guest hangs: ${dead}${missed}` };
    const silent = isSilent(stop) && this.settings.network === undefined;
    const found = this.deadEnds.look(silent, script !== undefined || this.inputEnded);
    if (found !== undefined || this.output.panicked(silent ? Infinity : this.machine.now)) {
      const what = found === undefined || found.kind === 'panic' ? 'the guest panicked' : 'the guest hangs';
      const why = found === undefined ? '' : `: ${describeDeadEnd(found)}`;
      if (!interactive) return { status: 3, message: `${what}${why}${missed}` };
      if (!this.endNoted) this.settings.note(`${what}${why}; Ctrl-A X leaves`);
      this.endNoted = true;
    }
    if (silent && (script !== undefined || this.inputEnded))
      return { status: 3, message: `the guest hangs: all harts wait and nothing will wake them${missed}` };
    return undefined;
  }

  private get isLate(): boolean {
    return CLOCK.now() - this.started >= (this.settings.timeout ?? Infinity);
  }

  private timedOut(missed: string): Ending {
    return { status: 1, message: `timed out after ${this.settings.timeout! / 1000} s${missed}` };
  }

  /**
   * Says which hart cannot get through its trap handler. To look at every trap costs time, so that is done only after a run
   * in which some hart has retired nothing.
   */
  private deadHart(): string | undefined {
    const { machine, trapLoops } = this;
    const dead = machine.harts.find(({ id }) => trapLoops.unreported(id) !== undefined);
    const looks = machine.harts.some((hart) => !hart.waiting && hart.retired === this.retired[hart.id]);
    for (const hart of machine.harts) this.retired[hart.id] = hart.retired;
    if (looks) {
      this.watching ??= machine.subscribe({
        trap: (event) => {
          const hart = machine.harts[event.hart]!;
          return trapLoops.follow(event, trapVector(hart, event.to), hart.retired);
        },
      });
    } else if (this.watching !== undefined) {
      this.watching.end();
      this.watching = undefined;
      trapLoops.clear();
    }
    return dead && describeTraps(dead);
  }
}

function describeTraps(hart: Hart): string {
  const hex = (value: bigint | undefined): string => `0x${(value ?? 0n).toString(16)}`;
  return (
    `hart ${hart.id} traps without end at pc ${hex(hart.pc)} ` +
    `(mcause ${hex(hart.csr(Csr.mcause))}, mtvec ${hex(hart.csr(Csr.mtvec))}); is the trap vector set?`
  );
}
