/**
 * Loads and stores that the TLB has no answer for: a page not entered yet, a device, a page that is watched, an access
 * that crosses two pages. Misaligned accesses to memory work, as on QEMU's harts; atomics must be aligned.
 */
import { type GuestMemory } from '../mmu/guest-memory';
import { AccessType, type Mmu, causeOf } from '../mmu/mmu';
import type { Device } from '../device';
import type { AccessSize, DeviceEvent, Heard, LostStoreEvent } from '../types';
import type { HartState } from './hart';
import { PAGE, Status } from '../layout';
import { Cause } from '../isa/causes';

/** What slow accesses ask of the machine. */
export interface AccessHost {
  raise(hart: HartState, cause: number, tval: bigint): Status;
  /** A device was read or written: events, interrupt lines and the machine itself may have changed. */
  deviceTouched(event?: DeviceEvent): Status;
  storeLost(event: LostStoreEvent): Status;
  /**
   * The store at hand, to a page that is not committed, begins a loop that fills memory: the passes up to its branch are made, and
   * the hart is there. False, and nothing done, if it begins none.
   */
  fillsOn(hart: HartState, physical: number): boolean;
  readonly heard: Heard;
}

/** The signed 32-bit halves of an address, in which translation takes it. */
const halves = (address: bigint): [low: number, high: number] => [
  Number(BigInt.asIntN(32, address)),
  Number(BigInt.asIntN(32, address >> 32n)),
];

const crossesPage = (low: number, bytes: number): boolean => (low & (PAGE - 1)) + bytes > PAGE;

export class MemoryAccess {
  constructor(
    private readonly memory: GuestMemory,
    private readonly mmu: Mmu,
    private readonly devices: readonly Device[],
    private readonly machine: AccessHost,
  ) {}

  /** Loads `bytes` bytes at the hart's `address` into the record's rd. */
  load(hart: HartState, bytes: AccessSize, signed: boolean): Status {
    const { addressLow: low, addressHigh: high } = hart;
    if (crossesPage(low, bytes)) return this.loadAcross(hart, hart.address, bytes, signed);
    const physical = this.mmu.translate(hart, low, high, AccessType.load, bytes);
    if (physical < 0) return this.machine.raise(hart, causeOf(physical), hart.address);
    const lazy = bytes === 8 ? this.memory.loadLazily(physical) : -1;
    if (lazy >= 0) {
      hart.setRdHalves(this.memory.lazyWords[lazy]!, this.memory.lazyWords[lazy + 1]!);
      return Status.done;
    }
    const host = this.memory.hostOf(physical);
    if (host === 0) return this.loadDevice(hart, physical, bytes, signed, hart.address);
    this.mmu.fill(hart, low, high, physical);
    if (this.memory.isWatched(host)) this.memory.watches.loaded(host, bytes, hart, 'instruction', hart.address);
    this.loadFrom(hart, host, bytes, signed);
    return Status.done;
  }

  /**
   * Loads from memory into the record's rd for somebody who only tries what would happen; false if the load would fault, is
   * misaligned or reaches a device.
   */
  tryLoad(hart: HartState, address: bigint, bytes: AccessSize, signed: boolean): boolean {
    const [low, high] = halves(address);
    if ((low & (bytes - 1)) !== 0) return false;
    const physical = this.mmu.translate(hart, low, high, AccessType.load, bytes);
    const host = physical < 0 ? 0 : this.memory.hostOf(physical);
    if (host === 0) return false;
    this.mmu.fill(hart, low, high, physical);
    this.loadFrom(hart, host, bytes, signed);
    return true;
  }

  /** Stores the hart's `value` at its `address`. */
  store(hart: HartState, bytes: AccessSize): Status {
    const { addressLow: low, addressHigh: high } = hart;
    if (crossesPage(low, bytes)) return this.storeAcross(hart, hart.address, bytes, hart.value);
    const known = this.mmu.permittedStore(hart, low, high);
    if (known !== 0) return this.storeTo(hart, known, bytes);
    const physical = this.mmu.translate(hart, low, high, AccessType.store, bytes);
    if (physical < 0) return this.machine.raise(hart, causeOf(physical), hart.address);
    if (this.memory.isUncommitted(physical)) {
      // A page table's entry that is watched may have been touched on the way: that is told of before the next instruction.
      if (!this.memory.watches.pending && this.machine.fillsOn(hart, physical)) return Status.reload;
      if (this.memory.storeLazily(physical, bytes, hart.valueAt)) return Status.done;
    }
    const host = this.memory.hostOf(physical);
    if (host === 0) return this.storeDevice(hart, physical, bytes, BigInt.asUintN(bytes * 8, hart.value), hart.address);
    // As QEMU has it, writes to the ROM are lost without a word.
    if (this.memory.isRom(host)) return this.storeLost(hart, physical, bytes);
    // Noticed first, so that the TLB may let the next store pass.
    this.memory.changes(host);
    // In this order: the store may change the very table that led here, and then must empty what was entered.
    this.mmu.fill(hart, low, high, physical);
    return this.storeTo(hart, host, bytes);
  }

  /** Stores the hart's `value`, which starts at its `address`, within a page of memory. */
  private storeTo(hart: HartState, host: number, bytes: AccessSize): Status {
    if (this.memory.isWatched(host)) this.memory.watches.beforeStore(host, bytes, hart, 'instruction', hart.address);
    this.memory.stored(host, bytes);
    const from = hart.valueAt;
    for (let i = 0; i < bytes; i++) this.memory.u8[host + i] = this.memory.u8[from + i]!;
    return Status.done;
  }

  /** Prepares an aligned word to be read and written in place, and uncounts the instruction: it is to run again, alone. */
  atomic(hart: HartState, bytes: 4 | 8): Status {
    const { addressLow: low, addressHigh: high } = hart;
    const host = this.atomicHost(hart, low, high, bytes, AccessType.store);
    if (typeof host !== 'number') return host.status;
    this.memory.changes(host);
    // The instruction, run again, looks here if the TLB does not let it write.
    if (!this.mmu.fill(hart, low, high, this.memory.physicalOf(host))) hart.prepared = host;
    this.memory.watches.beforeUpdate(host, bytes, hart, hart.address);
    this.memory.stored(host, bytes);
    hart.remaining++;
    return Status.scratch;
  }

  /** lr: reserves the word it loads. */
  loadReserved(hart: HartState, bytes: 4 | 8): Status {
    const host = this.atomicHost(hart, hart.rs1Low, hart.rs1High, bytes, AccessType.load);
    if (typeof host !== 'number') return host.status;
    this.mmu.fill(hart, hart.rs1Low, hart.rs1High, this.memory.physicalOf(host));
    if (this.memory.isWatched(host)) this.memory.watches.loaded(host, bytes, hart, 'instruction', hart.rs1);
    this.loadFrom(hart, host, bytes, true);
    hart.reservation = host;
    return Status.done;
  }

  /** sc: rd becomes 0 if the word was still reserved and is now written, else 1. */
  storeConditional(hart: HartState, bytes: 4 | 8): Status {
    const host = this.atomicHost(hart, hart.rs1Low, hart.rs1High, bytes, AccessType.store);
    if (typeof host !== 'number') return host.status;
    const holds = hart.reservation === host;
    const { rs2Low, rs2High } = hart;
    hart.reservation = 0;
    // As in `store`.
    this.memory.changes(host);
    this.mmu.fill(hart, hart.rs1Low, hart.rs1High, this.memory.physicalOf(host));
    if (holds && this.memory.isWatched(host))
      this.memory.watches.beforeStore(host, bytes, hart, 'instruction', hart.rs1);
    hart.setRdLow(holds ? 0 : 1, false);
    if (!holds) return Status.done;
    this.memory.stored(host, bytes);
    this.memory.view.setInt32(host, rs2Low, true);
    if (bytes === 8) this.memory.view.setInt32(host + 4, rs2High, true);
    return Status.done;
  }

  /** Host address of an aligned word of DRAM, given by the halves of its address; or the status after the exception that forbids it. */
  private atomicHost(
    hart: HartState,
    low: number,
    high: number,
    bytes: 4 | 8,
    access: AccessType,
  ): number | { status: Status } {
    const isAligned = (low & (bytes - 1)) === 0;
    const physical = isAligned ? this.mmu.translate(hart, low, high, access, bytes) : 0;
    const host = physical > 0 ? this.memory.hostOf(physical) : 0;
    if (host !== 0 && !this.memory.isRom(host)) return host;
    const [misaligned, fault] =
      access === AccessType.load
        ? [Cause.loadMisaligned, Cause.loadAccess]
        : [Cause.storeMisaligned, Cause.storeAccess];
    const cause = !isAligned ? misaligned : physical < 0 ? causeOf(physical) : fault;
    return { status: this.machine.raise(hart, cause, (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)) };
  }

  /** The record's rd := memory, extended to 64 bits. */
  private loadFrom(hart: HartState, host: number, bytes: AccessSize, signed: boolean): void {
    const { view } = this.memory;
    switch (bytes) {
      case 1:
        return hart.setRdLow(signed ? view.getInt8(host) : view.getUint8(host), signed);
      case 2:
        return hart.setRdLow(signed ? view.getInt16(host, true) : view.getUint16(host, true), signed);
      case 4:
        return hart.setRdLow(view.getInt32(host, true), signed);
      case 8:
        hart.setRdHalves(view.getInt32(host, true), view.getInt32(host + 4, true));
    }
  }

  private loadDevice(hart: HartState, physical: number, bytes: AccessSize, signed: boolean, address: bigint): Status {
    const device = this.deviceAt(physical);
    const offset = device === undefined ? 0 : physical - device.base;
    this.memory.watches.device = device?.name;
    const value = device?.read(offset, bytes);
    if (device === undefined || value === undefined) return this.machine.raise(hart, Cause.loadAccess, address);
    hart.setRd(value, bytes, signed);
    return this.deviceTouched(hart, device, 'read', offset, bytes, value);
  }

  private storeDevice(hart: HartState, physical: number, bytes: AccessSize, value: bigint, address: bigint): Status {
    const device = this.deviceAt(physical);
    const offset = device === undefined ? 0 : physical - device.base;
    this.memory.watches.device = device?.name;
    if (!device?.write(offset, bytes, value)) return this.machine.raise(hart, Cause.storeAccess, address);
    return this.deviceTouched(hart, device, 'write', offset, bytes, value);
  }

  private storeLost(hart: HartState, physical: number, size: AccessSize): Status {
    if (!this.machine.heard.lostStore) return Status.done;
    const value = BigInt.asUintN(size * 8, hart.value);
    const at = { va: hart.address, address: BigInt(physical) };
    return this.machine.storeLost({ hart: hart.id, pc: hart.pc, ...at, size, value });
  }

  private deviceTouched(
    hart: HartState,
    { name }: Device,
    access: DeviceEvent['access'],
    offset: number,
    size: AccessSize,
    value: bigint,
  ): Status {
    const heard = this.machine.heard.device;
    return this.machine.deviceTouched(
      heard ? { hart: hart.id, pc: hart.pc, device: name, offset, size, access, value } : undefined,
    );
  }

  private deviceAt(physical: number): Device | undefined {
    return this.devices.find(({ base, size }) => physical >= base && physical < base + size);
  }

  /** Host addresses of the two parts of an access that crosses a page, and the length of the first. */
  private acrossPages(hart: HartState, address: bigint, bytes: number, access: AccessType) {
    const first = PAGE - Number(address & BigInt(PAGE - 1));
    const hosts: number[] = [];
    for (const part of [
      { address, length: first },
      { address: BigInt.asUintN(64, address + BigInt(first)), length: bytes - first },
    ]) {
      const [low, high] = halves(part.address);
      const physical = this.mmu.translate(hart, low, high, access, part.length);
      if (physical < 0) return { status: this.machine.raise(hart, causeOf(physical), part.address) };
      const host = this.memory.hostOf(physical);
      if (host === 0) {
        const cause = access === AccessType.load ? Cause.loadMisaligned : Cause.storeMisaligned;
        return { status: this.machine.raise(hart, cause, address) };
      }
      hosts.push(host);
    }
    return { first, hosts };
  }

  /** The two parts of an access that crosses a page: what is touched where. */
  private noteAcross(
    first: number,
    bytes: number,
    hosts: readonly number[],
    address: bigint,
    note: (host: number, length: number, va: bigint) => void,
  ): void {
    note(hosts[0]!, first, address);
    note(hosts[1]!, bytes - first, address + BigInt(first));
  }

  private loadAcross(hart: HartState, address: bigint, bytes: AccessSize, signed: boolean): Status {
    const { status, first, hosts } = this.acrossPages(hart, address, bytes, AccessType.load);
    if (hosts === undefined) return status;
    this.noteAcross(first, bytes, hosts, address, (host, length, va) =>
      this.memory.watches.loaded(host, length, hart, 'instruction', va),
    );
    const value = new DataView(new ArrayBuffer(8));
    for (let i = 0; i < bytes; i++)
      value.setUint8(i, this.memory.u8[i < first ? hosts[0]! + i : hosts[1]! + i - first]!);
    hart.setRd(value.getBigUint64(0, true), bytes, signed);
    return Status.done;
  }

  private storeAcross(hart: HartState, address: bigint, bytes: AccessSize, value: bigint): Status {
    const { status, first, hosts } = this.acrossPages(hart, address, bytes, AccessType.store);
    if (hosts === undefined) return status;
    this.noteAcross(first, bytes, hosts, address, (host, length, va) => {
      if (!this.memory.isRom(host)) this.memory.watches.beforeStore(host, length, hart, 'instruction', va);
    });
    for (let i = 0; i < bytes; i++) {
      const host = i < first ? hosts[0]! + i : hosts[1]! + i - first;
      if (this.memory.isRom(host)) continue;
      this.memory.stored(host, 1);
      this.memory.u8[host] = Number((value >> BigInt(8 * i)) & 0xffn);
    }
    return Status.done;
  }
}
