/** A debug session: a table from each request of the protocol to the function that answers it, and the state they share. */
import { Connection, type Channel, type Handler } from './connection';
import { TableMemory } from './page-tables/model';
import { Breakpoints } from './run-control/breakpoints';
import { Catchpoints } from './run-control/catchpoints';
import * as breakpoints from './requests/breakpoints';
import * as guest from './requests/console';
import { launched, type Context, type Host } from './requests/context';
import { conditionHolds } from './evaluation';
import { syntaxProblem } from './expressions/evaluate';
import * as evaluation from './requests/evaluate';
import { exceptionInfo } from './requests/exceptions';
import * as execution from './requests/execution';
import * as life from './requests/launch';
import * as memory from './requests/memory';
import * as modules from './requests/modules';
import * as tables from './requests/page-tables';
import * as stack from './requests/stack';
import { threads } from './requests/threads';
import * as variables from './requests/variables';

/** The arguments come from outside: each handler takes them as the protocol types them, and checks what it relies on. */
type Table = Readonly<Record<string, (context: Context, args: never) => unknown>>;

const REQUESTS: Table = {
  initialize: life.initialize,
  launch: life.launch,
  configurationDone: life.configurationDone,
  restart: life.restart,
  terminate: life.terminate,
  disconnect: life.disconnect,

  setBreakpoints: breakpoints.setBreakpoints,
  setFunctionBreakpoints: breakpoints.setFunctionBreakpoints,
  setInstructionBreakpoints: breakpoints.setInstructionBreakpoints,
  setExceptionBreakpoints: breakpoints.setExceptionBreakpoints,
  breakpointLocations: breakpoints.breakpointLocations,
  exceptionInfo,

  continue: execution.continueRun,
  pause: execution.pause,
  next: execution.next,
  stepIn: execution.stepIn,
  stepOut: execution.stepOut,
  stepInTargets: execution.stepInTargets,
  modules: modules.modules,
  threads,

  stackTrace: stack.stackTrace,
  loadedSources: stack.loadedSources,
  scopes: variables.scopes,
  variables: variables.variables,
  setVariable: variables.setVariable,
  evaluate: evaluation.evaluate,
  setExpression: evaluation.setExpression,
  readMemory: memory.readMemory,
  writeMemory: memory.writeMemory,
  disassemble: memory.disassemble,

  'xv6.attachConsole': guest.attachConsole,
  'xv6.consoleInput': guest.consoleInput,
  'xv6.pageTable': tables.pageTable,
  'xv6.translate': tables.translate,
};

export class Session {
  readonly #context: Context;

  constructor(channel: Channel, host: Host) {
    const connection = new Connection(channel, (command) => this.#find(command));
    this.#context = {
      connection,
      host,
      breakpoints: new Breakpoints(),
      catchpoints: new Catchpoints(
        (...asked) => conditionHolds(launched(this.#context).debuggee, ...asked),
        (expression) => {
          const { running } = this.#context;
          return running && syntaxProblem(expression, running.debuggee.image.binary);
        },
      ),
      console: guest.guestConsole(connection),
      clientTakesInvalidated: false,
      tableMemory: new TableMemory(),
      attributes: {},
      stops: 0,
    };
  }

  /** The client is gone: stops the machine and saves its disk. */
  async close(): Promise<void> {
    await this.#context.connection.settled();
    await life.close(this.#context);
  }

  #find(command: string): Handler | undefined {
    if (!Object.hasOwn(REQUESTS, command)) return undefined;
    const handler = REQUESTS[command];
    return handler && ((args) => handler(this.#context, args as never));
  }
}
