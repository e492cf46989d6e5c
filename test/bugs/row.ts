/**
 * Bugs that students make with page tables, each planted in the sample kernel (sample/kernel/bug.h), and what the debugger must
 * show of it: where, and which words. The numbers are those of `make BUG=n`.
 */

/** The kernels without a bug that those with one are compared with; '' is the sample as it is. */
export const VARIANTS = [
  '',
  'KPT',
  'OWNSTACK',
  'USYSCALL',
  'SUPER',
  'LAZY',
  'COW',
  'MMAP',
  'ALARM',
  'VMPRINT',
] as const;
export type Variant = (typeof VARIANTS)[number];

/** `stop`: on the stop, unasked. `click`: one question or filter more. `not`: not shown. */
export type Where = 'stop' | 'click' | 'not';

export interface Row {
  readonly number: number;
  readonly bug: string;
  readonly variant: Variant;
  /** What is typed at the prompt; without it, the kernel comes to the symptom as it boots. */
  readonly run?: string;
  /** Harts, if it needs more than one. */
  readonly harts?: number;
  /** "tlb" in launch.json. */
  readonly tlb?: 'strict';
  /** Filters that are ticked beyond those that are on by default. */
  readonly filters?: readonly string[];
  /** The stop at which it is told, by its description, if others come before it. */
  readonly at?: RegExp;
  /** What is asked where nothing stops: the command “Check vmprint”, or a question in the debug console. */
  readonly question?: 'Check vmprint' | `$${string}`;
  readonly where: Where;
  /** The deciding evidence: all of these. */
  readonly shown: readonly RegExp[];
  /** What would mislead. */
  readonly never?: readonly RegExp[];
  /** Whether the words differ from run to run: harts take turns as keys come. */
  readonly varies?: boolean;
  /** Why it is not shown. */
  readonly why?: string;
}

const KERNEL_TABLES = 'one kernel page table per process';

export const LABS: Readonly<Record<Variant, string>> = {
  '': 'any lab',
  KPT: KERNEL_TABLES,
  OWNSTACK: `${KERNEL_TABLES}, which alone maps its kernel stack`,
  USYSCALL: 'a page shared with the program, and pgaccess',
  SUPER: 'superpages',
  LAZY: 'lazy allocation',
  COW: 'copy-on-write',
  MMAP: 'mmap',
  ALARM: 'alarms',
  VMPRINT: 'vmprint',
};
