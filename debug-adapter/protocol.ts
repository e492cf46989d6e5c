/**
 * Our requests and events beside the Debug Adapter Protocol's own: the one file that the extension and the webviews
 * share with the debugger. Everything is JSON: 64-bit values are hexadecimal strings with 0x ("0x80000000").
 */

/** The launch configuration of type `xv6`. All optional: with no kernel, the built-in sample boots. */
export interface LaunchAttributes {
  /** Path of the kernel's ELF. */
  kernel?: string;
  /** Path of the file-system image, a multiple of 512 bytes. Writes are kept in it, as QEMU does. */
  disk?: string;
  /** QEMU's -snapshot: what the kernel writes to its disk is not kept in the image. */
  snapshot?: boolean;
  /** 1 to 8; default 3. */
  harts?: number;
  /** QEMU's words: "128M", "3G"; default "128M". */
  memory?: string;
  /** QEMU's virtio-mmio.force-legacy; default: true as in QEMU, what a kernel wants is not guessed; false for the sample. */
  legacyVirtio?: boolean;
  /** Command line that builds the lab. Run by the editor as a task, never by the adapter. */
  build?: string;
  /** Stop at the kernel's first instruction. */
  stopOnEntry?: boolean;
  /** Step in goes from a user program's ecall to the kernel's function for the system call; default true. False: over it. */
  stepIntoKernel?: boolean;
  /** Begin at the shell's first prompt, where an earlier boot of the same kernel and disk was saved; default true. */
  warmStart?: boolean;
  /** Prefixes to replace in recorded source paths, e.g. {"/build": "${workspaceFolder}"}. */
  sourceMap?: Record<string, string>;
  /** Folder in which the lab lies; relative paths of the others start here. */
  cwd?: string;
  noDebug?: boolean;
}

/** Ids of the exception-breakpoint filters. */
export type Filter =
  | 'page-fault'
  | 'kernel-trap'
  | 'system-call'
  | 'interrupt'
  | 'satp-write'
  | 'pte-store'
  | 'sfence'
  | 'panic'
  | 'context-switch'
  | 'process-create'
  | 'process-exec'
  | 'process-exit'
  | 'device-access';

/** Names of the custom requests and events, with the types of their arguments and answers. */
export interface Requests {
  /** From now on console output comes as `xv6.consoleOutput` and not as `output`; answers what was written so far. */
  'xv6.attachConsole': { arguments: Record<string, never>; response: { text: string } };
  /** Key strokes. */
  'xv6.consoleInput': { arguments: { text: string }; response: Record<string, never> };
  'xv6.pageTable': { arguments: PageTableArguments; response: PageTableModel };
  'xv6.translate': { arguments: TranslateArguments; response: TranslateResponse };
  /** Also answered while the guest runs. */
  'xv6.processes': { arguments: Record<string, never>; response: ProcessTable };
  /** Makes the editor show the stack of a thread, by another `stopped` event. */
  'xv6.showThread': { arguments: { threadId: number }; response: Record<string, never> };
  /** Stops once when the process is next switched to, or, with `on` false, no more. */
  'xv6.breakWhenRun': { arguments: { pid: number; on?: boolean }; response: Record<string, never> };
}

export interface Events {
  'xv6.consoleOutput': { text: string };
}

export interface ProcessTable {
  harts: HartSummary[];
  /** By pid. */
  processes: ProcessSummary[];
  /** Why there are none, in words: "there is no array proc of structures". */
  message?: string;
}

export interface HartSummary {
  hart: number;
  /** The thread of the protocol. */
  threadId: number;
  /** "pid 3 sh", "scheduler", "idle". */
  runs: string;
  pid?: number;
}

/** A process, as far as the kernel's own types tell. */
export interface ProcessSummary {
  pid: number;
  name: string;
  /** "SLEEPING". */
  state: string;
  /** Index in `proc`, and the address of its struct proc. */
  slot: number;
  address: string;
  /** The thread of the protocol: of its own, or of its hart while it runs. */
  threadId: number;
  /** Where it runs now. */
  hart?: number;
  parentPid?: number;
  /** Bytes of user memory. */
  size?: string;
  /** Its page tables, by the ids that `xv6.pageTable` takes; the user's first. */
  pageTables: { id: string; member: string; root: string }[];
  kernelStack?: string;
  /** What it sleeps on: the address, and its name in C. */
  channel?: { address: string; name: string };
  trapFrame?: { address: string; epc: string };
  files: OpenFile[];
  /** Inode number of the working directory. */
  workingDirectory?: number;
  /** `xv6.breakWhenRun` waits for it. */
  awaited: boolean;
}

export interface OpenFile {
  fd: number;
  /** Of its struct file. */
  address: string;
  /** "inode 5 (file, 120 bytes) at offset 0, read". */
  description: string;
}

export interface PageTableArguments {
  /** Id of a root from `PageTableModel.roots`; default `satp` of the hart. */
  root?: string;
  /** Default: the hart that stopped last. */
  hart?: number;
}

/** A page table that can be shown. */
export interface PageTableRoot {
  /** `satp`, `kernel`, or `pid:3`, `pid:3:kernel` for a process's own tables. */
  id: string;
  /** "satp of hart 1", "kernel_pagetable", "pid 3 sh". */
  label: string;
  /** Physical address of the root page, undefined if there is none now (paging off, process unused). */
  root?: string;
}

export interface PageTableModel {
  roots: PageTableRoot[];
  /** The one shown. */
  shown: PageTableRoot;
  /** Why there is nothing to show ("satp.MODE is Bare: hart 0 runs without paging"), in words. */
  message?: string;
  /** What has changed is relative to this stop; counts stops of the session. */
  stop: number;
  /** Top-level entries that are not zero. */
  entries: PteRun[];
  /** Leaves that are valid, and pages that the table itself takes. */
  leaves: number;
  tablePages: number;
  /** True if a limit cut the tree short, e.g. a cycle in a broken table. */
  truncated: boolean;
}

/** Bits of a PTE, in `PteRun.flags`. */
export { PTE } from '../emulator/isa/sv39';

/**
 * `count` neighbouring entries that differ only in that each maps the page after the one before it: same flags, same
 * region, same change. A pointer to a lower table always stands alone (count 1, with children).
 */
export interface PteRun {
  /** 2 for the root's entries, then 1, 0. */
  level: number;
  /** Index of the first entry in its table. */
  index: number;
  count: number;
  /** Of the first entry. Its table's physical address plus 8 times index is where the entry stands. */
  va: string;
  pte: string;
  pteAddress: string;
  pa: string;
  flags: number;
  /** What is there: "kernel text", "guard page", "trap frame", "UART". */
  region?: string;
  /** Why the entry is wrong in itself ("W without R is reserved", "points outside RAM"). */
  problem?: string;
  /** Relative to the stop before. A removed entry is shown with its old value. */
  change?: 'added' | 'removed' | 'changed';
  /** The value before, where changed. */
  before?: string;
  /** Of a changed entry: only A or D differ, which hardware sets by itself. */
  touchedOnly?: boolean;
  children?: PteRun[];
}

export interface TranslateArguments {
  /** A C expression, register or number, as `evaluate` takes it. */
  expression: string;
  frameId?: number;
  /** Default: the table by which the frame's code sees memory. */
  root?: string;
}

export interface TranslateResponse {
  /** The expression's value as C shows it, and its type. */
  value: string;
  type?: string;
  /** Undefined if the value is no address (a float, a size). */
  translation?: Translation;
  /** Of a page-table entry, what it says: "PTE 0x21fdd81f (V R W X U - - -: maps PA 0x87f76000)". */
  entry?: string;
}

export interface Translation {
  va: string;
  /** Physical address, if the walk ends in a leaf. */
  pa?: string;
  /** Whose table, e.g. "satp of hart 0", and the mode the access was judged in. */
  root: PageTableRoot;
  mode: 'U' | 'S' | 'M';
  /** "load ok, store ok, fetch fails: X=0". Also the level and bit at which the walk fails. */
  verdict: string;
  allowed: { load: boolean; store: boolean; fetch: boolean };
  region?: string;
  steps: WalkStep[];
  /** "→ PA 0x87f76000, V R W - - - A D (trap frame)", or "→ no translation: …": to be put after the value. */
  summary: string;
  /** All of it in words: the verdict, each step, the physical address. */
  rows: { name: string; text: string }[];
}

export interface WalkStep {
  level: number;
  index: number;
  pteAddress: string;
  /** Undefined where the entry lies outside memory. */
  pte?: string;
  /** "V R W - U - A D", for the eye. */
  flags: string;
  pa?: string;
  /** "next table", "leaf (4 KiB page)", "V=0: nothing is mapped here". */
  meaning: string;
}
