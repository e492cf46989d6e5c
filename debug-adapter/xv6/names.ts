/**
 * The names that xv6 gives to the code by which the debugger knows where a thread is: trap vectors, handlers, the context
 * switch. Each name serves one feature; a kernel that lacks it loses that one, and features.ts says so.
 */
export const NAMES = {
  /** Stacks that the harts begin with, later their schedulers'. */
  bootStacks: 'stack0',
  /** The trampoline page's ways into the kernel and out of it. */
  userVector: 'uservec',
  userReturn: 'userret',
  /** Where traps of the kernel itself go. */
  kernelVector: 'kernelvec',
  /** Where uservec goes on to. */
  userTrap: 'usertrap',
  /** Of kernels whose timer is the machine mode's, which passes it on as a software interrupt. */
  timerVector: 'timervec',
  /** Where a new process begins in the kernel. */
  firstRun: 'forkret',
  contextSwitch: 'swtch',
  scheduler: 'scheduler',
  systemCall: 'syscall',
  /** The inline function that reads sepc. */
  readSepc: 'r_sepc',
  /** How the handlers of the timer give the hart up. */
  yield: 'yield',
  timerInterrupt: 'clockintr',
  deviceInterrupt: 'devintr',
  /** By which a block is read from the disk or written there: of a buffer, and whether to write. */
  diskRequest: 'virtio_disk_rw',
} as const;

/**
 * The system call that functions on a stack serve, innermost first, by the function that syscall has called: "read", or ''
 * where that does not tell; undefined where none is served.
 */
export function servedSystemCall(functions: readonly string[]): string | undefined {
  const call = functions.lastIndexOf(NAMES.systemCall);
  if (call < 0) return undefined;
  return /^sys_(.*)$/.exec(functions[call - 1] ?? '')?.[1] ?? '';
}

/** The device whose interrupt functions on a stack serve: drivers call theirs virtio_disk_intr, uartintr, e1000_intr. */
export function interruptingDevice(functions: readonly string[]): string | undefined {
  const general: readonly string[] = [NAMES.deviceInterrupt, NAMES.timerInterrupt];
  // The outermost of them is the device's.
  const found = functions.findLast((name) => /.intr$/.test(name) && !general.includes(name));
  return found?.replace(/_?intr$/, '').replaceAll('_', ' ');
}

/** Whether functions on a stack serve the timer: xv6 gives a hart up in its handlers for that only. */
export const servesTimer = (functions: readonly string[], handler: string): boolean =>
  functions[functions.lastIndexOf(handler) - 1] === NAMES.yield || functions.includes(NAMES.timerInterrupt);

/** What kfree and kalloc fill a page with, to make just this visible. */
const FREED = '01';
const FRESH = '05';

/** Whether a word is as kfree leaves those of a page, but for the first, by which free pages are chained. */
export const isFreedWord = (value: bigint): boolean => value === BigInt(`0x${FREED.repeat(8)}`);

const ALL_ONES = 0xffff_ffff_ffff_ffffn;

/** "0x9c" where all eight bytes of a word are that, and not 0. */
export function fillingByte(value: bigint): string | undefined {
  const byte = value & 0xffn;
  const isFilling = byte !== 0n && value === byte * 0x0101_0101_0101_0101n;
  return isFilling ? `0x${byte.toString(16).padStart(2, '0')}` : undefined;
}

/** What the bytes of a word say of the page that it was read from; undefined where they say nothing. */
export function pageFilling(value: bigint): string | undefined {
  const text = value.toString(16).padStart(16, '0');
  if (text.includes(FREED.repeat(6)))
    return `bytes of 0x${FREED} are what kfree fills a page with: this is memory that was freed`;
  if (text.includes(FRESH.repeat(6)))
    return `bytes of 0x${FRESH} are what kalloc fills a page with: this was never initialized`;
  const byte = fillingByte(value);
  return byte === undefined || value === ALL_ONES
    ? undefined
    : `all of its bytes are ${byte}, as in memory that was filled with them: pages that are freed or fresh often are`;
}

/** In C, whether a call of the function for disk requests, with these parameters, writes a block. */
export const blockWrites = ([buffer, write]: readonly { name: string }[], block: bigint): string =>
  `${buffer?.name ?? 'b'}->blockno == ${block} && ${write?.name ?? 'write'}`;
