/**
 * What led to a stop: every sentence with a run of which it is true, and the nearest runs of which it must not be said. The runs
 * are those of a real machine.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Csr } from '../../emulator/isa/csrs';
import { csrr, csrw, encode, R, ret, type Assembler } from '../../emulator/testing/guests';
import type { PageTables } from '../../emulator/testing/page-tables';
import { loaded, ofTrap, stored, testRows, type BackstoryRow } from '../testing/backstory-rows';
import { PANIC_ROWS } from '../testing/panic-rows';
import {
  OTHER_PAGE,
  PAGE,
  type KernelCode,
  type SmallKernel,
  type SmallKernelOptions,
  type WriteCode,
} from '../testing/small-kernel';
import { unsaid } from '../testing/words-in';
import { CPUS, TRAPFRAME } from '../testing/xv6-kernel';

const { a0, a1, ra, sp, t0, t1, t2, zero } = R;
/** No memory, and no address. */
const [NOWHERE, JUNK] = [0x1_0000_0000n, 0x0505050505050505n];
/** A variable of four bytes that is 0. */
const NOFF = CPUS;

/** The access that fails, by the address in a0. */
const used = (code: Assembler, imm = 0): Assembler => code.op('ld', { rd: a1, rs1: a0, imm });
const filled = (code: KernelCode, address: bigint): Assembler => stored(code.li(t1, JUNK), address, t1);

const onUserTable = (code: Assembler, { tables, user }: SmallKernel): Assembler =>
  csrw(code.li(t1, tables.satp(user)), Csr.satp, t1).op('sfence.vma');
/** Goes on in the program. */
const toUser: WriteCode = (code, kernel) => {
  onUserTable(csrw(code, Csr.sepc, zero), kernel)
    .li(t0, 0x100)
    .op('csrrc', { rs1: t0, imm: Csr.sstatus })
    .op('sret');
};
const PAGED: SmallKernelOptions = { isPaged: true };

/** The address of the access is that of the noff, and 8 more. */
const byNoff: WriteCode = (code) => used(loaded(code, a0, NOFF, 'lw'), 8);
/** A function that returns 8, and perhaps does something else before, and a caller that takes that for an address. */
const byReturned =
  (before: WriteCode, after: WriteCode = () => undefined): WriteCode =>
  (code, kernel) => {
    code.to('find', 'jal', { rd: ra });
    after(code, kernel);
    used(code).op('ebreak');
    code.function('find');
    before(code, kernel);
    ret(code.li(a0, 8));
  };
const readsEntry: WriteCode = (code, kernel) => loaded(code, t1, kernel.entryOf(0x1000n));
/** A program that is led astray by what lies in its memory at 0x1000. `before`: what the kernel does. */
const program = (before: WriteCode, user: (code: Assembler) => Assembler): Promise<string> =>
  ofTrap((code, kernel) => (before(code, kernel), toUser(code, kernel)), {
    ...PAGED,
    user: (code) => used(user(code)),
  });
const byWord = (code: Assembler): Assembler => loaded(code, a0, 0x1000n);
const nothing: WriteCode = () => undefined;

const ROWS: Record<string, BackstoryRow> = {
  'a variable of the kernel’s': {
    sentence: /^The address was made of a variable: \S+ was 0x0\.$/m,
    said: () => ofTrap(byNoff),
    not: {
      'a word that is no variable': () => ofTrap((code) => used(loaded(code, a0, PAGE, 'lw'), 8)),
      'a sum, of which either part may be wrong': () =>
        ofTrap((code) =>
          used(loaded(loaded(code, a0, NOFF, 'lw'), t1, PAGE).op('add', { rd: a0, rs1: a0, rs2: t1 }), 8),
        ),
      'the program’s word at the same address': () =>
        ofTrap(toUser, {
          ...PAGED,
          user: (code) => used(loaded(code, a0, NOFF, 'lw'), -8),
          map: (tables: PageTables, { user }) => tables.map(user, NOFF, Number(PAGE), 0xdf),
        }),
    },
  },
  'that nobody has written the variable': {
    sentence: /^Nothing has written cpus\[0\]\.noff since the past of this run begins\.$/m,
    said: () => ofTrap(byNoff),
    not: {
      'the kernel has written the same': () =>
        ofTrap((code, kernel) => (stored(code, NOFF, zero, 'sw'), byNoff(code, kernel))),
      'a part of it was written since it was read': () =>
        ofTrap((code) => used(stored(loaded(code, a0, NOFF, 'lw').li(t1, 1), NOFF + 1n, t1, 'sb'), 8)),
    },
  },
  'whoever wrote the variable': {
    sentence: /^cpus\[0\]\.noff was written last by supervisor\+\d+, for pid 3 sh\.$/m,
    said: () => ofTrap((code, kernel) => (stored(code, NOFF, zero, 'sw'), byNoff(code, kernel))),
    not: {
      'nobody has': () => ofTrap(byNoff),
      'it is another one by now': () =>
        ofTrap((code) =>
          used(stored(loaded(stored(code, NOFF, zero, 'sw'), a0, NOFF, 'lw').li(t1, 1), NOFF + 1n, t1, 'sb'), 8),
        ),
    },
  },
  'a constant': {
    sentence: /^The address was made of 8, a constant at supervisor\S*\.$/m,
    said: () => ofTrap((code) => used(code.li(a0, 8))),
    not: {
      'a part of a sum': () =>
        ofTrap((code) => used(csrr(code.li(t1, 8), a0, Csr.sscratch).op('add', { rd: a0, rs1: a0, rs2: t1 }))),
      'what a function has returned': () => ofTrap(byReturned(nothing)),
    },
  },
  'what a function has returned': {
    sentence: /^The address was made of 8, which find had returned \(find\S*\)\.$/m,
    said: () => ofTrap(byReturned(nothing)),
    not: {
      'what it was given': () => ofTrap((code) => used(code.li(a0, 8).to('find', 'jal', { rd: ra }).function('find'))),
      'what it left in memory': () =>
        ofTrap(
          byReturned(
            (code) => code.li(sp, PAGE).li(a0, 8).op('sd', { rs1: sp, rs2: a0 }),
            (code) => code.op('ld', { rd: a0, rs1: sp }),
          ),
        ),
    },
  },
  'the entry that a function has read before it returned a constant': {
    sentence:
      /^The last entry that find had read is the entry for 0x1000 in the table of pid 3 sh \(level 0, index 1\), which maps PA 0x80040000 \(V R W X U - A D\)\.$/m,
    said: () => ofTrap(byReturned(readsEntry)),
    not: {
      'it has read no entry': () => ofTrap(byReturned((code) => loaded(code, t1, PAGE))),
      'its caller has read it since': () => ofTrap(byReturned(nothing, readsEntry)),
    },
  },
  'an entry': {
    sentence: /^The address was made of the entry for 0x1000 in the table of pid 3 sh /m,
    said: () =>
      ofTrap((code, kernel) =>
        used(loaded(code, a0, kernel.entryOf(0x1000n)).op('srli', { rd: a0, rs1: a0, imm: 30 })),
      ),
    not: {
      'a copy of one': () =>
        ofTrap((code, kernel) =>
          used(
            loaded(stored(loaded(code, t1, kernel.entryOf(0x1000n)), PAGE, t1), a0, PAGE).op('srli', {
              rd: a0,
              rs1: a0,
              imm: 30,
            }),
          ),
        ),
      'half of one': () =>
        ofTrap((code, kernel) =>
          used(loaded(code, a0, kernel.entryOf(0x1000n), 'lw').op('srli', { rd: a0, rs1: a0, imm: 30 })),
        ),
    },
  },
  'the place in which the address lay': {
    sentence: /^The address was loaded from PA 0x80040000, where 0x\w+ was\.$/m,
    said: () => ofTrap((code) => used(loaded(stored(code.li(t1, NOWHERE), PAGE, t1), a0, PAGE))),
    not: {
      'another address was made of it': () =>
        ofTrap((code) => used(loaded(stored(code.li(t1, NOWHERE), PAGE, t1), a0, PAGE), 8)),
      'half of it was': () => ofTrap((code) => used(loaded(stored(code.li(t1, NOWHERE), PAGE, t1), a0, PAGE, 'lw'))),
    },
  },
  'what fills the page': {
    sentence: /^What lay there was written last by \S+, for pid 3 sh\.$/m,
    said: () => ofTrap((code) => used(loaded(filled(code, PAGE), a0, PAGE))),
    not: {
      'an address like any other': () =>
        ofTrap((code) => used(loaded(stored(code.li(t1, NOWHERE), PAGE, t1), a0, PAGE))),
    },
  },
  'a copy of what filled another page': {
    sentence:
      /^The address was loaded from PA 0x80040000, where 0x505050505050505 had been copied from PA 0x80041000\.$/m,
    said: () =>
      ofTrap((code) => used(loaded(stored(loaded(filled(code, OTHER_PAGE), t2, OTHER_PAGE), PAGE, t2), a0, PAGE))),
    not: {
      'both were filled': () =>
        ofTrap((code) => used(loaded((filled(code, OTHER_PAGE), filled(code, PAGE)), a0, PAGE))),
      'only the byte that was written last had been': () =>
        ofTrap((code) => {
          stored(filled(code, PAGE).li(t1, 5), OTHER_PAGE, t1);
          used(loaded(stored(loaded(code, t2, OTHER_PAGE, 'lbu'), PAGE, t2, 'sb'), a0, PAGE));
        }),
    },
  },
  'a variable that had been read from a page': {
    sentence: /^The address was loaded from proc\[5\]\.sz, and that had been read from PA 0x80040000\.$/m,
    said: () =>
      ofTrap((code, { variable }) =>
        used(loaded(stored(loaded(stored(code.li(t1, NOWHERE), PAGE, t1), t2, PAGE), variable, t2), a0, variable)),
      ),
    not: {
      'half of it had been, and was extended': () =>
        ofTrap((code, { variable }) => {
          stored(loaded(stored(code.li(t1, 0x9000_0000), PAGE, t1), t2, PAGE, 'lw'), variable, t2);
          used(loaded(code, a0, variable));
        }),
      'it was made of a constant': () =>
        ofTrap((code, { variable }) => used(loaded(stored(code.li(t1, NOWHERE), variable, t1), a0, variable))),
    },
  },
  'the jump to where nothing can be fetched': {
    sentence: /^The jump there is at \S+\.$/m,
    said: () => ofTrap((code) => code.li(t0, NOWHERE).op('jalr', { rd: ra, rs1: t0 })),
    not: {
      'the end of a page': () =>
        ofTrap(
          (code) =>
            stored(code.li(t1, encode('addi', { rd: t1, rs1: t0, imm: 4 })), PAGE + 0xffcn, t1, 'sw')
              .li(t0, NOWHERE + 0xffcn)
              .op('jalr', { rs1: t0 }),
          {
            ...PAGED,
            map: (tables, { kernel }) => tables.map(kernel, NOWHERE, Number(PAGE), 0xcf),
          },
        ),
      'a handler that cannot be fetched, of an exception behind a jump': () =>
        ofTrap(
          (code) => {
            csrw(code.li(t1, NOWHERE), Csr.stvec, t1)
              .li(a0, NOWHERE + 8n)
              .la(t0, 'next')
              .op('jalr', { rs1: t0 });
            used(code.label('next'));
          },
          {},
          2,
        ),
      'a jump of the program’s': () =>
        ofTrap(toUser, { ...PAGED, user: (code) => code.li(t0, 0x5000).op('jalr', { rs1: t0 }) }),
    },
  },
  'an entry that cannot be meant': {
    sentence:
      /^Odd is the entry for 0x6000 in the table of pid 3 sh .* maps PA 0x500000000000 .*: neither RAM nor a device\.$/m,
    said: () => odd(0x5000n),
    not: {
      'the page is there, and only protected': () => odd(0x7000n),
      'it is none of the program’s': () => odd(0x5000n, 0x5000_0000_0000, 0xcf),
      'it leads to RAM': () => odd(0x5000n, 0x80100000),
      'the kernel has come to the address, by that table': () =>
        odd(0x5000n, undefined, undefined, (code, kernel) => used(onUserTable(code, kernel).li(a0, 0x5000))),
    },
  },
  'the instruction that was overwritten': {
    sentence: /^The instruction was written last by supervisor\+\d+, for pid 3 sh\.$/m,
    said: () => ofTrap((code) => stored(code, PAGE, zero, 'sh').op('jalr', { rs1: t0 })),
    not: {
      'it was never written': () => ofTrap((code) => code.li(t0, PAGE).op('jalr', { rs1: t0 })),
      'what lies behind it was': () =>
        ofTrap((code) => stored(code, PAGE + 2n, zero, 'sh').op('jalr', { rs1: t0, imm: -2 })),
    },
  },
  'the kernel, which wrote into the program': {
    sentence: /^What lay there was written last by \S+, for pid 3 sh\.$/m,
    said: () => program((code) => stored(code.li(t1, NOWHERE), PAGE, t1), byWord),
    not: {
      'what the program has in its registers, which the kernel keeps for it': () =>
        ofTrap(
          (code, kernel) => {
            loaded(stored(code.li(t1, NOWHERE), TRAPFRAME, t1), a0, TRAPFRAME);
            toUser(code, kernel);
          },
          { ...PAGED, user: (code) => used(code) },
        ),
      'the program has written it': () => program(nothing, (code) => byWord(stored(code.li(t1, NOWHERE), 0x1000n, t1))),
    },
  },
};

/** The program has a page at 0x7000 that it may only read, and an odd one at 0x6000; an address is written to. */
const odd = (address: bigint, pa = 0x5000_0000_0000, flags = 0xdf, kernel: WriteCode = toUser): Promise<string> =>
  ofTrap(kernel, {
    ...PAGED,
    user: (code) => stored(code, address, zero),
    map: (tables, { user }) => tables.map(user, 0x6000, pa, flags).map(user, 0x7000, Number(OTHER_PAGE), 0x53),
  });

/** No sentence: of what a page must be. */
const NO_SENTENCE = 'the trap frame';

describe('what led to a stop', () => {
  const rows = { ...ROWS, ...PANIC_ROWS };
  testRows(rows);

  it('is all told', async () => {
    const texts = await Promise.all(Object.values(rows).map(({ said }) => said()));
    const files = ['backstory.ts', join('evidence', 'decisions.ts')];
    const missing = files.flatMap((file) => unsaid(join(__dirname, file), texts));
    assert.deepEqual(missing, [NO_SENTENCE]);
  });
});
