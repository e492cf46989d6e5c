/**
 * Loads and stores that the TLB has no answer for: a page not entered yet, a device, a page that is watched, an access
 * that crosses two pages. Misaligned accesses to memory work, as on QEMU's harts; atomics must be aligned.
 */
import { type GuestMemory } from '../mmu/guest-memory';
import { Access, type Mmu } from '../mmu/mmu';
import type { AccessSize, Device } from '../types';
import type { HartState } from './hart';
import { Offset, PAGE, Status } from './layout';
import { Cause } from './traps';

/** What slow accesses ask of the machine. */
export interface AccessSurroundings {
  raise(hart: HartState, cause: number, tval: bigint): Status;
  /** A device was read or written: events, interrupt lines and the machine itself may have changed. */
  deviceTouched(hart: HartState): Status;
}

/** A virtual address from its halves. */
export const addressOf = (low: number, high: number): bigint => (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);

const crossesPage = (low: number, bytes: number): boolean => (low & (PAGE - 1)) + bytes > PAGE;

export class MemoryAccess {
  constructor(
    private readonly memory: GuestMemory,
    private readonly mmu: Mmu,
    private readonly devices: readonly Device[],
    private readonly machine: AccessSurroundings,
  ) {}

  /** Leaves the bytes read in the hart's `result` cell. */
  load(hart: HartState, low: number, high: number, bytes: AccessSize): Status {
    if (crossesPage(low, bytes)) return this.loadAcross(hart, low, high, bytes);
    const physical = this.mmu.translate(hart, low, high, Access.load, bytes);
    if (physical < 0) return this.fault(hart, low, high);
    const host = this.memory.hostOf(physical);
    if (host === 0) return this.loadDevice(hart, physical, bytes, addressOf(low, high));
    this.mmu.fill(hart, low, high, physical);
    this.memory.u8.copyWithin(hart.block + Offset.result, host, host + bytes);
    return Status.done;
  }

  store(hart: HartState, low: number, high: number, bytes: AccessSize, valueLow: number, valueHigh: number): Status {
    if (crossesPage(low, bytes)) return this.storeAcross(hart, low, high, bytes, valueLow, valueHigh);
    const physical = this.mmu.translate(hart, low, high, Access.store, bytes);
    if (physical < 0) return this.fault(hart, low, high);
    const host = this.memory.hostOf(physical);
    if (host === 0) {
      const value = BigInt.asUintN(bytes * 8, addressOf(valueLow, valueHigh));
      return this.storeDevice(hart, physical, bytes, value, addressOf(low, high));
    }
    // As QEMU has it, writes to the ROM are lost without a word.
    if (this.memory.isRom(host)) return Status.done;
    this.memory.stored(host, bytes);
    this.mmu.fill(hart, low, high, physical);
    this.put(host, bytes, valueLow, valueHigh);
    return Status.done;
  }

  /** Leaves the host address of an aligned word, ready to be read and written, in the `result` cell. */
  atomic(hart: HartState, low: number, high: number, bytes: 4 | 8): Status {
    if ((low & (bytes - 1)) !== 0) return this.machine.raise(hart, Cause.storeMisaligned, addressOf(low, high));
    const physical = this.mmu.translate(hart, low, high, Access.store, bytes);
    if (physical < 0) return this.fault(hart, low, high);
    const host = this.memory.hostOf(physical);
    if (host === 0 || this.memory.isRom(host)) return this.machine.raise(hart, Cause.storeAccess, addressOf(low, high));
    this.memory.stored(host, bytes);
    this.mmu.fill(hart, low, high, physical);
    this.memory.i32[(hart.block + Offset.result) / 4] = host;
    return Status.done;
  }

  /** lr: reserves the word it loads. The value is left in `result`. */
  loadReserved(hart: HartState, address: bigint, bytes: 4 | 8): Status {
    const low = Number(BigInt.asIntN(32, address));
    const high = Number(BigInt.asIntN(32, address >> 32n));
    if ((low & (bytes - 1)) !== 0) return this.machine.raise(hart, Cause.loadMisaligned, address);
    const physical = this.mmu.translate(hart, low, high, Access.load, bytes);
    if (physical < 0) return this.machine.raise(hart, this.mmu.cause, address);
    const host = this.memory.hostOf(physical);
    if (host === 0) return this.machine.raise(hart, Cause.loadAccess, address);
    this.memory.u8.copyWithin(hart.block + Offset.result, host, host + bytes);
    hart.reservation = physical;
    return Status.done;
  }

  /** sc: `result` becomes 0 if the word was still reserved and is now written, else 1. */
  storeConditional(hart: HartState, address: bigint, bytes: 4 | 8, value: bigint): Status {
    const result = (hart.block + Offset.result) / 8;
    const low = Number(BigInt.asIntN(32, address));
    const high = Number(BigInt.asIntN(32, address >> 32n));
    if ((low & (bytes - 1)) !== 0) return this.machine.raise(hart, Cause.storeMisaligned, address);
    const physical = this.mmu.translate(hart, low, high, Access.store, bytes);
    if (physical < 0) return this.machine.raise(hart, this.mmu.cause, address);
    const host = this.memory.hostOf(physical);
    if (host === 0 || this.memory.isRom(host)) return this.machine.raise(hart, Cause.storeAccess, address);
    this.memory.u64[result] = hart.reservation === physical ? 0n : 1n;
    if (hart.reservation === physical) {
      this.memory.stored(host, bytes);
      this.put(host, bytes, Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
    }
    hart.reservation = -1;
    return Status.done;
  }

  private put(host: number, bytes: AccessSize, valueLow: number, valueHigh: number): void {
    const { view } = this.memory;
    switch (bytes) {
      case 1:
        view.setUint8(host, valueLow);
        break;
      case 2:
        view.setUint16(host, valueLow, true);
        break;
      case 4:
        view.setInt32(host, valueLow, true);
        break;
      case 8:
        view.setInt32(host, valueLow, true);
        view.setInt32(host + 4, valueHigh, true);
    }
  }

  private fault(hart: HartState, low: number, high: number): Status {
    return this.machine.raise(hart, this.mmu.cause, addressOf(low, high));
  }

  private loadDevice(hart: HartState, physical: number, bytes: AccessSize, address: bigint): Status {
    const device = this.deviceAt(physical);
    const value = device?.read(physical - device.base, bytes);
    if (value === undefined) return this.machine.raise(hart, Cause.loadAccess, address);
    this.memory.u64[(hart.block + Offset.result) / 8] = value;
    return this.machine.deviceTouched(hart);
  }

  private storeDevice(hart: HartState, physical: number, bytes: AccessSize, value: bigint, address: bigint): Status {
    const device = this.deviceAt(physical);
    if (!device?.write(physical - device.base, bytes, value))
      return this.machine.raise(hart, Cause.storeAccess, address);
    return this.machine.deviceTouched(hart);
  }

  private deviceAt(physical: number): Device | undefined {
    return this.devices.find(({ base, size }) => physical >= base && physical < base + size);
  }

  /** Translates the two parts of an access that crosses a page; undefined once a fault is raised, named by `status`. */
  private acrossPages(hart: HartState, low: number, high: number, bytes: number, access: Access) {
    const first = PAGE - (low & (PAGE - 1));
    const address = addressOf(low, high);
    const second = BigInt.asUintN(64, address + BigInt(first));
    const parts = [
      { address, length: first },
      { address: second, length: bytes - first },
    ];
    const hosts: number[] = [];
    for (const part of parts) {
      const partLow = Number(BigInt.asIntN(32, part.address));
      const partHigh = Number(BigInt.asIntN(32, part.address >> 32n));
      const physical = this.mmu.translate(hart, partLow, partHigh, access, part.length);
      if (physical < 0) return { status: this.machine.raise(hart, this.mmu.cause, part.address) };
      const host = this.memory.hostOf(physical);
      if (host === 0) {
        const cause = access === Access.load ? Cause.loadMisaligned : Cause.storeMisaligned;
        return { status: this.machine.raise(hart, cause, address) };
      }
      hosts.push(host);
    }
    return { first, hosts };
  }

  private loadAcross(hart: HartState, low: number, high: number, bytes: number): Status {
    const { status, first, hosts } = this.acrossPages(hart, low, high, bytes, Access.load);
    if (hosts === undefined) return status;
    const result = hart.block + Offset.result;
    this.memory.u8.copyWithin(result, hosts[0], hosts[0] + first);
    this.memory.u8.copyWithin(result + first, hosts[1], hosts[1] + bytes - first);
    return Status.done;
  }

  private storeAcross(hart: HartState, low: number, high: number, bytes: number, valueLow: number, valueHigh: number) {
    const { status, first, hosts } = this.acrossPages(hart, low, high, bytes, Access.store);
    if (hosts === undefined) return status;
    const value = new DataView(new ArrayBuffer(8));
    value.setInt32(0, valueLow, true);
    value.setInt32(4, valueHigh, true);
    const parts = [new Uint8Array(value.buffer, 0, first), new Uint8Array(value.buffer, first, bytes - first)];
    parts.forEach((part, index) => {
      if (this.memory.isRom(hosts[index])) return;
      this.memory.stored(hosts[index], part.length);
      this.memory.u8.set(part, hosts[index]);
    });
    return Status.done;
  }
}
