import assert from 'node:assert/strict';
import { GoldfishRtc } from './rtc';
import { FakeBoard } from '../testing/fake-board';

const EPOCH = 1_700_000_000;

describe('GoldfishRtc', () => {
  let board: FakeBoard;
  let rtc: GoldfishRtc;

  beforeEach(() => {
    board = new FakeBoard();
    rtc = new GoldfishRtc(board, EPOCH);
  });

  function time(): bigint {
    const low = rtc.read(0x00, 4)!;
    return (rtc.read(0x04, 4)! << 32n) | low;
  }

  function setAlarm(at: bigint): void {
    rtc.write(0x0c, 4, at >> 32n);
    rtc.write(0x08, 4, at & 0xffff_ffffn);
  }

  it('shows the epoch plus virtual time in nanoseconds', () => {
    assert.equal(time(), BigInt(EPOCH) * 1_000_000_000n);
    board.time = 10_000_000;
    assert.equal(time(), BigInt(EPOCH + 1) * 1_000_000_000n);
  });

  it('holds the high half from the last read of the low one', () => {
    rtc.read(0x00, 4);
    const high = rtc.read(0x04, 4);
    board.time = 10_000_000_000;
    assert.equal(rtc.read(0x04, 4), high);
    rtc.read(0x00, 4);
    assert.notEqual(rtc.read(0x04, 4), high);
  });

  it('can be set', () => {
    rtc.write(0x04, 4, 1n);
    rtc.write(0x00, 4, 500n);
    board.time = 3;
    assert.equal(time(), (1n << 32n) + 800n);
  });

  it('rings at the first tick that is not before the alarm', () => {
    rtc.write(0x10, 4, 1n);
    setAlarm(time() + 1001n);
    assert.equal(rtc.read(0x18, 4), 1n);
    assert.equal(rtc.nextEvent(), 11);
    rtc.advance((board.time = 10));
    assert.notEqual(board.interrupts.get(11), true);
    rtc.advance((board.time = 11));
    assert.equal(board.interrupts.get(11), true);
    assert.equal(rtc.read(0x18, 4), 0n);
    rtc.write(0x1c, 4, 1n);
    assert.equal(board.interrupts.get(11), false);
    assert.equal(rtc.nextEvent(), Infinity);
  });

  it('rings at once for an alarm in the past, but silently while not enabled', () => {
    setAlarm(1n);
    assert.equal(board.interrupts.get(11), false);
    rtc.write(0x10, 4, 1n);
    assert.equal(board.interrupts.get(11), true);
  });

  it('does not ring when the alarm is cleared', () => {
    setAlarm(time() + 1000n);
    rtc.write(0x14, 4, 0n);
    assert.equal(rtc.nextEvent(), Infinity);
  });
});
