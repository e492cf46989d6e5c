/** What is said at once of a stop, by the frames on the stack: every sentence where it is true, and where, nearly alike, it is not. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Csr } from '../../emulator/isa/csrs';
import { PTE } from '../../emulator/isa/sv39';
import { csrw, R, type Assembler } from '../../emulator/testing/guests';
import { RWX } from '../../emulator/testing/page-tables';
import { Mode, type TrapEvent } from '../../emulator/types';
import { MappedProgram } from '../code/mapped-program';
import * as C from '../expressions/types';
import type { StopCause } from '../run-control/stops';
import type { Frame } from '../stack/frame';
import type { Type } from '../symbols/api';
import { testRows, type BackstoryRow } from '../testing/backstory-rows';
import { TestProgram, typedef } from '../testing/program';
import { OTHER_PAGE, PAGE, PANIC, SmallKernel, type SmallKernelOptions, type WriteCode } from '../testing/small-kernel';
import { unsaid } from '../testing/words-in';
import { guestKernel, PROC, TRAPFRAME } from '../testing/xv6-kernel';
import type { Findings } from './look-back';
import { nameOf, StopStory } from './stop-story';
import { storyText } from './text';

const [ULONG, POINTER] = [C.UNSIGNED_LONG, C.pointerTo(C.VOID)];
const PTE_T = typedef('pte_t', ULONG);
const TABLE = typedef('pagetable_t', C.pointerTo(PTE_T));
const ENTRY_POINTER = C.pointerTo(PTE_T);
const WORDS = { pathOf: (path: string) => path, duration: (ticks: number) => `${ticks} ticks` };
/** No memory. */
const NOWHERE = 0x1_0000_0000n;

type Values = Readonly<Record<string, readonly [Type, bigint, kind?: 'local' | 'parameter']>>;

/** A frame of the kernel's with these variables, which are parameters unless they say otherwise. */
function frame(name: string, values: Values = {}, more: Partial<Frame> = {}): Frame {
  const program = new TestProgram();
  for (const [of, [type, value, kind = 'parameter']] of Object.entries(values))
    program.addLocal(of, type, { kind: 'value', value }, kind);
  return {
    ...{
      id: 0,
      hart: 0,
      registers: { pc: 0n, x: [] },
      image: new MappedProgram(program),
      isUser: false,
      isLabel: false,
    },
    ...{ lookup: 0x80001000n, name, file: `/lab/kernel/${name}.c`, line: 7, column: 0, inlinedDepth: 0 },
    ...more,
  } as unknown as Frame;
}

const LABEL = frame('a trap', {}, { isLabel: true });
const PANICKED: StopCause = { kind: 'kernel', event: { kind: 'panic', hart: 0, message: '' } };

/** Of which nothing is found in the past. */
const WRITTEN_NEVER: Findings = { found: [], isDone: true, isComplete: true, isPartial: false };

function told(kernel: SmallKernel, stack: readonly Frame[], cause: StopCause): string {
  const report = { hart: 0, reason: 'exception', cause } as const;
  const story = StopStory.of(kernel.guest, WORDS, { number: 1, title: 'a stop', report, stack });
  if (story === undefined) return '';
  const findings = story.subjects.map((subject): [string, Findings] => [nameOf(subject), WRITTEN_NEVER]);
  return storyText(story.told('told', new Map(findings)));
}

/** At a panic, with these frames below panic's, innermost first. */
function ofPanic(
  frames: (kernel: SmallKernel) => readonly Frame[],
  map?: SmallKernelOptions['map'],
  write: WriteCode = () => undefined,
): string {
  const kernel = new SmallKernel((code, own) => (write(code, own), code.to('panic', 'jal')), { ...(map && { map }) });
  kernel.untilPanic();
  return told(kernel, [frame('panic', {}, { image: kernel.guest.image, lookup: PANIC }), ...frames(kernel)], PANICKED);
}

/** At a panic of kfree, which freewalk has called. */
const ofFree = (value: bigint, type: Type = ULONG, outer: Values = {}, map?: SmallKernelOptions['map']): string =>
  ofPanic(() => [frame('kfree', { pa: [type, value] }), frame('freewalk', outer)], map);
const ofWalk = (va: bigint, more: Values = { pagetable: [TABLE, PAGE] }): string =>
  ofPanic(() => [frame('walk', { ...more, va: [ULONG, va] }), frame('uvmcopy')]);

const faults = (code: Assembler): Assembler => code.li(R.a0, NOWHERE).op('ld', { rd: R.a1, rs1: R.a0 });
/** At an exception that is about to be taken, in memmove. */
function ofTrap(
  causeOf = (event: TrapEvent): StopCause => ({ kind: 'trap', event }),
  innermost: Partial<Frame> = {},
): string {
  const kernel = new SmallKernel(faults);
  return told(kernel, [frame('memmove', {}, innermost), frame('copyin')], causeOf(kernel.untilTrap()));
}

/** At a panic in a handler. `between`: frames of what it has called; `off`: where the stack goes on, from where the trap was taken. */
function inHandler(raise: (code: Assembler) => unknown, between: readonly Frame[] = [], off = 0n): string {
  const kernel = new SmallKernel((code) => {
    raise(csrw(code.la(R.t0, 'panic'), Csr.stvec, R.t0));
    code.op('ebreak');
  });
  kernel.untilPanic();
  const pc = kernel.machine.harts[0]!.csr(Csr.sepc)! + off;
  const below = frame('memmove', {}, { registers: { pc, x: [] } });
  const panic = frame('panic', {}, { image: kernel.guest.image, lookup: PANIC });
  return told(kernel, [panic, ...between, frame('kerneltrap'), LABEL, below, frame('copyin')], PANICKED);
}
const interrupted = (code: Assembler): Assembler =>
  csrw(code.li(R.t0, 2), Csr.sie, R.t0)
    .op('csrrs', { rs1: R.t0, imm: Csr.sstatus })
    .op('csrrs', { rs1: R.t0, imm: Csr.sip });

/** Where pid 3 is ended by exit, as the handler of its last trap has called it. */
function ofExit(more: Partial<TrapEvent> = {}): string {
  const kernel = new SmallKernel((code) => code.to('panic', 'jal').function('exit').op('ebreak'));
  kernel.untilPanic();
  const { guest, user } = kernel;
  const event = {
    hart: 0,
    interrupt: false,
    cause: 13,
    tval: 0x5008n,
    epc: 0x20n,
    from: Mode.User,
    to: Mode.Supervisor,
  };
  guest.traps.taken({ ...event, ...more }, 0n, () => BigInt(user));
  const { image } = guest;
  const exit = frame('exit', {}, { image, lookup: image.binary.symbol('exit')!.address });
  const below = frame('main', {}, { isUser: true, registers: { pc: 0x20n, x: [] } });
  const cause: StopCause = { kind: 'kernel', event: { kind: 'exit', hart: 0, by: undefined, status: -1 } };
  return told(kernel, [exit, frame('usertrap'), LABEL, below], cause);
}

/** At a rule of the ledger about a page that is broken. */
function ofRule(map?: SmallKernelOptions['map']): string {
  const kernel = new SmallKernel((code) => code.to('panic', 'jal'), map && { map });
  const text = 'A rule is broken\nit is this one';
  return told(kernel, [], {
    kind: 'ledger',
    event: { rule: 'lost', title: 'A rule is broken', page: PAGE, hart: 0, text },
  });
}

const tableOf = (kernel: SmallKernel): bigint => kernel.entryOf(0x1000n) & ~0xfffn;
/** Where freewalk has a table with a page at 0x200000, in a kernel that has another one, which is nobody’s. */
function byRoot(rootOf: (user: number, nobodys: number) => number): string {
  let nobodys = 0;
  return ofPanic(
    ({ user }) => [frame('freewalk', { table: [TABLE, BigInt(rootOf(user, nobodys))], va: [ULONG, 0x200000n] })],
    (tables, { user }) => {
      nobodys = tables.table();
      for (const root of [nobodys, user]) tables.map(root, 0x200000, Number(PAGE), PTE.V | PTE.R);
    },
  );
}

/** Where a slot that is free has the trap frame of the process that it had. */
const { proc: PROC_TYPE } = guestKernel();
const OLD_TRAPFRAME = PROC + BigInt(3 * PROC_TYPE.size + C.findMember(PROC_TYPE, 'trapframe')!.offset);

const ROWS: Record<string, BackstoryRow> = {
  'the entry that a variable points to': {
    sentence: /^pte: the entry for 0x1000 in the table of pid 3 sh maps PA 0x80040000 \(V R W X U - A D\): RAM$/m,
    said: () => ofPanic((kernel) => [frame('mappages', { pte: [ENTRY_POINTER, kernel.entryOf(0x1000n)] })]),
    not: {
      'it points to no table': () => ofPanic(() => [frame('mappages', { pte: [ENTRY_POINTER, OTHER_PAGE] })]),
      'it is no pointer to an entry': () =>
        ofPanic((kernel) => [frame('mappages', { pte: [ULONG, kernel.entryOf(0x1000n)] })]),
      'the panic’s caller is another function': () =>
        ofPanic((kernel) => [
          frame('mappages', { pa: [ULONG, PAGE] }),
          frame('kvmmap', { pte: [ENTRY_POINTER, kernel.entryOf(0x1000n)] }),
        ]),
    },
  },
  'the copy of an entry': {
    sentence: /^pte: the entry for 0x1000 in /m,
    said: () =>
      ofPanic((kernel) => [frame('freewalk', { pagetable: [TABLE, tableOf(kernel)], pte: [PTE_T, 0x200100dfn] })]),
    not: {
      'two are alike': () =>
        ofPanic(
          (kernel) => [frame('freewalk', { pagetable: [TABLE, tableOf(kernel)], pte: [PTE_T, 0x200100dfn] })],
          (tables, { user }) => tables.map(user, 0x2000, Number(PAGE), 0xdf),
        ),
      'none is like it': () =>
        ofPanic((kernel) => [frame('freewalk', { pagetable: [TABLE, tableOf(kernel)], pte: [PTE_T, 0x200100cfn] })]),
    },
  },
  'an entry of which it is said how it was found': {
    sentence: /^ {2}It lies at PA 0x\w+, found by pte$/m,
    said: () => ofPanic((kernel) => [frame('mappages', { pte: [ENTRY_POINTER, kernel.entryOf(0x1000n)] })]),
    not: { 'no variable has led there': () => ofRule() },
  },
  'a page of RAM': {
    sentence: /^\S+ of kfree is 0x80040000: a page of RAM$/m,
    said: () => ofFree(PAGE),
    not: {
      'a device': () => ofFree(0x10000000n),
      'a virtual address by its name': () => ofPanic(() => [frame('kfree', { va: [ULONG, PAGE] }), frame('freewalk')]),
    },
  },
  'an address that is no page’s': {
    sentence: /^pa of kfree is 0x\w+8: (RAM, but not the beginning of a page|kernel .*)$/m,
    said: () => ofFree(PAGE + 8n, POINTER),
    not: { 'a number': () => ofFree(PAGE + 8n), 'one of the kernel’s data': () => ofFree(PROC + 8n, POINTER) },
  },
  'an address where nothing lies': {
    sentence: /^pa of kfree is 0x\w+: neither RAM nor a device lies there$/m,
    said: () => ofFree(1n << 38n),
    not: { 'a device': () => ofFree(0x10000000n), 'the last page of RAM': () => ofFree(0x803ff000n) },
  },
  'a trap frame': {
    sentence: /^pa of kfree is 0x\w+: the trap frame of /m,
    said: () => ofFree(TRAPFRAME),
    not: {
      'the page behind it': () => ofFree(TRAPFRAME + 0x1000n),
      'of a process that is gone': () =>
        ofPanic(
          () => [frame('kfree', { pa: [ULONG, PAGE] })],
          undefined,
          (code) => code.li(R.t0, OLD_TRAPFRAME).li(R.t1, PAGE).op('sd', { rs1: R.t0, rs2: R.t1 }),
        ),
    },
  },
  'a page that is a trap frame': {
    sentence: /^The page at PA 0x\w+\n {2}it is .*$/m,
    said: () => ofFree(TRAPFRAME),
    not: {
      'a page like any other': () => ofFree(PAGE),
      'one that the allocator never has': () => ofFree(0x10000000n),
    },
  },
  'an address that is not Sv39’s': {
    sentence: /^va of walk is 0x\w+: (not an Sv39 address, as bits 63 to 39 must all equal bit 38|.* lies there)$/m,
    said: () => ofWalk(1n << 38n),
    not: { 'the last below it': () => ofWalk((1n << 38n) - 0x1000n), 'no table is there': () => ofWalk(1n << 38n, {}) },
  },
  'an int that became negative': {
    sentence:
      /^va of walk is 0xffffffff80001000: its upper half is all ones: a 32-bit int \(-2147479552\) became negative/m,
    said: () => ofWalk(0xffffffff80001000n),
    not: { 'an int that did not': () => ofWalk(0x80001000n) },
  },
  'the entry by which the caller came to the page': {
    sentence: /^It is where the entry for 0x1000 in the table of pid 3 sh leads \(pagetable\[1\] of freewalk\)$/m,
    said: () => byTable(),
    not: {
      'another entry leads there as well': () =>
        byTable((tables, { user }) => tables.map(user, 0x2000, Number(PAGE), 0xdf)),
      'it is not valid': () => byTable((tables, { user }) => tables.map(user, 0x1000, Number(PAGE), 0xde)),
      'it leads to a page of tables': () =>
        byTable((tables, { user }) => tables.map(user, 0x1000, Number(PAGE), PTE.V)),
      'it leads elsewhere': () => byTable((tables, { user }) => tables.map(user, 0x1000, Number(OTHER_PAGE), 0xdf)),
    },
  },
  'where it was raised': {
    sentence: /^It was raised by memmove at memmove\.c:7, called by copyin at copyin\.c:7$/m,
    said: () => ofTrap(),
    not: {
      'what the hart does by now is another thing': () =>
        ofTrap((event) => ({ kind: 'trap-loop', event, first: event })),
      'it panics by itself': () => ofPanic(() => [frame('memmove'), frame('copyin')]),
    },
  },
  'the caller, where nothing is known of the code that raised it': {
    sentence: /^It was raised by copyin at copyin\.c:7$/m,
    said: () => ofTrap(undefined, { image: undefined, file: undefined }),
    not: { 'only its lines are not known': () => ofTrap(undefined, { file: undefined }) },
  },
  'the exception of the handler that panics': {
    sentence: /^.* \(supervisor mode\)/m,
    said: () => inHandler(faults),
    not: {
      'the handler has called something that panics': () => inHandler(faults, [frame('kfree', { pa: [ULONG, PAGE] })]),
      'the registers are those of another trap': () => inHandler(faults, [], 4n),
      'it was an interrupt': () => inHandler(interrupted),
    },
  },
  'the exception for which a program is ended': {
    sentence: /^.* \(user mode, pid 3 \(sh\)\)/m,
    said: () => ofExit(),
    not: {
      'it asks for that by itself': () => ofExit({ cause: 8 }),
      'it was interrupted': () => ofExit({ interrupt: true }),
      'it had gone on since': () => ofExit({ epc: 0x1cn }),
    },
  },
  'anything of a program that ends': {
    sentence: /^a stop$/m,
    said: () => ofExit(),
    not: { 'it has its own reasons': () => ofExit({ cause: 8 }) },
  },
  'the call': {
    sentence: /^kfree, now with pa = 0x80040000, was called by /m,
    said: () => ofFree(PAGE),
    not: {
      'nobody is known to have called it': () => ofPanic(() => [frame('kfree', { pa: [ULONG, PAGE] })]),
      'it was not given that': () => ofPanic(() => [frame('kfree', { pa: [ULONG, PAGE, 'local'] }), frame('freewalk')]),
    },
  },
  'the process of a variable': {
    sentence: /^pid [03].*\n {2}state \w+, p->sz = 0x\w+(, child of pid 1)?$/m,
    said: () => ofProcess(2),
    not: { 'a slot that is free': () => ofProcess(3), 'another’s': () => ofProcess(0) },
  },
  'a process that has no parent': {
    sentence: /^pid 1 init\n {2}state SLEEPING, p->sz = 0x3000$/m,
    said: () => ofProcess(0),
    not: { 'it has one': () => ofProcess(2) },
  },
  'a table that is nobody’s': {
    sentence: /in the table in “table” of freewalk /,
    said: () => byRoot((_, nobodys) => nobodys),
    not: {
      'it is somebody’s': () => byRoot((user) => user),
      'it is a page below a root': () => byRoot((_, nobodys) => nobodys + 0x1000),
    },
  },
  'who wrote the entry of a page that a rule is about': {
    sentence: /^Nothing has written the entry since the past of this run begins$/m,
    said: () => ofRule(),
    not: {
      'two map it, of which either may be wrong': () =>
        ofRule((tables, { user }) => tables.map(user, 0x2000, Number(PAGE), 0xdf)),
    },
  },
  'an entry of the table in satp, which is nobody’s': {
    sentence: /^pte: the entry for 0x80000000 in the table at 0x\w+ maps PA 0x80000000 /m,
    said: () => bySatp((code, satp) => csrw(code.li(R.t0, satp), Csr.satp, R.t0)),
    not: { 'no hart has it there': () => bySatp(() => undefined) },
  },
  'the entry of a page that a rule is about': {
    sentence: /^it is this one\n[^]*^The entry for 0x\w+ in /m,
    said: () => ofRule(),
    not: {
      'the kernel alone maps it, as all RAM': () =>
        ofRule((tables, { user }) => tables.map(user, 0x1000, Number(OTHER_PAGE), 0xdf)),
    },
  },
};

/** At a panic about the first entry of a table of which nobody knows. `load`: what the kernel does with its satp. */
function bySatp(load: (code: Assembler, satp: bigint) => unknown): string {
  let entry = 0n;
  return ofPanic(
    () => [frame('mappages', { pte: [ENTRY_POINTER, entry] })],
    undefined,
    (code, { tables }) => {
      const root = tables.table();
      tables.map(root, 0x80000000, 0x80000000, RWX);
      entry = BigInt(tables.entryAt(root, 0x80000000n, 0));
      load(code, tables.satp(root));
    },
  );
}

/** At a panic of kfree for a page, where its caller has the table of which an entry leads there. */
function byTable(map?: SmallKernelOptions['map']): string {
  return ofPanic(
    (kernel) => [frame('kfree', { pa: [ULONG, PAGE] }), frame('freewalk', { pagetable: [TABLE, tableOf(kernel)] })],
    map,
  );
}

function ofProcess(slot: number): string {
  return ofPanic(({ guest }) => {
    const { record, stride } = guest.xv6.proc!;
    return [frame('freeproc', { p: [C.pointerTo(record), PROC + BigInt(slot * stride)] })];
  });
}

/** How far the past has been looked through. */
const NO_SENTENCE = 'not asked';

describe('what is said at once of a stop', () => {
  testRows(ROWS);

  it('is all told', async () => {
    const texts = await Promise.all(Object.values(ROWS).map(({ said }) => said()));
    const files = ['composition.ts', 'sections.ts', 'known-tables.ts'];
    const missing = files.flatMap((file) => unsaid(join(__dirname, file), texts));
    assert.deepEqual(new Set(missing), new Set([NO_SENTENCE]));
  });
});
