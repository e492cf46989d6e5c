/**
 * From a graph of blocks to WebAssembly's nested blocks and loops, after Norman Ramsey, "Beyond Relooper" (ICFP 2022): a
 * block's code contains that of the blocks it dominates; one that several paths join follows a `block` that ends there;
 * one that is jumped back to is a `loop`. An edge into the middle of a loop has no such form and leaves the region.
 */
import { type Code, Label, block as wasmBlock, br, loop } from '../wasm/assembler';
import { graphFrom, successors } from './dominators';
import type { Block } from './region';

/**
 * Emits a block's own code; `to` gives the code that goes on at a block. `ahead` is how many instructions may be executed
 * from the start of the block until the next check, which is at the entry and once in every loop; else undefined.
 */
export type EmitBlock = (block: Block, to: (target: Block) => Code, ahead: number | undefined) => Code;

/** The code of a whole region. `leave` goes to a block by leaving the region. */
export function structured(entry: Block, emit: EmitBlock, leave: (target: Block) => Code): Code {
  const { order, rank, predecessors, dominator, dominates } = graphFrom(entry);
  const isBack = (from: Block, to: Block): boolean => rank.get(to)! <= rank.get(from)!;
  const isHeader = (b: Block): boolean => predecessors.get(b)!.some((from) => isBack(from, b));
  const isMerge = (b: Block): boolean => predecessors.get(b)!.filter((from) => !isBack(from, b)).length > 1;
  const labels = new Map<Block, { block: Label; loop: Label }>();
  for (const b of order) labels.set(b, { block: new Label(), loop: new Label() });

  const asks = (b: Block): boolean => b === entry || isHeader(b);
  const longest = new Map<Block, number>();
  for (const b of [...order].reverse()) {
    const onward = successors(b).map((to) => (isBack(b, to) || asks(to) ? 0 : longest.get(to)!));
    longest.set(b, b.instructions.length + Math.max(0, ...onward));
  }
  /** By a block, the joined ones that it dominates, the last in order outermost. */
  const merges = new Map<Block, Block[]>(order.map((b) => [b, []]));
  for (const b of [...order].reverse()) if (b !== entry && isMerge(b)) merges.get(dominator.get(b)!)!.push(b);

  const tree = (b: Block): Code => {
    const body = within(b, merges.get(b)!);
    return isHeader(b) ? loop(labels.get(b)!.loop, body) : body;
  };
  const within = (b: Block, joined: readonly Block[]): Code => {
    const outermost = joined[0];
    if (outermost === undefined) return emit(b, (target) => go(b, target), asks(b) ? longest.get(b) : undefined);
    return [wasmBlock(labels.get(outermost)!.block, within(b, joined.slice(1))), tree(outermost)];
  };
  const go = (from: Block, to: Block): Code => {
    if (isBack(from, to)) return dominates(to, from) ? br(labels.get(to)!.loop) : leave(to);
    return isMerge(to) ? br(labels.get(to)!.block) : tree(to);
  };
  return tree(entry);
}
