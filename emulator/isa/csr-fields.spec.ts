import assert from 'node:assert/strict';
import { causeName } from './causes';
import { CSRS, csrNamed, describeCsr } from './csr-fields';
import { fieldNamed, fieldOf } from './fields';
import { X_NAMES, registerNumber } from './registers';

describe('CSRs in words', () => {
  it('say cause, table and modes', () => {
    assert.equal(describeCsr('scause', 0xdn), '0xd (load page fault)');
    assert.equal(describeCsr('scause', 0x8000000000000005n), '0x8000000000000005 (supervisor timer interrupt)');
    assert.equal(describeCsr('mcause', 10n), '0xa (exception 10, which the specification reserves)');
    assert.equal(describeCsr('scause', 1n << 62n), '0x4000000000000000 (not a cause that exists)');
    assert.equal(describeCsr('satp', 0x8000000000087fffn), 'Sv39, ASID 0, root 0x87fff000');
    assert.equal(describeCsr('satp', 0n), 'Bare, no translation');
    assert.equal(describeCsr('sstatus', 0x200000120n), '0x200000120 (SPIE, SPP=S, UXL=64 bits)');
    assert.equal(describeCsr('sstatus', 0x42n), '0x42 (SIE, UBE, SPP=U)');
    assert.equal(describeCsr('mstatus', 0x1800n), '0x1800 (SPP=U, MPP=M)');
    assert.equal(describeCsr('stvec', 0x80005001n), '0x80005000 (vectored)');
    assert.equal(describeCsr('sie', 0x222n), '0x222 (SSIE, STIE, SEIE)');
    assert.equal(describeCsr('mip', 0n), '0x0 (no bit set)');
    assert.equal(describeCsr('medeleg', 0x3008n), '0x3008 (breakpoint, instruction page fault, load page fault)');
    assert.equal(describeCsr('mideleg', 0x2n), '0x2 (supervisor software interrupt)');
    assert.equal(describeCsr('misa', 0x8000000000141105n), '0x8000000000141105 (RV64IMACSU)');
    assert.equal(describeCsr('menvcfg', 1n << 63n), '0x8000000000000000 (STCE)');
    assert.equal(describeCsr('pmpcfg0', 0xfn), '0xf (0: RWX TOR)');
    assert.equal(describeCsr('pmpaddr0', 0x20000000n), '0x20000000 (address 0x80000000)');
    assert.equal(describeCsr('sepc', 0x1234n), '0x1234');
    assert.equal(describeCsr('none', 5n), '0x5');
  });

  it('have fields that do not overlap, and names and addresses of their own', () => {
    assert.equal(new Set(CSRS.map(({ name }) => name)).size, CSRS.length);
    assert.equal(new Set(CSRS.map(({ address }) => address)).size, CSRS.length);
    for (const { name, fields } of CSRS) {
      let taken = 0n;
      for (const field of fields) {
        const mask = ((1n << BigInt(field.width)) - 1n) << BigInt(field.lsb);
        assert.equal(taken & mask, 0n, `${name}.${field.name}`);
        assert.ok(field.lsb + field.width <= 64, `${name}.${field.name}`);
        taken |= mask;
      }
    }
  });

  it('give single fields', () => {
    const sstatus = csrNamed('sstatus')!;
    assert.equal(fieldOf(0x6000n, fieldNamed(sstatus, 'fs')!), 3n);
    assert.equal(fieldNamed(sstatus, 'MIE'), undefined);
  });
});

describe('names of registers and causes', () => {
  it('are those of the ABI and the specification', () => {
    assert.equal(X_NAMES.length, 32);
    assert.deepEqual(
      ['zero', 'sp', 'fp', 's0', 'a0', 'x31', 't6', 's11'].map(registerNumber),
      [0, 2, 8, 8, 10, 31, 31, 27],
    );
    assert.equal(registerNumber('pc'), undefined);
    assert.equal(causeName(false, 15), 'store page fault');
    assert.equal(causeName(true, 9), 'supervisor external interrupt');
  });
});
