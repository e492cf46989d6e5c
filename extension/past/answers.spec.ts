import assert from 'node:assert/strict';
import { answerLines } from './answers';

const row = { number: 1, instant: '0:5:3', ago: '4.31 ms ago', what: 'kalloc() = 0x87f56000', parts: [] };

describe('the lines of an answer', () => {
  it('say what happened, when, by whom and where', () => {
    const rows = [{ ...row, hart: 0, process: 'pid 3 sh', place: 'uvmalloc at uvm.c:17' }];
    assert.deepEqual(answerLines({ title: '', rows }, false), [
      {
        label: 'kalloc() = 0x87f56000',
        description: '4.31 ms ago, pid 3 sh, hart 0',
        detail: 'uvmalloc at uvm.c:17',
        row: rows[0],
      },
    ]);
    assert.deepEqual(answerLines({ title: '', rows: [row] }, false), [
      { label: 'kalloc() = 0x87f56000', description: '4.31 ms ago', row },
    ]);
  });

  it('begin with the latest, but a tale with its beginning', () => {
    const rows = [row, { ...row, number: 2 }];
    const numbers = (isTale: boolean): number[] =>
      answerLines({ title: '', rows }, isTale).map((line) => line.row.number);
    assert.deepEqual(numbers(false), [2, 1]);
    assert.deepEqual(numbers(true), [1, 2]);
  });
});
