/**
 * Pieces of WebAssembly that the interpreter and the translator share: cells of the current-hart block, TLB lookup, and what `lr`
 * and `sc` do where the TLB serves them.
 */
import { type Code, i32, i64, local, when } from '../wasm/assembler';
import { Mstatus } from '../isa/csr-bits';
import { FEW_PASSES } from './loop-idioms';
import { type OperandAccess, SystemOperation } from '../isa/instructions/instruction';
import {
  BOXED,
  CURRENT_HART,
  Cell,
  DRAM,
  DataEntry,
  FENCES_OBSERVED,
  FETCH_ENTRIES,
  FetchEntry,
  HartOffset,
  SIGNED,
} from '../layout';

/** Host address of a cell of the current-hart block, which holds the state of the hart that runs. */
export const cell = (offset: number): number => CURRENT_HART + offset;
export const ZERO = i32.const(0);
export const get32 = (offset: number): Code => i32.load(ZERO, cell(offset));
export const set32 = (offset: number, value: Code): Code => i32.store(ZERO, value, cell(offset));
export const get64 = (offset: number): Code => i64.load(ZERO, cell(offset));
export const set64 = (offset: number, value: Code): Code => i64.store(ZERO, value, cell(offset));

/** Loads by width, unsigned and signed. */
export const LOADS = {
  1: [i64.load8_u, i64.load8_s],
  2: [i64.load16_u, i64.load16_s],
  4: [i64.load32_u, i64.load32_s],
  8: [i64.load, i64.load],
} as const;
export const STORES = { 1: i64.store8, 2: i64.store16, 4: i64.store32, 8: i64.store } as const;

/** HartOffset.detail of a load. */
export const loadDetail = ({ bytes, signed, float }: OperandAccess): number =>
  bytes | (signed ? SIGNED : 0) | (float && bytes < 8 ? BOXED : 0);

/** Whether mstatus.FS keeps an instruction from just reading floating-point registers, or from writing them, too. */
export function floatsLocked(access: 'reads' | 'writes'): Code {
  const status = i32.and(get32(HartOffset.csrs + Cell.mstatus * 8), i32.const(Mstatus.fs));
  return access === 'reads' ? i32.eqz(status) : i32.ne(status, i32.const(Mstatus.fs));
}

/**
 * Whether an sfence.vma has to be done outside the generated code: somebody listens to it, or it may be illegal. Else there is
 * nothing to do, as the TLBs agree with the page tables.
 */
export const fenceLeaves: Code = i32.or(
  i32.or(i32.load(ZERO, FENCES_OBSERVED), get32(HartOffset.untilEnabled)),
  i32.or(i32.eqz(get32(HartOffset.mode)), i32.and(get32(HartOffset.csrs + Cell.mstatus * 8), i32.const(Mstatus.tvm))),
);

/** Leaves the instruction to be done outside the generated code. */
type Leave = (operation: SystemOperation) => Code;

/** By width, which operation outside the generated code is lr, and which sc. */
const LOAD_RESERVED = { 4: SystemOperation.loadReserved32, 8: SystemOperation.loadReserved64 } as const;
const STORE_CONDITIONAL = {
  4: SystemOperation.storeConditional32,
  8: SystemOperation.storeConditional64,
} as const;

/** Whether two registers that a loop idiom's branch compares are far apart: that many passes to go, if they meet at all. */
export const farApart = (a: Code, b: Code): Code =>
  i64.ge_u(i64.add(i64.sub(a, b), i64.const(FEW_PASSES)), i64.const(2 * FEW_PASSES));

/** Whether a swap of the word at a host address, which held `old` before, changed nothing: a lock that is taken. */
export const foundWhatItStored = (at: Code, bytes: 4 | 8, old: Code): Code =>
  i32.and(i64.eq(LOADS[bytes][1](at), old), i64.ne(old, i64.const(0)));

/** Looking a virtual address up in the data TLB; the address and the entry's host address are in these locals. */
export function tlbLookup(address: number, entry: number) {
  const index = i32.and(
    i32.wrap(i64.shr_u(local.get(address), i64.const(7))),
    i32.const(FetchEntry.base - DataEntry.size),
  );
  const look = local.set(entry, i32.add(get32(HartOffset.tlb), index));
  const addend = i32.load(local.get(entry), DataEntry.addend);
  const host = i32.add(i32.wrap(local.get(address)), addend);
  const find = (at: Code): Code => [local.set(address, at), look];
  /** The address with its offset in the page cut off, but for the bits that must be zero if it is aligned. */
  const hits = (bytes: number, tag: number): Code =>
    i64.eq(i64.and(local.get(address), i64.const(-4096 + (bytes - 1))), i64.load(local.get(entry), tag));
  return {
    look,
    addend,
    find,
    hits,
    host,
    /** lr of an aligned word of DRAM, and sc: what they do where the TLB lets them; where not, they leave. */
    loadReserved: (bytes: 4 | 8, at: Code, write: (value: Code) => Code, leave: Leave): Code => [
      find(at),
      when(i32.eqz(i32.and(hits(bytes, DataEntry.read), i32.ge_u(host, i32.const(DRAM)))), leave(LOAD_RESERVED[bytes])),
      local.set(entry, host),
      set32(HartOffset.reservation, local.get(entry)),
      write(LOADS[bytes][1](local.get(entry))),
    ],
    storeConditional: (bytes: 4 | 8, at: Code, rs2: Code, write: (value: Code) => Code, leave: Leave): Code => [
      find(at),
      when(i32.eqz(hits(bytes, DataEntry.write)), leave(STORE_CONDITIONAL[bytes])),
      local.set(entry, host),
      when(
        i32.eq(local.get(entry), get32(HartOffset.reservation)),
        [STORES[bytes](local.get(entry), rs2), write(i64.const(0))],
        write(i64.const(1)),
      ),
      set32(HartOffset.reservation, ZERO),
    ],
  };
}

/** Sets `entry` to the entry of the fetch TLB in which the page of the address in local `pc` would be. */
export function findFetch(pc: number, entry: number): Code {
  const index = i32.and(
    i32.shr_u(i32.wrap(local.get(pc)), i32.const(8)),
    i32.const((FETCH_ENTRIES - 1) * FetchEntry.size),
  );
  return local.set(entry, i32.add(get32(HartOffset.tlb), index));
}

/** Unless the page at the address in local `page` is in the entry, and begins with these two bytes, goes the other way. */
export function unlessStarts(page: number, entry: number, half: Code, otherwise: Code): Code {
  const host = i32.load(local.get(entry), FetchEntry.base + FetchEntry.host);
  return [
    when(i64.ne(i64.load(local.get(entry), FetchEntry.base + FetchEntry.tag), local.get(page)), otherwise),
    when(i32.ne(i32.load16_u(host), half), otherwise),
  ];
}
