import { strict as assert } from 'node:assert';
import { Cause } from '../../../emulator/isa/causes';
import { PTE, type Walk } from '../../../emulator/isa/sv39';
import { verdictOn, type Victim } from './verdict';

const { V, R, W, X, U } = PTE;
const COW = 0x100;
const leaf = (flags: number): Walk => ({ va: 0n, root: 0n, steps: [], leaf: { level: 0, pte: BigInt(flags), pa: 0n } });
const HOLE: Walk = { va: 0n, root: 0n, steps: [], error: 'not-valid' };

const CHILD: Victim = { name: 'usertests', parentName: 'usertests', size: 0x4000n, outOfMemory: false };
const PROGRAM: Victim = { ...CHILD, parentName: 'sh' };
const [STORE, LOAD, FETCH] = [Cause.storePageFault, Cause.loadPageFault, Cause.instructionPageFault];

const verdict = (cause: number, tval: bigint, walk: Walk | undefined, victim = CHILD) =>
  verdictOn({ cause, tval }, victim, walk);

describe('the verdict on an exception for which a process was ended', () => {
  it('leaves the accesses open by which tests try the kernel out', () => {
    assert.equal(verdict(LOAD, 0x8000_0000n, HOLE), 'open', "the kernel's memory");
    assert.equal(verdict(LOAD, 0x4000n, HOLE), 'open', 'beyond the heap');
    assert.equal(verdict(LOAD, 0x1000n, leaf(V | R | W)), 'open', 'the guard page');
    assert.equal(verdict(STORE, 0n, leaf(V | R | X | U)), 'open', 'code');
    assert.equal(verdict(FETCH, 0x2000n, leaf(V | R | W | U)), 'open', 'data');
  });

  it('is against the kernel where it has promised the memory', () => {
    assert.equal(verdict(STORE, 0x2000n, leaf(V | R | U)), 'unresolved', 'data that only the sharing made read-only');
    assert.equal(verdict(STORE, 0x2000n, leaf(V | R | X | U | COW)), 'unresolved', 'the same where all pages have X');
    assert.equal(verdict(LOAD, 0x3000n, HOLE), 'unresolved', 'a page that was never allocated');
    assert.equal(verdict(FETCH, 0x1000n, { ...HOLE, error: 'outside-memory' }), 'unresolved');
  });

  it('leaves a missing page open if no memory was left, or if that is not known', () => {
    assert.equal(verdict(LOAD, 0x3000n, HOLE, { ...CHILD, outOfMemory: true }), 'open');
    assert.equal(verdict(LOAD, 0x3000n, HOLE, { ...CHILD, outOfMemory: undefined }), 'open');
    assert.equal(verdict(LOAD, 0x3000n, undefined), 'open');
  });

  it('leaves a copy open for which no memory was left, but not a page that no copy would have made writable', () => {
    assert.equal(verdict(STORE, 0x2000n, leaf(V | R | U | COW), { ...CHILD, outOfMemory: true }), 'open');
    assert.equal(verdict(STORE, 0x2000n, leaf(V | R | U | COW), { ...CHILD, outOfMemory: undefined }), 'unresolved');
    assert.equal(verdict(STORE, 0x2000n, leaf(V | R | U), { ...CHILD, outOfMemory: true }), 'unresolved');
  });

  it('is against whatever ends a program that was executed for itself', () => {
    assert.equal(verdict(LOAD, 0x8000_0000n, HOLE, PROGRAM), 'unresolved');
    assert.equal(verdict(STORE, 0n, leaf(V | R | X | U), PROGRAM), 'unresolved');
  });

  it('goes by whether the parent asks how it ended', () => {
    const asked = { ...PROGRAM, statusAsked: true };
    assert.equal(verdict(LOAD, 0x8000_0000n, HOLE, asked), 'open', 'a test executes a program that is to fail');
    assert.equal(verdict(LOAD, 0x3000n, HOLE, asked), 'unresolved', 'but not for memory that was promised');
    const unasked = { ...PROGRAM, statusAsked: false };
    assert.equal(verdict(LOAD, 0x8000_0000n, HOLE, unasked), 'unresolved', 'a shell has run it, and does not care');
    const freed = { ...CHILD, statusAsked: false, size: 0n };
    assert.equal(verdict(FETCH, 0x5c1cn, HOLE, freed), 'open', 'a child of a test that has given its memory back');
    assert.equal(verdict(FETCH, 0x1c1cn, HOLE, { ...freed, size: 0x2000n }), 'unresolved', 'and one that has not');
  });

  it('knows no excuse for access faults, and one for illegal instructions', () => {
    const asked = { ...CHILD, statusAsked: true };
    assert.equal(verdict(Cause.loadAccess, 0x2000n, leaf(V | R | W | U), asked), 'unresolved');
    assert.equal(verdict(Cause.illegalInstruction, 0n, undefined, asked), 'open');
    assert.equal(verdict(Cause.illegalInstruction, 0n, undefined), 'unresolved');
  });

  it('is none where the access would get through now', () => {
    for (const victim of [CHILD, PROGRAM])
      assert.equal(verdict(STORE, 0x2000n, leaf(V | R | W | U), victim), 'resolved');
  });
});
