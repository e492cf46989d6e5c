/** Who listens to the machine: the catchpoints, and the data breakpoints, some of which follow page tables as they change. */
import type { MachineApi, Observer } from '../../emulator/types';
import type { Catchpoints } from './catchpoints';
import type { DataBreakpoints } from './data-breakpoints';

export function observing(catching: Observer, data: DataBreakpoints): Observer {
  const follow = (): void => {
    if (data.following) data.follow();
  };
  return {
    ...catching,
    satpWrite: (event) => {
      follow();
      return catching.satpWrite?.(event) ?? false;
    },
    fence: (event) => {
      follow();
      return catching.fence?.(event) ?? false;
    },
    tableStore: (event) => {
      follow();
      return catching.tableStore?.(event) ?? false;
    },
    data: (event) => data.concerns(event),
  };
}

/** Has the machine watch page tables if anybody wants to hear of them; `roots` gives those that are known. */
export function watchTables(
  machine: MachineApi,
  catchpoints: Catchpoints,
  data: DataBreakpoints,
  roots: () => Iterable<bigint>,
): void {
  machine.watchTables(data.following || catchpoints.isActive('pte-store') ? roots() : undefined);
}
