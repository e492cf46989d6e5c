/**
 * Which arguments and which body belong to each request: the Debug Adapter Protocol's, as @vscode/debugprotocol types them,
 * and our own (protocol.ts). A handler that does not fit its request does not compile.
 */
import type { Later } from '../dap/connection';
import type { DebugProtocol as DAP } from '@vscode/debugprotocol';
import type { LaunchAttributes, Requests as OwnRequests } from '../protocol';
import type { SessionContext } from './context';

/** Of a type of the protocol; `any` there says that there are none. */
type Given<T, Without> = unknown extends T ? Without : NonNullable<T>;

interface Exchange<Request extends DAP.Request, Response extends DAP.Response> {
  arguments: Given<Request['arguments'], object>;
  response: Given<Response['body'], void>;
}

/** The requests of the protocol that this debugger supports. */
interface StandardRequests {
  initialize: Exchange<DAP.InitializeRequest, DAP.InitializeResponse>;
  /** The protocol leaves the attributes of a launch to the debugger. */
  launch: { arguments: LaunchAttributes; response: void };
  configurationDone: Exchange<DAP.ConfigurationDoneRequest, DAP.ConfigurationDoneResponse>;
  restart: { arguments: { arguments?: LaunchAttributes }; response: void };
  terminate: Exchange<DAP.TerminateRequest, DAP.TerminateResponse>;
  disconnect: Exchange<DAP.DisconnectRequest, DAP.DisconnectResponse>;
  cancel: Exchange<DAP.CancelRequest, DAP.CancelResponse>;

  setBreakpoints: Exchange<DAP.SetBreakpointsRequest, DAP.SetBreakpointsResponse>;
  setFunctionBreakpoints: Exchange<DAP.SetFunctionBreakpointsRequest, DAP.SetFunctionBreakpointsResponse>;
  setInstructionBreakpoints: Exchange<DAP.SetInstructionBreakpointsRequest, DAP.SetInstructionBreakpointsResponse>;
  setExceptionBreakpoints: Exchange<DAP.SetExceptionBreakpointsRequest, DAP.SetExceptionBreakpointsResponse>;
  breakpointLocations: Exchange<DAP.BreakpointLocationsRequest, DAP.BreakpointLocationsResponse>;
  dataBreakpointInfo: Exchange<DAP.DataBreakpointInfoRequest, DAP.DataBreakpointInfoResponse>;
  setDataBreakpoints: Exchange<DAP.SetDataBreakpointsRequest, DAP.SetDataBreakpointsResponse>;
  exceptionInfo: Exchange<DAP.ExceptionInfoRequest, DAP.ExceptionInfoResponse>;

  continue: Exchange<DAP.ContinueRequest, DAP.ContinueResponse>;
  pause: Exchange<DAP.PauseRequest, DAP.PauseResponse>;
  next: Exchange<DAP.NextRequest, DAP.NextResponse>;
  stepIn: Exchange<DAP.StepInRequest, DAP.StepInResponse>;
  stepOut: Exchange<DAP.StepOutRequest, DAP.StepOutResponse>;
  stepInTargets: Exchange<DAP.StepInTargetsRequest, DAP.StepInTargetsResponse>;
  gotoTargets: Exchange<DAP.GotoTargetsRequest, DAP.GotoTargetsResponse>;
  goto: Exchange<DAP.GotoRequest, DAP.GotoResponse>;
  restartFrame: Exchange<DAP.RestartFrameRequest, DAP.RestartFrameResponse>;

  stepBack: Exchange<DAP.StepBackRequest, DAP.StepBackResponse>;
  reverseContinue: Exchange<DAP.ReverseContinueRequest, DAP.ReverseContinueResponse>;

  modules: Exchange<DAP.ModulesRequest, DAP.ModulesResponse>;
  threads: Exchange<DAP.ThreadsRequest, DAP.ThreadsResponse>;
  stackTrace: Exchange<DAP.StackTraceRequest, DAP.StackTraceResponse>;
  loadedSources: Exchange<DAP.LoadedSourcesRequest, DAP.LoadedSourcesResponse>;
  source: Exchange<DAP.SourceRequest, DAP.SourceResponse>;
  scopes: Exchange<DAP.ScopesRequest, DAP.ScopesResponse>;
  variables: Exchange<DAP.VariablesRequest, DAP.VariablesResponse>;
  setVariable: Exchange<DAP.SetVariableRequest, DAP.SetVariableResponse>;
  evaluate: Exchange<DAP.EvaluateRequest, DAP.EvaluateResponse>;
  setExpression: Exchange<DAP.SetExpressionRequest, DAP.SetExpressionResponse>;
  completions: Exchange<DAP.CompletionsRequest, DAP.CompletionsResponse>;
  locations: Exchange<DAP.LocationsRequest, DAP.LocationsResponse>;
  readMemory: Exchange<DAP.ReadMemoryRequest, DAP.ReadMemoryResponse>;
  writeMemory: Exchange<DAP.WriteMemoryRequest, DAP.WriteMemoryResponse>;
  disassemble: Exchange<DAP.DisassembleRequest, DAP.DisassembleResponse>;
}

type AllRequests = StandardRequests & OwnRequests;

/** The name of a request. */
export type Command = keyof AllRequests;
export type RequestArguments<C extends Command> = AllRequests[C]['arguments'];
type ResponseBody<C extends Command> = AllRequests[C]['response'];

export type RequestHandler<C extends Command> = (
  context: SessionContext,
  args: RequestArguments<C>,
) => ResponseBody<C> | Promise<ResponseBody<C>> | Later<ResponseBody<C>>;

/** A handler for every request. */
export type RequestTable = { readonly [C in Command]: RequestHandler<C> };
