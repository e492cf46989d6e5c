/**
 * Where a value lies now: in a register of a hart, in a CSR, in physical memory. What an expression names is such a spot, or
 * has none: a register of a caller's frame lies where a function that it called has saved it.
 */
import { csrNamed } from '../../emulator/isa/csr-fields';
import { PAGE_SIZE } from '../../emulator/isa/sv39';
import { X_NAMES } from '../../emulator/isa/registers';
import type { MachineApi } from '../../emulator/types';
import { formatValue } from '../expressions/format';
import { sizeOf } from '../expressions/types';
import { fromBytes, type EvaluationContext, type Value } from '../expressions/value';

/** Bytes of physical memory. */
export interface Range {
  readonly address: bigint;
  readonly length: number;
}

/** The part of a register that counts. */
export interface RegisterPart {
  readonly kind: 'register';
  readonly hart: number;
  readonly register: number;
  readonly offset: number;
  readonly bytes: number;
}

export type Spot =
  | RegisterPart
  | { readonly kind: 'csr'; readonly hart: number; readonly csr: number; readonly name: string }
  /** Page by page. */
  | { readonly kind: 'memory'; readonly parts: readonly Range[] };

export interface NamedSpot {
  readonly spot: Spot;
  readonly label: string;
  /** Bytes of the spot as C shows them; those that are not the whole of it as a number. */
  show(bytes: Uint8Array): string;
}

/** The spot of what an expression is. Throws an Error that says why there is none. */
export function spotOf(machine: MachineApi, label: string, value: Value, evaluation: EvaluationContext): NamedSpot {
  const { type, machine: special } = value;
  const bytes = special ? 8 : sizeOf(type);
  const show = (part: Uint8Array): string =>
    special === undefined && part.length === bytes
      ? formatValue({ type, location: { kind: 'bytes', bytes: part } }, evaluation)
      : part.length <= 8
        ? `0x${fromBytes(part).toString(16)}`
        : `${part.length} bytes`;
  return { label, spot: placed(machine, label, value, bytes, evaluation), show };
}

function placed(machine: MachineApi, label: string, value: Value, bytes: number, evaluation: EvaluationContext): Spot {
  const { machine: special, location, bitField } = value;
  const { hart } = evaluation;
  if (bitField) throw new Error(`${label} is a bit field: ask for what it is a part of.`);
  if (special?.kind === 'pc') throw new Error(`Every instruction writes ${label}.`);
  if (special?.kind === 'word') {
    const { physical, name } = special.word;
    if (physical !== undefined) return { kind: 'memory', parts: [{ address: physical, length: 8 }] };
    const csr = csrNamed(name.replace(/^\$/, ''));
    if (csr === undefined || hart === undefined) throw new Error(`${label} is in no register and not in memory.`);
    return { kind: 'csr', hart, csr: csr.address, name: csr.name };
  }
  switch (location.kind) {
    case 'memory':
      return inMemory(machine, label, location.address, bytes, evaluation);
    case 'register': {
      const { register } = location;
      const saved = evaluation.frame.savedAt?.[register];
      if (saved !== undefined) return inMemory(machine, label, saved, Math.min(bytes, 8), evaluation);
      if (hart === undefined || machine.harts[hart]!.x(register) !== evaluation.frame.x[register])
        throw new Error(`${label} was in ${X_NAMES[register]}, which is another frame’s now.`);
      return { kind: 'register', hart, register, offset: 0, bytes: Math.min(bytes, 8) };
    }
    case 'optimized-out':
      throw new Error(`${label} is optimized out here.`);
    default:
      throw new Error(`${label} is computed, and lies nowhere: ask for one of the values that it is made of.`);
  }
}

function inMemory(
  machine: MachineApi,
  label: string,
  address: bigint,
  bytes: number,
  { space, kernel }: EvaluationContext,
): Spot {
  const parts: Range[] = [];
  for (let at = address, left = bytes; left > 0;) {
    const length = Math.min(left, Number(PAGE_SIZE - (at % PAGE_SIZE)));
    // In a user program's frame the kernel's values have a place, too.
    const physical = space?.physical(at) ?? (kernel === undefined ? undefined : at);
    if (physical === undefined || machine.memory.read(physical, length) === undefined)
      throw new Error(`${label} is not in RAM now.`);
    parts.push({ address: physical, length });
    at += BigInt(length);
    left -= length;
  }
  return { kind: 'memory', parts };
}

/** The bytes of a spot now; undefined of one that is not there. */
export function bytesAt(machine: MachineApi, spot: Spot): Uint8Array | undefined {
  switch (spot.kind) {
    case 'memory':
      return Uint8Array.from(
        spot.parts.flatMap(({ address, length }) => [...(machine.memory.read(address, length) ?? [])]),
      );
    case 'register':
      return wordBytes(machine.harts[spot.hart]!.x(spot.register)).slice(spot.offset, spot.offset + spot.bytes);
    case 'csr': {
      const value = machine.harts[spot.hart]!.csr(spot.csr);
      return value === undefined ? undefined : wordBytes(value);
    }
  }
}

function wordBytes(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, value), true);
  return bytes;
}
