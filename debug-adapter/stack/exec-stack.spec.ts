import assert from 'node:assert/strict';
import { execStack } from './exec-stack';

describe('the stack that exec has built', () => {
  /** A page of stack at 0x3000, and a page of heap that may follow. */
  function stack(args: readonly string[], rounds = 16n): { argv: bigint; memory: Uint8Array } {
    const memory = new Uint8Array(4096);
    const view = new DataView(memory.buffer);
    let sp = 0x4000n;
    const pointers = args.map((text) => {
      sp = (sp - BigInt(text.length + 1)) & ~(rounds - 1n);
      memory.set(new TextEncoder().encode(text), Number(sp - 0x3000n));
      return sp;
    });
    sp = (sp - BigInt(8 * (args.length + 1))) & ~15n;
    pointers.forEach((pointer, index) => view.setBigUint64(Number(sp - 0x3000n) + 8 * index, pointer, true));
    return { argv: sp, memory };
  }
  const reader =
    (memory: Uint8Array, base = 0x3000n) =>
    (address: bigint, length: number): Uint8Array | undefined => {
      const at = Number(address - base);
      return at >= 0 && at + length <= memory.length ? memory.subarray(at, at + length) : undefined;
    };

  it('has argv below the strings, wherever the program’s own frames are', () => {
    const { argv, memory } = stack(['grep', 'hello world', 'README']);
    const found = execStack(argv - 200n, reader(memory));
    assert.equal(found?.argv, argv);
    assert.deepEqual(
      found?.arguments.map(({ text }) => text),
      ['grep', 'hello world', 'README'],
    );
    assert.deepEqual(execStack(argv, reader(memory)), found);
  });

  it('is that of a program without a heap, with one, and with an empty argument', () => {
    const { argv, memory } = stack(['echo', '', 'x'], 8n);
    const withHeap = new Uint8Array(3 * 4096).fill(0x41);
    withHeap.set(memory);
    for (const one of [memory, withHeap]) {
      assert.deepEqual(
        execStack(argv - 64n, reader(one))?.arguments.map(({ text }) => text),
        ['echo', '', 'x'],
      );
    }
  });

  it('is not seen where there is none', () => {
    const { argv, memory } = stack(['ls']);
    // Pointers to what is no string, in the wrong order, or without a zero at the end.
    memory.fill(1, Number(argv - 0x3000n) + 16);
    assert.equal(execStack(argv, reader(memory)), undefined);
    assert.equal(execStack(0x3000n, reader(new Uint8Array(4096))), undefined);
    assert.equal(execStack(0x9000n, reader(memory)), undefined);
  });
});
