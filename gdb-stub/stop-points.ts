/**
 * Where the machine stops for gdb: breakpoints (packets Z0 and Z1) and watchpoints (Z2 to Z4). As on QEMU a breakpoint is on a virtual
 * address, in whatever address space and on whichever hart it is executed.
 *
 * gdb wants to go on with one hart alone where it takes a breakpoint out to get over it, and puts others in for its steps. Here no
 * hart is ever held, as a run with harts held could not be repeated. So the others run on with the breakpoints that they had
 * when all harts ran.
 */
import type { DataEvent, Hart, MachineApi, Stop, Subscription, Watch } from '../emulator/types';
import { type Watchpoint, Watchpoints } from './watchpoints';

/** A type of the packets Z and z. */
export const enum PointType {
  software,
  hardware,
  write,
  read,
  access,
}

/** More than anybody sets, and few enough to look at with each run. */
const MOST_POINTS = 1000;
/** Bytes of the longest watchpoint. */
const LONGEST_WATCH = 0x10000;

const ACCESS: Readonly<Record<number, Watch['access']>> = {
  [PointType.write]: 'write',
  [PointType.read]: 'read',
  [PointType.access]: 'readWrite',
};
const WATCH_NAMES: Readonly<Record<Watch['access'], string>> = { write: 'watch', read: 'rwatch', readWrite: 'awatch' };

interface Point {
  readonly type: PointType;
  readonly address: bigint;
  readonly length: number;
}

/** A stop that gdb is told of. */
export interface Hit {
  readonly hart: number;
  /** What the answer says besides the thread: of a watchpoint `watch:ADDRESS;`. */
  readonly detail: string;
}

export class StopPoints {
  private readonly points = new Map<string, Point>();
  private readonly subscription: Subscription;
  private readonly watchpoints: Watchpoints;
  /** Addresses of breakpoints: for harts that gdb lets run, and for the others. */
  private breakpoints: ReadonlySet<bigint> = new Set();
  private others: ReadonlySet<bigint> = new Set();
  private resumed: ReadonlySet<number> = new Set();

  constructor(machine: MachineApi) {
    this.watchpoints = new Watchpoints(machine);
    this.subscription = machine.subscribe({
      execute: () => true,
      appliesTo: (hart, address) => this.applies(hart, address),
    });
  }

  /** False if there is no such type, or are too many. */
  add(point: Point): boolean {
    if (point.type in ACCESS && (point.length < 1 || point.length > LONGEST_WATCH)) return false;
    if (this.points.size >= MOST_POINTS) return false;
    this.points.set(keyOf(point), point);
    return true;
  }

  /** False if there is none. */
  remove(point: Point): boolean {
    return this.points.delete(keyOf(point));
  }

  clear(): void {
    this.points.clear();
  }

  /** Puts them in force for a run of these harts, to which gdb has brought a hart to `through` as well. */
  begin(resumed: ReadonlySet<number>, isAll: boolean): void {
    const points = [...this.points.values()];
    this.breakpoints = new Set(points.filter(({ type }) => !(type in ACCESS)).map(({ address }) => address));
    if (isAll) this.others = this.breakpoints;
    this.resumed = resumed;
    this.subscription.setAddresses([...this.breakpoints, ...this.others]);
    this.watchpoints.set(
      points.flatMap(({ type, address, length }): Watchpoint[] => {
        const access = ACCESS[type];
        return access === undefined ? [] : [{ access, address, length }];
      }),
    );
  }

  /** The machine has been put into another state. */
  moved(): void {
    this.watchpoints.follow();
  }

  /** What the machine has stopped for, if that is one of these. */
  hit(stop: Stop, hartOf: (id: number) => Hart): Hit | undefined {
    if (stop.kind === 'breakpoint')
      return this.applies(hartOf(stop.hart), stop.pc) ? { hart: stop.hart, detail: '' } : undefined;
    return stop.kind === 'data' ? this.watched(stop.events) : undefined;
  }

  /** Nothing stops for gdb any more. */
  end(): void {
    this.subscription.end();
    this.watchpoints.end();
  }

  private watched(events: readonly DataEvent[]): Hit | undefined {
    const watchpoint = this.watchpoints.hit(events);
    if (watchpoint === undefined) return undefined;
    const name = WATCH_NAMES[watchpoint.access];
    const hart = events.find((event) => event.hart !== undefined)?.hart ?? 0;
    return { hart, detail: `${name}:${watchpoint.address.toString(16).padStart(16, '0')};` };
  }

  private applies({ id }: Hart, address: bigint): boolean {
    return (this.resumed.has(id) ? this.breakpoints : this.others).has(address);
  }
}

const keyOf = ({ type, address, length }: Point): string =>
  type in ACCESS ? `${type} ${address} ${length}` : `${type} ${address}`;
