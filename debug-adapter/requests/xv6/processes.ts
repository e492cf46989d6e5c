/**
 * Our own requests `xv6.processes`, `xv6.showThread` and `xv6.breakWhenRun`: the guest's process table, as the kernel's own
 * types tell it. The first and the last are answered while the guest runs too: what is said then is of the moment between two slices of the machine.
 */
import { hex } from '../../../emulator/isa/hex';
import { X } from '../../../emulator/isa/registers';
import { Mode } from '../../../emulator/types';
import type { Debuggee } from '../../launch/debuggee';
import type { HartSummary, ProcessSummary, ProcessTable, Requests } from '../../protocol';
import { execStack } from '../../stack/exec-stack';
import { kernelStack } from '../../stack/kernel-stack';
import { hartOfProcess, hartRuns, hartThread, parkedAt, processThread, threadNamed } from '../../stack/threads';
import { userSpace } from '../../xv6/address-spaces';
import { processOn } from '../../xv6/cpus';
import { channelName } from '../../xv6/channel';
import { openFiles, workingDirectory } from '../../xv6/open-files';
import { named, processes as existing, trapFrameMembers, trapFrameRegisters, type Process } from '../../xv6/processes';
import { requireSession, requireStopped, type SessionContext } from '../context';

export function processes(context: SessionContext): ProcessTable {
  const { debuggee, awaited } = requireSession(context);
  const harts = debuggee.harts.map((hart): HartSummary => {
    const process = processOn(debuggee.xv6, hart);
    const functions = (): string[] =>
      (context.stopped?.stack({ kind: 'hart', hart: hart.id }) ?? []).map(({ name }) => name);
    return {
      hart: hart.id,
      threadId: hartThread(hart.id),
      runs: context.stopped ? hartRuns(debuggee, hart, functions) : process ? named(process) : '',
      ...(process ? { pid: process.pid } : {}),
    };
  });
  const found = existing(debuggee.xv6).sort((a, b) => a.pid - b.pid || a.slot - b.slot);
  const why = debuggee.xv6.features.find(({ name, available }) => name === 'processes' && !available)?.why;
  return {
    harts,
    processes: found.map((process) => ({ ...stateOf(debuggee, process), awaited: awaited.awaits(process) })),
    ...(why === undefined ? {} : { message: `The processes of this kernel are not known: ${why}.` }),
  };
}

export function showThread(
  context: SessionContext,
  { threadId }: Requests['xv6.showThread']['arguments'],
): Requests['xv6.showThread']['response'] {
  const { debuggee } = requireStopped(context);
  threadNamed(debuggee, threadId);
  context.connection.afterResponse(() =>
    context.connection.event('stopped', {
      reason: 'pause',
      description: 'Stopped',
      threadId,
      preserveFocusHint: false,
      allThreadsStopped: true,
    }),
  );
  return {};
}

export function breakWhenRun(
  context: SessionContext,
  { pid, on = true }: Requests['xv6.breakWhenRun']['arguments'],
): Requests['xv6.breakWhenRun']['response'] {
  const { debuggee, awaited, runner } = requireSession(context);
  const process = existing(debuggee.xv6).find((one) => one.pid === pid);
  if (!process) throw new Error(`There is no process with pid ${pid} now.`);
  // A process that never runs again, or of which that is not known, is not waited for.
  if (on && !hartOfProcess(debuggee, process)) parkedAt(debuggee, process);
  awaited.set(process, on);
  runner.breakpointsChanged();
  return {};
}

function stateOf(debuggee: Debuggee, process: Process): Omit<ProcessSummary, 'awaited'> {
  const { xv6 } = debuggee;
  const { pid, name, state, slot, address, parentPid, size, pagetable, kernelTables, channel, trapframe } = process;
  const hart = hartOfProcess(debuggee, process)?.id;
  const registers = trapFrameRegisters(xv6, process);
  const directory = workingDirectory(xv6, process);
  return {
    pid,
    name,
    state,
    slot,
    address: hex(address),
    threadId: hart === undefined ? (processThread(debuggee, process) ?? 0) : hartThread(hart),
    ...(hart === undefined ? {} : { hart }),
    ...(parentPid === undefined ? {} : { parentPid }),
    ...(size === undefined ? {} : { size: hex(size) }),
    pageTables: [
      ...(pagetable === undefined
        ? []
        : [{ id: `pid:${pid}`, member: xv6.userTableMember ?? 'pagetable', root: hex(pagetable) }]),
      ...kernelTables.map(({ member, root }, index) => ({
        id: `pid:${pid}:${index === 0 ? 'kernel' : member}`,
        member,
        root: hex(root),
      })),
    ],
    ...stacksOf(debuggee, process),
    ...(channel ? { channel: { address: hex(channel), name: channelName(xv6, channel) } } : {}),
    ...(trapframe !== undefined && registers
      ? { trapFrame: { address: hex(trapframe), epc: hex(registers.pc), members: trapFrameMembers(xv6, process) } }
      : {}),
    files: openFiles(xv6, process),
    ...(directory === undefined ? {} : { workingDirectory: directory }),
  };
}

/** Its kernel stack, and what exec has put onto that of its program. */
function stacksOf(debuggee: Debuggee, process: Process): Pick<ProcessSummary, 'kernelStack' | 'arguments'> {
  const hart = hartOfProcess(debuggee, process);
  const stack = kernelStack(debuggee, process, hart);
  const sp = hart?.mode === Mode.User ? hart.x(X.sp) : trapFrameRegisters(debuggee.xv6, process)?.x[X.sp];
  const built = sp === undefined ? undefined : execStack(sp, userSpace(debuggee, process).read);
  return {
    ...(stack && {
      kernelStack: {
        ...{ address: hex(stack.address), size: stack.size },
        ...(stack.used !== undefined && { used: stack.used }),
        ...(stack.deepest !== undefined && { deepest: stack.deepest }),
      },
    }),
    ...(built && {
      arguments: {
        argv: hex(built.argv),
        strings: built.arguments.map(({ address, text }) => ({ address: hex(address), text })),
      },
    }),
  };
}
