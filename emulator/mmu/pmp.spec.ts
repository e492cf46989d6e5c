import assert from 'node:assert/strict';
import { Csr } from '../isa/csrs';
import { Machine } from '../machine';
import { elf } from '../testing/elf';
import { assembleProgram, jumpTo, label } from '../testing/program';
import { Mode } from '../types';
import { Right, activeEntries, rightsAt } from './pmp';

/** Writes the address before the configuration, which may lock it. */
function hartWith(pmpaddr0 = 0n, pmpcfg0 = 0n) {
  const kernel = elf(assembleProgram([label('halt'), jumpTo('halt')]));
  const machine = new Machine({ harts: 1, memory: 2 ** 21, legacyVirtio: false, kernel });
  machine.harts[0]!.setCsr(Csr.pmpaddr0, pmpaddr0);
  machine.harts[0]!.setCsr(Csr.pmpcfg0, pmpcfg0);
  return machine.harts[0]!;
}

describe('physical memory protection', () => {
  it('allows everything while no entry is active', () => {
    const entries = activeEntries(hartWith());
    assert.equal(rightsAt(entries, 0x80000000, 8, Mode.User), Right.all);
  });

  it('takes the one region that xv6 opens, top of range', () => {
    const entries = activeEntries(hartWith(0x3f_ffff_ffff_ffffn, 0xfn));
    assert.equal(rightsAt(entries, 0x80000000, 8, Mode.Supervisor), Right.all);
    assert.equal(rightsAt(entries, 0x87fff000, 4096, Mode.User), Right.all);
  });

  it('denies S and U what no entry names, but not M', () => {
    const napot = (0x80000000n >> 2n) | 0x1ffn; // 4 KiB
    const entries = activeEntries(hartWith(napot, 0x19n));
    assert.equal(rightsAt(entries, 0x80000ff8, 8, Mode.User), Right.read);
    assert.equal(rightsAt(entries, 0x80001000, 8, Mode.User), 0);
    assert.equal(rightsAt(entries, 0x80001000, 8, Mode.Machine), Right.all);
    assert.equal(rightsAt(entries, 0x80000ffc, 8, Mode.User), 0);
  });

  it('holds M to a locked entry, and the entry to its value', () => {
    const hart = hartWith((0x80000000n >> 2n) | 0x1ffn, 0x99n);
    hart.setCsr(Csr.pmpcfg0, 0x1fn);
    assert.equal(hart.csr(Csr.pmpcfg0), 0x99n);
    hart.setCsr(Csr.pmpaddr0, 0n);
    const entries = activeEntries(hart);
    assert.equal(rightsAt(entries, 0x80000000, 4, Mode.Machine), Right.read);
    assert.equal(rightsAt(entries, 0x80001000, 4, Mode.Machine), Right.all);
  });

  it('has a grain of a page', () => {
    const hart = hartWith(0x80000000n >> 2n, 0x11n);
    assert.equal(hart.csr(Csr.pmpcfg0), 0n);
    hart.setCsr(Csr.pmpaddr0, 0xfffn);
    assert.equal(hart.csr(Csr.pmpaddr0), 0xc00n);
    hart.setCsr(Csr.pmpcfg0, 0x18n);
    assert.equal(hart.csr(Csr.pmpaddr0), 0xfffn);
  });
});
