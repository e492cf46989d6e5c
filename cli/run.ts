/**
 * Runs a machine with a console, in slices between which this process' events are served, until something ends it: the
 * script, the guest, a time limit, or the person at the terminal.
 *
 * While every hart waits, a run with a console lets virtual time pass with the clock on the wall; one that is driven by
 * a script goes on at once to what is due next, and feeds its input at the same instants in every run.
 */
import { Csr } from '../emulator/isa/csrs';
import type { Hart, MachineApi, Stop } from '../emulator/types';
import type { GuestOutput } from './guest-output';
import type { ScriptRun } from './script';

/** Instructions between two looks at the world: a few milliseconds. */
const SLICE = 1_000_000;
const TICKS_PER_MILLISECOND = 10_000;
/**
 * A hart that has retired nothing in so many instructions of the machine only traps, for ever. One that slept at a look, and
 * has woken just before the next, has had no turn yet: it is given until the one after.
 */
const DEAD_AFTER = 2 * SLICE;

export interface Ending {
  /** Exit status of the process. */
  status: number;
  /** For standard error; empty if there is nothing to say. */
  message: string;
}

export interface RunSettings {
  script?: { run: ScriptRun; name: string };
  /** Wall-clock milliseconds from now. */
  timeout?: number;
  noReboot: boolean;
  /** A person watches: a guest that has panicked stays on the screen. */
  interactive: boolean;
  /** Receives what the guest writes. */
  show(bytes: Uint8Array): void;
  /** Receives notes to the person at the terminal. */
  note(text: string): void;
}

/** The state behind one `run`; its methods are for the terminal and for signals. */
export class ConsoleRun {
  private readonly typed: Uint8Array[] = [];
  private ending: Ending | undefined;
  private inputEnded = false;
  private panicNoted = false;
  private wake: (() => void) | undefined;
  private readonly started = performance.now();
  private readonly retired: number[];
  private readonly progressAt: number[];
  /** Milliseconds since the process began, at the first prompt. */
  promptAt: number | undefined;
  /** Milliseconds that `run` took. */
  wall = 0;

  constructor(
    private readonly machine: MachineApi,
    private readonly output: GuestOutput,
    private readonly settings: RunSettings,
  ) {
    this.retired = machine.harts.map(() => 0);
    this.progressAt = machine.harts.map(() => 0);
  }

  input(bytes: Uint8Array): void {
    this.typed.push(bytes);
    this.wake?.();
  }

  /** Nothing more will be typed. */
  inputEnd(): void {
    this.inputEnded = true;
    this.wake?.();
  }

  end(ending: Ending): void {
    this.ending ??= ending;
    this.wake?.();
  }

  /** The person leaves: also from a guest that has panicked, which is then the result. */
  leave(): void {
    this.end({ status: this.panicNoted ? 3 : 0, message: '' });
  }

  async run(): Promise<Ending> {
    // What a saved boot has shown stands there at once.
    this.drain();
    while (this.ending === undefined) {
      for (const bytes of this.typed.splice(0)) this.machine.consoleInput(bytes);
      const stop = this.machine.run({ instructions: SLICE });
      this.drain();
      this.ending ??= this.verdict(stop);
      if (this.ending !== undefined) break;
      if (stop.kind === 'idle') await this.idle(stop.until);
      else await new Promise(setImmediate);
    }
    this.wall = performance.now() - this.started;
    return this.ending;
  }

  /** Hands out what the guest has written, and types what the script has to say to it. */
  private drain(): void {
    const bytes = this.output.take(this.machine.now);
    const script = this.settings.script?.run;
    if (bytes.length > 0) this.settings.show(bytes);
    if (this.output.promptSeen) this.promptAt ??= performance.now();
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
      this.progressAt.fill(0);
    }
    const dead = this.deadHart();
    if (dead) return { status: 3, message: `the guest hangs: ${dead}${missed}` };
    const forever = stop.kind === 'idle' && stop.until === Infinity;
    if (this.output.panicked(forever ? Infinity : this.machine.now)) {
      if (!interactive) return { status: 3, message: `the guest panicked${missed}` };
      if (!this.panicNoted) this.settings.note('the guest panicked; Ctrl-A X leaves');
      this.panicNoted = true;
    }
    const nothingTyped = script !== undefined || (this.inputEnded && this.typed.length === 0);
    if (forever && nothingTyped) {
      return { status: 3, message: `the guest hangs: all harts wait and nothing will wake them${missed}` };
    }
    if (performance.now() - this.started >= (this.settings.timeout ?? Infinity)) {
      return { status: 1, message: `timed out after ${this.settings.timeout! / 1000} s${missed}` };
    }
    return undefined;
  }

  /** Says which hart does nothing but trap: its trap vector leads to where nothing can be executed. */
  private deadHart(): string | undefined {
    const { executed, harts } = this.machine;
    for (const hart of harts) {
      if (hart.waiting || hart.spinning || hart.retired !== this.retired[hart.id]) {
        this.retired[hart.id] = hart.retired;
        this.progressAt[hart.id] = executed;
      } else if (executed - this.progressAt[hart.id]! >= DEAD_AFTER) {
        return describeTraps(hart);
      }
    }
    return undefined;
  }

  /** Every hart waits: for the clock on the wall, a key, or with a script for nothing. */
  private async idle(until: number): Promise<void> {
    const { machine, settings } = this;
    const from = machine.now;
    const milliseconds = (until - from) / TICKS_PER_MILLISECOND;
    if (settings.script || milliseconds < 1) {
      machine.idleUntil(until);
      // A guest may sleep and wake for ever: this process' events have their turn all the same.
      await new Promise(setImmediate);
      return;
    }
    const began = performance.now();
    const left = this.started + (settings.timeout ?? Infinity) - began;
    await this.sleep(Math.min(milliseconds, Math.max(left, 0), 2 ** 30));
    const slept = performance.now() - began;
    machine.idleUntil(slept >= milliseconds ? until : from + Math.floor(slept * TICKS_PER_MILLISECOND));
  }

  /** Resolves after so long, or when something comes in. */
  private sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.typed.length > 0 || this.ending !== undefined) return resolve();
      const done = (): void => {
        clearTimeout(timer);
        this.wake = undefined;
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      this.wake = done;
    });
  }
}

function describeTraps(hart: Hart): string {
  const hex = (value: bigint | undefined): string => `0x${(value ?? 0n).toString(16)}`;
  return (
    `hart ${hart.id} traps without end at pc ${hex(hart.pc)} ` +
    `(mcause ${hex(hart.csr(Csr.mcause))}, mtvec ${hex(hart.csr(Csr.mtvec))}); is the trap vector set?`
  );
}
