/** The graph of a region's blocks: the order in which they are come to, and which lies on every way to which. */
import type { Block } from './region';

/** Blocks that may follow. */
export const successors = ({ target, next }: Block): Block[] => [target, next].filter((b) => b !== undefined);

/** All blocks that can be reached, each before those that it leads to, but for jumps back. */
export function reversePostorder(entry: Block): Block[] {
  const seen = new Set<Block>();
  const order: Block[] = [];
  const visit = (b: Block): void => {
    if (seen.has(b)) return;
    seen.add(b);
    successors(b).forEach(visit);
    order.push(b);
  };
  visit(entry);
  return order.reverse();
}

export function predecessorsOf(order: readonly Block[]): Map<Block, Block[]> {
  const result = new Map<Block, Block[]>(order.map((b) => [b, []]));
  for (const b of order) for (const to of successors(b)) result.get(to)!.push(b);
  return result;
}

/**
 * Immediate dominators (Cooper, Harvey and Kennedy, "A Simple, Fast Dominance Algorithm"); the entry's is itself. `order` is
 * the reverse postorder, and `rank` a block's place in it.
 */
export function dominators(order: readonly Block[], rank: ReadonlyMap<Block, number>): Map<Block, Block> {
  const predecessors = predecessorsOf(order);
  const [entry] = order;
  const result = new Map<Block, Block>([[entry, entry]]);
  const common = (a: Block, b: Block): Block => {
    while (a !== b) {
      while (rank.get(a)! > rank.get(b)!) a = result.get(a)!;
      while (rank.get(b)! > rank.get(a)!) b = result.get(b)!;
    }
    return a;
  };
  for (let changed = true; changed;) {
    changed = false;
    for (const b of order.slice(1)) {
      const known = predecessors.get(b)!.filter((from) => result.has(from));
      const found = known.reduce(common);
      if (result.get(b) !== found) {
        result.set(b, found);
        changed = true;
      }
    }
  }
  return result;
}
