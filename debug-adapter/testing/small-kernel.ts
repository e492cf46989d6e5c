/**
 * For tests: a kernel of a few instructions on a real machine, with the variables and tables of the test kernel, for what is told
 * by what a hart did. It runs in supervisor mode, for pid 3 sh.
 */
import { Timeline } from '../../emulator/history/timeline';
import { PTE } from '../../emulator/isa/sv39';
import { isEnvironmentCall } from '../../emulator/isa/trap-kinds';
import { Machine } from '../../emulator/machine';
import { Assembler, BASE, elf, toSupervisor } from '../../emulator/testing/guests';
import { PageTables, RWX } from '../../emulator/testing/page-tables';
import { Mode, type TrapEvent } from '../../emulator/types';
import { MappedProgram } from '../code/mapped-program';
import type { Sources } from '../code/sources';
import { findMember } from '../expressions/types';
import type { Settings } from '../launch/attributes';
import { Debuggee } from '../launch/debuggee';
import type { Segment } from '../symbols/api';
import { CPUS, guestKernel, KERNEL_PAGETABLE, PROC } from './xv6-kernel';

export const PANIC = 0x80000500n;
/** The kernel's text and data end here; tables, and the page that the program has at 0. */
const [TEXT_END, DATA_END, TABLES, USER_PAGE] = [0x80010000n, 0x80020000n, 0x80020000, 0x80030000];
/** RAM that nobody has: two pages for whoever needs them. */
export const [PAGE, OTHER_PAGE] = [0x80040000n, 0x80041000n];
const RAM = 2 ** 22;

/** Code whose labels are functions. */
export class KernelCode extends Assembler {
  readonly names: string[] = [];

  /** Up to here goes the function before. */
  function(name: string): this {
    this.names.push(name);
    return this.label(name);
  }

  /** Zeroes, which are no instructions. */
  skipTo(address: bigint): this {
    while (BigInt(this.here) < address) this.half(0);
    return this;
  }
}

export type WriteCode = (code: KernelCode, kernel: SmallKernel) => void;

export interface SmallKernelOptions {
  /** Without it, addresses are physical. */
  readonly isPaged?: boolean;
  /** What pid 3 runs, from 0 on. */
  readonly user?: (code: Assembler) => void;
  /** Adds to the tables of the kernel and of pid 3, which has its code, and 0x1000 at `PAGE`. */
  readonly map?: (tables: PageTables, roots: { readonly kernel: number; readonly user: number }) => void;
}

export class SmallKernel {
  readonly machine: Machine;
  readonly guest: Debuggee;
  readonly timeline: Timeline;
  /** Physical addresses of root pages. */
  readonly kernel: number;
  readonly user: number;
  readonly tables = new PageTables(TABLES);
  /** Where proc[5].sz lies, a variable of eight bytes that is 0. */
  readonly variable: bigint;

  /** `write`: the code from where the kernel begins in supervisor mode. The function panic, which goes on for ever, is added to it. */
  constructor(write: WriteCode, { isPaged = false, user, map }: SmallKernelOptions = {}) {
    const { tables } = this;
    this.kernel = tables.table();
    this.user = tables.table();
    tables.map(this.kernel, BASE, BASE, RWX, RAM / 2 ** 21, 1);
    // As the trampoline page is, so that the kernel can go on in the program.
    tables.map(this.user, BASE, BASE, RWX);
    tables.map(this.user, 0, USER_PAGE, RWX | PTE.U);
    tables.map(this.user, 0x1000, Number(PAGE), RWX | PTE.U);
    map?.(tables, this);

    const { program, proc, set } = guestKernel();
    this.variable = PROC + BigInt(5 * proc.size + findMember(proc, 'sz')!.offset);
    const code = new KernelCode();
    toSupervisor(code, isPaged ? tables.satp(this.kernel) : 0n);
    code.names.push('supervisor');
    write(code, this);

    if (BigInt(code.here) > PANIC) throw new Error('the code reaches into panic');
    const starts = [...code.names.map((name) => code.addressOf(name)), code.here].map(BigInt);
    code.names.forEach((name, index) => program.addFunction(name, starts[index]!, starts[index + 1]!, undefined));
    code.skipTo(PANIC).label('panic').to('panic', 'jal');
    program.bytes.set(code.image());
    set(2, { pagetable: BigInt(this.user) });
    program.poke(KERNEL_PAGETABLE, BigInt(this.kernel));
    program.poke(CPUS + 8n, PROC + BigInt(2 * proc.size));
    const segment = (start: bigint, end: bigint, executable: boolean): Segment => ({
      ...{ virtualAddress: start, physicalAddress: start, memorySize: end - start, readable: true, executable },
      ...{ writable: !executable, bytes: program.bytes.subarray(Number(start) - BASE, Number(end) - BASE) },
    });
    program.segments.push(segment(BigInt(BASE), TEXT_END, true), segment(TEXT_END, DATA_END, false));

    const image = new Uint8Array(USER_PAGE - BASE + 4096);
    image.set(program.bytes);
    image.set(tables.bytes(), TABLES - BASE);
    const own = new Assembler();
    user?.(own);
    image.set(own.image(), USER_PAGE - BASE);
    this.machine = new Machine({ harts: 1, memory: RAM, legacyVirtio: false, kernel: elf(image) });
    const settings = { allocators: [], stepIntoKernel: false } as unknown as Settings;
    this.guest = new Debuggee(settings, this.machine, new MappedProgram(program), [], {} as Sources, () => undefined);
    const learned = { save: () => ({}), restore: () => undefined, passed: () => undefined };
    const clock = { now: () => 0, soon: (action: () => void) => action() };
    this.timeline = new Timeline(this.machine, learned, clock, 2 ** 28);
  }

  /** Physical address of the entry for `va` in the table of pid 3. */
  entryOf(va: bigint): bigint {
    return BigInt(this.tables.entryAt(this.user, va, 0));
  }

  /** Runs to where the hart is about to take an exception in supervisor mode, the `count`th of them. */
  untilTrap(count = 1): TrapEvent {
    let left = count;
    const isIt = (event: TrapEvent): boolean =>
      event.to === Mode.Supervisor && !event.interrupt && !isEnvironmentCall(event);
    const subscription = this.machine.subscribe({ trap: isIt });
    try {
      for (;;) {
        const stop = this.run();
        if (stop.kind === 'trap' && --left === 0) return stop.event;
      }
    } finally {
      subscription.end();
    }
  }

  /** Runs to where panic is called. */
  untilPanic(): void {
    const subscription = this.machine.subscribe({ execute: () => true });
    subscription.setAddresses([PANIC]);
    while (this.run().kind !== 'breakpoint');
    subscription.end();
  }

  private run(): ReturnType<Machine['run']> {
    const stop = this.machine.run({ instructions: 100_000 });
    this.timeline.ran(1);
    if (stop.kind === 'budget') throw new Error(`pc is ${this.machine.harts[0]!.pc.toString(16)}, and nothing happens`);
    return stop;
  }
}
