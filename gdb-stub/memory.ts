/**
 * Memory as gdb sees it: by the addresses that a hart now uses, through its own page tables, whatever they permit; or by physical
 * ones. Devices are not reached: to read one may change it.
 */
import { PAGE_SIZE, satpRoot, walk } from '../emulator/isa/sv39';
import { Csr } from '../emulator/isa/csrs';
import { type Hart, type MachineApi, Mode, type PhysicalMemory } from '../emulator/types';
import type { Target } from './target';

/** Where addresses lead: a page table by its root, or undefined for physical addresses. */
export type Space = bigint | undefined;

/** The space that a hart now uses. */
export const spaceOf = (hart: Hart): Space =>
  hart.mode === Mode.Machine ? undefined : satpRoot(hart.csr(Csr.satp) ?? 0n);

/** The physical address of a virtual one; undefined where nothing is mapped. */
export function physical(memory: PhysicalMemory, space: Space, address: bigint): bigint | undefined {
  return space === undefined ? address : walk(space, address, (pa) => memory.readU64(pa)).leaf?.pa;
}

export interface Piece {
  /** Physical address. */
  readonly address: bigint;
  readonly length: number;
  /** From the beginning of the whole. */
  readonly offset: number;
}

/** Virtual bytes as physical ones, page by page, where they are mapped. */
export function* piecesOf(memory: PhysicalMemory, space: Space, address: bigint, length: number): Generator<Piece> {
  for (let offset = 0; offset < length;) {
    const at = BigInt.asUintN(64, address + BigInt(offset));
    const size = Math.min(length - offset, Number(PAGE_SIZE - (at & (PAGE_SIZE - 1n))));
    const pa = physical(memory, space, at);
    if (pa !== undefined) yield { address: pa, length: size, offset };
    offset += size;
  }
}

/** A copy of the bytes; undefined if not all of them are mapped memory. */
export function readMemory(
  { memory }: Pick<MachineApi, 'memory'>,
  space: Space,
  address: bigint,
  length: number,
): Uint8Array | undefined {
  const bytes = new Uint8Array(length);
  let done = 0;
  for (const piece of piecesOf(memory, space, address, length)) {
    const part = memory.read(piece.address, piece.length);
    if (part === undefined) return undefined;
    bytes.set(part, piece.offset);
    done += piece.length;
  }
  return done === length ? bytes : undefined;
}

/** False, with nothing written, if not all of the bytes are mapped RAM, or the program refuses. */
export function writeMemory(target: Target, space: Space, address: bigint, bytes: Uint8Array): boolean {
  const { memory } = target.machine;
  const pieces = [...piecesOf(memory, space, address, bytes.length)];
  const isRam = ({ address: pa, length }: Piece): boolean =>
    pa >= memory.dramBase && pa + BigInt(length) <= memory.dramBase + memory.dramSize;
  const mapped = pieces.reduce((sum, { length }) => sum + length, 0);
  if (mapped !== bytes.length || !pieces.every(isRam)) return false;
  return pieces.every(({ address: pa, length, offset }) =>
    target.apply({ kind: 'memory', address: pa, bytes: bytes.subarray(offset, offset + length) }),
  );
}
