/**
 * What the machine (machine.ts) shows to the world around it; what it asks of its devices is in `device.ts`. Units: addresses
 * and registers are `bigint`; virtual time is a `number` of ticks of the 10 MHz clock that `mtime` counts (exact up to 2^53);
 * lengths are bytes.
 */
import type { Listeners, Stop, Watch } from './events';
import type { BeforeTrap, ExecutionAt, Instant } from './history/instant';
import type { MemoryImage } from './history/memory-image';
import type { InputHistory, LoggedInput, MachineInput } from './inputs';
import type { FenceCount, StaleTranslationEvent, StrictTlbOptions } from './strict-tlb/event';

export type { FenceCount, InputHistory, LoggedInput, MachineInput, StaleTranslationEvent, StrictTlbOptions };
export type * from './events';

/** Privilege modes by their encoding (RISC-V privileged specification, table 1.1). */
export const enum Mode {
  User = 0,
  Supervisor = 1,
  Machine = 3,
}

/** Names of the privilege modes. */
export const MODE_NAMES: Readonly<Record<number, string>> = {
  [Mode.User]: 'user mode',
  [Mode.Supervisor]: 'supervisor mode',
  [Mode.Machine]: 'machine mode',
};

export type AccessSize = 1 | 2 | 4 | 8;
export type Access = 'load' | 'store' | 'fetch';

/** Anything a device, a hart or the machine saves: plain data, so that it can be hashed, stored and compared. */
export type State = number | bigint | string | boolean | null | Uint8Array | State[] | { [name: string]: State };

/** DRAM and ROM by physical address, without side effects: devices are not reached through it. */
export interface PhysicalMemory {
  readonly dramBase: bigint;
  /** Bytes. */
  readonly dramSize: bigint;
  /** A copy of `length` bytes; undefined if not all of them are memory. */
  read(address: bigint, length: number): Uint8Array | undefined;
  /** Copies bytes to where they are wanted. False, and nothing done, if not all of them are memory. */
  readInto(address: bigint, bytes: Uint8Array): boolean;
  /** A little-endian, naturally aligned 64-bit word, as a page-table walk reads it. */
  readU64(address: bigint): bigint | undefined;
}

/** Memory for those within the machine who write it; every cache of the machine is kept coherent. */
export interface WritableMemory extends PhysicalMemory {
  /** False, and nothing done, if not all of the bytes are memory. */
  write(address: bigint, bytes: Uint8Array): boolean;
}

/** What a disk holds, or what the guest sees of it, in sectors of 512 bytes; whole sectors are read. */
export interface DiskContent {
  readonly sectors: number;
  read(sector: number, into: Uint8Array): void;
}

/** A disk's content at power on; the machine keeps what the guest writes. The guest sees errors as VIRTIO_BLK_S_IOERR. */
export interface BlockImage extends DiskContent {
  /** The guest may not write. */
  readonly readOnly: boolean;
  /** The disk now holds other bytes from this sector on. Without it, the writes do not leave the machine. */
  written?(sector: number, bytes: Uint8Array): void;
  /** All that was written is to be put where it lasts. */
  flush?(): void;
}

/** A hart as a debugger sees it. Reading never has side effects; what a debugger writes goes through MachineApi.apply. */
export interface Hart {
  readonly id: number;
  readonly pc: bigint;
  readonly mode: Mode;
  /** Integer register x0..x31, as an unsigned 64-bit value. */
  x(register: number): bigint;
  /** The 64 bits of floating-point register f0..f31, also while mstatus.FS is off. */
  f(register: number): bigint;
  /** A CSR by its 12-bit address, undefined if the hart has none there. */
  csr(address: number): bigint | undefined;
  /** True while it waits in wfi. */
  readonly waiting: boolean;
  /** It waits in a loop for others to write, and has no quantum until they do or an interrupt comes. */
  readonly spinning: boolean;
  /** Instructions it has retired. */
  readonly retired: number;
  /** Those, and the ones that raised an exception. */
  readonly steps: number;
  /** Whether an S-mode or U-mode access to `va` would now be translated (satp.MODE = Sv39 and mode below M). */
  readonly translating: boolean;
}

/**
 * What one party listens to, on the machine's slow paths: ordinary code pays nothing. Every listener hears of every
 * event, and of each once, in the order of the subscriptions. It returns true to stop the machine there: before an
 * execution or a trap (running on goes through with it without telling again), after the instruction for all others. One
 * who wants it is enough for a stop.
 */
export interface Observer extends Listeners {
  /**
   * Whether an address of `setAddresses` is meant in the address space that the hart is in: user programs all use the same
   * addresses, and those that are not meant run at full speed. Called when a hart is about to fetch from such a page, and
   * before `execute`. Default: all are.
   */
  appliesTo?(hart: Hart, address: bigint): boolean;
}

/**
 * One party's share in watching the machine, until it ends it. What it sets replaces what it has set before, and nobody
 * else's; all of it may be called while the machine runs, from a listener. Resets of the machine and restored states
 * leave it as it is.
 */
export interface Subscription {
  /** Virtual addresses for `execute`. */
  setAddresses(addresses: Iterable<bigint>): void;
  /** Bytes for `data`. Throws RangeError, and leaves what was watched before, if one of them is no memory. */
  setWatches(watches: Iterable<Watch>): void;
  /**
   * Makes `tableStore` report stores to every page of the trees with these roots (physical addresses), as they grow and
   * shrink, and of any tree that a new satp names. Roots are added to the earlier ones; undefined ends it. With the physical
   * address of a page, stores to entries of the last level are reported only if they lead, or led, to that page.
   */
  followTables(roots: Iterable<bigint> | undefined, page?: bigint): void;
  /** The roots of the trees that are followed now, in no order. */
  followedTables(): bigint[];
  /** Ends the subscription: nothing is reported from now on, and setting anything has no effect. */
  end(): void;
}

/** A machine between two runs, as it was. It knows nothing of breakpoints, watches and observers. */
export interface Checkpoint {
  readonly instant: Instant;
  /** All but memory; small. */
  readonly state: State;
  readonly memory: MemoryImage;
  /** Where the machine had stopped, so that it does not stop again for the same. */
  readonly stoppedAt?: ExecutionAt | undefined;
  /** By each hart, the last execution that observers were told of. A hart may have its turn only long after it was told of. */
  readonly announced: readonly ExecutionAt[];
  /** By each hart, the last trap before which the machine had stopped, so that it is not told again. */
  readonly traps: readonly BeforeTrap[];
}

export interface RunLimit {
  /** At most so many instructions, over all harts. */
  instructions: number;
  /**
   * Stop when this hart has executed so many instructions (traps it takes count as one); the others have their quanta
   * meanwhile. If it spins it is shown in its loop, where no time passes, unless only what it `executes` counts.
   */
  hart?: { id: number; instructions: number; executes?: boolean };
  /** Stop at this instant, past idle time on the way. RangeError if it is past, or among inputs that are not known. */
  to?: Instant;
}

/** QEMU's -bios, -initrd and -append, and its -device loader. */
export interface BootOptions {
  /** An ELF or a raw image, which starts in machine mode at the base of DRAM; a2 leads it to where the kernel lies. */
  firmware?: Uint8Array;
  /**
   * A raw image that is loaded in place of the kernel's segments: at an address of which the firmware is not told, or else
   * after the firmware. Of the kernel's own file only the symbols are then of use.
   */
  image?: { bytes: Uint8Array; address?: bigint };
  /** An initial RAM disk for the kernel. */
  initrd?: Uint8Array;
  /** The kernel's command line. */
  commandLine?: string;
}

export interface MachineOptions {
  /** 1 to 8. */
  harts: number;
  /** Bytes of DRAM from 0x80000000; a multiple of 1 MiB, at most 3 GiB. */
  memory: number;
  /** Kernel image: an RV64 ELF, loaded by its physical addresses; empty if only what `boot` names is to run. */
  kernel: Uint8Array;
  /** What lies in memory at power on beside the kernel. */
  boot?: BootOptions;
  /** QEMU's `-global virtio-mmio.force-legacy`: true is version 1, QEMU's default. */
  legacyVirtio: boolean;
  disk?: BlockImage;
  /** Its virtio-mmio slot, 0 to 7; default 0, where xv6 expects it. */
  diskSlot?: number;
  /** Varies the length of the harts' quanta; the same seed gives the same run. 0: all are alike. */
  seed?: number;
  /** Which tier runs the guest; what the guest does is the same in all. Default: mixed. */
  acceleration?: 'interp' | 'jit' | 'mixed';
  /** The harts have a strict TLB (strict-tlb/strict-tlb.ts). */
  tlb?: StrictTlbOptions;
  /** Receives what the guest writes to the UART. */
  consoleOutput?: (bytes: Uint8Array) => void;
  /** The machine has an e1000 on its PCIe bus; receives each frame that the guest sends, within a slice or between two. */
  network?: { frameOutput?: (frame: Uint8Array) => void };
  /** Asked before anything comes in but idle time; not where a replay brings it. Throws an Error to refuse it. */
  admit?: (input: MachineInput) => void;
  /** Unix time in seconds that the goldfish RTC shows at power on. */
  rtcEpoch?: number;
}

/** QEMU's `virt` board. Implemented by `Machine` in machine.ts. */
export interface MachineApi {
  readonly harts: readonly Hart[];
  readonly memory: PhysicalMemory;
  readonly options: Readonly<MachineOptions>;
  readonly disk?: DiskContent;
  /** Virtual time in ticks, and instructions executed by all harts together. */
  readonly now: number;
  /** The time of an instant (history/instant.ts); for a listener, that before the instruction which it hears of. */
  readonly time: number;
  readonly executed: number;
  /** The hart that has the quantum. */
  readonly current: number;
  /** With a strict TLB: what each sfence.vma has been good for. */
  readonly fenceCounts?: readonly FenceCount[] | undefined;
  run(limit: RunLimit): Stop;
  /** Where the machine is in its history, and the inputs on the way there. */
  readonly instant: Instant;
  readonly inputs: InputHistory;
  /**
   * The one door by which anything enters the machine; it is noted in the log. From within a slice (an answer to output) it
   * takes effect at the end of the instruction at hand. False, and nothing done, if there is no such CSR or memory.
   */
  apply(input: MachineInput): boolean;
  /** `apply` of key strokes, of idle time, and of a reset. */
  consoleInput(bytes: Uint8Array): void;
  idleUntil(tick: number): void;
  reset(): void;
  /** What is to come in from here on, at its moment; takes the place of what was to come. */
  replay(inputs: readonly LoggedInput[]): void;
  /** Listens to the machine from now on. */
  subscribe(observer: Observer): Subscription;
  /** Costs what has changed since the machine was last saved or restored. */
  save(): Checkpoint;
  /**
   * Stands where a machine of the same options, and with the same disk at power on, was saved. Costs what differs, and keeps
   * what was decoded and translated. The inputs after that instant are to come in again, if the log has them; see `replay`.
   * Throws an Error, and stands at power on, if it is no such state.
   */
  restore(checkpoint: Checkpoint): void;
  /** A hash of all machine state that a guest could observe (hexadecimal). */
  stateHash(): string;
}
