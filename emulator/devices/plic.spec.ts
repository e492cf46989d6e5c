import assert from 'node:assert/strict';
import { Plic } from './plic';
import { FakeBoard } from '../testing/fake-board';

const enable = (context: number): number => 0x2000 + 0x80 * context;
const threshold = (context: number): number => 0x200000 + 0x1000 * context;
const claim = (context: number): number => threshold(context) + 4;
/** Context of hart 1 in S-mode. */
const HART1_S = 3;

describe('Plic', () => {
  let board: FakeBoard;
  let plic: Plic;

  beforeEach(() => {
    board = new FakeBoard(2);
    plic = new Plic(board);
    plic.reset();
    plic.write(4 * 10, 4, 1n);
    plic.write(4 * 1, 4, 1n);
    plic.write(enable(HART1_S), 4, (1n << 10n) | (1n << 1n));
  });

  it('drives the line of the context that has the source enabled', () => {
    plic.setSource(10, true);
    assert.deepEqual(
      [board.line(0, 'meip'), board.line(0, 'seip'), board.line(1, 'meip'), board.line(1, 'seip')],
      [false, false, false, true],
    );
    assert.equal(plic.read(0x1000, 4), 1n << 10n);
  });

  it('is claimed once, until completed and driven again', () => {
    plic.setSource(10, true);
    assert.equal(plic.read(claim(HART1_S), 4), 10n);
    assert.equal(board.line(1, 'seip'), false);
    assert.equal(plic.read(claim(HART1_S), 4), 0n);
    plic.setSource(10, true);
    assert.equal(plic.read(claim(HART1_S), 4), 0n);
    plic.write(claim(HART1_S), 4, 10n);
    assert.equal(board.line(1, 'seip'), true);
    assert.equal(plic.read(claim(HART1_S), 4), 10n);
  });

  it('does not look at a line that stays high when the claim is completed', () => {
    plic.setSource(10, true);
    plic.read(claim(HART1_S), 4);
    plic.write(claim(HART1_S), 4, 10n);
    assert.equal(board.line(1, 'seip'), false);
  });

  it('keeps a source pending when its line falls', () => {
    plic.setSource(10, true);
    plic.setSource(10, false);
    assert.equal(plic.read(claim(HART1_S), 4), 10n);
  });

  it('prefers the higher priority, then the lower number', () => {
    plic.setSource(10, true);
    plic.setSource(1, true);
    assert.equal(plic.read(claim(HART1_S), 4), 1n);
    plic.write(claim(HART1_S), 4, 1n);
    plic.setSource(1, true);
    plic.write(4 * 10, 4, 5n);
    assert.equal(plic.read(claim(HART1_S), 4), 10n);
  });

  it('holds back what does not exceed the threshold, and priority 0 always', () => {
    plic.write(threshold(HART1_S), 4, 1n);
    plic.setSource(10, true);
    assert.equal(board.line(1, 'seip'), false);
    assert.equal(plic.read(claim(HART1_S), 4), 0n);
    plic.write(threshold(HART1_S), 4, 0n);
    assert.equal(board.line(1, 'seip'), true);
    plic.write(4 * 10, 4, 0n);
    assert.equal(board.line(1, 'seip'), false);
  });

  it('gives one claim to the first of two harts that ask', () => {
    plic.write(enable(1), 4, 1n << 10n);
    plic.setSource(10, true);
    assert.deepEqual([board.line(0, 'seip'), board.line(1, 'seip')], [true, true]);
    assert.equal(plic.read(claim(1), 4), 10n);
    assert.deepEqual([board.line(0, 'seip'), board.line(1, 'seip')], [false, false]);
    assert.equal(plic.read(claim(HART1_S), 4), 0n);
  });

  it('reaches the highest source', () => {
    plic.write(4 * 95, 4, 7n);
    plic.write(enable(0) + 8, 4, 1n << 31n);
    plic.setSource(95, true);
    assert.equal(board.line(0, 'meip'), true);
    assert.equal(plic.read(claim(0), 4), 95n);
    assert.throws(() => plic.setSource(96, true), /PLIC source 96: the board has 1 to 95/);
    assert.throws(() => plic.setSource(0, true), /PLIC source 0/);
  });

  it('has registers of four bytes', () => {
    assert.equal(plic.read(0, 8), undefined);
    assert.equal(plic.read(2, 2), undefined);
    assert.equal(plic.write(0, 1, 0n), false);
    assert.equal(plic.read(enable(4), 4), 0n);
  });
});
