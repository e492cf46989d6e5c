/** A run under the debugger as gdb is lent it. Back in time goes only the debugger that has the whole run; and nothing is changed there. */
import type { HostSockets } from '../../../emulator/network/host-sockets';
import type { Target } from '../../../gdb-stub/target';
import { UserError } from '../../dap/errors';
import type { Past } from '../../run-control/past/past';
import type { Runner } from '../../run-control/runner';
import type { Ended } from '../../run-control/stops';
import type { Debuggee } from '../debuggee';
import { GdbPort } from './gdb-port';

/** What the user's debugger is told of gdb. */
export interface GdbReports {
  /** gdb has let the machine run, or has changed it. */
  resumed(): void;
  changed(): void;
  /** What looks through the past unasked is to give way. */
  quiet(): Promise<void>;
  /** Something that the user should mend, while the run goes on. */
  problem(text: string): void;
  /** Something was thrown. Returns the words for the user. */
  failed(error: unknown): string;
}

/** What gdb may do to a run. */
interface SharedRun {
  readonly debuggee: Debuggee;
  readonly runner: Runner;
  readonly past: Past;
  /** The guest boots again. */
  reset(): void;
  ended(how: Ended): void;
}

/** The port on which gdb may come; undefined if the launch configuration names none. Throws a UserError where there can be none. */
export function gdbFor(run: SharedRun, sockets: HostSockets | undefined, reports: GdbReports): GdbPort | undefined {
  const { gdbPort } = run.debuggee.settings;
  if (gdbPort === undefined) return undefined;
  if (sockets === undefined)
    throw new UserError('"gdbPort" in the launch configuration: there are no sockets here; leave it out.');
  return new GdbPort(gdbPort, sockets, {
    target: targetOf(run, reports),
    get travelling() {
      return run.past.travelling;
    },
    quiet: () => reports.quiet(),
    problem: (text) => reports.problem(text),
    failed: (error) => reports.problem(`gdb is not answered: ${reports.failed(error)}`),
  });
}

function targetOf({ debuggee: { machine }, runner, past, reset, ended }: SharedRun, reports: GdbReports): Target {
  return {
    machine,
    get running() {
      return runner.running;
    },
    resume: () => {
      if (runner.running) {
        runner.wake();
      } else {
        reports.resumed();
        runner.start();
      }
    },
    halt: (hart) => runner.pause({ hart, reason: 'pause', description: 'Paused by gdb' }),
    apply: (input) => {
      if (past.isPast || !machine.apply(input)) return false;
      if (input.kind === 'reset') reset();
      reports.changed();
      return true;
    },
    past: () => undefined,
    release: () => undefined,
    quit: () => {
      runner.abandon();
      ended({ exitCode: 0, why: 'gdb has ended the machine.' });
    },
  };
}
