/**
 * Intel's 82540EM, a gigabit Ethernet controller, as QEMU 7.2 has it (hw/net/e1000.c): registers, interrupts with their
 * mitigation, and a ring of descriptors each way (transmit-ring.ts, receive-ring.ts). VLAN and wake-up are not there.
 *
 * What the guest sends leaves at once. What comes in waits in a queue until the guest has descriptors for it, and is written to
 * memory as an event of its own, as a disk's blocks are.
 */
import { SavedState } from '../../history/saved-state';
import type { AccessSize, State } from '../../types';
import { Command, ConfigSpace } from './config-space';
import type { PciFunction, PciSlot } from './pcie-host';
import { eerd, Microwire } from './eeprom';
import {
  AT_POWER_ON,
  Interrupt,
  phy,
  Register,
  REGISTERS_SIZE,
  restartsNegotiation,
  WRITABLE,
} from './e1000-registers';
import { ReceiveRing } from './receive-ring';
import { DESCRIPTOR_WORK, type RingHost } from './ring-host';
import { TransmitRing } from './transmit-ring';

/** Frames that wait for descriptors; more are lost, as on a wire. */
const MOST_WAITING = 256;
/**
 * What a ring does in one go, see DESCRIPTOR_WORK; then the host has its turn, for so many ticks (0.1
 * milliseconds).
 */
const WORK_AT_ONCE = 64 * 1024;
const REST = 1000;
/** Between two interrupts there are at least so many units of 256 ns, and units in ticks. */
const SHORTEST_INTERVAL = 500;
const UNIT = 2.56;

export class E1000 implements PciFunction, RingHost {
  readonly name = 'e1000';
  readonly size = REGISTERS_SIZE;
  readonly config = new ConfigSpace({
    ...{ vendor: 0x8086, device: 0x100e, revision: 3, classCode: 0x020000, interruptPin: 1, rom: 0x40000 },
    regions: [{ size: REGISTERS_SIZE }, { size: 0x40, io: true }],
  });

  private readonly registers = new Map<number, number>();
  private readonly transmitter: TransmitRing;
  private readonly receiver: ReceiveRing;
  private readonly eeprom = new Microwire();
  private waiting: Uint8Array[] = [];
  /** Ticks: when the rings go on, and when the next interrupt may be; Infinity if nothing is to happen then. */
  private transmitAt = Infinity;
  private receiveAt = Infinity;
  private quietUntil = Infinity;
  /** A descriptor since the last interrupt wants its own to be delayed. */
  private isDelayed = false;
  /** A driver has let the PHY negotiate the link's speed. */
  private isNegotiated = false;
  /** It asserts its interrupt; and what the board has been told last. */
  private level = false;
  private driven = false;

  /** `send` is given each frame that the guest sends. */
  constructor(
    private readonly slot: PciSlot,
    send: (frame: Uint8Array) => void,
  ) {
    this.transmitter = new TransmitRing(this, send);
    this.receiver = new ReceiveRing(this);
    this.reset();
  }

  /** A frame has come from the network, without its checksum. */
  receive(frame: Uint8Array): void {
    if (this.waiting.length < MOST_WAITING) this.waiting.push(frame.slice());
    this.wake();
  }

  read(offset: number, size: AccessSize): bigint {
    const low = BigInt(this.readRegister(offset & ~3));
    // A narrow access reads the first bytes of the register, wherever in it it lies, as in QEMU.
    return size === 8 ? low | (BigInt(this.readRegister(offset + 4)) << 32n) : BigInt.asUintN(8 * size, low);
  }

  write(offset: number, size: AccessSize, value: bigint): void {
    this.writeRegister(offset & ~3, Number(value & 0xffff_ffffn));
    if (size === 8) this.writeRegister(offset + 4, Number(value >> 32n));
  }

  configured(): void {
    this.drive();
    this.wake();
  }

  register(offset: number): number {
    return this.registers.get(offset) ?? 0;
  }

  setRegister(offset: number, value: number): void {
    this.registers.set(offset, value >>> 0);
  }

  load(address: bigint, length: number): Uint8Array {
    return (this.isMaster ? this.slot.memory.read(address, length) : undefined) ?? new Uint8Array(length);
  }

  store(address: bigint, bytes: Uint8Array): void {
    if (this.isMaster) this.slot.memory.write(address, bytes);
  }

  reset(): void {
    this.registers.clear();
    for (const [offset, value] of AT_POWER_ON) this.registers.set(offset, value);
    this.transmitter.reset();
    this.eeprom.reset();
    this.waiting = [];
    this.transmitAt = this.receiveAt = this.quietUntil = Infinity;
    this.isDelayed = this.level = this.driven = this.isNegotiated = false;
  }

  save(): State {
    const { waiting, transmitAt, receiveAt, quietUntil, isDelayed, isNegotiated, level } = this;
    const registers = [...this.registers].sort(([a], [b]) => a - b).flat();
    return {
      ...{ registers, transmitter: this.transmitter.save(), eeprom: this.eeprom.save(), waiting: [...waiting] },
      ...{ transmitAt, receiveAt, quietUntil, isDelayed, isNegotiated, level },
    };
  }

  restore(state: State): void {
    const saved = new SavedState(this.name, state);
    const registers = saved.numbers('registers');
    this.registers.clear();
    for (let at = 0; at + 1 < registers.length; at += 2) this.setRegister(registers[at]!, registers[at + 1]!);
    this.transmitter.restore(saved.record('transmitter'));
    this.eeprom.restore(saved.record('eeprom'));
    this.waiting = saved.list('waiting').map((frame) => {
      if (frame instanceof Uint8Array) return frame;
      throw new Error(`saved state of ${this.name}.waiting: expected frames`);
    });
    this.transmitAt = saved.tick('transmitAt');
    this.receiveAt = saved.tick('receiveAt');
    this.quietUntil = saved.tick('quietUntil');
    this.isDelayed = saved.boolean('isDelayed');
    this.isNegotiated = saved.boolean('isNegotiated');
    this.level = saved.boolean('level');
    this.driven = this.isAsserted;
  }

  nextEvent(): number {
    return Math.min(this.transmitAt, this.receiveAt, this.quietUntil);
  }

  advance(now: number): void {
    if (now >= this.transmitAt) this.transmit();
    if (now >= this.receiveAt) this.fill(now);
    if (now >= this.quietUntil) {
      this.quietUntil = Infinity;
      this.setCauses(this.register(Register.ICR));
    }
  }

  private get isMaster(): boolean {
    return (this.config.command & Command.BusMaster) !== 0;
  }

  private get isAsserted(): boolean {
    return this.level && (this.config.command & Command.InterruptDisable) === 0;
  }

  private readRegister(offset: number): number {
    const value = this.register(offset);
    switch (offset) {
      case Register.ICR:
        this.setCauses(0);
        return value;
      case Register.ICS:
        return this.register(Register.ICR);
      case Register.EECD:
        return this.eeprom.eecd;
      case Register.EERD:
        return eerd(value);
      default:
        return value;
    }
  }

  private writeRegister(offset: number, value: number): void {
    const mask = WRITABLE.get(offset);
    if (mask !== undefined) this.setRegister(offset, value & mask);
    switch (offset) {
      case Register.EECD:
        this.eeprom.eecd = value;
        break;
      case Register.MDIC:
        this.setRegister(offset, phy(value, this.isNegotiated));
        if (!restartsNegotiation(value)) break;
        // The other end responds at once.
        this.isNegotiated = true;
        this.cause(Interrupt.LSC);
        break;
      case Register.ICR:
        this.setCauses(this.register(Register.ICR) & ~value);
        break;
      case Register.ICS:
        this.cause(value);
        break;
      case Register.IMS:
        this.setRegister(offset, this.register(offset) | value);
        this.cause(0);
        break;
      case Register.IMC:
        this.setRegister(Register.IMS, this.register(Register.IMS) & ~value);
        this.cause(0);
        break;
      case Register.TCTL:
      case Register.TDT:
        this.transmitter.start();
        this.transmit();
        break;
      case Register.RCTL:
      case Register.RDT:
        this.wake();
        break;
    }
  }

  private transmit(): void {
    const sent = this.transmitter.send(WORK_AT_ONCE);
    if (sent === undefined) return;
    this.transmitAt = sent.isDone ? Infinity : this.slot.now() + REST;
    this.isDelayed ||= sent.isDelayed;
    this.cause(sent.causes | (sent.isDone ? Interrupt.TXQE : 0));
  }

  private get canReceive(): boolean {
    return this.waiting.length > 0 && this.isMaster && this.receiver.isReady;
  }

  private wake(): void {
    this.receiveAt = this.canReceive ? this.slot.now() : Infinity;
  }

  /** Puts frames that wait into the guest's memory. */
  private fill(now: number): void {
    for (let work = 0; this.canReceive && work < WORK_AT_ONCE;) {
      const frame = this.waiting.shift()!;
      const received = this.receiver.put(frame);
      work += frame.length + DESCRIPTOR_WORK * (1 + received.descriptors);
      if (received.causes !== 0) this.cause(received.causes);
    }
    this.receiveAt = this.canReceive ? now + REST : Infinity;
  }

  private cause(causes: number): void {
    this.setCauses(this.register(Register.ICR) | causes);
  }

  /** An interrupt that comes too soon after the last one is asserted later (the manual's section 13.4.18). */
  private setCauses(causes: number): void {
    this.setRegister(Register.ICR, causes);
    const pending = this.register(Register.IMS) & causes;
    if (!this.level && pending !== 0) {
      if (this.quietUntil < Infinity) return;
      this.quietUntil = this.slot.now() + Math.ceil(UNIT * this.interval(pending));
      this.isDelayed = false;
    }
    this.level = pending !== 0;
    this.drive();
  }

  /** Until the next interrupt, in units of 256 ns. */
  private interval(pending: number): number {
    const wanted: number[] = [this.register(Register.ITR)];
    if (this.isDelayed && (pending & (Interrupt.TXQE | Interrupt.TXDW)) !== 0)
      wanted.push(4 * this.register(Register.TADV));
    if (this.register(Register.RDTR) !== 0 && (pending & Interrupt.RXT0) !== 0)
      wanted.push(4 * this.register(Register.RADV));
    const set = wanted.filter((units) => units > 0);
    return set.length === 0 ? SHORTEST_INTERVAL : Math.max(SHORTEST_INTERVAL, Math.min(...set));
  }

  private drive(): void {
    this.config.interruptStatus = this.level;
    if (this.isAsserted === this.driven) return;
    this.driven = this.isAsserted;
    this.slot.setInterrupt(this.driven);
  }
}
