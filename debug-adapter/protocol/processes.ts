/** What the request `xv6.processes` responds with: a part of the protocol (protocol.ts), by which it is seen. */

export interface ProcessTable {
  harts: HartSummary[];
  /** By pid. */
  processes: ProcessSummary[];
  /** Why there are none: "there is no array proc of structures". */
  message?: string;
}

export interface HartSummary {
  hart: number;
  /** Its thread in the protocol. */
  threadId: number;
  /** "pid 3 sh", "scheduler", "idle". */
  runs: string;
  pid?: number;
}

/** A process, according to the kernel's own types. */
export interface ProcessSummary {
  pid: number;
  name: string;
  /** "SLEEPING". */
  state: string;
  /** Index in `proc`, and the address of its struct proc. */
  slot: number;
  address: string;
  /** Its thread in the protocol: its own, or its hart's while it runs. */
  threadId: number;
  /** The hart that runs it now. */
  hart?: number;
  parentPid?: number;
  /** Bytes of user memory. */
  size?: string;
  /** Its page tables, with the ids for `xv6.pageTable`; the user table first. */
  pageTables: { id: string; member: string; root: string }[];
  kernelStack?: KernelStackSummary;
  /** What it sleeps on: the address, and its name in C. */
  channel?: { address: string; name: string };
  /** With its members, in order. */
  trapFrame?: { address: string; epc: string; members: { name: string; value: string }[] };
  /** The stack as exec built it: the address of argv, and the strings that it points to. */
  arguments?: { argv: string; strings: { address: string; text: string }[] };
  files: OpenFile[];
  /** Inode number of the working directory. */
  workingDirectory?: number;
  /** Whether `xv6.breakWhenRun` waits for it. */
  awaited: boolean;
}

export interface KernelStackSummary {
  /** Its lowest address. */
  address: string;
  /** Bytes: of the stack, from its top to the stack pointer, and to the lowest that was ever written, as far as its bytes tell. */
  size: number;
  used?: number;
  deepest?: number;
}

export interface OpenFile {
  fd: number;
  /** Address of its struct file. */
  address: string;
  /** "inode 5 (file, 120 bytes) at offset 0, read". */
  description: string;
}
