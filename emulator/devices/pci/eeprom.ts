/**
 * The card's EEPROM (Intel's manual of the 82540EM, sections 5.2 and 13.4.3 f.): 64 words, which a driver reads by the register EERD, or
 * by EECD, whose bits are the pins of a Microwire device: it selects the chip, clocks in a start bit, the opcode and the
 * address, and clocks out the word. Nothing can be written. As QEMU 7.2 has it (hw/net/e1000.c).
 */
import type { SavedState } from '../../history/saved-state';
import type { State } from '../../types';

/** The station address, and a checksum as the last. */
const WORDS = [
  ...[0x5452, 0x1200, 0x5634, 0x0000, 0xffff, 0x0000, 0x0000, 0x0000, 0x3000, 0x1000, 0x6403, 0x100e, 0x8086, 0x100e],
  ...[0x8086, 0x3040, 0x0008, 0x2000, 0x7e14, 0x0048, 0x1000, 0x00d8, 0x0000, 0x2700, 0x6cc9, 0x3150, 0x0722, 0x040b],
  ...[0x0984, 0x0000, 0xc000, 0x0706, 0x1008, 0x0000, 0x0f04, 0x7fff, 0x4d01, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff],
  ...[0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0x0100, 0x4000, 0x121c, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff],
  ...[0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0x79ad],
];

const EERD_START = 1 << 0;
const EERD_DONE = 1 << 4;

/** What EERD reads as, once `asked` was written to it: at once the word of that address. */
export function eerd(asked: number): number {
  if ((asked & EERD_START) === 0) return asked;
  const request = (asked & ~EERD_START) >>> 0;
  const word = WORDS[request >>> 8];
  return (request | EERD_DONE | ((word ?? 0) * 0x10000)) >>> 0;
}

/** Bits of EECD: clock, chip select, data to the chip and from it; then who may use the chip, and that there is one. */
const CLOCK = 1 << 0;
const SELECT = 1 << 1;
const DATA_IN = 1 << 2;
const DATA_OUT = 1 << 3;
const GRANTED = 1 << 7;
const PRESENT = 1 << 8;
/** Read back as written: the pins, flash-write enable, and the request. */
const KEPT = CLOCK | SELECT | DATA_IN | (3 << 4) | (1 << 6);

/** A start bit, two of the opcode, six of the address. */
const COMMAND_BITS = 9;
const READ = 0b110;
const HALF = 0xffff;

export class Microwire {
  private pins = 0;
  private command = 0;
  private commandBits = 0;
  /** The bit that is on the pin, counted from the first word's highest. */
  private bit = 0;
  private isReading = false;

  reset(): void {
    this.pins = this.command = this.commandBits = this.bit = 0;
    this.isReading = false;
  }

  /** EECD, as it reads. */
  get eecd(): number {
    const word = WORDS[(this.bit >> 4) & 63]!;
    const isHigh = !this.isReading || ((word >> (~this.bit & 15)) & 1) !== 0;
    return PRESENT | GRANTED | this.pins | (isHigh ? DATA_OUT : 0);
  }

  set eecd(value: number) {
    const changed = value ^ this.pins;
    this.pins = value & KEPT;
    if ((value & SELECT) === 0) return;
    if ((changed & SELECT) !== 0) {
      this.command = this.commandBits = this.bit = 0;
      this.isReading = false;
    }
    if ((changed & CLOCK) === 0) return;
    if ((value & CLOCK) === 0) {
      this.bit = (this.bit + 1) & HALF;
      return;
    }
    this.command = ((this.command << 1) | ((value & DATA_IN) === 0 ? 0 : 1)) & HALF;
    this.commandBits = (this.commandBits + 1) & HALF;
    if (this.commandBits !== COMMAND_BITS || this.isReading) return;
    this.bit = (((this.command & 63) << 4) - 1) & HALF;
    this.isReading = ((this.command >> 6) & 7) === READ;
  }

  save(): State {
    const { pins, command, commandBits, bit, isReading } = this;
    return { pins, command, commandBits, bit, isReading };
  }

  restore(saved: SavedState): void {
    this.pins = saved.count('pins') & KEPT;
    this.command = saved.index('command', HALF + 1);
    this.commandBits = saved.index('commandBits', HALF + 1);
    this.bit = saved.index('bit', HALF + 1);
    this.isReading = saved.boolean('isReading');
  }
}
