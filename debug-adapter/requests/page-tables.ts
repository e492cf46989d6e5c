/** Our own requests `xv6.pageTable` and `xv6.translate`: the tables of the harts, the kernel and the processes. */
import type { Hart } from '../../emulator/types';
import type { Debuggee } from '../debuggee';
import { integerOf, evaluate } from '../expressions/evaluate';
import { formatValue } from '../expressions/format';
import { typeName } from '../expressions/types';
import type { TrapContext } from '../page-tables/explain';
import { memoryMap } from '../page-tables/memory-map';
import { pageTableModel } from '../page-tables/model';
import { accessMode, modeLetter } from '../page-tables/permission';
import { kernelLayout, kernelRegions, processLabel, userRegions, type Regions } from '../page-tables/regions';
import { takeSnapshot, type TableSnapshot } from '../page-tables/snapshot';
import { sameJudges, translate as translateBy, translateBare, type Judges } from '../page-tables/translate';
import { hex, satpFields } from '../page-tables/walk';
import type {
  PageTableArguments,
  PageTableModel,
  PageTableRoot,
  TranslateArguments,
  TranslateResponse,
  Translation,
} from '../protocol';
import { standing, type Context } from './context';
import { evaluationFor } from './evaluate';
import { kernelTable, processes, runningOn, type GuestProcess } from './processes';

const SATP = 0x180;
const MSTATUS = 0x300;
const SV39 = 8;

/** A table that can be shown, and how to speak of what is in it. */
interface Table {
  root: PageTableRoot;
  /** Why there is no table now. */
  message?: string;
  judges: Judges;
  regions: (snapshot: TableSnapshot) => Regions;
}

export function pageTable(context: Context, args: PageTableArguments): PageTableModel {
  const { debuggee, stopped } = standing(context);
  const tables = tablesOf(debuggee, hartOf(debuggee, args.hart ?? stopped.report.hart));
  const shown = tableNamed(tables, args.root ?? 'satp');
  return pageTableModel(context.tableMemory, {
    roots: tables.map(({ root }) => root),
    shown: shown.root,
    stop: context.stops,
    memory: debuggee.machine.memory,
    physical: memoryMap(debuggee.machine.memory),
    regions: shown.regions,
    ...(shown.message === undefined ? {} : { message: shown.message }),
  });
}

export function translate(context: Context, args: TranslateArguments): TranslateResponse {
  const { evaluation, hart } = evaluationFor(context, args.frameId);
  const value = evaluate(args.expression, evaluation);
  const va = integerOf(value, evaluation);
  return {
    value: formatValue(value, evaluation),
    type: typeName(value.type),
    ...(va === undefined ? {} : { translation: translateFor(context, hart, va, args.root) }),
  };
}

/** Where a hart's access to `va` would go, or one by another table. */
export function translateFor(context: Context, hartId: number, va: bigint, rootId = 'satp'): Translation {
  const { debuggee } = standing(context);
  const hart = hartOf(debuggee, hartId);
  const { root, judges, regions, message } = tableNamed(tablesOf(debuggee, hart), rootId);
  const mode = modeLetter(hart.mode);
  if (rootId === 'satp' && mode === 'M') return translateBare(va, root, mode, 'M-mode addresses are physical');
  if (root.root === undefined) return translateBare(va, root, mode, message ?? `${root.label} has no page table now`);
  const { memory } = debuggee.machine;
  const snapshot = takeSnapshot(BigInt(root.root), memory);
  return translateBy(va, root, judges, (address) => memory.readU64(address), regions(snapshot));
}

/** What the explanation of a trap on a hart may draw on. */
export function surroundingsOf(
  debuggee: Debuggee,
  hartId: number,
): Pick<TrapContext, 'memory' | 'physical' | 'regions' | 'process' | 'otherTables'> {
  const { memory } = debuggee.machine;
  const tables = tablesOf(debuggee, debuggee.harts[hartId]!);
  const satp = tableNamed(tables, 'satp');
  const process = runningOn(debuggee, hartId);
  const others = tables.flatMap(({ root }) =>
    root.id === 'satp' || root.root === undefined ? [] : [{ label: root.label, root: BigInt(root.root) }],
  );
  return {
    memory,
    physical: memoryMap(memory),
    ...(satp.root.root === undefined ? {} : { regions: satp.regions(takeSnapshot(BigInt(satp.root.root), memory)) }),
    ...(process ? { process } : {}),
    otherTables: others,
  };
}

function hartOf(debuggee: Debuggee, id: number): Hart {
  const hart = debuggee.harts[id];
  if (!hart) throw new Error(`There is no hart ${id}; this machine has ${debuggee.harts.length}.`);
  return hart;
}

function tableNamed(tables: readonly Table[], id: string): Table {
  const found = tables.find(({ root }) => root.id === id);
  if (!found)
    throw new Error(`There is no page table "${id}" now; there are ${tables.map(({ root }) => root.id).join(', ')}.`);
  return found;
}

/** Every table that can be shown: of the hart first, then the kernel's, then the processes'. */
function tablesOf(debuggee: Debuggee, hart: Hart): Table[] {
  const { memory } = debuggee.machine;
  const layout = kernelLayout(debuggee.image.binary, memoryMap(memory));
  const all = processes(debuggee);
  const mstatus = hart.csr(MSTATUS) ?? 0n;
  const asUser = sameJudges(accessMode(0, mstatus, 'load'));
  const asKernel = sameJudges(accessMode(1, mstatus, 'load'));
  const kernelNames = (owner?: GuestProcess) => (): Regions => kernelRegions(layout, all, owner);
  const userNames =
    (process: GuestProcess) =>
    (snapshot: TableSnapshot): Regions =>
      userRegions(layout, process, snapshot, process.sp);

  const own: Table[] = [];
  const kernel = kernelTable(debuggee);
  if (kernel !== undefined)
    own.push({
      root: { id: 'kernel', label: 'kernel_pagetable', root: hex(kernel) },
      judges: asKernel,
      regions: kernelNames(),
    });
  for (const process of all) {
    const id = `pid:${process.pid}`;
    const label = processLabel(process);
    if (process.table !== undefined)
      own.push({ root: { id, label, root: hex(process.table) }, judges: asUser, regions: userNames(process) });
    if (process.kernelTable !== undefined)
      own.push({
        root: { id: `${id}:kernel`, label: `${label}, its kernel table`, root: hex(process.kernelTable) },
        judges: asKernel,
        regions: kernelNames(process),
      });
  }

  const { mode, root } = satpFields(hart.csr(SATP) ?? 0n);
  const label = `satp of hart ${hart.id}`;
  const judges = {
    load: accessMode(hart.mode, mstatus, 'load'),
    store: accessMode(hart.mode, mstatus, 'store'),
    fetch: accessMode(hart.mode, mstatus, 'fetch'),
  };
  if (mode !== SV39) {
    const message = `satp.MODE is Bare: hart ${hart.id} runs without paging`;
    return [{ root: { id: 'satp', label }, message, judges, regions: kernelNames() }, ...own];
  }
  const loaded = own.find((table) => table.root.root === hex(root));
  const named = loaded ? `${label} (${loaded.root.label})` : label;
  return [
    { root: { id: 'satp', label: named, root: hex(root) }, judges, regions: loaded?.regions ?? kernelNames() },
    ...own,
  ];
}
