/**
 * Where a value comes from: followed back from spot to spot, through registers, stack, trap frames, copies of memory and
 * CSRs, to the instruction that computed it, the key that was typed, the device or the file that brought it. At each step the
 * value must be found where it is said to have been; else the chain ends there, and says so.
 */
import type { Decoded } from '../../emulator/isa/instructions/decode';
import { CSR_NAMES } from '../../emulator/isa/csrs';
import { X } from '../../emulator/isa/registers';
import { hex } from '../../emulator/isa/hex';

import { compareInstants, type Instant } from '../../emulator/history/instant';
import { Cancelled, type Timeline } from '../../emulator/history/timeline';

import { CsrUpdate } from '../../emulator/isa/instructions/instruction';
import { disassemble } from '../../emulator/isa/instructions/disassemble';
import { wordAt } from '../../emulator/isa/instructions/instruction-at';
import type { DeviceEvent, Hart } from '../../emulator/types';
import { fromBytes } from '../expressions/value';
import { sceneOf, type AskedGuest, type Occurrence, type Scene } from './occurrence';
import { bytesAt, type NamedSpot, type Spot } from './spots';
import { NotKnown, Writers, type Writing } from './writers';

/** Steps of a chain. */
const LONGEST = 200;
/** Device.name of the console. */
const UART = 'uart';

export interface Origin {
  /** From the origin to now. */
  readonly rows: readonly Occurrence[];
  /** How it ends: "computed by add a0,a0,a5". */
  readonly end: string;
  readonly isCertain: boolean;
  /** Steps that only moved the value from a register to another or loaded it. */
  readonly copies: number;
}

type Step =
  /** The value lay there, before the machine's instant now; `isOther`: what it was made of, which is followed from there. */
  | { readonly kind: 'from'; readonly spot: Spot; readonly what?: string; readonly isOther?: true }
  | { readonly kind: 'end'; readonly what: string; readonly isCertain?: false };

/** Sums of two registers, one of which may be 0. */
const SUMS: readonly string[] = ['add', 'or', 'xor'];
/**
 * Shifts to the left, by their bits: after a shift to the right by `back` bits, this makes an entry of a page's address
 * (`isEntry`), or an address of an entry.
 */
const SHIFTS: Readonly<Record<number, { back: number; isEntry: boolean }>> = {
  10: { back: 12, isEntry: true },
  12: { back: 10, isEntry: false },
};

const end = (what: string): Step => ({ kind: 'end', what });
const lost = (what: string): Step => ({ kind: 'end', what, isCertain: false });

export class OriginSearch {
  private readonly writers: Writers;
  private readonly rows: Occurrence[] = [];
  private copies = 0;
  /** What is followed now is a page-table entry. */
  private isEntry = false;

  constructor(
    private readonly guest: AskedGuest,
    private readonly timeline: Timeline,
  ) {
    this.writers = new Writers(guest, timeline);
  }

  async of({ spot, show }: NamedSpot, before: Instant): Promise<Origin> {
    await this.timeline.goTo(before);
    const { machine } = this.guest;
    const first = bytesAt(machine, spot);
    if (first === undefined || first.length > 8) throw new Error('Ask for a value of at most 8 bytes.');
    let at: Spot = spot;
    let value = first;
    try {
      for (let count = 0; count < LONGEST; count++) {
        const { scene, step } = await this.stepBack(at, value, machine.instant);
        if (step.kind === 'end') {
          this.row(scene, `${show(first)}: ${step.what}`);
          return this.ended(step.what, step.isCertain !== false);
        }
        if (step.what === undefined) this.copies++;
        else this.row(scene, step.what);
        at = step.spot;
        const now = bytesAt(machine, at);
        if (step.isOther && now !== undefined) value = now;
        const [shorter, longer] = now && now.length < value.length ? [now, value] : [value, now];
        if (now === undefined || longer === undefined || !begins(longer, shorter)) {
          this.row(scene, `${show(first)}: here it was another value`);
          return this.ended('it was another value there, and what changed it is not known', false);
        }
        value = now.length < value.length ? now : value;
      }
    } catch (error) {
      if (!(error instanceof Cancelled)) throw error;
      return this.ended('cancelled', false);
    }
    return this.ended(`followed for ${LONGEST} steps`, false);
  }

  private ended(text: string, isCertain: boolean): Origin {
    return { rows: this.rows.toReversed(), end: text, isCertain, copies: this.copies };
  }

  private row(scene: Scene, what: string): void {
    this.rows.push({ ...scene, what, parts: [] });
  }

  /** The machine stands, afterwards, where the write of the spot is about to happen. */
  private async stepBack(spot: Spot, value: Uint8Array, before: Instant): Promise<{ scene: Scene; step: Step }> {
    let writing: Writing | undefined;
    try {
      writing = await this.writers.last(spot, before);
    } catch (error) {
      if (!(error instanceof NotKnown)) throw error;
      await this.timeline.goTo(before);
      return { scene: this.here(), step: lost(error.message) };
    }
    if (writing === undefined) {
      await this.timeline.goTo(before);
      return { scene: this.here(), step: end(this.neverWritten(spot)) };
    }
    switch (writing.by) {
      case 'device':
        return { scene: this.here(), step: end(`brought by ${writing.event.device ?? 'a device'} (DMA)`) };
      case 'debugger':
        return { scene: this.here(), step: end('written by the debugger') };
      case 'trap':
        return {
          scene: this.here(writing.event.hart, writing.event.epc),
          step: end('set by the trap that is taken here'),
        };
      case 'return':
        return { scene: this.here(writing.hart), step: end('set by the return from a trap') };
      case 'instruction': {
        const scene = this.here(writing.hart, writing.pc);
        const step =
          spot.kind === 'memory'
            ? await this.stored(spot.parts, writing, before)
            : await this.loaded(spot, value, writing);
        return { scene, step };
      }
    }
  }

  private here(id = this.guest.machine.current, pc?: bigint): Scene {
    const hart = this.guest.harts[id]!;
    return sceneOf(this.guest, hart, pc ?? hart.pc);
  }

  private neverWritten(spot: Spot): string {
    if (spot.kind !== 'memory') return 'there since power on';
    const address = spot.parts[0]?.address ?? 0n;
    const { segments } = this.guest.image.binary;
    const inFile = segments.some(
      ({ physicalAddress, bytes }) => address >= physicalAddress && address < physicalAddress + BigInt(bytes.length),
    );
    return inFile ? 'there since power on: the kernel’s file has it' : 'there since power on: nothing has written it';
  }

  /** A store: from which register, or in pieces from where. */
  private async stored(
    parts: readonly { address: bigint; length: number }[],
    writing: Writing & { by: 'instruction' },
    before: Instant,
  ): Promise<Step> {
    const [part, ...more] = parts;
    const { event, hart: id, decoded } = writing;
    const access = decoded?.instruction.access;
    if (part === undefined || more.length > 0 || event === undefined || decoded === undefined || access === undefined)
      return lost('written by an instruction that is not known');
    const whole = event.address === part.address && event.after.length === part.length;
    if (!whole) return this.inPieces(part.address, part.length, before);
    if (access.kind === 'amo' && access.swaps !== true) return end(`computed by ${this.text(id, writing.pc)}`);
    const hart = this.guest.harts[id]!;
    const base = hart.x(decoded.rs1) + (access.kind === 'store' ? BigInt(decoded.imm) : 0n);
    const offset = Number(BigInt.asUintN(64, (event.va ?? base) - base));
    const label = `stored by ${this.text(id, writing.pc)}`;
    if (decoded.floats !== undefined) return end(`calculated in floating point, ${label}`);
    if (decoded.rs2 === 0) return end(`0, ${label}`);
    return {
      kind: 'from',
      spot: { kind: 'register', hart: id, register: decoded.rs2, offset, bytes: part.length },
      // A register that is put on the stack for a while is no more than a copy.
      ...(decoded.rs1 !== X.sp && { what: label }),
    };
  }

  /** Bytes that were written by several stores: a copy, if each was loaded from as far behind the first as it lies here. */
  private async inPieces(address: bigint, length: number, before: Instant): Promise<Step> {
    let source: bigint | undefined;
    let begun = before;
    const places = new Set<bigint>();
    let isCopy = true;
    for (let at = 0; at < length; at++) {
      const writing = await this.writers.last(
        { kind: 'memory', parts: [{ address: address + BigInt(at), length: 1 }] },
        before,
      );
      if (writing?.by !== 'instruction' || writing.decoded?.instruction.access?.kind !== 'store')
        return lost('written in pieces, not all by instructions');
      const { pc, decoded, hart, event } = writing;
      places.add(pc);
      const base = this.guest.harts[hart]!.x(decoded.rs1) + BigInt(decoded.imm);
      const offset = Number(BigInt.asUintN(64, (event?.va ?? base) - base));
      const register = decoded.rs2;
      const load =
        register === 0
          ? undefined
          : await this.writers.last({ kind: 'register', hart, register, offset, bytes: 1 }, this.guest.machine.instant);
      const from = load?.by === 'instruction' ? this.loadAddress(load.hart, load.decoded) : undefined;
      if (from === undefined) {
        isCopy = false;
        continue;
      }
      source ??= from + BigInt(offset) - BigInt(at);
      if (source + BigInt(at) !== from + BigInt(offset)) isCopy = false;
      const { instant } = this.guest.machine;
      if (compareInstants(instant, begun) < 0) begun = instant;
    }
    await this.timeline.goTo(begun);
    if (isCopy && source !== undefined) {
      return {
        kind: 'from',
        spot: { kind: 'memory', parts: [{ address: source, length }] },
        what: 'copied byte by byte',
      };
    }
    // The same instruction wrote all of it, as one does that fills memory.
    return places.size === 1 ? end('written byte by byte') : lost('written in pieces that come from several places');
  }

  /** The physical address that a load is about to read; undefined for another instruction, and for what is no memory. */
  private loadAddress(id: number, decoded: Decoded | undefined): bigint | undefined {
    if (decoded?.instruction.access?.kind !== 'load') return undefined;
    const hart = this.guest.harts[id]!;
    const physical = this.guest.space(hart).physical(BigInt.asUintN(64, hart.x(decoded.rs1) + BigInt(decoded.imm)));
    return physical !== undefined && this.guest.machine.memory.read(physical, 1) ? physical : undefined;
  }

  /** A register or a CSR was written by an instruction. */
  private async loaded(
    spot: Exclude<Spot, { kind: 'memory' }>,
    value: Uint8Array,
    { hart: id, pc, decoded }: Writing & { by: 'instruction' },
  ): Promise<Step> {
    if (decoded === undefined) return lost('written by an instruction that is not known');
    const { csr, access } = decoded.instruction;
    const hart = this.guest.harts[id]!;
    const computed = end(`computed by ${this.text(id, pc)}`);
    if (spot.kind === 'csr') {
      if (csr?.update !== CsrUpdate.write || csr.immediate || decoded.imm !== spot.csr) return computed;
      return { kind: 'from', spot: { kind: 'register', hart: id, register: decoded.rs1, offset: 0, bytes: 8 } };
    }
    const { offset, bytes } = spot;
    const whole = (register: number, most = 8): Step =>
      register === 0
        ? end(`0, written by ${this.text(id, pc)}`)
        : offset < most
          ? {
              kind: 'from',
              spot: { kind: 'register', hart: id, register, offset, bytes: Math.min(bytes, most - offset) },
            }
          : computed;
    if (csr) {
      return {
        kind: 'from',
        spot: { kind: 'csr', hart: id, csr: decoded.imm & 0xfff, name: CSR_NAMES.get(decoded.imm & 0xfff) ?? 'a CSR' },
      };
    }
    if (access) {
      if (access.kind === 'sc' || offset >= access.bytes) return computed;
      const address = hart.x(decoded.rs1) + (access.kind === 'load' ? BigInt(decoded.imm) : 0n);
      const physical = this.guest.space(hart).physical(BigInt.asUintN(64, address));
      if (physical === undefined) return lost(`loaded from ${hex(BigInt.asUintN(64, address))}, which leads nowhere`);
      if (this.guest.machine.memory.read(physical, access.bytes) === undefined) return this.fromDevice(hart, value);
      const length = Math.min(bytes, access.bytes - offset);
      return { kind: 'from', spot: { kind: 'memory', parts: [{ address: physical + BigInt(offset), length }] } };
    }
    const { name } = decoded.instruction;
    const [left, right] = [hart.x(decoded.rs1), hart.x(decoded.rs2)];
    if (SUMS.includes(name) && right === 0n && decoded.rs1 !== 0) return whole(decoded.rs1);
    if (SUMS.includes(name) && left === 0n && decoded.rs2 !== 0) return whole(decoded.rs2);
    const entry = offset === 0 && bytes === 8 ? await this.throughEntry(hart, decoded) : undefined;
    if (entry) return entry;
    if (name === 'addi' && decoded.imm === 0) return whole(decoded.rs1);
    if (name === 'addiw' && decoded.imm === 0) return whole(decoded.rs1, 4);
    if (name === 'andi' && decoded.imm === 0xff) return whole(decoded.rs1, 1);
    if (name === 'jal' || name === 'jalr') return end('the address to which the call here returns');
    if (name === 'lui' || name === 'auipc' || (name === 'addi' && decoded.rs1 === 0))
      return end(`a constant, by ${this.text(id, pc)}`);
    return computed;
  }

  /**
   * A page's address that is taken from a page-table entry, or an entry that is made for a page: two shifts, by which the
   * page's number goes from one place to the other (RISC-V privileged specification, section 4.4). Flags may be added.
   */
  private async throughEntry(hart: Hart, { instruction: { name }, imm, rs1, rs2 }: Decoded): Promise<Step | undefined> {
    const from = (register: number, what?: string): Step => ({
      kind: 'from',
      spot: { kind: 'register', hart: hart.id, register, offset: 0, bytes: 8 },
      isOther: true,
      ...(what !== undefined && { what }),
    });
    if (this.isEntry && name === 'ori' && imm >= 0 && imm < 1 << 10) return from(rs1);
    if (this.isEntry && name === 'or') {
      const flags = [rs1, rs2].filter((register) => hart.x(register) < 1n << 10n);
      const others = [rs1, rs2].filter((register) => !flags.includes(register));
      return flags.length === 1 && others.length === 1 ? from(others[0]!) : undefined;
    }
    const second = name === 'slli' ? SHIFTS[imm] : undefined;
    if (second === undefined || (second.isEntry && !this.isEntry)) return undefined;
    const here = this.guest.machine.instant;
    const first = await this.writers.last(
      { kind: 'register', hart: hart.id, register: rs1, offset: 0, bytes: 8 },
      here,
    );
    const decoded = first?.by === 'instruction' ? first.decoded : undefined;
    if (decoded?.instruction.name !== 'srli' || decoded.imm !== second.back) {
      await this.timeline.goTo(here);
      return undefined;
    }
    this.isEntry = !second.isEntry;
    const whole = hex(hart.x(decoded.rs1));
    return from(decoded.rs1, second.isEntry ? `made of the page at ${whole}` : `the page of the entry ${whole}`);
  }

  /** A load from a device's register is about to be done. */
  private async fromDevice(hart: Hart, value: Uint8Array): Promise<Step> {
    let seen: DeviceEvent | undefined;
    const { timeline, guest } = this;
    const here = guest.machine.instant;
    const subscription = guest.machine.subscribe({
      device: (event) => {
        if (event.hart === hart.id) seen = event;
        return false;
      },
    });
    try {
      await timeline.goToStep(hart.id, hart.steps + 1, timeline.present);
    } finally {
      subscription.end();
    }
    await timeline.goTo(here);
    if (seen?.access !== 'read') return lost('loaded from what is no memory');
    const code = Number(fromBytes(value) & 0xffn);
    if (seen.device === UART && seen.offset === 0) return end(`the key ${keyName(code)} that was typed`);
    return end(`read from register ${hex(BigInt(seen.offset))} of the ${seen.device}`);
  }

  private text(id: number, pc: bigint): string {
    const word = wordAt(this.guest.read(this.guest.harts[id]!), pc);
    return word === undefined ? 'an instruction' : disassemble(word, pc).text;
  }
}

const begins = (whole: Uint8Array, part: Uint8Array): boolean => part.every((byte, index) => whole[index] === byte);

const keyName = (code: number): string =>
  code > 0x20 && code < 0x7f
    ? `'${String.fromCharCode(code)}'`
    : code === 0x20
      ? 'space'
      : code === 13
        ? 'Enter'
        : hex(BigInt(code));
