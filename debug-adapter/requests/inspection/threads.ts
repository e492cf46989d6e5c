/** The protocol's threads request: the harts with what they run, and the processes that no hart runs (stack/threads.ts). */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { hartRuns, hartThread, parkedProcesses, processName, processThread } from '../../stack/threads';
import type { Body, SessionContext } from '../context';

export function threads({ running, stopped }: SessionContext): Body<DebugProtocol.ThreadsResponse> {
  if (!running) return { threads: [] };
  const { debuggee } = running;
  const harts = debuggee.harts.map((hart) => ({
    id: hartThread(hart.id),
    name: stopped
      ? `hart ${hart.id}: ${hartRuns(debuggee, hart, () => stopped.stack({ kind: 'hart', hart: hart.id }).map(({ name }) => name))}`
      : `hart ${hart.id}`,
  }));
  // While the machine runs, the state of a process would be out of date at once.
  const parked = stopped ? parkedProcesses(debuggee) : [];
  return {
    threads: [
      ...harts,
      ...parked.flatMap((process) => {
        const id = processThread(debuggee, process);
        return id === undefined ? [] : [{ id, name: processName(debuggee, process) }];
      }),
    ],
  };
}
