/**
 * The machine with the kernel in it, as stacks, expressions and words look at it. Each of them says which part it uses
 * (`Pick<Guest, …>`), and none knows what else a launch makes: that is launch/debuggee.ts.
 */
import type { Hart, MachineApi } from '../../emulator/types';
import type { AddressSpace } from '../memory/address-space';
import type { FrameRegisters, ReadMemory } from '../symbols/api';
import type { Xv6 } from '../xv6/kernel';
import type { MappedProgram } from './mapped-program';
import type { Program, Programs } from './programs';

export interface Guest {
  readonly machine: MachineApi;
  readonly harts: readonly Hart[];
  /** The kernel. */
  readonly image: MappedProgram;
  /** The user programs. */
  readonly programs: Programs;
  readonly xv6: Xv6;
  /**
   * Whose code a hart is about to execute: in user mode its program's, else the kernel's, as on the trampoline page.
   * Undefined for code of which nothing is known.
   */
  imageAt(hart: Hart): MappedProgram | undefined;
  /** The same for another address in the hart's mode and address space. */
  imageOf(hart: Hart, pc: bigint): MappedProgram | undefined;
  /** The program whose code lies at `pc` by the user page table with its root page at a physical address. */
  userImage(root: bigint, pc: bigint): MappedProgram | undefined;
  /** The user program that a hart runs; undefined while it runs the kernel, and for a program that is none of ours. */
  programOn(hart: Hart): Program | undefined;
  /** The physical address of the page table in satp; undefined without one. */
  userRoot(hart: Hart): bigint | undefined;
  /** Reads memory as a hart sees it now. */
  read(hart: Hart): ReadMemory;
  /** Memory as a hart sees it now. */
  space(hart: Hart): AddressSpace;
  /** A hart's registers as those of its innermost frame. */
  frame(hart: Hart): FrameRegisters;
}
