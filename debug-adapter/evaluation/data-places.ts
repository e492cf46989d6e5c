/**
 * What a data breakpoint can stand on: a variable, an expression, an address with a length. Each is named by a data id,
 * which says where it is, so that it can be found again: "follow user:3:0x3fe0+8 buf" (an address in a program's memory,
 * wherever that is mapped), "fix phys:0x80012340+4 p->state", "global ticks" (looked up anew in every kernel).
 */
import { PTE_FIELDS } from '../../emulator/isa/pte-fields';
import { Mode, type DataEvent } from '../../emulator/types';
import { resolveReference } from '../xv6/address-spaces';
import type { Guest } from '../code/guest';
import { evaluationContext, globalEvaluation } from './evaluation';
import { evaluate } from '../expressions/evaluate';
import { formatValue } from '../expressions/format';
import { sizeOf, typeName } from '../expressions/types';
import {
  addressOf,
  fromBytes,
  wordValue,
  type EvaluationContext,
  type MachineWord,
  type Value,
} from '../expressions/value';
import { hex } from '../../emulator/isa/hex';
import { instructionText } from '../code/place-names';
import type { DataGuest, DataLocation } from '../run-control/data-breakpoints';
import type { Type } from '../symbols/api';
import { processOn } from '../xv6/cpus';
import { tableRoots } from '../xv6/tables';

/** More would keep large parts of memory out of the machine's fast paths. */
const MOST_BYTES = 1 << 20;

export interface Found {
  dataId: string;
  description: string;
  canPersist: boolean;
}

const ID = /^(follow|fix) (\S+)\+(\d+)(?: (.*))?$/s;

/** How the bytes of a place are shown. */
interface Shape {
  type: Type;
  bitField?: Value['bitField'];
  /** A word of the machine's, with fields of its own. */
  word?: MachineWord;
}

export class DataLocations implements DataGuest {
  /** Types of the expressions that data ids were given for: values stored there are shown in these types. */
  private readonly types = new Map<string, Shape>();

  constructor(private readonly guest: Guest) {}

  get machine(): Guest['machine'] {
    return this.guest.machine;
  }

  tableRoots(): bigint[] {
    return tableRoots(this.guest.xv6);
  }

  /** The place of an expression's value, or of `bytes` bytes from there. Throws an Error that says why there is none. */
  ofValue(label: string, value: Value, evaluation: EvaluationContext, bytes?: number, mode?: string): Found {
    const word = value.machine?.kind === 'word' ? value.machine.word.physical : undefined;
    const address = word ?? (value.location.kind === 'memory' ? value.location.address : undefined);
    if (address === undefined) throw new Error(`${label} ${whereNot(value)}: only memory can be watched.`);
    const skipped = BigInt((value.bitField?.offset ?? 0) >> 3);
    const field = value.bitField && Math.ceil(((value.bitField.offset & 7) + value.bitField.size) / 8);
    const length = checked(bytes ?? field ?? sizeOf(value.type));
    const reference = word === undefined ? this.referenceOf(address + skipped, evaluation) : `phys:${hex(address)}`;
    const dataId = this.id(reference, length, label, mode);
    if (bytes === undefined || bytes === sizeOf(value.type)) {
      this.types.set(dataId, {
        type: value.type,
        ...(value.bitField && { bitField: value.bitField }),
        ...(word !== undefined && value.machine?.kind === 'word' && { word: value.machine.word }),
      });
    }
    const global = bytes === undefined && word === undefined && mode !== 'virtual' && this.isGlobal(label, address);
    return this.found(
      global ? `global ${label}` : dataId,
      `${label} (${typeName(value.type)})`,
      length,
      global,
      dataId,
    );
  }

  /** The place of `bytes` bytes at an address, written as a memory reference. Throws an Error. */
  ofAddress(text: string, stopped: number, bytes = 8, mode?: string): Found {
    const { space, address } = resolveReference(this.guest, text.trim(), stopped);
    const reference = `${this.stable(space.name, stopped)}:${hex(address)}`;
    const dataId = this.id(reference, checked(bytes), '', mode);
    return this.found(dataId, text.trim(), bytes, reference.startsWith('phys:'), dataId);
  }

  /** The page-table entry at a physical address. Throws an Error if there is no RAM. */
  ofEntry(address: bigint, label: string): Found {
    const dataId = this.id(`phys:${hex(address)}`, 8, label, undefined);
    const { memory } = this.machine;
    if (memory.readU64(address) === undefined) throw new Error(`${label}: there is no RAM at ${hex(address)}.`);
    const word = {
      ...PTE_FIELDS,
      name: 'pte',
      physical: address,
      read: () => memory.readU64(address),
      write: () => false,
    };
    this.types.set(dataId, { type: wordValue(word).type, word });
    return this.found(dataId, label, 8, false, dataId);
  }

  placeOf(dataId: string): DataLocation {
    if (dataId.startsWith('global ')) return this.globalPlace(dataId.slice('global '.length));
    const [, how, reference, digits, label] = ID.exec(dataId) ?? [];
    if (how === undefined || reference === undefined || digits === undefined)
      throw new Error(`"${dataId}" is no data id of this debugger.`);
    // The space may be a process's that has ended, in an older machine, too.
    const { space, address } = resolveReference(this.guest, reference, 0);
    const bytes = checked(Number(digits));
    const known = this.types.get(dataId);
    const place: DataLocation = {
      label: label ?? `${bytes} byte${bytes === 1 ? '' : 's'} at ${reference}`,
      ...{ address, bytes, physical: (at) => space.physical(at), show: (data) => this.show(data, known) },
    };
    if (how === 'fix') {
      const offset = this.fixed(place);
      return { ...place, physical: (at) => offset(at) };
    }
    return {
      ...place,
      physical: (at) => this.now(reference)?.physical(at),
      userRoot: () => this.now(reference)?.root,
    };
  }

  doer(event: DataEvent): string {
    if (event.by === 'device') return `by ${event.device} (DMA)`;
    const hart = this.guest.harts[event.hart ?? 0]!;
    const instruction = instructionText(this.guest, hart, event.pc ?? hart.pc);
    return event.by === 'walk' ? `by the page-table walk (A or D) for ${instruction}` : `by ${instruction}`;
  }

  /** A space that may have gone meanwhile, as a process that ended. */
  private now(reference: string): ReturnType<typeof resolveReference>['space'] | undefined {
    try {
      return resolveReference(this.guest, reference, 0).space;
    } catch {
      return undefined;
    }
  }

  /** Every page where it is mapped now, for good. */
  private fixed({ address, bytes, physical }: DataLocation): (at: bigint) => bigint | undefined {
    const pages = new Map<bigint, bigint | undefined>();
    for (let page = address >> 12n; page <= (address + BigInt(bytes - 1)) >> 12n; page++)
      pages.set(page, physical(page << 12n));
    return (at) => {
      const page = pages.get(at >> 12n);
      return page === undefined ? undefined : page + (at & 0xfffn);
    };
  }

  private globalPlace(expression: string): DataLocation {
    const value = this.global(expression);
    const address = value && addressOf(value);
    if (!value || address === undefined) throw new Error(`There is no global "${expression}" in this kernel.`);
    const physical = (at: bigint): bigint | undefined => at;
    const show = (bytes: Uint8Array): string => this.show(bytes, value);
    return { label: expression, address, bytes: checked(sizeOf(value.type)), physical, show };
  }

  /** The same object under the same name, wherever the kernel is loaded. */
  private isGlobal(expression: string, address: bigint): boolean {
    const value = this.global(expression);
    return value !== undefined && addressOf(value) === address;
  }

  /** An expression in the kernel with no function around it; undefined if it has no value there. */
  private global(expression: string): Value | undefined {
    const [hart] = this.guest.harts;
    try {
      const context = { ...globalEvaluation(this.guest, hart!), binary: this.guest.image.binary };
      // A pointer's target is another thing tomorrow, and a register's value is nothing global.
      return /->|\*|\$|\[\s*[A-Za-z_]/.test(expression) ? undefined : evaluate(expression, context);
    } catch {
      return undefined;
    }
  }

  private show(bytes: Uint8Array, known?: Shape): string {
    const plain = known !== undefined && (known.bitField !== undefined || sizeOf(known.type) === bytes.length);
    if (!plain) return bytes.length <= 8 ? hex(fromBytes(bytes)) : byteText(bytes);
    const { type, bitField, word } = known;
    const shifted = bitField && { size: bitField.size, offset: bitField.offset & 7 };
    const evaluation = evaluationContext(this.guest, this.guest.harts[this.machine.current]!);
    if (word) return formatValue(wordValue({ ...word, read: () => fromBytes(bytes) }), evaluation);
    return formatValue({ type, location: { kind: 'bytes', bytes }, ...(shifted && { bitField: shifted }) }, evaluation);
  }

  private referenceOf(address: bigint, { space }: EvaluationContext): string {
    const known = space?.physical(address) !== undefined ? space.name : 'kernel';
    return `${this.stable(known, 0)}:${hex(address)}`;
  }

  /** A name that still means the same space when the harts have gone on. */
  private stable(name: string, stopped: number): string {
    const [, number] = /^hart:(\d+)$/.exec(name) ?? [];
    if (number === undefined) return name;
    const hart = this.guest.harts[Number(number)] ?? this.guest.harts[stopped]!;
    if (!hart.translating) return 'phys';
    if (hart.mode !== Mode.User) return `table:${hex(this.guest.userRoot(hart) ?? 0n)}`;
    const process = processOn(this.guest.xv6, hart);
    return process ? `user:${process.pid}` : `table:${hex(this.guest.userRoot(hart) ?? 0n)}`;
  }

  /** What lies in a user program follows the page table, unless the user chose its physical page; all else stays where it is. */
  private id(reference: string, bytes: number, label: string, mode: string | undefined): string {
    const follows = mode === 'virtual' || (mode !== 'physical' && reference.startsWith('user:'));
    return `${follows && !reference.startsWith('phys:') ? 'follow' : 'fix'} ${reference}+${bytes}${label === '' ? '' : ` ${label}`}`;
  }

  private found(dataId: string, what: string, bytes: number, canPersist: boolean, located: string): Found {
    const place = this.placeOf(located);
    const physical = place.physical(place.address);
    if (physical === undefined || this.machine.memory.read(physical, 1) === undefined)
      throw new Error(`${what}: nothing is mapped at ${hex(place.address)}, or no RAM.`);
    const type = this.types.get(located);
    if (type && dataId !== located) this.types.set(dataId, type);
    const how = place.userRoot ? 'by this address in its program, wherever it is mapped' : 'by any address';
    return {
      dataId,
      description: `${what}: ${bytes} byte${bytes === 1 ? '' : 's'} at physical ${hex(physical)}, reached ${how}`,
      canPersist,
    };
  }
}

function checked(bytes: number): number {
  if (!Number.isInteger(bytes) || bytes < 1 || bytes > MOST_BYTES)
    throw new Error(`${bytes} bytes cannot be watched: 1 to ${MOST_BYTES} can.`);
  return bytes;
}

function whereNot({ location }: Value): string {
  if (location.kind === 'register') return 'is in a register';
  if (location.kind === 'optimized-out') return 'is optimized out here';
  return 'is no object in memory';
}

const byteText = (bytes: Uint8Array): string =>
  `${Array.from(bytes.subarray(0, 16), (byte) => byte.toString(16).padStart(2, '0')).join(' ')}${bytes.length > 16 ? ' …' : ''}`;
