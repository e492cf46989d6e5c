import assert from 'node:assert/strict';
import fc from 'fast-check';
import { FakeBoard } from '../testing/fake-board';
import { Uart16550 } from './uart16550';

const THR = 0;
const RBR = 0;
const IER = 1;
const IIR = 2;
const FCR = 2;
const LCR = 3;
const MCR = 4;
const LSR = 5;
const WIRE_INTERVAL = 1000;

describe('Uart16550', () => {
  let board: FakeBoard;
  let uart: Uart16550;
  let output: string;

  const read = (register: number): number => Number(uart.read(register, 1));
  const write = (register: number, value: number): boolean => uart.write(register, 1, BigInt(value));
  const raised = (): boolean => board.interrupts.get(10) ?? false;
  const pass = (ticks: number): void => uart.advance((board.time += ticks));
  const type = (text: string): void => uart.receive(Buffer.from(text));

  /** As xv6 does it: interrupts off, 38,400 baud, eight bits, FIFO on and cleared, then both interrupts. */
  function initialize(interrupts = 3): void {
    write(IER, 0);
    write(LCR, 0x80);
    write(0, 3);
    write(1, 0);
    write(LCR, 3);
    write(FCR, 7);
    write(IER, interrupts);
  }

  beforeEach(() => {
    board = new FakeBoard();
    output = '';
    uart = new Uart16550(board, (bytes) => (output += Buffer.from(bytes).toString('latin1')));
    uart.reset();
  });

  it('sends what is written to THR, but not the divisor', () => {
    initialize();
    for (const character of 'xv6') write(THR, character.charCodeAt(0));
    assert.equal(output, 'xv6');
    assert.equal(read(LSR) & 0x60, 0x60);
  });

  it('raises the transmitter interrupt when enabled, drops it when IIR is read, and raises it after the next byte', () => {
    initialize(2);
    assert.equal(raised(), true);
    assert.equal(read(IIR), 0xc2);
    assert.equal(raised(), false);
    assert.equal(read(IIR), 0xc1);
    write(THR, 65);
    assert.equal(raised(), true);
    assert.equal(read(IIR), 0xc2);
  });

  it('drives its line at writes to THR, and not when LSR is read', () => {
    initialize();
    board.drives.length = 0;
    read(LSR);
    assert.deepEqual(board.drives, []);
    write(THR, 65);
    assert.deepEqual(board.drives, ['10:0', '10:1']);
  });

  it('brings a key stroke at once', () => {
    initialize(1);
    assert.equal(raised(), false);
    type('l');
    assert.equal(raised(), true);
    assert.equal(read(IIR), 0xc4);
    assert.equal(read(LSR) & 1, 1);
    assert.equal(read(RBR), 'l'.charCodeAt(0));
    assert.equal(raised(), false);
    assert.equal(read(LSR) & 1, 0);
    assert.equal(read(RBR), 0);
  });

  it('paces a paste, and stops while the FIFO is full', () => {
    initialize(0);
    type('a'.repeat(40));
    assert.equal(uart.nextEvent(), WIRE_INTERVAL);
    for (let byte = 1; byte < 16; byte++) pass(WIRE_INTERVAL);
    const timeout = uart.nextEvent();
    assert.ok(timeout > board.time && timeout < Infinity);
    pass(1_000_000);
    assert.equal(uart.nextEvent(), Infinity);
    assert.equal(read(LSR), 0x61);
    read(RBR);
    assert.ok(uart.nextEvent() > board.time + WIRE_INTERVAL, 'the byte that waited has filled the FIFO again');
    read(RBR);
    assert.equal(uart.nextEvent(), board.time + WIRE_INTERVAL);
  });

  it('loses and reorders nothing, however the guest reads', () => {
    const action = fc.oneof(
      fc.string({ maxLength: 50 }).map((text) => ({ text })),
      fc.nat(30).map((reads) => ({ reads })),
      fc.nat(5000).map((ticks) => ({ ticks })),
    );
    fc.assert(
      fc.property(fc.boolean(), fc.array(action, { maxLength: 60 }), (fifo, actions) => {
        board = new FakeBoard();
        uart = new Uart16550(board, () => assert.fail('nothing is sent'));
        uart.reset();
        write(FCR, fifo ? 1 : 0);
        const sent: number[] = [];
        const got: number[] = [];
        const drain = (limit: number): void => {
          for (let count = 0; count < limit && read(LSR) & 1; count++) got.push(read(RBR));
        };
        for (const each of actions) {
          if ('text' in each) {
            const bytes = Buffer.from(each.text);
            sent.push(...bytes);
            uart.receive(bytes);
          } else if ('reads' in each) {
            drain(each.reads);
          } else {
            pass(each.ticks);
          }
        }
        while (got.length < sent.length) {
          drain(100);
          if (got.length < sent.length) pass(uart.nextEvent() - board.time);
        }
        assert.deepEqual(got, sent);
      }),
      { numRuns: 100 },
    );
  });

  it('comes to the same state however late it is called', () => {
    const states = [1, 7, 100_000].map((step) => {
      board = new FakeBoard();
      uart = new Uart16550(board, () => undefined);
      uart.reset();
      initialize(1);
      type('make qemu\n'.repeat(3));
      while (board.time < 100_000) pass(Math.min(step, 100_000 - board.time));
      return uart.save();
    });
    assert.deepEqual(states[0], states[1]);
    assert.deepEqual(states[0], states[2]);
  });

  it('reports the timeout when fewer bytes lie in the FIFO than its trigger', () => {
    initialize(0);
    write(FCR, 0xc1);
    write(IER, 1);
    type('x');
    assert.equal(raised(), false);
    assert.equal(read(IIR), 0xc1);
    pass(uart.nextEvent() - board.time);
    assert.equal(raised(), true);
    assert.equal(read(IIR), 0xcc);
    read(RBR);
    assert.equal(raised(), false);
  });

  it('raises at the trigger level', () => {
    initialize(0);
    write(FCR, 0x41);
    write(IER, 1);
    type('abcd');
    for (let byte = 1; byte < 4; byte++) {
      assert.equal(raised(), false);
      pass(WIRE_INTERVAL);
    }
    assert.equal(raised(), true);
    assert.equal(read(IIR), 0xc4);
  });

  it('hears itself in loopback, and overruns', () => {
    initialize(4);
    write(MCR, 0x10);
    type('z');
    for (let byte = 0; byte < 17; byte++) write(THR, 65 + byte);
    assert.equal(output, '');
    assert.equal(read(IIR), 0xc6);
    assert.equal(read(LSR), 0x63);
    assert.equal(read(LSR), 0x61);
    for (let byte = 0; byte < 16; byte++) assert.equal(read(RBR), 65 + byte);
    assert.equal(read(LSR), 0x60);
    write(MCR, 0);
    assert.equal(read(RBR), 'z'.charCodeAt(0));
  });

  it('forgets the FIFO when it is cleared, not what is still on the wire', () => {
    initialize(1);
    type('abc');
    write(FCR, 3);
    assert.equal(read(LSR) & 1, 0);
    pass(WIRE_INTERVAL);
    assert.equal(read(RBR), 'b'.charCodeAt(0));
  });

  it('has eight registers, at whatever width', () => {
    assert.equal(uart.read(5, 1), 0x60n);
    assert.equal(uart.read(4, 4), 8n);
    assert.equal(uart.read(8, 1), undefined);
    assert.equal(uart.write(0x10, 4, 0n), false);
  });
});
