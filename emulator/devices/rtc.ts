/**
 * The goldfish real-time clock: nanoseconds of Unix time, with an alarm (QEMU hw/rtc/goldfish_rtc.c). Its time is the
 * epoch given at construction plus virtual time, never the host's clock, so that a run can be repeated.
 */
import type { Board, Device } from '../device';
import type { AccessSize, State } from '../types';
import { MemoryMap, Source, TICKS_PER_SECOND } from './memory-map';
import { SavedState } from '../history/saved-state';

const enum Register {
  TimeLow = 0x00,
  TimeHigh = 0x04,
  AlarmLow = 0x08,
  AlarmHigh = 0x0c,
  InterruptEnabled = 0x10,
  ClearAlarm = 0x14,
  AlarmStatus = 0x18,
  ClearInterrupt = 0x1c,
  End = 0x24,
}

const NANOSECONDS_PER_TICK = BigInt(1_000_000_000 / TICKS_PER_SECOND);

export class GoldfishRtc implements Device {
  readonly name = 'rtc';
  readonly base = MemoryMap.rtc.base;
  readonly size = MemoryMap.rtc.size;

  private readonly epoch: bigint;
  /** Nanoseconds that the guest's writes to the time have added, modulo 2^64. */
  private offset = 0n;
  /** High half of the time, latched by the last read of the low half. */
  private timeHigh = 0n;
  private alarm = 0n;
  private alarmDue = Infinity;
  private pending = false;
  private enabled = false;
  /** The guest has read the clock since power on, so its behaviour may depend on the date. */
  consulted = false;

  /** `epoch`: Unix time in seconds at tick 0. */
  constructor(
    private readonly board: Pick<Board, 'now' | 'setInterrupt'>,
    epoch = 0,
  ) {
    this.epoch = BigInt(Math.round(epoch * 1e9));
  }

  /** Registers are 4 bytes; an access of 8 is one to each of two, the lower first. */
  read(offset: number, size: AccessSize): bigint | undefined {
    if (!isAllowed(offset, size)) return undefined;
    this.consulted = true;
    const value = this.readRegister(offset);
    return size === 8 ? value | (this.readRegister(offset + 4) << 32n) : value;
  }

  write(offset: number, size: AccessSize, value: bigint): boolean {
    if (!isAllowed(offset, size)) return false;
    this.writeRegister(offset, low(value));
    if (size === 8) this.writeRegister(offset + 4, value >> 32n);
    return true;
  }

  reset(): void {
    this.consulted = false;
    this.offset = 0n;
    this.timeHigh = 0n;
    this.alarm = 0n;
    this.alarmDue = Infinity;
    this.pending = false;
    this.enabled = false;
  }

  save(): State {
    const { offset, timeHigh, alarm, alarmDue, pending, enabled } = this;
    return { offset, timeHigh, alarm, alarmDue, pending, enabled };
  }

  restore(state: State): void {
    const saved = new SavedState(this.name, state);
    this.offset = saved.bigint('offset');
    this.timeHigh = saved.bigint('timeHigh');
    this.alarm = saved.bigint('alarm');
    this.alarmDue = saved.tick('alarmDue');
    this.pending = saved.boolean('pending');
    this.enabled = saved.boolean('enabled');
  }

  nextEvent(): number {
    return this.alarmDue;
  }

  advance(now: number): void {
    if (now >= this.alarmDue) this.ring();
  }

  private readRegister(offset: number): bigint {
    switch (offset) {
      case Register.TimeLow: {
        const time = this.time();
        this.timeHigh = time >> 32n;
        return low(time);
      }
      case Register.TimeHigh:
        return this.timeHigh;
      case Register.AlarmLow:
        return low(this.alarm);
      case Register.AlarmHigh:
        return this.alarm >> 32n;
      case Register.InterruptEnabled:
        return this.enabled ? 1n : 0n;
      case Register.AlarmStatus:
        return this.alarmDue === Infinity ? 0n : 1n;
      default:
        return 0n;
    }
  }

  private writeRegister(offset: number, value: bigint): void {
    switch (offset) {
      case Register.TimeLow:
        this.setTime(withLow(this.time(), value));
        break;
      case Register.TimeHigh:
        this.setTime(withHigh(this.time(), value));
        break;
      case Register.AlarmLow:
        this.alarm = withLow(this.alarm, value);
        this.setAlarm();
        break;
      case Register.AlarmHigh:
        this.alarm = withHigh(this.alarm, value);
        break;
      case Register.InterruptEnabled:
        this.enabled = (value & 1n) === 1n;
        this.drive();
        break;
      case Register.ClearAlarm:
        this.alarmDue = Infinity;
        break;
      case Register.ClearInterrupt:
        this.pending = false;
        this.drive();
        break;
    }
  }

  private time(): bigint {
    return BigInt.asUintN(64, this.epoch + BigInt(this.board.now()) * NANOSECONDS_PER_TICK + this.offset);
  }

  private setTime(time: bigint): void {
    this.offset = BigInt.asUintN(64, this.offset + time - this.time());
  }

  /** An alarm in the past rings at once; one in the future at the first tick that is not before it. */
  private setAlarm(): void {
    const ahead = this.alarm - this.time();
    if (ahead <= 0n) this.ring();
    else this.alarmDue = this.board.now() + Number((ahead + NANOSECONDS_PER_TICK - 1n) / NANOSECONDS_PER_TICK);
  }

  private ring(): void {
    this.alarmDue = Infinity;
    this.pending = true;
    this.drive();
  }

  private drive(): void {
    this.board.setInterrupt(Source.rtc, this.pending && this.enabled);
  }
}

function isAllowed(offset: number, size: AccessSize): boolean {
  return (size === 4 || size === 8) && offset % size === 0 && offset + size <= Register.End;
}

function low(value: bigint): bigint {
  return value & 0xffff_ffffn;
}

function withLow(value: bigint, half: bigint): bigint {
  return ((value >> 32n) << 32n) | half;
}

function withHigh(value: bigint, half: bigint): bigint {
  return (half << 32n) | low(value);
}
