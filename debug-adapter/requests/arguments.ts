/**
 * The arguments of every request, as the Debug Adapter Protocol and protocol.ts define them. They are checked here, before
 * a handler sees them. The attributes of a launch are the exception: launch/attributes.ts checks them, in the words of launch.json.
 */
import type { DebugProtocol as DAP } from '@vscode/debugprotocol';
import { type ComparedTable, type PageTableArguments, type TranslateArguments, VMPRINT_FORMATS } from '../protocol';
import type { Command, RequestArguments } from './request-table';
import { anything, flag, listOf, object, oneOf, optional, type Shape, text, whole } from './shape';

/** Parts that several requests have. */
const optionalText = optional(text);
const optionalFlag = optional(flag);
const optionalWhole = optional(whole);
const ignored = optional<never>(anything as Shape<never>);
const nothing = object<Record<string, never>>({});

const source = object<DAP.Source>({
  name: optionalText,
  path: optionalText,
  sourceReference: optionalWhole,
  presentationHint: ignored,
  origin: ignored,
  sources: ignored,
  adapterData: ignored,
  checksums: ignored,
});
const format = optional(object<DAP.ValueFormat>({ hex: optionalFlag }));
const conditions = { condition: optionalText, hitCondition: optionalText };
const thread = object<{ threadId: number }>({ threadId: whole });
const frame = object<{ frameId: number }>({ frameId: whole });
const stepping = {
  threadId: whole,
  singleThread: optionalFlag,
  granularity: optional(oneOf('statement', 'line', 'instruction')),
};
const step = object<DAP.NextArguments>(stepping);

export const ARGUMENTS: { readonly [C in Command]: Shape<RequestArguments<C>> } = {
  initialize: object<DAP.InitializeRequestArguments>({
    clientID: optionalText,
    clientName: optionalText,
    adapterID: text,
    locale: optionalText,
    linesStartAt1: optionalFlag,
    columnsStartAt1: optionalFlag,
    pathFormat: optionalText,
    supportsVariableType: optionalFlag,
    supportsVariablePaging: optionalFlag,
    supportsRunInTerminalRequest: optionalFlag,
    supportsMemoryReferences: optionalFlag,
    supportsProgressReporting: optionalFlag,
    supportsInvalidatedEvent: optionalFlag,
    supportsMemoryEvent: optionalFlag,
    supportsArgsCanBeInterpretedByShell: optionalFlag,
    supportsStartDebuggingRequest: optionalFlag,
    supportsANSIStyling: optionalFlag,
  }),
  launch: nothing,
  configurationDone: nothing,
  restart: object<RequestArguments<'restart'>>({ arguments: optional(nothing) }),
  terminate: object<DAP.TerminateArguments>({ restart: optionalFlag }),
  disconnect: object<DAP.DisconnectArguments>({
    restart: optionalFlag,
    terminateDebuggee: optionalFlag,
    suspendDebuggee: optionalFlag,
  }),
  cancel: object<DAP.CancelArguments>({ requestId: optionalWhole, progressId: optionalText }),

  setBreakpoints: object<DAP.SetBreakpointsArguments>({
    source,
    breakpoints: optional(
      listOf(
        object<DAP.SourceBreakpoint>({
          line: whole,
          column: optionalWhole,
          ...conditions,
          logMessage: optionalText,
          mode: optionalText,
        }),
      ),
    ),
    lines: optional(listOf(whole)),
    sourceModified: optionalFlag,
  }),
  setFunctionBreakpoints: object<DAP.SetFunctionBreakpointsArguments>({
    breakpoints: listOf(object<DAP.FunctionBreakpoint>({ name: text, ...conditions })),
  }),
  setInstructionBreakpoints: object<DAP.SetInstructionBreakpointsArguments>({
    breakpoints: listOf(
      object<DAP.InstructionBreakpoint>({
        instructionReference: text,
        offset: optionalWhole,
        ...conditions,
        mode: optionalText,
      }),
    ),
  }),
  setExceptionBreakpoints: object<DAP.SetExceptionBreakpointsArguments>({
    filters: listOf(text),
    filterOptions: optional(
      listOf(object<DAP.ExceptionFilterOptions>({ filterId: text, condition: optionalText, mode: optionalText })),
    ),
    exceptionOptions: ignored,
  }),
  breakpointLocations: object<DAP.BreakpointLocationsArguments>({
    source,
    line: whole,
    column: optionalWhole,
    endLine: optionalWhole,
    endColumn: optionalWhole,
  }),
  dataBreakpointInfo: object<DAP.DataBreakpointInfoArguments>({
    variablesReference: optionalWhole,
    name: text,
    frameId: optionalWhole,
    bytes: optionalWhole,
    asAddress: optionalFlag,
    mode: optionalText,
  }),
  setDataBreakpoints: object<DAP.SetDataBreakpointsArguments>({
    breakpoints: listOf(
      object<DAP.DataBreakpoint>({
        dataId: text,
        accessType: optional(oneOf('read', 'write', 'readWrite')),
        ...conditions,
      }),
    ),
  }),
  exceptionInfo: thread,

  continue: object<DAP.ContinueArguments>({ threadId: whole, singleThread: optionalFlag }),
  pause: thread,
  next: step,
  stepIn: object<DAP.StepInArguments>({ ...stepping, targetId: optionalWhole }),
  stepOut: step,
  stepInTargets: frame,
  gotoTargets: object<DAP.GotoTargetsArguments>({ source, line: whole, column: optionalWhole }),
  goto: object<DAP.GotoArguments>({ threadId: whole, targetId: whole }),
  restartFrame: frame,
  stepBack: step,
  reverseContinue: object<DAP.ReverseContinueArguments>({ threadId: whole, singleThread: optionalFlag }),

  modules: object<DAP.ModulesArguments>({ startModule: optionalWhole, moduleCount: optionalWhole }),
  threads: nothing,
  stackTrace: object<DAP.StackTraceArguments>({
    threadId: whole,
    startFrame: optionalWhole,
    levels: optionalWhole,
    format: optional(
      object<DAP.StackFrameFormat>({
        hex: optionalFlag,
        parameters: optionalFlag,
        parameterTypes: optionalFlag,
        parameterNames: optionalFlag,
        parameterValues: optionalFlag,
        line: optionalFlag,
        module: optionalFlag,
        includeAll: optionalFlag,
      }),
    ),
  }),
  loadedSources: nothing,
  source: object<DAP.SourceArguments>({ source: optional(source), sourceReference: whole }),
  scopes: frame,
  variables: object<DAP.VariablesArguments>({
    variablesReference: whole,
    filter: optional(oneOf('indexed', 'named')),
    start: optionalWhole,
    count: optionalWhole,
    format,
  }),
  setVariable: object<DAP.SetVariableArguments>({ variablesReference: whole, name: text, value: text, format }),
  evaluate: object<DAP.EvaluateArguments>({
    expression: text,
    frameId: optionalWhole,
    line: optionalWhole,
    column: optionalWhole,
    source: optional(source),
    context: optionalText,
    format,
  }),
  setExpression: object<DAP.SetExpressionArguments>({ expression: text, value: text, frameId: optionalWhole, format }),
  completions: object<DAP.CompletionsArguments>({
    frameId: optionalWhole,
    text,
    column: whole,
    line: optionalWhole,
  }),
  locations: object<DAP.LocationsArguments>({ locationReference: whole }),
  readMemory: object<DAP.ReadMemoryArguments>({ memoryReference: text, offset: optionalWhole, count: whole }),
  writeMemory: object<DAP.WriteMemoryArguments>({
    memoryReference: text,
    offset: optionalWhole,
    allowPartial: optionalFlag,
    data: text,
  }),
  disassemble: object<DAP.DisassembleArguments>({
    memoryReference: text,
    offset: optionalWhole,
    instructionOffset: optionalWhole,
    instructionCount: whole,
    resolveSymbols: optionalFlag,
  }),

  'xv6.attachConsole': nothing,
  'xv6.consoleInput': object<{ text: string }>({ text }),
  'xv6.pageTable': object<PageTableArguments>({
    root: optionalText,
    hart: optionalWhole,
    compare: optional(object<ComparedTable>({ root: optionalText, instant: optionalText })),
  }),
  'xv6.exposure': object<RequestArguments<'xv6.exposure'>>({ root: optionalText }),
  'xv6.frames': nothing,
  'xv6.instants': nothing,
  'xv6.watchEntry': object<RequestArguments<'xv6.watchEntry'>>({ pteAddress: text, label: text, on: flag }),
  'xv6.setHexadecimal': object<RequestArguments<'xv6.setHexadecimal'>>({ hexadecimal: flag }),
  'xv6.translate': object<TranslateArguments>({ expression: text, frameId: optionalWhole, root: optionalText }),
  'xv6.processes': nothing,
  'xv6.showThread': object<{ threadId: number }>({ threadId: whole }),
  'xv6.stepBackInto': object<RequestArguments<'xv6.stepBackInto'>>({
    threadId: whole,
    granularity: optional(oneOf('instruction')),
  }),
  'xv6.stepBackOut': thread,
  'xv6.runBackTo': object<RequestArguments<'xv6.runBackTo'>>({ threadId: whole, path: text, line: whole }),
  'xv6.goTo': object<RequestArguments<'xv6.goTo'>>({
    instant: optionalText,
    time: optionalWhole,
    hart: optionalWhole,
    description: optionalText,
  }),
  'xv6.query': object<RequestArguments<'xv6.query'>>({ query: text, frameId: optionalWhole, most: optionalWhole }),
  'xv6.story': object<RequestArguments<'xv6.story'>>({ past: optionalFlag }),
  'xv6.checkVmprint': nothing,
  'xv6.vmprint': object<RequestArguments<'xv6.vmprint'>>({ format: oneOf(...VMPRINT_FORMATS), root: optionalText }),
  'xv6.timeline': object<RequestArguments<'xv6.timeline'>>({
    from: optionalWhole,
    to: optionalWhole,
    columns: optionalWhole,
    read: optional(oneOf('on', 'off', 'done')),
  }),
  'xv6.whoWrote': object<RequestArguments<'xv6.whoWrote'>>({
    name: optionalText,
    variablesReference: optionalWhole,
    frameId: optionalWhole,
    again: optionalFlag,
  }),
  'xv6.whoPrinted': object<RequestArguments<'xv6.whoPrinted'>>({ line: text, occurrence: optionalWhole }),
  'xv6.record': object<RequestArguments<'xv6.record'>>({ sources: optionalFlag }),
  'xv6.packets': nothing,
  'xv6.branch': nothing,
  'xv6.bookmarks': nothing,
  'xv6.setBookmark': object<RequestArguments<'xv6.setBookmark'>>({ name: text }),
  'xv6.removeBookmark': object<RequestArguments<'xv6.removeBookmark'>>({ id: whole }),
  'xv6.goToBookmark': object<RequestArguments<'xv6.goToBookmark'>>({ id: whole }),
  'xv6.breakWhenRun': object<RequestArguments<'xv6.breakWhenRun'>>({ pid: whole, on: optionalFlag }),
};
