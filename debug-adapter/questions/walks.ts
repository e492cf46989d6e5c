/**
 * Walks by software that found nothing: `walkaddr`, `copyin`, `kvmpa` and a student's own read page tables as the hardware does,
 * but raise no page fault, so that nobody notices where they go. Whether a walk has found nothing is known only when the
 * outermost function that was given a table has returned: `mappages` finds no entry either, and then writes it.
 */
import { hex } from '../../emulator/isa/hex';
import { X } from '../../emulator/isa/registers';
import { satpRoot, toCanonical, walk, type Walk } from '../../emulator/isa/sv39';
import { Csr } from '../../emulator/isa/csrs';
import { Phase, type Instant } from '../../emulator/history/instant';
import type { Hart, Stop } from '../../emulator/types';
import { framesIn } from '../stack/frames-in';
import type { FunctionInfo, Variable } from '../symbols/api';
import { processOn } from '../xv6/cpus';
import { named, processes } from '../xv6/processes';
import { kernelTables, tableName, type KernelTable } from '../xv6/tables';
import type { QueryCondition } from './condition';
import { callPlace } from '../code/place-names';
import { calledBy, type AskedGuest, type Occurrence } from './occurrence';
import type { Candidate, Query } from './query';
import { tableFunctions, type TableFunction } from './table-functions';

/** Bytes of stack that functions which call one another take at most. */
const STACK = 8192n;

/** A walk that found no valid entry when it began. */
interface EmptyWalk {
  readonly walker: string;
  readonly found: Walk;
  readonly instant: Instant;
  readonly tick: number;
  readonly returnAddress: bigint;
  /** The table in force. */
  readonly inForce: bigint | undefined;
}

/** A function that has been given a table and has not returned. */
interface OpenCall {
  readonly thread: string;
  readonly sp: bigint;
  readonly hart: number;
  readonly returnAddress: bigint;
  readonly calledFrom: OpenCall | undefined;
  /** Its own, if it reads entries itself, and those of the functions that it has called. */
  readonly empty: EmptyWalk[];
}

export class EmptyWalks implements Query {
  readonly subject = 'walks by software that found no valid entry';
  private readonly entries = new Map<bigint, TableFunction>();
  private readonly returns = new Set<bigint>();
  private open: OpenCall[] = [];
  /** The stretch up to now has been looked through. */
  private isBefore = false;
  /** Where arguments are at the first instruction; 0 for nowhere. */
  private readonly registers = new Map<Variable, number>();
  /** What the last function that returned has shown. */
  private found: Candidate | undefined;

  constructor(
    private readonly guest: AskedGuest,
    private readonly condition: QueryCondition,
  ) {
    const { image } = guest;
    const functions = tableFunctions(image.binary);
    if (!functions.some(({ isWalker }) => isWalker))
      throw new Error('The kernel has no function with a pagetable_t and a uint64 among its parameters.');
    for (const one of functions) {
      for (const running of image.running(one.info.low)) this.entries.set(running, one);
      for (const running of one.returns.flatMap((address) => image.running(address))) this.returns.add(running);
    }
  }

  get failures(): QueryCondition['failures'] {
    return this.condition.failures;
  }

  /** Where the past is divided is chance: no stretch begins within a call, of which nothing would be known. */
  begin(isFirst: boolean): (() => void) | undefined {
    if (!isFirst && this.isWithinCall()) return undefined;
    this.open = [];
    const subscription = this.guest.machine.subscribe({
      execute: ({ hart, time }) => this.reached(this.guest.harts[hart]!, time),
    });
    subscription.setAddresses([...this.entries.keys(), ...this.returns]);
    return () => subscription.end();
  }

  private isWithinCall(): boolean {
    const functions = [...this.entries.values()].map(({ info }) => info);
    return framesIn(this.guest, functions).length > 0;
  }

  seen(stop: Stop): Candidate | undefined {
    return stop.kind === 'breakpoint' ? this.found : undefined;
  }

  /** Functions that have not returned by now, as at a panic, have done what they do; those of earlier stretches have not. */
  ended(): readonly Candidate[] {
    const isNow = !this.isBefore;
    this.isBefore = true;
    return isNow ? this.open.flatMap((call) => this.judged(call) ?? []) : [];
  }

  /** The machine stops only where something has been found: a kernel that boots walks 30,000 times. */
  private reached(hart: Hart, time: number): boolean {
    this.found = undefined;
    const { pc } = hart;
    if (this.guest.imageOf(hart, pc) !== this.guest.image) return false;
    const called = this.entries.get(pc);
    if (called !== undefined) this.called(hart, called, time);
    else if (this.returns.has(pc)) this.found = this.returned(hart);
    return this.found !== undefined;
  }

  private called(hart: Hart, called: TableFunction, time: number): void {
    const [sp, returnAddress] = [hart.x(X.sp), hart.x(X.ra)];
    const thread = this.threadOf(hart);
    // What lies as deep or deeper on the same stack has been left without a return.
    this.open = this.open.filter((one) => one.thread !== thread || one.sp > sp || sp - one.sp > STACK);
    const calledFrom = this.open.findLast((one) => one.thread === thread && one.sp - sp <= STACK && one.sp > sp);
    const own = called.isWalker && this.condition.holds(hart.id) ? this.walkNow(hart, called, time) : undefined;
    const empty = own === undefined ? [] : [own];
    this.open.push({ thread, sp, hart: hart.id, returnAddress, calledFrom, empty });
  }

  private walkNow(hart: Hart, { info, table, va }: TableFunction, time: number): EmptyWalk | undefined {
    const { guest } = this;
    const [root, address] = [table, va].map((variable) => this.given(hart, info, variable));
    const found = root === undefined || address === undefined ? undefined : this.walk(root, address);
    if (found === undefined || found.leaf !== undefined) return undefined;
    const { machine } = guest;
    const inForce = satpRoot(hart.csr(Csr.satp) ?? 0n);
    return {
      ...{ walker: info.name, found, tick: machine.now, returnAddress: hart.x(X.ra), inForce },
      instant: { inputs: machine.instant.inputs, time, phase: Phase.fetched },
    };
  }

  /** What a function has been given, at its first instruction. */
  private given(hart: Hart, info: FunctionInfo, variable: Variable): bigint | undefined {
    const { guest } = this;
    let register = this.registers.get(variable);
    if (register === undefined) {
      // Before the prologue arguments are where the calling convention has them.
      const place = info.parameters.findIndex(({ name }) => name === variable.name);
      const frame = guest.image.linkedFrame(guest.frame(hart));
      const located = guest.image.binary.locate(variable, frame, guest.read(hart));
      register = info.low !== info.bodyStart ? X.a0 + place : located.kind === 'register' ? located.register : 0;
      this.registers.set(variable, register);
    }
    return register === 0 ? undefined : hart.x(register);
  }

  private returned(hart: Hart): Candidate | undefined {
    const [sp, returnAddress] = [hart.x(X.sp), hart.x(X.ra)];
    const thread = this.threadOf(hart);
    const call = this.open.find((one) => one.thread === thread && one.sp === sp && one.returnAddress === returnAddress);
    if (call === undefined) return undefined;
    this.open = this.open.filter((one) => one !== call);
    const { calledFrom, empty } = call;
    if (calledFrom === undefined || !this.open.includes(calledFrom)) return this.judged(call);
    calledFrom.empty.push(...empty);
    return undefined;
  }

  /** The outermost function has done what it does: what has no entry even now has none. */
  private judged(call: OpenCall): Candidate | undefined {
    const [first, ...more] = call.empty.filter(({ found }) => this.walk(found.root, found.va).leaf === undefined);
    if (first === undefined) return undefined;
    const told = this.told(call, first, more.length);
    return { occurrence: () => told };
  }

  private told(
    call: OpenCall,
    { walker, found, returnAddress, instant, tick, inForce }: EmptyWalk,
    more: number,
  ): Occurrence {
    const { guest } = this;
    const { image, xv6 } = guest;
    const hart = guest.harts[call.hart]!;
    let outermost = call;
    while (outermost.calledFrom !== undefined) outermost = outermost.calledFrom;
    const place = callPlace(image, returnAddress);
    const isDirect = outermost.returnAddress === returnAddress;
    const va = hex(found.va);
    const table = this.tableText(found.root);
    const why = emptiness(found);
    const others = more === 0 ? undefined : `so it did for ${more} more`;
    const notes = [this.inForce(inForce, found), this.ofSize(found), others].filter((note) => note !== undefined);
    const process = processOn(xv6, hart);
    return {
      ...{ instant, tick, hart: hart.id, process: process && named(process) },
      place: calledBy(place, isDirect ? undefined : callPlace(image, outermost.returnAddress)),
      what: [`${walker} found nothing for ${va} in ${table}: ${why}`, ...notes].join('; '),
      parts: [
        { name: 'va', value: va },
        { name: 'table', value: table },
        { name: 'root', value: hex(found.root) },
        { name: 'entry', value: why },
        ...notes.map((value) => ({ name: 'note', value })),
      ],
    };
  }

  /** That it was a kernel's table, while another one was in force, which maps the address. */
  private inForce(inForce: bigint | undefined, { root, va }: Walk): string | undefined {
    if (inForce === undefined || inForce === root || this.tableOf(root)?.isUsers !== false) return undefined;
    const { leaf } = this.walk(inForce, va);
    const name = tableName(this.guest.xv6, inForce) ?? `the table at ${hex(inForce)}`;
    return leaf && `the table in satp is another one (${name}), and maps it to PA ${hex(leaf.pa)}`;
  }

  /** What a load or store of the program itself would have come to, which kernels that allocate lazily resolve. */
  private ofSize({ root, va }: Walk): string | undefined {
    const table = this.tableOf(root);
    const bytes = table?.isUsers === true ? table.owner?.size : undefined;
    if (bytes === undefined) return undefined;
    const size = hex(bytes);
    if (va >= bytes) return `it lies beyond the process’s size (${size})`;
    return (
      `it lies below the process’s size (${size}): ` +
      'a load or store of the program raises a page fault there, which a handler may resolve; a walk by software raises none'
    );
  }

  private tableText(root: bigint): string {
    const known = this.tableOf(root);
    if (known === undefined) return `a table with its root at ${hex(root)}`;
    return known.isUsers ? `the table of ${known.label}` : known.label;
  }

  private tableOf(root: bigint): KernelTable | undefined {
    const { xv6 } = this.guest;
    return kernelTables(xv6, processes(xv6)).find((one) => one.root === root);
  }

  private walk(root: bigint, va: bigint): Walk {
    const { memory } = this.guest.machine;
    return walk(root, va, (address) => memory.readU64(address));
  }

  /** Kernel stacks of several processes may lie at one address. */
  private threadOf(hart: Hart): string {
    return String(this.guest.userRoot(hart) ?? 0n);
  }
}

function emptiness({ va, steps, error }: Walk): string {
  const last = steps.at(-1);
  if (last === undefined)
    return `no Sv39 address, as bits 63 to 39 must equal bit 38 (${hex(toCanonical(va))} would be one)`;
  const where = `level ${last.level}, entry ${last.index}`;
  if (error === 'outside-memory') return `${where} lies outside RAM, at PA ${hex(last.pteAddress)}`;
  return error === 'not-valid' ? `V=0 at ${where}` : `${where} is no entry that Sv39 allows (${hex(last.pte ?? 0n)})`;
}
