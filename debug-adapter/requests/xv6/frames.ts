/** Our own request `xv6.frames`: which frames of RAM belong to whom. */
import { memoryMap } from '../../memory/memory-map';
import { framesOf, type OwnedTable } from '../../page-tables/frames';
import { Tables } from '../../page-tables/tables';
import type { FramesModel } from '../../protocol';
import { freePages } from '../../xv6/kernel';
import { kernelLayout } from '../../xv6/regions';
import { requireStopped, type SessionContext } from '../context';

export function frames(context: SessionContext): FramesModel {
  const { debuggee, stopped } = requireStopped(context);
  const { machine, xv6, harts } = debuggee;
  const { memory } = machine;
  const tables = new Tables(debuggee, harts[stopped.report.hart]!);
  const owned = new Map<bigint, OwnedTable>();
  // A table that is somebody's is called so, and not by the hart that has it in satp.
  for (const table of [...tables.all].sort((a, b) => Number(b.known !== undefined) - Number(a.known !== undefined))) {
    const { id, label, root, known } = table;
    if (root === undefined || owned.has(root)) continue;
    owned.set(root, { ...{ id, label, root, pid: known?.owner?.pid }, regions: tables.regions({ root }) });
  }
  return framesOf({
    ...{ memory, tables: [...owned.values()], free: freePages(xv6) },
    layout: kernelLayout(xv6.binary, memoryMap(memory)),
    registers: harts.flatMap((hart) => Array.from({ length: 32 }, (_, number) => hart.x(number))),
  });
}
