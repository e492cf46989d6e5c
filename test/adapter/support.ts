/**
 * A debug session over stdio with the sample kernel, like that of any client of the protocol. Bundles the adapter from the
 * sources once in a run; every session has its own copy of the disk image.
 */
import { strict as assert } from 'node:assert';
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DebugClient } from '@vscode/debugadapter-testsupport';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { buildSync } from 'esbuild';
import type { LaunchAttributes, Requests } from '../../debug-adapter/protocol';
import { plantedKernel } from './planted';

const ROOT = join(__dirname, '..', '..');
export const SAMPLE = join(ROOT, 'sample');
export const KERNEL = join(SAMPLE, 'prebuilt', 'kernel');
export const DISK = join(SAMPLE, 'prebuilt', 'fs.img');
/** The path of a kernel with a planted bug. */
export const kernelWithBug = (bug: number): string => plantedKernel(String(bug));

let bundle: string | undefined;

/** Bundles the adapter, for this process. The bundle is beside dist/, so that it finds the sample as the real one does. */
export function adapter(): string {
  if (bundle === undefined) {
    const file = join(ROOT, 'out', `adapter-${process.pid}.js`);
    process.once('exit', () => rmSync(file, { force: true }));
    buildSync({
      entryPoints: [join(ROOT, 'debug-adapter', 'stdio.ts')],
      outfile: file,
      bundle: true,
      platform: 'node',
      target: 'node20',
      sourcemap: 'inline',
      logLevel: 'error',
    });
    bundle = file;
  }
  return bundle;
}

/**
 * Writes a copy of the sample's kernel that was built elsewhere: its recorded paths are below /absent, and no file of the
 * sample is near it.
 */
export function kernelFromElsewhere(folder: string): string {
  const bytes = readFileSync(KERNEL);
  const kernel = join(folder, 'build', 'kernel', 'kernel');
  const before = Buffer.from('/sample');
  for (let at = bytes.indexOf(before); at >= 0; at = bytes.indexOf(before, at)) bytes.write('/absent', at);
  mkdirSync(dirname(kernel), { recursive: true });
  writeFileSync(kernel, bytes);
  return kernel;
}

/** The path of a file of the sample. */
export const source = (name: string): string => join(SAMPLE, name);

/** The number of the only line of a sample's file that matches. */
export function lineOf(name: string, pattern: RegExp): number {
  const lines = readFileSync(source(name), 'utf8').split('\n');
  const found = lines.flatMap((line, index) => (pattern.test(line) ? [index + 1] : []));
  assert.equal(found.length, 1, `${pattern} matches ${found.length} lines of ${name}`);
  return found[0]!;
}

export interface LaunchOptions extends LaunchAttributes {
  lines?: { file: string; lines: number[] }[];
  functions?: string[];
  /** Only that for panics, if nothing is said; with none, those that are on by default. */
  filters?: (string | { filterId: string; condition: string })[];
}

export type Stop = DebugProtocol.StoppedEvent['body'] & { description?: string };

export class TestSession extends DebugClient {
  /** The guest's output so far. */
  console = '';
  /** The debugger's own messages. */
  messages = '';
  readonly folder = mkdtempSync(join(tmpdir(), 'adapter-'));
  readonly disk = join(this.folder, 'fs.img');
  /** The folder for saved boots: a session boots from scratch unless it uses another session's folder. */
  cache = `${this.folder}-boots`;
  private readonly stops: Stop[] = [];
  private waiting: ((stop: Stop) => void) | undefined;
  private child: ChildProcessWithoutNullStreams | undefined;
  private exit: Promise<number | null> = Promise.resolve(null);

  constructor() {
    super(process.execPath, adapter(), 'xv6');
    this.defaultTimeout = 20_000;
    this.on('output', ({ body }: DebugProtocol.OutputEvent) => {
      if (body.category === 'stdout') this.console += body.output;
      else this.messages += body.output;
    });
    this.on('xv6.consoleOutput', ({ body }: { body: { text: string } }) => (this.console += body.text));
    this.on('stopped', ({ body }: DebugProtocol.StoppedEvent) => {
      const waiting = this.waiting;
      this.waiting = undefined;
      if (waiting) waiting(body);
      else this.stops.push(body);
    });
  }

  /** Starts an adapter and initializes it. `cache`: a folder in which another session has saved its boot. */
  static async open(cache?: string): Promise<TestSession> {
    const session = new TestSession();
    if (cache !== undefined) session.cache = cache;
    await session.start();
    await session.initializeRequest({
      adapterID: 'xv6',
      linesStartAt1: true,
      columnsStartAt1: true,
      pathFormat: 'path',
      supportsInvalidatedEvent: true,
      supportsMemoryEvent: true,
      supportsMemoryReferences: true,
      supportsProgressReporting: true,
      supportsVariableType: true,
      supportsVariablePaging: true,
    });
    return session;
  }

  /** Launches the sample kernel on a copy of its disk, after setting the breakpoints and filters. */
  async boot({ lines = [], functions = [], filters = ['panic'], ...attributes }: LaunchOptions = {}): Promise<void> {
    copyFileSync(DISK, this.disk);
    const initialized = this.waitForEvent('initialized');
    await this.launchRequest({
      kernel: KERNEL,
      disk: this.disk,
      harts: 1,
      legacyVirtio: false,
      ...attributes,
    } as LaunchAttributes & DebugProtocol.LaunchRequestArguments);
    await initialized;
    for (const { file, lines: at } of lines) await this.setLines(file, ...at);
    if (functions.length > 0)
      await this.setFunctionBreakpointsRequest({ breakpoints: functions.map((name) => ({ name })) });
    if (filters.length > 0) await this.setFilters(...filters);
    await this.configurationDoneRequest();
  }

  async setLines(file: string, ...lines: number[]): Promise<DebugProtocol.Breakpoint[]> {
    const { body } = await this.setBreakpointsRequest({
      source: { path: source(file) },
      breakpoints: lines.map((line) => ({ line })),
    });
    return body.breakpoints;
  }

  async setFilters(
    ...filters: (string | { filterId: string; condition: string })[]
  ): Promise<DebugProtocol.Breakpoint[]> {
    const { body } = await this.setExceptionBreakpointsRequest({
      filters: filters.filter((filter) => typeof filter === 'string'),
      filterOptions: filters.filter((filter) => typeof filter !== 'string'),
    });
    return body?.breakpoints ?? [];
  }

  /** The next stop, or one that has come since the last call. */
  stopped(): Promise<Stop> {
    const come = this.stops.shift();
    if (come) return Promise.resolve(come);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () =>
          reject(
            new Error(`No stop in ${this.defaultTimeout} ms. The console says:\n${this.console}\n${this.messages}`),
          ),
        this.defaultTimeout,
      );
      this.waiting = (stop) => {
        clearTimeout(timer);
        resolve(stop);
      };
    });
  }

  async goOn(): Promise<Stop> {
    await this.continueRequest({ threadId: 1 });
    return this.stopped();
  }

  /** Steps a thread and waits for its stop. */
  async step(
    kind: 'next' | 'stepIn' | 'stepOut',
    threadId = 1,
    granularity: DebugProtocol.SteppingGranularity = 'statement',
  ): Promise<Stop> {
    await this.customRequest(kind, { threadId, granularity });
    return this.stopped();
  }

  async stack(threadId = 1): Promise<DebugProtocol.StackFrame[]> {
    return (await this.stackTraceRequest({ threadId })).body.stackFrames;
  }

  /** For each frame "walk kernel/vm.c:25", or only the name if the line is not known. */
  async places(threadId = 1): Promise<string[]> {
    return (await this.stack(threadId)).map(({ name, source: at, line }) =>
      at?.path ? `${name} ${at.path.slice(SAMPLE.length + 1)}:${line}` : name,
    );
  }

  async value(expression: string, context = 'watch', frameId?: number): Promise<string> {
    const frame = frameId ?? (await this.stack())[0]?.id;
    return (await this.evaluateRequest({ expression, context, ...(frame === undefined ? {} : { frameId: frame }) }))
      .body.result;
  }

  /** A scope of the innermost frame, as "name = value" lines. */
  async scope(name: string, threadId = 1, level = 0): Promise<DebugProtocol.Variable[]> {
    const frame = (await this.stack(threadId))[level]!;
    const { scopes } = (await this.scopesRequest({ frameId: frame.id })).body;
    const found = scopes.find((scope) => scope.name === name);
    assert.ok(found, `no scope ${name} among ${scopes.map((scope) => scope.name).join(', ')}`);
    return (await this.variablesRequest({ variablesReference: found.variablesReference })).body.variables;
  }

  async children(variablesReference: number): Promise<DebugProtocol.Variable[]> {
    return (await this.variablesRequest({ variablesReference })).body.variables;
  }

  async ask<R extends keyof Requests>(request: R, args: Requests[R]['arguments']): Promise<Requests[R]['response']> {
    return ((await this.customRequest(request, args)) as { body: Requests[R]['response'] }).body;
  }

  /** Waits until the guest has written a text, after the first `from` characters. */
  async written(text: string, from = 0): Promise<void> {
    const end = Date.now() + this.defaultTimeout;
    while (!this.console.includes(text, from)) {
      if (Date.now() > end)
        throw new Error(`"${text}" did not come. The console says:\n${this.console}\n${this.messages}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Types a line at the shell. */
  async type(line: string): Promise<number> {
    const from = this.console.length;
    await this.ask('xv6.consoleInput', { text: `${line}\r` });
    return from;
  }

  /** The adapter's process, for tests of how it ends. */
  get process(): ChildProcessWithoutNullStreams {
    assert.ok(this.child);
    return this.child;
  }

  /** Its exit code, once it has ended; null if a signal ended it. */
  get ended(): Promise<number | null> {
    return this.exit;
  }

  override start(): Promise<void> {
    const env = { ...process.env, XDG_CACHE_HOME: this.cache };
    const child = spawn(process.execPath, [adapter()], { stdio: 'pipe', env });
    child.stderr.on('data', (data: Buffer) => (this.messages += data.toString()));
    child.stdin.on('error', () => undefined);
    this.exit = new Promise((resolve) => child.on('exit', resolve));
    this.child = child;
    this.connect(child.stdout, child.stdin);
    return Promise.resolve();
  }

  /** Ends the session as a client would, whatever its state. */
  override async stop(): Promise<void> {
    const child = this.process;
    if (child.exitCode === null && child.signalCode === null) {
      this.disconnectRequest().catch(() => undefined);
      const impatient = setTimeout(() => child.kill('SIGKILL'), 5000);
      await this.exit;
      clearTimeout(impatient);
    }
    rmSync(this.folder, { recursive: true, force: true });
    rmSync(`${this.folder}-boots`, { recursive: true, force: true });
  }
}

/** A new session for each test of a suite. */
export function sessions(): () => TestSession {
  let session: TestSession | undefined;
  beforeEach(async () => {
    session = await TestSession.open();
  });
  afterEach(async () => {
    await session?.stop();
    session = undefined;
  });
  return () => session!;
}

/** One session for all tests of a suite, which change nothing or undo their changes; `prepare` runs it to its stop. */
export function oneSession(prepare: (session: TestSession) => Promise<unknown>): () => TestSession {
  let session: TestSession | undefined;
  before(async () => {
    session = await TestSession.open();
    await prepare(session);
  });
  after(async () => {
    await session?.stop();
    session = undefined;
  });
  return () => session!;
}

/** The item with a name. */
export function named<T extends { name: string }>(all: readonly T[], name: string): T {
  const found = all.find((one) => one.name === name);
  assert.ok(found, `no ${name} among ${all.map((one) => one.name).join(', ')}`);
  return found;
}
