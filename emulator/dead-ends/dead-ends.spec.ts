import assert from 'node:assert/strict';
import { type DeadEnd, DeadEnds, describeDeadEnd } from './dead-ends';
import { isSilent } from '../run-loop';
import { Csr } from '../isa/csrs';
import { Machine } from '../machine';
import { Assembler } from '../testing/assembler';
import { elf } from '../testing/elf';
import { R } from '../testing/encode';

const UART = 0x1000_0000;
const CLINT = 0x200_0000;
const SECOND = 10_000_000;
const FLAGS = 0x8000_8000;

const print = (a: Assembler, text: string): Assembler => {
  a.li(R.s0, UART);
  for (const letter of text) a.li(R.t1, letter.charCodeAt(0)).op('sb', { rs1: R.s0, rs2: R.t1 });
  return a;
};
/** `name: j name`. */
const spin = (a: Assembler, name = 'spin'): Assembler => a.label(name).to(name, 'jal');
/** Goes to a label on all harts but hart 0. */
const others = (a: Assembler, to: string): Assembler =>
  a.op('csrrs', { rd: R.t0, imm: Csr.mhartid }).to(to, 'bne', { rs1: R.t0 });
/** The timer's interrupt, to a handler that puts it off by 10 ms, or far away; and interrupts in general. */
const timer = (a: Assembler, enabled = true): Assembler => {
  a.to('main', 'jal')
    .align(4)
    .label('handler')
    .li(R.t5, CLINT + 0xbff8)
    .op('ld', { rd: R.t6, rs1: R.t5 });
  a.li(R.t4, SECOND / 100)
    .op('add', { rd: R.t6, rs1: R.t6, rs2: R.t4 })
    .li(R.t5, CLINT + 0x4000);
  a.op('csrrs', { rd: R.t4, imm: Csr.mhartid }).op('slli', { rd: R.t4, rs1: R.t4, imm: 3 });
  a.op('add', { rd: R.t5, rs1: R.t5, rs2: R.t4 }).op('sd', { rs1: R.t5, rs2: R.t6 }).op('mret').label('main');
  a.la(R.t0, 'handler').op('csrrw', { rs1: R.t0, imm: Csr.mtvec });
  a.li(R.t0, 0x80).op('csrrs', { rs1: R.t0, imm: Csr.mie });
  return enabled ? a.op('csrrsi', { rs1: 8, imm: Csr.mstatus }) : a;
};

/** What is found in so many seconds of virtual time, in the order in which it is; `unattended` as in `look`. */
function found(
  write: (a: Assembler) => Assembler,
  {
    harts = 1,
    seconds = 4,
    turns = 5000,
    budget = 1_000_000,
    unattended = false,
    watched = (_: Machine): void => undefined,
  } = {},
): DeadEnd[] {
  const a = new Assembler();
  const machine = new Machine({
    ...{ harts, memory: 2 ** 21, kernel: elf(write(a).image()), legacyVirtio: false },
    consoleOutput: (bytes) => ends.wrote(bytes),
  });
  watched(machine);
  const ends = new DeadEnds(machine);
  const all: DeadEnd[] = [];
  for (let turn = 0; machine.now < seconds * SECOND && turn < turns; turn++) {
    const stop = machine.run({ instructions: budget });
    const end = ends.look(isSilent(stop), unattended);
    if (end !== undefined) all.push(end);
    if (isSilent(stop)) break;
    if (stop.kind === 'idle') machine.idleUntil(stop.until);
  }
  return all;
}
const kinds = (ends: readonly DeadEnd[]): string[] => ends.map(({ kind, message }) => `${kind} ${message}`.trim());

describe('the end of a kernel', () => {
  const WORDS = [
    'PANIC: oops',
    'Kernel panic - not syncing',
    '[kernel] Panicked at src/main.rs:46',
    'FATAL: bad trap',
    'Assertion `x` failed',
  ];
  for (const words of WORDS) {
    it(`is a loop after "${words}", with interrupts disabled or not`, () => {
      assert.deepEqual(kinds(found((a) => spin(print(a, `${words}\n`)))), [`panic ${words}`]);
      assert.deepEqual(kinds(found((a) => spin(print(timer(a), `${words}\n`)))), [`panic ${words}`]);
    });
  }

  it('is a panic also if a backtrace follows, in colours, and while other harts go on', () => {
    const text = '\x1b[31mPANIC: oops\x1b[0m\r\nbacktrace:\n0x80001234\n0x80005678\n';
    const write = (a: Assembler): Assembler => {
      spin(print(others(a, 'other'), text));
      return a.label('other').op('addi', { rd: R.s1, rs1: R.s1, imm: 1 }).to('other', 'jal');
    };
    const [end, ...more] = found(write, { harts: 3 });
    assert.deepEqual(
      [end?.kind, end?.message, end?.harts.map(({ hart }) => hart), more],
      ['panic', 'PANIC: oops', [0], []],
    );
  });

  it('is told without a word of panic where the hart can never leave: alone, or once it took part', () => {
    assert.deepEqual(kinds(found((a) => spin(print(a, 'So long.\n')))), ['stopped So long.']);
    const busy = (a: Assembler): Assembler => {
      spin(print(others(timer(a, false), 'other'), 'Cannot go on\n'));
      return a.label('other').op('addi', { rd: R.s1, rs1: R.s1, imm: 1 }).to('other', 'jal');
    };
    assert.deepEqual(kinds(found(busy, { harts: 2 })), ['stopped Cannot go on']);
  });

  it('is said once, and again where another one comes', () => {
    assert.equal(found((a) => spin(print(a, 'PANIC: oops\n')), { seconds: 20 }).length, 1);
  });

  it('is a deadlock of two harts, each of which waits for what the other would write', () => {
    const wait = (a: Assembler, flag: number, name: string): Assembler =>
      a.li(R.a0, flag).label(name).op('ld', { rd: R.t0, rs1: R.a0 }).to(name, 'beq', { rs1: R.t0 });
    const write = (a: Assembler): Assembler =>
      wait(wait(others(a, 'other'), FLAGS, 'a').label('other'), FLAGS + 64, 'b');
    const [end, ...more] = found(write, { harts: 2 });
    assert.deepEqual([end?.kind, end?.harts.length, more], ['deadlock', 2, []]);
    assert.match(describeDeadEnd(end!), /hart 0 at 0x8000\w+ for 0x80008000; hart 1 at 0x8000\w+ for 0x80008040$/);
  });

  it('is a hart that waits, interrupts disabled, for what an idle hart has not written, unless it was parked', () => {
    const wait = (a: Assembler): Assembler =>
      a.li(R.a0, FLAGS).label('wait').op('ld', { rd: R.t0, rs1: R.a0 }).to('wait', 'beq', { rs1: R.t0 });
    const idle = (a: Assembler): Assembler =>
      others(timer(a), 'other').label('idle').op('wfi').to('idle', 'jal').label('other');
    const masked = (a: Assembler): Assembler => a.op('csrrci', { rs1: 8, imm: Csr.mstatus });
    const [end, ...more] = found((a) => wait(masked(print(idle(a), 'up\n'))), { harts: 2 });
    assert.deepEqual([end?.kind, end?.harts.map(({ hart }) => hart), more], ['lock', [1], []]);
    assert.match(
      describeDeadEnd(end!, undefined, () => '&lock'),
      /^hart 1 at 0x8000\w+ waits, with interrupts disabled, for &lock to change from 0: nobody does that, as all other/,
    );
    assert.deepEqual(
      found((a) => wait(masked(idle(a))), { harts: 2 }),
      [],
      'a hart that was parked',
    );
    assert.deepEqual(
      found((a) => wait(print(idle(a), 'up\n')), { harts: 2 }),
      [],
      'an interrupt may write it',
    );
  });

  it('is an interrupt that comes again as soon as its handler returns, and not one whose handler puts it off', () => {
    const kernel = (handler: (a: Assembler) => Assembler) => (a: Assembler) => {
      handler(a.to('main', 'jal').align(4).label('handler')).op('mret').label('main');
      a.la(R.t0, 'handler')
        .op('csrrw', { rs1: R.t0, imm: Csr.mtvec })
        .li(R.t0, 0x80)
        .op('csrrs', { rs1: R.t0, imm: Csr.mie });
      return spin(print(a.op('csrrsi', { rs1: 8, imm: Csr.mstatus }), 'never\n'));
    };
    const [end, ...more] = found(
      kernel((a) => a.op('addi', { rd: R.s1, rs1: R.s1, imm: 1 })),
      { turns: 60, budget: 20_000 },
    );
    assert.deepEqual([end?.kind, end?.harts[0]?.storm?.cause, more], ['storm', 7, []]);
    assert.match(
      describeDeadEnd(end!),
      /gets no further: the machine timer interrupt comes again .* handler at 0x80000004/,
    );
    // The next one after fifty instructions.
    const putOff = (a: Assembler): Assembler =>
      a
        .li(R.t5, CLINT + 0xbff8)
        .op('ld', { rd: R.t6, rs1: R.t5 })
        .op('addi', { rd: R.t6, rs1: R.t6, imm: 5 })
        .li(R.t5, CLINT + 0x4000)
        .op('sd', { rs1: R.t5, rs2: R.t6 });
    assert.deepEqual(found(kernel(putOff), { turns: 60, budget: 20_000 }), []);
  });

  it('is none: an idle loop, by wfi or not', () => {
    assert.deepEqual(
      found((a) => spin(print(timer(a), 'ready\n'))),
      [],
    );
    assert.deepEqual(
      found((a) => print(timer(a), 'panic? no\n').label('idle').op('wfi').to('idle', 'jal')),
      [],
    );
  });

  it('is none: a hart that was parked at the start, silently, while others go on', () => {
    const write = (a: Assembler): Assembler => {
      others(timer(a, false), 'park');
      print(a, 'do not panic\n').label('work').op('addi', { rd: R.s1, rs1: R.s1, imm: 1 }).to('work', 'jal');
      return spin(a, 'park');
    };
    assert.deepEqual(found(write, { harts: 3 }), []);
  });

  it('is none: a lock that is held for long and then let go', () => {
    const write = (a: Assembler): Assembler => {
      others(a, 'other');
      a.li(R.a0, FLAGS).li(R.t1, 1).op('sw', { rs1: R.a0, rs2: R.t1 }).li(R.t2, 40_000_000);
      a.label('hold').op('addi', { rd: R.t2, rs1: R.t2, imm: -1 }).to('hold', 'bne', { rs1: R.t2 });
      a.op('sw', { rs1: R.a0 }).label('work').op('addi', { rd: R.s1, rs1: R.s1, imm: 1 }).to('work', 'jal');
      a.label('other').li(R.a0, FLAGS).li(R.t1, 1);
      return a.label('try').op('amoswap.w', { rd: R.t0, rs1: R.a0, rs2: R.t1 }).to('try', 'jal');
    };
    assert.deepEqual(found(write, { harts: 2 }), []);
  });

  it('is none: a prompt that waits, whatever was said before', () => {
    assert.deepEqual(
      found((a) => spin(print(timer(a), 'panic: a test\n$ '))),
      [],
    );
  });

  it('is also told where the hart has long worked, and its code was followed ever more seldom', () => {
    let reads = 0;
    const watched = (machine: Machine): void => {
      const { memory } = machine;
      const read = memory.read.bind(memory);
      memory.read = (address, length) => (reads++, read(address, length));
    };
    const write = (a: Assembler): Assembler => {
      a.li(R.t2, 20_000_000)
        .label('work')
        .op('addi', { rd: R.t2, rs1: R.t2, imm: -1 })
        .to('work', 'bne', { rs1: R.t2 });
      return spin(print(a, 'PANIC: oops\n'));
    };
    assert.deepEqual(kinds(found(write, { seconds: 8, watched })), ['panic PANIC: oops']);
    // Four for two instructions: at six of forty looks, and a few for the loop at the end.
    assert.ok(reads < 60, `${reads} reads`);
  });

  it('is said after long silence where nobody will type, and nothing but a loop without wfi is there', () => {
    const write = (a: Assembler): Assembler => spin(print(timer(a), 'ready\n'));
    assert.deepEqual(kinds(found(write, { seconds: 15, unattended: true })), ['stopped ready']);
    assert.deepEqual(found(write, { seconds: 15 }), []);
  });
});
