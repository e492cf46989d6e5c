import assert from 'node:assert/strict';
import { type DeadEnd, DeadEnds, describeDeadEnd } from './dead-ends';
import { isSilent } from '../run-loop';
import { Csr } from '../isa/csrs';
import { Machine } from '../machine';
import { Assembler } from '../testing/assembler';
import { Bytes } from '../testing/bytes';
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

/** A kernel with a table of symbols of 16 bytes each. */
function withSymbols(
  image: Uint8Array,
  symbols: readonly { name: string; address: number; kind: 'function' | 'object' }[],
): Uint8Array {
  const names = new Bytes().u8(0);
  const table = new Bytes();
  for (const { name, address, kind } of symbols) {
    table.u32(names.length).u8(kind === 'function' ? 2 : 1, 0);
    table.u16(1).u64(BigInt(address), 16n);
    names.text(name);
  }
  const file = elf(image, { sections: { '.symtab': table, '.strtab': names } });
  const view = new DataView(file.buffer);
  const header = Number(view.getBigUint64(40, true)) + 2 * 64;
  // SHT_SYMTAB, with its names in the section behind it.
  view.setUint32(header + 4, 2, true);
  view.setUint32(header + 40, 3, true);
  return file;
}

/** What is found in so many seconds of virtual time, in the order in which it is; `unattended` as in `look`. */
function found(
  write: (a: Assembler) => Assembler,
  {
    harts = 1,
    seconds = 4,
    turns = 5000,
    budget = 1_000_000,
    unattended = false,
    mayNotLoop = false,
    symbols = undefined as Parameters<typeof withSymbols>[1] | undefined,
    watched = (_: Machine): void => undefined,
  } = {},
): DeadEnd[] {
  const a = write(new Assembler());
  const kernel = symbols === undefined ? elf(a.image()) : withSymbols(a.image(), symbols);
  const machine = new Machine({
    ...{ harts, memory: 2 ** 21, kernel, legacyVirtio: false },
    consoleOutput: (bytes) => ends.wrote(bytes),
  });
  watched(machine);
  const ends = new DeadEnds(machine, () => mayNotLoop);
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

  it('is announced by no other words, and by no line that lies far back', () => {
    for (const words of ['nonfatal', 'whoops', 'assertions: 4 hold', 'abort? (y/n)'])
      assert.deepEqual(kinds(found((a) => spin(print(a, `${words}\n`)), { seconds: 1 })), [`stopped ${words}`]);
    const lines = (count: number): string => `panic: early\n${'more\n'.repeat(count)}`;
    const kindAfter = (count: number): string[] => kinds(found((a) => spin(print(a, lines(count))), { seconds: 1 }));
    assert.deepEqual([kindAfter(11), kindAfter(12)], [['panic panic: early'], ['stopped more']]);
  });

  it('is known by the code, or by a variable that is set; not by code elsewhere, nor by one that is 0', () => {
    const write = (isSet: boolean) => (a: Assembler) => {
      print(timer(a), 'ready\n')
        .li(R.a0, FLAGS)
        .li(R.t1, isSet ? 1 : 0)
        .op('sd', { rs1: R.a0, rs2: R.t1 });
      return spin(a.align(4));
    };
    const spinAt = write(false)(new Assembler()).addressOf('spin');
    const kindsWith = (name: string, address: number, kind: 'function' | 'object', isSet = false): string[] =>
      kinds(found(write(isSet), { seconds: 3, symbols: [{ name, address, kind }] }));
    assert.deepEqual(kindsWith('rust_panic', spinAt, 'function'), ['panic ready']);
    assert.deepEqual(kindsWith('rust_panic', spinAt + 8, 'function'), [], 'behind the loop');
    assert.deepEqual(kindsWith('idle', spinAt, 'function'), [], 'by another name');
    assert.deepEqual(kindsWith('panicked', FLAGS, 'object', true), ['panic ready']);
    assert.deepEqual(kindsWith('panicked', FLAGS, 'object'), []);
    assert.deepEqual(kindsWith('panics_seen', FLAGS, 'object', true), []);
  });

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

  it('is not told of a hart, among others that go on, that shows a prompt or has no interrupt enabled', () => {
    const busy = (a: Assembler, text: string): Assembler => {
      spin(print(others(a, 'other'), text));
      return a.label('other').op('addi', { rd: R.s1, rs1: R.s1, imm: 1 }).to('other', 'jal');
    };
    assert.deepEqual(
      found((a) => busy(timer(a, false), 'Cannot go on\n$ '), { harts: 2, seconds: 2 }),
      [],
      'a prompt',
    );
    assert.deepEqual(
      found((a) => busy(a, 'Cannot go on\n'), { harts: 2, seconds: 2 }),
      [],
      'mie is 0',
    );
  });

  it('is told of a loop with interrupts enabled where nothing loops on purpose, and not in a sleep', () => {
    const write = (a: Assembler): Assembler => spin(print(timer(a), 'ready\n'));
    const sleep = (a: Assembler): Assembler => print(timer(a), 'ready\n').label('idle').op('wfi').to('idle', 'jal');
    assert.deepEqual(kinds(found(write, { mayNotLoop: true })), ['stopped ready']);
    assert.deepEqual(found(write), []);
    assert.deepEqual(found(sleep, { mayNotLoop: true }), []);
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

  it('is no deadlock where one of the harts may be interrupted, or a third goes on', () => {
    const wait = (a: Assembler, flag: number, name: string): Assembler =>
      a.li(R.a0, flag).label(name).op('ld', { rd: R.t0, rs1: R.a0 }).to(name, 'beq', { rs1: R.t0 });
    const write = (a: Assembler): Assembler =>
      wait(wait(others(a, 'other'), FLAGS, 'a').label('other'), FLAGS + 64, 'b');
    const interruptible = (a: Assembler): Assembler => {
      others(timer(a), 'other').op('csrrci', { rs1: 8, imm: Csr.mstatus });
      return wait(wait(a, FLAGS, 'a').label('other'), FLAGS + 64, 'b');
    };
    assert.deepEqual(found(interruptible, { harts: 2 }), []);
    const third = (a: Assembler): Assembler => {
      a.op('csrrs', { rd: R.t0, imm: Csr.mhartid }).op('addi', { rd: R.t0, rs1: R.t0, imm: -2 });
      a.to('work', 'beq', { rs1: R.t0 });
      return write(a).label('work').op('addi', { rd: R.s1, rs1: R.s1, imm: 1 }).to('work', 'jal');
    };
    assert.deepEqual(found(third, { harts: 3, seconds: 2 }), []);
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
    const busy = (a: Assembler): Assembler =>
      others(timer(a), 'other')
        .label('work')
        .op('addi', { rd: R.s1, rs1: R.s1, imm: 1 })
        .to('work', 'jal')
        .label('other');
    assert.deepEqual(
      found((a) => wait(masked(print(busy(a), 'up\n'))), { harts: 2, seconds: 2 }),
      [],
      'the other works, and may write it',
    );
    const alone = found((a) => wait(masked(print(timer(a), 'up\n'))));
    assert.deepEqual(kinds(alone), ['stopped up'], 'there is no other');
    assert.match(
      describeDeadEnd(alone[0]!),
      /^hart 0 at 0x8000\w+ goes round .*, with interrupts disabled, and waits for 0x80008000, which nobody writes; the console says "up"$/,
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

  it('is described by what is so: interrupts disabled, somebody waited for, something said', () => {
    const loop = { low: 0n, high: 0n, sp: 0n, awaited: new Map<bigint, bigint>(), masked: false, sleeps: false };
    const text = (message: string, given: Partial<typeof loop> = {}): string =>
      describeDeadEnd({
        kind: 'stopped',
        harts: [{ hart: 1, pc: 0x8000_0010n, loop: { ...loop, ...given } }],
        message,
      });
    assert.equal(text(''), 'hart 1 at 0x80000010 goes round in a loop without end');
    assert.equal(
      text('up', { masked: true }),
      'hart 1 at 0x80000010 goes round in a loop without end, with interrupts disabled; the console says "up"',
    );
    const awaited = new Map([
      [0x8000_8000n, 0n],
      [0x8000_8008n, 1n],
    ]);
    assert.match(text('', { awaited }), / without end, and waits for 0x80008000, 0x80008008, which nobody writes$/);
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
