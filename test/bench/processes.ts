/** Measures programs from the start of the process until it shows a text, or until it ends. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import type { Readable, Writable } from 'node:stream';

export type Command = readonly [program: string, ...args: string[]];

export interface Measured {
  milliseconds: number;
  /** Peak resident memory in bytes, as Linux counts it (VmHWM); NaN if it is not known. */
  resident: number;
}

const LIMIT = 120_000;

/** Peak resident memory of a running process. */
function residentPeak(pid: number | undefined): number {
  try {
    const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
  } catch {
    return NaN;
  }
}

/** The environment without Node's variables, which would slow one program down: NODE_EXTRA_CA_CERTS alone costs 60 ms. */
const ENVIRONMENT = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('NODE_')));

const quoted = (text: string): string => JSON.stringify(text);

/** A running program and its console. */
export class Talk {
  private output = '';
  private heard: (() => void) | undefined;
  private ended = false;
  private status: number | null = null;
  private readonly began = performance.now();
  private readonly child: ChildProcessByStdio<Writable, Readable, null>;
  private readonly program: string;

  constructor([program, ...args]: Command) {
    this.program = program;
    this.child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'], env: ENVIRONMENT });
    this.child.stdout.on('data', (piece: Buffer) => {
      this.output = (this.output + piece.toString('latin1')).slice(-4000);
      this.heard?.();
    });
    // A program that has ended takes no input; its end is noticed below.
    this.child.stdin.on('error', () => undefined);
    for (const event of ['error', 'close']) {
      this.child.on(event, (status: number | null | Error) => {
        if (typeof status === 'number') this.status = status;
        this.ended = true;
        this.heard?.();
      });
    }
  }

  /** Milliseconds from the start until the text appears, after the end of the last one. */
  expect(text: string, limit = LIMIT): Promise<number> {
    return this.until(
      () => {
        const at = this.output.indexOf(text);
        if (at < 0) return false;
        this.output = this.output.slice(at + text.length);
        return true;
      },
      `show ${quoted(text)}`,
      limit,
    );
  }

  /** Milliseconds from the start until the program ends by itself, with status 0. */
  end(limit = LIMIT): Promise<number> {
    return this.until(() => this.ended && this.status === 0, 'end with status 0', limit);
  }

  send(line: string): void {
    this.child.stdin.write(`${line}\n`);
  }

  get elapsed(): number {
    return performance.now() - this.began;
  }

  get resident(): number {
    return residentPeak(this.child.pid);
  }

  /** Ends it. */
  async stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.child.kill(signal);
    await this.until(() => this.ended, 'end when told to', LIMIT);
  }

  private async until(reached: () => boolean, what: string, limit: number): Promise<number> {
    const timer = setTimeout(() => this.heard?.(), limit);
    const deadline = performance.now() + limit;
    try {
      for (;;) {
        if (reached()) return this.elapsed;
        if (this.ended || performance.now() >= deadline) {
          this.child.kill('SIGKILL');
          const why = this.ended ? `ended with ${this.status}` : `not within ${limit / 1000} s`;
          throw new Error(
            `${this.program} did not ${what} (${why}); its output ends in ${quoted(this.output.slice(-200))}`,
          );
        }
        await new Promise<void>((resolve) => (this.heard = resolve));
      }
    } finally {
      clearTimeout(timer);
    }
  }
}

/** From the start of the process until it has shown `text`; then kills it. */
export async function untilText(command: Command, text: string): Promise<Measured> {
  const talk = new Talk(command);
  const milliseconds = await talk.expect(text);
  const { resident } = talk;
  await talk.stop();
  return { milliseconds, resident };
}

/** From the start of the process to its end. */
export async function untilEnd(command: Command): Promise<Measured> {
  return { milliseconds: await new Talk(command).end(), resident: NaN };
}
