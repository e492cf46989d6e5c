/**
 * Random expressions, in every request that takes one: each has a value, or an error that was thrown on purpose. XV6_EXPRESSIONS
 * asks so many; XV6_DIR names a built xv6 to ask them of as well.
 */
import { strict as assert } from 'node:assert';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../../../emulator/testing/random';
import { labAt } from '../../guests/lab';
import { TestSession } from '../support';

const COUNT = Number(process.env.XV6_EXPRESSIONS ?? 1500);
const FOLDER = process.env.XV6_DIR;
/** Where the kernel has locals of its own, and a process. */
const STOPS = ['sys_write', 'walk', 'scheduler', 'kvminit'];
const NAMES = [
  ...['$pc', '$sp', '$a0', '$x10', '$satp', '$sstatus', '$scause', '$hart', '$pid', '$mode', '$instret', '$nothing'],
  ...['proc', 'cpus', 'ticks', 'kmem', 'cons', 'bcache', 'ftable', 'devsw', 'initproc', 'syscalls', 'nextpid', 'main'],
  ...['RUNNING', 'UNUSED', 'SLEEPING', 'ZOMBIE', 'nothing', 'pid', 'hart', 'mode', 'proc.c::nextpid', 'kernel::main'],
];
/** What has members. */
const PLACES = [
  ...['initproc', '*initproc', 'proc[1]', 'proc[2].trapframe', 'cpus[0]', 'cpus[0].proc', '*cpus[0].proc', 'cons'],
  ...['cpus[0].proc->context', '&proc[1]', 'kmem', 'bcache', 'ftable', '(struct proc *)proc', '*(struct cpu *)cpus'],
  ...['$sstatus', '$satp', '$pte($sp)', '$proc(1)', '*$proc(2)', 'cpus[0].proc->ofile[0]', 'proc[1].lock', 'p', '*p'],
];
const MEMBERS = [
  ...['state', 'name', 'pid', 'context', 'trapframe', 'lock', 'locked', 'pagetable', 'ofile', 'cwd', 'ra', 'sp'],
  ...['SPP', 'PPN', 'V', 'chan', 'parent', 'cpu', 'noff', 'head', 'next', 'buf', 'read', 'nothing', 'mode', 'code'],
];
const TYPES = [
  ...['int', 'char', 'unsigned long', 'short *', 'void', 'void *', 'char[16]', 'struct proc', 'struct proc *'],
  ...['enum procstate', 'struct cpu[2]', 'uint64 *', 'pagetable_t', 'struct nothing', 'signed char', '_Bool', 'double'],
  ...['int (*)(void)', 'struct trapframe', 'char[0]', 'int[1000000000]', 'struct file **'],
];
const BINARY = ['+', '-', '*', '/', '%', '<<', '>>', '&', '|', '^', '&&', '||', '==', '!=', '<', '>=', ',', '=', '+='];
const UNARY = ['-', '+', '!', '~', '*', '&', 'sizeof ', '++', '--', '_Alignof '];
const NUMBERS = [
  ...['0', '1', '-1', '3', '64', '0x80000000', '0xffffffffffffffff', '18446744073709551616', '1e999', '0.5', "'a'"],
  ...["'\\n'", '"sh"', '""', '0x', '08', '1u', '2147483648', '1.5f'],
];
const CONTEXTS = ['watch', 'hover', 'repl', 'clipboard', 'variables'];
/** The engine's own words for what it cannot do. */
const ENGINE =
  /Cannot (read|set|mix|convert|access|destructure)|is not (a function|iterable|defined|a constructor)|\[object|Invalid (array|typed|count|string)|out of (range|bounds)|call stack|Unexpected token|defect of/;

class Expressions {
  constructor(
    private readonly chance: Random,
    private readonly names: readonly string[],
  ) {}

  next(depth = this.chance.below(5)): string {
    const { chance } = this;
    if (depth <= 0) return chance.chance(70) ? chance.pick(this.names) : chance.pick(NUMBERS);
    const inner = (): string => this.next(depth - 1 - chance.below(2));
    const text = chance.pick([
      () => `${inner()}${chance.pick(['.', '->'])}${chance.pick(MEMBERS)}`,
      () => `(${chance.pick(PLACES)})${chance.pick(['.', '->'])}${chance.pick(MEMBERS)}`,
      () => `(${chance.pick(PLACES)})${chance.pick(['.', '->'])}${chance.pick(MEMBERS)}`,
      () => `(${chance.pick(PLACES)}).${chance.pick(MEMBERS)} ${chance.pick(BINARY)} ${inner()}`,
      () => `${inner()}[${inner()}]`,
      () => `${inner()}[${chance.pick(['0..3', '2..1', '0..1000000000', '-1..2'])}]`,
      () => `${inner()}@${chance.pick(NUMBERS)}`,
      () => `${inner()} ${chance.pick(BINARY)} ${inner()}`,
      () => `${inner()} ${chance.pick(BINARY)} ${inner()}`,
      () => `${chance.pick(UNARY)}${inner()}`,
      () => `(${chance.pick(TYPES)})${inner()}`,
      () => `sizeof(${chance.pick(TYPES)})`,
      () => `(${inner()})`,
      () => `${inner()} ? ${inner()} : ${inner()}`,
      () => `${chance.pick(['$pte', '$va2pa', '$proc', 'main', '$nothing'])}(${inner()})`,
      () => `${inner()}++`,
    ])();
    return chance.chance(3) ? this.damaged(text) : text;
  }

  private damaged(text: string): string {
    const at = this.chance.below(text.length + 1);
    return (
      text.slice(0, at) +
      this.chance.pick(['', '(', ')', ']', '..', '"', "'", '\\', '\u00e9', '$', '{', '::']) +
      text.slice(at + 1)
    );
  }
}

/** All names in the scopes of a frame, and of the members of the first of them. */
async function namesAt(session: TestSession, frameId: number): Promise<string[]> {
  const { scopes } = (await session.scopesRequest({ frameId })).body;
  const names: string[] = [];
  for (const { variablesReference, name } of scopes) {
    if (!/^Local|^Arg|^Static|^Global/.test(name)) continue;
    for (const variable of (await session.children(variablesReference)).slice(0, 100)) names.push(variable.name);
  }
  return names;
}

async function ask(session: TestSession, chance: Random, expressions: Expressions, frameId: number): Promise<string[]> {
  const text = expressions.next();
  const said: string[] = [];
  const note = async (request: string, answer: Promise<{ body?: unknown }>): Promise<void> => {
    const words = await answer.then(
      ({ body }) => JSON.stringify(body),
      (error: Error) => error.message,
    );
    said.push(`${request} ${text}: ${words}`);
  };
  const evaluate = async (): Promise<void> => {
    const args = { expression: text, frameId, context: chance.pick(CONTEXTS), format: { hex: chance.chance(20) } };
    const answer = session.evaluateRequest(args);
    await note('evaluate', answer);
    const { variablesReference = 0 } = (await answer.catch(() => ({ body: undefined }))).body ?? {};
    if (variablesReference > 0)
      await note('variables', session.variablesRequest({ variablesReference, start: 0, count: 20 }));
  };
  await chance.pick([
    evaluate,
    evaluate,
    evaluate,
    () =>
      note(
        'setExpression',
        session.customRequest('setExpression', { expression: text, value: expressions.next(1), frameId }),
      ),
    () => note('completions', session.completionsRequest({ text, column: 1 + chance.below(text.length + 1), frameId })),
    () =>
      note(
        'dataBreakpointInfo',
        session.customRequest('dataBreakpointInfo', { name: text, frameId, asAddress: chance.chance(10), bytes: 8 }),
      ),
    () =>
      note(
        'setFunctionBreakpoints',
        session.setFunctionBreakpointsRequest({
          breakpoints: [{ name: 'fork', condition: text, hitCondition: chance.chance(10) ? text : '1' }],
        }),
      ),
    () =>
      note(
        'setInstructionBreakpoints',
        session.customRequest('setInstructionBreakpoints', { breakpoints: [{ instructionReference: text }] }),
      ),
  ])();
  return said;
}

async function fuzz(session: TestSession): Promise<void> {
  const chance = new Random(1);
  let stops = 0;
  for (const name of STOPS) {
    const { body } = await session.setFunctionBreakpointsRequest({ breakpoints: [{ name }] });
    if (!body.breakpoints[0]!.verified) continue;
    await session.continueRequest({ threadId: 1 });
    const { threadId } = await session.stopped();
    stops++;
    await session.setFunctionBreakpointsRequest({ breakpoints: [] });
    const frames = await session.stack(threadId);
    for (const { id } of frames.slice(0, 4)) {
      const expressions = new Expressions(chance, [...NAMES, ...(await namesAt(session, id))]);
      for (let i = 0; i < COUNT / STOPS.length / 4; i++) {
        for (const line of await ask(session, chance, expressions, id))
          assert.doesNotMatch(line, ENGINE, session.messages);
      }
    }
    await session.setFunctionBreakpointsRequest({ breakpoints: [] });
    await session.customRequest('setInstructionBreakpoints', { breakpoints: [] });
    // What was assigned may have spoilt the kernel.
    await session.restartRequest({ arguments: undefined });
    await session.stopped();
  }
  assert.ok(stops >= 3);
  assert.doesNotMatch(session.messages, /Defect in/);
}

describe('random expressions', function () {
  this.timeout(60_000 + 20 * COUNT);
  let session: TestSession;
  beforeEach(async () => {
    session = await TestSession.open();
  });
  afterEach(() => session.stop());

  it('of the sample have a value or an error meant for a reader', async () => {
    await session.boot({ stopOnEntry: true });
    await session.stopped();
    await fuzz(session);
  });

  it('of a real xv6 have a value or an error meant for a reader', async function () {
    if (FOLDER === undefined) {
      console.log('      skipped: XV6_DIR names no built tree');
      this.skip();
    }
    const { kernel, image, legacyVirtio } = labAt(FOLDER);
    const disk = join(session.folder, 'lab.img');
    copyFileSync(image, disk);
    await session.boot({ kernel, disk, legacyVirtio, stopOnEntry: true });
    await session.stopped();
    await fuzz(session);
  });
});
