/**
 * Every sentence that the explanation of a trap may say, each with a state in which it is true and one, near to it, in which
 * it must not be said. A sentence that is said and stands in no row fails the last test.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { PTE } from '../../emulator/isa/sv39';
import { Mode } from '../../emulator/types';
import { kernelAt, FaultSetting as Setting } from '../testing/fault-setting';
import { wordsIn } from '../testing/words-in';
import { HANDLER_ROWS, type SentenceRow } from '../testing/handler-sentences';

const { R, W, X, U } = PTE;
const SV39 = 8n << 60n;
const SP = 2;
const A0 = 10;
/** `ld a1, 0(a0)`, `ld a1, 43(a0)`, `ld a1, 43(zero)`, `ld a1, 2040(a0)`. */
const LOAD = 0x00053583;
const LOAD_43 = 0x02b53583;
const LOAD_43_OF_ZERO = 0x02b03583;
const LOAD_2040 = 0x7f853583;
/** `sd a1, 0(sp)`, `jalr zero, 0(t0)`, `csrw satp, a0`, `sfence.vma`. */
const PUSH = 0x00b13023;
const JUMP = 0x00028067;
const WRITE_SATP = 0x18051073;
const FENCE = 0x12000073;

const S = Mode.Supervisor;

/** The page at 0x1000 has been used, as far as its entry says. */
function withMarks(marks: number): Setting {
  const setting = new Setting();
  setting.memory.map(setting.user, 0x1000n, 0x80101000n, R | W | U | marks);
  return setting;
}

const ROWS: Record<string, SentenceRow> = {
  'a page that is not mapped': {
    sentence: /level 0 index 4: V=0, nothing is mapped here/,
    said: () => new Setting().explain(13, 0x4008n),
    not: () => new Setting().explain(15, 0x0n),
  },
  'the end of the heap': {
    sentence: /the heap ends at 0x4000 \(p->sz\)/,
    said: () => new Setting().explain(13, 0x4008n),
    not: () => new Setting().explain(15, 0x2ff8n),
  },
  'a hole below p->sz': {
    sentence: /below p->sz = 0x4000: it belongs to the process, but no page is mapped for it/,
    said: () => {
      const setting = new Setting();
      setting.memory.writeU64(setting.memory.map(setting.user, 0x3000n, 0n, 0), 0n);
      return setting.explain(13, 0x3008n);
    },
    not: () => new Setting().explain(13, 0x4008n),
  },
  'a stack overflow': {
    sentence: /^a stack has run over its end$/m,
    said: () => {
      const setting = new Setting().code(0x80100020n, PUSH);
      setting.registers[SP] = 0x2ff8n;
      return setting.explain(15, 0x2ff8n);
    },
    not: () => {
      const setting = new Setting().code(0x80100020n, LOAD);
      setting.registers[A0] = 0x2ff8n;
      return setting.explain(13, 0x2ff8n);
    },
  },
  'a guard page into which a stack ran, or not': {
    sentence: /^a stack has run over its end, or a pointer is wrong$/m,
    said: () => new Setting().explain(15, 0x2ff8n),
    // Whoever jumps there has no stack in mind.
    not: () => new Setting().explain(12, 0x2ff8n, Mode.User, 0x2ff8n),
  },
  'a guard page that no stack ran into': {
    sentence:
      /the address came from a0, not from the stack pointer: a wrong pointer or index, or a large array on the stack/,
    said: () => {
      const setting = new Setting().code(0x80100020n, LOAD);
      setting.registers[A0] = 0x2ff8n;
      return setting.explain(13, 0x2ff8n);
    },
    not: () => {
      const setting = new Setting().code(0x80100020n, PUSH);
      setting.registers[SP] = 0x2ff8n;
      return setting.explain(15, 0x2ff8n);
    },
  },
  'U=0 for a user': {
    sentence: /V R W are set; U=0, mode U: this one bit decides/,
    said: () => new Setting().explain(13, 0x2ff8n),
    not: () => new Setting().explain(15, 0x0n),
  },
  'W=0': {
    sentence: /V R X are set; W=0: this one bit decides/,
    said: () => new Setting().explain(15, 0x0n),
    not: () => new Setting().explain(13, 0x2ff8n),
  },
  'SUM=0': {
    sentence: /V R W are set; U=1, mode S, sstatus.SUM=0: this one bit decides/,
    said: () => new Setting().explain(13, 0x1000n, S),
    not: () => new Setting().explain(12, 0x0n, S, 0n),
  },
  'a fetch from a U page': {
    sentence: /U=1: S-mode may not fetch from a U page, SUM does not help/,
    said: () => new Setting().explain(12, 0x0n, S, 0n),
    not: () => new Setting().explain(13, 0x1000n, S),
  },
  'a root outside RAM': {
    sentence: /satp's root 0x[0-9a-f]+ lies outside RAM/,
    said: () => Object.assign(new Setting(), { satp: SV39 | 0x80800000n }).explain(12, 0x80000100n, S, 0x80000100n),
    not: () => new Setting().explain(13, 0x4008n),
  },
  'a root that was not shifted': {
    sentence: /itself an address in RAM: the root's address was not shifted right by 12/,
    said: () => Object.assign(new Setting(), { satp: SV39 | 0x80800000n }).explain(12, 0x80000100n, S, 0x80000100n),
    not: () => Object.assign(new Setting(), { satp: SV39 | 0x10n }).explain(12, 0x80000100n, S, 0x80000100n),
  },
  'physical addresses': {
    sentence: /satp.MODE is Bare: addresses are physical; nothing answers at 0x7f8: neither RAM nor a device/,
    said: () => Object.assign(new Setting(), { satp: 0n }).explain(13, 0x7f8n, S),
    not: () => new Setting().inKernel().explain(13, 0x7f8n, S),
  },
  'addresses of M-mode': {
    sentence: /M-mode addresses are physical; nothing answers at 0x7f8/,
    said: () => new Setting().explain(5, 0x7f8n, Mode.Machine),
    not: () => new Setting().inKernel().explain(13, 0x7f8n, S),
  },
  'RAM that PMP refuses': {
    sentence: /0x80000100 is RAM: physical memory protection \(pmpcfg\) refuses it/,
    said: () => Object.assign(new Setting(), { satp: 0n }).explain(5, 0x80000100n, S),
    not: () => Object.assign(new Setting(), { satp: 0n }).explain(5, 0x7f8n, S),
  },
  'a device that refuses': {
    sentence: /the PTE is valid and allows it, but UART at PA 0x10000000 refuses this access/,
    said: () => {
      const setting = new Setting().inKernel();
      setting.memory.map(setting.kernel, 0x10000000n, 0x10000000n, R | W);
      return setting.explain(5, 0x10000000n, S);
    },
    not: () => new Setting().inKernel().explain(13, 0x10000000n, S),
  },
  'a page that is no RAM': {
    sentence:
      /the PTE is valid, but PA 0x0 is not RAM[^]*its PPN is 0: it was mapped before the page was allocated, or its PPN was wiped out/,
    said: () => {
      const setting = new Setting();
      setting.memory.map(setting.user, 0x3fffffd000n, 0n, R | U);
      return setting.explain(5, 0x3fffffd000n);
    },
    not: () => {
      const setting = new Setting();
      setting.memory.map(setting.user, 0x3fffffd000n, 0x5000n, R | U);
      return setting.explain(5, 0x3fffffd000n);
    },
  },
  'an old translation': {
    sentence:
      /allows this access now: the hart .*used an older translation \(a missing sfence.vma\), or the entry has been changed since/,
    said: () => new Setting().explain(13, 0x1000n),
    not: () => new Setting().explain(13, 0x4000n),
  },
  'marks that the kernel must set': {
    sentence: /the hart leaves it to the kernel to set A, which is 0 \(Svade\), or used an older translation/,
    said: () => new Setting().explain(13, 0x1000n),
    not: () => withMarks(PTE.A).explain(13, 0x1000n),
  },
  'a mark that the kernel must set before a store': {
    sentence: /the hart leaves it to the kernel to set D, which is 0 \(Svade\), or used an older translation/,
    said: () => withMarks(PTE.A).explain(15, 0x1000n),
    not: () => withMarks(PTE.A | PTE.D).explain(15, 0x1000n),
  },
  'a null pointer': {
    sentence: /^a null pointer in a0 plus 0x2b$/m,
    said: () => kernelAt(LOAD_43).explain(13, 0x2bn, S, 0x80000100n),
    not: () => kernelAt(LOAD, A0, 0x2bn).explain(13, 0x2bn, S, 0x80000100n),
  },
  'a small number': {
    sentence: /^a null pointer plus 0x2b, or a small number that is no address$/m,
    said: () => Object.assign(kernelAt(LOAD, A0, 0x2bn), { tables: [] }).explain(13, 0x2bn, S, 0x80000100n),
    not: () => kernelAt(LOAD_43).explain(13, 0x2bn, S, 0x80000100n),
  },
  'a null pointer that the compiler has seen': {
    sentence: /^a null pointer plus 0x2b, as the compiler has seen: the address is a constant$/m,
    said: () => kernelAt(LOAD_43_OF_ZERO).explain(13, 0x2bn, S, 0x80000100n),
    not: () => kernelAt(LOAD_43).explain(13, 0x2bn, S, 0x80000100n),
  },
  'a device that is not mapped': {
    sentence: /^in: UART \(not mapped here\)$/m,
    said: () => new Setting().inKernel().explain(15, 0x10000000n, S),
    // Of a user pointer it is no matter what lies there for the kernel.
    not: () => {
      const setting = kernelAt(LOAD, A0, 0x10000000n);
      setting.memory.map(setting.user, 0x10000000n, 0x80101000n, R | U);
      return setting.explain(13, 0x10000000n, S, 0x80000100n);
    },
  },
  'a switch of tables under the code': {
    sentence:
      /pc went on to 0x80000108 after the store to satp just before it: the table that is in satp now does not let this code go on/,
    said: () => {
      const setting = new Setting().inKernel().code(0x80000100n, WRITE_SATP).code(0x80000104n, FENCE);
      setting.memory.map(setting.kernel, 0x80000000n, 0x80000000n, R | X | U);
      return setting.explain(12, 0x80000108n, S, 0x80000108n);
    },
    not: () => {
      const setting = new Setting().inKernel().code(0x80000100n, JUMP).code(0x80000104n, FENCE);
      setting.memory.map(setting.kernel, 0x80000000n, 0x80000000n, R | X | U);
      return setting.explain(12, 0x80000108n, S, 0x80000108n);
    },
  },
  'a user pointer': {
    sentence:
      /: level [^\n]*\na user pointer: pid 3 \(sh\) maps it to 0x80101010 in its own table; the kernel must use copyin or copyout for it\n/,
    said: () => kernelAt(LOAD, A0, 0x1010n).explain(13, 0x1010n, S, 0x80000100n),
    not: () => kernelAt(LOAD, A0, 0x5010n).explain(13, 0x5010n, S, 0x80000100n),
  },
  'a function of the program that the kernel has called': {
    sentence:
      /a user pointer: pid 3 \(sh\) maps it to 0x80100040 in its own table; the kernel cannot call what is the program’s, only return to it\n/,
    said: () => kernelAt(LOAD, A0, 0x1010n).explain(12, 0x40n, S, 0x40n),
    not: () => kernelAt(LOAD, A0, 0x1010n).explain(13, 0x1010n, S, 0x80000100n),
  },
  'a user pointer in a kernel with a table for each process': {
    sentence: /a user pointer: pid 3 \(sh\) maps it to 0x80101010 in its own table; the kernel's table for it does not/,
    said: () => {
      const setting = kernelAt(LOAD, A0, 0x1010n);
      setting.tables.push(setting.table('process-kernel', 'pid 3 sh, kpagetable', setting.kernel, true));
      return setting.explain(13, 0x1010n, S, 0x80000100n);
    },
    not: () => kernelAt(LOAD, A0, 0x1010n).explain(13, 0x1010n, S, 0x80000100n),
  },
  'a user pointer or a null pointer': {
    sentence:
      /: level [^\n]*\na user pointer: pid 3 \(sh\) maps it to 0x8010002b in its own table[^]*\nor a null pointer plus 0x2b/,
    said: () => kernelAt(LOAD, A0, 0x2bn).explain(13, 0x2bn, S, 0x80000100n),
    not: () => kernelAt(LOAD_43).explain(13, 0x2bn, S, 0x80000100n),
  },
  'a walk from root 0': {
    sentence: /a null pointer in a0 plus 0x7f8: entry 255 of a page table at PA 0/,
    said: () => Object.assign(kernelAt(LOAD_2040), { nameOf: () => 'walk+32' }).explain(13, 0x7f8n, S, 0x80000100n),
    // A list of a student's.
    not: () => Object.assign(kernelAt(LOAD_2040), { nameOf: () => 'walk_list+32' }).explain(13, 0x7f8n, S, 0x80000100n),
  },
  'an int that became negative': {
    sentence: /its upper half is all ones: a 32-bit int \(-2147471360\) became negative and was extended/,
    said: () => new Setting().inKernel().explain(13, 0xffffffff80003000n, S),
    not: () => new Setting().inKernel().explain(13, 0xfffffffe80003000n, S),
  },
  'what kfree leaves': {
    sentence: /bytes of 0x01 are what kfree fills a page with: this is memory that was freed/,
    said: () => new Setting().inKernel().explain(13, 0x101010101010109n, S),
    not: () => new Setting().inKernel().explain(13, 0x505050505050505n, S),
  },
  'what kalloc leaves': {
    sentence: /bytes of 0x05 are what kalloc fills a page with: this was never initialized/,
    said: () => new Setting().inKernel().explain(13, 0x505050505050505n, S),
    not: () => new Setting().inKernel().explain(13, 0x101010101010109n, S),
  },
  'a table that was freed': {
    sentence: /the entry is 0x101010101010101: .*; the page of the table has been freed or never cleared/,
    said: () => {
      const setting = new Setting().inKernel();
      setting.memory.write(setting.kernel, new Uint8Array(4096).fill(1));
      return setting.explain(13, 0x80001000n, S);
    },
    not: () => new Setting().inKernel().explain(13, 0x101010101010109n, S),
  },
  'a mark of copy-on-write': {
    sentence: /the kernel's own bits in the entry are RSW=1: a mark of copy-on-write\?/,
    said: () => {
      const setting = new Setting();
      setting.memory.map(setting.user, 0x1000n, 0x80101000n, R | U | 0x100);
      return setting.explain(15, 0x1000n);
    },
    not: () => {
      const setting = new Setting();
      setting.memory.map(setting.user, 0x1000n, 0x80101000n, R | U | 0x100);
      return setting.explain(12, 0x1000n, Mode.User, 0x1000n);
    },
  },
  'another table that maps it': {
    sentence: /kernel_pagetable maps it to 0x80200010; the table in satp does not/,
    said: () => {
      const setting = new Setting();
      setting.memory.map(setting.kernel, 0x3fffff8000n, 0x80200000n, R | W);
      setting.tables.push(setting.table('kernel', 'kernel_pagetable', setting.kernel));
      return setting.explain(15, 0x3fffff8010n, S);
    },
    not: () => {
      const setting = new Setting();
      setting.memory.map(setting.kernel, 0x3fffff8000n, 0x80200000n, R | W);
      setting.tables.push(setting.table('kernel', 'kernel_pagetable', setting.kernel));
      return setting.explain(15, 0x3fffff8010n);
    },
  },
  ...HANDLER_ROWS,
};

describe('the sentences of an explanation', () => {
  for (const [what, { sentence, said, not }] of Object.entries(ROWS)) {
    it(`speak of ${what} where that is so, and not where it is not`, () => {
      const right = said();
      assert.match(`${right.text}\n`, sentence);
      assert.doesNotMatch(`${not().text}\n`, sentence);
      for (const told of [right, not()]) {
        assert.ok(told.lead.split('\n').length <= 3, 'at most three lines before the fold');
        assert.equal([told.lead, ...(told.rest === '' ? [] : [told.rest])].join('\n'), told.text);
      }
    });
  }

  it('are all among these', () => {
    const written = ['explain.ts', 'evidence.ts'].flatMap((file) => wordsIn(join(__dirname, file)));
    assert.ok(written.length > 40);
    const rows = Object.values(ROWS)
      .map(({ said }) => said())
      .map(({ text, walk }) => text + walk);
    const missing = written.filter((text) => !rows.some((row) => row.includes(text)));
    assert.deepEqual(missing, []);
  });
});
