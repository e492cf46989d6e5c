/**
 * Data breakpoints: stops when bytes are read or written. Each is bound to physical memory, which the machine watches; so it
 * catches a write through any mapping: a program's, the kernel's own, a device's access.
 *
 * One in a user program's memory follows the address: whenever the table changes, it watches the page that is mapped there
 * now, and ignores user code in other address spaces, since other programs may share the page. One set by physical address
 * stays where it is.
 */
import { hex } from '../../emulator/isa/hex';
import { wordsOf } from '../dap/errors';
import { Csr } from '../../emulator/isa/csrs';
import { Mode, type DataEvent, type Hart, type MachineApi, type State, type Stop } from '../../emulator/types';
import type { Subscription, Watch } from '../../emulator/types';
import {
  decideHit,
  type ConditionEvaluator,
  type SyntaxCheck,
  type BreakpointOptions,
  type HitDecision,
  type Overlay,
} from './conditions';
import { type CountedRun, type Hits, note, restoredHits, savedHits } from './hits';
import { RUN_ON, type Decision } from './stops';

const PAGE = 4096n;

export type WatchedAccess = 'read' | 'write' | 'readWrite';

export interface DataBreakpointSpec extends BreakpointOptions {
  dataId: string;
  accessType: WatchedAccess;
}

/** Who sets data breakpoints: the client, and whoever watches page-table entries. Neither replaces the other's. */
type Owner = 'client' | 'entries';

/** Bytes in an address space, and how to show them. */
export interface DataLocation {
  /** The user's name for it: "proc[3].state". */
  label: string;
  address: bigint;
  bytes: number;
  /** The current physical address of an address; undefined if it is not mapped. */
  physical(address: bigint): bigint | undefined;
  /** Root of the user page table of the address; undefined for memory that all address spaces share. */
  userRoot?(): bigint | undefined;
  /** The bytes as a value: "RUNNABLE". */
  show(bytes: Uint8Array): string;
}

export interface DataBreakpoint extends Hits {
  readonly id: number;
  readonly spec: DataBreakpointSpec;
  /** Also stop at stores that change nothing. */
  every: boolean;
  location: DataLocation | undefined;
  message?: string;
  watches: readonly Watch[];
}

/** The guest to which data breakpoints are bound. */
export interface DataGuest {
  machine: MachineApi;
  /** Physical addresses of the roots of all known page tables. */
  tableRoots(): Iterable<bigint>;
  /** The location of a data id. Throws an Error that says why there is none. */
  placeOf(dataId: string): DataLocation;
  /** Who made the access: "sd at 0x80001234 (wakeup+72 at proc.c:581), hart 1, pid 3 sh". */
  doer(event: DataEvent): string;
}

/** "every store", alone or before a condition: also stop at stores that change nothing. */
const EVERY = /^\s*every(?:\s+store)?\b\s*(?:(?:if|and|&&|:|,)\s*(.*))?$/is;

/** Parses a condition. */
export function dataCondition(text: string | undefined): { every: boolean; condition?: string } {
  const found = text === undefined ? undefined : EVERY.exec(text);
  const condition = (found ? (found[1] ?? '') : (text ?? '')).trim();
  return { every: found !== null && found !== undefined, ...(condition !== '' && { condition }) };
}

export class DataBreakpoints {
  /** Undefined before the first one. */
  run: CountedRun | undefined;
  private nextId = 1_000_000;
  private all: DataBreakpoint[] = [];
  private readonly specs: Record<Owner, readonly DataBreakpointSpec[]> = { client: [], entries: [] };
  private guest: DataGuest | undefined;
  private subscription: Subscription | undefined;
  private readonly byWatch = new Map<Watch, DataBreakpoint>();

  constructor(
    private readonly evaluator: ConditionEvaluator,
    private readonly problem: SyntaxCheck,
  ) {}

  get isEmpty(): boolean {
    return this.all.length === 0;
  }

  /**
   * Replaces all data breakpoints of one who sets them: the client by the protocol's request, or with a request of our own. One that
   * existed before keeps its id and its hits. Returns them.
   */
  set(specs: readonly DataBreakpointSpec[], owner: Owner = 'client'): DataBreakpoint[] {
    this.specs[owner] = specs;
    const old = new Map(this.all.map((one) => [JSON.stringify(one.spec), one]));
    this.all = [...this.specs.client, ...this.specs.entries].map((one) => {
      const key = JSON.stringify(one);
      const kept = old.get(key);
      old.delete(key);
      return kept ?? this.make(one);
    });
    this.watch();
    const ofClient = this.specs.client.length;
    return owner === 'client' ? this.all.slice(0, ofClient) : this.all.slice(ofClient);
  }

  /** What one who sets them has set last. */
  setBy(owner: Owner): readonly DataBreakpointSpec[] {
    return this.specs[owner];
  }

  /** Binds all of them to a machine. Returns those whose description has changed. */
  bind(guest: DataGuest): DataBreakpoint[] {
    this.guest = guest;
    this.subscription?.end();
    const follow = (): boolean => this.follow();
    this.subscription = guest.machine.subscribe({
      data: (event) => this.concerns(event),
      ...{ satpWrite: follow, fence: follow, tableStore: follow },
    });
    const changed = this.all.filter((breakpoint) => {
      const before = breakpoint.message;
      Object.assign(breakpoint, { hits: 0, reported: false, since: this.run?.instant });
      this.locate(breakpoint);
      return before !== breakpoint.message;
    });
    this.watch();
    return changed;
  }

  save(): State {
    return savedHits(this.all);
  }

  /**
   * What was counted, for a machine that is restored already: what is mapped now, and which tables there are, is looked up
   * again. Throws an Error, and changes nothing, if it is not what `save` made.
   */
  restore(state: State): void {
    const hitsOf = restoredHits('data breakpoints', state);
    for (const breakpoint of this.all) Object.assign(breakpoint, hitsOf(breakpoint.id));
    this.watch();
  }

  /** Whether any of them follows an address in a user page table. */
  private get following(): boolean {
    return this.all.some(({ location }) => location?.userRoot !== undefined);
  }

  /** Called when tables may have changed: watches the pages that are mapped now at the addresses to follow. Never stops. */
  private follow(): boolean {
    const moved = this.all.filter((one) => one.location?.userRoot && !sameBytes(one.watches, this.watchesOf(one)));
    if (moved.length > 0) this.watchBytes();
    return false;
  }

  /** Whether an access to watched bytes concerns any data breakpoint. */
  concerns(event: DataEvent): boolean {
    const breakpoint = this.byWatch.get(event.watch);
    const { location, every } = breakpoint ?? {};
    if (!location) return false;
    if (event.by === 'instruction' && location.userRoot && event.hart !== undefined) {
      const hart = this.guest!.machine.harts[event.hart]!;
      if (hart.mode === Mode.User && rootOf(hart) !== location.userRoot()) return false;
    }
    return event.access === 'read' || every === true || !equal(event.before, event.after);
  }

  decide(stop: Stop & { kind: 'data' }): Decision {
    const guest = this.guest;
    if (!guest) return RUN_ON;
    const byBreakpoint = new Map<DataBreakpoint, DataEvent[]>();
    for (const event of stop.events) {
      const breakpoint = this.byWatch.get(event.watch);
      if (breakpoint) byBreakpoint.set(breakpoint, [...(byBreakpoint.get(breakpoint) ?? []), event]);
    }
    const touched = [...byBreakpoint].map(([breakpoint, events]) => this.decideTouch(guest, breakpoint, events));
    const stopping = touched.filter(({ hit }) => hit.stop);
    const [first] = stopping;
    return {
      report: first && {
        hart: stop.events[0]?.hart ?? guest.machine.current,
        reason: 'data breakpoint',
        description: first.title,
        text: stopping.map(({ text }) => text).join('\n'),
        hitBreakpointIds: stopping.map(({ breakpoint }) => breakpoint.id),
      },
      logs: touched.flatMap(({ hit }) => hit.log ?? []),
      record: () => touched.forEach(({ breakpoint, hit }) => note(breakpoint, hit.after, this.run?.instant)),
    };
  }

  private decideTouch(
    guest: DataGuest,
    breakpoint: DataBreakpoint,
    events: readonly DataEvent[],
  ): { breakpoint: DataBreakpoint; hit: HitDecision; title: string; text: string } {
    const location = breakpoint.location!;
    const now = bytesOf(guest.machine, breakpoint.watches);
    const before = now.slice();
    let offset = 0;
    for (const watch of breakpoint.watches) {
      for (const event of events.filter((one) => one.watch === watch))
        before.set(event.before, offset + Number(event.address - watch.address));
      offset += watch.length;
    }
    const event = events[0]!;
    const hart = event.hart ?? guest.machine.current;
    const { condition, hitCondition, logMessage } = breakpoint.spec;
    const bare = dataCondition(condition).condition;
    const extras = {
      ...(bare && { condition: bare }),
      ...(hitCondition && { hitCondition }),
      ...(logMessage && { logMessage }),
    };
    const overlay: Overlay = now.length <= 8 ? { old: numberOf(before), new: numberOf(now) } : {};
    const hit = decideHit(this.evaluator, extras, breakpoint, hart, overlay);
    const change =
      event.access === 'read' ? `read, ${location.show(now)}` : `${location.show(before)} → ${location.show(now)}`;
    const title = hit.failure ?? `${location.label}: ${change}`;
    const alias = aliasText(event, location);
    const same = event.access === 'write' && equal(before, now) ? ' (the same value stored again)' : '';
    return { breakpoint, hit, title, text: `${title}${same}\n${guest.doer(event)}${alias}` };
  }

  private make(spec: DataBreakpointSpec): DataBreakpoint {
    const { every } = dataCondition(spec.condition);
    if (spec.hitCondition) this.run?.countsFromHere();
    const made: DataBreakpoint = {
      ...{ id: this.nextId++, spec, every: every || spec.accessType === 'readWrite', hits: 0 },
      ...{ location: undefined, watches: [], since: this.run?.instant },
    };
    this.locate(made);
    return made;
  }

  private locate(breakpoint: DataBreakpoint): void {
    const { spec } = breakpoint;
    breakpoint.location = undefined;
    delete breakpoint.message;
    try {
      if (!this.guest) throw new Error('The kernel is not loaded yet.');
      const { condition } = dataCondition(spec.condition);
      const problem = condition === undefined ? undefined : this.problem(condition);
      if (problem !== undefined) throw new Error(`The condition "${condition}" is not valid: ${problem}`);
      const location = this.guest.placeOf(spec.dataId);
      breakpoint.location = location;
      if (partsOf(location, this.guest.machine) === undefined && !location.userRoot) {
        breakpoint.location = undefined;
        throw new Error(`${location.label} is not in RAM now: nothing is mapped at ${hex(location.address)}.`);
      }
    } catch (error) {
      breakpoint.message = wordsOf(error);
    }
  }

  private watch(): void {
    this.watchBytes();
    this.subscription?.followTables(this.following ? this.guest?.tableRoots() : undefined);
  }

  private watchBytes(): void {
    this.byWatch.clear();
    for (const breakpoint of this.all) {
      breakpoint.watches = this.watchesOf(breakpoint);
      for (const watch of breakpoint.watches) this.byWatch.set(watch, breakpoint);
    }
    this.subscription?.setWatches(this.byWatch.keys());
  }

  /** The current watches of a data breakpoint; none if its location is not mapped, or not RAM. */
  private watchesOf({ location, spec: { accessType: access } }: DataBreakpoint): Watch[] {
    const parts = location && this.guest && partsOf(location, this.guest.machine);
    return parts?.map((part) => ({ ...part, access })) ?? [];
  }
}

/** The physical ranges of a location; undefined if a part of it is not mapped, or not RAM. */
export function partsOf(
  { address, bytes, physical }: DataLocation,
  { memory }: MachineApi,
): { address: bigint; length: number }[] | undefined {
  const parts: { address: bigint; length: number }[] = [];
  for (let at = address; at < address + BigInt(bytes);) {
    const end = at - (at % PAGE) + PAGE;
    const length = Number((end < address + BigInt(bytes) ? end : address + BigInt(bytes)) - at);
    const found = physical(at);
    if (found === undefined || memory.read(found, length) === undefined) return undefined;
    parts.push({ address: found, length });
    at += BigInt(length);
  }
  return parts;
}

function sameBytes(a: readonly Watch[], b: readonly Watch[]): boolean {
  return a.length === b.length && a.every((one, i) => one.address === b[i]!.address);
}

function bytesOf({ memory }: MachineApi, watches: readonly Watch[]): Uint8Array {
  return Uint8Array.from(watches.flatMap(({ address, length }) => [...(memory.read(address, length) ?? [])]));
}

function aliasText({ va, address, by }: DataEvent, location: DataLocation): string {
  if (by !== 'instruction' || va === undefined) return '';
  const within = va - location.address;
  if (within >= 0n && within < BigInt(location.bytes)) return '';
  return `, by the address ${hex(va)} (physical ${hex(address)})`;
}

const rootOf = (hart: Hart): bigint => ((hart.csr(Csr.satp) ?? 0n) & 0xfff_ffff_ffffn) << 12n;

const equal = (a: Uint8Array, b: Uint8Array): boolean => a.every((byte, index) => byte === b[index]);

function numberOf(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of [...bytes].reverse()) value = (value << 8n) | BigInt(byte);
  return value;
}
