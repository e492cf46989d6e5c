import assert from 'node:assert/strict';
import { decode } from '../../../emulator/isa/instructions/decode';
import { PTE } from '../../../emulator/isa/sv39';
import { encode, R } from '../../../emulator/testing/encode';
import { TestMemory } from '../../../emulator/testing/page-tables';
import type { AskedGuest } from '../../questions/occurrence';
import { guestKernel, KERNEL_PAGETABLE, PROC } from '../../testing/xv6-kernel';
import { openXv6 } from '../../xv6/kernel';
import type { Source } from '../cause';
import { EntryPlaces } from '../entries';
import type { Executed } from '../recent';
import { behindResult, entryIn, variableBehind, variableIn, variableText } from './run-reading';

const memory = new TestMemory();
const root = memory.page();
const at = memory.map(root, 0x4000n, 0x80100000n, PTE.R | PTE.U);
const places = new EntryPlaces(memory, [{ root, id: 'pid:3', label: 'the table of pid 3 sh' }]);
const { program } = guestKernel();
const image = { linked: (address: bigint) => address };
const guest = { xv6: openXv6(program, program.read), image } as unknown as AskedGuest;

const load = (name: string, physical: bigint, found: bigint, pc = 0x2004n, left = physical): Executed => ({
  ...{ pc, decoded: decode(encode(name, { rd: R.a5, rs1: R.a0 }))!, sp: 0n, left, right: 0n, physical, found },
});
const ret: Executed = {
  ...{ pc: 0x2008n, decoded: decode(encode('jalr', { rd: R.zero, rs1: R.ra }))!, sp: 0n, left: 0n, right: 0n },
};
const word = (physical: bigint, bytes = 8, value = 7n): Source => ({
  kind: 'memory',
  physical,
  bytes,
  value,
  index: 0,
});

describe('an entry that was read', () => {
  it('is the first word that lies in a table', () => {
    assert.deepEqual(entryIn(places, [word(0x80200000n), word(at)])?.entry.va, 0x4000n);
    assert.equal(entryIn(places, [word(at, 4)]), undefined, 'half of one');
    assert.equal(entryIn(places, [word(0x80200000n), { kind: 'constant', index: 0 }]), undefined);
  });

  it('is the last that a function had read before it returned, not before it was called, and not since', () => {
    const by = { low: 0x2000n, high: 0x2010n };
    const begun = { ...load('ld', 0x80200000n, 0n), pc: by.low };
    const read = (...run: Executed[]) => behindResult(places, run, run.length, by)?.value;
    assert.equal(read(begun, load('ld', at, 1n), load('ld', at, 2n), ret), 2n);
    assert.equal(read(load('ld', at, 1n), begun, ret), undefined);
    assert.equal(read(begun, load('ld', at, 1n), ret, load('ld', at, 2n, 0x5000n)), 1n);
    assert.equal(read(begun, load('lw', at, 1n), ret), undefined);
  });
});

describe('a variable that was read', () => {
  it('is the kernel’s, with what it held if that is a number', () => {
    const said = (address: bigint, value: bigint): string | undefined => {
      const found = variableIn(guest, [word(address, 8, value)], [load('ld', address, value)]);
      assert.deepEqual(found?.range ?? { address, length: 8 }, { address, length: 8 });
      return found && variableText(found);
    };
    assert.equal(said(KERNEL_PAGETABLE, 0n), 'kernel_pagetable was 0x0');
    assert.equal(said(KERNEL_PAGETABLE, 0x87fff000n), undefined, 'a pointer decides nothing that one could see');
    assert.equal(said(0x80200000n, 0n), undefined, 'no variable');
    assert.match(said(PROC, 5n)!, /^proc\[0\].* was 0x5$/);
  });

  it('is behind what a function has returned: of which that was made, or by which it was chosen', () => {
    const by = { low: 0x2000n, high: 0x2010n };
    const one = (name: string, operands: Parameters<typeof encode>[1], pc: bigint): Executed => ({
      ...{ pc, decoded: decode(encode(name, operands))!, sp: 0n, left: 0n, right: 0n },
    });
    const chosen = one('bne', { rs1: R.a5, rs2: R.zero, imm: 8 }, 0x2005n);
    const said = (run: Executed[], made: number): string | undefined => {
      const found = variableBehind(guest, run, { by, value: 1n, made, end: run.length - 1 });
      return found && variableText(found);
    };
    const pointer = load('ld', KERNEL_PAGETABLE, PROC);
    const read = load('ld', PROC, 5n);
    const compared = one('sltiu', { rd: R.a0, rs1: R.a5, imm: 1 }, 0x2006n);
    assert.match(said([pointer, compared, ret], 1)!, /^kernel_pagetable was &proc\[0\]/);
    const constant = one('addi', { rd: R.a0, rs1: R.zero, imm: 1 }, 0x2006n);
    assert.match(said([read, chosen, constant, ret], 2)!, /^proc\[0\].* was 0x5$/);
    assert.equal(said([read, constant, ret], 1), undefined, 'nothing was chosen');
    assert.equal(said([load('ld', KERNEL_PAGETABLE, 0x87f0_0000n), compared, ret], 1), undefined, 'no variable');
  });
});
