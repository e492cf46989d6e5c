/** The root of the page table that a hart translates by is freed: whatever the page holds next is its page table. */
import { allocatedLine, pageName, told, upper, type FreedPage, type Told } from './rule';

/** The harts, by their index, with this root in satp. */
export const hartsOn = (page: bigint, roots: readonly (bigint | undefined)[]): number[] =>
  roots.flatMap((root, hart) => (root === page ? [hart] : []));

export const freedRoot = (page: FreedPage, harts: readonly number[], table: string): Told =>
  told(
    `${upper(pageName(page))} is freed while satp holds it`,
    `it is the root of ${table}, by which ${harts.map((hart) => `hart ${hart}`).join(' and ')} ${harts.length === 1 ? 'translates' : 'translate'} now`,
    `${page.by} is called for it by ${page.caller}`,
    allocatedLine(page),
  );
