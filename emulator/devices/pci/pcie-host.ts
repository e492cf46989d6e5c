/**
 * The PCI Express host bridge of QEMU's `virt` board (hw/pci-host/gpex.c): one bus, whose functions' configuration spaces lie in the
 * enhanced configuration access mechanism (ECAM; PCI Express Base Specification, section 7.2.2), and windows in which their
 * regions appear. What no function answers reads as ones, and no access faults.
 */
import type { Board, Device } from '../../device';
import { SavedState } from '../../history/saved-state';
import type { AccessSize, State } from '../../types';
import { MemoryMap, Source } from '../memory-map';
import { Command, CONFIG_SIZE, ConfigSpace } from './config-space';

/** A function on the bus, alone in its slot. Its registers are its first region. */
export interface PciFunction {
  readonly name: string;
  readonly config: ConfigSpace;
  /** Bytes of its registers. */
  readonly size: number;
  /** Within the registers. */
  read(offset: number, size: AccessSize): bigint;
  write(offset: number, size: AccessSize, value: bigint): void;
  /** The driver has written the configuration space. */
  configured(): void;
  reset(): void;
  save(): State;
  restore(state: State): void;
  /** As those of a Device. */
  nextEvent(): number;
  advance(now: number): void;
}

/** What a function is offered by its slot. */
export interface PciSlot extends Pick<Board, 'now' | 'memory'> {
  /** Drives its INTx, which the board swizzles over four sources. */
  setInterrupt(level: boolean): void;
}

const SLOT_SHIFT = 15;
const SLOTS = 32;
const FUNCTION_SHIFT = 12;
const PINS = 4;

/** INTA# of a slot: each slot's pins are turned by one more (hw/pci/pci.c, pci_swizzle_map_irq_fn). */
export const interruptSource = (slot: number): number => Source.pcie + (slot % PINS);

/** Slot 0 has the bridge itself, and slot 1 the function, if there is one. */
export class PcieHost {
  /** In ascending order of addresses. */
  readonly ports: Device;
  readonly ecam: Device;
  readonly window: Device;

  constructor(board: Pick<Board, 'now' | 'memory' | 'setInterrupt'>, plug?: (slot: PciSlot) => PciFunction) {
    const bridge = new ConfigSpace({
      ...{ vendor: 0x1b36, device: 0x0008, revision: 0, classCode: 0x060000, interruptPin: 0, regions: [], rom: 0 },
    });
    const card = plug?.({
      memory: board.memory,
      now: () => board.now(),
      setInterrupt: (level) => board.setInterrupt(interruptSource(1), level),
    });
    this.ports = new EmptyWindow();
    this.ecam = new Ecam(bridge, card);
    this.window = card === undefined ? new EmptyWindow('pcie', MemoryMap.pcieWindow) : new CardWindow(card);
  }
}

const ones = (size: AccessSize): bigint => (1n << BigInt(8 * size)) - 1n;

const isAligned = (offset: number, size: AccessSize): boolean => offset % size === 0;

/** Where no function has anything: the window of I/O ports is always so, as no driver here needs them. */
class EmptyWindow implements Device {
  readonly base: number;
  readonly size: number;

  constructor(
    readonly name = 'pcie-io',
    place: { base: number; size: number } = MemoryMap.pciePorts,
  ) {
    this.base = place.base;
    this.size = place.size;
  }

  read(offset: number, size: AccessSize): bigint | undefined {
    return isAligned(offset, size) ? ones(size) : undefined;
  }

  write(offset: number, size: AccessSize): boolean {
    return isAligned(offset, size);
  }

  reset(): void {
    // It has no state.
  }

  save(): State {
    return null;
  }

  restore(): void {
    // It has no state.
  }
}

class Ecam implements Device {
  readonly name = 'pcie-ecam';
  readonly base = MemoryMap.pcieEcam.base;
  readonly size = MemoryMap.pcieEcam.size;

  constructor(
    private readonly bridge: ConfigSpace,
    private readonly card: PciFunction | undefined,
  ) {}

  read(offset: number, size: AccessSize): bigint | undefined {
    if (!isAligned(offset, size)) return undefined;
    return this.functionAt(offset)?.read(offset % CONFIG_SIZE, size) ?? ones(size);
  }

  write(offset: number, size: AccessSize, value: bigint): boolean {
    if (!isAligned(offset, size)) return false;
    const config = this.functionAt(offset);
    config?.write(offset % CONFIG_SIZE, size, value);
    if (config !== undefined && config === this.card?.config) this.card.configured();
    return true;
  }

  reset(): void {
    this.bridge.reset();
    this.card?.config.reset();
  }

  save(): State {
    return { bridge: this.bridge.save(), card: this.card?.config.save() ?? null };
  }

  restore(state: State): void {
    const saved = new SavedState(this.name, state);
    this.bridge.restore(saved, 'bridge');
    this.card?.config.restore(saved, 'card');
  }

  /** Bus, slot and function are in the address, each with 4096 bytes, of which a conventional function has the first 256. */
  private functionAt(offset: number): ConfigSpace | undefined {
    const slot = offset >> SLOT_SHIFT;
    const isThere =
      slot < SLOTS && (offset >> FUNCTION_SHIFT) % 8 === 0 && offset % (1 << FUNCTION_SHIFT) < CONFIG_SIZE;
    return isThere ? [this.bridge, this.card?.config][slot] : undefined;
  }
}

/** The window of memory, in which a driver has put the card's registers somewhere. */
class CardWindow implements Device {
  readonly name: string;
  readonly base = MemoryMap.pcieWindow.base;
  readonly size = MemoryMap.pcieWindow.size;

  constructor(private readonly card: PciFunction) {
    this.name = card.name;
  }

  read(offset: number, size: AccessSize): bigint | undefined {
    if (!isAligned(offset, size)) return undefined;
    const register = this.registerAt(offset);
    return register === undefined ? ones(size) : this.card.read(register, size);
  }

  write(offset: number, size: AccessSize, value: bigint): boolean {
    if (!isAligned(offset, size)) return false;
    const register = this.registerAt(offset);
    if (register !== undefined) this.card.write(register, size, value);
    return true;
  }

  reset(): void {
    this.card.reset();
  }

  save(): State {
    return this.card.save();
  }

  restore(state: State): void {
    this.card.restore(state);
  }

  nextEvent(): number {
    return this.card.nextEvent();
  }

  advance(now: number): void {
    this.card.advance(now);
  }

  private registerAt(offset: number): number | undefined {
    const { config, size } = this.card;
    const register = this.base + offset - config.regionBase(0);
    const isThere = (config.command & Command.Memory) !== 0 && register >= 0 && register < size;
    return isThere ? register : undefined;
  }
}
