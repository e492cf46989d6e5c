/**
 * Makes the rows of the Processes view from the adapter's response to `xv6.processes`. Does not use VS Code.
 */
import type { HartSummary, KernelStackSummary, ProcessSummary, ProcessTable } from '../../debug-adapter/protocol';

export interface ProcessRow {
  /** The same at every refresh, so that an expanded row stays expanded. */
  id: string;
  label: string;
  /** Shown after the label, fainter. */
  description?: string;
  tooltip?: string;
  /** Name of a codicon. */
  icon?: string;
  /** What the menus' conditions test: `process`, `process awaited`, `hart`. */
  context?: string;
  /** The process of the row or of a row above it. */
  pid?: number;
  /** What a click on the row shows: a thread's stack, or a C expression. */
  threadId?: number;
  expression?: string;
  children?: ProcessRow[];
}

const ICONS: Readonly<Record<string, string>> = {
  RUNNING: 'play-circle',
  RUNNABLE: 'circle-large-outline',
  SLEEPING: 'clock',
  ZOMBIE: 'circle-slash',
};

/** Harts first, then processes by pid. If there is nothing to show, one row says why. */
export function rowsOf({ harts, processes, message }: ProcessTable): ProcessRow[] {
  if (message !== undefined) return [{ id: 'message', label: message, icon: 'info' }];
  return [
    {
      id: 'harts',
      label: 'Harts',
      description: harts.map(({ runs }) => runs || 'no process').join(' · '),
      icon: 'server-process',
      children: harts.map(hartRow),
    },
    ...processes.map(processRow),
  ];
}

const hartRow = ({ hart, threadId, runs }: HartSummary): ProcessRow => ({
  id: `hart ${hart}`,
  label: `hart ${hart}`,
  description: runs || 'no process',
  icon: 'circuit-board',
  context: 'hart',
  threadId,
});

function processRow(process: ProcessSummary): ProcessRow {
  const { pid, name, slot, state, hart, channel, awaited } = process;
  const doing = [
    state.toLowerCase(),
    ...(hart === undefined ? [] : [`on hart ${hart}`]),
    ...(channel ? [`on ${channel.name}`] : []),
  ].join(' ');
  const id = `process ${slot} ${pid}`;
  return {
    id,
    label: `${pid} ${name}`.trimEnd(),
    description: awaited ? `${doing}, awaited` : doing,
    tooltip: awaited ? 'The machine stops when this process next runs.' : `${name}: ${doing}. Click to see its stack.`,
    icon: ICONS[state] ?? 'circle-outline',
    context: awaited ? 'process awaited' : 'process',
    pid,
    threadId: process.threadId,
    children: details(process).map((row) => within(row, id, pid)),
  };
}

const within = (row: ProcessRow, parent: string, pid: number): ProcessRow => ({
  ...row,
  id: `${parent} ${row.id}`,
  pid,
  ...(row.children ? { children: row.children.map((child) => within(child, parent, pid)) } : {}),
});

function details(process: ProcessSummary): ProcessRow[] {
  const { state, parentPid, size, pageTables, kernelStack, channel, trapFrame, workingDirectory, address, slot } =
    process;
  const row = (label: string, description: string | undefined, expression: string): ProcessRow[] =>
    description === undefined ? [] : [{ id: label, label, description, context: 'value', expression }];
  const member = (name: string): string => `((struct proc *)${address})->${name}`;
  return [
    ...row('state', state, member('state')),
    ...row('parent', parentPid === undefined ? undefined : `pid ${parentPid}`, member('parent')),
    ...row('size', size === undefined ? undefined : bytes(BigInt(size)), member('sz')),
    ...pageTables.flatMap(({ member: name, root }) => row(name, root, member(name))),
    ...row('kernel stack', kernelStack && depth(kernelStack), member('kstack')),
    ...row('channel', channel && `${channel.name} (${channel.address})`, member('chan')),
    ...(trapFrame ? [trapFrameRow(trapFrame, member('trapframe'))] : []),
    ...(process.arguments ? [argumentsRow(process.arguments)] : []),
    ...row(
      'working directory',
      workingDirectory === undefined ? undefined : `inode ${workingDirectory}`,
      `*${member('cwd')}`,
    ),
    ...row('struct proc', `proc[${slot}] at ${address}`, `*(struct proc *)${address}`),
    filesRow(process),
  ];
}

/** "0x3fffffb000, 4096 bytes: 304 in use, 1824 at most so far". */
function depth({ address, size, used, deepest }: KernelStackSummary): string {
  const now = used === undefined ? [] : [`${used} in use`];
  const most = deepest === undefined ? [] : [deepest === size ? 'used to its end' : `${deepest} at most so far`];
  const known = [...now, ...most].join(', ');
  return `${address}, ${size} bytes${known === '' ? '' : `: ${known}`}`;
}

const trapFrameRow = (
  { address, epc, members }: NonNullable<ProcessSummary['trapFrame']>,
  expression: string,
): ProcessRow => ({
  id: 'trap frame',
  label: 'trap frame',
  description: `${address}, epc ${epc}`,
  ...{ context: 'value', expression: `*${expression}` },
  children: members.map(({ name, value }) => ({
    ...{ id: `register ${name}`, label: name, description: value, context: 'value' },
    expression: `${expression}->${name}`,
  })),
});

/** The stack as exec built it, from the top down. */
const argumentsRow = ({ argv, strings }: NonNullable<ProcessSummary['arguments']>): ProcessRow => ({
  id: 'arguments',
  label: 'arguments',
  description: `argc ${strings.length}, argv at ${argv} of the user stack`,
  children: strings.map(({ address, text }, index) => ({
    ...{ id: `argument ${index}`, label: `argv[${index}]`, description: `${JSON.stringify(text)} at ${address}` },
  })),
});

function filesRow({ files, address }: ProcessSummary): ProcessRow {
  return {
    id: 'files',
    label: 'open files',
    description: String(files.length),
    children: files.map(({ fd, description }) => ({
      id: `file ${fd}`,
      label: String(fd),
      description,
      context: 'value',
      expression: `*((struct proc *)${address})->ofile[${fd}]`,
    })),
  };
}

/** "20480 bytes (0x5000)". */
const bytes = (size: bigint): string => `${size} bytes (0x${size.toString(16)})`;
