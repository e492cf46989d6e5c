/** For tests: what is said of what led to a panic, and where it must not be said. */
import { Csr } from '../../emulator/isa/csrs';
import { csrr, csrw, R, ret } from '../../emulator/testing/guests';
import { loaded, ofPanic, stored, type BackstoryRow } from './backstory-rows';
import { PAGE, type KernelCode, type WriteCode } from './small-kernel';
import { CPUS, KERNEL_PAGETABLE } from './xv6-kernel';

const { a0, ra, t0, t1, zero } = R;
/** A variable of four bytes that is 0. */
const NOFF = CPUS;
/** No memory. */
const NOWHERE = 0x1_0000_0000n;

const nothing: WriteCode = () => undefined;

/** The kernel calls check, which calls panic unless a branch leads past that. `test`: up to the branch. */
const byCheck = (test: WriteCode, more: WriteCode = nothing, before: WriteCode = nothing): Promise<string> =>
  ofPanic('check', (code, kernel) => {
    before(code, kernel);
    code.to('check', 'jal', { rd: ra }).op('ebreak').function('check');
    test(code, kernel);
    code.to('panic', 'jal', { rd: ra }).label('past');
    ret(code);
    more(code, kernel);
  });
const unlessSet = (code: KernelCode, register: number): unknown => code.to('past', 'bne', { rs1: register });
/** Panics if find returns anything but 0. `body`: of find, up to its return. */
const byFind = (body: WriteCode, before: WriteCode = nothing, after: WriteCode = nothing): Promise<string> =>
  byCheck(
    (code, kernel) => {
      code.to('find', 'jal', { rd: ra });
      after(code, kernel);
      code.to('past', 'beq', { rs1: a0 });
    },
    (code, kernel) => {
      code.function('find');
      body(code, kernel);
      ret(code);
    },
    before,
  );
const eight: WriteCode = (code) => code.li(a0, 8);
const readsEntry: WriteCode = (code, kernel) => loaded(code, t1, kernel.entryOf(0x1000n));
const isValid = (code: KernelCode, address: bigint): void => {
  loaded(code, t1, address).op('andi', { rd: t1, rs1: t1, imm: 1 }).to('past', 'beq', { rs1: t1 });
};
const unlessNoff: WriteCode = (code) => (loaded(code, t1, NOFF, 'lw'), unlessSet(code, t1));

/** Panics in the handler of what `raise` makes happen; the stack is that of the handler, above where it happened. */
const inHandler = (raise: WriteCode): Promise<string> =>
  ofPanic(
    'handler',
    (code, kernel) => {
      csrw(code.la(t0, 'handler'), Csr.stvec, t0);
      raise(code, kernel);
      code.op('ebreak').function('handler').to('panic', 'jal', { rd: ra });
    },
    true,
  );

export const PANIC_ROWS: Record<string, BackstoryRow> = {
  'a branch for an entry': {
    sentence:
      /^At check\S*, check went to panic for the entry for 0x1000 in the table of pid 3 sh \(level 0, index 1\), which maps PA 0x80040000 \(V R W X U - A D\)\.$/m,
    said: () => byCheck((code, kernel) => isValid(code, kernel.entryOf(0x1000n))),
    not: {
      'a word that is no entry': () => byCheck((code) => isValid((stored(code.li(t1, 1), PAGE, t1), code), PAGE)),
      'both ways lead there': () =>
        byCheck((code, kernel) => {
          loaded(code, t1, kernel.entryOf(0x1000n)).to('there', 'beq', { rs1: t1 }).op('addi').label('there');
        }),
      'the branch has compared something else': () =>
        byCheck((code, kernel) => (readsEntry(code, kernel), csrr(code, t1, Csr.sscratch), unlessSet(code, t1))),
    },
  },
  'a branch for a variable': {
    sentence: /^At check\S*, check went to panic, as \S+ was 0x\w+\.$/m,
    said: () => byCheck(unlessNoff),
    not: {
      'a word that is no variable': () => byCheck((code) => (loaded(code, t1, PAGE, 'lw'), unlessSet(code, t1))),
      'both ways lead there': () =>
        byCheck((code) => loaded(code, t1, NOFF, 'lw').to('there', 'bne', { rs1: t1 }).op('addi').label('there')),
      'a pointer, of which one sees nothing': () =>
        byCheck((code) => loaded(code, t1, KERNEL_PAGETABLE).to('past', 'beq', { rs1: t1 })),
      'another function has returned it': () =>
        byFind((code) => loaded(code, a0, NOFF, 'lw').op('xori', { rd: a0, rs1: a0, imm: 8 })),
    },
  },
  'whoever wrote the variable that decided': {
    sentence: /^cpus\[0\]\.noff was written last by supervisor\+\d+, for pid 3 sh\.$/m,
    said: () => byCheck(unlessNoff, nothing, (code) => stored(code, NOFF, zero, 'sw')),
    not: {
      'nobody has': () => byCheck(unlessNoff),
      'a part of it was written since it was read': () =>
        byCheck(
          (code) => {
            stored(loaded(code, a0, NOFF, 'lw').li(t1, 1), NOFF + 1n, t1, 'sb');
            unlessSet(code, a0);
          },
          nothing,
          (code) => stored(code, NOFF, zero, 'sw'),
        ),
    },
  },
  'that nobody has written the variable that decided': {
    sentence: /^Nothing has written cpus\[0\]\.noff since the past of this run begins\.$/m,
    said: () => byCheck(unlessNoff),
    not: { 'the kernel has': () => byCheck(unlessNoff, nothing, (code) => stored(code, NOFF, zero, 'sw')) },
  },
  'a branch for what a function has returned': {
    sentence: /^At check\S*, check went to panic, as \S+ had returned 8\b/m,
    said: () => byFind(eight),
    not: {
      'it was there before': () => byCheck((code) => code.to('past', 'beq', { rs1: a0 }), nothing, eight),
      'it was put there since': () => byFind(nothing, nothing, eight),
    },
  },
  'the variable that a function has returned': {
    sentence: /^At check\S*, check went to panic, as find had returned 8: \S+ was 0x8\.$/m,
    said: () =>
      byFind(
        (code) => loaded(code, a0, NOFF, 'lw'),
        (code) => stored(code.li(t1, 8), NOFF, t1, 'sw'),
      ),
    not: {
      'it returns a constant, whatever it has read': () =>
        byFind(
          (code) => loaded(code, t1, NOFF, 'lw').li(a0, 8),
          (code) => stored(code.li(t1, 8), NOFF, t1, 'sw'),
        ),
    },
  },
  'the entry that a function has read last': {
    sentence:
      /, as find had returned 8\. The last entry that it had read is the entry for 0x1000 in the table of pid 3 sh /m,
    said: () => byFind((code, kernel) => (readsEntry(code, kernel), eight(code, kernel))),
    not: {
      'it has read none': () => byFind((code) => loaded(code, t1, PAGE).li(a0, 8)),
      'it was read before the call': () => byFind(eight, readsEntry),
      'it was read since': () => byFind(eight, nothing, readsEntry),
    },
  },
  'the exception that the kernel was handling': {
    sentence: /^The kernel was handling this: .* \(supervisor mode\)\.$/m,
    said: () => inHandler((code) => code.li(a0, NOWHERE).op('ld', { rd: t1, rs1: a0 })),
    not: {
      'an interrupt of the same instruction': () =>
        inHandler((code) => {
          csrw(code.li(t0, 2).li(a0, NOWHERE), Csr.sie, t0);
          code
            .op('csrrs', { rs1: t0, imm: Csr.sstatus })
            .op('csrrs', { rs1: t0, imm: Csr.sip })
            .op('ld', { rd: t1, rs1: a0 });
        }),
    },
  },
};
