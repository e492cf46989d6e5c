/** One line of a call stack. */
import type { MappedProgram } from '../code/mapped-program';
import type { AddressSpace } from '../memory/address-space';
import type { FrameRegisters } from '../symbols/api';
import type { Process } from '../xv6/processes';

export interface Frame {
  readonly id: number;
  /** The hart that is in the frame; undefined where a process is parked. */
  readonly hart: number | undefined;
  /** Registers of the machine frame; inlined frames share those of the function they are inlined in. */
  readonly registers: FrameRegisters;
  /** Undefined for code of which nothing is known, and for labels. */
  readonly image: MappedProgram | undefined;
  /** The memory that the frame's code sees. */
  readonly space: AddressSpace;
  /** On whose behalf the code runs. */
  readonly process?: Pick<Process, 'pid' | 'name'> | undefined;
  readonly isUser: boolean;
  /** Says what happened between the frames around it, and is none itself. */
  readonly isLabel: boolean;
  /** The linked address at which lines and variables are looked up: within the call, for a frame that called another. */
  readonly lookup: bigint;
  readonly name: string;
  /** As recorded by the compiler. */
  readonly file: string | undefined;
  readonly line: number;
  readonly column: number;
  /** Of the calls inlined at this place, innermost first, the index of the frame's; their number for the function itself. */
  readonly inlinedDepth: number;
}
