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
import { behindResult, entryIn, variablesBehind, variablesTold } from './run-reading';

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
  const one = (name: string, operands: Parameters<typeof encode>[1], pc: bigint): Executed => ({
    ...{ pc, decoded: decode(encode(name, operands))!, sp: 0n, left: 0n, right: 0n },
  });

  it('is the kernel’s, with what it held if that is a number', () => {
    const said = (name: string, address: bigint, value: bigint, bytes = 8): string | undefined =>
      variablesTold(guest, [word(address, bytes, value)], [load(name, address, value)])?.text;
    assert.equal(said('ld', KERNEL_PAGETABLE, 0n), 'kernel_pagetable was 0x0');
    assert.equal(said('ld', KERNEL_PAGETABLE, 0x87fff000n), undefined, 'a pointer decides nothing that one could see');
    assert.equal(said('ld', 0x80200000n, 0n), undefined, 'no variable');
    assert.match(said('ld', PROC, 5n)!, /^proc\[0\].* was 0x5$/);
    assert.match(said('lw', PROC, 0xffffffffn, 4)!, /^proc\[0\].* was -1$/);
    assert.equal(said('lwu', PROC, 0xffffffffn, 4), undefined);
  });

  it('is said to be somebody’s doing only where it alone was compared, whole, and was not written since', () => {
    const read = load('ld', KERNEL_PAGETABLE, 1n);
    const whole = word(KERNEL_PAGETABLE, 8, 1n);
    const told = (sources: Source[], run: Executed[]) => variablesTold(guest, sources, run);
    assert.equal(told([whole], [read])?.variable?.name, 'kernel_pagetable');
    assert.deepEqual(told([whole], [read])?.variable?.range, { address: KERNEL_PAGETABLE, length: 8 });
    assert.equal(told([{ ...whole, isPart: true } as Source], [read])?.variable, undefined, 'a bit of it');
    const stored = { ...one('sd', { rs1: R.a0, rs2: R.a5 }, 0x2006n), physical: KERNEL_PAGETABLE };
    assert.equal(told([whole], [read, stored])?.variable, undefined, 'it was written');
    const both = told([whole, { ...word(PROC, 8, 2n), index: 1 } as Source], [read, load('ld', PROC, 2n)]);
    assert.match(both!.text, /^kernel_pagetable was 0x1 and proc\[0\].* was 0x2$/);
    assert.equal(both!.variable, undefined, 'either may be wrong');
    const swap = { ...load('amoswap.w', KERNEL_PAGETABLE, 1n) };
    assert.equal(told([word(KERNEL_PAGETABLE, 4, 1n)], [swap])?.variable, undefined, 'the read has written it');
  });

  it('is behind what a function has returned: of which that was made, or by which it was chosen', () => {
    const by = { low: 0x2000n, high: 0x2020n };
    const code = new Map<bigint, Executed>();
    const said = (run: Executed[], made: number): string | undefined => {
      run.forEach((row) => code.set(row.pc, row));
      const at = (pc: bigint) => code.get(pc)?.decoded;
      return variablesBehind(guest, run, { by, value: 1n, made, end: run.length - 1 }, at)?.text;
    };
    const pointer = load('ld', KERNEL_PAGETABLE, PROC);
    const read = load('ld', PROC, 5n);
    const compared = one('sltiu', { rd: R.a0, rs1: R.a5, imm: 1 }, 0x2008n);
    const back = { ...ret, pc: 0x200cn };
    assert.match(said([pointer, compared, back], 1)!, /^kernel_pagetable was &proc\[0\]/);
    const chosen = one('bne', { rs1: R.a5, rs2: R.zero, imm: 16 }, 0x2008n);
    const constant = one('addi', { rd: R.a0, rs1: R.zero, imm: 1 }, 0x200cn);
    const end = { ...ret, pc: 0x2010n };
    assert.match(said([read, chosen, constant, end], 2)!, /^proc\[0\].* was 0x5$/);
    assert.equal(said([read, constant, end], 1), undefined, 'nothing was chosen');
    assert.equal(said([load('ld', KERNEL_PAGETABLE, 0x87f0_0000n), compared, back], 1), undefined, 'no variable');
    const either = one('bne', { rs1: R.a5, rs2: R.zero, imm: 4 }, 0x2008n);
    assert.equal(said([read, either, constant, end], 2), undefined, 'the other way leads there, too');
    const elsewhere = one('bne', { rs1: R.a5, rs2: R.zero, imm: 12 }, 0x2008n);
    code.set(0x2014n, { ...constant, pc: 0x2014n });
    assert.equal(said([read, elsewhere, constant, end], 2), undefined, 'the other way returns the same');
    const later = one('beq', { rs1: R.a5, rs2: R.zero, imm: 16 }, 0x2008n);
    assert.equal(said([read, later, { ...compared, pc: 0x200cn }, end], 2), undefined, 'a branch knew the value');
  });
});
