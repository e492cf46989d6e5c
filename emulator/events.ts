/** What happens in a machine and can be observed, as those who subscribe are told of it (MachineApi.subscribe). */
import type { StaleTranslationEvent } from './strict-tlb/event';
import type { AccessSize, Mode } from './types';

/** A trap about to be taken: pc is still at the instruction (or, for an interrupt, before the next one). */
export interface TrapEvent {
  hart: number;
  interrupt: boolean;
  /** scause/mcause without the interrupt bit. */
  cause: number;
  tval: bigint;
  epc: bigint;
  from: Mode;
  to: Mode;
  /** Of an external interrupt: the PLIC's source that the hart would claim now; 0 if there is none any more. */
  source?: number;
}

/** A CSR write to satp that has just retired. */
export interface SatpEvent {
  hart: number;
  /** Address of the instruction that wrote. */
  pc: bigint;
  before: bigint;
  after: bigint;
}

/** An sfence.vma that has just retired; undefined for x0 operands. */
export interface FenceEvent {
  hart: number;
  pc: bigint;
  address?: bigint;
  asid?: bigint;
}

/** A load from a device's registers or a store to them, that has just retired. */
export interface DeviceEvent {
  hart: number;
  pc: bigint;
  /** Device.name. */
  device: string;
  offset: number;
  size: AccessSize;
  access: 'read' | 'write';
  value: bigint;
}

/**
 * Bytes of physical memory to be watched: whichever mapping they are reached by, and by devices too. An instruction that
 * both reads and writes (amo) counts as a write, unless only reads are watched.
 */
export interface Watch {
  readonly address: bigint;
  readonly length: number;
  readonly access: 'read' | 'write' | 'readWrite';
}

/** Watched bytes have been read or written, whether that changed them or not. */
export interface DataEvent {
  watch: Watch;
  access: 'read' | 'write';
  /** An instruction; the walk of a page table that set A or D for one; a device's own access (DMA). */
  by: 'instruction' | 'walk' | 'device';
  /** Hart and address of the instruction; undefined for a device. */
  hart?: number;
  pc?: bigint;
  device?: string;
  /** The virtual address that an instruction used for the first byte touched. */
  va?: bigint;
  /** Physical address of the first byte of the watch that was touched, and the bytes there. */
  address: bigint;
  before: Uint8Array;
  after: Uint8Array;
}

/** A store to an entry of a page table that is watched (Subscription.followTables). */
export interface TableStoreEvent {
  by: DataEvent['by'];
  hart?: number;
  pc?: bigint;
  /** The virtual address that the store used, and the physical one of the entry. */
  va?: bigint;
  address: bigint;
  /** Of the tree that the entry belongs to; its level is 2 in the root's page. */
  root: bigint;
  level: number;
  index: number;
  /** The first virtual address that the entry is for. */
  maps: bigint;
  before: bigint;
  after: bigint;
}

/** A hart is about to execute an instruction at an address of Subscription.setAddresses; `time`: of the instant before it. */
export interface ExecuteEvent {
  hart: number;
  pc: bigint;
  time: number;
  /** The hart spins: it is shown within a pass of its loop that is no part of the guest's history (scheduler/loop-walk.ts). */
  shown?: true;
}

/** An sret or mret that has just retired. */
export interface TrapReturnEvent {
  hart: number;
  /** Address of the instruction. */
  pc: bigint;
  from: Mode;
  to: Mode;
  /** Where the hart goes on. */
  target: bigint;
}

/** A CSR instruction that writes has just retired, whether that changed the register or not. */
export interface CsrEvent {
  hart: number;
  pc: bigint;
  /** The CSR's 12-bit address. */
  csr: number;
  /** What it reads as. */
  before: bigint;
  after: bigint;
}

/** A store to ROM has just retired, without any effect, as on QEMU. */
export interface LostStoreEvent {
  hart: number;
  pc: bigint;
  /** The virtual address that it used, and the physical one. */
  va: bigint;
  address: bigint;
  size: AccessSize;
  value: bigint;
}

/** The instruction at `pc` does what QEMU and hardware take in another way than this machine (differences.ts). */
export interface DifferenceEvent {
  hart: number;
  pc: bigint;
  what: 'pmp-off' | 'pmp-grain';
}

/** What can be observed, by the name of the listener. */
export interface MachineEvents {
  /** Told before the instruction is executed, whatever then becomes of it. */
  execute: ExecuteEvent;
  /** Told before the trap is taken. */
  trap: TrapEvent;
  trapReturn: TrapReturnEvent;
  satpWrite: SatpEvent;
  /** While somebody listens, instructions that write a CSR run on the slow path. */
  csrWrite: CsrEvent;
  fence: FenceEvent;
  device: DeviceEvent;
  data: DataEvent;
  tableStore: TableStoreEvent;
  lostStore: LostStoreEvent;
  staleTranslation: StaleTranslationEvent;
  /** Told before the instruction has its effect; it never stops the machine. */
  difference: DifferenceEvent;
}

/** To which events somebody listens: only those are made. */
export type Heard = Readonly<Record<keyof MachineEvents, boolean>>;

export type Listeners = { readonly [Name in keyof MachineEvents]?: (event: MachineEvents[Name]) => boolean };

/** Why `run` came back. */
export type Stop =
  /** The requested instructions are done, or the instant is reached. */
  | { kind: 'budget' }
  /** Every hart waits in wfi and nothing is due before `until` (ticks; Infinity: only input can wake them). */
  | { kind: 'idle'; until: number }
  /** A hart is about to execute an instruction, which an `execute` listener stops; `shown`: see ExecuteEvent. */
  | { kind: 'breakpoint'; hart: number; pc: bigint; shown?: true }
  /** The hart of `RunLimit.hart` has done its instructions. */
  | { kind: 'step'; hart: number }
  | { kind: 'trap'; event: TrapEvent }
  | { kind: 'trapReturn'; event: TrapReturnEvent }
  | { kind: 'satpWrite'; event: SatpEvent }
  | { kind: 'csrWrite'; event: CsrEvent }
  | { kind: 'fence'; event: FenceEvent }
  | { kind: 'device'; event: DeviceEvent }
  /** One instruction may touch what several watches hold. */
  | { kind: 'data'; events: DataEvent[] }
  | { kind: 'tableStore'; event: TableStoreEvent }
  | { kind: 'lostStore'; event: LostStoreEvent }
  | { kind: 'staleTranslation'; event: StaleTranslationEvent }
  /** The guest wrote the test finisher: poweroff with an exit code, or reset. */
  | { kind: 'poweroff'; code: number }
  | { kind: 'reset' };
