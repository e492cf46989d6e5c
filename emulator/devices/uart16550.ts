/**
 * The 16550A serial port as QEMU 7.2 models it (hw/char/serial.c; TI PC16550D data sheet): a written byte leaves at once,
 * so the transmitter is always empty. Input arrives over a wire that delivers one byte every `WIRE_INTERVAL` ticks and
 * waits while the receiver is full, so that a pasted page is neither lost nor delivered in one interrupt.
 */
import type { Board, Device } from '../device';
import type { AccessSize, State } from '../types';
import { MemoryMap, Source, TICKS_PER_SECOND } from './memory-map';
import { SavedState } from '../history/saved-state';

const REGISTERS = 8;
const FIFO_SIZE = 16;
/** Ticks between two bytes on the wire: 10,000 bytes a second. */
const WIRE_INTERVAL = 1000;
/** Bits per second at a divisor of 1, by QEMU's clock for this port. */
const BAUD_BASE = 399_193;

const enum Interrupt {
  None = 0x01,
  ModemStatus = 0x00,
  TransmitterEmpty = 0x02,
  ReceivedData = 0x04,
  LineStatus = 0x06,
  Timeout = 0x0c,
}

/** Bits of IER. */
const enum Enable {
  ReceivedData = 0x01,
  TransmitterEmpty = 0x02,
  LineStatus = 0x04,
  All = 0x0f,
}

/** Bits of FCR. */
const enum Fifo {
  Enable = 0x01,
  ClearReceiver = 0x02,
  ClearTransmitter = 0x04,
  Trigger = 0xc0,
  /** The bits that the register keeps. */
  Sticky = 0xc9,
}

/** Bits of LSR. */
const enum Line {
  DataReady = 0x01,
  Overrun = 0x02,
  Break = 0x10,
  Errors = 0x1e,
  TransmitterEmpty = 0x60,
}

const LCR_DIVISOR_LATCH = 0x80;
const MCR_LOOPBACK = 0x10;
const MCR_OUT2 = 0x08;
/** Carrier, data set ready, clear to send: nothing ever changes them. */
const MODEM_STATUS = 0xb0;
const IIR_FIFO_ENABLED = 0xc0;
const TRIGGER_LEVELS = [1, 4, 8, 14];

/** Registers a guest can write, and the byte the receiver holds while the FIFO is off. */
interface Registers {
  ier: number;
  fcr: number;
  lcr: number;
  lsr: number;
  mcr: number;
  scr: number;
  rbr: number;
  divisor: number;
  /** Ticks for one character at the programmed speed; the receiver's timeout is a multiple of it. */
  characterTicks: number;
  transmitterInterrupt: boolean;
  timeoutInterrupt: boolean;
  /** Tick of the receiver's next timeout. */
  timeoutDue: number;
  /** Tick from which the wire can deliver its next byte. */
  wireReady: number;
}

const AT_RESET: Registers = {
  ier: 0,
  fcr: 0,
  lcr: 0,
  lsr: Line.TransmitterEmpty,
  mcr: MCR_OUT2,
  scr: 0,
  rbr: 0,
  divisor: 12,
  characterTicks: Math.floor(TICKS_PER_SECOND / 9600) * 10,
  transmitterInterrupt: false,
  timeoutInterrupt: false,
  timeoutDue: Infinity,
  wireReady: 0,
};

export class Uart16550 implements Device {
  readonly name = 'uart';
  readonly base = MemoryMap.uart.base;
  readonly size = MemoryMap.uart.size;

  private registers: Registers = { ...AT_RESET };
  private fifo: number[] = [];
  /** Input that has not reached the receiver yet. */
  private wire: number[] = [];

  /** `output` receives each byte as the guest writes it. */
  constructor(
    private readonly board: Pick<Board, 'now' | 'setInterrupt'>,
    private readonly output: (bytes: Uint8Array) => void,
  ) {}

  /** Key strokes. The first comes in at once if the wire is free. */
  receive(bytes: Uint8Array): void {
    this.advance(this.board.now());
    for (const byte of bytes) this.wire.push(byte);
    this.listen();
  }

  read(offset: number, size: AccessSize): bigint | undefined {
    if (!isAllowed(offset, size)) return undefined;
    this.advance(this.board.now());
    return BigInt(this.readRegister(offset));
  }

  write(offset: number, size: AccessSize, value: bigint): boolean {
    if (!isAllowed(offset, size)) return false;
    this.advance(this.board.now());
    this.writeRegister(offset, Number(value & 0xffn));
    return true;
  }

  reset(): void {
    this.registers = { ...AT_RESET };
    this.fifo = [];
    this.wire = [];
    this.update();
  }

  save(): State {
    return { registers: { ...this.registers }, fifo: Uint8Array.from(this.fifo), wire: Uint8Array.from(this.wire) };
  }

  restore(state: State): void {
    const saved = new SavedState(this.name, state);
    const registers = saved.record('registers');
    this.registers = {
      ier: registers.number('ier'),
      fcr: registers.number('fcr'),
      lcr: registers.number('lcr'),
      lsr: registers.number('lsr'),
      mcr: registers.number('mcr'),
      scr: registers.number('scr'),
      rbr: registers.number('rbr'),
      divisor: registers.number('divisor'),
      characterTicks: registers.number('characterTicks'),
      transmitterInterrupt: registers.boolean('transmitterInterrupt'),
      timeoutInterrupt: registers.boolean('timeoutInterrupt'),
      timeoutDue: registers.tick('timeoutDue'),
      wireReady: registers.number('wireReady'),
    };
    this.fifo = [...saved.bytes('fifo')];
    this.wire = [...saved.bytes('wire')];
  }

  nextEvent(): number {
    const wire = this.wire.length > 0 && this.canReceive() ? this.registers.wireReady : Infinity;
    return Math.min(wire, this.registers.timeoutDue);
  }

  advance(now: number): void {
    const registers = this.registers;
    for (let due = this.nextEvent(); due <= now; due = this.nextEvent()) {
      if (due === registers.timeoutDue) {
        registers.timeoutDue = Infinity;
        registers.timeoutInterrupt = true;
        this.update();
      } else {
        this.take(this.wire.shift()!, due);
        registers.wireReady = due + WIRE_INTERVAL;
      }
    }
  }

  /** Called wherever the receiver may have become free: delivers a byte that was waiting for that. */
  private listen(): void {
    const now = this.board.now();
    this.registers.wireReady = Math.max(this.registers.wireReady, now);
    this.advance(now);
  }

  private get fifoEnabled(): boolean {
    return (this.registers.fcr & Fifo.Enable) !== 0;
  }

  /** Loopback disconnects the receiver from the wire. */
  private canReceive(): boolean {
    if (this.registers.mcr & MCR_LOOPBACK) return false;
    return this.fifoEnabled ? this.fifo.length < FIFO_SIZE : (this.registers.lsr & Line.DataReady) === 0;
  }

  private take(byte: number, now: number): void {
    const registers = this.registers;
    if (this.fifoEnabled) {
      if (this.fifo.length < FIFO_SIZE) this.fifo.push(byte);
      else registers.lsr |= Line.Overrun;
      registers.timeoutDue = now + 4 * registers.characterTicks;
    } else {
      if (registers.lsr & Line.DataReady) registers.lsr |= Line.Overrun;
      registers.rbr = byte;
    }
    registers.lsr |= Line.DataReady;
    this.update();
  }

  private readRegister(offset: number): number {
    const registers = this.registers;
    const divisorLatch = (registers.lcr & LCR_DIVISOR_LATCH) !== 0;
    switch (offset) {
      case 0:
        return divisorLatch ? registers.divisor & 0xff : this.readReceiver();
      case 1:
        return divisorLatch ? registers.divisor >> 8 : registers.ier;
      case 2: {
        const interrupt = this.interrupt();
        if (interrupt === Interrupt.TransmitterEmpty) {
          registers.transmitterInterrupt = false;
          this.update();
        }
        return interrupt | (this.fifoEnabled ? IIR_FIFO_ENABLED : 0);
      }
      case 3:
        return registers.lcr;
      case 4:
        return registers.mcr;
      case 5: {
        const status = registers.lsr;
        if (status & (Line.Break | Line.Overrun)) {
          registers.lsr &= ~(Line.Break | Line.Overrun);
          this.update();
        }
        return status;
      }
      case 6:
        return registers.mcr & MCR_LOOPBACK ? loopedModemStatus(registers.mcr) : MODEM_STATUS;
      default:
        return registers.scr;
    }
  }

  private readReceiver(): number {
    const registers = this.registers;
    let byte = registers.rbr;
    if (this.fifoEnabled) {
      byte = this.fifo.shift() ?? 0;
      registers.timeoutInterrupt = false;
      registers.timeoutDue = this.fifo.length > 0 ? this.board.now() + 4 * registers.characterTicks : Infinity;
    }
    if (!this.fifoEnabled || this.fifo.length === 0) registers.lsr &= ~(Line.DataReady | Line.Break);
    this.update();
    this.listen();
    return byte;
  }

  private writeRegister(offset: number, value: number): void {
    const registers = this.registers;
    const divisorLatch = (registers.lcr & LCR_DIVISOR_LATCH) !== 0;
    switch (offset) {
      case 0:
        if (divisorLatch) this.setDivisor((registers.divisor & 0xff00) | value);
        else this.transmit(value);
        break;
      case 1:
        if (divisorLatch) this.setDivisor((registers.divisor & 0x00ff) | (value << 8));
        else this.setInterruptEnable(value & Enable.All);
        break;
      case 2:
        this.setFifoControl(value);
        break;
      case 3:
        registers.lcr = value;
        this.setDivisor(registers.divisor);
        break;
      case 4:
        registers.mcr = value & 0x1f;
        this.listen();
        break;
      case 7:
        registers.scr = value;
        break;
    }
  }

  private transmit(byte: number): void {
    const registers = this.registers;
    registers.transmitterInterrupt = false;
    this.update();
    if (registers.mcr & MCR_LOOPBACK) this.take(byte, this.board.now());
    else this.output(Uint8Array.of(byte));
    registers.transmitterInterrupt = true;
    this.update();
  }

  /** Enabling the transmitter's interrupt raises it anew, even one masked before by reading IIR. */
  private setInterruptEnable(value: number): void {
    const registers = this.registers;
    const changed = registers.ier ^ value;
    registers.ier = value;
    if (changed & Enable.TransmitterEmpty) registers.transmitterInterrupt = (value & Enable.TransmitterEmpty) !== 0;
    if (changed) this.update();
  }

  private setFifoControl(value: number): void {
    const registers = this.registers;
    const toggled = ((value ^ registers.fcr) & Fifo.Enable) !== 0;
    if (toggled || value & Fifo.ClearReceiver) {
      this.fifo = [];
      registers.lsr &= ~(Line.DataReady | Line.Break);
      registers.timeoutInterrupt = false;
      registers.timeoutDue = Infinity;
    }
    if (toggled || value & Fifo.ClearTransmitter) registers.transmitterInterrupt = true;
    registers.fcr = value & Fifo.Sticky;
    this.update();
    this.listen();
  }

  private setDivisor(divisor: number): void {
    const registers = this.registers;
    registers.divisor = divisor;
    if (divisor === 0) return;
    const dataBits = (registers.lcr & 0x03) + 5;
    const frameBits = 1 + dataBits + (registers.lcr & 0x08 ? 1 : 0) + (registers.lcr & 0x04 ? 2 : 1);
    registers.characterTicks = Math.ceil((TICKS_PER_SECOND * frameBits * divisor) / BAUD_BASE);
  }

  /** The most urgent interrupt that is pending and enabled. */
  private interrupt(): Interrupt {
    const { ier, lsr, timeoutInterrupt, transmitterInterrupt } = this.registers;
    if (ier & Enable.LineStatus && lsr & Line.Errors) return Interrupt.LineStatus;
    if (ier & Enable.ReceivedData) {
      if (timeoutInterrupt) return Interrupt.Timeout;
      if (lsr & Line.DataReady && (!this.fifoEnabled || this.fifo.length >= this.trigger()))
        return Interrupt.ReceivedData;
    }
    return ier & Enable.TransmitterEmpty && transmitterInterrupt ? Interrupt.TransmitterEmpty : Interrupt.None;
  }

  private trigger(): number {
    return TRIGGER_LEVELS[(this.registers.fcr & Fifo.Trigger) >> 6]!;
  }

  /**
   * Drives the interrupt line exactly where QEMU does, since each drive counts at the PLIC: a kernel that polls LSR in its
   * handler would never leave it if reading LSR raised the interrupt again.
   */
  private update(): void {
    this.board.setInterrupt(Source.uart, this.interrupt() !== Interrupt.None);
  }
}

/** The registers are bytes; a wider access reaches the one register at its address. */
function isAllowed(offset: number, size: AccessSize): boolean {
  return offset < REGISTERS && offset % size === 0;
}

/** OUT2, OUT1, RTS and DTR come back as DCD, RI, CTS and DSR. */
function loopedModemStatus(mcr: number): number {
  return ((mcr & 0x0c) << 4) | ((mcr & 0x02) << 3) | ((mcr & 0x01) << 5);
}
