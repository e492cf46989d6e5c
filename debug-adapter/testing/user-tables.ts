/** User tables in memory, for the specs of the rules about them. */
import { TestMemory } from '../../emulator/testing/page-tables';
import { UserMappings } from '../ledger/user-tables/user-mappings';

/** Programs by their number, each with a table; RAM has 4096 pages, of which the allocator's begin after the kernel's. */
export function userTables(programs: number) {
  const memory = new TestMemory();
  const roots = Array.from({ length: programs }, () => memory.page());
  const range = { start: 0x80400, end: 0x81000 };
  const words = { table: (root: bigint) => `the table of pid ${roots.indexOf(root) + 1}` };
  const mappings = new UserMappings(memory, { userRoots: () => roots }, words, range);
  const map = (program: number, va: number, page: number, flags: number): void =>
    void memory.map(roots[program]!, BigInt(va), BigInt(page) << 12n, flags);
  return { memory, roots, mappings, map };
}
