/** A debug session: a table from each request of the protocol to the function that answers it, and the state they share. */
import { Connection, type Channel, type Handler } from './dap/connection';
import { SnapshotHistory } from './page-tables/model';
import { Breakpoints } from './run-control/breakpoints';
import { Catchpoints } from './run-control/catchpoints';
import * as breakpoints from './requests/running/breakpoints';
import * as guest from './requests/xv6/console';
import { completions } from './requests/inspection/completions';
import { requireSession, SILENT_CLIENT, type SessionContext, type Host } from './requests/context';
import { conditionHolds, logMessage } from './evaluation/evaluation';
import * as data from './requests/running/data-breakpoints';
import { DataBreakpoints } from './run-control/data-breakpoints';
import type { ConditionEvaluator } from './run-control/conditions';
import { syntaxProblem } from './expressions/evaluate';
import * as evaluation from './requests/inspection/evaluate';
import { exceptionInfo } from './requests/running/exceptions';
import * as execution from './requests/running/execution';
import * as jump from './requests/running/goto';
import { initialize } from './requests/lifecycle/initialize';
import * as life from './requests/lifecycle/launch';
import * as memory from './requests/inspection/memory';
import * as modules from './requests/lifecycle/modules';
import * as tables from './requests/xv6/page-tables';
import * as source from './requests/inspection/source';
import * as processes from './requests/xv6/processes';
import * as stack from './requests/inspection/stack';
import { threads } from './requests/inspection/threads';
import * as variables from './requests/inspection/variables';

/** The arguments come from outside: each handler takes them as the protocol types them, and checks what it relies on. */
type Table = Readonly<Record<string, (context: SessionContext, args: never) => unknown>>;

export const REQUESTS: Table = {
  initialize,
  launch: life.launch,
  configurationDone: life.configurationDone,
  restart: life.restart,
  terminate: life.terminate,
  disconnect: life.disconnect,
  cancel: life.cancel,

  setBreakpoints: breakpoints.setBreakpoints,
  setFunctionBreakpoints: breakpoints.setFunctionBreakpoints,
  setInstructionBreakpoints: breakpoints.setInstructionBreakpoints,
  setExceptionBreakpoints: breakpoints.setExceptionBreakpoints,
  breakpointLocations: breakpoints.breakpointLocations,
  dataBreakpointInfo: data.dataBreakpointInfo,
  setDataBreakpoints: data.setDataBreakpoints,
  exceptionInfo,

  continue: execution.continueRun,
  pause: execution.pause,
  next: execution.next,
  stepIn: execution.stepIn,
  stepOut: execution.stepOut,
  stepInTargets: execution.stepInTargets,
  modules: modules.modules,
  threads,
  gotoTargets: jump.gotoTargets,
  goto: jump.goTo,
  restartFrame: jump.restartFrame,

  stackTrace: stack.stackTrace,
  loadedSources: stack.loadedSources,
  source: source.source,
  scopes: variables.scopes,
  variables: variables.variables,
  setVariable: variables.setVariable,
  evaluate: evaluation.evaluate,
  setExpression: evaluation.setExpression,
  completions,
  locations: source.locations,
  readMemory: memory.readMemory,
  writeMemory: memory.writeMemory,
  disassemble: memory.disassemble,

  'xv6.attachConsole': guest.attachConsole,
  'xv6.consoleInput': guest.consoleInput,
  'xv6.pageTable': tables.pageTable,
  'xv6.translate': tables.translate,
  'xv6.processes': processes.processes,
  'xv6.showThread': processes.showThread,
  'xv6.breakWhenRun': processes.breakWhenRun,
};

export class Session {
  private readonly context: SessionContext;

  constructor(channel: Channel, host: Host) {
    const connection = new Connection(channel, (command) => this.find(command));
    const evaluator: ConditionEvaluator = {
      condition: (...asked) => conditionHolds(requireSession(this.context).debuggee, ...asked),
      logText: (...asked) => logMessage(requireSession(this.context).debuggee, ...asked),
    };
    const problem = (expression: string): string | undefined => {
      const { running } = this.context;
      return running && syntaxProblem(expression, running.debuggee.image.binary);
    };
    this.context = {
      connection,
      host,
      evaluator: evaluator,
      breakpoints: new Breakpoints(),
      catchpoints: new Catchpoints(evaluator.condition, problem),
      dataBreakpoints: new DataBreakpoints(evaluator, problem),
      console: guest.guestConsole(connection),
      client: SILENT_CLIENT,
      memoryViews: new Map(),
      snapshots: new SnapshotHistory(),
      attributes: {},
      stops: 0,
    };
  }

  /** The client is gone: stops the machine and saves its disk. */
  async close(): Promise<void> {
    await this.context.connection.settled();
    await life.close(this.context);
  }

  private find(command: string): Handler | undefined {
    if (!Object.hasOwn(REQUESTS, command)) return undefined;
    const handler = REQUESTS[command];
    return handler && ((args) => handler(this.context, args as never));
  }
}
