/**
 * What each hart does as a machine runs on: which process it executes, in which mode, or that it has nothing to do. Followed
 * by what changes it: traps and returns from them, the kernel's context switch, exec, and wfi in the kernel.
 */
import { isReturn } from '../../emulator/isa/instructions/calls';
import { instructionsFrom } from '../../emulator/isa/instructions/instruction-at';
import { X } from '../../emulator/isa/registers';
import { Mode, type Hart, type MachineApi, type Stop } from '../../emulator/types';
import { processIdOn } from '../xv6/cpus';
import { KernelEvents, type Named } from '../xv6/kernel-events';
import type { Xv6 } from '../xv6/kernel';
import { fileMemory } from '../symbols/container/file-memory';
import { NAMES } from '../xv6/names';
import { named } from '../xv6/processes';
import { Structure } from '../xv6/structure';
import type { Happened } from './happened';

/** Bytes of the longest context switch. */
const LONGEST = 512n;

/** What a hart does. */
export interface HartState {
  readonly does: 'user' | 'kernel' | 'machine' | 'idle';
  /** The process that it does it for, if the processes are known. */
  readonly process?: Named;
}

/** The states that have been seen, by number: each once. */
export class HartStates {
  readonly all: HartState[] = [];
  private readonly numbers = new Map<string, number>();

  number(state: HartState): number {
    const { does, process } = state;
    const key = `${does} ${process?.pid} ${process?.name}`;
    let number = this.numbers.get(key);
    if (number === undefined) {
      number = this.all.push(state) - 1;
      this.numbers.set(key, number);
    }
    return number;
  }
}

interface Watched {
  state: number;
  process: Named | undefined;
  /** It has called exec: it may have another name when it returns. */
  renamed: boolean;
  since: number;
}

export class HartWatch {
  /** Addresses at which the machine is to stop. */
  readonly addresses: readonly bigint[];
  private readonly events: KernelEvents;
  private readonly waits: ReadonlySet<bigint>;
  private readonly switches: ReadonlySet<bigint>;
  private harts: Watched[] = [];
  private inputs = 0;
  private readonly idle: number;

  constructor(
    private readonly machine: MachineApi,
    private readonly xv6: Xv6,
    private readonly states: HartStates,
  ) {
    this.events = new KernelEvents(xv6, (_hart, address, length) => xv6.read(address, length));
    this.idle = states.number({ does: 'idle' });
    this.waits = new Set(waitsOf(xv6));
    this.switches = new Set(switchesOf(xv6));
    this.addresses = [...this.events.addresses(new Set(['exec'])), ...this.waits, ...this.switches];
  }

  /** The machine has been put where it stands. */
  begin(): void {
    const { inputs, time: since } = this.machine.instant;
    this.inputs = inputs;
    this.harts = this.machine.harts.map((hart) => {
      const process = this.processOn(hart);
      return { state: this.states.number(stateOf(hart, process)), process, renamed: false, since };
    });
  }

  /** The number of the state that a hart is in. */
  stateOf(hart: number): number {
    return this.harts[hart]!.state;
  }

  processOf(hart: number): Named | undefined {
    return this.harts[hart]!.process;
  }

  /** The machine has stopped on its way. */
  passed(stop: Stop, happened: Happened): void {
    const { inputs } = this.machine.instant;
    if (inputs !== this.inputs) {
      // A debugger may have written anything.
      this.upTo(happened);
      this.begin();
    }
    this.lookAtIdle(happened);
    switch (stop.kind) {
      case 'trap':
        this.enters(stop.event.hart, stop.event.to === Mode.Machine ? 'machine' : 'kernel', happened);
        break;
      case 'trapReturn':
        this.returned(stop.event.hart, stop.event.to, happened);
        break;
      case 'breakpoint':
        this.at(this.machine.harts[stop.hart]!, happened);
        break;
    }
  }

  /** Accounts for the time up to now. */
  upTo(happened: Happened): void {
    this.lookAtIdle(happened);
    for (const hart of this.harts.keys()) this.account(hart, happened);
  }

  private returned(id: number, to: Mode, happened: Happened): void {
    const hart = this.harts[id]!;
    if (to !== Mode.User) {
      this.enters(id, to === Mode.Machine ? 'machine' : 'kernel', happened);
      return;
    }
    if (hart.renamed) hart.process = this.processOn(this.machine.harts[id]!);
    hart.renamed = false;
    this.enters(id, 'user', happened);
  }

  private at(hart: Hart, happened: Happened): void {
    if (this.waits.has(hart.pc)) {
      if (this.harts[hart.id]!.process === undefined) this.enters(hart.id, 'idle', happened);
      return;
    }
    const watched = this.harts[hart.id]!;
    if (this.switches.has(hart.pc)) {
      this.account(hart.id, happened);
      watched.process = this.processOn(hart);
      this.enters(hart.id, 'kernel', happened);
    } else if (this.events.at(hart)?.kind === 'exec') {
      watched.renamed = true;
    }
  }

  private enters(id: number, does: HartState['does'], happened: Happened): void {
    this.account(id, happened);
    const hart = this.harts[id]!;
    const { process } = hart;
    hart.state = this.states.number({ does, ...(process && { process }) });
  }

  private account(id: number, happened: Happened): void {
    const hart = this.harts[id]!;
    const { time } = this.machine.instant;
    happened.spend(id, hart.state, time - hart.since);
    hart.since = time;
  }

  /**
   * What nobody tells: a hart without a process goes round in the scheduler's loop, in kernels that have no wfi; or it is awake
   * again, and its turn has not come yet.
   */
  private lookAtIdle(happened: Happened): void {
    for (const [id, hart] of this.harts.entries()) {
      if (hart.process !== undefined) continue;
      const { waiting, spinning, mode } = this.machine.harts[id]!;
      const wasIdle = hart.state === this.idle;
      if (spinning) hart.state = this.idle;
      else if (wasIdle && !waiting) this.enters(id, mode === Mode.Machine ? 'machine' : 'kernel', happened);
    }
  }

  private processOn(hart: Hart): Named | undefined {
    const { proc, read } = this.xv6;
    const found = processIdOn(this.xv6, hart);
    if (found === undefined) return undefined;
    return { pid: found.pid, name: Structure.read(proc!.record, found.address, read)?.text('name') ?? '' };
  }
}

function stateOf(hart: Hart, process: Named | undefined): HartState {
  const does = hart.mode === Mode.User ? 'user' : hart.mode === Mode.Machine ? 'machine' : 'kernel';
  if (process === undefined && (hart.waiting || hart.spinning)) return { does: 'idle' };
  return { does, ...(process && { process }) };
}

/** "pid 3 sh in the kernel", "idle". */
export function stateText({ does, process }: HartState): string {
  if (does === 'idle') return 'idle';
  const where = does === 'user' ? 'in user mode' : does === 'machine' ? 'in machine mode' : 'in the kernel';
  return `${process ? named(process) : 'no process'}, ${where}`;
}

/**
 * Where the context switch has just changed the stack, from which on the hart executes the other process; where that is not
 * found, its last instruction.
 */
function switchesOf({ binary }: Xv6): bigint[] {
  const start = binary.symbol(NAMES.contextSwitch)?.address;
  if (start === undefined) return [];
  for (const { address, decoded } of instructionsFrom(fileMemory(binary.segments), start, start + LONGEST)) {
    if (decoded === undefined) break;
    if (decoded.instruction.access?.kind === 'load' && decoded.rd === X.sp) return [address + BigInt(decoded.length)];
    if (isReturn(decoded)) return [address];
  }
  return [];
}

/** Where the kernel waits for an interrupt. */
function waitsOf({ binary }: Xv6): bigint[] {
  const read = fileMemory(binary.segments);
  return binary.segments
    .filter(({ executable }) => executable)
    .flatMap(({ virtualAddress, bytes }) => [
      ...instructionsFrom(read, virtualAddress, virtualAddress + BigInt(bytes.length)),
    ])
    .filter(({ decoded }) => decoded?.instruction.name === 'wfi')
    .map(({ address }) => address);
}
