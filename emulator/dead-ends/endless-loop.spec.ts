import assert from 'node:assert/strict';
import { type EndlessLoop, endlessLoop } from './endless-loop';
import { Mstatus } from '../isa/csr-bits';
import { Csr } from '../isa/csrs';
import { Machine } from '../machine';
import { Assembler } from '../testing/assembler';
import { elf } from '../testing/elf';
import { R } from '../testing/encode';
import { Mode } from '../types';

const CODE = 0x8000_0000n;
const STACK = 0x8000_8000;
const LOCK = 0x8000_4000;
const UART = 0x1000_0000;
const SIE = 2;

/** The loop of a hart that stands at the beginning of some code, with sp, and with a lock's address in s0. */
function loopIn(write: (a: Assembler) => Assembler, mode = Mode.Supervisor, mstatus = 0n): EndlessLoop | undefined {
  const a = new Assembler();
  const machine = new Machine({ harts: 1, memory: 2 ** 21, kernel: elf(write(a).image()), legacyVirtio: false });
  const [hart] = machine.harts;
  machine.apply({ kind: 'pc', hart: 0, value: CODE });
  machine.apply({ kind: 'register', hart: 0, register: R.sp, value: BigInt(STACK) });
  machine.apply({ kind: 'register', hart: 0, register: R.s0, value: BigInt(LOCK) });
  machine.apply({ kind: 'memory', address: BigInt(LOCK), bytes: Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0) });
  machine.apply({ kind: 'csr', hart: 0, csr: Csr.mstatus, value: mstatus });
  machine.apply({ kind: 'mode', hart: 0, mode });
  const before = machine.stateHash();
  const found = endlessLoop(hart!, machine.memory);
  assert.equal(machine.stateHash(), before);
  return found;
}
const back = (a: Assembler): Assembler => a.to('loop', 'jal');
const loop = (a: Assembler): Assembler => a.label('loop');

/** What goes on in the same way for ever, and waits for nobody. */
const DEAD: Readonly<Record<string, (a: Assembler) => Assembler>> = {
  'for(;;);': (a) => back(loop(a)),
  'wfi in a loop': (a) => back(loop(a).op('wfi')),
  'a pause in a loop': (a) => back(loop(a).op('fence')),
  'a branch that is always taken': (a) => loop(a).to('loop', 'beq'),
  'code that only leads there': (a) => back(loop(a.li(R.t0, 77).op('addi', { rd: R.t1, rs1: R.t0, imm: 3 }))),
  'interrupts that are disabled each time': (a) => back(loop(a).op('csrrci', { rs1: SIE, imm: Csr.sstatus })),
  'a local variable that is read': (a) =>
    loop(a).op('lw', { rd: R.t0, rs1: R.sp, imm: 8 }).to('loop', 'beq', { rs1: R.t0 }),
  'a call, as of -O0, that saves ra on the stack': (a) =>
    back(loop(a).to('wait', 'jal', { rd: R.ra }))
      .label('wait')
      .op('addi', { rd: R.sp, rs1: R.sp, imm: -16 })
      .op('sd', { rs1: R.sp, rs2: R.ra, imm: 8 })
      .op('wfi')
      .op('ld', { rd: R.ra, rs1: R.sp, imm: 8 })
      .op('addi', { rd: R.sp, rs1: R.sp, imm: 16 })
      .op('jalr', { rs1: R.ra }),
};

const ALIVE: Readonly<Record<string, (a: Assembler) => Assembler>> = {
  'a poll of the UART': (a) =>
    loop(a.li(R.t1, UART)).op('lbu', { rd: R.t0, rs1: R.t1, imm: 5 }).to('loop', 'beq', { rs1: R.t0 }),
  'a heartbeat in memory': (a) =>
    back(
      loop(a)
        .op('ld', { rd: R.t0, rs1: R.s0 })
        .op('addi', { rd: R.t0, rs1: R.t0, imm: 1 })
        .op('sd', { rs1: R.s0, rs2: R.t0 }),
    ),
  'a delay that counts': (a) => back(loop(a).op('addi', { rd: R.t0, rs1: R.t0, imm: 1 })),
  'a wait for the clock': (a) => back(loop(a).op('csrrs', { rd: R.t0, imm: Csr.time })),
  'a wait for an interrupt that is only looked at': (a) => back(loop(a).op('csrrs', { rd: R.t0, imm: Csr.sip })),
  'a count of its passes on the stack': (a) =>
    back(
      loop(a)
        .op('ld', { rd: R.t0, rs1: R.sp })
        .op('addi', { rd: R.t0, rs1: R.t0, imm: 1 })
        .op('sd', { rs1: R.sp, rs2: R.t0 })
        .op('addi', { rd: R.t0, rs1: R.zero, imm: 0 }),
    ),
  'an atomic addition': (a) => back(loop(a.li(R.t1, 1)).op('amoadd.w', { rs1: R.s0, rs2: R.t1 })),
  'a store that may fail': (a) => back(loop(a).op('sc.w', { rd: R.t0, rs1: R.s0, rs2: R.zero })),
  'a floating-point instruction': (a) => back(loop(a).op('fadd.d')),
  'a stack that grows': (a) => back(loop(a).op('addi', { rd: R.sp, rs1: R.sp, imm: -16 })),
  'another bit of sstatus, which is no interrupt enable': (a) =>
    back(loop(a.li(R.t0, Mstatus.sum)).op('csrrs', { rs1: R.t0, imm: Csr.sstatus })),
  'more instructions than are followed': (a) => {
    loop(a);
    for (let count = 0; count < 1100; count++) a.op('addi', { rd: R.t0, rs1: R.zero, imm: 1 });
    return back(a);
  },
  'a system call': (a) => back(loop(a).op('ecall')),
  'a return from a trap': (a) => back(loop(a).op('sret')),
  'a write to satp': (a) => back(loop(a).op('csrrw', { imm: Csr.satp })),
  'a lock that is free': (a) =>
    loop(a.li(R.t1, 1).op('sd', { rs1: R.sp, rs2: R.zero }).op('addi', { rd: R.s0, rs1: R.s0, imm: 8 }))
      .op('amoswap.w', { rd: R.t0, rs1: R.s0, rs2: R.t1 })
      .to('loop', 'bne', { rs1: R.t0 }),
  'code that cannot be read': (a) => a.li(R.t0, UART).op('jalr', { rs1: R.t0 }),
};

describe('a loop without end', () => {
  for (const [name, write] of Object.entries(DEAD)) {
    it(`is ${name}`, () => {
      const found = loopIn(write);
      assert.ok(found);
      assert.deepEqual([...found.awaited], []);
      assert.equal(found.masked, true);
      assert.equal(found.sleeps, name.includes('wfi') || name.includes('call'));
    });
  }

  for (const [name, write] of Object.entries(ALIVE))
    it(`is not told of ${name}`, () => assert.equal(loopIn(write), undefined));

  it('waits for a word that lies on another stack, and for none on its own', () => {
    const reads = (imm: number): unknown => {
      const write = (a: Assembler): Assembler =>
        loop(a).op('ld', { rd: R.t0, rs1: R.sp, imm }).to('loop', 'beq', { rs1: R.t0 });
      return [...loopIn(write)!.awaited];
    };
    assert.deepEqual([reads(1016), reads(-1024)], [[], []]);
    assert.deepEqual(reads(1024), [[BigInt(STACK) + 1024n, 0n]]);
    assert.deepEqual(reads(-1032), [[BigInt(STACK) - 1032n, 0n]]);
  });

  it('is none of the kernel in user mode', () => {
    assert.equal(loopIn(DEAD['for(;;);']!, Mode.User), undefined);
  });

  it('knows whether interrupts can lead out of it, by the enable of the mode', () => {
    const spin = DEAD['for(;;);']!;
    assert.equal(loopIn(spin, Mode.Supervisor, 2n)?.masked, false);
    assert.equal(loopIn(spin, Mode.Supervisor, 8n)?.masked, true);
    assert.equal(loopIn(spin, Mode.Machine, 8n)?.masked, false);
    assert.equal(loopIn(spin, Mode.Machine, 2n)?.masked, true);
    const enabling = (a: Assembler): Assembler =>
      back(loop(a).op('csrrci', { rs1: SIE, imm: Csr.sstatus }).op('csrrsi', { rs1: SIE, imm: Csr.sstatus }));
    assert.equal(loopIn(enabling)?.masked, false);
  });

  it('says which words it waits for, and what they hold: a lock by amoswap and by lr, a flag', () => {
    const locks: ((a: Assembler) => Assembler)[] = [
      (a) => loop(a.li(R.t1, 1)).op('amoswap.w', { rd: R.t0, rs1: R.s0, rs2: R.t1 }).to('loop', 'bne', { rs1: R.t0 }),
      (a) => loop(a).op('lr.w', { rd: R.t0, rs1: R.s0 }).to('loop', 'bne', { rs1: R.t0 }),
      (a) => loop(a).op('ld', { rd: R.t0, rs1: R.s0 }).to('loop', 'bne', { rs1: R.t0 }),
    ];
    for (const write of locks) assert.deepEqual([...loopIn(write)!.awaited], [[BigInt(LOCK), 1n]]);
  });
});
