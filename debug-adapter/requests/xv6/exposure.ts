/** Our own request `xv6.exposure`: what is mapped while a program runs, and what would be with one table for it and the kernel. */
import { ENTRIES, PTE } from '../../../emulator/isa/sv39';
import { UserError } from '../../dap/errors';
import { memoryMap } from '../../memory/memory-map';
import { addressAreas } from '../../page-tables/areas';
import { takeSnapshot } from '../../page-tables/snapshot';
import { Tables, type Table } from '../../page-tables/tables';
import { buildTree } from '../../page-tables/tree';
import type { AddressArea, ExposureModel, PteRun, Requests } from '../../protocol';
import { processOn } from '../../xv6/cpus';
import { requireStopped, type SessionContext } from '../context';

export function exposure(context: SessionContext, { root: id }: Requests['xv6.exposure']['arguments']): ExposureModel {
  const { debuggee, stopped } = requireStopped(context);
  const { machine, xv6, harts } = debuggee;
  const { memory } = machine;
  const hart = harts[stopped.report.hart]!;
  const tables = new Tables(debuggee, hart);
  const users = tables.all.filter(({ known, root }) => known?.isUsers && root !== undefined);
  const ofProcess = (pid: number | undefined): Table | undefined =>
    users.find(({ known }) => pid !== undefined && known?.owner?.pid === pid);
  const asked = id === undefined ? undefined : tables.all.find((one) => one.id === id);
  const user =
    users.find(({ root }) => root === asked?.root) ??
    ofProcess(asked?.known?.owner?.pid) ??
    ofProcess(processOn(xv6, hart, tables.processes)?.pid) ??
    users[0];
  if (user === undefined) throw new UserError('There is no process yet, so nothing runs in user mode.');
  const seen = (table: Table): { label: string; areas: AddressArea[]; exposed: number } => {
    const regions = tables.regions(table);
    const { entries } = buildTree(takeSnapshot(table.root!, memory), { physical: memoryMap(memory), regions });
    return { label: table.label, areas: addressAreas(entries, regions), exposed: hiddenPages(entries) };
  };
  const kernel = tables.all.find((one) => one.id === 'kernel' && one.root !== undefined);
  return { root: user.id, ...seen(user), ...(kernel && { kernel: seen(kernel) }) };
}

/** Pages that are mapped, and not for user mode. */
const hiddenPages = (entries: readonly PteRun[]): number =>
  entries.reduce((sum, { level, count, flags, children }) => {
    if (children) return sum + hiddenPages(children);
    return sum + ((flags & (PTE.V | PTE.U)) === PTE.V ? count * ENTRIES ** level : 0);
  }, 0);
