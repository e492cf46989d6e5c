/** The user's specification of a breakpoint, and the locations to which it is bound. */
import type { MappedProgram } from '../code/mapped-program';
import type { Program } from '../code/programs';
import type { Sources } from '../code/sources';
import type { BreakpointOptions } from './conditions';

/** Where the user has set a breakpoint. */
export type BreakpointSpec = BreakpointOptions &
  (
    | { kind: 'line'; path: string; line: number; column?: number }
    | { kind: 'function'; name: string }
    /** Of the user program of that name; of whatever runs at the address if none is named. */
    | { kind: 'instruction'; address: bigint; program?: string }
  );

/** Where a breakpoint is, or why it is nowhere. */
export interface Binding {
  verified: boolean;
  message?: string;
  path?: string;
  /** The path as the debug information records it. */
  file?: string;
  line?: number;
  column?: number;
  locations: readonly LinkedLocation[];
}

/** An address as it was linked, and whose it is: an instruction breakpoint holds in whatever runs there. */
export interface LinkedLocation {
  address: bigint;
  owner: 'kernel' | 'any' | Program;
}

/** What breakpoints are bound to. */
export interface BindingTarget {
  /** The kernel. */
  image: MappedProgram;
  programs: readonly Program[];
  sources: Sources;
}
