/** Queries over what the machine itself tells: writes of watched bytes, traps, switches of satp, lines that are reached. */
import { causeName, INTERRUPT_FLAG } from '../../emulator/isa/causes';
import { satpRoot } from '../../emulator/isa/sv39';
import { hex } from '../../emulator/isa/hex';
import {
  Mode,
  type DataEvent,
  type SatpEvent,
  type Stop,
  type Subscription,
  type TrapEvent,
} from '../../emulator/types';
import type { MappedProgram } from '../code/mapped-program';
import type { DataLocation } from '../run-control/data-breakpoints';
import { executed, written } from '../run-control/past/questions';
import { tableName } from '../xv6/tables';
import { fromBytes } from '../expressions/value';
import type { QueryCondition } from './condition';
import { beforeInstruction, executedScene, sceneOf, type AskedGuest, type Occurrence } from './occurrence';
import type { Candidate, Query } from './query';

const found = (occurrence: Occurrence): Candidate => ({ occurrence: () => occurrence });

/** Every write of a place in memory: an instruction's, or a device's. */
export function writesOf(
  guest: AskedGuest,
  location: DataLocation,
  ranges: readonly { address: bigint; length: number }[],
  condition: QueryCondition,
): Query {
  const { machine } = guest;
  const probe = written(machine, ranges);
  return {
    subject: `writes of ${location.label}`,
    failures: condition.failures,
    begin: () => probe.watch(),
    seen: (stop) => {
      const event = probe.found(stop);
      if (event === undefined) return undefined;
      const [before, after] = [event.before, event.after].map(fromBytes) as [bigint, bigint];
      if (!condition.holds(event.hart ?? machine.current, { old: before, new: after })) return undefined;
      return found(writeOccurrence(guest, location, event));
    },
  };
}

function writeOccurrence(guest: AskedGuest, { label, show }: DataLocation, event: DataEvent): Occurrence {
  const { machine } = guest;
  const [before, after] = [show(event.before), show(event.after)];
  const hart = event.hart === undefined ? undefined : guest.harts[event.hart];
  const byInstruction = event.by === 'instruction' && hart !== undefined;
  const scene = byInstruction
    ? executedScene(guest, hart, event.pc ?? hart.pc)
    : {
        ...{ instant: machine.instant, tick: machine.now, hart: undefined, process: undefined },
        place: { text: `${event.device ?? 'a device'} (DMA)` },
      };
  const parts = [
    { name: 'before', value: before },
    { name: 'after', value: after },
  ];
  return { ...scene, what: `${label}: ${before} → ${after}`, parts };
}

/** Every trap. In conditions, the registers that it is about to write have their new values. */
export function traps(guest: AskedGuest, condition: QueryCondition): Query {
  return {
    subject: 'traps',
    failures: condition.failures,
    begin: ending(() => guest.machine.subscribe({ trap: () => true })),
    seen: (stop) => {
      if (stop.kind !== 'trap') return undefined;
      const { event } = stop;
      const letter = event.to === Mode.Machine ? 'm' : 's';
      const cause = BigInt(event.cause) | (event.interrupt ? INTERRUPT_FLAG : 0n);
      const overlay = { [`${letter}cause`]: cause, [`${letter}tval`]: event.tval, [`${letter}epc`]: event.epc };
      return condition.holds(event.hart, overlay) ? found(trapOccurrence(guest, event)) : undefined;
    },
  };
}

function trapOccurrence(guest: AskedGuest, event: TrapEvent): Occurrence {
  const { hart, interrupt, cause, tval, epc } = event;
  const name = causeName(interrupt, cause);
  const text = interrupt || tval === 0n ? name : `${name} at ${hex(tval)}`;
  const parts = [
    { name: 'cause', value: name },
    { name: 'tval', value: hex(tval) },
    { name: 'epc', value: hex(epc) },
  ];
  return { ...sceneOf(guest, guest.harts[hart]!, epc), what: text, parts };
}

/** Every write of satp that changes it. */
export function satpSwitches(guest: AskedGuest, condition: QueryCondition): Query {
  return {
    subject: 'switches to another page table',
    failures: condition.failures,
    begin: ending(() => guest.machine.subscribe({ satpWrite: isSwitch })),
    seen: (stop) => {
      if (stop.kind !== 'satpWrite' || !isSwitch(stop.event)) return undefined;
      const { hart, pc, before, after } = stop.event;
      if (!condition.holds(hart, { old: before, new: after })) return undefined;
      const [from, to] = [before, after].map((satp) => tableText(guest, satp)) as [string, string];
      const scene = sceneOf(guest, guest.harts[hart]!, pc, beforeInstruction(guest.machine.instant));
      const parts = [
        { name: 'before', value: hex(before) },
        { name: 'after', value: hex(after) },
      ];
      return found({ ...scene, what: `${from} → ${to}`, parts });
    },
  };
}

const isSwitch = ({ before, after }: SatpEvent): boolean => before !== after;

function tableText({ xv6 }: AskedGuest, satp: bigint): string {
  const root = satpRoot(satp);
  return root === undefined ? 'no paging' : (tableName(xv6, root) ?? `the table at ${hex(root)}`);
}

/** A line's code in one of the programs. */
export interface LinePlace {
  readonly image: MappedProgram;
  readonly address: bigint;
}

/** Every time that a line was about to be run. Programs share addresses, so the program counts, too. */
export function runsOf(
  guest: AskedGuest,
  text: string,
  places: readonly LinePlace[],
  condition: QueryCondition,
): Query {
  const addresses = places.map(({ address }) => address);
  const probe = executed(guest.machine, addresses, (hart) => {
    const image = guest.imageAt(hart);
    return places.some((place) => place.address === hart.pc && place.image === image) ? hart : undefined;
  });
  return {
    subject: `runs of ${text}`,
    failures: condition.failures,
    begin: () => probe.watch(),
    seen: (stop: Stop) => {
      const hart = probe.found(stop);
      if (hart === undefined || !condition.holds(hart.id)) return undefined;
      return found({ ...sceneOf(guest, hart, hart.pc), what: text, parts: [] });
    },
  };
}

const ending = (subscribe: () => Subscription) => (): (() => void) => {
  const subscription = subscribe();
  return () => subscription.end();
};
