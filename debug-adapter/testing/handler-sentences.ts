/** For tests: what is said of traps by where pc was, where the handler is and which instruction it was, and where it must not be said. */
import { PTE } from '../../emulator/isa/sv39';
import { Mode } from '../../emulator/types';
import type { TrapExplanation } from '../page-tables/explain';
import { fellInto, kernelAt, FaultSetting as Setting } from './fault-setting';

const { R, X, U } = PTE;
const RA = 1;
const SP = 2;
const A0 = 10;
const S = Mode.Supervisor;
/** `ld a1, 0(a0)`, `sd a1, 0(sp)`, `c.nop`, `ret`, `jalr zero, 0(t0)`, `fadd.d fa0, fa1, fa2, unknown`. */
const LOAD = 0x00053583;
const PUSH = 0x00b13023;
const NOP = 0x0001;
const RET = 0x8082;
const JUMP = 0x00028067;
const FADD = 0x02c5d553;

/** A sentence, with a state in which it is true and one, near to it, in which it must not be said. */
export interface SentenceRow {
  sentence: RegExp;
  said: () => TrapExplanation;
  not: () => TrapExplanation;
}

export const HANDLER_ROWS: Record<string, SentenceRow> = {
  'a handler that cannot be fetched': {
    sentence:
      /the handler at stvec = 0x3ffffff000 cannot be fetched \(V R X are set; U=1: S-mode may not fetch from a U page, SUM does not help\): the hart will trap without end/,
    said: () => {
      const setting = Object.assign(new Setting(), { stvec: 0x3ffffff000n });
      setting.memory.map(setting.user, 0x3ffffff000n, 0x80006000n, R | X | U);
      return setting.explain(13, 0x4008n);
    },
    not: () => {
      const setting = Object.assign(new Setting(), { stvec: 0x3ffffff000n });
      setting.memory.map(setting.user, 0x3ffffff000n, 0x80006000n, R | X);
      return setting.explain(13, 0x4008n);
    },
  },
  'a handler that faults': {
    sentence: /the trap handler itself has faulted: look for the first fault before this/,
    said: () =>
      Object.assign(kernelAt(LOAD, A0, 0x3fffff7ff8n), { stvec: 0x800000f0n }).explain(
        13,
        0x3fffff7ff8n,
        S,
        0x80000100n,
      ),
    // What lies behind a jump, as userret behind uservec, is no part of the handler.
    not: () =>
      Object.assign(kernelAt(LOAD, A0, 0x3fffff7ff8n), { stvec: 0x800000f0n })
        .code(0x800000f4n, JUMP)
        .explain(13, 0x3fffff7ff8n, S, 0x80000100n),
  },
  'a handler that faults on its stack': {
    sentence: /the trap handler itself has faulted on a bad stack pointer: look for the first fault before this/,
    said: () =>
      Object.assign(kernelAt(PUSH, SP, 0x3fffff7ff8n), { stvec: 0x800000f0n }).explain(
        15,
        0x3fffff7ff8n,
        S,
        0x80000100n,
      ),
    not: () =>
      Object.assign(kernelAt(LOAD, A0, 0x3fffff7ff8n), { stvec: 0x800000f0n }).explain(
        13,
        0x3fffff7ff8n,
        S,
        0x80000100n,
      ),
  },
  'a jump': {
    sentence:
      /pc itself is 0x4000: a jump, call or return went there \(ra may say from where\), or the table was changed under the running code/,
    said: () => new Setting().explain(12, 0x4000n, Mode.User, 0x4000n),
    not: () => fellInto(NOP).explain(12, 0x1000n, Mode.User, 0x1000n),
  },
  'a return': {
    sentence: /pc itself is 0x4000, and so is ra: a return went there/,
    said: () => {
      const setting = new Setting();
      setting.registers[RA] = 0x4000n;
      return setting.explain(12, 0x4000n, Mode.User, 0x4000n);
    },
    not: () => new Setting().explain(12, 0x4000n, Mode.User, 0x4000n),
  },
  'code that ran on into the next page': {
    sentence: /pc is 0x1000: it ran on over the end of the page before, or a jump, call or return went there/,
    said: () => fellInto(NOP).explain(12, 0x1000n, Mode.User, 0x1000n),
    not: () => fellInto(RET).explain(12, 0x1000n, Mode.User, 0x1000n),
  },
  'code that ran on through freed memory': {
    sentence:
      /pc ran on to 0x1000 through the page before, whose end is freed or fresh memory: bytes of 0x01 are what kfree/,
    said: () => {
      const setting = fellInto(NOP);
      setting.memory.write(0x80100000n, new Uint8Array(4096).fill(1));
      return setting.explain(12, 0x1000n, Mode.User, 0x1000n);
    },
    not: () => fellInto(NOP).explain(12, 0x1000n, Mode.User, 0x1000n),
  },
  'zeroes that are no instruction': {
    sentence: /illegal instruction .*: at pc 0x40: 16 bits 0x0000\nzeroes are no instruction: nothing was loaded here/,
    said: () => new Setting().explain(2, 0n, Mode.User, 0x40n),
    not: () => new Setting().code(0x80100040n, FADD).explain(2, 0n, Mode.User, 0x40n),
  },
  'floating point that is off': {
    sentence: /a floating-point instruction, and mstatus.FS is 0 \(off\), as it is after a reset/,
    said: () => new Setting().code(0x80100040n, FADD).explain(2, 0n, Mode.User, 0x40n),
    not: () => new Setting().explain(2, 0n, Mode.User, 0x40n),
  },
  'a rounding mode': {
    sentence: /a floating-point instruction with a reserved rounding mode/,
    said: () =>
      Object.assign(new Setting(), { mstatus: 0x6000n }).code(0x80100040n, FADD).explain(2, 0n, Mode.User, 0x40n),
    not: () => new Setting().code(0x80100040n, FADD).explain(2, 0n, Mode.User, 0x40n),
  },
  'a misaligned access': {
    sentence: /load address misaligned at 0x1001 .*: at pc 0x20: the address is not a multiple of the size accessed/,
    said: () => new Setting().explain(4, 0x1001n),
    not: () => new Setting().explain(13, 0x4001n),
  },
};
