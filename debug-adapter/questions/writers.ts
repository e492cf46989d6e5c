/**
 * Who wrote a spot last: an instruction, a trap, a device, the debugger. Memory is watched while the past is run again, latest stretch first.
 * Registers cannot be watched: the last instructions of the hart are done again one by one; before those, wherever a known
 * program has an instruction that writes the register.
 */
import { Csr } from '../../emulator/isa/csrs';
import { instructionAt, instructionsFrom } from '../../emulator/isa/instructions/instruction-at';
import type { Decoded } from '../../emulator/isa/instructions/decode';
import { compareInstants, type Instant } from '../../emulator/history/instant';
import type { Probe, Timeline } from '../../emulator/history/timeline';

import { trapVector } from '../../emulator/dead-ends/trap-loops';
import { Mode, type CsrEvent, type DataEvent, type TrapEvent } from '../../emulator/types';
import type { MappedProgram } from '../code/mapped-program';
import { executed, written } from '../run-control/past/questions';
import { lastPut, writes, type Put } from './debugger-writes';
import type { AskedGuest } from './occurrence';
import type { Range, Spot } from './spots';

/** The machine stands where it is about to happen, or, of a device, where it has just happened. */
export type Writing =
  | {
      readonly by: 'instruction';
      readonly hart: number;
      readonly pc: bigint;
      readonly decoded: Decoded | undefined;
      readonly event?: DataEvent;
    }
  | { readonly by: 'trap'; readonly event: TrapEvent }
  | { readonly by: 'return'; readonly hart: number }
  | { readonly by: 'device'; readonly event: DataEvent }
  | { readonly by: 'debugger' };

/** It cannot be told who wrote something, and why. */
export class NotKnown extends Error {}

/** Instructions of a hart that are done again one by one: the last few, and more and more before them. */
const WINDOWS = [48, 768, 12_000];

/** CSRs that a trap to a mode writes. */
const BY_TRAP: Readonly<Record<number, Mode>> = {
  [Csr.sepc]: Mode.Supervisor,
  [Csr.scause]: Mode.Supervisor,
  [Csr.stval]: Mode.Supervisor,
  [Csr.mepc]: Mode.Machine,
  [Csr.mcause]: Mode.Machine,
  [Csr.mtval]: Mode.Machine,
};
/** Traps and returns from them change these, whatever the mode. */
const STATUS: readonly number[] = [Csr.sstatus, Csr.mstatus];
/** What counts, waits or is raised by itself. */
const BY_ITSELF: readonly number[] = [
  ...[Csr.sip, Csr.mip, Csr.time, Csr.cycle, Csr.instret, Csr.mcycle, Csr.minstret],
];

export class Writers {
  constructor(
    private readonly guest: AskedGuest,
    private readonly timeline: Timeline,
  ) {}

  /**
   * The last write of a spot before an instant, at which the machine then stands. Undefined if it was never written since
   * power on. Throws an Error where that cannot be told.
   */
  async last(spot: Spot, before: Instant): Promise<Writing | undefined> {
    const isStatus = spot.kind === 'csr' && STATUS.includes(spot.csr);
    const { machine } = this.guest;
    const put = lastPut(
      machine,
      before,
      writes(spot, (csr) => isStatus && STATUS.includes(csr)),
    );
    const writing = await this.byGuest(spot, before, put);
    if (writing !== undefined || put?.by !== 'debugger') return writing;
    await this.timeline.goTo(put.instant);
    return { by: 'debugger' };
  }

  /** By the guest itself, after what was put there from outside. */
  private byGuest(spot: Spot, before: Instant, put: Put | undefined): Promise<Writing | undefined> {
    switch (spot.kind) {
      case 'memory':
        return this.ofMemory(spot.parts, before, put?.done);
      case 'register':
        return this.ofRegister(spot.hart, spot.register, before, put?.done);
      case 'csr':
        return this.ofCsr(spot.hart, spot.csr, spot.name, before, put?.done);
    }
  }

  private async ofMemory(
    parts: readonly Range[],
    before: Instant,
    since: Instant | undefined,
  ): Promise<Writing | undefined> {
    const found = await this.timeline.findLast(before, written(this.guest.machine, parts), since);
    if (found === undefined) return undefined;
    const { value: event, instant } = found;
    const { by, hart, pc } = event;
    if (by !== 'instruction' || hart === undefined || pc === undefined) {
      await this.timeline.goTo(instant);
      return { by: 'device', event };
    }
    return { ...(await this.at(hart, pc, instant)), event };
  }

  private async ofCsr(
    hart: number,
    csr: number,
    name: string,
    before: Instant,
    since: Instant | undefined,
  ): Promise<Writing | undefined> {
    if (BY_ITSELF.includes(csr)) throw new NotKnown(`${name} changes by itself: nobody in particular wrote it.`);
    const found = await this.timeline.findLast(before, csrWritten(this.guest, hart, csr), since);
    if (found === undefined) return undefined;
    const { value, instant } = found;
    if (value === 'return') {
      await this.timeline.goToStep(hart, (await this.stepsAt(hart, instant)) - 1, instant);
      return { by: 'return', hart };
    }
    if ('cause' in value) {
      await this.timeline.goTo(instant);
      return { by: 'trap', event: value };
    }
    return this.at(hart, value.pc, instant);
  }

  private async ofRegister(
    hart: number,
    register: number,
    before: Instant,
    since: Instant | undefined,
  ): Promise<Writing | undefined> {
    if (register === 0) return undefined;
    const last = await this.stepsAt(hart, before);
    const first = since === undefined ? 0 : await this.stepsAt(hart, since);
    for (const [index, length] of WINDOWS.entries()) {
      const [from, to] = [Math.max(first, last - length), last - (WINDOWS[index - 1] ?? 0)];
      const found = await this.inWindow(hart, register, from, to, before);
      if (found === 'unknown') break;
      if (found !== undefined) {
        await this.timeline.goToStep(hart, found.steps, before);
        return { by: 'instruction', hart, pc: found.pc, decoded: found.decoded };
      }
      if (from === first) return undefined;
    }
    const writing = await this.inPrograms(hart, register, before);
    const isLater = since === undefined || compareInstants(this.guest.machine.instant, since) >= 0;
    return isLater ? writing : undefined;
  }

  /** The last instruction that wrote a register, between two counts of a hart's steps. */
  private async inWindow(
    hart: number,
    register: number,
    from: number,
    to: number,
    before: Instant,
  ): Promise<{ steps: number; pc: bigint; decoded: Decoded } | 'unknown' | undefined> {
    const { guest, timeline } = this;
    const here = guest.harts[hart]!;
    if (from >= to) return undefined;
    try {
      await timeline.goToStep(hart, from, before);
    } catch (error) {
      if (error instanceof RangeError) return 'unknown';
      throw error;
    }
    let found: { steps: number; pc: bigint; decoded: Decoded } | undefined;
    let begun: { steps: number; retired: number; pc: bigint; decoded: Decoded | undefined } | undefined;
    const settle = (): void => {
      // One that raised an exception has written nothing.
      if (begun?.decoded?.rd === register && here.retired > begun.retired && begun.steps < to)
        found = { steps: begun.steps, pc: begun.pc, decoded: begun.decoded };
    };
    const begin = (pc: bigint): void => {
      const decoded = instructionAt(guest.read(here), pc);
      begun = { steps: here.steps, retired: here.retired, pc, decoded };
    };
    const subscription = guest.machine.subscribe({
      trap: ({ hart: id, interrupt, to: mode }) => {
        // The instruction that is done next is the handler's first.
        if (id === hart && interrupt) begin(trapVector(here, mode));
        return false;
      },
    });
    try {
      await timeline.follow(hart, before, () => {
        if (begun?.steps === here.steps) return;
        settle();
        begin(here.pc);
      });
      settle();
    } finally {
      subscription.end();
    }
    return found;
  }

  /** Farther back: by the places that write the register in all code that is known. */
  private async inPrograms(hart: number, register: number, before: Instant): Promise<Writing | undefined> {
    const { guest, timeline } = this;
    await timeline.goTo(before);
    const value = guest.harts[hart]!.x(register);
    const images = [guest.image, ...guest.programs.all.flatMap(({ image }) => image ?? [])];
    const addresses = new Set(images.flatMap((image) => writersIn(image, register)));
    const probe = executed(guest.machine, addresses, (here) => {
      if (here.id !== hart) return undefined;
      return instructionAt(guest.read(here), here.pc)?.rd === register ? { steps: here.steps, pc: here.pc } : undefined;
    });
    const found = await timeline.findLast(before, probe);
    if (found === undefined) throw new NotKnown('who wrote the register is not known: it was long ago');
    // What it wrote must be what is there now, or somebody unknown has written since.
    await timeline.goToStep(hart, found.value.steps + 1, before);
    if (guest.harts[hart]!.x(register) !== value)
      throw new NotKnown('who wrote the register is not known: code without symbols has run since');
    return this.at(hart, found.value.pc, found.instant, 0);
  }

  /** Before the last instruction that a hart had begun at an instant, or `back` of them. */
  private async at(hart: number, pc: bigint, instant: Instant, back = 1): Promise<Writing & { by: 'instruction' }> {
    await this.timeline.goToStep(hart, (await this.stepsAt(hart, instant)) - back, instant);
    const decoded = instructionAt(this.guest.read(this.guest.harts[hart]!), pc);
    return { by: 'instruction', hart, pc, decoded };
  }

  private async stepsAt(hart: number, instant: Instant): Promise<number> {
    await this.timeline.goTo(instant);
    return this.guest.harts[hart]!.steps;
  }
}

function writersIn(image: MappedProgram, register: number): bigint[] {
  const found: bigint[] = [];
  for (const { executable, virtualAddress, bytes } of image.binary.segments) {
    if (!executable) continue;
    const read = (at: bigint, length: number): Uint8Array =>
      bytes.subarray(Number(at - virtualAddress), Number(at - virtualAddress) + length);
    for (const { address, decoded } of instructionsFrom(read, virtualAddress, virtualAddress + BigInt(bytes.length)))
      if (decoded?.rd === register) found.push(...image.running(address));
  }
  return found;
}

/** A CSR of a hart is written: by an instruction, by a trap, or by the return from one. */
function csrWritten({ machine }: AskedGuest, hart: number, csr: number): Probe<CsrEvent | TrapEvent | 'return'> {
  const isStatus = STATUS.includes(csr);
  const isWrite = (event: CsrEvent): boolean =>
    event.hart === hart && (event.csr === csr || (isStatus && STATUS.includes(event.csr)));
  const isTrap = (event: TrapEvent): boolean => event.hart === hart && (isStatus || BY_TRAP[csr] === event.to);
  return {
    isDone: true,
    watch: () => {
      const subscription = machine.subscribe({
        csrWrite: isWrite,
        trap: isTrap,
        ...(isStatus && { trapReturn: (event) => event.hart === hart }),
      });
      return () => subscription.end();
    },
    found: (stop) => {
      if (stop.kind === 'csrWrite' && isWrite(stop.event)) return stop.event;
      if (stop.kind === 'trap' && isTrap(stop.event)) return stop.event;
      return isStatus && stop.kind === 'trapReturn' && stop.event.hart === hart ? 'return' : undefined;
    },
  };
}
