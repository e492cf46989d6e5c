/** A debug session: a table from each request of the protocol to the function that answers it, and the state they share. */
import { Connection, type Channel, type Handler } from './dap/connection';
import { ARGUMENTS } from './requests/arguments';
import * as backward from './requests/running/backward';
import * as bookmarks from './requests/running/bookmarks';
import * as breakpoints from './requests/running/breakpoints';
import * as guest from './requests/xv6/console';
import { completions } from './requests/inspection/completions';
import { newContext, type Host, type SessionContext } from './requests/context';
import * as data from './requests/running/data-breakpoints';
import * as evaluation from './requests/inspection/evaluate';
import { exceptionInfo } from './requests/running/exceptions';
import * as execution from './requests/running/execution';
import * as jump from './requests/running/goto';
import { initialize } from './requests/lifecycle/initialize';
import * as life from './requests/lifecycle/launch';
import * as memory from './requests/inspection/memory';
import * as numbers from './requests/inspection/number-format';
import * as modules from './requests/lifecycle/modules';
import * as tables from './requests/xv6/page-tables';
import { instants } from './requests/xv6/compared-tables';
import { exposure } from './requests/xv6/exposure';
import { frames } from './requests/xv6/frames';
import { watchEntry } from './requests/xv6/watched-entries';
import * as questions from './requests/running/questions';
import { query } from './requests/running/queries';
import { story } from './requests/running/stories';
import { timeline } from './requests/xv6/timeline';
import { checkVmprint, vmprint } from './requests/xv6/vmprint';
import { packets } from './requests/running/packets';
import { record } from './requests/running/recording';
import type { Command, RequestArguments, RequestTable } from './requests/request-table';
import type { Shape } from './requests/shape';
import * as source from './requests/inspection/source';
import * as processes from './requests/xv6/processes';
import * as stack from './requests/inspection/stack';
import { threads } from './requests/inspection/threads';
import * as variables from './requests/inspection/variables';

export const REQUESTS: RequestTable = {
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
  stepBack: backward.stepBack,
  reverseContinue: backward.reverseContinue,

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
  'xv6.exposure': exposure,
  'xv6.frames': frames,
  'xv6.instants': instants,
  'xv6.watchEntry': watchEntry,
  'xv6.translate': tables.translate,
  'xv6.setHexadecimal': numbers.setHexadecimal,
  'xv6.processes': processes.processes,
  'xv6.showThread': processes.showThread,
  'xv6.breakWhenRun': processes.breakWhenRun,
  'xv6.stepBackInto': backward.stepBackInto,
  'xv6.stepBackOut': backward.stepBackOut,
  'xv6.runBackTo': backward.runBackTo,
  'xv6.goTo': backward.goTo,
  'xv6.query': query,
  'xv6.whoWrote': questions.whoWrote,
  'xv6.whoPrinted': questions.whoPrinted,
  'xv6.story': story,
  'xv6.vmprint': vmprint,
  'xv6.checkVmprint': checkVmprint,
  'xv6.timeline': timeline,
  'xv6.record': record,
  'xv6.packets': packets,
  'xv6.branch': backward.branch,
  'xv6.bookmarks': bookmarks.bookmarks,
  'xv6.setBookmark': bookmarks.setBookmark,
  'xv6.removeBookmark': bookmarks.removeBookmark,
  'xv6.goToBookmark': bookmarks.goToBookmark,
};

const isCommand = (name: string): name is Command => Object.hasOwn(REQUESTS, name);

export class Session {
  private readonly context: SessionContext;

  constructor(channel: Channel, host: Host) {
    this.context = newContext(new Connection(channel, host.clock.later), host);
    this.context.connection.serve((name) => (isCommand(name) ? this.handler(name) : undefined));
  }

  /** The client is gone: stops the machine. */
  async close(): Promise<void> {
    await this.context.connection.settled();
    life.close(this.context);
  }

  /** Something was thrown that nobody expected: tells the user, as the program ends. */
  crashed(error: unknown): void {
    life.crash(this.context, error);
  }

  /** The one place where arguments from outside get the type of their request: no client is obliged to keep to it. */
  private handler<C extends Command>(command: C): Handler {
    const handle = REQUESTS[command];
    const shape: Shape<RequestArguments<C>> = ARGUMENTS[command];
    return (args) => {
      shape.check(args, '');
      const telling = this.context.telling?.telling;
      return telling ? telling.interrupt().then(() => handle(this.context, args)) : handle(this.context, args);
    };
  }
}
