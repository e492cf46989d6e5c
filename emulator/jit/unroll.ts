/**
 * Short loops several times over. A pass of a loop asks whether it fits into what remains of the slice, and the engine asks
 * whether it is to be interrupted; in a loop of four instructions that is a third of the work. Innermost loops become a ring
 * of copies, of which only the first is jumped back to, so that several passes ask once.
 */
import { graphFrom, successors } from './dominators';
import type { Block } from './region';

/** Copies of a loop, the loop itself included; and instructions that they may have together. */
const MOST_COPIES = 4;
const MOST_INSTRUCTIONS = 24;

/** Unrolls the loops of a region; the entry block stays what it was. */
export function unroll(entry: Block): void {
  const { order, predecessors, dominates } = graphFrom(entry);
  /** By header, the smallest loop: a region that begins within a loop has those around it begin there, too. */
  const loops = new Map<Block, Set<Block>>();
  for (const from of order) {
    for (const header of successors(from)) {
      if (!dominates(header, from)) continue;
      const body = new Set([header, from]);
      for (const block of body) if (block !== header) predecessors.get(block)!.forEach((before) => body.add(before));
      const known = loops.get(header);
      if (known === undefined || sizeOf(body) < sizeOf(known)) loops.set(header, body);
    }
  }
  for (const [header, body] of loops) {
    const isInnermost = [...body].every((block) => block === header || !loops.has(block));
    if (isInnermost) ring(header, [...body]);
  }
}

const sizeOf = (blocks: Iterable<Block>): number => {
  let instructions = 0;
  for (const block of blocks) instructions += block.instructions.length;
  return instructions;
};

/** Lets copies of the loop do its passes by rotation. */
function ring(header: Block, body: readonly Block[]): void {
  const copies = Math.min(MOST_COPIES, Math.floor(MOST_INSTRUCTIONS / sizeOf(body)));
  // A loop that fills or copies memory is left at once.
  if (body.some((block) => block.instructions.some(({ closesIdiom }) => closesIdiom))) return;
  const passes = [new Map(body.map((block) => [block, block]))];
  while (passes.length < copies) passes.push(new Map(body.map((block) => [block, { ...block }])));
  passes.forEach((pass, i) => {
    const following = passes[(i + 1) % passes.length]!;
    const lead = (to: Block | undefined): Block | undefined =>
      to === undefined ? undefined : to === header ? following.get(header) : (pass.get(to) ?? to);
    for (const block of pass.values()) {
      block.target = lead(block.target);
      block.next = lead(block.next);
    }
  });
}
