/** Our own requests `xv6.pageTable` and `xv6.translate`: the tables of the harts, the kernel and the processes. */
import { Mode, type Hart } from '../../../emulator/types';
import type { Debuggee } from '../../launch/debuggee';
import { evaluate, integerOf } from '../../expressions/evaluate';
import { formatValue } from '../../expressions/format';
import { typeName } from '../../expressions/types';
import type { TrapContext } from '../../page-tables/explain';
import { memoryMap } from '../../page-tables/memory-map';
import { pageTableModel } from '../../page-tables/model';
import { accessMode, modeLetter } from '../../page-tables/permission';
import type { Regions } from '../../page-tables/regions';
import { takeSnapshot, type TableSnapshot } from '../../page-tables/snapshot';
import { sameModes, translate as translateBy, translateBare, type AccessModes } from '../../page-tables/translate';
import { Csr } from '../../../emulator/isa/csrs';
import type {
  PageTableArguments,
  PageTableModel,
  PageTableRoot,
  TranslateArguments,
  TranslateResponse,
  Translation,
} from '../../protocol';
import { processOfHart } from '../../xv6/cpus';
import { allProcesses, type Process } from '../../xv6/processes';
import { pageTableRoots, regionsOfTable } from '../../xv6/roots';
import { requireStopped, type SessionContext } from '../context';
import { viewFor } from '../inspection/evaluate';

export function pageTable(context: SessionContext, args: PageTableArguments): PageTableModel {
  const { debuggee, stopped } = requireStopped(context);
  const tables = new Tables(debuggee, hartOf(debuggee, args.hart ?? stopped.report.hart));
  const shown = tables.named(args.root ?? 'satp');
  const { memory } = debuggee.machine;
  return pageTableModel(context.snapshots, {
    roots: tables.roots,
    shown,
    stop: context.stops,
    memory,
    physical: memoryMap(memory),
    regions: tables.regionsOf(shown),
    message: tables.whyNone(shown),
  });
}

export function translate(context: SessionContext, args: TranslateArguments): TranslateResponse {
  const { evaluation, hart } = viewFor(context, args.frameId);
  const value = evaluate(args.expression, evaluation);
  const va = integerOf(value, evaluation);
  return {
    value: formatValue(value, evaluation),
    type: typeName(value.type),
    ...(va === undefined ? {} : { translation: translateFor(context, hart, va, args.root) }),
  };
}

/** Where a hart's access to `va` would go, or one by another table. */
export function translateFor(context: SessionContext, hartId: number, va: bigint, rootId = 'satp'): Translation {
  const { debuggee } = requireStopped(context);
  const hart = hartOf(debuggee, hartId);
  const tables = new Tables(debuggee, hart);
  const root = tables.named(rootId);
  const mode = modeLetter(hart.mode);
  if (rootId === 'satp' && mode === 'M') return translateBare(va, root, mode, 'M-mode addresses are physical');
  if (root.root === undefined) return translateBare(va, root, mode, tables.whyNone(root));
  const { memory } = debuggee.machine;
  const regions = tables.regionsOf(root)(takeSnapshot(BigInt(root.root), memory));
  return translateBy(va, root, tables.judgesOf(root), (address) => memory.readU64(address), regions);
}

/** What the explanation of a trap on a hart may draw on. */
export function surroundingsOf(
  debuggee: Debuggee,
  hartId: number,
): Pick<TrapContext, 'memory' | 'physical' | 'regions' | 'process' | 'otherTables'> {
  const { memory } = debuggee.machine;
  const tables = new Tables(debuggee, hartOf(debuggee, hartId));
  const satp = tables.named('satp');
  const process = processOfHart(debuggee.xv6, hartId, tables.processes);
  const others = tables.roots.flatMap(({ id, label, root }) =>
    id.startsWith('satp') || root === undefined ? [] : [{ label, root: BigInt(root) }],
  );
  return {
    memory,
    physical: memoryMap(memory),
    ...(satp.root === undefined ? {} : { regions: tables.regionsOf(satp)(takeSnapshot(BigInt(satp.root), memory)) }),
    ...(process ? { process } : {}),
    otherTables: others,
  };
}

function hartOf(debuggee: Debuggee, id: number): Hart {
  const hart = debuggee.harts[id];
  if (!hart) throw new Error(`There is no hart ${id}; this machine has ${debuggee.harts.length}.`);
  return hart;
}

/** Every table that can be shown now, as one hart sees them. */
class Tables {
  readonly processes: Process[];
  readonly roots: PageTableRoot[];

  constructor(
    private readonly debuggee: Debuggee,
    private readonly hart: Hart,
  ) {
    this.processes = allProcesses(debuggee.xv6);
    const satps = debuggee.harts.map((one) => ({ hart: one.id, satp: one.csr(Csr.satp) ?? 0n }));
    this.roots = pageTableRoots(
      debuggee.xv6,
      satps,
      hart.id,
      this.processes.filter(({ used }) => used),
    );
  }

  named(id: string): PageTableRoot {
    const found = this.roots.find((root) => root.id === id);
    if (found) return found;
    throw new Error(`There is no page table "${id}" now; there are ${this.roots.map((root) => root.id).join(', ')}.`);
  }

  whyNone({ id, label }: PageTableRoot): string {
    if (id.startsWith('satp')) return `satp.MODE is Bare: hart ${id.split(':')[1] ?? this.hart.id} runs without paging`;
    return `${label} has not been made yet`;
  }

  regionsOf({ root }: PageTableRoot): (snapshot: TableSnapshot) => Regions {
    const { xv6, machine } = this.debuggee;
    return (snapshot) => regionsOfTable(xv6, memoryMap(machine.memory), BigInt(root ?? 0), this.processes, snapshot);
  }

  /** The table in satp is judged as the hart stands; any other as the one who would use it. */
  judgesOf({ id, root }: PageTableRoot): AccessModes {
    const mstatus = this.hart.csr(Csr.mstatus) ?? 0n;
    if (id === 'satp') {
      const { mode } = this.hart;
      return {
        load: accessMode(mode, mstatus, 'load'),
        store: accessMode(mode, mstatus, 'store'),
        fetch: accessMode(mode, mstatus, 'fetch'),
      };
    }
    const users = this.processes.some(
      ({ used, pagetable }) => used && root !== undefined && pagetable === BigInt(root),
    );
    return sameModes(accessMode(users ? Mode.User : Mode.Supervisor, mstatus, 'load'));
  }
}
