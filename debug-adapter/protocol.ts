/**
 * Our own requests and events, in addition to the Debug Adapter Protocol's: the only file that the extension and the
 * webviews share with the debugger. Everything is JSON: 64-bit values are hexadecimal strings with 0x ("0x80000000").
 */

import type { AddressArea, ComparedTable, ExposureModel, FramesModel, NamedInstant } from './protocol/page-tables';
import type { ProcessTable } from './protocol/processes';
import type { QueryAnswer } from './protocol/queries';
import type { Story, StoryArguments, StoryResponse } from './protocol/stories';
import type { VmprintCheck, VmprintFormat } from './protocol/vmprint';
import type { TimelineArguments, TimelineModel } from './protocol/timeline';

export type {
  AddressArea,
  ComparedTable,
  ExposureModel,
  FrameMapping,
  FrameRun,
  FramesModel,
  FrameUse,
  NamedInstant,
} from './protocol/page-tables';
export type { HartSummary, KernelStackSummary, OpenFile, ProcessSummary, ProcessTable } from './protocol/processes';
export type { QueryAnswer, QueryRow } from './protocol/queries';
export type {
  Story,
  StoryArguments,
  StoryEvent,
  StoryLine,
  StoryLink,
  StoryPast,
  StoryPlace,
  StoryResponse,
  StorySection,
  StoryStep,
  StoryTarget,
  StoryWalk,
} from './protocol/stories';
export type {
  TimelineArguments,
  TimelineLane,
  TimelineMark,
  TimelineModel,
  TimelineSpan,
  TimelineState,
} from './protocol/timeline';

export { VMPRINT_FORMATS, type VmprintCheck, type VmprintFormat, type VmprintProblem } from './protocol/vmprint';

/** The launch configuration of type `xv6`. Everything is optional: without a kernel, the built-in sample boots. */
export interface LaunchAttributes {
  /** Path of a recording (docs/recordings.md), to stand where it was made; instead of all attributes that say which machine runs. */
  recording?: string;
  /** Path of the kernel's ELF. */
  kernel?: string;
  /**
   * QEMU's -bios: path of a firmware, an ELF or a raw image, which starts the kernel in supervisor mode; "default" is OpenSBI. Default
   * "none": the kernel starts in machine mode.
   */
  bios?: string;
  /** Path of a raw image that is loaded after the firmware in place of the kernel's segments; `kernel` then has the symbols only. */
  image?: string;
  /** QEMU's -initrd: path of an initial RAM disk for the kernel. */
  initrd?: string;
  /** QEMU's -append: the kernel's command line, bootargs in the device tree. */
  append?: string;
  /** Path of the file-system image, a multiple of 512 bytes. The guest's writes go to this file, as in QEMU. */
  disk?: string;
  /** QEMU's -snapshot: the kernel's writes to its disk do not go to the image. */
  snapshot?: boolean;
  /** 1 to 8; default 3. */
  harts?: number;
  /** As QEMU writes it: "128M", "3G"; default "128M". */
  memory?: string;
  /** QEMU's virtio-mmio.force-legacy; default: true as in QEMU, without a guess at what the kernel needs; false for the sample. */
  legacyVirtio?: boolean;
  /** The virtio-mmio slot of the disk, 0 to 7: bus=virtio-mmio-bus.N of QEMU's -device; default 0. */
  diskSlot?: number;
  /**
   * The guest has an e1000 and a network as with QEMU's -netdev user; each entry is a port of 127.0.0.1 that leads to one of the
   * guest, as in hostfwd=: "udp::25999-:2000". Default: no card.
   */
  network?: string[];
  /** "strict": a TLB that forgets nothing until it is fenced (docs/tlb.md); default "off". */
  tlb?: 'off' | 'strict';
  /** With a strict TLB: which of a hart's legal freedoms it takes, and when. Default 0: none. */
  tlbSeed?: number;
  /**
   * Pairs of functions that allocate and free memory beside kalloc and kfree, for the rules for physical pages (docs/rules.md);
   * `size` as QEMU writes sizes, default "4K".
   */
  allocators?: { allocate?: string; free?: string; size?: string }[];
  /** The kernel's array of counts of references to pages, in C, for these rules; default: found by what is in it. */
  referenceCounts?: string;
  /** Command line that builds the lab. The editor runs it as a task; the adapter ignores it. */
  build?: string;
  /** Stop at the kernel's first instruction. */
  stopOnEntry?: boolean;
  /** Step in goes from a user program's ecall to the kernel's function for the system call; default true. If false, over it. */
  stepIntoKernel?: boolean;
  /** Start at the shell's first prompt, from the saved state of an earlier boot of the same kernel and disk; default true. */
  warmStart?: boolean;
  /** How much memory the past of the run may take, as QEMU writes sizes; default "512M". */
  historyMemory?: string;
  /** A port of 127.0.0.1 on which gdb may look at the same machine: "target remote :PORT". Default: none. */
  gdbPort?: number;
  /** Prefixes to replace in recorded source paths, e.g. {"/build": "${workspaceFolder}"}. */
  sourceMap?: Record<string, string>;
  /** Folder of the lab, to which other paths are relative. */
  cwd?: string;
  noDebug?: boolean;
}

/** Ids of the exception-breakpoint filters. */
export type Filter =
  | 'page-fault'
  | 'kernel-trap'
  | 'unresolved'
  | 'system-call'
  | 'interrupt'
  | 'satp-write'
  | 'pte-store'
  | 'sfence'
  | 'stale-translation'
  | 'panic'
  | 'context-switch'
  | 'process-create'
  | 'process-exec'
  | 'process-exit'
  | 'device-access'
  | 'page-freed-twice'
  | 'page-freed-mapped'
  | 'page-freed-table'
  | 'page-freed-root'
  | 'page-freed-foreign'
  | 'page-entry-foreign'
  | 'page-entry-code'
  | 'page-entry-superpage'
  | 'page-entry-beyond'
  | 'page-entry-shared'
  | 'page-reference-count'
  | 'page-written-shared'
  | 'page-lost'
  | 'page-used-freed';

/** Our custom requests, with the types of their arguments and responses. */
export interface Requests {
  /** From now on, console output is sent as `xv6.consoleOutput` instead of `output`. Returns the output so far. */
  'xv6.attachConsole': { arguments: Record<string, never>; response: { text: string } };
  /** Key strokes. */
  'xv6.consoleInput': { arguments: { text: string }; response: Record<string, never> };
  'xv6.pageTable': { arguments: PageTableArguments; response: PageTableModel };
  /** What each frame of RAM is for. */
  /** What is mapped while a program runs that it may not use: of the process of a user table, else of one that runs. */
  'xv6.exposure': { arguments: { root?: string }; response: ExposureModel };
  'xv6.frames': { arguments: Record<string, never>; response: FramesModel };
  /** Instants of the run to compare a table with: where it has stopped, bookmarks, its beginning. The latest first. */
  'xv6.instants': { arguments: Record<string, never>; response: { instants: NamedInstant[] } };
  /** Stops whenever a page-table entry changes but in A and D; `label` says whose it is. Returns all that are watched. */
  'xv6.watchEntry': {
    arguments: { pteAddress: string; label: string; on: boolean };
    response: { watched: string[] };
  };
  'xv6.translate': { arguments: TranslateArguments; response: TranslateResponse };
  /** Whether all numbers are shown in hexadecimal, as the editor's own format asks for single ones. */
  'xv6.setHexadecimal': { arguments: { hexadecimal: boolean }; response: { hexadecimal: boolean } };
  /** Also works while the guest runs. */
  'xv6.processes': { arguments: Record<string, never>; response: ProcessTable };
  /** Makes the editor show the stack of a thread, with another `stopped` event. */
  'xv6.showThread': { arguments: { threadId: number }; response: Record<string, never> };
  // The past. Each ends with a `stopped` event, as those of the protocol do.
  'xv6.stepBackInto': { arguments: { threadId: number; granularity?: 'instruction' }; response: Record<string, never> };
  /** To the line that has called the innermost function. */
  'xv6.stepBackOut': { arguments: { threadId: number }; response: Record<string, never> };
  /** To where a line of a source was reached last. */
  'xv6.runBackTo': { arguments: { threadId: number; path: string; line: number }; response: Record<string, never> };
  /**
   * To an instant by its name, as an event or another response has given it, or to the present; or to a virtual time in
   * instructions, as the timeline has them. `hart`: the one to be shown there; `description`: what is said of the stop.
   */
  'xv6.goTo': {
    arguments: { instant?: string; time?: number; hart?: number; description?: string };
    response: Record<string, never>;
  };
  /** Everything of a kind that happened before now, as the debug console takes it: `$calls(kalloc)` (docs/expressions.md). */
  'xv6.query': { arguments: { query: string; frameId?: number; most?: number }; response: QueryAnswer };
  /**
   * What the stop is about, at once; the past is then looked through while no other request has come, and `xv6.story` events
   * tell what is found. The machine stays where it is for all who ask.
   */
  'xv6.story': { arguments: StoryArguments; response: StoryResponse };
  /** A page table in one of the formats of the course's labs; `root` as in `xv6.pageTable`. */
  'xv6.vmprint': { arguments: { format: VmprintFormat; root?: string }; response: { text: string; label: string } };
  /** What is wrong with the page table that the guest has printed last, as that was then. */
  'xv6.checkVmprint': { arguments: Record<string, never>; response: VmprintCheck };
  /** What happened in the run. */
  'xv6.timeline': { arguments: TimelineArguments; response: TimelineModel };
  /**
   * To the instruction that wrote a variable, register, CSR or place in memory last, named as in `dataBreakpointInfo`; or,
   * with `again`, to the write before of what was asked for last.
   */
  'xv6.whoWrote': {
    arguments: { name?: string; variablesReference?: number; frameId?: number; again?: boolean };
    response: Record<string, never>;
  };
  /** To where the guest printed a line that the console shows; of several with the same text the latest is 0. */
  'xv6.whoPrinted': { arguments: { line: string; occurrence?: number }; response: { occurrences: number } };
  /**
   * The run from power on up to the present as the bytes of a recording (docs/recordings.md), which opens where the machine
   * stands; on request with the text of the sources that were found.
   */
  'xv6.record': { arguments: { sources?: boolean }; response: { base64: string } };
  /** The packets of the guest's network up to where the machine stands, as a file in the format of libpcap. */
  'xv6.packets': { arguments: Record<string, never>; response: { count: number; base64: string } };
  /** Whatever is changed from here on begins another future; what came after this instant stays among the bookmarks. */
  'xv6.branch': { arguments: Record<string, never>; response: Record<string, never> };
  'xv6.bookmarks': { arguments: Record<string, never>; response: { bookmarks: BookmarkInfo[] } };
  'xv6.setBookmark': { arguments: { name: string }; response: { id: number } };
  /** With the last one in an abandoned future, that is forgotten. */
  'xv6.removeBookmark': { arguments: { id: number }; response: Record<string, never> };
  /** If it lies in an abandoned future, the run goes on in that one, and the one of now is abandoned. Ends with `stopped`. */
  'xv6.goToBookmark': { arguments: { id: number }; response: Record<string, never> };
  /** Stops once when the kernel next switches to the process; with `on` false, cancels that. */
  'xv6.breakWhenRun': { arguments: { pid: number; on?: boolean }; response: Record<string, never> };
}

export interface Events {
  /**
   * Where the machine stands, at each stop: a name for the instant, milliseconds of virtual time from power on; and in the
   * past, how long before the present that is, in words.
   */
  'xv6.instant': { instant: string; milliseconds: number; past?: string };
  /** More is known of the story that `xv6.story` was asked for: all of it, in place of what was told before. */
  'xv6.story': Story;
  /** More is known of what `xv6.timeline` was last asked for, or all that there will be. */
  'xv6.timelineRead': Record<string, never>;
  /** Bookmarks have been added, removed, or now lie in another future. */
  'xv6.bookmarks': Record<string, never>;
  /** `replaces`: the machine is at another instant, and this is all of its output up to there. */
  'xv6.consoleOutput': { text: string; replaces?: boolean };
}

/** An instant by name: the user's own, or the end of a future that was left for another one. Times are milliseconds from power on. */
export interface BookmarkInfo {
  id: number;
  name: string;
  instant: string;
  milliseconds: number;
  /** The machine stands there. */
  isHere?: boolean;
  /** It lies in a future that was left: where that began and ended. */
  abandoned?: { from: number; to: number };
}

export interface PageTableArguments {
  /** Id of a root from `PageTableModel.roots`; default `satp` of the hart. */
  root?: string;
  /** Default: the hart that stopped last. */
  hart?: number;
  /** What the changes are compared with; default: the table as it was at the last stop at which it was shown. */
  compare?: ComparedTable;
}

/** A page table that can be shown. */
export interface PageTableRoot {
  /** `satp`, `kernel`, or `pid:3`, `pid:3:kernel` for a process's own tables. */
  id: string;
  /** "satp of hart 1", "kernel_pagetable", "pid 3 sh". */
  label: string;
  /** Physical address of the root page; undefined if there is none now (paging off, process unused). */
  root?: string;
}

export interface PageTableModel {
  roots: PageTableRoot[];
  /** The table that is shown. */
  shown: PageTableRoot;
  /** Why there is nothing to show: "satp.MODE is Bare: hart 0 runs without paging". */
  message?: string;
  /** The number of the stop with which changes are compared, counted in the session. */
  stop: number;
  /** What the changes are compared with, if that was asked for: "pid 2 sh", "pid 3 sh, 4.31 ms ago". */
  compared?: string;
  /** Entries of the root table that are not zero. */
  entries: PteRun[];
  /** The whole address space in the order of its addresses, for a drawing. */
  areas: AddressArea[];
  /** Physical addresses of the entries at whose changes the machine stops, in all tables. */
  watched: string[];
  /** Numbers of valid leaves, and of pages of the table itself. */
  leaves: number;
  tablePages: number;
  /** True if the tree exceeds a limit, e.g. because of a cycle in a broken table. */
  truncated: boolean;
}

/** Bits of a PTE, in `PteRun.flags`. */
export { PTE } from '../emulator/isa/sv39';

/**
 * `count` neighbouring entries that map consecutive pages, with the same flags, region and change. A pointer to a lower
 * table is always a run of its own (count 1, with children).
 */
export interface PteRun {
  /** 2 for the root's entries, then 1, 0. */
  level: number;
  /** Index of the first entry in its table. */
  index: number;
  count: number;
  /** Physical address of the first entry: that of its table plus 8 times its index. */
  va: string;
  pte: string;
  pteAddress: string;
  pa: string;
  flags: number;
  /** The region's name: "kernel text", "guard page", "trap frame", "UART". */
  region?: string;
  /** Why the entry is wrong in itself ("W without R is reserved", "points outside RAM"). */
  problem?: string;
  /** Compared with the stop before. A removed entry has its old value. */
  change?: 'added' | 'removed' | 'changed';
  /** The value before, if changed. */
  before?: string;
  /** Of a changed entry: only A or D differ, which hardware sets by itself. */
  touchedOnly?: boolean;
  children?: PteRun[];
}

export interface TranslateArguments {
  /** A C expression, register or number, as `evaluate` takes it. */
  expression: string;
  frameId?: number;
  /** Default: the table of the frame's address space. */
  root?: string;
}

export interface TranslateResponse {
  /** The expression's value as text, and its type. */
  value: string;
  type?: string;
  /** Undefined if the value is no address (a float, a size). */
  translation?: Translation;
  /** In the other tables that can be meant. */
  others?: Translation[];
}

export interface Translation {
  va: string;
  /** Physical address, if the walk ends in a leaf. */
  pa?: string;
  /** The table, e.g. "satp of hart 0", and the mode of the access. */
  root: PageTableRoot;
  mode: 'U' | 'S' | 'M';
  /** "load ok, store ok, fetch fails: X=0". Also the level and bit at which the walk fails. */
  verdict: string;
  allowed: { load: boolean; store: boolean; fetch: boolean };
  region?: string;
  steps: WalkStep[];
  /** "→ PA 0x87f76000, V R W - - - A D (trap frame)", or "→ no translation: …", for showing after the value. */
  summary: string;
  /** Everything as text: the verdict, each step, the physical address. */
  rows: { name: string; text: string }[];
}

export interface WalkStep {
  level: number;
  index: number;
  pteAddress: string;
  /** Undefined if the entry is outside memory. */
  pte?: string;
  /** "V R W - U - A D". */
  flags: string;
  pa?: string;
  /** "next table", "leaf (4 KiB page)", "V=0: nothing is mapped here". */
  meaning: string;
}
