/** What the machine asks of its devices, which are in `devices/`, and what it offers them. */
import type { AccessSize, State, WritableMemory } from './types';

/** A memory-mapped device. One device a file in `devices/`. */
export interface Device {
  readonly name: string;
  /** First physical address, and length in bytes. */
  readonly base: number;
  readonly size: number;
  /** Reads `size` bytes at `offset`, zero-extended; undefined is an access fault. May have side effects. */
  read(offset: number, size: AccessSize): bigint | undefined;
  /** Writes; `value` is already cut to `size` bytes. False is an access fault. */
  write(offset: number, size: AccessSize, value: bigint): boolean;
  /** Back to the state at power on. */
  reset(): void;
  save(): State;
  /** Restores what `save` returned. */
  restore(state: State): void;
  /** The tick at which the device next acts of its own accord; Infinity or absent: never. */
  nextEvent?(): number;
  /** Does everything that is due at tick `now`. */
  advance?(now: number): void;
}

/** The interrupt inputs of a hart that devices drive (bits of mip). */
export type HartLine = 'msip' | 'mtip' | 'meip' | 'seip';

/** What the board offers its devices. */
export interface Board {
  readonly harts: number;
  /** Virtual time in ticks. */
  now(): number;
  /** Physical memory, for devices that read and write it themselves (DMA). */
  readonly memory: WritableMemory;
  /** Drives a wired interrupt of the PLIC (source 1 to 95). */
  setInterrupt(source: number, level: boolean): void;
  /** Drives an interrupt input of a hart. CLINT and PLIC only. */
  setHartLine(hart: number, line: HartLine, level: boolean): void;
}
