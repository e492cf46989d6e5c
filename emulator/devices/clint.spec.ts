import assert from 'node:assert/strict';
import { Clint } from './clint';
import { FakeBoard } from '../testing/fake-board';

const MTIMECMP = 0x4000;
const MTIME = 0xbff8;

describe('Clint', () => {
  let board: FakeBoard;
  let clint: Clint;
  let timeWritten: number;

  beforeEach(() => {
    board = new FakeBoard(2);
    timeWritten = 0;
    clint = new Clint(board, () => timeWritten++);
    clint.reset();
  });

  it('starts with the timer interrupt pending, as mtimecmp is 0', () => {
    assert.equal(board.line(0, 'mtip'), true);
    assert.equal(board.line(1, 'mtip'), true);
    assert.equal(clint.nextEvent(), Infinity);
  });

  it('drives the software interrupt of one hart by bit 0 of its msip', () => {
    clint.write(4, 4, 0xffff_ffffn);
    assert.deepEqual([board.line(0, 'msip'), board.line(1, 'msip')], [false, true]);
    assert.equal(clint.read(4, 4), 1n);
    clint.write(4, 4, 0xffff_fffen);
    assert.equal(board.line(1, 'msip'), false);
  });

  it('raises the timer interrupt at the tick mtimecmp names, and not before', () => {
    board.time = 50;
    clint.write(MTIMECMP, 8, 1000n);
    clint.write(MTIMECMP + 8, 8, 700n);
    assert.equal(board.line(0, 'mtip'), false);
    assert.equal(clint.nextEvent(), 700);
    clint.advance((board.time = 699));
    assert.equal(board.line(1, 'mtip'), false);
    clint.advance((board.time = 700));
    assert.deepEqual([board.line(0, 'mtip'), board.line(1, 'mtip')], [false, true]);
    assert.equal(clint.nextEvent(), 1000);
    clint.advance((board.time = 2000));
    assert.equal(board.line(0, 'mtip'), true);
  });

  it('takes mtimecmp in halves', () => {
    clint.write(MTIMECMP, 4, 0xffff_ffffn);
    clint.write(MTIMECMP + 4, 4, 1n);
    assert.equal(clint.read(MTIMECMP, 8), 0x1_ffff_ffffn);
    assert.equal(clint.read(MTIMECMP, 4), 0xffff_ffffn);
    assert.equal(clint.read(MTIMECMP + 4, 4), 1n);
    assert.equal(clint.nextEvent(), 0x1_ffff_ffff);
  });

  it('never fires for the largest mtimecmp', () => {
    clint.write(MTIMECMP, 8, (1n << 64n) - 1n);
    clint.write(MTIMECMP + 8, 8, (1n << 64n) - 1n);
    assert.equal(clint.nextEvent(), Infinity);
    assert.equal(board.line(0, 'mtip'), false);
  });

  it('counts mtime on from what is written to it', () => {
    board.time = 100;
    clint.write(MTIMECMP, 8, 5000n);
    clint.write(MTIMECMP + 8, 8, 1_000_000n);
    clint.write(MTIME, 8, 4000n);
    assert.equal(timeWritten, 1);
    assert.equal(clint.timeOffset, 3900n);
    assert.equal(clint.nextEvent(), 1100);
    board.time = 160;
    assert.equal(clint.read(MTIME, 8), 4060n);
    clint.write(MTIME + 4, 4, 2n);
    assert.equal(clint.mtime, (2n << 32n) + 4060n);
    assert.equal(board.line(0, 'mtip'), true);
    clint.write(MTIME, 8, 10n);
    assert.equal(board.line(0, 'mtip'), false);
    assert.equal(clint.nextEvent(), 160 + 4990);
  });

  it('faults on widths it does not have', () => {
    assert.equal(clint.read(0, 8), undefined);
    assert.equal(clint.read(MTIME, 2), undefined);
    assert.equal(clint.read(MTIMECMP + 4, 8), undefined);
    assert.equal(clint.read(0xc000, 4), undefined);
    assert.equal(clint.write(MTIME, 1, 0n), false);
  });

  it('ignores harts that the board does not have', () => {
    assert.ok(clint.write(8, 4, 1n));
    assert.ok(clint.write(MTIMECMP + 16, 8, 1n));
    assert.equal(clint.read(MTIMECMP + 16, 8), 0n);
    assert.equal(board.lines.has('2.msip'), false);
  });
});
