/**
 * A region: the basic blocks of one page of code that can be reached from a hot instruction without leaving the page. It
 * is what the translator turns into one function, so that loops stay inside.
 */
import { type Decoded, decode, lengthOf } from '../isa/decode';
import { bulkLoopAt } from './bulk';
import { PAGE } from './layout';

export interface RegionInstruction extends Decoded {
  /** Bytes from the start of the page. */
  offset: number;
  word: number;
  /** It closes a loop that cpu/bulk.ts can run. */
  bulk: boolean;
}

export interface Block {
  /** Offset of its first instruction in the page. */
  start: number;
  instructions: RegionInstruction[];
  /** Blocks that may follow: the target of the branch or jump that ends it, and the one behind it. Undefined: elsewhere. */
  target: Block | undefined;
  next: Block | undefined;
}

/** Instructions that a region may have. */
const LIMIT = 300;

/** Instructions that the interpreter keeps for itself: what they do may change everything around. */
const leaves = ({ instruction, length }: Decoded, offset: number): boolean =>
  offset + length > PAGE || /^(csr|ecall|ebreak|[ms]ret|wfi|sfence|lr\.|sc\.)/.test(instruction.name);

/**
 * The region that begins at `offset` of the page at host address `page`; the entry block is the first. `stopAt` tells
 * addresses (host) that must not be run over, breakpoints. Undefined if there is nothing to translate.
 */
export function regionAt(
  view: DataView,
  page: number,
  offset: number,
  stopAt: (host: number) => boolean,
): Block[] | undefined {
  const found = new Map<number, RegionInstruction>();
  const leaders = new Set<number>();
  const open = [offset];
  while (open.length > 0) {
    let at = open.pop()!;
    leaders.add(at);
    while (!found.has(at) && found.size < LIMIT) {
      const instruction = instructionAt(view, page, at);
      if (instruction === undefined || stopAt(page + at)) break;
      found.set(at, instruction);
      const behind = at + instruction.length;
      const { control } = instruction.instruction;
      if (control === 'indirect') break;
      if (control === 'relative') {
        const target = at + instruction.imm;
        if (target >= 0 && target < PAGE) open.push(target);
        // A call comes back some other way: what lies behind it is another region.
        if (instruction.instruction.name === 'jal') break;
        open.push(behind);
        break;
      }
      at = behind;
      if (leaders.has(at)) break;
    }
  }
  return found.has(offset) ? blocksOf(found, leaders, offset) : undefined;
}

function instructionAt(view: DataView, page: number, offset: number): RegionInstruction | undefined {
  if (offset > PAGE - 2) return undefined;
  const half = view.getUint16(page + offset, true);
  if (lengthOf(half) === 4 && offset > PAGE - 4) return undefined;
  const word = lengthOf(half) === 2 ? half : view.getInt32(page + offset, true);
  const decoded = decode(word);
  if (decoded === undefined || leaves(decoded, offset)) return undefined;
  const bulk = decoded.instruction.name === 'bne' && bulkLoopAt(view, page + offset) !== undefined;
  return { ...decoded, offset, word, bulk };
}

function blocksOf(found: Map<number, RegionInstruction>, leaders: Set<number>, entry: number): Block[] {
  const blocks = new Map<number, Block>();
  for (const start of [entry, ...leaders]) {
    if (found.has(start)) blocks.set(start, { start, instructions: [], target: undefined, next: undefined });
  }
  for (const block of blocks.values()) {
    let at = block.start;
    for (;;) {
      const instruction = found.get(at);
      if (instruction === undefined) break;
      block.instructions.push(instruction);
      at += instruction.length;
      const { control, name } = instruction.instruction;
      if (control === 'relative') block.target = blocks.get(instruction.offset + instruction.imm);
      if (control === 'indirect' || name === 'jal') break;
      block.next = blocks.get(at);
      if (control === 'relative' || block.next !== undefined) break;
    }
  }
  return [...blocks.values()];
}
