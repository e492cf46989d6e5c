/** Breakpoints at rows of no length, which optimized code has where it keeps nothing of a line but a mark. */
import assert from 'node:assert/strict';
import { Lines, type Blocks } from './lines';

const FILES = ['/k/proc.c', '/k/riscv.h'];
const [PROC, RISCV] = [0, 1];

/** Rows as "address file line". */
function linesOf(...rows: (readonly [address: number, file: number, line: number])[]): Lines {
  const row = ([address, file, line]: (typeof rows)[number]) => ({
    ...{ address: BigInt(address), file, line, column: 0, isStatement: true },
  });
  return new Lines([{ low: 0x100n, high: 0x200n, rows: rows.map(row), files: FILES }]);
}

/** One function, in which calls made at these lines of proc.c are inlined at an address. */
const around = (calls: Record<number, number> = {}): Blocks => {
  const inlinedCallsAt = (address: bigint) => {
    const callLine = calls[Number(address)];
    return callLine === undefined ? [] : [{ callFile: FILES[PROC], callLine }];
  };
  return {
    functionAt: () => ({ low: 0x100n, high: 0x200n, bodyStart: 0x100n }),
    blockAt: (address) => ({ address }),
    isInlined: (address) => inlinedCallsAt(address).length > 0,
    inlinedCallsAt,
  };
};

const at = (lines: Lines, file: number, line: number, blocks = around()): [number, number][] =>
  lines.breakLocations(FILES[file]!, line, undefined, blocks).map((found) => [Number(found.address), found.line]);
const gutter = (lines: Lines, file: number, blocks = around()): number[] =>
  lines.locationsBetween(FILES[file]!, 1, 1000, blocks).map(({ line }) => line);

describe('lines', () => {
  it('has no place where only a mark is left, and the file around it goes on', () => {
    const lines = linesOf(
      [0x100, PROC, 10],
      [0x110, RISCV, 7],
      [0x110, PROC, 11],
      [0x120, RISCV, 7],
      [0x130, PROC, 12],
    );
    assert.deepEqual(at(lines, RISCV, 7), [[0x120, 7]]);
    assert.deepEqual(gutter(lines, RISCV), [7]);
  });

  it('goes on to the next line where there is nothing but marks', () => {
    const lines = linesOf(
      [0x100, PROC, 10],
      [0x110, RISCV, 7],
      [0x110, PROC, 11],
      [0x120, RISCV, 9],
      [0x130, PROC, 12],
    );
    assert.deepEqual(at(lines, RISCV, 7), [[0x120, 9]]);
    assert.deepEqual(gutter(lines, RISCV), [9]);
    const marks = linesOf([0x100, RISCV, 7], [0x100, PROC, 11]);
    assert.deepEqual(at(marks, RISCV, 7), []);
    assert.deepEqual(gutter(marks, RISCV), []);
  });

  it('has a place at the line of a call that is inlined there, as the call has not been made yet', () => {
    const lines = linesOf([0x100, PROC, 10], [0x110, PROC, 11], [0x110, RISCV, 7], [0x120, PROC, 12]);
    assert.deepEqual(at(lines, PROC, 11, around({ 0x110: 11 })), [[0x110, 11]]);
    assert.deepEqual(gutter(lines, PROC, around({ 0x110: 11 })), [10, 11, 12]);
    assert.deepEqual(at(lines, PROC, 11), [[0x120, 12]], 'without a call there it is a mark as well');
    assert.deepEqual(at(lines, RISCV, 7, around({ 0x110: 11 })), [[0x110, 7]]);
  });

  it('has no place at the mark of a function that is inlined before another one of its file', () => {
    const lines = linesOf(
      [0x100, PROC, 10],
      [0x110, RISCV, 287],
      [0x110, PROC, 11],
      [0x110, RISCV, 54],
      [0x120, PROC, 12],
    );
    assert.deepEqual(at(lines, RISCV, 287, around({ 0x110: 11 })), []);
    assert.deepEqual(at(lines, RISCV, 50, around({ 0x110: 11 })), [[0x110, 54]]);
  });

  it('has a place at a mark that the same file follows, as gdb has', () => {
    const lines = linesOf([0x100, PROC, 10], [0x110, PROC, 11], [0x110, PROC, 12]);
    assert.deepEqual(at(lines, PROC, 11), [[0x110, 11]]);
  });
});
