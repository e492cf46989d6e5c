/**
 * A region: the basic blocks that can be reached from a hot instruction, calls and returns included, up to a limit. It is
 * what the translator turns into one function, so that loops and calls stay inside.
 *
 * A called function is inlined once for every call (its context), so that each return has one place to go, and the graph
 * stays one of properly nested loops. Code that has never run is left out.
 */
import { isCall, isJump, isReturn, jumpDistance } from '../isa/instructions/calls';
import { type Decoded, decode, lengthOf } from '../isa/instructions/decode';
import { SystemOperation, isRelative } from '../isa/instructions/instruction';
import { closedLoopAt } from './clock-wait';
import { canClose } from './loop-idioms';
import { isCsrCode } from './csr-code';
import { PAGE, RecordLayout } from '../layout';
import { Opcode } from './opcodes';
import { unroll } from './unroll';
import type { CodePage } from '../mmu/tlb';

export interface RegionInstruction extends Decoded {
  /** Bytes from the start of the page in which the region begins; other pages lie below 0 or above. */
  offset: number;
  word: number;
  /** Host address of its record. */
  record: number;
  /** It closes a loop idiom. */
  closesIdiom: boolean;
  /** It ends in the next page, which may be another one the next time. */
  straddles: boolean;
  /** Offset that it jumps to, if that is known. */
  to: number | undefined;
}

export interface Block {
  /** Offset of its first instruction. */
  start: number;
  page: CodePage;
  instructions: RegionInstruction[];
  /** Blocks that may follow: where the branch, jump or return that ends it leads, and the one after it. Undefined: elsewhere. */
  target: Block | undefined;
  next: Block | undefined;
}

/** An inlined call: its instructions by their offset, and where it returns to. */
interface Context {
  caller: Context | undefined;
  /** Offset after the call. */
  returnsTo: number;
  depth: number;
  found: Map<number, RegionInstruction>;
  leaders: Set<number>;
  /** Calls from here, by the offset of the jal or jalr. */
  callees: Map<number, Context>;
}

/** Instructions that a region may have, and calls within calls. */
const LIMIT = 400;
const DEEPEST = 3;

/** Instructions that only the interpreter does, as they may change translation, mode or interrupts. */
function leaves(decoded: Decoded, { csrWritesLeave }: CodeSource): boolean {
  const { system } = decoded.instruction;
  return system !== undefined && system !== SystemOperation.sfenceVma && !isCsrCode(decoded, csrWritesLeave);
}

/** Which page an offset lies in: 0 is the one in which the region begins. */
export const pageOf = (offset: number): number => Math.floor(offset / PAGE);

/** Where a region's code is to be found. */
export interface CodeSource {
  view: DataView;
  /** A page by its distance in pages from the first, if it is at hand. */
  page(distance: number): CodePage | undefined;
  /** Records that must not be run over: their execution is observed. */
  stopAt(record: number): boolean;
  /** CSR writes are observed, and so are not done in line. */
  csrWritesLeave: boolean;
  /** Include code that has never run, too. */
  eager: boolean;
}

/** The region that begins at `offset` of its first page; the entry block is the first. Undefined if there is nothing to translate. */
export function buildRegion(source: CodeSource, offset: number): Block[] | undefined {
  const root: Context = context(undefined, 0);
  const contexts = [root];
  const open: [Context, number][] = [[root, offset]];
  let count = 0;
  // Breadth first: the loop also visits what is pushed in its body.
  for (const [within, start] of open) {
    within.leaders.add(start);
    let before: RegionInstruction | undefined;
    for (let at = start; !within.found.has(at) && count < LIMIT;) {
      const instruction = regionInstructionAt(source, at, count === 0, before);
      if (instruction === undefined) break;
      within.found.set(at, instruction);
      count++;
      const after = at + instruction.length;
      const { to } = instruction;
      if (to !== undefined) {
        if (!isCall(instruction)) {
          open.push([within, to]);
        } else if (within.depth < DEEPEST) {
          const callee = context(within, after);
          within.callees.set(at, callee);
          contexts.push(callee);
          open.push([callee, to]);
        }
        if (!isJump(instruction)) open.push([within, after]);
        break;
      }
      if (instruction.instruction.control === 'indirect') {
        if (isReturn(instruction) && within.caller) open.push([within.caller, within.returnsTo]);
        break;
      }
      // Another page may lie there the next time: a block has but one.
      if (pageOf(after) !== pageOf(at)) {
        open.push([within, after]);
        break;
      }
      before = instruction;
      at = after;
      if (within.leaders.has(at)) break;
    }
  }
  if (!root.found.has(offset)) return undefined;
  const entry = blocksOf(source, contexts, root, offset);
  unroll(entry);
  return reachable(entry);
}

const context = (caller: Context | undefined, returnsTo: number): Context => ({
  caller,
  returnsTo,
  depth: caller === undefined ? 0 : caller.depth + 1,
  found: new Map(),
  leaders: new Set(),
  callees: new Map(),
});

/** `before`: the instruction that has led straight to this one. */
function regionInstructionAt(
  source: CodeSource,
  offset: number,
  first: boolean,
  before: RegionInstruction | undefined,
): RegionInstruction | undefined {
  const page = source.page(pageOf(offset));
  if (page === undefined) return undefined;
  const within = offset - pageOf(offset) * PAGE;
  const host = page.host + within;
  const { view } = source;
  const record = page.records + within * (RecordLayout.size / 2);
  if (source.stopAt(record)) return undefined;
  const half = view.getUint16(host, true);
  const isDecoded = view.getUint16(record, true) !== Opcode.special;
  if (!source.eager && !first && !isDecoded) return undefined;
  const straddles = lengthOf(half) === 4 && within === PAGE - 2;
  const word = lengthOf(half) === 2 ? half : straddles ? straddlerAt(source, offset, half) : view.getInt32(host, true);
  // The record may have been decoded with another next page.
  if (word === undefined || (straddles && isDecoded && view.getInt32(record + RecordLayout.word, true) !== word))
    return undefined;
  const decoded = decode(word);
  if (decoded === undefined || leaves(decoded, source)) return undefined;
  const closesIdiom = canClose(decoded.instruction) && closedLoopAt(view, host) !== undefined;
  const distance = jumpDistance(decoded, before);
  const to = distance === undefined ? undefined : offset + distance;
  const { instruction, length, rd, rs1, rs2, imm, floats } = decoded;
  return { instruction, length, rd, rs1, rs2, imm, floats, offset, word, record, closesIdiom, straddles, to };
}

/** The word of an instruction that ends in the next page, if that is at hand. */
function straddlerAt({ view, page }: CodeSource, offset: number, half: number): number | undefined {
  const next = page(pageOf(offset) + 1);
  return next && half | (view.getUint16(next.host, true) << 16);
}

/** Cuts what was found into blocks and joins them; the entry block is the first. */
function blocksOf(source: CodeSource, contexts: readonly Context[], root: Context, entry: number): Block {
  const blocks = new Map<Context, Map<number, Block>>();
  for (const within of contexts) {
    const own = new Map<number, Block>();
    for (const start of within.leaders) {
      if (!within.found.has(start)) continue;
      const page = source.page(pageOf(start))!;
      own.set(start, { start, page, instructions: [], target: undefined, next: undefined });
    }
    blocks.set(within, own);
  }
  for (const [within, own] of blocks) {
    for (const block of own.values()) {
      for (let at = block.start; ;) {
        const instruction = within.found.get(at);
        if (instruction === undefined) break;
        block.instructions.push(instruction);
        at += instruction.length;
        const callee = within.callees.get(instruction.offset);
        if (instruction.to !== undefined) {
          block.target = isCall(instruction)
            ? callee && blocks.get(callee)!.get(instruction.to)
            : own.get(instruction.to);
        } else if (isReturn(instruction) && within.caller) {
          block.target = blocks.get(within.caller)!.get(within.returnsTo);
        }
        if (isJump(instruction)) break;
        block.next = own.get(at);
        if (isRelative(instruction.instruction) || block.next !== undefined) break;
      }
    }
  }
  return blocks.get(root)!.get(entry)!;
}

/** All blocks that can be reached from one, itself first. */
function reachable(entry: Block): Block[] {
  const found = new Set([entry]);
  for (const { target, next } of found) {
    if (target) found.add(target);
    if (next) found.add(next);
  }
  return [...found];
}
