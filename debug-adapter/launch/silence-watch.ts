/**
 * Notices that a guest has gone silent for good: all processes sleep, and nothing will wake any of them. Nobody can tell that from
 * how they sleep, since any address may be slept on and anybody may wake it; so it is tried out. A second machine goes on from
 * here, in which keys are typed and time passes, and if no process moves even there, none ever will. A shell at its prompt, a
 * sleep that ends some time and a pipe whose writer waits for a key all move. What the network will bring cannot be tried out: where
 * there is one, nothing is said.
 */
import { heldRequests, type HeldRequest } from '../../emulator/devices/held-requests';
import { hex } from '../../emulator/isa/hex';
import type { MachineApi } from '../../emulator/types';
import { memoryMap, rangeAt, type PhysicalRange } from '../memory/memory-map';
import { walkStack, type StackGuest } from '../stack/stack';
import { channelName, holderOf } from '../xv6/channel';
import { processOn } from '../xv6/cpus';
import { ENDED, named, parkedRegisters, processes, SLEEPING, type Process } from '../xv6/processes';

const SECOND = 10_000_000;
/** No user program has run for so long, in ticks, when the processes are looked at. */
const SILENT = 0.8 * SECOND;
/** When it is tried again, in ticks, after a time that a process did move: twice as long each time. */
const LATER = 2 * SECOND;
/**
 * How long it is tried, in ticks: xv6 wakes those who sleep for a time at every tick of its own. And in instructions: a guest that
 * is idle looks through its processes at each of these ticks, and no more.
 */
const TRIED = 5 * SECOND;
const MOST = 15_000_000;
const BUDGET = 50_000;
/** A line, and the end of the input: those who wait for the console get both. */
const KEYS = ['\r', '\u0004'];
/** Functions of a stack that are named. */
const CALLERS = 6;

type SilenceGuest = StackGuest;

export class SilenceWatch {
  private mark = -1;
  /** Since when no user program has run, and when the processes are looked at, in ticks. */
  private since = 0;
  private next = 0;
  private pause = LATER;
  private scout: MachineApi | undefined;

  constructor(
    private readonly guest: SilenceGuest,
    /** Makes another machine like the guest's, of which nobody sees or hears. */
    private readonly another: () => MachineApi,
  ) {}

  /** The machine stands elsewhere. */
  clear(): void {
    this.mark = -1;
  }

  /** Between two runs of the machine. Returns who sleeps and on what, once, if that is how it will stay. */
  look(): string | undefined {
    const { machine, traps } = this.guest;
    const { now } = machine;
    if (machine.options.network !== undefined) return undefined;
    if (traps.seen !== this.mark || now < this.since) {
      this.mark = traps.seen;
      this.since = now;
      this.next = now + SILENT;
      this.pause = LATER;
      return undefined;
    }
    if (now < this.next) return undefined;
    const sleepers = this.sleepers();
    if (sleepers.length > 0 && !this.moves(sleepers)) {
      this.next = Infinity;
      return this.describe(sleepers);
    }
    this.next = now + this.pause;
    this.pause *= 2;
    return undefined;
  }

  /** All processes, if all of them sleep. */
  private sleepers(): Process[] {
    const { harts, xv6 } = this.guest;
    const alive = processes(xv6).filter(({ state }) => state !== ENDED);
    const rests = alive.every(({ state }) => state === SLEEPING) && harts.every((hart) => !processOn(xv6, hart));
    return rests ? alive : [];
  }

  /** Whether a process is ever resumed. Also true if that cannot be told. */
  private moves(sleepers: readonly Process[]): boolean {
    const scout = (this.scout ??= this.another());
    scout.restore(this.guest.machine.save());
    scout.replay([]);
    const resumed = sleepers.flatMap((process) => parkedRegisters(this.guest.xv6, process)?.pc ?? []);
    const watch = scout.subscribe({ execute: () => true });
    watch.setAddresses(resumed);
    try {
      return resumed.length === 0 || this.runs(scout);
    } finally {
      watch.end();
    }
  }

  private runs(scout: MachineApi): boolean {
    const [end, most] = [scout.now + TRIED, scout.executed + MOST];
    const keys = [...KEYS];
    while (scout.now < end) {
      if (scout.executed > most) return true;
      const stop = scout.run({ instructions: BUDGET });
      if (stop.kind === 'budget') continue;
      if (stop.kind !== 'idle') return true;
      const key = keys.shift();
      if (key !== undefined) scout.consoleInput(new TextEncoder().encode(key));
      else if (stop.until === Infinity) return false;
      scout.idleUntil(Math.min(stop.until, scout.now + SECOND / 10));
    }
    return false;
  }

  private describe(sleepers: readonly Process[]): string {
    const { machine } = this.guest;
    const seconds = ((machine.now - this.since) / SECOND).toFixed(1);
    const lines = sleepers.map((process) => this.sleeper(process, sleepers));
    const heading = `nothing has run for ${seconds} s, and neither a key nor time will wake any process`;
    const requests = heldRequests(machine.save().state, machine.memory);
    const map = memoryMap(machine.memory);
    return [heading, ...lines, ...requests.map((request) => describeRequest(request, map))].join('\n');
  }

  private sleeper(process: Process, all: readonly Process[]): string {
    const { guest } = this;
    const frames = walkStack(guest, { kind: 'process', process }, 0);
    const calls = frames.slice(0, CALLERS).map(({ name }) => name);
    const on = process.channel === undefined ? 'what is not known' : channelName(guest.xv6, process.channel);
    const holder = process.channel === undefined ? undefined : holderOf(guest.xv6, process.channel);
    const until = waitsForChild(process, all) ? ', so until a child of its own exits' : heldBy(process, holder, all);
    return `${named(process)} sleeps on ${on}${until}: ${calls.join(' < ')}`;
  }
}

/** Who holds the lock that a process waits for; `all`: those that have not ended. */
export function heldBy(
  { pid }: Pick<Process, 'pid'>,
  holder: number | undefined,
  all: readonly Pick<Process, 'pid' | 'name'>[],
): string {
  if (holder === undefined) return '';
  if (holder === pid) return ', which it holds itself';
  const process = all.find((one) => one.pid === holder);
  return process === undefined ? `, held by pid ${holder}, which has ended` : `, which ${named(process)} holds`;
}

/** wait() sleeps on the process itself, as others may do that have no child. */
export const waitsForChild = (
  { pid, address, channel }: Pick<Process, 'pid' | 'address' | 'channel'>,
  all: readonly Pick<Process, 'parentPid'>[],
): boolean => channel === address && all.some(({ parentPid }) => parentPid === pid);

export function describeRequest(
  { sector, reads, data, status, answered }: HeldRequest,
  map: readonly PhysicalRange[],
): string {
  const place = (address: bigint): string => {
    const name = rangeAt(map, Number(address >> 12n))?.name ?? 'where nothing answers';
    return name === 'RAM' ? `PA ${hex(address)}` : `PA ${hex(address)}, which is ${name}`;
  };
  const state = answered ? 'has answered a request that the driver has not taken back' : 'still works on a request';
  const pieces = data.map(({ address, length }) => `${length} bytes ${reads ? 'to' : 'from'} ${place(address)}`);
  return `the disk ${state}: ${reads ? 'read' : 'write'} of sector ${sector}, ${pieces.join(', ')}; status to ${place(status)}`;
}
