/** The graph of a region's blocks: the order in which a walk reaches them, and which of them lie on every path to which. */
import type { Block } from './region';

/** Blocks that may follow. */
export const successors = ({ target, next }: Block): Block[] => [target, next].filter((b) => b !== undefined);

/** What can be reached from a block, and on which ways. */
export interface Graph {
  /** The reverse postorder: all blocks, each before those that it leads to, but for jumps back. */
  order: readonly Block[];
  /** A block's place in the order. */
  rank: ReadonlyMap<Block, number>;
  predecessors: ReadonlyMap<Block, readonly Block[]>;
  /** The last block that lies on every way to a block; the entry's is itself. */
  dominator: ReadonlyMap<Block, Block>;
  /** Whether `a` is `b`, or lies on every way to it. */
  dominates(a: Block, b: Block): boolean;
}

export function graphFrom(entry: Block): Graph {
  const order = reversePostorder(entry);
  const rank = new Map(order.map((block, index) => [block, index]));
  const predecessors = predecessorsOf(order);
  const dominator = dominators(order, rank, predecessors);
  const dominates = (a: Block, b: Block): boolean => {
    let at = b;
    while (at !== a && at !== entry) at = dominator.get(at)!;
    return at === a;
  };
  return { order, rank, predecessors, dominator, dominates };
}

function reversePostorder(entry: Block): Block[] {
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

function predecessorsOf(order: readonly Block[]): Map<Block, Block[]> {
  const result = new Map<Block, Block[]>(order.map((b) => [b, []]));
  for (const b of order) for (const to of successors(b)) result.get(to)!.push(b);
  return result;
}

/** Immediate dominators (Cooper, Harvey and Kennedy, "A Simple, Fast Dominance Algorithm"). */
function dominators(
  order: Graph['order'],
  rank: Graph['rank'],
  predecessors: Graph['predecessors'],
): Map<Block, Block> {
  const entry = order[0]!;
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
