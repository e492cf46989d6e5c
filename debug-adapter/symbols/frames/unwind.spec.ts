import assert from 'node:assert/strict';
import type { FrameRegisters } from '../api';
import { frameAt, lineOf, memoryOf, openFixture } from '../../testing/symbols/fixtures';
import { lookupAddress } from './unwind';

const SP = 0x80001000n;

describe('Unwinding', () => {
  const binary = openFixture('dwarf4');
  const leaf = binary.symbol('leaf')!.address;
  const through = binary.symbol('through')!.address;
  const called = binary.functionsNamed('middle')[0]!;
  /** Return addresses in `middle`: after its calls. The unwinder accepts no others. */
  const returns: bigint[] = [];
  for (let address = called.low; address < called.high; address += 2n)
    if (binary.unwind(frameAt(leaf, { 1: address, 2: SP }), memoryOf({})) !== undefined) returns.push(address);
  const [back] = returns as [bigint];

  it('believes in return addresses behind calls only', () => {
    assert.equal(returns.length, 2, 'middle calls twice');
    const lines = returns.map((address) => binary.lineAt(address - 1n)?.line);
    assert.deepEqual(lines, [lineOf('main.c', 'long term = deepest'), lineOf('main.c', '// middle line')]);
    for (const ra of [0n, 0x1000n, leaf, 0xffffffffffffffffn])
      assert.equal(binary.unwind(frameAt(leaf, { 1: ra, 2: SP }), memoryOf({})), undefined, ra.toString(16));
  });

  it('follows ra out of a function without a frame', () => {
    for (const pc of [leaf, leaf + 4n]) {
      const caller = binary.unwind(frameAt(pc, { 1: back, 2: SP, 8: 0x1234n, 10: 5n, 19: 7n }), memoryOf({}))!;
      assert.equal(caller.pc, back);
      assert.equal(caller.returnAddress, true);
      assert.equal(lookupAddress(caller), back - 1n);
      assert.equal(caller.x[2], SP);
      assert.equal(caller.x[8], 0x1234n);
      assert.equal(caller.x[19], 7n, 's3 is kept');
      assert.equal(caller.x[10], undefined, 'a0 is not');
    }
  });

  it('follows what assembly does to its frame', () => {
    const saved = { [`${SP - 8n}`]: back, [`${SP - 16n}`]: 0x99n };
    const inside = through + 12n;
    const frame = frameAt(inside, { 1: 0n, 2: SP - 32n, 9: 1n });
    const caller = binary.unwind(frame, memoryOf(saved))!;
    assert.equal(caller.pc, back);
    assert.equal(caller.x[2], SP);
    assert.equal(caller.x[9], 0x99n, 's1 from the stack');
    assert.equal(caller.savedAt?.[9], SP - 16n);
    const atEntry = binary.unwind(frameAt(through, { 1: back, 2: SP }), memoryOf({}))!;
    assert.deepEqual([atEntry.pc, atEntry.x[2]], [back, SP]);
    assert.equal(binary.unwind(frame, memoryOf({})), undefined, 'with its stack unmapped');
  });

  it('ends at a trap vector, and at the start', () => {
    const vector = binary.symbol('vector')!.address;
    assert.equal(binary.unwind(frameAt(vector, { 1: back, 2: SP }), memoryOf({})), undefined);
    const entry = binary.symbol('_entry')!.address;
    const main = { ...frameAt(entry + 14n, { 2: SP }), returnAddress: true };
    assert.equal(binary.unwind(main, memoryOf({})), undefined);
  });

  it('tells who jumped to nowhere', () => {
    for (const pc of [0n, 0x3fffffff000n]) {
      assert.equal(binary.unwind(frameAt(pc, { 1: back, 2: SP }), memoryOf({}))?.pc, back);
      const caller: FrameRegisters = { ...frameAt(pc, { 1: back, 2: SP }), returnAddress: true };
      assert.equal(binary.unwind(caller, memoryOf({})), undefined);
    }
  });

  it('goes by call frame information, by the instruction', () => {
    const middle = binary.functionsNamed('middle')[0]!;
    const [outer] = callSitesOf('fill');
    // After the prologue s0 is the frame address; at the entry sp is.
    const saved = { [`${SP - 8n}`]: outer!, [`${SP - 16n}`]: 0x80001100n };
    const inside = frameAt(middle.bodyStart, { 2: SP - 96n, 8: SP });
    const caller = binary.unwind(inside, memoryOf(saved))!;
    assert.equal(caller.pc, outer);
    assert.equal(caller.x[2], SP);
    assert.equal(caller.x[8], 0x80001100n);
    assert.equal(caller.cfa, 0x80001100n, 'the frame address of the caller, by its own s0');
    const atEntry = binary.unwind(frameAt(middle.low, { 1: outer!, 2: SP, 8: 1n }), memoryOf({}))!;
    assert.deepEqual([atEntry.pc, atEntry.x[2], atEntry.x[8]], [outer, SP, 1n]);
  });

  it('places locals relative to the frame', () => {
    const middle = binary.functionsNamed('middle')[0]!;
    const frame = frameAt(middle.bodyStart, { 2: SP - 96n, 8: SP });
    for (const variable of middle.parameters) {
      const location = binary.locate(variable, frame, memoryOf({}));
      assert.ok(location.kind === 'memory' && location.address < SP && location.address >= SP - 96n, variable.name);
    }
  });

  it('never goes in circles', () => {
    const frame = frameAt(leaf, { 1: back, 2: SP, 8: SP });
    let at: FrameRegisters | undefined = frame;
    let depth = 0;
    // A stack whose frames point to themselves.
    const read = memoryOf({ [`${SP - 8n}`]: back, [`${SP - 16n}`]: SP });
    for (; at !== undefined && depth < 100; depth++) at = binary.unwind(at, read);
    assert.ok(depth < 5, `${depth} frames`);
  });

  function callSitesOf(name: string): bigint[] {
    const around = binary.functionsNamed(name)[0]!;
    const found: bigint[] = [];
    for (let address = around.low; address < around.high; address += 2n)
      if (binary.unwind(frameAt(leaf, { 1: address, 2: SP }), memoryOf({})) !== undefined) found.push(address);
    return found;
  }
});
